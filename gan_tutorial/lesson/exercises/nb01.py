"""Exercises of notebook 01: KL between two bells, the best bell in KL, and the density of a generator that folds."""

import math

import torch

from gan_tutorial.lesson.exercises import Exercise, Property, register

# ---- 1.1: KL between two bells ----------------------------------------------------------------------------------


def kl_bells(mean_p, sd_p, mean_q, sd_q):
    """KL(N(mean_p, sd_p^2) || N(mean_q, sd_q^2)) in nats.  four numbers -> number"""
    return math.log(sd_q / sd_p) + (sd_p**2 + (mean_p - mean_q) ** 2) / (2 * sd_q**2) - 0.5


register(
    Exercise(
        id="1.1",
        reference=kl_bells,
        properties=(
            Property(
                "equal",
                lambda f: f(1.0, 0.7, 1.0, 0.7),
                "Of a bell to itself KL is 0, but yours is {got}.",
                expected=0.0,
            ),
            Property(
                "shift",
                lambda f: f(0.0, 1.0, 3.0, 1.0),
                "Two bells of sd 1 at distance 3 have KL 3^2/2 = {expected}, not {got}.",
            ),
            Property(
                "direction",
                lambda f: f(0.0, 1.0, 0.0, 2.0),
                "From sd 1 to sd 2 it should be log 2 + 1/8 - 1/2 = {expected}, not {got}; the other way round it is "
                "2 - 1/2 - log 2 = 0.8069.",
            ),
            Property(
                "scaled shift",
                lambda f: f(0.0, 2.0, 3.0, 2.0),
                "Two bells of sd 2 at distance 3 should have KL {expected}, not {got}: distance counts in units of sd.",
            ),
            Property(
                "all at once",
                lambda f: f(1.0, 0.5, -1.0, 3.0),
                "KL(N(1, 0.5^2) || N(-1, 3^2)) should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "Start from E_p[log p(x) - log q(x)], and put in the two formulas of the bell: only squares remain.",
            "E_p (x - mean_p)^2 = sd_p^2, and E_p (x - mean_q)^2 = sd_p^2 + (mean_p - mean_q)^2.",
            "The answer has three terms: log(sd_q / sd_p), a quotient with 2 sd_q^2 below the line, and -1/2.",
        ),
        praise="With equal sd it is the squared distance in units of sd, halved: squared error is KL in disguise.",
    )
)


# ---- 1.2: the best bell in KL -----------------------------------------------------------------------------------


def moments(weights, means, sds):
    """(mean, sd) of a mixture of bells: the bell with the least KL(p || q).  three lists of numbers -> 2 numbers"""
    mean = sum(w * m for w, m in zip(weights, means, strict=True))
    square = sum(w * (s**2 + m**2) for w, m, s in zip(weights, means, sds, strict=True))
    return mean, math.sqrt(square - mean**2)


register(
    Exercise(
        id="1.2",
        reference=moments,
        properties=(
            Property(
                "one hill",
                lambda f: f([1.0], [3.0], [0.5]),
                "A single hill with mean 3 and sd 0.5 is a bell already: {expected}, not {got}.",
            ),
            Property(
                "mean",
                lambda f: f([0.9, 0.1], [-1.0, 4.0], [1.0, 1.0])[0],
                "With weights 0.9 and 0.1 at -1 and 4, the mean should be {expected}, not {got}.",
            ),
            Property(
                "two points",
                lambda f: f([0.5, 0.5], [-3.0, 3.0], [1e-6, 1e-6])[1],
                "Two needles at -3 and 3 have no width, and yet the best bell has sd {expected}, not {got}: the "
                "distance between hills counts as spread.",
            ),
            Property(
                "widths",
                lambda f: f([0.5, 0.5], [0.0, 0.0], [1.0, 3.0])[1],
                "Two hills with sd 1 and 3 on the same spot make sd sqrt((1 + 9)/2) = {expected}, not {got}: variances "
                "are averaged, not standard deviations.",
            ),
            Property(
                "three hills",
                lambda f: f([0.2, 0.5, 0.3], [-4.0, 0.0, 5.0], [0.5, 1.0, 2.0]),
                "For the three hills of the test it should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "In KL the best bell has the mean and the variance of the data: derive both for a mixture.",
            "The mean of a mixture is the weighted mean of the means.",
            "E x^2 of a hill is sd^2 + mean^2. Average that, subtract the square of the mean, take the root.",
        ),
        praise="Variance within the hills plus variance between them; nothing else of p matters to this fit.",
    )
)


# ---- 1.3: a generator that folds --------------------------------------------------------------------------------


def folded(x):
    """The density of z^2 - 1 for z ~ N(0, 1).  (...) -> (...)"""
    z = (x + 1).clamp(min=1e-12).sqrt()
    bell = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    return torch.where(x > -1, 2 * bell / (2 * z), 0.0)


def _at(*x):
    return lambda f: f(torch.tensor(x, dtype=torch.float64))


def _mass(f):
    # x = z^2 - 1 takes the spike at x = -1 away: the integral of q(z^2 - 1) 2 z over z > 0
    z = torch.linspace(0, 12, 4001, dtype=torch.float64)[1:]
    return torch.trapezoid(f(z.square() - 1) * 2 * z, z)


register(
    Exercise(
        id="1.3",
        reference=folded,
        properties=(
            Property(
                "shape",
                _at(0.0, 1.0, 3.0),
                "For three points it should return three densities, but returned {got}.",
                agrees=lambda got, expected: getattr(got, "shape", None) == expected.shape,
            ),
            Property(
                "slope",
                lambda f: _at(3.0)(f) / _at(0.0)(f),
                "q(3)/q(0) should be {expected}, not {got}: divide by the slope |G'(z)| = 2|z|, larger at x = 3.",
                tolerance=1e-6,
            ),
            Property(
                "both inputs",
                _at(3.0),
                "q(3) should be {expected}, not {got}: two inputs, z = 2 and z = -2, give x = 3, and each brings a "
                "bell with its factor 1/sqrt(2 pi).",
                tolerance=1e-6,
            ),
            Property(
                "below",
                _at(-1.5, -20.0),
                "No input gives x < -1, so the density there should be {expected}, not {got}.",
                expected=[0.0, 0.0],
            ),
            Property("mass", _mass, "The density should integrate to {expected}, not {got}.", tolerance=1e-3),
        ),
        hints=(
            "Which z give z^2 - 1 = x? There are two of them if x > -1, and none if x < -1.",
            "Each brings N(z; 0, 1) / |G'(z)|, with G'(z) = 2 z.",
            "The square root of a negative number is nan: clamp first, then torch.where(x > -1, ..., 0.0).",
        ),
        praise="At x = -1, where G turns round, the density is infinite: at a fold a likelihood is worst behaved.",
    )
)
