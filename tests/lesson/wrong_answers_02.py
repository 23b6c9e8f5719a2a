"""Typical wrong answers to the exercises of notebook 02, each with the property that it lacks."""

import math

import torch
from torch.nn.functional import softplus

from gan_tutorial.lesson.exercises.nb02 import jensen_shannon, loaded_loss, value


def kl(a, b, dx):
    return (torch.xlogy(a, a) - torch.xlogy(a, b)).sum() * dx


def in_bits(p, q, dx):
    m = (p + q) / 2
    return 0.5 * (p * torch.log2(p / m)).sum() * dx + 0.5 * (q * torch.log2(q / m)).sum() * dx


def quotients(p, q, dx):
    m = (p + q) / 2
    return (torch.xlogy(p, p / m) + torch.xlogy(q, q / m)).sum() * dx / 2


def _where_both_are(p, q, D, dx):
    both = (p > 0) & (q > 0)
    terms = p * D.clamp(1e-300).log() + q * (1 - D).clamp(1e-300).log()
    return torch.where(both, terms, 0 * terms).sum() * dx if bool(both.any()) else torch.tensor(0.0)


def _by_the_value(p, q, dx):
    D = torch.nan_to_num(p / (p + q))
    return ((torch.xlogy(p, D) + torch.xlogy(q, 1 - D)).sum() * dx + 2 * math.log(2)) / 2


WRONG = {
    "2.1": [
        (lambda p, q: p / q, "ratio"),  # the ratio, not the share
        (lambda p, q: torch.log(p) - torch.log(q), "score"),
        (lambda p, q: p, "equal"),
        (lambda p, q: (p / (p + q)).mean(), "shape"),
        (lambda p, q: q / (p + q), "side"),  # the probability of a sample
        (lambda p, q: torch.sigmoid(p - q), "maximum"),
        (lambda p, q: p.sqrt() / (p.sqrt() + q.sqrt()), "maximum"),
        (lambda p, q: torch.where(p == q, 0.5, (p > q).float()), "maximum"),  # the decision, not the probability
        (lambda p: p, "runs"),
        (0.5, "function"),
    ],
    "2.2": [
        (_where_both_are, "one zero"),
        (lambda p, q, D, dx: (torch.xlogy(p, D) + torch.xlogy(q, 1 - D)) * dx, "number"),
        (lambda p, q, D, dx: (torch.xlogy(p, D) + torch.xlogy(q, 1 - D)).sum(), "dx"),  # forgotten
        (lambda p, q, D, dx: value(p, q, D, dx) / 2, "half"),  # -J(D)
        (lambda p, q, D, dx: -value(p, q, D, dx), "sign"),  # the loss
        (lambda p, q, D, dx: value(p, q, D, dx) / math.log(2), "shrug"),  # in bits
        (lambda p, q, D, dx: (torch.xlogy(p, D) + torch.xlogy(q, 1 - D)).mean(), "shrug"),
        (lambda p, q, D, dx: (torch.xlogy(p, D) + torch.xlogy(q, D)).sum() * dx, "misprint"),
        (lambda p, q, D, dx: value(q, p, D, dx), "swapped"),
        (lambda p, q, D, dx: (torch.xlogy(p, D) - torch.xlogy(q, D)).sum() * dx, "shrug"),
        (lambda p, q, D, dx: (torch.xlogy(p, D) + torch.xlogy(p, 1 - D)).sum() * dx, "fakes"),
        (lambda p, q, D, dx: (p * D.log() + q * (1 - D).log()).sum() * dx, "zeros"),
        (lambda p, q, D, dx: value(p, q, D.clamp(1e-3, 1 - 1e-3), dx), "zeros"),
    ],
    "2.3": [
        (_by_the_value, "far apart"),
        (lambda p, q, dx: kl(p, p + q, dx) / 2 + kl(q, p + q, dx) / 2, "equal"),  # m without its half
        (lambda p, q, dx: jensen_shannon(p, q, dx) / math.log(2), "bits"),
        (in_bits, "bits"),
        (lambda p, q, dx: jensen_shannon(p, q, dx) / dx, "dx"),  # forgotten
        (quotients, "disjoint"),  # 0/0 where both densities are 0
        (lambda p, q, dx: 2 * jensen_shannon(p, q, dx), "sum"),
        (lambda p, q, dx: kl(p, q, dx), "kl"),
        (lambda p, q, dx: jensen_shannon(p, q, dx).sqrt(), "root"),
        (lambda p, q, dx: kl((p + q) / 2, p, dx) / 2 + kl((p + q) / 2, q, dx) / 2, "turned"),
        (lambda p, q, dx: kl(p, (p + q) / 2, dx), "one side"),  # equal for a shift only
        (lambda p, q, dx: kl(q, (p + q) / 2, dx), "mean"),
        (lambda p, q, dx: kl(q, p, dx), "mean"),
        (
            lambda p, q, dx: ((p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log()) / 2).sum() * dx,
            "disjoint",
        ),
    ],
    "2.4": [
        (lambda s, s_fake, weight: weight * softplus(-s) + softplus(s_fake), "number"),
        (lambda s, s_fake, weight: -loaded_loss(s, s_fake, weight), "value"),
        (lambda s, s_fake, weight: softplus(-s).mean() + weight * softplus(s_fake).mean(), "samples"),
        (lambda s, s_fake, weight: weight * (softplus(-s).mean() + softplus(s_fake).mean()), "both"),
        (lambda s, s_fake, weight: weight * softplus(s).mean() + softplus(-s_fake).mean(), "labels"),
        (lambda s, s_fake, weight: weight * -s.mean() + s_fake.mean(), "fair"),
        (lambda s, s_fake, weight: softplus(-s).mean() + softplus(s_fake).mean(), "weight"),  # no weight at all
        (lambda s, s_fake, weight: softplus(-weight * s).mean() + softplus(s_fake).mean(), "weight"),
    ],
}
