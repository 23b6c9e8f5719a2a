"""Optimal transport between weighted points, exactly: the cheapest plan and the potential that proves it cheapest.

W1(p, q) = inf over plans of E |x - y| = sup over 1-Lipschitz f of E_p f - E_q f.  Both sides are linear programmes, so
this is for dozens of points, not for pictures.  `divergences.w1` and `empirical_w1` are faster where they apply.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy import sparse
from scipy.optimize import linprog
from torch import Tensor


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
    distance = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")  # (n, m)
    if not distance.isfinite().all():
        raise ValueError("There are NaN or infinite values among the points; they have no distance.")
    rows = sparse.kron(sparse.eye(n), np.ones((1, m)))  # sum over j of plan[i, j] = a[i]
    columns = sparse.kron(np.ones((1, n)), sparse.eye(m))  # sum over i of plan[i, j] = b[j]
    # Any one of these sums follows from the others; without it, rounding cannot make them contradict each other.
    kept = np.arange(n + m) != n + int(b.argmax())
    # HiGHS's tolerances are absolute, 1e-10 at best: both units are chosen so that this is 1e-15 of the largest.
    mass, length = total / 1e5 or 1.0, float(distance.max()) / 1e5 or 1.0
    found = linprog(
        distance.flatten().numpy() / length,
        A_eq=sparse.vstack([rows, columns]).tocsr()[kept],
        b_eq=(torch.cat([a, b * (total / other if other else 1.0)]) / mass).numpy()[kept],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if not found.success:
        raise RuntimeError(f"The linear programme was not solved: {found.message}")
    # What one more unit of mass at y_j would cost is -f(y_j): the multipliers of a linear programme are its dual.
    y_values = torch.zeros(n + m, dtype=torch.float64)  # of the sum left out: 0
    y_values[torch.from_numpy(kept)] = -length * torch.from_numpy(found.eqlin.marginals.copy())
    return Transport(float(found.fun * length * mass), mass * torch.from_numpy(found.x).view(n, m), y_values[n:])


def extend(values: Tensor, points: Tensor, x: Tensor) -> Tensor:
    """min over j of values_j + |x - points_j|: the largest 1-Lipschitz function below the values.

    Where the values themselves are 1-Lipschitz, it goes through them (McShane 1934).  (m,), (m, d), (n, d) -> (n,)
    """
    return (values + torch.cdist(x, points, compute_mode="donot_use_mm_for_euclid_dist")).min(dim=1).values
