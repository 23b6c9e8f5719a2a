"""Distances between points, to the last digit."""

import torch
from torch import Tensor


def distances(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j| from the differences: a matrix product loses the digits that points far from 0 have in common.

    (n, d), (m, d) -> (n, m)
    """
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
