"""Exercises of notebook 08: the one-sided penalty, an estimate without its toll, who feels whom in a batch."""

import torch
from torch import nn
from torch.nn.functional import relu

from gan_tutorial.lesson.exercises import Exercise, Property, register


def _same_shape(got, expected):
    return got.shape == expected.shape


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


# ---- 8.1: the one-sided penalty ---------------------------------------------------------------------------------


def one_sided(D, x, fake, t, weight):
    """weight * mean of max(0, |grad D(u)| - 1)^2 at u = x + t (fake - x).  (n, *shape), (n, *shape), (n,) -> ()"""
    with torch.enable_grad():
        u = torch.lerp(x, fake, t.view(-1, *[1] * (x.dim() - 1))).detach().requires_grad_()
        (slope,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
        return weight * relu(slope.flatten(1).norm(dim=1) - 1).square().mean()


_X = _t([0.0, 0.0], [1.0, 0.0], [0.0, 2.0])
_FAKE = _t([2.0, 0.0], [1.0, 4.0], [0.0, -2.0])
_T = _t(0.25, 0.5, 1.0)


def _linear(*w):
    def D(u):
        return u.flatten(1) @ torch.full((u[0].numel(),), w[0], dtype=u.dtype) if len(w) == 1 else u @ _t(*w)

    return D


def _bowl(u):
    return u.square().sum(dim=1)


def _pictures(f):
    x, fake = torch.zeros(2, 1, 4, 4, dtype=torch.float64), torch.ones(2, 1, 4, 4, dtype=torch.float64)
    return f(_linear(0.5), x, fake, _t(0.3, 0.6), 10.0)


def _second(f):
    w = _t(3.0, 0.0).requires_grad_()
    return torch.autograd.grad(f(lambda u: u @ w, _X, _FAKE, _T, 10.0), w)[0]


ONE_SIDED = register(
    Exercise(
        id="8.1",
        reference=one_sided,
        properties=(
            Property(
                "one number",
                lambda f: f(_linear(3.0, 0.0), _X, _FAKE, _T, 10.0),
                "The penalty should be one number, of shape (): take the mean over the examples. It is {got}.",
                agrees=_same_shape,
            ),
            Property(
                "gentle slopes are free",
                lambda f: f(_linear(0.3, 0.4), _X, _FAKE, _T, 10.0),
                "A critic whose slope is 0.5 everywhere should pay {expected}, not {got}: only slopes above 1 cost.",
            ),
            Property(
                "steep slopes cost",
                lambda f: f(_linear(0.0, -3.0), _X, _FAKE, _T, 10.0),
                "With weight 10, a critic whose slope is 3 everywhere pays 10 * (3 - 1)^2 = {expected}, not {got}.",
            ),
            Property(
                "between the pairs",
                lambda f: f(_bowl, _X, _FAKE, _T, 1.0),
                "For D(u) = |u|^2 the slope depends on the place, and the penalty should be {expected}, not {got}: "
                "take it at u = x + t (fake - x), with one t for each example.",
            ),
            Property(
                "norm over all pixels",
                _pictures,
                "A linear critic with 16 pixels and the slope 0.5 in each of them has a gradient of norm 2; the "
                "penalty should be {expected}, not {got}.",
            ),
            Property(
                "second backward",
                _second,
                "D has to learn from the penalty: its gradient for the weights of a linear critic should be "
                "{expected}, not {got}. Take the first gradient with create_graph=True.",
            ),
        ),
        hints=(
            "t has shape (n,), x has shape (n, 2) or (n, 1, 28, 28): t.view(-1, *[1] * (x.dim() - 1)) fits both.",
            "u must require a gradient; then torch.autograd.grad(D(u).sum(), u, create_graph=True) gives them all.",
            "The norm is gradient.flatten(1).norm(dim=1); torch.relu(norm - 1) is max(0, norm - 1).",
        ),
        praise="Gentle slopes are free, steep ones pay: the penalty that has no wrong side up.",
    )
)


# ---- 8.2: the estimate without its toll -------------------------------------------------------------------------


def without_toll(real_score, fake_score, slopes, weight):
    """mean real - mean fake - 2 weight * mean of (slope - 1)^2.  (n,), (n,), (m,) -> ()"""
    return real_score.mean() - fake_score.mean() - 2 * weight * (slopes - 1).square().mean()


def _two_points(weight, distance):
    """The best critic of two point masses: slope 1 + distance / (2 weight) everywhere."""
    slope = 1 + distance / (2 * weight)
    return _t(slope * distance, slope * distance), _t(0.0, 0.0), _t(slope, slope, slope), weight


TOLL = register(
    Exercise(
        id="8.2",
        reference=without_toll,
        properties=(
            Property(
                "one number",
                lambda f: f(_t(1, 2), _t(0, -1), _t(1, 1), 10.0),
                "The estimate should be one number, of shape (). It is {got}.",
                agrees=_same_shape,
            ),
            Property(
                "nothing to correct",
                lambda f: f(_t(1, 2, 3), _t(0, -1, 1), _t(1, 1, 1), 10.0),
                "If all slopes are 1 there is nothing to correct: the estimate is the difference of the mean scores, "
                "{expected}, not {got}.",
            ),
            Property(
                "two points, a distance of 1",
                lambda f: f(*_two_points(10.0, 1.0)),
                "For the best critic of two points at a distance of 1, with weight 10, the estimate should be "
                "{expected}, not {got}. How much is the penalty there, and how much too large is the score difference?",
            ),
            Property(
                "two points, a distance of 3",
                lambda f: f(*_two_points(0.1, 3.0)),
                "For the best critic of two points at a distance of 3, with weight 0.1, it should be {expected}, not "
                "{got}.",
            ),
            Property(
                "slopes that differ",
                lambda f: f(_t(4, 6), _t(1, 1), _t(1, 2, 1, 0.5), 1.0),
                "For the mean scores 5 and 1, the weight 1 and the slopes [1, 2, 1, 0.5] it should be {expected}, not "
                "{got}: square each excess first, then take the mean.",
            ),
        ),
        hints=(
            "At the best critic of two laws on the line the score difference is W1 + 2 T and the penalty is T.",
            "So W1 is the score difference minus twice the penalty.",
            "The penalty is weight * (slopes - 1).square().mean().",
        ),
        praise="Twice the penalty is what the critic exaggerates by.",
    )
)


# ---- 8.3: who feels whom ----------------------------------------------------------------------------------------


def influence(D, x):
    """J[i, j] = |gradient of the score of example i by example j|.  (n, *shape) -> (n, n)"""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        rows = [torch.autograd.grad(score, x, retain_graph=True)[0] for score in D(x)]
    return torch.stack([row.flatten(1).norm(dim=1) for row in rows])


_POINTS = _t([0.3, -0.2], [1.0, 0.5], [-0.7, 0.9])


def _less_the_mean(u):
    s = u @ _t(3.0, 4.0)
    return s - s.mean()


def _passes_on(u):
    """Example 0 is felt by all, and feels nobody."""
    s = u @ _t(0.6, 0.8)
    return s + torch.cat([torch.zeros(1, dtype=s.dtype), s[:1].expand(len(s) - 1)])


def _normed(u):
    torch.manual_seed(0)
    D = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0)).double()
    return D(u)


INFLUENCE = register(
    Exercise(
        id="8.3",
        reference=influence,
        properties=(
            Property(
                "a square table",
                lambda f: f(_bowl, _POINTS),
                "For n examples the table should have the shape (n, n); it is {got}.",
                agrees=_same_shape,
            ),
            Property(
                "each for itself",
                lambda f: f(_bowl, _POINTS),
                "D(u) = |u|^2 scores each point by itself: only the diagonal, the slopes 2 |u|, should differ from 0. "
                "Expected {expected}, not {got}.",
            ),
            Property(
                "the mean is felt",
                lambda f: f(_less_the_mean, _POINTS),
                "For scores s - mean(s), with s linear of slope 5, it should be 5 (1 - 1/3) on the diagonal and 5/3 "
                "elsewhere: {expected}, not {got}.",
            ),
            Property(
                "row and column",
                lambda f: f(_passes_on, _POINTS),
                "Row i is about the score of i, column j about moving j: here all feel example 0 and it feels nobody, "
                "{expected}, not {got}.",
            ),
            Property(
                "pictures",
                lambda f: f(_linear(0.5), torch.zeros(2, 1, 4, 4, dtype=torch.float64)),
                "For pictures the norm is over all pixels: 16 of them with the slope 0.5 make {expected}, not {got}.",
            ),
            Property(
                "batch norm",
                lambda f: f(_normed, _POINTS),
                "For a small D with batch norm it should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "One backward pass per score: torch.autograd.grad(score, x, retain_graph=True) for each score in D(x).",
            "Each of them gives a gradient of the shape of x; its row j is how much example j matters for this score.",
            "flatten(1).norm(dim=1) makes n numbers of it, a row of the table; torch.stack puts the rows together.",
        ),
        praise="A diagonal table: safe to penalise. Anything else: not.",
    )
)
