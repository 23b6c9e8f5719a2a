"""Integrals on the line to nearly all digits: Gauss-Legendre on many short panels, in float64."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]  # (m,) -> (m,), float64


def panels(edges: Sequence[float] | Tensor, order: int = 16) -> tuple[Tensor, Tensor]:
    """Nodes and weights of Gauss-Legendre quadrature between neighbouring edges.  -> (m,), (m,), float64"""
    edges = torch.as_tensor(edges, dtype=torch.float64)
    node, weight = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(order))
    half = edges.diff()[:, None] / 2
    return (edges[:-1, None] + half * (1 + node)).flatten(), (half * weight).flatten()


def integrate(
    f: Function, knots: Sequence[float], kink: Function | None = None, tails: bool = True
) -> Tensor:
    """The integral of f over the line; inf where it does not converge.  -> (), float64

    f should be smooth between the knots, except where the function `kink` changes its sign.  With `tails`,
    panels are added beyond the outer knots until f has died away; an f that is still alive a hundred thousand
    times as far away counts as one whose integral does not converge.  A gradient passes through f, not through the
    knots.
    """
    edges = torch.tensor(sorted(set(knots)), dtype=torch.float64)
    if kink is not None:
        edges = torch.cat([edges, _sign_changes(kink, edges)]).sort().values
    x, weight = panels(edges)
    value = f(x)
    total, peak = (weight * value).sum(), value.detach().abs().max()
    if not tails:
        return total
    span = float(edges[-1] - edges[0])
    for end, direction, tail in ((float(edges[0]), -1, value[:2].flip(0)), (float(edges[-1]), 1, value[-2:])):
        width = span / 2
        # a tail that is tiny yet growing is alive too: a rare part of a mixture may have the heavier tail
        while tail[1].isfinite() and (tail[1].abs() > 1e-17 * peak or tail[1].abs() > tail[0].abs()):
            if width > 1e5 * span:  # not much farther, rounding in x^2 is larger than the logarithm of f
                return torch.tensor(torch.inf, dtype=torch.float64)
            x, weight = panels(end + direction * width * torch.linspace(0, 1, 65, dtype=torch.float64))
            value = f(x)
            total = total + direction * (weight * value).sum()
            peak = torch.maximum(peak, value.detach().abs().max())
            tail, end, width = value[-2:], end + direction * width, 2 * width
    return total


@torch.no_grad()
def _sign_changes(g: Function, edges: Tensor) -> Tensor:
    """Where g changes its sign, found by bisection between neighbouring nodes.  -> (k,)"""
    x, _ = panels(edges)
    sign = g(x).sign()
    change = sign[:-1] * sign[1:] < 0
    low, high, sign_low = x[:-1][change], x[1:][change], sign[:-1][change]
    for _ in range(60 if len(low) else 0):
        middle = (low + high) / 2
        same = g(middle).sign() == sign_low
        low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    return low
