"""The exercises of notebook 14: the loss of a D that cannot tell, a rule for a D that is too strong, coverage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_tutorial.game.objectives import OBJECTIVES, Objective, best_response
from gan_tutorial.lesson.exercises import Exercise, Property, is_not, register

NS, LS, HINGE, KL = (OBJECTIVES[name] for name in ("non_saturating", "least_squares", "hinge", "kl"))


def even_loss(objective: Objective) -> Tensor:
    """min over s of d_real(s) + d_fake(s): D's loss where data and samples are equally likely.  -> ()"""
    s = best_response(objective, torch.tensor(1.0))
    return objective.d_real(s) + objective.d_fake(s)


def too_strong(real_score: Tensor, fake_score: Tensor) -> bool:
    """Whether in the last quarter of the rows the medians of sigma(real) and sigma(-fake) are above 0.9.  (n,), (n,)"""
    quarter = len(real_score) // 4
    real, fake = torch.sigmoid(real_score[-quarter:]), torch.sigmoid(-fake_score[-quarter:])
    return bool(real.median() > 0.9 and fake.median() > 0.9)


def covered(samples: Tensor, data: Tensor) -> Tensor:
    """The share of the data with a sample at most 3 times as far as their own fifth neighbour.  (n, d), (m, d) -> ()"""
    fifth = torch.cdist(data, data).sort(dim=1).values[:, 5]
    near = torch.cdist(data, samples).min(dim=1).values
    return (near <= 3 * fifth).double().mean()


def _at(objective: Objective) -> Callable[[Any], Any]:
    return lambda answer: answer(objective)


def _real_alone(objective: Objective) -> Tensor:
    return objective.d_real(best_response(objective, torch.tensor(1.0)))


def _at_zero(objective: Objective) -> Tensor:
    zero = torch.tensor(0.0)
    return objective.d_real(zero) + objective.d_fake(zero)


EVEN = register(
    Exercise(
        id="14.1",
        reference=even_loss,
        properties=(
            is_not(
                "value",
                lambda objective: -even_loss(objective),
                _at(NS),
                "This is minus D's loss, the value of the game: the loss itself is positive here.",
            ),
            is_not(
                "one term",
                _real_alone,
                _at(NS),
                "This is one term, 0.693: D's loss has two, one of data and one of samples.",
            ),
            Property("log 4", _at(NS), "For the non-saturating game it is log 4 = {expected}, but yours is {got}."),
            is_not(
                "zero",
                _at_zero,
                _at(LS),
                "This is the loss at score 0, and for least squares the even score is 1/2: find the score first.",
            ),
            Property(
                "least squares",
                _at(LS),
                "For least squares it is {expected}, at the score 1/2, but yours is {got}.",
                tolerance=1e-3,
            ),
            Property("hinge", _at(HINGE), "For hinge it is {expected}, but yours is {got}.", tolerance=1e-3),
            Property("KL", _at(KL), "For KL it is {expected}, at the score 1, but yours is {got}.", tolerance=1e-3),
        ),
        hints=(
            "Data and samples are equally likely, so D gets d_real(s) as often as d_fake(s), at the same score s. "
            "Which s does it choose?",
            "The one with the smallest sum: `best_response(objective, r)` finds it, with r = p/q.",
            "s = best_response(objective, torch.tensor(1.0)); then add the two curves at s.",
        ),
        praise="The smallest sum of both curves, at one score: all that a D can do that cannot tell.",
    )
)


def _says(real: Tensor, fake: Tensor) -> Callable[[Any], float]:
    return lambda answer: float(bool(answer(real.clone(), fake.clone())))


ROWS = 40
EVEN_SCORES = torch.zeros(ROWS)
STRONG = torch.full((ROWS,), 5.0)


def _last(value: float, rest: float) -> Tensor:
    scores = torch.full((ROWS,), rest)
    scores[-ROWS // 4 :] = value
    return scores


SPIKE = torch.zeros(ROWS)
SPIKE[-2] = 4e4
FALL = torch.full((ROWS,), 5.0)
FALL[-1] = -4e4

TOO_STRONG = register(
    Exercise(
        id="14.2",
        reference=too_strong,
        properties=(
            Property(
                "strong",
                _says(STRONG, -STRONG),
                "With scores of 5 for data and -5 for samples D is sure of both to the end, so the answer is True.",
                expected=1.0,
            ),
            Property(
                "even",
                _says(EVEN_SCORES, EVEN_SCORES),
                "With all scores 0 D cannot tell, so the answer is False.",
                expected=0.0,
            ),
            Property(
                "swapped",
                _says(-STRONG, STRONG),
                "Here D is sure, and wrong: data have -5 and samples 5. A sample is seen through where its score is "
                "low: take sigma(-score).",
                expected=0.0,
            ),
            Property(
                "both",
                _says(STRONG, EVEN_SCORES),
                "Here D is sure of data and not of samples, so it is not too strong: both are asked for.",
                expected=0.0,
            ),
            Property(
                "other side",
                _says(EVEN_SCORES, -STRONG),
                "Here D is sure of samples and not of data, so it is not too strong: both are asked for.",
                expected=0.0,
            ),
            Property(
                "end",
                _says(_last(0.0, 5.0), _last(0.0, -5.0)),
                "Here D was sure for three quarters of the training, and at the end it cannot tell: only the last "
                "quarter counts.",
                expected=0.0,
            ),
            Property(
                "start",
                _says(_last(5.0, -5.0), _last(-5.0, 5.0)),
                "Here D is sure in the last quarter, and only that counts: the answer is True.",
                expected=1.0,
            ),
            Property(
                "median",
                _says(SPIKE, -SPIKE),
                "Here all scores are 0 but in one row, with 40,000: a single row must not decide. Take the median.",
                expected=0.0,
            ),
            Property(
                "one bad row",
                _says(FALL, -FALL),
                "Here D is sure and right in all rows, with scores of 5 and -5, but in the last, with -40,000 and "
                "40,000: a single row must not decide, so the answer is True. Take the median of the last quarter.",
                expected=1.0,
            ),
            Property(
                "threshold",
                _says(torch.full((ROWS,), 1.0), torch.full((ROWS,), -1.0)),
                "With scores of 1 and -1, D gives each a probability of 0.73: that is no more than 0.9.",
                expected=0.0,
            ),
        ),
        hints=(
            "Which rows tell how the training ends, and which number of them does one wild row not change?",
            "D's probability for a datum is sigmoid(score), and for a sample to be a sample sigmoid(-score).",
            "real_score[-(len(real_score) // 4):] is the last quarter; compare torch.sigmoid(...).median() with 0.9, "
            "once for real, once for -fake.",
        ),
        praise="Sure, and right, of both kinds, to the end.",
    )
)


LINE = torch.arange(40.0)[:, None]
AT_0 = torch.zeros(3, 1)
WIDE = torch.linspace(-30, 70, 101)[:, None]
UNEVEN = LINE**2


def _share(samples: Tensor, data: Tensor) -> Callable[[Any], Any]:
    return lambda answer: torch.as_tensor(answer(samples.clone(), data.clone())).double()


def _with_itself(samples: Tensor, data: Tensor) -> Tensor:
    fifth = torch.cdist(data, data).sort(dim=1).values[:, 4]
    return (torch.cdist(data, samples).min(dim=1).values <= 3 * fifth).double().mean()


def _once(samples: Tensor, data: Tensor) -> Tensor:
    fifth = torch.cdist(data, data).sort(dim=1).values[:, 5]
    return (torch.cdist(data, samples).min(dim=1).values <= fifth).double().mean()


COVERED = register(
    Exercise(
        id="14.3",
        reference=covered,
        properties=(
            Property(
                "number",
                lambda answer: tuple(torch.as_tensor(answer(AT_0, LINE)).shape),
                "The answer is one number, the share of the data, but its shape is {got}.",
                expected=(),
                agrees=lambda got, expected: got == expected,
            ),
            is_not(
                "itself",
                _with_itself,
                _share(AT_0, LINE),
                "The nearest of the data to a datum is itself, at distance 0: the fifth neighbour is entry 5 of the "
                "sorted distances, not entry 4.",
            ),
            is_not(
                "three times",
                _once,
                _share(AT_0, LINE),
                "This counts a sample as near within the distance to the fifth neighbour; here it is three times that.",
            ),
            Property(
                "collapsed",
                _share(AT_0, LINE),
                "Data at 0, 1, ..., 39 and all samples at 0: {expected} of the data have a sample near, but yours says "
                "{got}. It is the data that are counted, not the samples.",
            ),
            Property(
                "wide",
                _share(WIDE, LINE),
                "With samples everywhere from -30 to 70 all data have one near, but yours says {got}: samples far away "
                "do no harm here.",
            ),
            Property(
                "far",
                _share(AT_0 + 1000, LINE),
                "With all samples far away no datum has one near, but yours says {got}.",
            ),
            Property(
                "uneven",
                _share(AT_0 + 600, UNEVEN),
                "Data at 0, 1, 4, ..., 39² and all samples at 600: {expected} of the data have a sample near, but "
                "yours says {got}. Each datum has its own distance to its fifth neighbour: column 5 of its sorted "
                "distances, which begin with 0, to itself.",
            ),
        ),
        hints=(
            "For each datum you need two distances: to its nearest sample, and to its fifth neighbour among the data. "
            "What does torch.cdist(data, samples) hold?",
            "torch.cdist(data, data).sort(dim=1).values has in each row the distances from one datum, from 0 (itself) "
            "on: which column is the fifth neighbour?",
            "near = torch.cdist(data, samples).min(dim=1).values; compare it with 3 * (column 5), and take the mean.",
        ),
        praise="Data without a sample near are what a collapsed G leaves out.",
    )
)
