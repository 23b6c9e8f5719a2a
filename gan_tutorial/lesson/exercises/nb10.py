"""The exercises of notebook 10: the best D under smoothed labels, virtual batch norm, a layer's stretch, an average."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_tutorial.lesson.exercises import Exercise, Property, gradients, has_shape, is_not, register


def smoothed_D(p: Tensor, q: Tensor, alpha: float, beta: float) -> Tensor:
    """((1 - alpha) p + beta q) / (p + q)  (Salimans et al. 2016, sec. 3.4)."""
    return ((1 - alpha) * p + beta * q) / (p + q)


def virtual_norm(h: Tensor, R: Tensor, eps: float = 1e-5) -> Tensor:
    """(h_i - mean) / sqrt(variance + eps), both over the rows of R and row i.  (n, c), (m, c) -> (n, c)"""
    V = torch.cat([R.expand(len(h), *R.shape), h[:, None]], dim=1)  # (n, m + 1, c)
    return (h - V.mean(dim=1)) / (V.var(dim=1, correction=0) + eps).sqrt()


def stretch(A: Callable[[Tensor], Tensor], At: Callable[[Tensor], Tensor], v: Tensor, steps: int) -> Tensor:
    """|A v| / |v| after so many steps v <- A'A v / |A'A v|.  ()"""
    for _ in range(steps):
        v = At(A(v))
        v = v / v.norm()
    return A(v).norm() / v.norm()


def average(path: Tensor, decay: float) -> Tensor:
    """a_0 = w_0;  a_n = d a_{n-1} + (1 - d) w_n with d = min(decay, n / (n + 1)).  (n, k) -> (n, k)"""
    averages = [path[0]]
    for n, w in enumerate(path[1:], 1):
        d = min(decay, n / (n + 1))
        averages.append(d * averages[-1] + (1 - d) * w)
    return torch.stack(averages)


# ---- 10.1 -----------------------------------------------------------------------------------------------------------

P, Q = torch.tensor([0.4, 0.02, 0.3]), torch.tensor([0.1, 0.5, 0.3])


def _mixed(answer: Any) -> Any:
    return answer(P, Q, 0.1, 0.2)


SMOOTHED = register(
    Exercise(
        id="10.1",
        reference=smoothed_D,
        properties=(
            has_shape(
                "shape",
                _mixed,
                "For densities of shape (3,) the answer should have one number per entry, but its shape is {got}.",
                (3,),
            ),
            is_not(
                "score",
                lambda *given: torch.logit(smoothed_D(*given)),
                _mixed,
                "This is the best score, log D - log(1 - D); asked for is D itself, a share between 0 and 1.",
            ),
            is_not(
                "side",
                lambda *given: 1 - smoothed_D(*given),
                _mixed,
                "This is the share that is called fake; D is the share that is called real.",
            ),
            is_not(
                "weighted",
                lambda p, q, alpha, beta: (1 - alpha) * p / ((1 - alpha) * p + beta * p + q),
                _mixed,
                "The denominator should count all that arrives at x, p + q: smoothing takes nothing away from it.",
            ),
            is_not(
                "weights",
                lambda p, q, alpha, beta: (1 - alpha) * p / ((1 - alpha) * p + (1 - beta) * q),
                _mixed,
                "This weighs data and samples; a smoothed label still counts in full, but partly for the other side.",
            ),
            is_not(
                "swapped",
                lambda p, q, alpha, beta: smoothed_D(p, q, beta, alpha),
                _mixed,
                "alpha and beta are swapped: data are called real with weight 1 - alpha, samples with weight beta.",
            ),
            Property(
                "plain",
                lambda answer: answer(P, Q, 0.0, 0.0),
                "With alpha = beta = 0 it should be p/(p + q), here {expected}, but yours is {got}.",
            ),
            Property(
                "one side",
                lambda answer: answer(P, Q, 0.1, 0.0),
                "With alpha = 0.1, beta = 0 the cross-entropy is least at D = {expected}, and yours is {got}.",
            ),
            Property(
                "both",
                _mixed,
                "With alpha = 0.1, beta = 0.2 the cross-entropy is least at D = {expected}, and yours is {got}.",
            ),
            Property(
                "gradient",
                lambda answer: torch.cat(gradients(lambda p, q: answer(p, q, 0.1, 0.2), P, Q)),
                "The best D is right, but the gradient does not go through it to p and q, and G's pull is computed "
                "from that. Leave out .detach(), .item() and NumPy.",
            ),
        ),
        hints=(
            "Of all that arrives at x, p + q, how much is called real?",
            "Of the data p a share 1 - alpha is called real, and of the samples q a share beta.",
            "((1 - alpha) p + beta q) divided by p + q.",
        ),
        praise="D is the share of what is called real among all that arrives at x.",
    )
)


# ---- 10.2 -----------------------------------------------------------------------------------------------------------

H = torch.tensor([[3.0, -1.0], [0.5, 2.0], [9.0, 0.0], [-2.0, 1.0]])
R = torch.tensor([[0.0, 1.0], [2.0, -1.0], [1.0, 0.5]])


def _batch(rows: Tensor, of: Tensor, correction: int = 0) -> Tensor:
    return (rows - of.mean(dim=0)) / (of.var(dim=0, correction=correction) + 1e-5).sqrt()


def _virtually(answer: Any) -> Any:
    return answer(H, R)


def _unbiased(h: Tensor, R: Tensor, eps: float = 1e-5) -> Tensor:
    V = torch.cat([R.expand(len(h), *R.shape), h[:, None]], dim=1)
    return (h - V.mean(dim=1)) / (V.var(dim=1) + eps).sqrt()


VIRTUAL = register(
    Exercise(
        id="10.2",
        reference=virtual_norm,
        properties=(
            has_shape(
                "shape",
                _virtually,
                "For h of shape (4, 2) the answer should have the same shape, but it has {got}; the rows of R are not "
                "asked for.",
                (4, 2),
            ),
            is_not(
                "reference",
                lambda h, R, eps=1e-5: _batch(h, R),
                _virtually,
                "This is reference batch norm, with the statistics of R alone; the example itself should count, too.",
            ),
            is_not(
                "batch",
                lambda h, R, eps=1e-5: _batch(h, h),
                _virtually,
                "This is batch norm over h, where R plays no part.",
            ),
            is_not(
                "all",
                lambda h, R, eps=1e-5: _batch(h, torch.cat([R, h])),
                _virtually,
                "Here all rows of h share one set of statistics, with R: then companions matter again. Each row should "
                "meet R alone.",
            ),
            is_not(
                "unbiased",
                _unbiased,
                _virtually,
                "Nearly: this variance divides by m, one less than there are rows; batch norm divides by all m + 1 "
                "(correction=0).",
            ),
            Property(
                "alone",
                lambda answer: answer(H[:1], R),
                "The first row by itself should come out as {expected}, but yours is {got}.",
            ),
            Property(
                "companions",
                lambda answer: answer(torch.cat([H[:1], 100 * H[1:]]), R)[:1],
                "The first row should come out the same, {expected}, whoever is with it; beside others a hundred "
                "times as large yours is {got}.",
            ),
            Property(
                "rows",
                _virtually,
                "For the rows of h in turn the answer should be {expected}, but yours is {got}.",
            ),
            Property(
                "eps",
                lambda answer: answer(H / 500, R / 500),
                "Where the rows hardly differ, so that their variance is as small as eps, the answer should be "
                "{expected}, but yours is {got}; add eps to the variance, under the root.",
            ),
        ),
        hints=(
            "For one row of h: which m + 1 rows are its virtual batch, and what does batch norm do with these?",
            "R.expand(len(h), *R.shape) is R once for each row of h, of shape (n, m, c); h[:, None] is (n, 1, c). "
            "Concatenate them along dim=1.",
            "With V of shape (n, m + 1, c): (h - V.mean(1)) / (V.var(1, correction=0) + eps).sqrt().",
        ),
        praise="Each row meets R and nobody else.",
    )
)


# ---- 10.3 -----------------------------------------------------------------------------------------------------------

W = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, -1.0]])  # with the norms 3.284..., 2.05...
START = torch.tensor([0.3, -1.0, 0.7])


def _of_matrix(answer: Any, scale: float = 1.0, length: float = 1.0, steps: int = 60) -> Any:
    A = scale * W
    return answer(lambda x: A @ x, lambda y: A.T @ y, length * START, steps)


# Each number of a picture has a factor of its own, up to 3.
FACTORS = torch.linspace(0.5, 1.5, 48).view(1, 3, 4, 4)
FACTORS[0, 1, 2, 3] = 3.0


def _without_steps(A: Callable, At: Callable, v: Tensor, steps: int) -> Tensor:
    return A(v).norm() / v.norm()


STRETCH = register(
    Exercise(
        id="10.3",
        reference=stretch,
        properties=(
            has_shape(
                "number",
                _of_matrix,
                "The stretch is one number, but the answer has shape {got}; take the length of A v at the end.",
                (),
            ),
            is_not(
                "squared",
                lambda *given: stretch(*given).square(),
                _of_matrix,
                "This is the largest eigenvalue of A'A, the square of the stretch.",
            ),
            is_not(
                "start",
                _without_steps,
                _of_matrix,
                "This is the stretch of the vector that you started from: v has to turn into the direction that A "
                "stretches most.",
            ),
            Property(
                "finite",
                lambda answer: bool(torch.isfinite(torch.as_tensor(_of_matrix(answer, scale=100.0, steps=40)))),
                "After 40 steps with a matrix a hundred times as large the answer is infinite or NaN: divide v by its "
                "length in each step.",
                expected=True,
            ),
            Property(
                "length",
                lambda answer: _of_matrix(answer, length=5.0, steps=0),
                "With steps = 0 it should be |A v| / |v|, here {expected}, but yours is {got}: v need not have length "
                "1 at the start.",
            ),
            Property(
                "norm",
                _of_matrix,
                "For a matrix with the largest singular value {expected} yours is {got}.",
            ),
            Property(
                "picture",
                lambda answer: answer(lambda x: FACTORS * x, lambda y: FACTORS * y, torch.ones(1, 3, 4, 4), 30),
                "A map multiplies each number of a picture, (1, 3, 4, 4), by a factor of its own: the stretch is the "
                "largest of them, {expected}, but yours is {got}. Divide by v.norm(), one length of the whole picture.",
            ),
        ),
        hints=(
            "Applying A'A again and again turns any vector towards which direction?",
            "In each step v = At(A(v)), and then divide v by its length so that it neither grows nor fades.",
            "After the loop return A(v).norm() / v.norm().",
        ),
        praise="It needs nothing but the layer and its transpose, so it works for any linear layer.",
    )
)


# ---- 10.4 -----------------------------------------------------------------------------------------------------------

PATH = torch.tensor([[4.0, 1.0], [0.0, 1.0], [2.0, -1.0], [6.0, 3.0], [-3.0, 0.5], [1.0, 1.0]])


def _averaged(answer: Any) -> Any:
    return answer(PATH, 0.7)


def _recursion(path: Tensor, d: Callable[[int], float], start: Tensor) -> Tensor:
    averages = [start]
    for n, w in enumerate(path[1:], 1):
        averages.append(d(n) * averages[-1] + (1 - d(n)) * w)
    return torch.stack(averages)


AVERAGE = register(
    Exercise(
        id="10.4",
        reference=average,
        properties=(
            has_shape(
                "shape",
                _averaged,
                "For a path of shape (6, 2) there are six averages of two numbers, but the answer has shape {got}.",
                (6, 2),
            ),
            is_not(
                "fixed",
                lambda path, decay: _recursion(path, lambda n: decay, path[0]),
                _averaged,
                "Here d is the decay from the first step on, so the start weighs far too much for long; let d grow.",
            ),
            is_not(
                "swapped",
                lambda path, decay: _recursion(path, lambda n: 1 - min(decay, n / (n + 1)), path[0]),
                _averaged,
                "The two weights are swapped: d belongs to the average so far, 1 - d to the new point.",
            ),
            is_not(
                "zero",
                lambda path, decay: _recursion(path, lambda n: min(decay, n / (n + 1)), 0 * path[0]),
                _averaged,
                "This average starts from 0, which is no point of the path; start from the first point.",
            ),
            is_not(
                "forgets",
                lambda path, decay: _recursion(path, lambda n: n / (n + 1), path[0]),
                _averaged,
                "This is the plain mean of all points so far: it never forgets the first. Let d stop at the decay.",
            ),
            is_not(
                "larger",
                lambda path, decay: _recursion(path, lambda n: max(decay, n / (n + 1)), path[0]),
                _averaged,
                "This takes the larger of the two; d should be the smaller one: a plain mean first, and later a "
                "window that forgets.",
            ),
            Property(
                "mean",
                lambda answer: answer(PATH, 0.99)[-1],
                "As long as n/(n + 1) is below the decay, the average is the plain mean of all points so far, here "
                "{expected}, but yours is {got}.",
            ),
            Property(
                "all",
                _averaged,
                "With decay 0.7 the averages of the path should be {expected}, but yours are {got}.",
            ),
        ),
        hints=(
            "What weights must the average so far and the new point have, for the mean of n + 1 points?",
            "n/(n + 1) and 1/(n + 1). So d = min(decay, n / (n + 1)) at point n.",
            "averages = [path[0]]; for n, w in enumerate(path[1:], 1): append d * averages[-1] + (1 - d) * w.",
        ),
        praise="First a plain mean, then a window of about 1/(1 - decay) points.",
    )
)
