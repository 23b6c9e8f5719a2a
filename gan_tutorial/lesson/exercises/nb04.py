"""Exercises of notebook 04: a simultaneous step, looking ahead, and the friction of a penalty."""

import numpy as np
import torch

from gan_tutorial.lesson.exercises import Exercise, Property, register

# ---- 4.1: one simultaneous step ---------------------------------------------------------------------------------


def step(V, x, y, eta):
    """(x - eta dV/dx, y + eta dV/dy), both slopes at the old place.  floats -> floats"""
    x, y = torch.tensor(x, requires_grad=True), torch.tensor(y, requires_grad=True)
    x_slope, y_slope = torch.autograd.grad(V(x, y), (x, y))
    return (x - eta * x_slope).item(), (y + eta * y_slope).item()


def _product(x, y):
    return x * y


def _other(x, y):
    return x**2 + 3 * x * y - torch.exp(y)


def _coordinate(i, x, y):
    def of(f):
        place = f(_product, x, y, 0.1)
        return place if place is None or place is Ellipsis else place[i]

    return of


STEP = register(
    Exercise(
        id="4.1",
        reference=step,
        properties=(
            Property(
                "x goes down",
                _coordinate(0, 2.0, 1.0),
                "From x = 2, y = 1 on V = xy with eta = 0.1, x should go down, to {expected}, but it is {got}.",
            ),
            Property(
                "y goes up",
                _coordinate(1, 1.0, 0.0),
                "From x = 1, y = 0 on V = xy with eta = 0.1, y should go up, to {expected}, but it is {got}.",
            ),
            Property(
                "at the same time",
                lambda f: f(_product, 1.0, 1.0, 0.5),
                "From (1, 1) with eta = 0.5 it should lead to {expected}, not {got}: both slopes belong to the old "
                "place, also for the player who moves second.",
            ),
            Property(
                "any V",
                lambda f: f(_other, 1.0, 0.5, 0.1),
                "On V = x^2 + 3xy - exp(y), from (1, 0.5), it should lead to {expected}, not {got}: use the slopes "
                "of the V that you are given.",
            ),
        ),
        hints=(
            "Make tensors of x and y with requires_grad=True, so that V(x, y) knows how it was computed.",
            "torch.autograd.grad(V(x, y), (x, y)) returns both slopes; find both before you move anybody.",
        ),
        praise="Both looked, then both moved.",
    )
)


# ---- 4.2: look ahead --------------------------------------------------------------------------------------------


def look_ahead(x, y, eta, looks):
    """The place after one step whose arrow was read after `looks` looks ahead.  -> (x, y)"""
    u, v = x, y
    for _ in range(looks):
        u, v = x - eta * v, y + eta * u
    return x - eta * v, y + eta * u


def _with(looks, eta=0.5):
    return lambda f: f(1.0, 0.5, eta, looks)


LOOKS = register(
    Exercise(
        id="4.2",
        reference=look_ahead,
        properties=(
            Property(
                "no look",
                _with(0),
                "Without a look it should be the simultaneous step, from (1, 0.5) with eta = 0.5 to {expected}, "
                "not {got}.",
            ),
            Property(
                "one look",
                _with(1),
                "With one look it should be extragradient, from (1, 0.5) with eta = 0.5 to {expected}, not {got}: read "
                "the arrow at the place ahead, but start from (x, y).",
            ),
            Property(
                "two looks",
                _with(2),
                "With two looks, from (1, 0.5) with eta = 0.5, it should lead to {expected}, not {got}: each look "
                "starts from (x, y) again and uses the arrow that the look before it found.",
            ),
            Property(
                "many looks",
                _with(60),
                "With 60 looks it should be the implicit step, to {expected}, not {got}.",
            ),
        ),
        hints=(
            "Keep two places apart: (x, y), where you stand, and (u, v), where you read the arrow (-v, u).",
            "A look is (u, v) = (x - eta v, y + eta u), with the old u and v on the right.",
            "After the looks, step from (x, y) by the arrow at (u, v).",
        ),
        praise="Many looks solve the equation of the implicit step, as long as eta < 1.",
    )
)


# ---- 4.3: friction ----------------------------------------------------------------------------------------------


def dirac_jacobian(gamma):
    """d(theta's and psi's arrow) / d(theta, psi) at (0, 0).  -> (2, 2)"""
    return np.array([[0.0, 0.5], [-0.5, -gamma]])


def _entry(row, column, gamma=0.6):
    return lambda answer: np.asarray(answer[0](gamma))[row, column]


FRICTION = register(
    Exercise(
        id="4.3",
        reference=(dirac_jacobian, 1.0),
        properties=(
            Property(
                "shape",
                lambda answer: str(np.shape(answer[0](0.6))),
                "The Jacobian of two players with one number each has the shape {expected}, not {got}.",
            ),
            Property(
                "theta by itself",
                _entry(0, 0),
                "How theta's arrow changes with theta, with D flat, should be {expected}, not {got}.",
            ),
            Property(
                "theta by psi",
                _entry(0, 1),
                "theta's arrow is sigma(-psi theta) psi; its derivative by psi at (0, 0) is {expected}, not {got}.",
            ),
            Property(
                "psi by theta",
                _entry(1, 0),
                "psi's arrow is -sigma(psi theta) theta - gamma psi; its derivative by theta at (0, 0) is {expected}, "
                "not {got}.",
            ),
            Property(
                "psi by itself",
                _entry(1, 1),
                "For gamma = 0.6, psi's arrow should change with psi by {expected}, not {got}: it comes from "
                "gamma/2 psi^2.",
            ),
            Property(
                "best gamma",
                lambda answer: answer[1],
                "The Jacobian is right, but gamma = {got} is not the best: look where the square root becomes 0.",
            ),
        ),
        hints=(
            "The arrows are minus the gradients: sigma(-psi theta) psi for theta, -sigma(psi theta) theta - gamma psi "
            "for psi.",
            "At (0, 0) sigma is 1/2, and every term with psi theta in it drops out.",
            "-gamma/2 + sqrt(gamma^2/4 - 1/4) has the real part -gamma/2 until gamma = 1, and rises after.",
        ),
        praise="Less friction overshoots, more of it creeps.",
    )
)
