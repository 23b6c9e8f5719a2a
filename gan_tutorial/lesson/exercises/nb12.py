"""The exercises of notebook 12: REINFORCE with a baseline, the Gumbel-softmax, one step of Langevin's chain."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_tutorial.lesson.exercises import Exercise, Property, gradients, is_not, register


def reinforce(log_q: Tensor, f: Tensor) -> Tensor:
    """mean over i of (f_i - mean of the other f) log q_i, f constant (Williams 1992).  (n, ...), (n, ...) -> (...)

    Its gradient is an unbiased estimate of the gradient of E f; the first dimension counts the draws.
    """
    others = (f.sum(0) - f) / (len(f) - 1)
    return ((f - others).detach() * log_q).mean(0)


def gumbel_softmax(logits: Tensor, u: Tensor, tau: float) -> Tensor:
    """softmax((logits + g) / tau), g = -log(-log u), u uniform in (0, 1) (Jang et al. 2017).  (..., k) -> (..., k)"""
    return ((logits - (-u.log()).log()) / tau).softmax(-1)


def langevin_step(x: Tensor, slope: Callable[[Tensor], Tensor], h: float, noise: Tensor) -> Tensor:
    """x + h slope(x) + sqrt(2 h) noise, where slope is the gradient of log p.  (n, ...) -> (n, ...)"""
    return x + h * slope(x) + (2 * h) ** 0.5 * noise


# ---- 12.1 ---------------------------------------------------------------------------------------------------------


def _draws() -> tuple[Tensor, Tensor, Tensor]:
    """Logits of three letters, what four draws of two games have as log q, and their losses."""
    logits = torch.tensor([0.2, -0.4, 0.9], dtype=torch.float64)
    f = torch.tensor([[1.0, 5.0], [2.0, 0.5], [4.0, 1.0], [0.0, 3.0]], dtype=torch.float64)
    return logits, _drawn(logits), f


def _drawn(logits: Tensor) -> Tensor:
    return logits.log_softmax(0)[torch.tensor([[0, 2], [2, 1], [1, 1], [2, 0]])]


def _gradient(answer: Any) -> Any:
    """The gradient that the answer gives for the first game; 0 where nothing depends on the logits any more."""
    logits, _, f = _draws()
    return gradients(lambda logits: answer(_drawn(logits)[:, 0], f[:, 0]), logits)[0]


def _others(f: Tensor) -> Tensor:
    return (f.sum(0) - f) / (len(f) - 1)


def _through_losses(answer: Any) -> Any:
    """How the number changes with the losses: not at all, if they are constants."""
    _, log_q, f = _draws()
    f = f[:, 0].requires_grad_()
    found = answer(log_q[:, 0], f)
    slope = torch.autograd.grad(found.sum(), f, allow_unused=True)[0] if found.requires_grad else None
    return bool(slope is not None and slope.abs().sum() > 0)


REINFORCE = register(
    Exercise(
        id="12.1",
        reference=reinforce,
        properties=(
            Property(
                "one number",
                lambda answer: tuple(torch.as_tensor(answer(*(part[:, 0] for part in _draws()[1:]))).shape),
                "For four draws of one game the answer should be one number, but its shape is {got}; take the mean "
                "over the draws.",
            ),
            Property(
                "cut off",
                lambda answer: bool(_gradient(answer).abs().sum() > 1e-9),
                "No gradient goes through to the logits: log q was cut off from them. Only the losses are constants; "
                "log q must stay part of the graph, so leave out .detach(), .item() and NumPy for it.",
                expected=True,
            ),
            is_not(
                "sign",
                lambda log_q, f: -reinforce(log_q, f),
                _gradient,
                "The sign is the other way round: this makes words with a large loss more likely. f is a loss, and a "
                "step goes down the gradient.",
            ),
            is_not(
                "no baseline",
                lambda log_q, f: (f.detach() * log_q).mean(0),
                _gradient,
                "This has no baseline: from each f subtract the mean of the other draws' f.",
            ),
            is_not(
                "own",
                lambda log_q, f: ((f - f.mean(0)).detach() * log_q).mean(0),
                _gradient,
                "The baseline is the mean of all draws, this one included. Then it depends on the draw itself, and the "
                "estimate is too small by the factor (n - 1) / n; leave the draw's own f out.",
            ),
            is_not(
                "all",
                lambda log_q, f: ((f - (f.sum(0) - f) / len(f)).detach() * log_q).mean(0),
                _gradient,
                "The sum over the other draws is divided by n, but there are n - 1 of them.",
            ),
            is_not(
                "sum",
                lambda log_q, f: ((f - _others(f)).detach() * log_q).sum(0),
                _gradient,
                "This is the sum over the draws; the estimate is their mean.",
            ),
            Property(
                "gradient",
                _gradient,
                "For four draws of three letters the gradient in the logits is {expected}, but yours is {got}.",
            ),
            Property(
                "constant",
                _through_losses,
                "The gradient is right, but the losses are not constants: where f depends on something, a gradient "
                "would flow there as well. Write (f - baseline).detach().",
                expected=False,
            ),
            Property(
                "games",
                lambda answer: answer(*_draws()[1:]),
                "With two games side by side, f of shape (4, 2), each column should be treated alone and two numbers "
                "come back, {expected}; yours gives {got}. Sum and mean over the first dimension: sum(0), mean(0).",
            ),
        ),
        hints=(
            "What is the mean of the other draws' losses, in terms of the sum of all of them and of f itself?",
            "(f.sum(0) - f) / (len(f) - 1) is that mean, for every draw at once. Which of the two factors must not "
            "carry a gradient?",
            "return ((f - others).detach() * log_q).mean(0)",
        ),
        praise="Nothing here went through the words: the losses are plain numbers, and only log q has a gradient.",
    )
)

# ---- 12.2 ---------------------------------------------------------------------------------------------------------


def _letters(answer: Any, tau: float = 0.7) -> Any:
    logits = torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.3, -0.2]])
    return answer(logits, torch.tensor([[0.3, 0.9, 0.5], [0.05, 0.6, 0.7]]), tau)


def _four_draws(answer: Any) -> Any:
    u = torch.tensor([0.3, 0.9, 0.5, 0.05, 0.6, 0.7]).view(2, 3)
    return answer(torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.3, -0.2]]), torch.stack([u, u**2, u**3, 1 - u]), 0.7)


def _slope_of_letters(answer: Any) -> Any:
    u = torch.tensor([0.3, 0.9, 0.5])
    return gradients(lambda logits: answer(logits, u, 0.7), torch.tensor([0.5, -1.0, 2.0]))[0]


def _g(u: Tensor) -> Tensor:
    return -(-u.log()).log()


GUMBEL = register(
    Exercise(
        id="12.2",
        reference=gumbel_softmax,
        properties=(
            Property(
                "shape",
                lambda answer: tuple(_letters(answer).shape),
                "For two rows of three logits the answer should have two rows of three, but its shape is {got}.",
            ),
            is_not(
                "no noise",
                lambda logits, u, tau: (logits / tau).softmax(-1),
                _letters,
                "This is the softmax of the logits without any noise, the same for every draw; add g first.",
            ),
            is_not(
                "uniform",
                lambda logits, u, tau: ((logits + u) / tau).softmax(-1),
                _letters,
                "This adds u itself; the noise is g = -log(-log u).",
            ),
            is_not(
                "sign",
                lambda logits, u, tau: ((logits - _g(u)) / tau).softmax(-1),
                _letters,
                "This subtracts g. Gumbel noise is not symmetric, so the most frequent letter would not come out with "
                "its probability; add it: -log(-log u).",
            ),
            is_not(
                "times",
                lambda logits, u, tau: ((logits + _g(u)) * tau).softmax(-1),
                _letters,
                "This multiplies by tau; divide, so that a small tau makes the answer sharp.",
            ),
            is_not(
                "only logits",
                lambda logits, u, tau: (logits / tau + _g(u)).softmax(-1),
                _letters,
                "Only the logits are divided by tau; the temperature applies to the sum of logits and noise.",
            ),
            is_not(
                "first dimension",
                lambda logits, u, tau: ((logits + _g(u)) / tau).softmax(0),
                _letters,
                "The softmax runs over the rows; letters are in the last dimension: softmax(-1).",
            ),
            Property(
                "sum",
                lambda answer: _letters(answer).sum(-1),
                "Each row should add up to 1, but yours add up to {got}.",
            ),
            Property("values", _letters, "With tau = 0.7 the rows are {expected}, but yours are {got}."),
            Property(
                "sharp",
                lambda answer: _letters(answer, 0.05),
                "With tau = 0.7 the rows are right, but with tau = 0.05 they are {expected}, and yours are {got}.",
            ),
            Property(
                "draws",
                _four_draws,
                "For two rows of logits, (2, 3), and four draws of u for each, (4, 2, 3), the answer should be "
                "{expected}, but yours is {got}; letters are in the last dimension, and the softmax is over it: "
                "softmax(-1).",
            ),
            Property(
                "gradient",
                _slope_of_letters,
                "The soft letters are right, but the gradient does not go through them to the logits, and G learns "
                "through it. Leave out .detach(), .item() and NumPy.",
            ),
        ),
        hints=(
            "g = -log(-log u): which of the two logarithms has a negative argument if you forget a minus?",
            "g = -(-u.log()).log(). The sum of logits and g is divided by tau, and then?",
            "return ((logits - (-u.log()).log()) / tau).softmax(-1)",
        ),
        praise="Its largest entry is letter k with probability q_k exactly; the temperature only says how sharp it is.",
    )
)

# ---- 12.3 ---------------------------------------------------------------------------------------------------------


def _step(answer: Any, h: float = 0.08) -> Any:
    x = torch.tensor([[0.5, -1.0], [2.0, 0.3]])
    return answer(x, lambda x: 3.0 - x, h, torch.tensor([[0.2, -0.7], [1.5, -0.4]]))


LANGEVIN = register(
    Exercise(
        id="12.3",
        reference=langevin_step,
        properties=(
            Property(
                "shape",
                lambda answer: tuple(_step(answer).shape),
                "The new points should have the shape of the old, (2, 2), but have {got}.",
            ),
            is_not(
                "no noise",
                lambda x, slope, h, noise: x + h * slope(x),
                _step,
                "This has no noise: it climbs to the nearest peak of the density and stays there.",
            ),
            is_not(
                "down",
                lambda x, slope, h, noise: x - h * slope(x) + (2 * h) ** 0.5 * noise,
                _step,
                "This goes down the slope, away from the modes; the slope of log p points to where p is larger: plus.",
            ),
            is_not(
                "noise by h",
                lambda x, slope, h, noise: x + h * slope(x) + h * noise,
                _step,
                "The noise is multiplied by h. Its variance has to be 2 h, so its factor is the root of 2 h.",
            ),
            is_not(
                "variance",
                lambda x, slope, h, noise: x + h * slope(x) + 2 * h * noise,
                _step,
                "The noise has the factor 2 h; that should be its variance, so take the root.",
            ),
            is_not(
                "root h",
                lambda x, slope, h, noise: x + h * slope(x) + h**0.5 * noise,
                _step,
                "The factor of the noise is the root of h, and should be the root of 2 h: this chain would sample a "
                "narrower density.",
            ),
            is_not(
                "half",
                lambda x, slope, h, noise: x + h / 2 * slope(x) + (2 * h) ** 0.5 * noise,
                _step,
                "The slope has the factor h / 2 beside noise of variance 2 h: this chain would sample a wider density. "
                "(With h / 2 the noise would have variance h.)",
            ),
            Property(
                "changed",
                lambda answer: _keeps(answer),
                "The points that were given have changed; write x = x + ..., not x += ...",
                expected=True,
            ),
            Property("values", _step, "The new points are {expected}, but yours are {got}."),
        ),
        hints=(
            "Which way does the gradient of log p point, and how large is its part of the step?",
            "x + h * slope(x) is the part without chance. What is the standard deviation of noise with variance 2 h?",
            "return x + h * slope(x) + (2 * h) ** 0.5 * noise",
        ),
        praise="The slope alone would end at the peaks; the noise alone would spread for ever. Together they sample.",
    )
)


def _keeps(answer: Any) -> bool:
    x = torch.tensor([[0.5, -1.0]])
    before = x.clone()
    answer(x, lambda x: 3.0 - x, 0.1, torch.ones(1, 2))
    return bool((x == before).all())
