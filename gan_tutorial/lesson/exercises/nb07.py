"""Exercises of notebook 07: W1 of weighted points on the line, bounds on a critic's slope, the cone as a function."""

import math

import torch

from gan_tutorial.lesson.exercises import Exercise, Property, register


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


# ---- 7.1: heaps of unequal weight -------------------------------------------------------------------------------


def w1_of_heaps(x, a, y, b):
    """integral of |F - G| for masses a at x and b at y.  (n,), (n,), (m,), (m,) -> ()"""
    points, order = torch.cat([x, y]).sort()
    carried = torch.cat([a, -b])[order].cumsum(0)
    return (carried[:-1].abs() * points.diff()).sum()


HEAPS = register(
    Exercise(
        id="7.1",
        reference=w1_of_heaps,
        properties=(
            Property(
                "one heap",
                lambda f: f(_t(1.0), _t(1.0), _t(4.0), _t(1.0)),
                "Mass 1 from 1 to 4 should cost {expected}, not {got}.",
            ),
            Property(
                "same heaps",
                lambda f: f(_t(0, 2), _t(0.5, 0.5), _t(2, 0), _t(0.5, 0.5)),
                "The same heaps in another order are at distance {expected}, not {got}.",
            ),
            Property(
                "masses",
                lambda f: f(_t(0, 10), _t(0.9, 0.1), _t(0), _t(1.0)),
                "A tenth of the mass over a distance of 10 should cost {expected}, not {got}.",
            ),
            Property(
                "both ways",
                lambda f: f(_t(0, 4), _t(0.5, 0.5), _t(2), _t(1.0)),
                "Halves at 0 and 4, to be brought to 2: {expected}, not {got}. Take the absolute value between points.",
            ),
            Property(
                "unsorted",
                lambda f: f(_t(3, 0, 1), _t(0.2, 0.5, 0.3), _t(2, -1), _t(0.6, 0.4)),
                "For masses (0.2, 0.5, 0.3) at (3, 0, 1) and (0.6, 0.4) at (2, -1) it should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "Sort all points together, those of x with mass a and those of y with mass -b.",
            "The running sum of these signed masses is F - G behind each point.",
            "Sum |F - G| times the distance to the next point: (carried[:-1].abs() * points.diff()).sum().",
        ),
        praise="Linear in the number of points, once they are sorted.",
    )
)


# ---- 7.2: how steep can it be -----------------------------------------------------------------------------------


def slope_bounds(weights, c):
    """(product of spectral norms, product of c sqrt(n_in n_out)).  list of (n_out, n_in), number -> two numbers"""
    spectral = math.prod(float(torch.linalg.matrix_norm(W, 2)) for W in weights)
    return spectral, math.prod(c * W.numel() ** 0.5 for W in weights)


_STRETCH = [torch.diag(_t(2.0, 0.5)), _t(3.0, 4.0)[None]]


def _both(f, weights=_STRETCH, c=0.5):
    got = f(weights, c)
    return got if got is None or got is Ellipsis else str(isinstance(got, tuple) and len(got) == 2)


BOUNDS = register(
    Exercise(
        id="7.2",
        reference=slope_bounds,
        properties=(
            Property("two numbers", _both, "Return both bounds, `spectral, worst`.", expected="True"),
            Property(
                "one matrix",
                lambda f: float(f(_STRETCH[:1], 0.5)[0]),
                "The matrix diag(2, 1/2) stretches by at most {expected}, not {got}: the spectral norm is its largest "
                "singular value.",
            ),
            Property(
                "two matrices",
                lambda f: float(f(_STRETCH, 0.5)[0]),
                "diag(2, 1/2) and then the row (3, 4) stretch by at most {expected}, not {got}: multiply.",
            ),
            Property(
                "from c",
                lambda f: float(f([torch.zeros(3, 2), torch.zeros(1, 3)], 0.1)[1]),
                "Two layers, 2 to 3 to 1, with c = 0.1 cannot exceed {expected}, whatever the weights are; yours is "
                "{got}.",
            ),
        ),
        hints=(
            "torch.linalg.matrix_norm(W, 2) is the spectral norm.",
            "A matrix with entries up to c has a spectral norm of at most c times the root of its number of entries.",
            "math.prod multiplies what a generator gives.",
        ),
        praise="Bounds that hold for every input; how near a network comes is another matter.",
    )
)


# ---- 7.3: the cone, as a function -------------------------------------------------------------------------------


def lower_edge(values, points, x):
    """min over j of values_j + |x - points_j|.  (m,), (m, d), (n, d) -> (n,)"""
    return (values + torch.cdist(x, points)).min(dim=1).values


_POINTS = _t([0.0], [1.0], [4.0])
_VALUES = _t(0.0, 1.0, -1.0)


EDGE = register(
    Exercise(
        id="7.3",
        reference=lower_edge,
        properties=(
            Property(
                "one per point",
                lambda f: f(_VALUES, _POINTS, torch.zeros(5, 1, dtype=torch.float64)),
                "There should be one value for each row of x; yours has another shape: {got}.",
                agrees=lambda got, expected: got.shape == expected.shape,
            ),
            Property(
                "through the values",
                lambda f: f(_VALUES, _POINTS, _POINTS),
                "At the points themselves it should have the values {expected}, not {got}.",
            ),
            Property(
                "between and beyond",
                lambda f: f(_VALUES, _POINTS, _t([-2.0], [2.0], [3.0], [6.0])),
                "At -2, 2, 3 and 6 it should be {expected}, not {got}.",
            ),
            Property(
                "in the plane",
                lambda f: f(_t(0.0, 1.0), _t([0.0, 0.0], [3.0, 4.0]), _t([1.0, 1.0], [3.0, 4.0])),
                "In the plane |x - y| is the Euclidean distance: there it should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "torch.cdist(x, points) is the table of all distances, a row for each x.",
            "Add the values to each row, and take the minimum of each row.",
            "(values + torch.cdist(x, points)).min(dim=1).values",
        ),
        praise="McShane's extension, of 1934.",
    )
)
