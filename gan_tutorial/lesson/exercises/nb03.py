"""Exercises of notebook 03: the two losses from scores, batches without a DataLoader, and slerp."""

import math

import torch
from torch.nn.functional import softplus

from gan_tutorial.lesson.exercises import Exercise, Property, register


def _same_shape(got, expected):
    return got.shape == expected.shape


# ---- 3.2: what each player pays ---------------------------------------------------------------------------------


def d_loss(real_score, fake_score):
    """-mean log sigma(s) over data - mean log(1 - sigma(s)) over samples.  (n,), (m,) -> ()"""
    return softplus(-real_score).mean() + softplus(fake_score).mean()


def g_loss(fake_score):
    """-mean log sigma(s) over samples.  (n,) -> ()"""
    return softplus(-fake_score).mean()


def _d(real, fake):
    return lambda answer: answer[0](torch.tensor(real), torch.tensor(fake))


def _shapes(answer):
    s = torch.zeros(3)
    return [str(tuple(loss.shape)) for loss in (answer[0](s, s), answer[1](s))]


def _slope_of_g(answer):
    s = torch.tensor([-5.0], requires_grad=True)
    (slope,) = torch.autograd.grad(answer[1](s), s)
    return slope


LOSSES = register(
    Exercise(
        id="3.2",
        reference=(d_loss, g_loss),
        properties=(
            Property(
                "a number each",
                _shapes,
                "A loss should be one number, of shape (), but d_loss and g_loss have {got}: take the mean.",
            ),
            Property(
                "undecided D",
                _d([0.0, 0.0], [0.0, 0.0]),
                "With all scores 0, D says 1/2 everywhere and d_loss should be 2 log 2 = {expected}, not {got}.",
            ),
            Property(
                "D who is right",
                _d([2.0], [-2.0]),
                "With a score of 2 for data and -2 for a sample, d_loss should be {expected}, not {got}.",
            ),
            Property(
                "means apart",
                _d([2.0, -1.0], [-2.0, 0.5, 3.0]),
                "With two scores of data and three of samples, the mean over the two plus the mean over the three is "
                "{expected}, not {got}.",
            ),
            Property(
                "large scores",
                _d([-200.0], [200.0]),
                "With a score of -200 for data and 200 for a sample, d_loss should be {expected}, not {got}: take no "
                "logarithm of a probability.",
            ),
            Property(
                "undecided D, for G",
                lambda answer: answer[1](torch.zeros(2)),
                "With all scores 0, g_loss should be log 2 = {expected}, not {got}.",
            ),
            Property(
                "strong slope",
                _slope_of_g,
                "At a score of -5, where D is sure, the slope of g_loss should be {expected}, not {got}: the "
                "non-saturating loss is -log sigma(s).",
            ),
            Property(
                "large scores, for G",
                lambda answer: answer[1](torch.tensor([-200.0])),
                "At a score of -200, g_loss should be {expected}, not {got}: no log of a probability.",
            ),
        ),
        hints=(
            "With D(x) = sigma(s): -log sigma(s) = log(1 + exp(-s)), and that is softplus(-s).",
            "1 - sigma(s) = sigma(-s), so -log(1 - sigma(s)) = softplus(s).",
            "d_loss = softplus(-real_score).mean() + ..., and g_loss pays for a sample what d_loss pays for a datum.",
        ),
        praise="G's loss is the first term of D's, taken over samples.",
    )
)


# ---- 3.1: batches -----------------------------------------------------------------------------------------------


def batch(images, n):
    """n of the images, drawn at random, as floats in [-1, 1].  uint8 (N, 28, 28) -> float32 (n, 1, 28, 28)"""
    index = torch.randint(len(images), (n,), device=images.device)
    return (images[index].float() / 127.5 - 1).unsqueeze(1)


def _flat(values):
    """One picture per value, the same everywhere: uint8 (len(values), 28, 28)."""
    return torch.tensor(values, dtype=torch.uint8)[:, None, None].expand(-1, 28, 28).clone()


def _whole(f):
    x = f(_flat([0, 51, 102, 204, 255]), 40).flatten(1)
    return float((x.max(dim=1).values - x.min(dim=1).values).max())


def _values(f):
    return sorted({round(v, 3) for v in f(_flat([0, 51, 102, 204, 255]), 400).flatten(1)[:, 0].tolist()})


def _differs(f):
    images = _flat(list(range(200)))
    return str(not torch.equal(f(images, 20), f(images, 20)))


def _untouched(f):
    images = _flat([10, 200])
    f(images, 4)
    return str(torch.equal(images, _flat([10, 200])))


SAMPLER = register(
    Exercise(
        id="3.1",
        reference=batch,
        properties=(
            Property(
                "shape",
                lambda f: f(_flat([0]), 6),
                "Six pictures should come in the shape (6, 1, 28, 28), with one channel, but came as {got}.",
                agrees=_same_shape,
            ),
            Property(
                "type",
                lambda f: str(f(_flat([0, 255]), 6).dtype),
                "The type should be {expected}, as the networks have it, but is {got}.",
            ),
            Property(
                "range",
                lambda f: [f(_flat([v]), 1).mean() for v in (0, 255)],
                "The bytes 0 and 255 should become {expected}, but became {got}.",
            ),
            Property(
                "between",
                lambda f: f(_flat([102]), 1).mean(),
                "The byte 102 should become {expected}, but became {got}.",
            ),
            Property(
                "whole pictures",
                _whole,
                "A picture should stay whole, but yours mix pixels of several: draw one index per picture.",
            ),
            Property(
                "every picture",
                _values,
                "From five pictures, 400 draws should bring the values {expected}, but brought {got}.",
            ),
            Property("fresh", _differs, "Two calls should bring different pictures, but brought the same."),
            Property("untouched", _untouched, "Your function changed the images it was given; work on a copy."),
        ),
        hints=(
            "torch.randint(len(images), (n,), device=images.device) draws n indices.",
            "images[index] are the n pictures, still bytes: make floats of these n only.",
            "v / 127.5 - 1 takes 0 to -1 and 255 to 1; unsqueeze(1) adds the channel.",
        ),
        praise="That is all a sampler has to do: no DataLoader, no workers, no epochs.",
    )
)


# ---- 3.3: from one latent to another ----------------------------------------------------------------------------


def slerp(a, b, t):
    """sin((1-t) w)/sin(w) a + sin(t w)/sin(w) b, w the angle between a and b.  (d,), (d,), number -> (d,)"""
    cosine = (a @ b) / (a.norm() * b.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


_A, _B = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([-1.5, 1.5 * math.sqrt(3), 0.0])  # length 3, 120 degrees apart


def _angle(t):
    def of(f):
        x = f(_A, _B, t)
        return torch.rad2deg(torch.acos((x @ _A / (x.norm() * _A.norm())).clamp(-1, 1)))

    return of


SLERP = register(
    Exercise(
        id="3.3",
        reference=slerp,
        properties=(
            Property(
                "shape",
                lambda f: f(_A, _B, 0.5),
                "Between two latents of three numbers lies a latent of three numbers, not {got}.",
                agrees=_same_shape,
            ),
            Property(
                "ends",
                lambda f: torch.stack([f(_A, _B, 0.0), f(_A, _B, 1.0)]),
                "At t = 0 it should be a and at t = 1 it should be b, but it is {got}, not {expected}.",
            ),
            Property(
                "length",
                lambda f: f(_A, _B, 0.5).norm(),
                "Half-way between two latents of length 3 the length should still be {expected}, but is {got}.",
            ),
            Property(
                "even steps",
                _angle(0.25),
                "A quarter of the way from a to b, 120 degrees apart, the angle from a should be {expected} degrees, "
                "but is {got}.",
                tolerance=1e-3,
            ),
            Property(
                "unequal lengths",
                lambda f: f(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 1.0]), 1 / 3),
                "Between [2, 0] and [0, 1] at t = 1/3 it should be {expected}, not {got}: take the angle between the "
                "directions, but mix a and b themselves.",
            ),
        ),
        hints=(
            "The cosine of the angle w is (a @ b) / (a.norm() * b.norm()); torch.acos turns it into w.",
            "The two weights are sin((1 - t) w) / sin(w) for a and sin(t w) / sin(w) for b.",
        ),
        praise="On the way the length stays what it was, and t is the share of the angle.",
    )
)
