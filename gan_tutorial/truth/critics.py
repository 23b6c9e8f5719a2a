"""What the best critic looks like, where that is known: on the line with a gradient penalty, in the plane for points.

p is data, q is the model, F and G are their cumulative distribution functions; a critic scores data high.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gan_tutorial.truth.densities import Mixture, Normal
from gan_tutorial.truth.divergences import w1
from gan_tutorial.truth.quadrature import integrate, panels


def between(p: Normal, q: Normal) -> Mixture:
    """The law of u = x + t (y - x), x ~ p, y ~ q, t uniform on [0, 1], all independent: where a penalty looks.

    Given t it is N((1-t) mean_p + t mean_q, (1-t)^2 var_p + t^2 var_q); t is integrated by Gauss-Legendre quadrature on
    pieces so short that neighbouring normals overlap.  Its density is right to 1e-6.  Raises ValueError where the means
    are thousands of standard deviations apart: no sum of so many normals is worth its time.
    """
    # The variance is steep^2 ((t - narrow)^2 + width^2): equal pieces of u, t = narrow + width sinh(u), follow the sd.
    steep = math.hypot(p.sd, q.sd)
    narrow, width = (p.sd / steep) ** 2, p.sd * q.sd / steep**2
    low, high = math.asinh(-narrow / width), math.asinh((1 - narrow) / width)
    pieces = max(3, math.ceil((high - low) * max(1.0, abs(p.mean - q.mean) / steep / 6)))
    if pieces > 500:
        raise ValueError(
            f"The means {p.mean:g} and {q.mean:g} are too many standard deviations ({p.sd:g}, {q.sd:g}) apart for the "
            "law between them; take larger ones."
        )
    edges = [narrow + width * math.sinh(low + (high - low) * k / pieces) for k in range(1, pieces)]
    t, weight = panels([0.0, *edges, 1.0])
    total = float(weight.sum())
    laws = [
        Normal((1 - s) * p.mean + s * q.mean, math.hypot((1 - s) * p.sd, s * q.sd)) for s in t.tolist()
    ]
    return Mixture([w / total for w in weight.tolist()], laws)


def best_slope(p: Normal, q: Normal, weight: float) -> Callable[[Tensor], Tensor]:
    """x -> f'(x) = sign(G - F) (1 + |G - F| / (2 weight m)): the best critic's slope, m the density of `between`.

    It maximises E_p f - E_q f - weight E_m (|f'| - 1)^2 = integral of f' (G - F) - weight m (|f'| - 1)^2, point by
    point, and the one-sided penalty has the same best slope.  Right to 1e-4 up to 12 sd outside of both; nan beyond,
    where the sum of normals that stands for m has no digits.  (...) -> (...), float64
    """
    m = between(p, q)
    low, high = min(d.mean - 12 * d.sd for d in (p, q)), max(d.mean + 12 * d.sd for d in (p, q))

    def slope(x: Tensor) -> Tensor:
        x = torch.as_tensor(x, dtype=torch.float64)
        gap = _gap(p, q, x)
        steep = gap.sign() * (1 + (gap.abs().log() - m.log_prob(x)).exp() / (2 * weight))
        return steep.where((x >= low) & (x <= high), torch.nan)

    return slope


def toll(p: Normal, q: Normal, weight: float) -> Tensor:
    """integral of (G - F)^2 / (4 weight m): what the best critic pays as penalty.  -> (), float64

    Its score difference is W1 + 2 toll, its objective W1 + toll.  By Cauchy and Schwarz toll >= W1^2 / (4 weight).
    """
    m = between(p, q)
    knots = [*p.knots(), *q.knots()]
    for law in m.parts[:: len(m.parts) // 24]:  # between two narrow normals m is as uneven as they are
        knots += law.knots()[::4]
    return integrate(lambda x: (2 * _gap(p, q, x).abs().log() - m.log_prob(x)).exp(), knots) / (4 * weight)


def score_difference(p: Normal, q: Normal, weight: float) -> Tensor:
    """E_p f - E_q f of the best penalised critic: W1 + 2 toll.  -> (), float64"""
    return w1(p, q) + 2 * toll(p, q, weight)


def _gap(p: Normal, q: Normal, x: Tensor) -> Tensor:
    """G - F with all its digits on both sides: beyond the means by the upper tails, which do not round to 1."""
    x, right = x.double(), x > max(p.mean, q.mean)
    tails = [torch.special.erfc(torch.where(right, x - d.mean, d.mean - x) / (d.sd * 2**0.5)) / 2 for d in (p, q)]
    return torch.where(right, tails[0] - tails[1], tails[1] - tails[0])


def potential(points: Tensor, samples: Tensor) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The best 1-Lipschitz critic between equal masses on k points and n samples, and its score difference: W1.

    f(x) = max_j (f_j - |x - points_j|), where the f_j maximise mean_j f(points_j) - mean_i f(samples_i): a concave
    function of k numbers (semi-discrete duality: Peyré & Cuturi 2019, sec. 5.2), solved by `transport`, which says what
    it cannot take.  points (k, d), samples (n, d) -> x (m, d) -> (m,);  ()
    """
    from gan_tutorial.truth.transport import extend, transport  # takes a second to import, and only this needs it

    points, samples = points.detach().double(), samples.detach().double()
    even = [torch.full((len(v),), 1 / max(len(v), 1), dtype=torch.float64) for v in (samples, points)]
    low = transport(samples, even[0], points, even[1]).y_values.to(points.device)  # of -f, which the samples score high

    def critic(x: Tensor) -> Tensor:
        return -extend(low, points, x.double())

    return critic, critic(points).mean() - critic(samples).mean()
