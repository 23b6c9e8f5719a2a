"""Wrong answers to the exercises of notebook 04, and the property that each of them lacks."""

import numpy as np
import torch

from gan_tutorial.lesson.exercises.nb04 import alternating, dirac_jacobian, look_ahead, simultaneous, step


def _swapped(answer):
    return lambda *args: answer(*args)[::-1]


def _as_tensors(answer):
    return lambda *args: tuple(map(torch.tensor, answer(*args)))


def _y_first(x, y, eta):
    y = y + eta * x
    return x - eta * y, y


def _in_turns(V, x, y, eta):
    x = step(V, x, y, eta)[0]
    return x, step(V, x, y, eta)[1]


def _both_down(V, x, y, eta):
    return step(V, x, y, eta)[0], 2 * y - step(V, x, y, eta)[1]


def _both_up(V, x, y, eta):
    return 2 * x - step(V, x, y, eta)[0], step(V, x, y, eta)[1]


def _only_for_the_product(V, x, y, eta):
    return x - eta * y, y + eta * x


def _without_going_back(x, y, eta, looks):
    for _ in range(looks + 1):
        x, y = x - eta * y, y + eta * x
    return x, y


def _looks_in_turns(x, y, eta, looks):
    u, v = x, y
    for _ in range(looks):
        u = x - eta * v
        v = y + eta * u
    return x - eta * v, y + eta * u


def _at_most_one_look(x, y, eta, looks):
    return look_ahead(x, y, eta, min(looks, 1))


def _at_most_five_looks(x, y, eta, looks):
    return look_ahead(x, y, eta, min(looks, 5))


def _changed(row, column, value):
    def jacobian(gamma):
        J = dirac_jacobian(gamma)
        J[row, column] = value(gamma)
        return J

    return jacobian


# (answer, name of the first property that it lacks)
WRONG = {
    "4.1": [
        (_as_tensors(simultaneous), "two floats"),
        (lambda x, y, eta: x - eta * y, "two floats"),
        (lambda x, y, eta: np.array([x - eta * y, y + eta * x, 0.0]), "two floats"),
        (_swapped(simultaneous), "x before y"),
        (lambda x, y, eta: (x - eta * x, y + eta * y), "slope"),
        (lambda x, y, eta: (x - eta * y, y - eta * x), "y wants V large"),
        (alternating, "the old x"),
        (_y_first, "the old y"),
        (lambda x, y, eta: (x + eta * y, y + eta * x), "x goes down"),
        (lambda x, y, eta: (-eta * y, eta * x), "x goes down"),
        (lambda x, y, eta: simultaneous(x, y, 1.0), "x goes down"),
        (lambda x, y, eta: (x - eta * y, y + x), "y goes up"),
        (lambda x, y, eta: simultaneous(x, y, 0.1), "anywhere"),
        (lambda x, y: (x, y), "runs"),
    ],
    "4.2": [
        (_as_tensors(alternating), "two floats"),
        (_swapped(alternating), "x before y"),
        (simultaneous, "y sees"),
        (_y_first, "x moves first"),
        (lambda x, y, eta: (x - eta * y, y - eta * (x - eta * y)), "y wants V large"),
        (lambda x, y, eta: (x, y + eta * x), "x goes down"),
        (lambda x, y, eta: (x - eta * y, y), "y goes up"),
        (lambda x, y, eta: alternating(x, y, 0.1), "anywhere"),
    ],
    "4.3": [
        (_as_tensors(look_ahead), "two floats"),
        (_swapped(look_ahead), "x before y"),
        (lambda x, y, eta, looks: look_ahead(x, y, eta, looks + 1), "one too many"),
        (lambda x, y, eta, looks: look_ahead(x, y, eta, max(looks - 1, 0)), "one too few"),
        (_without_going_back, "go back"),
        (_looks_in_turns, "the old u"),
        (lambda x, y, eta, looks: look_ahead(x, y, -eta, looks), "no look"),
        (lambda x, y, eta, looks: look_ahead(x, y, eta, 3 * looks), "one look"),
        (_at_most_one_look, "two looks"),
        (_at_most_five_looks, "many looks"),
    ],
    "4.4": [
        ((lambda gamma: np.zeros(2), 1.0), "shape"),
        ((lambda gamma: dirac_jacobian(gamma)[::-1, ::-1], 1.0), "theta before psi"),
        ((lambda gamma: dirac_jacobian(gamma).T, 1.0), "rows are arrows"),
        ((lambda gamma: -dirac_jacobian(gamma), 1.0), "downhill"),
        ((_changed(0, 0, lambda gamma: -gamma), 1.0), "theta by itself"),
        ((_changed(0, 1, lambda gamma: 1.0), 1.0), "theta by psi"),
        ((_changed(1, 0, lambda gamma: 0.5), 1.0), "psi by theta"),
        ((_changed(1, 1, lambda gamma: -gamma / 2), 1.0), "psi by itself"),
        ((_changed(1, 1, lambda gamma: gamma), 1.0), "psi by itself"),
        ((dirac_jacobian, 0.5), "best gamma"),
        ((dirac_jacobian, 2.0), "best gamma"),
    ],
    "4.5": [
        (lambda V, x, y, eta: tuple(map(torch.tensor, step(V, x, y, eta))), "two floats"),
        (_both_up, "x goes down"),
        (lambda V, x, y, eta: (-eta * y, eta * x), "x goes down"),
        (lambda V, x, y, eta: step(V, x, y, 1.0), "x goes down"),
        (_both_down, "y wants V large"),
        (lambda V, x, y, eta: (step(V, x, y, eta)[0], y), "y goes up"),
        (_in_turns, "at the same time"),
        (_only_for_the_product, "any V"),
        (lambda V, x: x, "runs"),
    ],
}
