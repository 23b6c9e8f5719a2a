"""Optimal transport between weighted points, exactly: the cheapest plan and the potential that proves it cheapest.

W1(p, q) = inf over plans of E |x - y| = sup over 1-Lipschitz f of E_p f - E_q f.  POT solves both at once, by
the network simplex (Bonneel et al. 2011), for some thousands of points.  `divergences.w1` is faster on the line.
"""

import math
from typing import NamedTuple

import ot
import torch
from torch import Tensor

from gan_tutorial.truth.distances import distances

MOVES = 10_000_000  # of the network simplex, which needs a few for each point: a bound, not a plan


class Transport(NamedTuple):
    """The solution of both programmes; `cost` is their common value."""

    cost: float
    plan: Tensor  # (n, m) mass moved from x_i to y_j: rows add up to a, columns to b
    y_values: Tensor  # (m,) values of the best 1-Lipschitz f at y; `extend` continues it


def transport(x: Tensor, a: Tensor, y: Tensor, b: Tensor) -> Transport:
    """The cheapest way to move masses a at x to masses b at y.  (n, d), (n,), (m, d), (m,); float64.

    The cost is right to about nine digits, whatever the units of distance and mass.  Sums that differ by rounding are
    taken (up to one part in a million, as in float32): b is scaled to the sum of a.  Raises ValueError where the
    masses are negative, not finite, or their sums differ by more.
    """
    x, a, y, b = (torch.as_tensor(v).detach().to("cpu", torch.float64) for v in (x, a, y, b))
    n, m = len(a), len(b)
    if not (n and m and x.shape == (n, *y.shape[1:]) and y.shape == (m, *x.shape[1:]) and x.dim() == 2):
        shapes = ", ".join(str(tuple(v.shape)) for v in (x, a, y, b))
        raise ValueError(f"Expected x (n, d), a (n,), y (m, d), b (m,) with n, m > 0; the shapes are {shapes}.")
    total, other, least = float(a.sum()), float(b.sum()), float(min(a.min(), b.min()))
    if not (least >= 0 and abs(total - other) <= 1e-6 * total < torch.inf):
        raise ValueError(
            f"Masses must be >= 0 with equal sums; the sums are {total:.9g} and {other:.9g}, the least mass is "
            f"{least:.3g}. Divide each by its sum if that is what you mean."
        )
    # The squares of very short ways are 0, of very long ones inf: measured in a power of two, which rounds nothing.
    unit = 2.0 ** (math.frexp(float(x.abs().sum() + y.abs().sum()))[1] - 1)
    distance = unit * distances(x / unit, y / unit)  # (n, m)
    if not distance.isfinite().all():
        raise ValueError("There are NaN or infinite values among the points; they have no distance.")
    if not total:
        return Transport(0.0, torch.zeros_like(distance), torch.zeros_like(b))
    # POT's tolerances are absolute: the units are chosen so that all masses add up to 1 and the longest way is 1.
    length = float(distance.max()) or 1.0
    shares, ways = ((a / total).numpy(), (b / other).numpy()), (distance / length).numpy()
    plan, found = ot.emd(*shares, ways, numItermax=MOVES, log=True)
    if found["warning"]:
        raise RuntimeError(f"The cheapest plan was not found: {found['warning']}")
    plan = total * torch.from_numpy(plan)
    # What one more unit of mass at y_j would cost is -f(y_j): the potential on the other side is the dual.
    return Transport(float((plan * distance).sum()), plan, -length * torch.from_numpy(found["v"]))


def extend(values: Tensor, points: Tensor, x: Tensor) -> Tensor:
    """min over j of values_j + |x - points_j|: the largest 1-Lipschitz function below the values.

    Where the values themselves are 1-Lipschitz, it goes through them (McShane 1934).  (m,), (m, d), (n, d) -> (n,)
    """
    return (values + distances(x, points)).min(dim=1).values
