"""Wrong answers to the exercises of notebook 01, and the property that each of them lacks."""

import math

import torch

from gan_tutorial.lesson.exercises.nb01 import folded, kl_bells, moments


def _mean_of_sds(weights, means, sds):
    return moments(weights, means, sds)[0], sum(w * s for w, s in zip(weights, sds, strict=True))


def _within_only(weights, means, sds):
    return moments(weights, means, sds)[0], math.sqrt(sum(w * s**2 for w, s in zip(weights, sds, strict=True)))


def _sds_then_between(weights, means, sds):
    between = moments(weights, means, [0.0] * len(sds))[1]
    return moments(weights, means, sds)[0], math.hypot(_mean_of_sds(weights, means, sds)[1], between)


def _variance(weights, means, sds):
    mean, sd = moments(weights, means, sds)
    return mean, sd**2


def _unweighted(weights, means, sds):
    n = len(means)
    return moments([1 / n] * n, means, sds)


def _raw_square(weights, means, sds):
    mean, sd = moments(weights, means, sds)
    return mean, math.hypot(sd, mean)


def _bell(z):
    return torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


# (answer, name of the first property that it lacks)
WRONG = {
    "1.1": [
        (lambda a, s, b, t: math.log(t / s) + (s**2 + (a - b) ** 2) / (2 * t**2), "equal"),
        (lambda a, s, b, t: (a - b) ** 2 / 2, "direction"),
        (lambda a, s, b, t: kl_bells(b, t, a, s), "direction"),
        (lambda a, s, b, t: (a - b) ** 2, "shift"),
        (lambda a, s, b, t: math.log(t / s) + (s**2 / t**2 - 1 + (a - b) ** 2) / 2, "scaled shift"),
        (lambda a, s, b, t: math.log(t / s) + s**2 / (2 * t**2) - 0.5 + (a - b) ** 2 / (2 * s**2), "all at once"),
        (lambda a, s, b, t: torch.log(t / s), "runs"),
    ],
    "1.2": [
        (_variance, "one hill"),
        (_raw_square, "one hill"),
        (_unweighted, "mean"),
        (_mean_of_sds, "two points"),
        (_within_only, "two points"),
        (_sds_then_between, "widths"),
    ],
    "1.3": [
        (lambda x: folded(x).sum(), "shape"),
        (lambda x: 2 * _bell((x + 1).clamp(min=0).sqrt()), "slope"),
        (lambda x: folded(x) / 2, "both inputs"),
        (lambda x: folded(x) * math.sqrt(2 * math.pi), "both inputs"),
        (lambda x: _bell((x + 1).sqrt()) / (x + 1).sqrt(), "below"),
        (lambda x: _bell((x + 1).abs().sqrt()) / (x + 1).abs().sqrt(), "below"),
    ],
}
