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

    Raises ValueError where the masses are negative or their sums differ.
    """
    x, a, y, b = (torch.as_tensor(v, dtype=torch.float64) for v in (x, a, y, b))
    if min(a.min(), b.min()) < 0 or abs(a.sum() - b.sum()) > 1e-9:
        raise ValueError(
            f"Masses must be >= 0 with equal sums; the sums are {a.sum():g} and {b.sum():g}, the least mass "
            f"is {min(a.min(), b.min()):g}."
        )
    n, m = len(a), len(b)
    distance = torch.cdist(x, y)  # (n, m)
    rows = sparse.kron(sparse.eye(n), np.ones((1, m)))  # sum over j of plan[i, j] = a[i]
    columns = sparse.kron(np.ones((1, n)), sparse.eye(m))  # sum over i of plan[i, j] = b[j]
    totals = torch.cat([a, b * (a.sum() / b.sum())])  # the last digits too: HiGHS would call the rest infeasible
    found = linprog(
        distance.flatten().numpy(), A_eq=sparse.vstack([rows, columns]), b_eq=totals.numpy(), method="highs"
    )
    if not found.success:
        raise RuntimeError(f"The linear programme was not solved: {found.message}")
    # What one more unit of mass at y_j would cost is -f(y_j): the multipliers of a linear programme are its dual.
    y_values = -torch.from_numpy(found.eqlin.marginals[n:].copy())
    return Transport(float(found.fun), torch.from_numpy(found.x).view(n, m), y_values)


def extend(values: Tensor, points: Tensor, x: Tensor) -> Tensor:
    """min over j of values_j + |x - points_j|: the largest 1-Lipschitz function below the values.

    Where the values themselves are 1-Lipschitz, it goes through them (McShane 1934).  (m,), (m, d), (n, d) -> (n,)
    """
    return (values + torch.cdist(x, points)).min(dim=1).values
