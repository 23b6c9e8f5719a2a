"""Exercises of notebook 06: a new f-GAN, the best score under mixed labels, a divergence of histograms."""

import torch
from torch import logaddexp

from gan_tutorial.lesson.exercises import Exercise, Property, register


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


# ---- 6.1: a new f-GAN -------------------------------------------------------------------------------------------


def triangular(s):
    """T(s) = f'(e^s) and f*(T(s)) for f(u) = (u - 1)^2 / (u + 1), with D = sigmoid(s).  (...) -> (...), (...)"""
    D = s.sigmoid()
    return (2 * D - 1) * (3 - 2 * D), (2 * D - 1) * (2 * D + 1)


_S = _t(-2.0, -0.5, 1.0, 3.0)


def _two(f):
    got = f(_S)
    return got if got is None or got is Ellipsis else str(isinstance(got, tuple) and len(got) == 2)


def _touch(f):
    T, f_star_T = f(_S)
    return T * _S.exp() - f_star_T  # the tangent, at the ratio at which it touches


TRIANGULAR = register(
    Exercise(
        id="6.1",
        reference=triangular,
        properties=(
            Property("two curves", _two, "Return both curves, `T, f_star_T`.", expected="True"),
            Property(
                "score zero",
                lambda f: torch.stack(f(_t(0.0))).flatten(),
                "At score 0 the ratio is 1, where f has its minimum 0: both curves should be 0 there, not {got}.",
            ),
            Property(
                "slope",
                lambda f: f(_S)[0],
                "T(s) should be f'(e^s): at the scores [-2, -0.5, 1, 3] that is {expected}, not {got}.",
            ),
            Property(
                "touches f",
                _touch,
                "The tangent T u - f*(T) should touch f at u = e^s, where f is {expected}; yours is at {got}.",
            ),
            Property(
                "far scores",
                lambda f: torch.cat(f(torch.tensor([-200.0, 200.0]))),
                "At the scores -200 and 200 (float32) T should be -3 and 1, and f*(T) -1 and 3; yours are {got}: exp "
                "overflows, so write both with D = s.sigmoid().",
            ),
        ),
        hints=(
            "f'(u) = (u - 1)(u + 3) / (u + 1)^2, and f*(f'(u)) = u f'(u) - f(u).",
            "f*(f'(u)) = (u - 1)(3u + 1) / (u + 1)^2. With D = sigmoid(s), u / (u + 1) is D and 1 / (u + 1) is 1 - D.",
            "T = (2D - 1)(3 - 2D) and f*(T) = (2D - 1)(2D + 1).",
        ),
        praise="A divergence that the paper's table does not list, and it cannot overflow.",
    )
)


# ---- 6.2: the best score under mixed labels ---------------------------------------------------------------------


def mixed_score(s, alpha, beta):
    """log ((1 - alpha) r + beta) / (alpha r + 1 - beta) with r = e^s.  (...), number, number -> (...)"""
    log = [torch.tensor(v, dtype=s.dtype).log() for v in (1 - alpha, beta, alpha, 1 - beta)]
    return logaddexp(s + log[0], log[1]) - logaddexp(s + log[2], log[3])


_R = _t(-1.5, 0.0, 2.0)

MIXED = register(
    Exercise(
        id="6.2",
        reference=mixed_score,
        properties=(
            Property(
                "no mixing",
                lambda f: f(_R, 0.0, 0.0),
                "With alpha = beta = 0 the best score is the log-ratio itself, {expected}, not {got}.",
            ),
            Property(
                "smoothing",
                lambda f: f(_R, 0.1, 0.0),
                "With alpha = 0.1 and beta = 0, at log-ratios [-1.5, 0, 2], it should be {expected}, not {got}.",
            ),
            Property(
                "flipping",
                lambda f: f(_R, 0.05, 0.05),
                "With alpha = beta = 0.05 it should be {expected}, not {got}.",
            ),
            Property(
                "unequal",
                lambda f: f(_R, 0.2, 0.1),
                "With alpha = 0.2 and beta = 0.1 it should be {expected}, not {got}.",
            ),
            Property(
                "far ratios",
                lambda f: f(torch.tensor([-500.0, 500.0]), 0.05, 0.05),
                "At log-ratios of -500 and 500 the score should reach its bounds {expected}, not {got}: use logaddexp.",
            ),
        ),
        hints=(
            "The best D is ((1 - alpha) p + beta q) / (p + q), and the score is log D - log(1 - D).",
            "1 - D = (alpha p + (1 - beta) q) / (p + q). Divide both by q: only r = e^s is left.",
            "log(a r + b) is torch.logaddexp(s + log a, log b), and log 0 = -inf is fine there.",
        ),
        praise="Finite at any ratio: smoothing puts in the ceiling, flipping the floor as well.",
    )
)


# ---- 6.3: a divergence of histograms ----------------------------------------------------------------------------


def histogram_divergence(f, x, fake, edges):
    """D_f of the shares of x (n,) and of fake (m,) in the bins between `edges` (k - 1,), and beyond.  -> ()"""
    bins = len(edges) + 1
    P, Q = (torch.bincount(torch.bucketize(v, edges), minlength=bins) / len(v) for v in (x, fake))
    met = Q > 0
    return (Q[met] * f(P[met] / Q[met])).sum()


def _chi2(u):
    return (u - 1).square()


def _kl(u):
    return u * u.log()


_EDGES = _t(0.0, 1.0)

HISTOGRAM = register(
    Exercise(
        id="6.3",
        reference=histogram_divergence,
        properties=(
            Property(
                "same points",
                lambda f: f(_chi2, _t(-1, 0.5, 2), _t(-1, 0.5, 2), _EDGES),
                "For the same points twice the divergence should be {expected}, not {got}.",
            ),
            Property(
                "three bins",
                lambda f: f(_chi2, _t(-1, -2, 0.5, 2), _t(-1, 0.5, 0.6, 3), _EDGES),
                "Shares (1/2, 1/4, 1/4) against (1/4, 1/2, 1/4) should give chi^2 = {expected}, not {got}.",
            ),
            Property(
                "unequal numbers",
                lambda f: f(_kl, _t(-1, 2), _t(-1, -1, -1, 5), _t(0.0)),
                "Compare shares, not counts: for 2 data and 4 samples KL should be {expected}, not {got}.",
            ),
            Property(
                "the last bin",
                lambda f: f(_chi2, _t(-1, -1), _t(-1, 5), _t(0.0)),
                "A bin may hold samples only, also the last one: chi^2 should be {expected}, not {got}.",
            ),
            Property(
                "an empty bin",
                lambda f: f(_kl, _t(-1, 2), _t(-1, 3), _EDGES),
                "A bin that is empty in both should add nothing: KL should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "torch.bucketize(x, edges) gives the number of the bin of each point, from 0 to len(edges).",
            "torch.bincount(..., minlength=len(edges) + 1) / len(x) gives the shares P; the same for Q.",
            "Sum Q * f(P / Q) over the bins with Q > 0.",
        ),
        praise="The best staircase, from counts alone.",
    )
)
