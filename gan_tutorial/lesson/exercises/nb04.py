"""Exercises of notebook 04: a step of both players, a look ahead, the friction of a penalty, and a step on any V."""

import numpy as np
import torch

from gan_tutorial.lesson.exercises import Exercise, Property, agree, register
from gan_tutorial.lesson.exercises.compare import kind


def _unlike(name, args, mistake, message):
    """The property of not doing what `mistake`, a function of the same arguments, does."""

    def of(f):
        return f(*args)

    return Property(name, of, message, expected=mistake(*args), agrees=lambda got, wrong: not agree(got, wrong))


def _two_floats(*args):
    """The property of giving back two numbers, not tensors: what comes back is put in words."""

    def of(f):
        place = f(*args)
        parts = list(place) if isinstance(place, tuple | list | np.ndarray) and np.ndim(place) else [place]
        numbers = all(isinstance(part, float | int | np.floating | np.integer) for part in parts)
        return "two floats" if numbers and len(parts) == 2 else " and ".join(map(kind, parts))

    message = "Two floats should come back, x and y, but what comes back is {got}: `.item()` makes a tensor a float."
    return Property("two floats", of, message)


def _coordinate(i, *args):
    return lambda f: f(*args)[i]


# ---- 4.1: one simultaneous step ---------------------------------------------------------------------------------


def simultaneous(x, y, eta):
    """One step on V = xy: x down, y up, both slopes at the old place.  floats -> (x, y)"""
    return x - eta * y, y + eta * x


def alternating(x, y, eta):
    """One step on V = xy: first x goes down, then y, who sees the new x, goes up.  floats -> (x, y)"""
    x = x - eta * y
    return x, y + eta * x


def _y_first(x, y, eta):
    y = y + eta * x
    return x - eta * y, y


def _own_number(x, y, eta):
    return x - eta * x, y + eta * y


def _both_down(x, y, eta):
    return x - eta * y, y - eta * x


def _swapped(step):
    return lambda *args: step(*args)[::-1]


AT = 2.0, 1.0, 0.1  # where most mistakes lead elsewhere: x, y, eta
ORDER = "These are the right two numbers, with y before x: give back x first, then y."
OWN = (
    "Here each player moves by its own number. The slope of V = xy in x is y, and in y it is x: each moves by the "
    "other's number."
)
SIGN = "Here y goes down its slope, as x does. But y wants V large, so it goes up: plus, not minus."

X_GOES_DOWN = Property(
    "x goes down",
    _coordinate(0, *AT),
    "From x = 2, y = 1 with eta = 0.1, x should go down, to {expected}, but it is {got}.",
)
ANYWHERE = Property(
    "anywhere",
    lambda f: [f(1.0, 0.0, 0.5), f(-1.0, 2.0, 0.3)],
    "From (2, 1) it is right, but not from everywhere and with every eta.",
)

SIMULTANEOUS = register(
    Exercise(
        id="4.1",
        reference=simultaneous,
        properties=(
            _two_floats(*AT),
            _unlike("x before y", AT, _swapped(simultaneous), ORDER),
            _unlike("slope", AT, _own_number, OWN),
            _unlike("y wants V large", AT, _both_down, SIGN),
            _unlike(
                "the old x",
                AT,
                alternating,
                "Here y uses the new x: that is the alternating step, which comes next. At the same time means that "
                "both slopes belong to the old place.",
            ),
            _unlike(
                "the old y",
                AT,
                _y_first,
                "Here x uses the new y. At the same time means that both slopes belong to the old place.",
            ),
            X_GOES_DOWN,
            Property(
                "y goes up",
                _coordinate(1, *AT),
                "From x = 2, y = 1 with eta = 0.1, y should go up, to {expected}, but it is {got}.",
            ),
            ANYWHERE,
        ),
        hints=(
            "If only x changes by a little, by how much does V = xy change? And if only y does?",
            "The slope in x is y, and x wants V small: x - eta * y. Now y, who wants V large.",
            "`return x - eta * y, ...`: the same for y with a plus, and with the x that came in.",
        ),
        praise="Both looked, then both moved.",
    )
)


# ---- 4.2: one alternating step ----------------------------------------------------------------------------------

ALTERNATING = register(
    Exercise(
        id="4.2",
        reference=alternating,
        properties=(
            _two_floats(*AT),
            _unlike("x before y", AT, _swapped(alternating), ORDER),
            _unlike("y sees", AT, simultaneous, "This is the simultaneous step again: y should see the new x."),
            _unlike(
                "x moves first",
                AT,
                _y_first,
                "Here y moves first and x sees the new y. It should be the other way round: x first.",
            ),
            _unlike(
                "y wants V large",
                AT,
                lambda x, y, eta: (x - eta * y, y - eta * (x - eta * y)),
                SIGN,
            ),
            X_GOES_DOWN,
            Property(
                "y goes up",
                _coordinate(1, *AT),
                "From x = 2, y = 1 with eta = 0.1, x goes to 1.9, and then y should go up, to {expected}, but it is "
                "{got}.",
            ),
            ANYWHERE,
        ),
        hints=(
            "When it is y's turn, which x does y look at?",
            "Two lines: first a new x, then the pair to give back, in which y's slope is that new x.",
            "`x = x - eta * y`, and then `return x, y + eta * ...`.",
        ),
        praise="The second saw what the first had done.",
    )
)


# ---- 4.3: look ahead --------------------------------------------------------------------------------------------


def look_ahead(x, y, eta, looks):
    """The place after one step whose arrow was read after `looks` looks ahead.  -> (x, y)"""
    u, v = x, y
    for _ in range(looks):
        u, v = x - eta * v, y + eta * u
    return x - eta * v, y + eta * u


def _moves_on(x, y, eta, looks):
    for _ in range(looks + 1):
        x, y = x - eta * y, y + eta * x
    return x, y


def _looks_in_turns(x, y, eta, looks):
    u, v = x, y
    for _ in range(looks):
        u = x - eta * v
        v = y + eta * u
    return x - eta * v, y + eta * u


def _with(looks, eta=0.5):
    return 1.0, 0.5, eta, looks


def _off_by(shift):
    return lambda x, y, eta, looks: look_ahead(x, y, eta, max(0, looks + shift))


LOOKS = register(
    Exercise(
        id="4.3",
        reference=look_ahead,
        properties=(
            _two_floats(*_with(1)),
            _unlike("x before y", _with(1), _swapped(look_ahead), ORDER),
            _unlike(
                "one too many",
                _with(0),
                _off_by(1),
                "One step off: with looks=0 it already looks ahead once. It should then be the simultaneous step.",
            ),
            _unlike(
                "one too few",
                _with(1),
                _off_by(-1),
                "One step off: with looks=1 it is still the simultaneous step, without a look ahead.",
            ),
            _unlike(
                "go back",
                _with(1),
                _moves_on,
                "With looks=1 these are two simultaneous steps, in a row. Read the arrow at the place ahead, "
                "but then go back: start the step from (x, y).",
            ),
            _unlike(
                "the old u",
                _with(1),
                _looks_in_turns,
                "In the look ahead v uses the new u. Both should move at the same time, with the old u and v.",
            ),
            Property(
                "no look",
                lambda f: f(*_with(0)),
                "Without a look it should be the simultaneous step, from (1, 0.5) with eta = 0.5 to {expected}, "
                "not {got}.",
            ),
            Property(
                "one look",
                lambda f: f(*_with(1)),
                "With one look, from (1, 0.5) with eta = 0.5, it should lead to {expected}, not {got}: read "
                "the arrow at the place ahead, but start from (x, y).",
            ),
            Property(
                "two looks",
                lambda f: f(*_with(2)),
                "With two looks, from (1, 0.5) with eta = 0.5, it should lead to {expected}, not {got}: each look "
                "starts from (x, y) again and uses the arrow that the look before it found.",
            ),
            Property(
                "many looks",
                lambda f: f(*_with(60)),
                "With 60 looks it should lead to {expected}, not {got}.",
            ),
        ),
        hints=(
            "Which two places must you keep apart: where you stand, and where you read the arrow?",
            "Stand at (x, y), read the arrow (-v, u) at (u, v). Begin with u, v = x, y. A look is a step from (x, y) "
            "by that arrow: it gives the next (u, v).",
            "`for _ in range(looks): u, v = x - eta * v, y + eta * u`, and after the loop one step from (x, y) of the "
            "same form.",
        ),
        praise="Look ahead, go back, and step by what you saw.",
    )
)


# ---- 4.4: friction ----------------------------------------------------------------------------------------------


def dirac_jacobian(gamma):
    """d(theta's and psi's arrow) / d(theta, psi) at (0, 0).  -> (2, 2)"""
    return np.array([[0.0, 0.5], [-0.5, -gamma]])


def _entry(row, column, gamma=0.6):
    return lambda answer: np.asarray(answer[0](gamma))[row, column]


def _not_the_matrix(name, mistake, message):
    """The property that the Jacobian is not the one that `mistake` makes of the right one."""
    wrong = mistake(dirac_jacobian(0.6))
    return Property(name, lambda answer: answer[0](0.6), message, expected=wrong, agrees=lambda a, b: not agree(a, b))


FRICTION = register(
    Exercise(
        id="4.4",
        reference=(dirac_jacobian, 1.0),
        properties=(
            Property(
                "shape",
                lambda answer: str(tuple(np.shape(answer[0](0.6)))),
                "The Jacobian of two players with one number each has the shape {expected}, not {got}.",
            ),
            _not_the_matrix(
                "theta before psi",
                lambda J: J[::-1, ::-1],
                "This is the right matrix with psi before theta: here theta's arrow is the first row, and theta the "
                "first column.",
            ),
            _not_the_matrix(
                "rows are arrows",
                lambda J: J.T,
                "Rows and columns are exchanged: a row holds one arrow, a column what it is differentiated by.",
            ),
            _not_the_matrix(
                "downhill",
                lambda J: -J,
                "All signs are turned round: differentiate the arrows, which are *minus* the gradients of the losses.",
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
                "the term -gamma psi.",
            ),
            Property(
                "best gamma",
                lambda answer: answer[1],
                "The Jacobian is right, but gamma = {got} is not the best: look where the square root becomes 0.",
            ),
        ),
        hints=(
            "At psi = 0 and theta = 0, what is sigma? And which terms still contain a factor that is 0?",
            "theta's arrow is nearly psi / 2, psi's is nearly -theta / 2 - gamma psi. Each is a row; its two entries "
            "belong to theta and to psi.",
            "[[0, 1/2], [-1/2, ...]]. Its eigenvalues are -gamma/2 + sqrt(gamma^2/4 - 1/4) and the same with a minus: "
            "the larger real part falls as long as the root is imaginary, and rises after.",
        ),
        praise="Less friction overshoots, more of it creeps.",
    )
)


# ---- 4.5: a step on any V ---------------------------------------------------------------------------------------


def step(V, x, y, eta):
    """(x - eta dV/dx, y + eta dV/dy), both slopes at the old place.  floats -> floats"""
    x, y = torch.tensor(x, requires_grad=True), torch.tensor(y, requires_grad=True)
    x_slope, y_slope = torch.autograd.grad(V(x, y), (x, y))
    return (x - eta * x_slope).item(), (y + eta * y_slope).item()


def _product(x, y):
    return x * y


def _other(x, y):
    return x**2 + 3 * x * y - torch.exp(y)


STEP = register(
    Exercise(
        id="4.5",
        reference=step,
        properties=(
            _two_floats(_product, *AT),
            Property(
                "x goes down",
                _coordinate(0, _product, *AT),
                "From x = 2, y = 1 on V = xy with eta = 0.1, x should go down, to {expected}, but it is {got}.",
            ),
            _unlike("y wants V large", (_product, *AT), lambda V, *at: _both_down(*at), SIGN),
            Property(
                "y goes up",
                _coordinate(1, _product, 1.0, 0.0, 0.1),
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
            "What must torch know of x and y so that it can find the slopes of V(x, y)?",
            "Make tensors of both with requires_grad=True; torch.autograd.grad(V(x, y), (x, y)) returns both slopes, "
            "before anybody has moved.",
            "`return (x - eta * x_slope).item(), ...`: y with a plus.",
        ),
        praise="Both looked, then both moved, on any V.",
    )
)
