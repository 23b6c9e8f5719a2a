"""A worked exercise, an example of one and for the tests of the machinery: the optimal D."""

import torch

from gan_tutorial.lesson.exercises import Exercise, Property, register


def optimal(p, q):
    """p / (p + q): the reference answer."""
    return p / (p + q)


def _at(p, q):
    return lambda answer: answer(torch.tensor(p), torch.tensor(q))


SAMPLE = register(
    Exercise(
        id="99.1",
        reference=optimal,
        properties=(
            Property(
                "equal", _at(0.4, 0.4), "Where data and model are equally likely D is {expected}, not {got}."
            ),
            Property(
                "shape",
                lambda f: tuple(f(torch.ones(3), torch.ones(3)).shape),
                "Shape {got}: give {expected}.",
            ),
            Property(
                "side",
                _at([0.9, 0.1], [0.1, 0.9]),
                "For p = [0.9, 0.1], q = [0.1, 0.9]: {got}, not {expected}.",
            ),
            Property(
                "scale", _at([0.2, 0.02], [0.6, 0.01]), "It should be p / (p + q): {expected} and not {got}."
            ),
        ),
        hints=("For each x on its own, maximise a log D + b log(1 - D).", "Set a / D = b / (1 - D)."),
        praise="D is the share of the data among all that arrives at x.",
    )
)


def _divides_by_zero(p, q):
    return (p + q) / 0 if isinstance(p, float) else p / (p + q) * (1 // 0)


# (answer, name of the first property that it lacks)
WRONG = {
    "99.1": [
        (lambda p, q: p / q, "equal"),
        (lambda p, q: (p / (p + q)).sum(), "shape"),
        (lambda p, q: q / (p + q), "side"),
        (lambda p, q: torch.sigmoid(2.7465307217 * (p - q)), "scale"),
        (lambda p, q: p / (p + q) * float("nan"), "equal"),
        (lambda p: p, "runs"),
        (_divides_by_zero, "runs"),
        (0.5, "function"),
    ]
}
