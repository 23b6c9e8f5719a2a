"""Wrong answers to the exercises of notebook 07, and the property that each of them lacks."""

import math

import torch

from gan_tutorial.lesson.exercises.nb07 import lower_edge, slope_bounds, w1_of_heaps


def _carried(x, a, y, b):
    points, order = torch.cat([x, y]).sort()
    return points, torch.cat([a, -b])[order].cumsum(0)


def _difference_of_means(x, a, y, b):
    return ((a * x).sum() - (b * y).sum()).abs()


def _without_masses(x, a, y, b):
    return w1_of_heaps(x, torch.ones_like(a) / len(a), y, torch.ones_like(b) / len(b))


def _signed(x, a, y, b):
    points, carried = _carried(x, a, y, b)
    return (carried[:-1] * points.diff()).sum().abs()


def _squared(x, a, y, b):
    points, carried = _carried(x, a, y, b)
    return (carried[:-1].square() * points.diff()).sum()


def _not_sorted(x, a, y, b):
    points, masses = torch.cat([x, y]), torch.cat([a, -b])
    return (masses.cumsum(0)[:-1].abs() * points.diff().abs()).sum()


def _x_not_sorted(x, a, y, b):
    return (x.mean() - y.mean()).abs() if len(x) == 3 else w1_of_heaps(x, a, y, b)


def _independent(x, a, y, b):
    return (a[:, None] * b * (x[:, None] - y).abs()).sum()


def _added(weights, c):
    return sum(float(torch.linalg.matrix_norm(W, 2)) for W in weights), slope_bounds(weights, c)[1]


def _frobenius(weights, c):
    return math.prod(float(W.norm()) for W in weights), slope_bounds(weights, c)[1]


def _largest_entry(weights, c):
    return math.prod(float(W.abs().max()) for W in weights), slope_bounds(weights, c)[1]


def _c_once(weights, c):
    return slope_bounds(weights, c)[0], c * math.prod(W.numel() ** 0.5 for W in weights)


def _without_root(weights, c):
    return slope_bounds(weights, c)[0], math.prod(c * W.numel() for W in weights)


def _width_only(weights, c):
    return slope_bounds(weights, c)[0], math.prod(c * W.shape[1] ** 0.5 for W in weights)


def _upper_edge(values, points, x):
    return (values - torch.cdist(x, points)).max(dim=1).values


def _nearest(values, points, x):
    return values[torch.cdist(x, points).argmin(dim=1)]


def _downward(values, points, x):
    return (values - torch.cdist(x, points)).min(dim=1).values


def _manhattan(values, points, x):
    return (values + torch.cdist(x, points, p=1)).min(dim=1).values


def _along_the_wrong_axis(values, points, x):
    return (values[:, None] + torch.cdist(points, x)).min(dim=1).values


# (answer, name of the first property that it lacks)
WRONG = {
    "7.1": [
        (lambda x, a, y, b: -w1_of_heaps(x, a, y, b), "one heap"),
        (_independent, "same heaps"),
        (_not_sorted, "same heaps"),
        (_without_masses, "masses"),
        (_squared, "masses"),
        (_signed, "both ways"),
        (_difference_of_means, "both ways"),
        (_x_not_sorted, "unsorted"),
    ],
    "7.2": [
        (lambda weights, c: slope_bounds(weights, c)[0], "two numbers"),
        (_frobenius, "one matrix"),
        (_added, "two matrices"),
        (_largest_entry, "two matrices"),
        (_c_once, "from c"),
        (_without_root, "from c"),
        (_width_only, "from c"),
    ],
    "7.3": [
        (_along_the_wrong_axis, "one per point"),
        (_downward, "through the values"),
        (_nearest, "between and beyond"),
        (_upper_edge, "between and beyond"),
        (_manhattan, "in the plane"),
        (lambda values, points, x: 2 * lower_edge(values, points, x), "through the values"),
    ],
}
