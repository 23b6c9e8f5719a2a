"""Typical wrong answers to the exercises of notebook 13, each with the property that it lacks."""

import math

import torch

from gan_tutorial.lesson.exercises.nb13 import elbo, log_density, log_mass


def picked(log_cond, x):
    return log_cond.gather(2, x[..., None])[..., 0]


def log_normal(z, constants=None):
    d = z.shape[1] if constants is None else constants
    return -z.square().sum(1) / 2 - d / 2 * math.log(2 * math.pi)


WRONG = {
    "13.1": [
        (picked, "shape"),  # not added
        (lambda c, x: log_mass(c, x).sum(), "shape"),  # over the pictures, too
        (lambda c, x: log_mass(c, x).exp(), "probability"),
        (lambda c, x: picked(c, x).exp().prod(1), "probability"),
        (lambda c, x: -log_mass(c, x), "sign"),
        (lambda c, x: picked(c, x).mean(1), "mean"),
        (lambda c, x: picked(c, x)[:, -1], "last"),
        (lambda c, x: c.sum((1, 2)), "all levels"),
        (lambda c, x: c.max(2).values.sum(1), "likeliest"),
        (lambda c, x: picked(c.exp(), x).sum(1), "value"),  # probabilities added
        (lambda c, x: picked(c, x)[:, 1:].sum(1), "value"),  # without the first
        (lambda c, x: picked(c, x).prod(1), "value"),  # logarithms multiplied
        (lambda c, x: c.gather(2, x)[..., 0].sum(1), "runs"),  # x lacks a dimension
        (0.5, "function"),
    ],
    "13.2": [
        (lambda z, J: -z.square() / 2 + torch.linalg.slogdet(J)[1][:, None], "shape"),
        (lambda z, J: log_normal(z) + torch.log(torch.linalg.det(J)), "mirror"),  # no absolute value
        (lambda z, J: log_normal(z), "no slope"),
        (lambda z, J: log_normal(z) - torch.linalg.slogdet(J)[1], "inverse"),
        (lambda z, J: log_normal(z) + torch.linalg.det(J).abs(), "not a logarithm"),
        (lambda z, J: log_normal(z, 0) + torch.linalg.slogdet(J)[1], "constant"),
        (lambda z, J: log_normal(z, 1) + torch.linalg.slogdet(J)[1], "one constant"),
        (lambda z, J: log_density(z, J).exp(), "value"),  # the density
        (lambda z, J: log_normal(z) + J.diagonal(dim1=1, dim2=2).abs().log().sum(1), "value"),  # the diagonal only
        (lambda z, J: log_normal(z, 2) + torch.linalg.slogdet(J)[1], "any size"),  # two coordinates, always
    ],
    "13.3": [
        (lambda j, q: q * j - torch.xlogy(q, q), "shape"),
        (lambda j, q: elbo(j, q).mean(), "shape"),
        (lambda j, q: (q * j).sum(1), "no entropy"),
        (lambda j, q: (q * j + torch.xlogy(q, q)).sum(1), "sign"),
        (lambda j, q: torch.logsumexp(j, 1), "exact"),
        (lambda j, q: -elbo(j, q), "loss"),
        (lambda j, q: (j - q.log()).mean(1), "uniform"),
        (lambda j, q: torch.logsumexp(j, 1) - elbo(j, q), "gap"),
        (lambda j, q: (q * (j.exp() - q.log())).sum(1), "value"),
        (lambda j, q: (q * (j - q.log())).sum(1), "certain"),  # 0 log 0
    ],
}
