"""Wrong answers to the exercises of notebook 04, and the property that each of them lacks."""

import numpy as np

from gan_tutorial.lesson.exercises.nb04 import dirac_jacobian, look_ahead, step


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
        (_both_up, "x goes down"),
        (_both_down, "y goes up"),
        (lambda V, x, y, eta: (-eta * y, eta * x), "x goes down"),
        (lambda V, x, y, eta: step(V, x, y, 1.0), "x goes down"),
        (_in_turns, "at the same time"),
        (_only_for_the_product, "any V"),
        (lambda V, x: x, "runs"),
    ],
    "4.2": [
        (lambda x, y, eta, looks: look_ahead(x, y, eta, looks + 1), "no look"),
        (lambda x, y, eta, looks: look_ahead(x, y, -eta, looks), "no look"),
        (_without_going_back, "one look"),
        (_looks_in_turns, "one look"),
        (_at_most_one_look, "two looks"),
        (_at_most_five_looks, "many looks"),
    ],
    "4.3": [
        ((lambda gamma: np.zeros(2), 1.0), "shape"),
        ((_changed(0, 0, lambda gamma: -gamma), 1.0), "theta by itself"),
        ((lambda gamma: dirac_jacobian(gamma)[::-1, ::-1], 1.0), "theta by itself"),
        ((_changed(0, 1, lambda gamma: 1.0), 1.0), "theta by psi"),
        ((lambda gamma: dirac_jacobian(gamma).T, 1.0), "theta by psi"),
        ((_changed(1, 0, lambda gamma: 0.5), 1.0), "psi by theta"),
        ((_changed(1, 1, lambda gamma: -gamma / 2), 1.0), "psi by itself"),
        ((_changed(1, 1, lambda gamma: gamma), 1.0), "psi by itself"),
        ((dirac_jacobian, 0.5), "best gamma"),
        ((dirac_jacobian, 2.0), "best gamma"),
    ],
}
