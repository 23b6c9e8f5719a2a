"""Wrong answers to the exercises of notebook 01, and the property that each of them lacks."""

import math

import torch

from gan_tutorial.lesson.exercises.nb01 import folded, js_sum, kl_normals, log_likelihood, moments

GRID = torch.linspace(-16, 16, 641, dtype=torch.float64)


def _terms(x, mean, sd):
    return -0.5 * ((x - mean) / sd) ** 2 - torch.log(sd) - 0.5 * math.log(2 * math.pi)


def _kl(log_p, log_q):
    return (log_p.exp() * (log_p - log_q)).sum(-1) * (GRID[1] - GRID[0])


def _log_m(log_p, log_q):
    return torch.logaddexp(log_p, log_q) - math.log(2)


def _rounded(log_p, log_q):
    log_m = ((log_p.exp() + log_q.exp()) / 2).log()
    return (_kl(log_p, log_m) + _kl(log_q, log_m)) / 2


def _p_plus_q(log_p, log_q):
    log_m = torch.logaddexp(log_p, log_q)
    return (_kl(log_p, log_m) + _kl(log_q, log_m)) / 2


def _mean_of_logs(log_p, log_q):
    log_m = (log_p + log_q) / 2
    return (_kl(log_p, log_m) + _kl(log_q, log_m)) / 2


def _from_m(log_p, log_q):
    log_m = _log_m(log_p, log_q)
    return (_kl(log_m, log_p) + _kl(log_m, log_q)) / 2


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


def _normal(z):
    return torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


# (answer, name of the first property that it lacks)
WRONG = {
    "1.1": [
        (_terms, "one number"),
        (lambda x, m, s: _terms(x, m, s).exp().prod(-1).log(), "logarithm first"),
        (lambda x, m, s: -log_likelihood(x, m, s), "sign"),
        (lambda x, m, s: _terms(x, m, s).mean(-1), "sum, not mean"),
        (lambda x, m, s: (_terms(x, m, s) + 0.5 * math.log(2 * math.pi)).sum(-1), "height"),
        (lambda x, m, s: (_terms(x, m, s) + torch.log(s)).sum(-1), "sd lowers the peak"),
        (lambda x, m, s: (_terms(x, m, s) - torch.log(s)).sum(-1), "sd lowers the peak"),
        (lambda x, m, s: (-((x - m) ** 2) / (2 * s) - torch.log(s * math.sqrt(2 * math.pi))).sum(-1), "distance in sd"),
        (lambda x, m, s: (-(((x - m) / s) ** 2) - torch.log(s * math.sqrt(2 * math.pi))).sum(-1), "distance in sd"),
        (lambda x, m, s: _terms(x, m, s).sum(), "several Gaussians"),
    ],
    "1.2": [
        (lambda x: x.mean(), "kind"),
        (lambda x: (x.mean(), x.std(unbiased=False), len(x)), "two numbers"),
        (lambda x: (x.std(unbiased=False), x.mean()), "order"),
        (lambda x: (x.median(), x.std(unbiased=False)), "mean"),
        (lambda x: (x.mean(), x.std()), "n, not n - 1"),
        (lambda x: (x.mean(), x.var(unbiased=False)), "sd, not variance"),
        (lambda x: (x.mean(), x.square().mean().sqrt()), "sd"),
        (lambda x: (x.mean(), (x - x.mean()).abs().mean()), "sd"),
    ],
    "1.3": [
        (lambda a, s, b, t: math.log(t / s) + (s**2 + (a - b) ** 2) / (2 * t**2), "equal"),
        (lambda a, s, b, t: kl_normals(a, s, b, t) / math.log(2), "nats"),
        (lambda a, s, b, t: (a - b) ** 2 / 2, "widths"),
        (lambda a, s, b, t: kl_normals(b, t, a, s), "order"),
        (lambda a, s, b, t: (a - b) ** 2, "shift"),
        (lambda a, s, b, t: math.log(t / s) + (s**2 / t**2 - 1 + (a - b) ** 2) / 2, "scaled shift"),
        (lambda a, s, b, t: math.log(t / s) + s**2 / (2 * t**2) - 0.5 + (a - b) ** 2 / (2 * s**2), "all at once"),
        (lambda a, s, b, t: torch.log(t / s), "runs"),
    ],
    "1.4": [
        (_p_plus_q, "average"),
        (_mean_of_logs, "densities, not logarithms"),
        (_from_m, "order"),
        (lambda p, q: _kl(p, _log_m(p, q)), "both halves"),
        (lambda p, q: 2 * js_sum(p, q), "halves"),
        (lambda p, q: js_sum(p, q) + 1, "equal"),
        (_rounded, "far tails"),
        (lambda p, q: js_sum(p, q).sqrt(), "value"),
        (lambda p, q: js_sum(p, q).sum(), "rows"),
    ],
    "1.5": [
        (_variance, "one part"),
        (_raw_square, "one part"),
        (_unweighted, "mean"),
        (_mean_of_sds, "two points"),
        (_within_only, "two points"),
        (_sds_then_between, "widths"),
    ],
    "1.6": [
        (lambda x: folded(x).sum(), "shape"),
        (lambda x: 2 * _normal((x + 1).clamp(min=0).sqrt()), "slope"),
        (lambda x: folded(x) / 2, "both inputs"),
        (lambda x: folded(x) * math.sqrt(2 * math.pi), "both inputs"),
        (lambda x: _normal((x + 1).sqrt()) / (x + 1).sqrt(), "below"),
        (lambda x: _normal((x + 1).abs().sqrt()) / (x + 1).abs().sqrt(), "below"),
    ],
}
