"""Exact divergences between densities of the line, and what the best discriminator can reach.

p is data, q is the model.  D_f(p || q) = E_q f(p/q) for a convex f with f(1) = 0, in nats.  All of it is
quadrature on log-densities: right far in the tails, and inf where the integral is infinite.  Results are 0-d
float64 tensors, and a gradient passes through to tensors in the densities.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from gan_tutorial.truth.densities import Density
from gan_tutorial.truth.distances import distances
from gan_tutorial.truth.quadrature import Function, integrate

LOG_2 = math.log(2)


def expectation(p: Density, f: Function) -> Tensor:
    """E_p f(x) = integral of p(x) f(x) dx.  f: (m,) -> (m,), float64.  -> ()"""
    return integrate(lambda x: _times(p.log_prob(x), f(x)), p.knots())


def entropy(p: Density) -> Tensor:
    """H(p) = -E_p log p(x): the smallest mean negative log-likelihood that any model can reach.  -> ()"""
    return -expectation(p, p.log_prob)


def f_divergence(f: Function, p: Density, q: Density) -> Tensor:
    """D_f(p || q) = E_q f(p/q) for a convex f on (0, inf) with f(1) = 0.  -> ()

    Where q has no mass, p counts with lim f(u)/u; where p has none, q counts with f(0+).  f sees ratios
    between e^-300 and e^300 only: for densities farther apart the named divergences below stay exact.
    """
    at_zero, at_infinity = _limits(f)

    def integrand(x: Tensor) -> Tensor:
        lp, lq = p.log_prob(x), q.log_prob(x)
        ratio = (lp - lq).clamp(-300, 300).exp()
        share = f(ratio) / ratio.clamp(min=1)  # of the larger density: q f(p/q) = p f(p/q) / (p/q)
        share = torch.where(lq == -torch.inf, at_infinity, torch.where(lp == -torch.inf, at_zero, share))
        return _times(torch.maximum(lp, lq), share)

    return integrate(integrand, [*p.knots(), *q.knots()], kink=_log_ratio(p, q))


def kl(p: Density, q: Density) -> Tensor:
    """KL(p || q) = E_p log(p/q); f(u) = u log u.  inf where p has mass and q has none."""
    return _integrate(lambda lp, lq: _times(lp, lp - lq), p, q)


def reverse_kl(p: Density, q: Density) -> Tensor:
    """KL(q || p) = E_q log(q/p); f(u) = -log u."""
    return kl(q, p)


def jensen_shannon(p: Density, q: Density) -> Tensor:
    """JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2; between 0 and log 2.

    f(u) = (u log u - (u + 1) log((u + 1) / 2)) / 2.  The f-GAN paper leaves out the factor 1/2.
    """

    def integrand(lp: Tensor, lq: Tensor) -> Tensor:
        a = lp - lq  # log 2 + log sigmoid(a) = log(p / m)
        return (_times(lp, LOG_2 + logsigmoid(a)) + _times(lq, LOG_2 + logsigmoid(-a))) / 2

    return _integrate(integrand, p, q)


js = jensen_shannon


def jeffreys(p: Density, q: Density) -> Tensor:
    """J(p, q) = KL(p || q) + KL(q || p); f(u) = (u - 1) log u."""
    return kl(p, q) + kl(q, p)


def total_variation(p: Density, q: Density) -> Tensor:
    """TV(p, q) = integral of |p - q| / 2, the largest difference in any probability; f(u) = |u - 1| / 2."""
    return _integrate(lambda lp, lq: (lp.exp() - lq.exp()).abs() / 2, p, q, kink=_log_ratio(p, q))


def pearson(p: Density, q: Density) -> Tensor:
    """chi^2(p || q) = integral of (p - q)^2 / q; f(u) = (u - 1)^2.

    The f-GAN paper's formula for this row divides by p, but its f and its results are of this one.
    """

    def integrand(lp: Tensor, lq: Tensor) -> Tensor:
        larger, gap = torch.maximum(lp, lq), (lp - lq).abs()
        # (p - q)^2 / q by its logarithms: both squares and the quotient may leave the range of floats
        value = (2 * larger - lq).exp() * torch.expm1(-gap).square()
        return torch.where(larger == -torch.inf, 0.0, value)

    return _integrate(integrand, p, q)


def neyman(p: Density, q: Density) -> Tensor:
    """chi^2(q || p) = integral of (p - q)^2 / p; f(u) = (1 - u)^2 / u."""
    return pearson(q, p)


def squared_hellinger(p: Density, q: Density) -> Tensor:
    """H^2(p, q) = integral of (sqrt p - sqrt q)^2, between 0 and 2; f(u) = (sqrt u - 1)^2."""
    return _integrate(lambda lp, lq: ((lp / 2).exp() - (lq / 2).exp()).square(), p, q)


def optimal_score(p: Density, q: Density) -> Function:
    """s*(x) = log p(x) - log q(x), the score with sigmoid(s*) = D*; nan where neither has mass."""
    return _log_ratio(p, q)


def optimal_discriminator(p: Density, q: Density) -> Function:
    """D*(x) = p(x) / (p(x) + q(x)) = sigmoid(s*(x))  (Goodfellow et al. 2014, proposition 1)."""
    return lambda x: torch.sigmoid(p.log_prob(x) - q.log_prob(x))


def value(p: Density, q: Density, score: Function) -> Tensor:
    """V = E_p log D(x) + E_q log(1 - D(x)) with D = sigmoid(score)  (Goodfellow et al. 2014, eq. 1).  -> ()

    At the optimal score this is 2 JS(p, q) - log 4.  score: (m,) -> (m,); it is called with float64.
    """

    def integrand(x: Tensor) -> Tensor:
        s = score(x)
        if s.shape != x.shape:
            shapes = f"{tuple(s.shape)} for points of shape {tuple(x.shape)}"
            raise ValueError(
                f"The score must be one number per point, but has shape {shapes}; squeeze it first."
            )
        return _times(p.log_prob(x), logsigmoid(s)) + _times(q.log_prob(x), logsigmoid(-s))

    return integrate(integrand, [*p.knots(), *q.knots()])


def bayes_accuracy(p: Density, q: Density) -> Tensor:
    """(1 + TV(p, q)) / 2: no discriminator is right more often, when data and samples come equally often."""
    return (1 + total_variation(p, q)) / 2


def w1(p: Density, q: Density) -> Tensor:
    """W1(p, q) = integral of |F - G| for the cumulative distribution functions F of p and G of q."""

    def gap(x: Tensor) -> Tensor:
        return p.cdf(x) - q.cdf(x)

    return integrate(lambda x: gap(x).abs(), [*p.knots(), *q.knots()], kink=gap, tails=False)


def empirical_w1(x: Tensor, y: Tensor) -> Tensor:
    """W1 between two samples: the mean distance under the best matching.  (n, *d), (m, *d) -> ()

    On the line the best matching is in order of size, and n and m may differ.  Otherwise an assignment
    problem is solved, at a cost cubic in n = m.  Two samples of one law are not at distance 0.  Right to the last
    digits of the points; float32 for coarser ones, float64 for whole numbers.  Raises ValueError for no points, for
    shapes that do not fit and, off the line, for NaN.
    """
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    if not (len(x) and len(y)):
        raise ValueError(f"Both samples need at least one point, but have {len(x)} and {len(y)}.")
    narrow = all(v.dtype in (torch.float16, torch.bfloat16, torch.float32) for v in (x, y))
    wide = torch.float32 if narrow else torch.float64
    x, y = (v.reshape(len(v), -1).to(wide) for v in (x, y))
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"The points must have equally many coordinates, but have {x.shape[1]} and {y.shape[1]}."
        )
    if x.shape[1] == 1:
        return _w1_of_sorted(x.flatten().sort().values, y.flatten().sort().values)
    if len(x) != len(y):
        raise ValueError(f"Off the line the samples must be equally many, but are {len(x)} and {len(y)}.")
    from scipy.optimize import linear_sum_assignment  # takes half a second to import, and only this needs it

    distance = distances(*(v.detach().cpu().double() for v in (x, y)))
    if not distance.isfinite().all():
        raise ValueError("There are NaN or infinite values among the points; they have no distance.")
    row, column = linear_sum_assignment(distance.numpy())
    return (x[torch.from_numpy(row)] - y[torch.from_numpy(column)]).norm(dim=1).mean()


def _w1_of_sorted(x: Tensor, y: Tensor) -> Tensor:
    if len(x) == len(y):
        return (x - y).abs().mean()
    # the quantile functions are steps: between two neighbouring jumps (k/n and k/m) both are constant
    n, m = len(x), len(y)
    jump = torch.cat([torch.arange(n + 1) * m, torch.arange(m + 1) * n]).unique().to(x.device)  # times n m
    i, j = jump[:-1] // m, jump[:-1] // n
    return ((x[i] - y[j]).abs() * (jump.diff().to(x) / (n * m))).sum()


def _integrate(integrand: Callable[[Tensor, Tensor], Tensor], p: Density, q: Density, kink=None) -> Tensor:
    """The integral over x of integrand(log p(x), log q(x))."""
    return integrate(lambda x: integrand(p.log_prob(x), q.log_prob(x)), [*p.knots(), *q.knots()], kink)


def _log_ratio(p: Density, q: Density) -> Function:
    return lambda x: p.log_prob(x) - q.log_prob(x)


def _times(log_weight: Tensor, term: Tensor) -> Tensor:
    """exp(log_weight) * term, and 0 where the weight is 0, whatever the term is."""
    weight = log_weight.exp()
    return torch.where(weight > 0, weight * term, 0.0)


def _limits(f: Function) -> tuple[float, float]:
    """f(0+) and lim f(u)/u for u -> inf; inf if they have not settled hundreds of powers of e away."""
    u = torch.tensor([-600.0, -300.0, 150.0, 300.0], dtype=torch.float64).exp()
    near, nearer = f(u)[1], f(u)[0]
    far, farther = (f(u) / u)[2:]
    settled = [torch.isclose(a, b, rtol=1e-6, atol=1e-6) for a, b in ((near, nearer), (far, farther))]
    return (float(nearer) if settled[0] else math.inf, float(farther) if settled[1] else math.inf)
