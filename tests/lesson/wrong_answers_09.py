"""Wrong answers to the exercises of notebook 09, and the property that each of them lacks."""

import torch

from gan_tutorial.lesson.exercises.nb09 import closeness, look_ahead


def _apart(M):
    return (M[:, None] - M[None, :]).abs().sum(-1)


def _one_hot(at):
    return lambda D_x: torch.nn.functional.one_hot(at(D_x), len(D_x)).float()


def _last(D_x):
    q = torch.zeros_like(D_x)
    q[2 % len(D_x)] = 1  # right for the first D only
    return q


def _graph(create, d_loss, w, theta, k, eta):
    for _ in range(k):
        (slope,) = torch.autograd.grad(d_loss(w, theta), w, create_graph=create)
        w = w - eta * slope
    return w


def _blind(d_loss, w, theta, k, eta):
    return look_ahead(d_loss, w, theta.detach(), k, eta)


def _cut_off(d_loss, w, theta, k, eta):
    return look_ahead(d_loss, w, theta, k, eta).detach()


def _last_only(d_loss, w, theta, k, eta):
    for _ in range(k - 1):
        w = look_ahead(d_loss, w, theta, 1, eta).detach().requires_grad_()
    return look_ahead(d_loss, w, theta, min(k, 1), eta)


def _one_slope(d_loss, w, theta, k, eta):
    (slope,) = torch.autograd.grad(d_loss(w, theta), w, create_graph=True)
    return w - k * eta * slope


WRONG = {
    "9.1": [
        (lambda D_x: D_x.argmax(), "place"),
        (lambda D_x: D_x.max(), "value"),
        (_one_hot(lambda D_x: D_x.argmin()), "worst"),
        (lambda D_x: D_x / D_x.sum(), "in proportion"),
        (lambda D_x: D_x.softmax(0), "softmax"),
        (lambda D_x: (D_x == D_x.max()).float() * len(D_x), "sum"),
        (lambda D_x: torch.full_like(D_x, 1 / len(D_x)), "answer"),
        (_last, "elsewhere"),
        (lambda D_x: (D_x == D_x.max()).float(), "tie"),
        (lambda D_x: (D_x == D_x.max()).float() / (D_x == D_x.max()).sum(), "tie"),
        (lambda D_x: torch.nn.functional.one_hot(D_x.argmax(), len(D_x)), "whole numbers"),
    ],
    "9.2": [
        (lambda M: (-_apart(M)).exp() - torch.eye(len(M)), "shape"),
        (lambda M: (-_apart(M)).exp().sum(1), "itself"),
        (lambda M: (-torch.cdist(M, M)).exp().sum(1) - 1, "euclid"),
        (lambda M: (-(M[:, None] - M[None, :]).square().sum(-1)).exp().sum(1) - 1, "squared"),
        (lambda M: _apart(M).sum(1), "distance"),
        (lambda M: _apart(M).exp().sum(1) - 1, "sign"),
        (lambda M: (-_apart(M).sum(1)).exp(), "order"),
        (lambda M: closeness(M) / (len(M) - 1), "mean"),
        (lambda M: torch.zeros(len(M)), "equal"),
        (lambda M: (-2 * _apart(M)).exp().sum(1) - 1, "three"),
    ],
    "9.3": [
        (lambda d_loss, w, theta, k, eta: theta, "none"),
        (lambda d_loss, w, theta, k, eta: look_ahead(d_loss, w, theta, k, -eta), "up"),
        (lambda d_loss, w, theta, k, eta: look_ahead(d_loss, w, theta, k + (k > 0), eta), "one more"),
        (_one_slope, "one slope"),
        (lambda d_loss, w, theta, k, eta: look_ahead(d_loss, w, theta, k, eta / 2), "values"),
        (lambda *given: _graph(False, *given), "trap"),
        (_blind, "trap"),
        (_cut_off, "trap"),
        (_last_only, "gradient"),
    ],
}
