"""The exercises of notebook 02: the best discriminator, the value of the game, the divergence, a loaded coin."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gan_tutorial.lesson.exercises import Exercise, Property, has_shape, has_slopes, is_not, register

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


def loaded_loss(s_real: Tensor, s_fake: Tensor, weight: float) -> Tensor:
    """weight * mean of -log D over data, plus mean of -log(1 - D) over samples, from scores."""
    return weight * softplus(-s_real).mean() + softplus(s_fake).mean()


def _normal(mean: float, sd: float = 1.0) -> Tensor:
    return torch.exp(-(((GRID - mean) / sd) ** 2) / 2) / (sd * math.sqrt(2 * math.pi))


def _block(low: float, high: float) -> Tensor:
    inside = ((low <= GRID) & (high > GRID)).double()
    return inside / (inside.sum() * DX)


P, Q = _normal(0.0), _normal(1.0)
LEFT, RIGHT = _block(-3, -1), _block(1, 3)


def _at(p: float | list, q: float | list):
    return lambda answer: answer(torch.tensor(p), torch.tensor(q))


def _kl(a: Tensor, b: Tensor, dx: float) -> Tensor:
    return (torch.xlogy(a, a) - torch.xlogy(a, b)).sum() * dx


def _swapped_labels(p_x: Tensor, q_x: Tensor, D_x: Tensor, dx: float) -> Tensor:
    return value(q_x, p_x, D_x, dx)


def _misprint(p_x: Tensor, q_x: Tensor, D_x: Tensor, dx: float) -> Tensor:
    return (torch.xlogy(p_x, D_x) + torch.xlogy(q_x, D_x)).sum() * dx


OPTIMAL_D = register(
    Exercise(
        id="2.1",
        reference=optimal_discriminator,
        properties=(
            is_not(
                "ratio",
                lambda p, q: p / q,
                _at(0.4, 0.1),
                "This is the ratio p/q, which can be larger than 1; D is the share of data among all that arrives.",
            ),
            is_not(
                "score",
                lambda p, q: torch.log(p / q),
                _at(0.4, 0.1),
                "This is log p/q, the best score; D is a probability, sigma of that score.",
            ),
            is_not(
                "side",
                lambda p, q: q / (p + q),
                _at(0.9, 0.1),
                "This is q/(p + q), the probability of a sample: where data are nine times as likely as samples, D "
                "should be 0.9.",
            ),
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
                "maximum",
                _at([0.4, 0.02, 0.001], [0.1, 0.06, 0.3]),
                "For p = [0.4, 0.02, 0.001] and q = [0.1, 0.06, 0.3] the bracket is largest at D = {expected}, "
                "and yours is {got}.",
                tolerance=1e-5,
            ),
        ),
        hints=(
            "Fix one x, and write a for p(x) and b for q(x). How would you find the largest value of "
            "a log D + b log(1 - D), as a function of one number D between 0 and 1?",
            "Its derivative in D is a/D - b/(1 - D). Where is that 0?",
            "a (1 - D) = b D. Solve for D.",
        ),
        praise="D is the share of data among all that arrives at x: the dots that we counted.",
    )
)


def _best_D(answer: Any) -> Any:
    q_x = _normal(0.5, 2.0)  # not of the shape of p: else mistakes look alike
    return answer(P, q_x, P / (P + q_x), DX)


VALUE = register(
    Exercise(
        id="2.2",
        reference=value,
        properties=(
            has_shape(
                "number",
                lambda answer: answer(P, Q, P / (P + Q), DX),
                "The value is one number, but the answer has shape {got}; sum over the grid.",
                (),
            ),
            is_not(
                "sign",
                lambda *given: -value(*given),
                _best_D,
                "This is -V, D's loss: the value itself is negative, and D raises it.",
            ),
            is_not(
                "half",
                lambda *given: value(*given) / 2,
                _best_D,
                "This is V/2: the half of the fair coin belongs to the losses J, not to the value.",
            ),
            is_not(
                "dx",
                lambda *given: value(*given) / DX,
                _best_D,
                "This is the sum over the grid without the width of its cells: an integral needs dx.",
            ),
            is_not(
                "swapped",
                _swapped_labels,
                _best_D,
                "The densities are swapped: log D goes with data, p, and log(1 - D) with samples, q.",
            ),
            is_not(
                "misprint",
                _misprint,
                _best_D,
                "Both terms have log D: for samples, D earns log(1 - D), the probability that it gives to the truth.",
            ),
            Property(
                "shrug",
                lambda answer: answer(P, Q, torch.full_like(P, 0.5), DX),
                "For D = 1/2 everywhere the value is 2 log(1/2) = {expected}, but yours is {got}.",
            ),
            Property(
                "fakes",
                _best_D,
                "For N(0, 1), N(0.5, 4) and the best D the value is {expected}, but yours is {got}; look at which "
                "density goes with log D and which with log(1 - D).",
            ),
            Property(
                "zeros",
                lambda answer: answer(LEFT, RIGHT, (GRID < 0).double(), DX),
                "For densities that never overlap and a D that is always certain and right the value is {expected}, "
                "but yours is {got}; where a density is 0 its term should be 0, and 0 * log 0 is nan.",
            ),
            Property(
                "one zero",
                lambda answer: answer(LEFT, RIGHT, torch.full_like(LEFT, 0.5), DX),
                "For densities that never overlap and D = 1/2 the value is {expected}, but yours is {got}: where one "
                "density is 0, the term of the other still counts.",
            ),
        ),
        hints=(
            "An expectation under p is an integral of p times something. What becomes of an integral on a grid?",
            "Two sums: p_x with log D_x, and q_x with log(1 - D_x).",
            "torch.xlogy(a, b) is a * log(b), and 0 wherever a is 0.",
        ),
        praise="Sums over the grid stand for the two expectations, and zeros do no harm.",
    )
)


def _apart(answer: Any) -> Any:
    return answer(P, _normal(0.5, 2.0), DX)


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
            is_not(
                "dx",
                lambda *given: jensen_shannon(*given) / DX,
                _apart,
                "This is the sum over the grid without the width of its cells: an integral needs dx.",
            ),
            is_not(
                "bits",
                lambda *given: jensen_shannon(*given) / math.log(2),
                _apart,
                "Right, but in bits (log2): JS is asked for in nats, with the natural logarithm, as in the value.",
            ),
            is_not(
                "sum",
                lambda *given: 2 * jensen_shannon(*given),
                _apart,
                "This is the sum of the two KL divergences to m; JS is their mean, half of it.",
            ),
            is_not(
                "root",
                lambda *given: jensen_shannon(*given).sqrt(),
                _apart,
                "This is the square root of JS, which some libraries call the Jensen-Shannon distance.",
            ),
            is_not(
                "kl",
                _kl,
                _apart,
                "This is KL(p || q) itself: JS compares p and q each with the mixture m.",
            ),
            is_not(
                "turned",
                lambda p, q, dx: (_kl((p + q) / 2, p, dx) + _kl((p + q) / 2, q, dx)) / 2,
                _apart,
                "The two are turned round: this is KL(m || p) and KL(m || q), and JS is made of KL(p || m) and "
                "KL(q || m).",
            ),
            is_not(
                "one side",
                lambda p, q, dx: _kl(p, (p + q) / 2, dx),
                _apart,
                "This is KL(p || m) alone: p and q play the same part, so JS is the mean of KL(p || m) and KL(q || m).",
            ),
            Property(
                "mean",
                _apart,
                "JS of N(0, 1) and N(0.5, 4) is {expected}, but yours is {got}; it is the mean of two KL divergences, "
                "both to m.",
            ),
            Property(
                "far apart",
                lambda answer: answer(P, _normal(4.0), DX),
                "For N(0, 1) and N(4, 1) JS is {expected}, but yours is {got}: far out one density is tiny beside the "
                "other, and 1 - p/(p + q) rounds to 0; work with m instead.",
            ),
            Property(
                "disjoint",
                lambda answer: answer(LEFT, RIGHT, DX),
                "For densities that never overlap JS is log 2 = {expected}, but yours is {got}; where a density is 0 "
                "its term should be 0, but 0 * log 0 is nan, and where both are 0, so is p/m = 0/0.",
            ),
        ),
        hints=(
            "Which mixture are p and q both compared with, and how is KL(p || m) = E_p log(p/m) written on a grid?",
            "First m = (p_x + q_x) / 2. KL(p || m) is the sum of p log(p/m), times dx.",
            "Where p is 0, log(p/m) is infinite, and where both densities are 0, p/m is 0/0, which is nan: divide "
            "nowhere, and write p log p - p log m, each by torch.xlogy.",
            "Add KL(p || m) and KL(q || m) and halve the sum.",
        ),
        praise="It is 0 for equal densities and log 2 for disjoint ones.",
    )
)


REAL, FAKE = torch.tensor([-2.0, 0.5, 3.0, 1.0]), torch.tensor([-1.0, 2.0, 0.0, -0.5])


def _double(answer: Any) -> Any:
    return answer(REAL, FAKE, 2.0)


LOADED = register(
    Exercise(
        id="2.4",
        reference=loaded_loss,
        properties=(
            has_shape(
                "number",
                _double,
                "The loss is one number, but the answer has shape {got}; take the mean over data and over samples.",
                (),
            ),
            is_not(
                "value",
                lambda *given: -loaded_loss(*given),
                _double,
                "This is the value, which D raises: its loss has the other sign.",
            ),
            is_not(
                "samples",
                lambda s, s_fake, weight: softplus(-s).mean() + weight * softplus(s_fake).mean(),
                _double,
                "Here the samples count twice; the weight belongs to the term of the data.",
            ),
            is_not(
                "both",
                lambda s, s_fake, weight: weight * loaded_loss(s, s_fake, 1.0),
                _double,
                "Here both terms are weighted, which changes nothing but the step size; weigh that of the data only.",
            ),
            is_not(
                "labels",
                lambda s, s_fake, weight: weight * softplus(s).mean() + softplus(-s_fake).mean(),
                _double,
                "Here D loses where it believes data; -log D is softplus(-s), and it belongs to the data.",
            ),
            Property(
                "fair",
                lambda answer: answer(REAL, FAKE, 1.0),
                "With weight 1 it should be d_loss, here {expected}, but yours is {got}.",
            ),
            Property(
                "weight",
                _double,
                "With weight 2 the loss of these scores is {expected}, but yours is {got}.",
            ),
            Property(
                "unequal numbers",
                lambda answer: answer(REAL, FAKE[:2], 2.0),
                "With four data and two samples it is {expected}, but yours is {got}: a mean over the data, and one "
                "over the samples.",
            ),
            has_slopes(
                lambda answer, real, fake: answer(real, fake, 2.0),
                (REAL, FAKE),
                "the scores of data and in those of samples",
            ),
        ),
        hints=(
            "Which of the two terms of d_loss, above, is a mean over data?",
            "-log D is softplus(-s), for data; -log(1 - D) is softplus(s), for samples.",
            "weight * softplus(-s_real).mean(), and the term of the samples as it was.",
        ),
        praise="It weighs the data, as a coin does that shows data more often.",
    )
)
