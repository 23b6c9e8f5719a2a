"""Exercises of notebook 08: the penalty, the critic of two points, its bias; one-sided, and who feels whom."""

import torch
from torch import nn
from torch.nn.functional import relu

from gan_tutorial.lesson.exercises import Exercise, Property, agree, gradients, register, same_shape


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


def _not(*slips):
    """Agrees with anything but these values: each is what a certain slip makes of it."""
    return lambda got, expected: not any(agree(got, slip, 1e-3) for slip in slips)


def _linear(*w):
    def D(u):
        return u.flatten(1) @ (u.new_full((u[0].numel(),), w[0]) if len(w) == 1 else u.new_tensor(w))

    return D


def _bowl(u):
    return u.square().sum(dim=1)


# ---- 8.1: the two-sided penalty ---------------------------------------------------------------------------------


def two_sided(D, x, fake, weight):
    """weight * mean of (|grad D(u)| - 1)^2 at u = x + t (fake - x), one uniform t per pair.  2 (n, d) -> ()"""
    with torch.enable_grad():
        t = torch.rand(len(x), 1, device=x.device)
        u = (x + t * (fake - x)).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
        return weight * (gradient.norm(dim=1) - 1).square().mean()


def _on(D, weight=10.0, n=3):
    """The penalty of D for n pairs from 0 to (2, 0)."""
    return lambda f: f(D, torch.zeros(n, 2), torch.tensor([[2.0, 0.0]]).repeat(n, 1), weight=weight)


def _looks(f):
    """Where it looks between 0 and (1, 1): so u is t, once for each coordinate.  -> (400, 2)"""
    seen = []

    def D(u):
        seen.append(u.detach())
        return u.sum(dim=1)

    f(D, torch.zeros(400, 2), torch.ones(400, 2), weight=1.0)
    return seen[-1]


def _between(u, _):
    return not bool(((u == 0) | (u == 1)).all())


def _no_shared_t(u, _):
    return float(u[:, 0].std()) > 1e-6


def _on_the_line(u, _):
    return bool((u[:, 0] - u[:, 1]).abs().max() < 1e-6)


def _uniform(u, _):
    inside = bool((u >= 0).all() and (u <= 1).all())
    return inside and abs(float(u.mean()) - 0.5) < 0.08 and abs(float(u.var()) - 1 / 12) < 0.015


def _for_D(f):
    """The gradient of the penalty for the weights of a linear critic; 0 where none reaches them."""
    return gradients(lambda w: _on(lambda u: u @ w)(f), torch.tensor([3.0, 0.0]))[0]


def _roughly(got, expected):
    return bool((got - expected).detach().abs() < 0.3)


PENALTY = register(
    Exercise(
        id="8.1",
        reference=two_sided,
        properties=(
            Property(
                "one number",
                _on(_linear(3.0, 0.0)),
                "The penalty should be one number, of shape (): take the mean over the pairs. It is {got}.",
                agrees=same_shape,
            ),
            Property(
                "squared",
                _on(_linear(3.0, 0.0)),
                "A critic with slope 3 everywhere, weight 10: {got} is 10 * (3 - 1). The square is missing.",
                agrees=_not(20.0),
            ),
            Property(
                "one norm per example",
                _on(_linear(3.0, 0.0)),
                "For three pairs and a critic with slope 3 everywhere you get {got}: that comes of a norm over the "
                "whole batch. Each example has a slope of its own: norm(dim=1).",
                agrees=_not(10 * (27**0.5 - 1) ** 2, 5 * ((27**0.5 - 1) ** 2 + 1)),
            ),
            Property(
                "gradient of the sum",
                _on(_linear(3.0, 0.0)),
                "For three pairs and a critic with slope 3 you get {got}, as if its slope were 1: that is the gradient "
                "of the *mean* score, divided by 3. Take that of D(u).sum().",
                agrees=_not(0.0),
            ),
            Property(
                "norm, not its square",
                _on(_linear(3.0, 0.0)),
                "A critic with slope 3 everywhere, weight 10: {got} is 10 * (3^2 - 1)^2. The norm has a root: "
                "(|gradient| - 1)^2.",
                agrees=_not(640.0),
            ),
            Property(
                "both sides",
                _on(_linear(0.3, 0.4)),
                "A critic with slope 0.5 everywhere, weight 10: the penalty should be {expected}, and yours is {got}. "
                "You penalise only slopes above 1: that is the one-sided penalty, which comes later.",
                agrees=_not(0.0),
            ),
            Property(
                "steep slopes",
                _on(_linear(0.0, -3.0)),
                "A critic with slope 3 everywhere, weight 10: 10 * (3 - 1)^2 = {expected}, not {got}.",
            ),
            Property(
                "gentle slopes",
                _on(_linear(0.3, 0.4)),
                "A critic with slope 0.5 everywhere, weight 10: 10 * (0.5 - 1)^2 = {expected}, not {got}.",
            ),
            Property(
                "between the pairs",
                _looks,
                "You look only at the data, or only at the samples. Go to a random place between: "
                "u = x + t (fake - x).",
                agrees=_between,
            ),
            Property(
                "one number per pair",
                _looks,
                "All pairs have the same t: one number for the whole batch. Draw one for each pair: "
                "torch.rand(len(x), 1).",
                agrees=_no_shared_t,
            ),
            Property(
                "on the line",
                _looks,
                "The coordinates of a point have different t, so it is off the line of its pair. One t for each pair: "
                "torch.rand(len(x), 1), which has one column.",
                agrees=_on_the_line,
            ),
            Property(
                "uniform",
                _looks,
                "t should be uniform between 0 and 1 (torch.rand), so that the whole way from datum to sample counts.",
                agrees=_uniform,
            ),
            Property(
                "the gradient reaches D",
                _for_D,
                "No gradient reaches the critic: it could not learn from this penalty. Take the gradient for u with "
                "create_graph=True, and leave out .detach(), .item() and NumPy after it.",
                agrees=lambda got, _: bool(got.abs().max() > 0),
            ),
            Property(
                "each slope by itself",
                _on(_bowl, 1.0, 4000),
                "For D(u) = |u|^2 the slope depends on the place, and the penalty should be about {expected}, not "
                "{got}: first (norm - 1)^2 for each pair, then the mean.",
                agrees=_roughly,
            ),
            Property(
                "what D learns",
                _for_D,
                "For a linear critic with slope 3 and weight 10 the gradient for its weights should be {expected}, not "
                "{got}.",
            ),
        ),
        hints=(
            "Which three lines? Where to look (u), the gradient there, and how far its length is from 1. What is the "
            "shape of t, if each pair has one number?",
            "u = x + t * (fake - x) with t = torch.rand(len(x), 1); then u.requires_grad_(), or there is no gradient.",
            "torch.autograd.grad(D(u).sum(), u, create_graph=True) gives a tuple of one: the gradients, one per row.",
            "weight * (gradient.norm(dim=1) - 1).square().mean()",
        ),
        praise="One t per pair, one norm per example, and D learns from it.",
    )
)


# ---- 8.2: the best critic of two points -------------------------------------------------------------------------


def two_points(W, weight):
    """Of the critic that maximises w W - weight (w - 1)^2: its w, its score difference w W, its penalty."""
    slope = 1 + W / (2 * weight)
    return slope, slope * W, weight * (slope - 1) ** 2


def _part(i, W=3.0, weight=2.0):
    return lambda f: f(W, weight)[i]


TWO_POINTS = register(
    Exercise(
        id="8.2",
        reference=two_points,
        properties=(
            Property(
                "three numbers",
                lambda f: len(f(3.0, 2.0)),
                "Three numbers are asked for, in this order: slope, score difference, penalty. You return {got}.",
            ),
            Property(
                "the derivative of a square",
                _part(0),
                "For W = 3 and weight 2 your slope is {got}, that is 1 + W / weight. The derivative of (w - 1)^2 is "
                "2 (w - 1).",
                agrees=_not(1 + 3 / 2),
            ),
            Property(
                "beyond one",
                _part(0),
                "For W = 3 and weight 2 your slope is {got}, that is W / (2 weight): so much it goes beyond 1.",
                agrees=_not(3 / 4),
            ),
            Property(
                "a maximum",
                _part(0),
                "For W = 3 and weight 2 your slope is {got}, less than 1. D gains W for each unit of slope, so it goes "
                "beyond 1: mind the sign.",
                agrees=lambda got, _: float(got) >= 1,
            ),
            Property(
                "slope",
                _part(0),
                "For W = 3 and weight 2 the best slope is {expected}, not {got}: there J'(w) = W - 2 weight (w - 1) "
                "is 0.",
            ),
            Property(
                "score difference",
                _part(1),
                "For W = 3 and weight 2 the score difference is slope times distance, {expected}, not {got}.",
            ),
            Property(
                "penalty",
                _part(2),
                "For W = 3 and weight 2 the penalty is weight * (slope - 1)^2 = {expected}, not {got}.",
            ),
            Property(
                "another weight",
                lambda f: f(1.0, 0.1),
                "For W = 1 and weight 0.1 it should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "At the highest point of J, what is its derivative?",
            "J'(w) = W - 2 weight (w - 1). Set it to 0 and solve for w.",
            "slope = 1 + W / (2 weight). The score difference is slope * W, the penalty weight * (slope - 1)**2.",
        ),
        praise="The critic goes beyond slope one, and by how much you can say beforehand.",
    )
)


# ---- 8.3: the estimate without its bias -------------------------------------------------------------------------


def without_bias(real_score, fake_score, slopes, weight):
    """mean real - mean fake - 2 weight * mean of (slope - 1)^2.  (n,), (n,), (m,) -> ()"""
    return real_score.mean() - fake_score.mean() - 2 * weight * (slopes - 1).square().mean()


def _critic_of_two(weight, distance):
    """The best critic of two point masses: slope 1 + distance / (2 weight) everywhere."""
    slope = 1 + distance / (2 * weight)
    return _t(slope * distance, slope * distance), _t(0.0, 0.0), _t(slope, slope, slope), weight


BIAS = register(
    Exercise(
        id="8.3",
        reference=without_bias,
        properties=(
            Property(
                "one number",
                lambda f: f(_t(1, 2), _t(0, -1), _t(1, 1), 10.0),
                "The estimate should be one number, of shape (). It is {got}.",
                agrees=same_shape,
            ),
            Property(
                "nothing to correct",
                lambda f: f(_t(1, 2, 3), _t(0, -1, 1), _t(1, 1, 1), 10.0),
                "If all slopes are 1 there is nothing to correct: the estimate is the difference of the mean scores, "
                "{expected}, not {got}.",
            ),
            Property(
                "two points, a distance of 1",
                lambda f: f(*_critic_of_two(10.0, 1.0)),
                "For the best critic of two points at a distance of 1, with weight 10, the estimate should be "
                "{expected}, not {got}. How much is the penalty there, and how much too large is the score difference?",
            ),
            Property(
                "two points, a distance of 3",
                lambda f: f(*_critic_of_two(0.1, 3.0)),
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
            "Compare the two columns of the table: by how much is the score difference larger than W, in units of T?",
            "At the best critic of two points the score difference is W + 2 T, and T is the penalty.",
            "T = weight * (slopes - 1).square().mean(), and the estimate is mean real - mean fake - 2 T.",
        ),
        praise="Twice the penalty is what the critic exaggerates by.",
    )
)


# ---- 8.4: the one-sided penalty ---------------------------------------------------------------------------------


def one_sided(D, x, fake, t, weight):
    """weight * mean of max(0, |grad D(u)| - 1)^2 at u = x + t (fake - x).  (n, *shape), (n, *shape), (n,) -> ()"""
    with torch.enable_grad():
        u = torch.lerp(x, fake, t.view(-1, *[1] * (x.dim() - 1))).detach().requires_grad_()
        (slope,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
        return weight * relu(slope.flatten(1).norm(dim=1) - 1).square().mean()


_X = _t([0.0, 0.0], [1.0, 0.0], [0.0, 2.0])
_FAKE = _t([2.0, 0.0], [1.0, 4.0], [0.0, -2.0])
_T = _t(0.25, 0.5, 1.0)


def _pictures(f):
    x, fake = torch.zeros(2, 1, 4, 4, dtype=torch.float64), torch.ones(2, 1, 4, 4, dtype=torch.float64)
    return f(_linear(0.5), x, fake, _t(0.3, 0.6), 10.0)


def _second(f):
    return gradients(lambda w: f(lambda u: u @ w, _X, _FAKE, _T, 10.0), _t(3.0, 0.0))[0]


ONE_SIDED = register(
    Exercise(
        id="8.4",
        reference=one_sided,
        properties=(
            Property(
                "one number",
                lambda f: f(_linear(3.0, 0.0), _X, _FAKE, _T, 10.0),
                "The penalty should be one number, of shape (): take the mean over the examples. It is {got}.",
                agrees=same_shape,
            ),
            Property(
                "gentle slopes are free",
                lambda f: f(_linear(0.3, 0.4), _X, _FAKE, _T, 10.0),
                "For a critic with slope 0.5 everywhere the penalty should be {expected}, not {got}: only slopes above "
                "1 count.",
            ),
            Property(
                "steep slopes",
                lambda f: f(_linear(0.0, -3.0), _X, _FAKE, _T, 10.0),
                "With weight 10, a critic with slope 3 everywhere has the penalty 10 * (3 - 1)^2, {expected}, "
                "not {got}.",
            ),
            Property(
                "second backward",
                _second,
                "D has to learn from the penalty: its gradient for the weights of a linear critic should be "
                "{expected}, not {got}. Where it is 0, no gradient goes through to D: take the first gradient with "
                "create_graph=True, and leave out .detach(), .item() and NumPy.",
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
        ),
        hints=(
            "What differs from exercise 8.1? The t are given, x may be pictures, and slopes below 1 are free.",
            "t has shape (n,), x has shape (n, 2) or (n, 1, 28, 28): t.view(-1, *[1] * (x.dim() - 1)) fits both.",
            "u must require a gradient; then torch.autograd.grad(D(u).sum(), u, create_graph=True) gives them all.",
            "The norm is gradient.flatten(1).norm(dim=1); torch.relu(norm - 1) is max(0, norm - 1).",
        ),
        praise="Gentle slopes are free, steep ones are not: the penalty that has no wrong side up.",
    )
)


# ---- 8.5: who feels whom ----------------------------------------------------------------------------------------


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
        id="8.5",
        reference=influence,
        properties=(
            Property(
                "a square table",
                lambda f: f(_bowl, _POINTS),
                "For n examples the table should have the shape (n, n); it is {got}.",
                agrees=same_shape,
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
            "How many backward passes do you need, if you want to know whom each single score feels?",
            "One backward pass per score: torch.autograd.grad(score, x, retain_graph=True) for each score in D(x).",
            "Each of them gives a gradient of the shape of x; its row j is how much example j matters for this score.",
            "flatten(1).norm(dim=1) makes n numbers of it, a row of the table; torch.stack puts the rows together.",
        ),
        praise="A diagonal table: safe to penalise. Anything else: not.",
    )
)
