"""The exercises of notebook 02: the optimal discriminator, the value of the game, the Jensen-Shannon divergence."""

import math
from typing import Any

import torch
from torch import Tensor

from gan_tutorial.lesson.exercises import Exercise, Property, register

GRID = torch.arange(-12, 12, 0.01, dtype=torch.float64)
DX = 0.01


def optimal_discriminator(p: Tensor, q: Tensor) -> Tensor:
    """p / (p + q)  (Goodfellow et al. 2014, proposition 1)."""
    return p / (p + q)


def value(p_x: Tensor, q_x: Tensor, D_x: Tensor, dx: float) -> Tensor:
    """V = sum over the grid of [p log D + q log(1 - D)] dx, with 0 log 0 = 0."""
    return (torch.xlogy(p_x, D_x) + torch.xlogy(q_x, 1 - D_x)).sum() * dx


def jensen_shannon(p_x: Tensor, q_x: Tensor, dx: float) -> Tensor:
    """JS = KL(p || m)/2 + KL(q || m)/2 on the grid, with m = (p + q)/2 and 0 log 0 = 0."""
    m = (p_x + q_x) / 2
    terms = torch.xlogy(p_x, p_x) - torch.xlogy(p_x, m) + torch.xlogy(q_x, q_x) - torch.xlogy(q_x, m)
    return terms.sum() * dx / 2


def _normal(mean: float, sd: float = 1.0) -> Tensor:
    return torch.exp(-(((GRID - mean) / sd) ** 2) / 2) / (sd * math.sqrt(2 * math.pi))


def _block(low: float, high: float) -> Tensor:
    inside = ((low <= GRID) & (high > GRID)).double()
    return inside / (inside.sum() * DX)


P, Q = _normal(0.0), _normal(1.0)
LEFT, RIGHT = _block(-3, -1), _block(1, 3)


def _shape(given: Any) -> Any:
    # `...` and None go through: they say that the exercise is still to do.
    return given if given is None or given is ... else tuple(torch.as_tensor(given).shape)


def _at(p: float | list, q: float | list):
    return lambda answer: answer(torch.tensor(p), torch.tensor(q))


OPTIMAL_D = register(
    Exercise(
        id="2.1",
        reference=optimal_discriminator,
        properties=(
            Property(
                "equal",
                _at(0.4, 0.4),
                "Where data and samples are equally likely, the best D is {expected}, but yours says {got}.",
            ),
            Property(
                "shape",
                lambda answer: tuple(answer(torch.ones(3), torch.ones(3)).shape),
                "For tensors of shape (3,) the answer should have one number per entry, but its shape is {got}.",
            ),
            Property(
                "side",
                lambda answer: bool(answer(torch.tensor(0.9), torch.tensor(0.1)) > 0.5),
                "Where data are nine times as likely as samples, D should be above 1/2, and yours is not.",
                expected=True,
            ),
            Property(
                "maximum",
                _at([0.4, 0.02, 0.001], [0.1, 0.06, 0.3]),
                "For p = [0.4, 0.02, 0.001] and q = [0.1, 0.06, 0.3] the bracket is largest at D = {expected}, "
                "and yours is {got}.",
                tolerance=1e-5,
            ),
        ),
        hints=(
            "Fix one x, write a for p(x) and b for q(x), and look at a log D + b log(1 - D) as a function of one "
            "number D between 0 and 1.",
            "Its derivative in D is a/D - b/(1 - D). Where is that 0?",
            "a (1 - D) = b D. Solve for D.",
        ),
        praise="D is the share of data among all that arrives at x: the dots that we counted.",
    )
)

VALUE = register(
    Exercise(
        id="2.2",
        reference=value,
        properties=(
            Property(
                "number",
                lambda answer: _shape(answer(P, Q, P / (P + Q), DX)),
                "The value is one number, but the answer has shape {got}; sum over the grid.",
                expected=(),
                agrees=lambda got, expected: got == expected,
            ),
            Property(
                "shrug",
                lambda answer: answer(P, Q, torch.full_like(P, 0.5), DX),
                "For D = 1/2 everywhere the value is 2 log(1/2) = {expected}, but yours is {got}.",
            ),
            Property(
                "fakes",
                lambda answer: answer(P, Q, P / (P + Q), DX),
                "For N(0, 1), N(1, 1) and the best D the value is {expected}, but yours is {got}; look at which "
                "density goes with log D and which with log(1 - D).",
            ),
            Property(
                "zeros",
                lambda answer: answer(LEFT, RIGHT, (GRID < 0).double(), DX),
                "For densities that never overlap and a D that is always certain and right the value is {expected}, "
                "but yours is {got}; where a density is 0 its term should be 0, and 0 * log 0 is nan.",
            ),
        ),
        hints=(
            "An expectation under p is an integral of p times something; on the grid it is a sum, times dx.",
            "Two sums: p_x with log D_x, and q_x with log(1 - D_x).",
            "torch.xlogy(a, b) is a * log(b), and 0 wherever a is 0.",
        ),
        praise="Sums over the grid stand for the two expectations, and zeros do no harm.",
    )
)

JS = register(
    Exercise(
        id="2.3",
        reference=jensen_shannon,
        properties=(
            Property(
                "equal",
                lambda answer: answer(P, P, DX),
                "The divergence of a density from itself is {expected}, but yours is {got}; is m a density, "
                "half of p + q?",
            ),
            Property(
                "half",
                lambda answer: answer(P, Q, DX),
                "JS of N(0, 1) and N(1, 1) is {expected}, but yours is {got}; it is the mean of two KL divergences, "
                "both to m.",
            ),
            Property(
                "order",
                lambda answer: answer(_normal(0.0), _normal(0.5, 2.0), DX),
                "JS of N(0, 1) and N(0.5, 4) is {expected}, but yours is {got}; p and q should play the same part.",
            ),
            Property(
                "disjoint",
                lambda answer: answer(LEFT, RIGHT, DX),
                "For densities that never overlap JS is log 2 = {expected}, but yours is {got}; where a density is 0 "
                "its term should be 0, and 0 * log 0 is nan.",
            ),
        ),
        hints=(
            "First the mixture m = (p + q)/2 on the grid. KL(p || m) is the sum of p log(p/m), times dx.",
            "Where p is 0, p/m is 0 and its logarithm infinite: write p log p - p log m, each by torch.xlogy.",
            "Add KL(p || m) and KL(q || m) and halve the sum.",
        ),
        praise="It is 0 for equal densities and log 2 for disjoint ones.",
    )
)
