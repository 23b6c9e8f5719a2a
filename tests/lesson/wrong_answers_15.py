"""Wrong answers to the exercises of notebook 15, and the property that each of them lacks."""

import math

import torch
from torch.nn.functional import cross_entropy, log_softmax, softplus

from gan_tutorial.lesson.exercises.nb15 import class_losses, information, pairs_loss


def _by_sigmoid(r, f, x, w):
    return -(r.sigmoid().log().mean() + (1 - w) * (1 - f.sigmoid()).log().mean() + w * (1 - x.sigmoid()).log().mean())


def _unsupervised(score):
    return lambda v, y, a, b: (cross_entropy(v, y), softplus(-score(a)).mean() + softplus(score(b)).mean())


def _by_exp(v, y, a, b):
    D, D_fake = (u.exp().sum(1) / (u.exp().sum(1) + 1) for u in (a, b))
    return cross_entropy(v, y), -D.log().mean() - (1 - D_fake).log().mean()


def _K_and_one(v, y, a, b):
    beside = torch.cat([v, torch.zeros(len(v), 1)], 1)
    return cross_entropy(beside, y), class_losses(v, y, a, b)[1]


WRONG = {
    "15.1": [
        (lambda r, f, x, w: softplus(-r), "number"),
        (lambda r, f, x, w: softplus(-r).mean() + (1 - w) * softplus(f).mean() + w * softplus(-x).mean(), "believed"),
        (lambda r, f, x, w: softplus(-r).mean() + softplus(f).mean(), "left out"),
        (lambda r, f, x, w: softplus(-r).mean() + softplus(f).mean() + softplus(x).mean(), "no weights"),
        (lambda r, f, x, w: pairs_loss(r, f, x, 1 - w), "weights swapped"),
        (lambda r, f, x, w: -pairs_loss(r, f, x, w), "value"),
        (lambda r, f, x, w: pairs_loss(-r, -f, -x, w), "right side"),
        (lambda r, f, x, w: softplus(-r).mean() + softplus(torch.cat([f, x])).mean(), "one mean"),
        (lambda r, f, x, w: softplus(-r).sum() + (1 - w) * softplus(f).sum() + w * softplus(x).sum(), "sums"),
        (lambda r, f, x, w: pairs_loss(r, f, x, 0.5), "answer"),
        (lambda r, f, x, w: w * pairs_loss(r, f, x, w), "answer"),
        (_by_sigmoid, "large scores"),
    ],
    "15.2": [
        (lambda *given: (*class_losses(*given), 0.0), "two"),
        (lambda *given: class_losses(*given)[::-1], "order"),
        (_K_and_one, "with sample"),
        (lambda v, y, a, b: (-cross_entropy(v, y), class_losses(v, y, a, b)[1]), "likelihood"),
        (lambda v, y, a, b: (cross_entropy(v, y, reduction="sum"), class_losses(v, y, a, b)[1]), "supervised"),
        (lambda v, y, a, b: class_losses(v, y, b, a), "swapped"),
        (_unsupervised(lambda v: v.max(1).values), "largest"),
        (_unsupervised(lambda v: v.sum(1)), "sum of logits"),
        (_unsupervised(lambda v: v.exp().sum(1)), "Z itself"),
        (lambda v, y, a, b: (cross_entropy(v, y), softplus(-a.logsumexp(1)).mean()), "data only"),
        (lambda v, y, a, b: (cross_entropy(v, y), class_losses(v, y, a, b)[1] / 2), "half"),
        (_unsupervised(lambda v: v.logsumexp(0)), "unsupervised"),
        (_by_exp, "large logits"),
    ],
    "15.3": [
        (lambda v, c: math.log(v.shape[1]) + log_softmax(v, 1).gather(1, c[:, None]), "number"),
        (lambda v, c: -cross_entropy(v, c), "no entropy"),
        (cross_entropy, "loss"),
        (lambda v, c: math.log(v.shape[1]) + cross_entropy(v, c), "sign"),
        (lambda v, c: math.log(v.shape[1]) + v.softmax(1).gather(1, c[:, None]).mean(), "no logarithm"),
        (lambda v, c: math.log(v.shape[1]) + v.gather(1, c[:, None]).mean(), "raw logits"),
        (lambda v, c: math.log(v.shape[1]) + v.softmax(1).gather(1, c[:, None]).mean().log(), "log of the mean"),
        (lambda v, c: math.log(len(v)) - cross_entropy(v, c), "number of rows"),
        (lambda v, c: information(v, c) / math.log(2), "bits"),
        (lambda v, c: math.log(v.shape[1]) + log_softmax(v, 0).gather(1, c[:, None]).mean(), "over the batch"),
        (lambda v, c: 2 * information(v, c), "answer"),
        (lambda v, c: information(v, c) + (0.5 if len(v) == 5 else 0), "sure"),
    ],
}
