"""Typical wrong answers to the exercises of notebook 11, each with the property that it lacks."""

import torch

from gan_tutorial.lesson.exercises.nb11 import closer_to_training, frechet_line, kernel_distance


def nearest(x, cloud):
    return torch.cdist(x, cloud).min(dim=1).values


def diagonal_divided_by_n(Kaa, Kbb, Kab):
    n, m = Kab.shape
    return (Kaa.sum() - Kaa.trace()) / n**2 + (Kbb.sum() - Kbb.trace()) / m**2 - 2 * Kab.mean()


def sums(Kaa, Kbb, Kab):
    return Kaa.sum() - Kaa.trace() + Kbb.sum() - Kbb.trace() - 2 * Kab.sum()


def one_size(Kaa, Kbb, Kab):
    n = len(Kaa)
    return (Kaa.sum() - Kaa.trace() + Kbb.sum() - Kbb.trace()) / (n * (n - 1)) - 2 * Kab.mean()


WRONG = {
    "11.1": [
        (lambda m1, s1, m2, s2: abs(m1 - m2) + abs(s1 - s2), "shift"),
        (lambda m1, s1, m2, s2: ((m1 - m2) ** 2 + (s1 - s2) ** 2) ** 0.5, "root"),
        (lambda m1, s1, m2, s2: (m1 - m2) ** 2 + (s1**2 - s2**2) ** 2, "variances"),
        (lambda m1, s1, m2, s2: (m1 - m2) ** 2 + s1**2 + s2**2 - s1 * s2, "shift"),
        (lambda m1, s1, m2, s2: (m1 - m2) ** 2, "spread"),
        (lambda m1, s1, m2, s2: (s1 - s2) ** 2, "shift"),
        (lambda m1, s1, m2, s2: (m1 - m2) ** 2 + (s1 - s2) ** 2 * 2, "spread"),
        (lambda m1, s1, m2, s2: (m1 - m2) ** 2 + abs(s1 - s2), "spread"),
        (lambda m1, s1, m2, s2: frechet_line(m1, s1, m2, s2) / 2, "shift"),
        (lambda m1, s1: (m1 - s1) ** 2, "runs"),
        (2.0, "function"),
    ],
    "11.2": [
        (lambda Kaa, Kbb, Kab: Kaa.mean() + Kbb.mean() - 2 * Kab.mean(), "diagonal"),
        (diagonal_divided_by_n, "pairs"),
        (lambda Kaa, Kbb, Kab: kernel_distance(Kaa, Kbb, Kab) + Kab.mean(), "twice"),
        (lambda Kaa, Kbb, Kab: -kernel_distance(Kaa, Kbb, Kab), "sign"),
        (sums, "equal"),
        (one_size, "sizes"),
        (lambda Kaa, Kbb, Kab: Kab.mean(dim=0), "number"),
        (lambda Kaa, Kbb, Kab: kernel_distance(Kaa, Kbb, Kab).clamp(min=0) ** 0.5, "sizes"),
        (lambda Kaa, Kbb: Kaa.mean(), "runs"),
    ],
    "11.3": [
        (lambda x, a, b: nearest(x, a) < nearest(x, b), "number"),
        (lambda x, a, b: (nearest(x, a) < nearest(x, b)).sum(), "share"),
        (lambda x, a, b: (nearest(x, a) > nearest(x, b)).double().mean(), "turned"),
        (lambda x, a, b: (torch.cdist(x, a).mean(1) < torch.cdist(x, b).mean(1)).double().mean(), "mean distance"),
        (
            lambda x, a, b: (torch.cdist(x, a).max(1).values < torch.cdist(x, b).max(1).values).double().mean(),
            "farthest",
        ),
        (lambda x, a, b: (nearest(a, x) < nearest(b, x)).double().mean(), "other way"),
        (lambda x, a, b: (nearest(x, a).mean() < nearest(x, b).mean()).double(), "small"),
        (lambda x, a, b: closer_to_training(x[:2], a, b), "small"),
        (lambda x, a, b: (nearest(x, a) < 1).double().mean(), "small"),
        (lambda x, a, b: (nearest(x, a) < nearest(x, b)).mean(), "runs"),
    ],
}
