"""Typical wrong answers to the exercises of notebook 10, each with the property that it lacks."""

import torch

from gan_tutorial.lesson.exercises.nb10 import average, smoothed_D, stretch, virtual_norm


def _by_batch_norm(rows, of, correction=0):
    return (rows - of.mean(0)) / (of.var(0, correction=correction) + 1e-5).sqrt()


def _unbiased(h, R, eps=1e-5):
    V = torch.cat([R.expand(len(h), *R.shape), h[:, None]], dim=1)
    return (h - V.mean(1)) / (V.var(1) + eps).sqrt()


def _without_eps(h, R, eps=1e-5):
    V = torch.cat([R.expand(len(h), *R.shape), h[:, None]], dim=1)
    return (h - V.mean(1)) / V.var(1, correction=0).sqrt()


def _first_row_is_right(h, R, eps=1e-5):
    return virtual_norm(h[:1], R).expand(h.shape)


def _never_divided(A, At, v, steps):
    for _ in range(steps):
        v = At(A(v))
    return A(v).norm() / v.norm()


def _one_step(A, At, v, steps):
    return stretch(A, At, v, 1)


def _length_forgotten(A, At, v, steps):
    for _ in range(steps):
        v = At(A(v))
        v = v / v.norm()
    return A(v).norm()


def _recursion(path, d, start):
    averages = [start]
    for n, w in enumerate(path[1:], 1):
        averages.append(d(n) * averages[-1] + (1 - d(n)) * w)
    return torch.stack(averages)


WRONG = {
    "10.1": [
        (lambda p, q, alpha, beta: p / (p + q), "one side"),  # no smoothing at all
        (lambda p, q, alpha, beta: smoothed_D(p, q, beta, alpha), "swapped"),
        (lambda p, q, alpha, beta: 1 - smoothed_D(p, q, alpha, beta), "side"),
        (lambda p, q, alpha, beta: torch.logit(smoothed_D(p, q, alpha, beta)), "score"),
        (lambda p, q, alpha, beta: (1 - alpha) * p / ((1 - alpha) * p + (1 - beta) * q), "weights"),
        (lambda p, q, alpha, beta: (1 - alpha) * p / ((1 - alpha) * p + beta * p + q), "weighted"),
        (lambda p, q, alpha, beta: (1 - alpha) * p / (p + q), "both"),  # beta forgotten
        (lambda p, q, alpha, beta: (1 - alpha) * p + beta * q, "plain"),  # not divided
        (lambda p, q, alpha, beta: smoothed_D(p, q, alpha, beta).mean(), "shape"),
        (0.9, "function"),
    ],
    "10.2": [
        (lambda h, R, eps=1e-5: _by_batch_norm(h, R), "reference"),
        (lambda h, R, eps=1e-5: _by_batch_norm(h, h), "batch"),
        (lambda h, R, eps=1e-5: _by_batch_norm(h, torch.cat([R, h])), "all"),
        (_unbiased, "unbiased"),
        (_without_eps, "eps"),
        (lambda h, R, eps=1e-5: _by_batch_norm(torch.cat([R, h]), torch.cat([R, h])), "shape"),
        (lambda h, R, eps=1e-5: h - (R.sum(0) + h) / (len(R) + 1), "alone"),  # not divided by the sd
        (_first_row_is_right, "rows"),
    ],
    "10.3": [
        (lambda *given: stretch(*given) ** 2, "squared"),
        (lambda A, At, v, steps: A(v).norm() / v.norm(), "start"),
        (_never_divided, "finite"),
        (_length_forgotten, "length"),
        (_one_step, "length"),
        (lambda A, At, v, steps: A(v), "number"),
    ],
    "10.4": [
        (lambda path, decay: _recursion(path, lambda n: decay, path[0]), "fixed"),
        (lambda path, decay: _recursion(path, lambda n: 1 - min(decay, n / (n + 1)), path[0]), "swapped"),
        (lambda path, decay: _recursion(path, lambda n: min(decay, n / (n + 1)), 0 * path[0]), "zero"),
        (lambda path, decay: _recursion(path, lambda n: max(decay, n / (n + 1)), path[0]), "larger"),
        (lambda path, decay: _recursion(path, lambda n: min(decay, (1 + n) / (10 + n)), path[0]), "mean"),
        (lambda path, decay: _recursion(path, lambda n: n / (n + 1), path[0]), "forgets"),
        (lambda path, decay: average(path, decay)[-1], "shape"),
    ],
}
