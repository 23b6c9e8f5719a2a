"""Exercises of notebook 01: the log-likelihood and its maximiser, KL, JS, the best Gaussian, a generator that folds."""

import math

import torch

from gan_tutorial.lesson.exercises import Exercise, Property, agree, has_slopes, register, same_shape


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


# ---- 1.1: the log-likelihood ------------------------------------------------------------------------------------


def log_likelihood(x, mean, sd):
    """Sum of log N(x_i; mean, sd^2) along the last axis.  (n,), (..., 1), (..., 1) -> (...); numbers are welcome"""
    mean, sd = torch.as_tensor(mean), torch.as_tensor(sd)
    terms = -0.5 * ((x - mean) / sd) ** 2 - torch.log(sd) - 0.5 * math.log(2 * math.pi)
    return terms.sum(-1)


_THREE = (_t(-1.0, 0.5, 2.0), _t(0.5)[0], _t(2.0)[0])
_MANY = (torch.linspace(-5, 5, 2_000, dtype=torch.float64), _t(0.0)[0], _t(2.0)[0])


def _is(times):
    """Whether an answer is so many times what it should be: "True" or "False"."""
    return lambda f: str(agree(f(*_THREE), times * log_likelihood(*_THREE)))


register(
    Exercise(
        id="1.1",
        reference=log_likelihood,
        properties=(
            Property(
                "one number",
                lambda f: f(*_THREE),
                "The data have one log-likelihood, not one for each of them: add the terms up. For three data yours "
                "is {got}.",
                agrees=same_shape,
            ),
            Property(
                "logarithm first",
                lambda f: f(*_MANY),
                "For 2,000 data it is {got}: the product was rounded to 0 before its logarithm was taken. Take the "
                "logarithm of each density first, then add.",
                agrees=lambda got, expected: bool(torch.isfinite(torch.as_tensor(got)).all()),
            ),
            Property(
                "sign",
                _is(-1),
                "This is the negative log-likelihood; here we want the log-likelihood itself, without the minus.",
            ),
            Property(
                "sum, not mean",
                _is(1 / 3),
                "This is the mean of the logarithms. The logarithm of a product is their sum.",
            ),
            Property(
                "height",
                lambda f: f(_t(0.5), _t(0.5)[0], _t(1.0)[0]),
                "At its mean a Gaussian of sd 1 has the density 1/sqrt(2 pi): its logarithm is {expected}, not {got}.",
            ),
            Property(
                "sd lowers the peak",
                lambda f: f(_t(0.5), _t(0.5)[0], _t(2.0)[0]),
                "A Gaussian of sd 2 is half as high as one of sd 1: the logarithm at its mean should be {expected}, "
                "not {got}. Is -log(sd) there?",
            ),
            Property(
                "distance in sd",
                lambda f: f(_t(3.5), _t(0.5)[0], _t(2.0)[0]),
                "For x = 3.5 under N(0.5, 2^2) it should be {expected}, not {got}: the exponent is minus half of "
                "((x - mean) / sd)^2.",
            ),
            Property(
                "several Gaussians",
                lambda f: f(_THREE[0], _t([0.0], [1.0]), _t([1.0], [3.0])),
                "For two Gaussians at once, mean and sd of shape (2, 1), it should be two numbers, {expected}, not "
                "{got}: add along the last axis, .sum(-1).",
            ),
            has_slopes(lambda f, mean, sd: f(_THREE[0], mean, sd), (_t(0.0)[0], _t(2.0)[0]), "the mean and in the sd"),
        ),
        hints=(
            "What is the logarithm of a product, and of an exponential? Apply both to the formula.",
            "For one datum it is minus half of ((x - mean) / sd)^2, minus log(sd), minus half of log(2 pi).",
            "terms = -0.5 * ((x - mean) / sd) ** 2 - torch.log(sd) - 0.5 * math.log(2 * math.pi), and then .sum(-1).",
        ),
        praise="In the mean, only the squared distances matter: maximum likelihood of a Gaussian is least squares.",
    )
)


# ---- 1.2: the most likely Gaussian ------------------------------------------------------------------------------


def most_likely(x):
    """(mean, sd) of the Gaussian under which x is most likely.  (n,) -> two numbers"""
    return x.mean(), x.std(unbiased=False)


_X = _t(0, 0, 1, 7)


def _pair(which):
    """Whether an answer's pair for the data `_X` agrees with another one: "True" or "False"."""
    return lambda f: str(agree(list(f(_X)), which))


_MEAN, _VAR = 2.0, 8.5

register(
    Exercise(
        id="1.2",
        reference=most_likely,
        properties=(
            Property(
                "two numbers",
                lambda f: len(f(_X)),
                "It should return two numbers, the mean and the sd; yours returns {got}.",
                expected=2,
            ),
            Property(
                "order",
                lambda f: str(agree(f(_X)[1], _MEAN) and not agree(f(_X)[0], _MEAN)),
                "These are swapped: return the mean first, then the sd.",
            ),
            Property(
                "mean",
                lambda f: f(_X)[0],
                "For the data 0, 0, 1, 7 the best mean is {expected}, the mean of all data, not {got}.",
            ),
            Property(
                "n, not n - 1",
                lambda f: str(agree(f(_X)[1], math.sqrt(_VAR * 4 / 3))),
                "You divided by n - 1, as torch does unless it is told otherwise. The zero of the derivative has 1/n: "
                "the most likely sd is a little smaller.",
            ),
            Property(
                "sd, not variance",
                lambda f: str(agree(f(_X)[1], _VAR)),
                "This is the variance. Its root is asked for, the sd.",
            ),
            Property(
                "sd",
                lambda f: f(_X)[1],
                "For the data 0, 0, 1, 7 the best sd is {expected}, not {got}: the root of the mean squared distance "
                "from the mean.",
            ),
        ),
        hints=(
            "Where does the derivative of the log-likelihood with respect to mu vanish? Only the squares contain mu.",
            "The sum of (x_i - mu) / sigma^2 is 0 at the mean of the data. For sigma: -n / sigma plus the sum of "
            "(x_i - mu)^2 / sigma^3 is 0.",
            "mu = x.mean(), sigma^2 = ((x - mu) ** 2).mean(): with 1/n, that is x.std(unbiased=False).",
        ),
        praise="The most likely Gaussian knows two numbers of the data, and forgets everything else about them.",
    )
)


# ---- 1.3: KL between two Gaussians ------------------------------------------------------------------------------


def kl_normals(mean_p, sd_p, mean_q, sd_q):
    """KL(N(mean_p, sd_p^2) || N(mean_q, sd_q^2)) in nats.  four numbers -> number"""
    return math.log(sd_q / sd_p) + (sd_p**2 + (mean_p - mean_q) ** 2) / (2 * sd_q**2) - 0.5


register(
    Exercise(
        id="1.3",
        reference=kl_normals,
        properties=(
            Property(
                "equal",
                lambda f: f(1.0, 0.7, 1.0, 0.7),
                "Of a Gaussian to itself KL is 0, but yours is {got}.",
                expected=0.0,
            ),
            Property(
                "nats",
                lambda f: str(agree(f(0.0, 1.0, 3.0, 2.0) * math.log(2), kl_normals(0.0, 1.0, 3.0, 2.0))),
                "This is KL in bits. We use the natural logarithm, and count in nats.",
            ),
            Property(
                "shift",
                lambda f: f(0.0, 1.0, 3.0, 1.0),
                "Two Gaussians of sd 1 at distance 3 have KL 3^2/2 = {expected}, not {got}.",
            ),
            Property(
                "order",
                lambda f: str(agree(f(0.0, 1.0, 1.0, 2.0), kl_normals(1.0, 2.0, 0.0, 1.0))),
                "This is KL(q || p): the two are swapped. The mean is taken over p, the density that comes first.",
            ),
            Property(
                "widths",
                lambda f: f(0.0, 1.0, 0.0, 2.0),
                "From sd 1 to sd 2 it should be log 2 + 1/8 - 1/2 = {expected}, not {got}.",
            ),
            Property(
                "scaled shift",
                lambda f: f(0.0, 2.0, 3.0, 2.0),
                "Two Gaussians of sd 2 at distance 3 should have KL {expected}, not {got}: distance counts in units "
                "of sd.",
            ),
            Property(
                "all at once",
                lambda f: f(1.0, 0.5, -1.0, 3.0),
                "KL(N(1, 0.5^2) || N(-1, 3^2)) should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "KL is E_p[log p(x) - log q(x)]. Which two means of squares are left if you put in the two formulas?",
            "E_p (x - mean_p)^2 = sd_p^2, and E_p (x - mean_q)^2 = sd_p^2 + (mean_p - mean_q)^2.",
            "The answer has three terms: log(sd_q / sd_p), a quotient with 2 sd_q^2 below the line, and -1/2.",
        ),
        praise="With equal sd it is the squared distance in units of sd, halved: squared error is KL in disguise.",
    )
)


# ---- 1.4: JS on a grid ------------------------------------------------------------------------------------------

_GRID = torch.linspace(-16, 16, 641, dtype=torch.float64)


def _kl_sum(log_p, log_q):
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1) * float(_GRID[1] - _GRID[0])


def js_sum(log_p, log_q):
    """JS(p, q) in nats from log-densities on the grid of the notebook.  (..., 641), (..., 641) -> (...)"""
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return (_kl_sum(log_p, log_m) + _kl_sum(log_q, log_m)) / 2


def _normal(mean, sd):
    return -0.5 * ((_GRID - mean) / sd) ** 2 - math.log(sd) - 0.5 * math.log(2 * math.pi)


_PAIR = _normal(0.0, 1.0), _normal(1.0, 2.0)
_LOG_M = torch.logaddexp(*_PAIR) - math.log(2)


def _is_js(other):
    return lambda f: str(agree(f(*_PAIR), other))


register(
    Exercise(
        id="1.4",
        reference=js_sum,
        properties=(
            Property(
                "average",
                lambda f: str(agree(f(_PAIR[0], _PAIR[0]), -math.log(2))),
                "Of p to itself this gives -log 2: your m is p + q. The average has half of that, so its logarithm is "
                "smaller by log 2.",
            ),
            Property(
                "densities, not logarithms",
                _is_js((_kl_sum(*_PAIR) + _kl_sum(*_PAIR[::-1])) / 4),
                "This takes the mean of the two logarithms for log m. The mean is one of densities: m = (p + q)/2.",
            ),
            Property(
                "order",
                _is_js((_kl_sum(_LOG_M, _PAIR[0]) + _kl_sum(_LOG_M, _PAIR[1])) / 2),
                "This is KL from m to p and q. The means are taken over p and over q: KL(p || m) and KL(q || m).",
            ),
            Property(
                "both halves",
                _is_js(_kl_sum(_PAIR[0], _LOG_M)),
                "This is KL(p || m) alone; the samples have their half, too.",
            ),
            Property(
                "halves",
                _is_js(_kl_sum(_PAIR[0], _LOG_M) + _kl_sum(_PAIR[1], _LOG_M)),
                "This is twice JS: each of the two KLs counts one half.",
            ),
            Property(
                "equal",
                lambda f: f(_PAIR[1], _PAIR[1]),
                "Of a density to itself JS is 0, but yours is {got}.",
                expected=0.0,
            ),
            Property(
                "value",
                lambda f: f(*_PAIR),
                "For N(0, 1) and N(1, 2^2) it should be {expected}, not {got}.",
            ),
            Property(
                "far tails",
                lambda f: f(_normal(-14.0, 0.2), _normal(14.0, 0.2)),
                "For narrow Gaussians far apart it should be log 2 = {expected}, not {got}: between them both "
                "densities are rounded to 0. Stay with logarithms: torch.logaddexp.",
            ),
            Property(
                "rows",
                lambda f: f(torch.stack(_PAIR), _PAIR[0]),
                "For two densities at once, (2, 641), it should be two numbers, {expected}, not {got}.",
            ),
        ),
        hints=(
            "What is log m, if all you have are log p and log q? How would you get log(p + q) without taking exp?",
            "torch.logaddexp(log_p, log_q) is log(p + q); the logarithm of the average is smaller by log 2.",
            "With log_m = torch.logaddexp(log_p, log_q) - math.log(2), it is half of kl_sum(log_p, log_m) plus half of "
            "kl_sum(log_q, log_m).",
        ),
        praise="It is finite whatever p and q are, and the same both ways round.",
    )
)


# ---- 1.5: the best Gaussian in KL -------------------------------------------------------------------------------


def moments(weights, means, sds):
    """(mean, sd) of a mixture: the Gaussian with the least KL(p || q).  three lists of numbers -> two numbers"""
    mean = sum(w * m for w, m in zip(weights, means, strict=True))
    square = sum(w * (s**2 + m**2) for w, m, s in zip(weights, means, sds, strict=True))
    return mean, math.sqrt(square - mean**2)


register(
    Exercise(
        id="1.5",
        reference=moments,
        properties=(
            Property(
                "one part",
                lambda f: f([1.0], [3.0], [0.5]),
                "A single part with mean 3 and sd 0.5 is a Gaussian already: {expected}, not {got}.",
            ),
            Property(
                "mean",
                lambda f: f([0.9, 0.1], [-1.0, 4.0], [1.0, 1.0])[0],
                "With weights 0.9 and 0.1 at -1 and 4, the mean should be {expected}, not {got}.",
            ),
            Property(
                "two points",
                lambda f: f([0.5, 0.5], [-3.0, 3.0], [1e-6, 1e-6])[1],
                "Two needles at -3 and 3 have no width, and yet the best Gaussian has sd {expected}, not {got}: the "
                "distance between the parts counts as spread.",
            ),
            Property(
                "widths",
                lambda f: f([0.5, 0.5], [0.0, 0.0], [1.0, 3.0])[1],
                "Two parts with sd 1 and 3 at the same place make sd sqrt((1 + 9)/2) = {expected}, not {got}: "
                "variances are averaged, not standard deviations.",
            ),
            Property(
                "three parts",
                lambda f: f([0.2, 0.5, 0.3], [-4.0, 0.0, 5.0], [0.5, 1.0, 2.0]),
                "For the three parts of the test it should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "In KL the best Gaussian has the mean and the variance of the data. What are these, for a mixture?",
            "The mean of a mixture is the weighted mean of the means.",
            "E x^2 of a part is sd^2 + mean^2. Average that, subtract the square of the mean, take the root.",
        ),
        praise="Variance within the parts plus variance between them; nothing else of p matters to this fit.",
    )
)


# ---- 1.6: a generator that folds --------------------------------------------------------------------------------


def folded(x):
    """The density of z^2 - 1 for z ~ N(0, 1).  (...) -> (...)"""
    z = (x + 1).clamp(min=1e-12).sqrt()
    normal = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    return torch.where(x > -1, 2 * normal / (2 * z), 0.0)


def _at(*x):
    return lambda f: f(_t(*x))


def _mass(f):
    # x = z^2 - 1 takes the spike at x = -1 away: the integral of q(z^2 - 1) 2 z over z > 0
    z = torch.linspace(0, 12, 4001, dtype=torch.float64)[1:]
    return torch.trapezoid(f(z.square() - 1) * 2 * z, z)


register(
    Exercise(
        id="1.6",
        reference=folded,
        properties=(
            Property(
                "shape",
                _at(0.0, 1.0, 3.0),
                "For three points it should return three densities, but returned {got}.",
                agrees=same_shape,
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
                "normal density with its factor 1/sqrt(2 pi).",
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
            "Which z give z^2 - 1 = x? How many are there if x > -1, and if x < -1?",
            "There are two, or none. Each brings N(z; 0, 1) / |G'(z)|, with G'(z) = 2 z.",
            "The square root of a negative number is nan: clamp first, then torch.where(x > -1, ..., 0.0).",
        ),
        praise="At x = -1, where G turns round, the density is infinite: at a fold a likelihood is worst behaved.",
    )
)
