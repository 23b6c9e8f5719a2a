"""The exercises of notebook 13: the chain rule, the change of variables, the bound of an autoencoder."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_tutorial.lesson.exercises import Exercise, Property, gradients, has_shape, is_not, register


def log_mass(log_cond: Tensor, x: Tensor) -> Tensor:
    """log p(x) = sum_i log p(x_i | x_<i).  (n, d, L) log-probabilities of each level, (n, d) levels -> (n,)"""
    return log_cond.gather(2, x[..., None])[..., 0].sum(1)


def log_density(z: Tensor, J: Tensor) -> Tensor:
    """log p(x) = log N(z; 0, I) + log |det J|, z = g(x), J = dg/dx.  (n, d), (n, d, d) -> (n,)"""
    log_normal = -z.square().sum(1) / 2 - z.shape[1] / 2 * math.log(2 * math.pi)
    return log_normal + torch.linalg.slogdet(J)[1]


def elbo(log_joint: Tensor, q: Tensor) -> Tensor:
    """E_q log p(x, z) + H(q), with 0 log 0 = 0.  (n, m) log p(x, z_k), (n, m) q(z_k | x) -> (n,)"""
    return (q * log_joint - torch.xlogy(q, q)).sum(1)


def _one_per_row(n: int, of: Callable[[Any], Any], message: str) -> Property:
    return has_shape("shape", of, message, (n,))


_RANDOM = torch.Generator().manual_seed(13)


def _draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_RANDOM, dtype=torch.float64)


# ---- 13.1 -----------------------------------------------------------------------------------------------------------

LOG_COND = _draw(5, 3, 4).log_softmax(2)
PIXELS = torch.tensor([[0, 1, 2], [3, 3, 0], [2, 0, 1], [1, 2, 3], [0, 0, 3]])


def _chain(answer: Any) -> Any:
    return answer(LOG_COND, PIXELS)


def _picked(log_cond: Tensor, x: Tensor) -> Tensor:
    return log_cond.gather(2, x[..., None])[..., 0]


CHAIN_RULE = register(
    Exercise(
        id="13.1",
        reference=log_mass,
        properties=(
            _one_per_row(
                5,
                _chain,
                "For 5 pictures of 3 pixels there should be 5 log-probabilities, one for each picture, but the answer "
                "has shape {got}.",
            ),
            is_not(
                "probability",
                lambda c, x: log_mass(c, x).exp(),
                _chain,
                "This is the probability itself, the product; asked for is its logarithm, the sum of logarithms.",
            ),
            is_not(
                "sign",
                lambda c, x: -log_mass(c, x),
                _chain,
                "This is -log p(x), the loss: a log-probability is negative, and yours is positive.",
            ),
            is_not(
                "mean",
                lambda c, x: _picked(c, x).mean(1),
                _chain,
                "This is the mean over the pixels: the chain rule multiplies all the conditional probabilities, so "
                "their logarithms add up.",
            ),
            is_not(
                "last",
                lambda c, x: _picked(c, x)[:, -1],
                _chain,
                "This is the last conditional alone: p(x) is the product of all of them.",
            ),
            is_not(
                "all levels",
                lambda c, x: c.sum((1, 2)),
                _chain,
                "This adds up all the levels: of each row of log_cond only the level counts that the pixel really has.",
            ),
            is_not(
                "likeliest",
                lambda c, x: c.max(2).values.sum(1),
                _chain,
                "This takes the likeliest level of each pixel, whatever the picture is: take the level that x says.",
            ),
            Property(
                "value",
                _chain,
                "The log-probabilities of five pictures are {expected}, but yours are {got}; for each pixel i take "
                "log_cond[:, i, x_i], and add.",
            ),
            Property(
                "gradient",
                lambda answer: gradients(lambda logits: answer(logits.log_softmax(2), PIXELS), LOG_COND)[0],
                "The log-probabilities are right, but the gradient does not go through them to log_cond, and the model "
                "learns through it. Leave out .detach(), .item() and NumPy.",
            ),
        ),
        hints=(
            "A picture is probable if its first pixel is, and its second, given the first, and so on. What becomes of "
            "that product under a logarithm?",
            "Of the L numbers log_cond[j, i] you need one: that of the level x[j, i].",
            "log_cond.gather(2, x[..., None]) picks them, in shape (n, d, 1). Then sum over the pixels.",
        ),
        praise="One number for each pixel, picked by its level, and their sum.",
    )
)

# ---- 13.2 -----------------------------------------------------------------------------------------------------------

POINTS = _draw(4, 2)
SLOPES = _draw(4, 2, 2) + torch.tensor([[0.2, 1.5], [1.5, 0.1]])  # determinants of both signs, mostly negative
SLOPES[0] = torch.tensor([[2.0, 0.5], [0.0, 1.5]])


def _flow(answer: Any) -> Any:
    return answer(POINTS, SLOPES)


def _flow_in_3(answer: Any) -> Any:
    return answer(torch.zeros(1, 3, dtype=torch.float64), 2 * torch.eye(3, dtype=torch.float64)[None])


def _log_normal(z: Tensor) -> Tensor:
    return -z.square().sum(1) / 2 - z.shape[1] / 2 * math.log(2 * math.pi)


def _log_abs_det(J: Tensor) -> Tensor:
    return torch.linalg.slogdet(J)[1]


CHANGE_OF_VARIABLES = register(
    Exercise(
        id="13.2",
        reference=log_density,
        properties=(
            _one_per_row(
                4,
                _flow,
                "For 4 points there should be 4 log-densities, but the answer has shape {got}; sum over "
                "the coordinates of z.",
            ),
            Property(
                "mirror",
                lambda answer: answer(POINTS[:1], torch.tensor([[[0.0, 1.0], [1.0, 0.0]]], dtype=torch.float64)),
                "A map that swaps the two coordinates has determinant -1 and changes no density: log p is {expected}, "
                "but yours is {got}; the formula has the absolute value of the determinant.",
                agrees=lambda got, expected: not bool(torch.isnan(torch.as_tensor(got)).any()),
            ),
            is_not(
                "no slope",
                lambda z, J: _log_normal(z),
                _flow,
                "This is the density at z alone: a map that stretches thins the density out, and log|det J| says by "
                "how much.",
            ),
            is_not(
                "inverse",
                lambda z, J: _log_normal(z) - _log_abs_det(J),
                _flow,
                "The determinant has the wrong sign: where g pulls points apart, J is large, many z share the way "
                "back into a small piece of x, and the density of x is higher, not lower.",
            ),
            is_not(
                "not a logarithm",
                lambda z, J: _log_normal(z) + torch.linalg.det(J).abs(),
                _flow,
                "Here |det J| itself is added: the density is multiplied by it, so its logarithm is added.",
            ),
            is_not(
                "constant",
                lambda z, J: -z.square().sum(1) / 2 + _log_abs_det(J),
                _flow,
                "The constant of the normal density is missing, log(2 pi)/2 for each coordinate: without it nothing "
                "integrates to 1.",
            ),
            is_not(
                "one constant",
                lambda z, J: -z.square().sum(1) / 2 - math.log(2 * math.pi) / 2 + _log_abs_det(J),
                _flow,
                "The normal density has the factor 1/sqrt(2 pi) once for each coordinate of z, here only once in all.",
            ),
            Property(
                "value",
                _flow,
                "The log-densities of four points are {expected}, but yours are {got}.",
            ),
            Property(
                "any size",
                _flow_in_3,
                "In three dimensions, at z = 0 with J = 2 I, log p is {expected}, but yours is {got}; the number of "
                "coordinates is z.shape[1].",
            ),
        ),
        hints=(
            "Which density does z = g(x) have, and what does a stretch by |det J| do to it?",
            "log N(z; 0, I) is -|z|²/2 - d log(2 pi)/2. To it comes the logarithm of |det J|.",
            "torch.linalg.slogdet(J) gives the sign of each determinant and log|det J|: take the second.",
        ),
        praise="The density of z where x lands, times the stretch of the map.",
    )
)

# ---- 13.3 -----------------------------------------------------------------------------------------------------------

LOG_JOINT = _draw(3, 6) - 4
GUESS = _draw(3, 6).softmax(1)
CERTAIN = torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]] * 3, dtype=torch.float64)


def _bound(answer: Any) -> Any:
    return answer(LOG_JOINT, GUESS)


ELBO = register(
    Exercise(
        id="13.3",
        reference=elbo,
        properties=(
            _one_per_row(
                3,
                _bound,
                "For 3 pictures there should be 3 bounds, but the answer has shape {got}; sum over the z only.",
            ),
            is_not(
                "no entropy",
                lambda j, q: (q * j).sum(1),
                _bound,
                "This is E_q log p(x, z) alone: the entropy of q is missing, and without it the bound is too low.",
            ),
            is_not(
                "sign",
                lambda j, q: (q * j + torch.xlogy(q, q)).sum(1),
                _bound,
                "The entropy has the wrong sign: H(q) = -sum q log q is positive, and it is added.",
            ),
            is_not(
                "exact",
                lambda j, q: torch.logsumexp(j, 1),
                _bound,
                "This is log p(x) itself, the sum over z; the bound is what q makes of it.",
            ),
            is_not(
                "loss",
                lambda j, q: -elbo(j, q),
                _bound,
                "This is minus the bound, the loss: the bound itself lies below log p(x).",
            ),
            is_not(
                "uniform",
                lambda j, q: (j - q.log()).mean(1),
                _bound,
                "Each value of z counts equally here: the expectation is under q, so weigh by q and sum.",
            ),
            is_not(
                "gap",
                lambda j, q: torch.logsumexp(j, 1) - elbo(j, q),
                _bound,
                "This is the gap, KL from q to the posterior: the bound is log p(x) minus it.",
            ),
            Property(
                "value",
                _bound,
                "The bounds of three pictures are {expected}, but yours are {got}.",
            ),
            Property(
                "certain",
                lambda answer: answer(LOG_JOINT, CERTAIN),
                "Where q is sure of one z the bound is log p(x, z) there, {expected}, but yours is {got}: 0 log 0 "
                "should be 0, and in numbers it is nan.",
            ),
        ),
        hints=(
            "An expectation under q, over finitely many z, is a sum with which weights?",
            "E_q log p(x, z) is (q * log_joint).sum(1). The entropy is -sum of q log q.",
            "torch.xlogy(q, q) is q log q, and 0 where q is 0: subtract it before you sum.",
        ),
        praise="Never above log p(x), and equal to it exactly where q is the posterior.",
    )
)
