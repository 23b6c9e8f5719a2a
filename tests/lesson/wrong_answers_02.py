"""Typical wrong answers to the exercises of notebook 02, each with the property that it lacks."""

import torch

from gan_tutorial.lesson.exercises.nb02 import jensen_shannon, value


def kl(a, b, dx):
    return (torch.xlogy(a, a) - torch.xlogy(a, b)).sum() * dx


WRONG = {
    "2.1": [
        (lambda p, q: p / q, "equal"),  # the ratio, not the share
        (lambda p, q: p, "equal"),
        (lambda p, q: (p / (p + q)).mean(), "shape"),
        (lambda p, q: q / (p + q), "side"),  # the probability of a sample
        (lambda p, q: torch.sigmoid(p - q), "maximum"),
        (lambda p, q: p.sqrt() / (p.sqrt() + q.sqrt()), "maximum"),
        (lambda p, q: torch.where(p == q, 0.5, (p > q).float()), "maximum"),  # the decision, not the probability
        (lambda p: p, "runs"),
        (0.5, "function"),
    ],
    "2.2": [
        (lambda p, q, D, dx: (torch.xlogy(p, D) + torch.xlogy(q, 1 - D)) * dx, "number"),
        (lambda p, q, D, dx: (torch.xlogy(p, D) + torch.xlogy(q, 1 - D)).sum(), "shrug"),  # dx forgotten
        (lambda p, q, D, dx: value(p, q, D, dx) / 2, "shrug"),  # -J(D)
        (lambda p, q, D, dx: -value(p, q, D, dx), "shrug"),  # the loss
        (lambda p, q, D, dx: (torch.xlogy(p, D) + torch.xlogy(q, D)).sum() * dx, "fakes"),  # the misprint
        (lambda p, q, D, dx: value(q, p, D, dx), "fakes"),
        (lambda p, q, D, dx: (p * D.log() + q * (1 - D).log()).sum() * dx, "zeros"),
        (lambda p, q, D, dx: value(p, q, D.clamp(1e-3, 1 - 1e-3), dx), "zeros"),
    ],
    "2.3": [
        (lambda p, q, dx: kl(p, p + q, dx) / 2 + kl(q, p + q, dx) / 2, "equal"),  # m without its half
        (lambda p, q, dx: 2 * jensen_shannon(p, q, dx), "half"),
        (lambda p, q, dx: kl(p, q, dx), "half"),
        (lambda p, q, dx: jensen_shannon(p, q, dx).sqrt(), "half"),
        (lambda p, q, dx: kl((p + q) / 2, p, dx) / 2 + kl((p + q) / 2, q, dx) / 2, "half"),  # the other way round
        (lambda p, q, dx: kl(p, (p + q) / 2, dx), "order"),  # equal for a shift only
        (
            lambda p, q, dx: ((p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log()) / 2).sum() * dx,
            "disjoint",
        ),
    ],
}
