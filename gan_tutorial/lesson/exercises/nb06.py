"""Exercises of notebook 06: the two terms of the bound, a divergence of histograms, a new f-GAN, mixed labels."""

import torch
from torch import logaddexp

from gan_tutorial.lesson.exercises import Exercise, Property, agree, has_slopes, register


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


def _differs(of, other):
    # What a known wrong answer gives there must not come back: "True" where it does.
    return lambda f: str(agree(of(f), of(other), 1e-4))


# ---- 6.1: the two terms of the bound ----------------------------------------------------------------------------


def two_terms(real, fake):
    """E_p T and E_q f*(T) of reverse KL, from scores of data (n,) and of samples (m,).  -> (), ()"""
    return -torch.exp(-real).mean(), (fake - 1).mean()


_REAL, _FAKE = _t(-0.5, 0.25, 1.5), _t(-2.0, 0.5)


def _pair(f):
    got = f(_REAL, _FAKE)
    if got is None or got is Ellipsis:
        return got
    two = isinstance(got, tuple | list) and len(got) == 2
    return str(two and all(torch.as_tensor(v).numel() == 1 for v in got))


def _terms(f):
    return torch.stack([torch.as_tensor(v, dtype=torch.float64).reshape(()) for v in f(_REAL, _FAKE)])


def _first(f):
    return f(_REAL, _FAKE)[0]


def _second(f):
    return f(_REAL, _FAKE)[1]


TWO_TERMS = register(
    Exercise(
        id="6.1",
        reference=two_terms,
        properties=(
            Property(
                "two means",
                _pair,
                "Return two numbers, the mean of T over data and the mean of f*(T) over samples; a mean is one number "
                "for the whole batch.",
                expected="True",
            ),
            Property(
                "exchanged",
                _differs(_terms, lambda real, fake: two_terms(fake, real)),
                "Data and samples are exchanged: T is averaged over the scores of data (`real`), f*(T) over those of "
                "samples (`fake`).",
                expected="False",
            ),
            Property(
                "sums",
                _differs(_terms, lambda real, fake: (-torch.exp(-real).sum(), (fake - 1).sum())),
                "These are sums: a bound that grows with the size of the batch bounds nothing. Take means.",
                expected="False",
            ),
            Property(
                "loss in place of bound",
                _differs(_first, lambda real, fake: (-two_terms(real, fake)[0], 0)),
                "The first term has the wrong sign: T = -exp(-s) is negative. (D's loss will be minus the bound; here "
                "we want the two terms of the bound itself.)",
                expected="False",
            ),
            Property(
                "score in place of slope",
                _differs(_first, lambda real, fake: (real.mean(), 0)),
                "The first term is the mean of the scores themselves: put them through T(s) = -exp(-s) first.",
                expected="False",
            ),
            Property(
                "first term",
                _first,
                "For data with the scores [-0.5, 0.25, 1.5] the mean of T(s) = -exp(-s) should be {expected}, not "
                "{got}.",
            ),
            Property(
                "T in place of f*",
                _differs(_second, lambda real, fake: (0, -torch.exp(-fake).mean())),
                "The second term is the mean of T over samples; f* of it is asked for.",
                expected="False",
            ),
            Property(
                "negated",
                _differs(_second, lambda real, fake: (0, (1 - fake).mean())),
                "The second term has the wrong sign: return the mean of f*(T) itself; the bound is the first minus "
                "the second.",
                expected="False",
            ),
            Property(
                "second term",
                _second,
                "For samples with the scores [-2, 0.5] the mean of f*(T(s)) should be {expected}, not {got}.",
            ),
            Property(
                "far scores",
                lambda f: f(torch.zeros(2), torch.tensor([200.0, -200.0]))[1],
                "Samples with scores of 200 and -200 (float32) should give {expected}, not {got}: exp(-s) is 0 or "
                "infinite there. On paper the logarithm undoes the exponential; write what is left.",
            ),
            has_slopes(lambda f, real, fake: f(real, fake), (_REAL, _FAKE), "`real` and in `fake`"),
        ),
        hints=(
            "Over which points is T averaged in the bound, and over which f*(T)?",
            "The first term is -exp(-s), averaged over `real`. For the second put t = -exp(-s) into -1 - log(-t).",
            "log(exp(-s)) = -s, so f*(T(s)) = -1 + s. Return (-torch.exp(-real)).mean() and the mean of s - 1 over "
            "`fake`.",
        ),
        praise="Two means, no density: minus their difference is a discriminator's loss.",
    )
)


# ---- 6.2: a divergence of histograms ----------------------------------------------------------------------------


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


def _uneven(f):
    return f(_kl, _t(-1, -1, -1, 5), _t(-1, -1, 5, 5), _t(0.0))


HISTOGRAM = register(
    Exercise(
        id="6.2",
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
                "exchanged",
                _differs(_uneven, lambda f, x, fake, edges: histogram_divergence(f, fake, x, edges)),
                "Data and samples are exchanged: this is D_f(q || p). P are the shares of the data, Q those of the "
                "samples, and it is Q that stands in front of f and in the denominator.",
                expected="False",
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
            "Which bin does each point fall into, and which share of the data, and of the samples, does each bin hold?",
            "torch.bucketize(x, edges) gives the number of the bin of each point, from 0 to len(edges).",
            "torch.bincount(..., minlength=len(edges) + 1) / len(x) gives the shares P; the same for Q.",
            "Sum Q * f(P / Q) over the bins with Q > 0.",
        ),
        praise="The best staircase, from counts alone.",
    )
)


# ---- 6.3: a new f-GAN -------------------------------------------------------------------------------------------


def triangular(s):
    """T(s) = f'(e^s) and f*(T(s)) for f(u) = (u - 1)^2 / (u + 1), with D = sigmoid(s).  (...) -> (...), (...)"""
    D = s.sigmoid()
    return (2 * D - 1) * (3 - 2 * D), (2 * D - 1) * (2 * D + 1)


_S = _t(-2.0, -0.5, 1.0, 3.0)


def _two(f):
    got = f(_S)
    return got if got is None or got is Ellipsis else str(isinstance(got, tuple | list) and len(got) == 2)


def _touch(f):
    T, f_star_T = f(_S)
    return T * _S.exp() - f_star_T  # the tangent, at the ratio at which it touches


TRIANGULAR = register(
    Exercise(
        id="6.3",
        reference=triangular,
        properties=(
            Property("two functions", _two, "Return both, `T, f_star_T`.", expected="True"),
            Property(
                "score zero",
                lambda f: torch.stack(f(_t(0.0))).flatten(),
                "At score 0 the ratio is 1, where f has its minimum 0: both should be 0 there, not {got}.",
            ),
            Property(
                "f in place of its slope",
                _differs(lambda f: f(_S)[0], lambda s: ((s.exp() - 1).square() / (s.exp() + 1), 0)),
                "Your T is f itself at the ratio e^s; T is the *slope* of f there.",
                expected="False",
            ),
            Property(
                "exchanged",
                _differs(lambda f: f(_S)[0], lambda s: triangular(s)[::-1]),
                "The two are exchanged: T comes first, then f*(T).",
                expected="False",
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
            has_slopes(lambda f, s: f(s), (_t(1.0),), "the score, of T and f*(T),"),
        ),
        hints=(
            "At which ratio does the best tangent touch f, if the score is s? Which slope has f there?",
            "By the quotient rule f'(u) = (u - 1)(u + 3) / (u + 1)^2. Put it into f*(T) = u f'(u) - f(u).",
            "With D = sigmoid(s), (u - 1) / (u + 1) is 2D - 1. Write (u + 3) / (u + 1) in the same way, and "
            "f*(T) = (u - 1)(3u + 1) / (u + 1)^2.",
            "T = (2D - 1)(3 - 2D) and f*(T) = (2D - 1)(2D + 1).",
        ),
        praise="A divergence that the paper's table does not list, and it cannot overflow.",
    )
)


# ---- 6.4: the best score under mixed labels ---------------------------------------------------------------------


def mixed_score(s, alpha, beta):
    """log ((1 - alpha) r + beta) / (alpha r + 1 - beta) with r = e^s.  (...), number, number -> (...)"""
    log = [torch.tensor(v, dtype=s.dtype).log() for v in (1 - alpha, beta, alpha, 1 - beta)]
    return logaddexp(s + log[0], log[1]) - logaddexp(s + log[2], log[3])


_R = _t(-1.5, 0.0, 2.0)

MIXED = register(
    Exercise(
        id="6.4",
        reference=mixed_score,
        properties=(
            Property(
                "no mixing",
                lambda f: f(_R, 0.0, 0.0),
                "With alpha = beta = 0 the best score is the log-ratio itself, {expected}, not {got}.",
            ),
            Property(
                "exchanged",
                _differs(lambda f: f(_R, 0.1, 0.0), lambda s, alpha, beta: mixed_score(s, beta, alpha)),
                "alpha and beta are exchanged: alpha is the share of the *data* that is called fake, and takes away "
                "from p; beta is the share of the *samples* that is called real.",
                expected="False",
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
            "If D is ((1 - alpha) p + beta q) / (p + q), what is 1 - D? And what is left of D / (1 - D)?",
            "1 - D = (alpha p + (1 - beta) q) / (p + q). Divide both by q: only r = e^s is left.",
            "log(a r + b) is torch.logaddexp(s + log a, log b), and log 0 = -inf is fine there.",
            "logaddexp(s + log(1 - alpha), log beta) - logaddexp(s + log alpha, log(1 - beta)), with logarithms of "
            "tensors: torch.tensor(alpha).log().",
        ),
        praise="Finite at any ratio: smoothing puts in the ceiling, flipping the floor as well.",
    )
)
