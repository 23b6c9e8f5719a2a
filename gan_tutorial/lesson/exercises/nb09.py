"""The exercises of notebook 09: the last word of a single answer, closeness in a minibatch, looking ahead."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_tutorial.lesson.exercises import Exercise, Property, gradients, is_not, register

Loss = Callable[[Tensor, Tensor], Tensor]


def best_answer(D_x: Tensor) -> Tensor:
    """argmin over shares q of sum q log(1 - D): all on the place where D is largest."""
    q = torch.zeros_like(D_x)
    q[D_x.argmax()] = 1
    return q


def closeness(M: Tensor) -> Tensor:
    """o_i = sum over j != i of exp(-|M_i - M_j|_1)  (Salimans et al. 2016, sec. 3.2).  (n, d) -> (n,)"""
    apart = (M[:, None] - M[None, :]).abs().sum(-1)
    return (-apart).exp().sum(1) - 1


def look_ahead(d_loss: Loss, w: Tensor, theta: Tensor, k: int, eta: float) -> Tensor:
    """w after k steps w <- w - eta * d d_loss(w, theta) / dw, still differentiable in theta (Metz et al. 2017)."""
    for _ in range(k):
        (slope,) = torch.autograd.grad(d_loss(w, theta), w, create_graph=True)
        w = w - eta * slope
    return w


# ---- 9.1 ----------------------------------------------------------------------------------------------------------

OPINION = (0.5, 0.2, 0.7, 0.4)


def _shares(answer: Any) -> Any:
    return answer(torch.tensor(OPINION))


def _one_hot(at: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda D_x: torch.nn.functional.one_hot(at(D_x), len(D_x)).to(D_x)


BEST_ANSWER = register(
    Exercise(
        id="9.1",
        reference=best_answer,
        properties=(
            is_not(
                "place",
                lambda D_x: D_x.argmax(),
                _shares,
                "This is the number of the place; the answer is the shares of all places, most of them 0.",
            ),
            is_not(
                "value",
                lambda D_x: D_x.max(),
                _shares,
                "This is what D says at its best place; the answer is how G's samples are shared among the places.",
            ),
            Property(
                "shape",
                lambda answer: tuple(_shares(answer).shape),
                "For four places the answer should have one share for each, but its shape is {got}.",
            ),
            is_not(
                "worst",
                _one_hot(lambda D_x: D_x.argmin()),
                _shares,
                "All mass lies where D is smallest, where D recognises every sample; G wants D to be large.",
            ),
            is_not(
                "in proportion",
                lambda D_x: D_x / D_x.sum(),
                _shares,
                "The shares are in proportion to D. But every sample that is not at the best place would do better "
                "there, so none stays.",
            ),
            is_not(
                "softmax",
                lambda D_x: D_x.softmax(0),
                _shares,
                "This is a softmax of D. But every sample that is not at the best place would do better there, so "
                "none stays.",
            ),
            Property(
                "sum",
                lambda answer: _shares(answer).sum(),
                "The shares of all places together should be {expected}, but are {got}.",
            ),
            Property(
                "answer",
                _shares,
                "For D = [0.5, 0.2, 0.7, 0.4] the best shares are {expected}, but yours are {got}.",
            ),
            Property(
                "elsewhere",
                lambda answer: answer(torch.tensor([0.1, 0.6, 0.3])),
                "For D = [0.1, 0.6, 0.3] the best shares are {expected}, but yours are {got}.",
            ),
            Property(
                "tie",
                lambda answer: torch.as_tensor(answer(torch.full((4,), 0.5))).double().sort().values,
                "The shares are right where one place is the best. Where all four are equally good, put everything on "
                "one of them, whichever: sorted, your shares should be {expected}, but are {got}.",
            ),
            Property(
                "whole numbers",
                lambda answer: torch.as_tensor(_shares(answer)).is_floating_point(),
                "The shares are right, but they are whole numbers, of which later no mean can be taken; give them the "
                "type of D: .to(D_x).",
            ),
        ),
        hints=(
            "G lowers the sum of q log(1 - D): a mean over the places, with weights q. When is a mean smallest?",
            "A mean is smallest if all weight lies on the smallest value. Where is log(1 - D) smallest?",
            "q = torch.zeros_like(D_x), and then q[D_x.argmax()] = 1.",
        ),
        praise="Whatever D says, the best last word is a single place: a collapse, and by no mistake of anybody.",
    )
)

# ---- 9.2 ----------------------------------------------------------------------------------------------------------

THREE = [[0.0, 0.0], [0.3, 0.4], [3.0, -1.0]]


def _three(answer: Any) -> Any:
    return answer(torch.tensor(THREE))


def _distances(M: Tensor) -> Tensor:
    return (M[:, None] - M[None, :]).abs().sum(-1)


CLOSENESS = register(
    Exercise(
        id="9.2",
        reference=closeness,
        properties=(
            Property(
                "shape",
                lambda answer: tuple(_three(answer).shape),
                "For three examples there should be one number each, but the shape is {got}; sum over the others.",
            ),
            is_not(
                "itself",
                lambda M: (-_distances(M)).exp().sum(1),
                _three,
                "Each example counts itself, at distance 0, as one that is near; leave it out: minus 1.",
            ),
            is_not(
                "euclid",
                lambda M: (-torch.cdist(M, M)).exp().sum(1) - 1,
                _three,
                "This takes Euclid's distance; the feature takes the sum of the absolute differences.",
            ),
            is_not(
                "squared",
                lambda M: (-(M[:, None] - M[None, :]).square().sum(-1)).exp().sum(1) - 1,
                _three,
                "This takes squared differences; the feature takes absolute ones.",
            ),
            is_not(
                "distance",
                lambda M: _distances(M).sum(1),
                _three,
                "This is the sum of the distances, which is large where the others are far; take exp(-distance) of "
                "each first.",
            ),
            is_not(
                "sign",
                lambda M: _distances(M).exp().sum(1) - 1,
                _three,
                "This is exp(+distance), which is largest for those that are far: a minus is missing.",
            ),
            is_not(
                "order",
                lambda M: (-_distances(M).sum(1)).exp(),
                _three,
                "This is exp of minus the sum; take exp(-distance) for each other example, and sum then.",
            ),
            is_not(
                "mean",
                lambda M: ((-_distances(M)).exp().sum(1) - 1) / (len(M) - 1),
                _three,
                "This is the mean over the others; the feature is their sum.",
            ),
            Property(
                "equal",
                lambda answer: answer(torch.ones(5, 2)),
                "Of five equal examples each has four others at distance 0, so the answer is {expected}; yours is "
                "{got}.",
            ),
            Property(
                "three",
                _three,
                "For the examples (0, 0), (0.3, 0.4), (3, -1) it is {expected}, but yours is {got}.",
            ),
        ),
        hints=(
            "How do you get all differences M_i - M_j at once, as a tensor of shape (n, n, d)?",
            "M[:, None] - M[None, :] has them. abs, and the sum over the last dimension, give the distances (n, n).",
            "(-distances).exp().sum(1), minus 1 for the example itself.",
        ),
        praise="It is 0 if all others are far, and n - 1 if all are equal: a number that shows a collapse to D.",
    )
)

# ---- 9.3 ----------------------------------------------------------------------------------------------------------

# Made anew for each look: answers may change what they are given.
ETA = 0.1


def _loss(w: Tensor, theta: Tensor) -> Tensor:
    return ((w - theta) ** 2).sum() / 2 + (w**4).sum() / 4


def _start() -> tuple[Tensor, Tensor]:
    w = torch.tensor([1.0, -0.5], dtype=torch.float64, requires_grad=True)
    return w, torch.tensor([0.3, 0.8], dtype=torch.float64, requires_grad=True)


def _ahead(k: int) -> Callable[[Any], Any]:
    def look(answer: Any) -> Any:
        w, theta = _start()
        return answer(_loss, w, theta, k, ETA)

    return look


def _slope(k: int) -> Callable[[Any], Any]:
    """d(weighted sum of the new w) / d theta; 0 where nothing depends on it any more."""

    def look(answer: Any) -> Any:
        w, theta = _start()
        return gradients(lambda theta: answer(_loss, w, theta, k, ETA), theta.detach())[0]

    return look


def _first_step_only(d_loss: Loss, w: Tensor, theta: Tensor, k: int, eta: float) -> Tensor:
    (slope,) = torch.autograd.grad(d_loss(w, theta), w, create_graph=True)
    return w - k * eta * slope


def _up(d_loss: Loss, w: Tensor, theta: Tensor, k: int, eta: float) -> Tensor:
    return look_ahead(d_loss, w, theta, k, -eta)


def _one_more(d_loss: Loss, w: Tensor, theta: Tensor, k: int, eta: float) -> Tensor:
    return look_ahead(d_loss, w, theta, k + 1, eta)


LOOK_AHEAD = register(
    Exercise(
        id="9.3",
        reference=look_ahead,
        properties=(
            Property(
                "none",
                _ahead(0),
                "With k = 0 nothing moves, and w is {expected}; yours is {got}.",
            ),
            is_not(
                "up",
                _up,
                _ahead(1),
                "This goes uphill; D lowers its loss: w minus eta times the slope.",
            ),
            is_not(
                "one more",
                _one_more,
                _ahead(1),
                "For k = 1 this takes two steps; take k of them.",
            ),
            is_not(
                "one slope",
                _first_step_only,
                _ahead(2),
                "Each step uses the slope at the first w; after a step the slope is that of the new w.",
            ),
            Property(
                "values",
                _ahead(3),
                "After three steps w is {expected}, but yours is {got}.",
            ),
            Property(
                "trap",
                lambda answer: bool(_slope(1)(answer).abs().sum() > 1e-9),
                "The new w is right, but its gradient in theta is 0: the steps were cut off from theta. So G would "
                "learn nothing of how D answers. Give autograd.grad create_graph=True, and leave out detach, no_grad "
                "and NumPy.",
                expected=True,
            ),
            Property(
                "gradient",
                _slope(3),
                "The new w is right, but its gradient in theta should be {expected} and is {got}: every one of the "
                "steps must stay differentiable, also the slopes themselves (create_graph=True).",
                tolerance=1e-6,
            ),
        ),
        hints=(
            "A step needs the slope of d_loss in w. Which function of torch.autograd gives a gradient without writing "
            "it into .grad?",
            "(slope,) = torch.autograd.grad(d_loss(w, theta), w, create_graph=True): with create_graph the slope is "
            "itself a function of w and theta.",
            "w = w - eta * slope, k times in a loop; a new tensor each time, never w -= ...",
        ),
        praise="The new w depends on theta through every slope on the way: so G learns how D will answer.",
    )
)
