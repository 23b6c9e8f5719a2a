"""Typical wrong answers to the exercises of notebook 16, each with the specimen that it judges wrongly."""

import torch
from torch.nn.utils import parameters_to_vector

from gan_tutorial.lesson import checks
from gan_tutorial.lesson.checks import small_game


def slope_at(g_loss, s):
    s = s.double().requires_grad_()
    return torch.autograd.grad(g_loss(s), s)[0]


SCORES = torch.linspace(-20, 20, 41)


def bowl(u):
    return u.square().sum(1) / 2


def parts_of(penalty, D, x, fake):
    alone = torch.stack([penalty(D, a, b) for a, b in zip(x.split(1), fake.split(1), strict=True)])
    return bool(torch.isclose(penalty(D, x, fake), alone.mean(), rtol=1e-3))


def seen_by_a_spy(penalty):
    seen = []

    def spy(u):
        seen.append(u.detach())
        return u.sum(1)

    penalty(spy, torch.zeros(256, 2), torch.ones(256, 2))
    return torch.cat(seen)


def spread(t):
    return bool(t[:, 0].std() > 0.2)


def inside(t):
    return bool(t.min() >= 0 and t.max() <= 1)


def differences(loss, w, e, h=1e-5, rtol=1e-4):
    slope = torch.autograd.grad(loss(w), w)[0]
    change = (loss(w + h * e) - loss(w - h * e)).detach() / (2 * h)
    return bool(torch.isclose((slope * e).sum(), change, rtol=rtol, atol=1e-7))


def twice(step, steps=2, clear="DG", whose="DG"):
    ends = []
    for by_hand in ("", clear):
        game = small_game()
        for _ in range(steps - 1):
            step(*game)
        if "D" in by_hand:
            game.d_opt.zero_grad()
        if "G" in by_hand:
            game.g_opt.zero_grad()
        step(*game)
        ends.append(parameters_to_vector([w for name in whose for w in getattr(game, name).parameters()]))
    return bool(torch.equal(*ends))


def poisoned(step):
    ends = []
    for old in (0.0, 1.0):
        game = small_game()
        for w in [*game.G.parameters(), *game.D.parameters()]:
            w.grad = torch.full_like(w, old)
        step(*game)
        ends.append(parameters_to_vector([*game.G.parameters(), *game.D.parameters()]))
    return bool(torch.equal(*ends))


WRONG = {
    "16.1": [
        (lambda g_loss: True, "the sign of the critic"),
        (lambda g_loss: False, "non-saturating"),
        (lambda g_loss: bool((slope_at(g_loss, SCORES) > 0).all()), "non-saturating"),  # the slope, not the step
        (lambda g_loss: bool((slope_at(g_loss, SCORES) < -1e-3).all()), "non-saturating"),
        (lambda g_loss: bool((slope_at(g_loss, torch.tensor([-20.0])) < -1e-3).all()), "minimax"),  # asks too much
        (lambda g_loss: bool(slope_at(g_loss, torch.zeros(4)).sum() < 0), "Pearson's formula used everywhere"),
        (lambda g_loss: bool((slope_at(g_loss, SCORES) <= 0).all()), "clamped"),  # silence passes for a pull
        (lambda g_loss: bool((slope_at(g_loss, SCORES.clamp(-8, 8)) < 0).all()), "clamped"),
        (lambda g_loss: bool((slope_at(g_loss, -SCORES.abs()) < 0).all()), "a hinge for G"),
    ],
    "16.2": [
        (lambda penalty: True, "one norm of the whole batch"),
        (lambda penalty: False, "one norm per example"),
        (lambda penalty: parts_of(penalty, bowl, torch.randn(16, 2), torch.randn(16, 2)), "one norm per example"),
        (lambda penalty: parts_of(penalty, lambda u: u.sum(1), *[torch.randn(16, 2)] * 2),
         "the mean of the norms first"),
        (lambda penalty: parts_of(penalty, bowl, *[torch.randn(1, 2)] * 2), "one norm of the whole batch"),
        (lambda penalty: abs(float(penalty(lambda u: u[:, 0], *[torch.randn(16, 2)] * 2))) < 1e-4, "R1"),  # a formula
    ],
    "16.3": [
        (lambda penalty: True, "one number for the whole batch"),
        (lambda penalty: False, "one number for each example"),
        (lambda penalty: inside(t := seen_by_a_spy(penalty)) and spread(t), "one number for each pixel"),
        (lambda penalty: spread(t := seen_by_a_spy(penalty)) and bool((t[:, 0] == t[:, 1]).all()),
         "a normal number, not a uniform one"),
        (lambda penalty: inside(t := seen_by_a_spy(penalty)) and bool((t[:, 0] == t[:, 1]).all()),
         "one number for the whole batch"),
        (lambda penalty: bool(seen_by_a_spy(penalty).max() <= 1) and checks.looks_between(penalty) or
         bool((t := seen_by_a_spy(penalty)).max() <= 0 and t.min() < 0), "x + t (x - fake)"),
        (lambda penalty: bool((seen_by_a_spy(penalty) > 0.5).all()), "one number for each example"),
    ],
    "16.4": [
        (lambda loss, w: True, "create_graph=False"),
        (lambda loss, w: False, "the penalty, differentiable"),
        (lambda loss, w: bool(loss(w).requires_grad), "create_graph=False"),
        (lambda loss, w: differences(loss, w, torch.randn_like(w), h=0.5), "the penalty, differentiable"),  # too far
        (lambda loss, w: differences(loss, w, torch.eye(12)[0].double()), "one weight cut off"),  # the first alone
        (lambda loss, w: differences(loss, w, torch.randn_like(w), rtol=1e9), "create_graph=False"),
    ],
    "16.5": [
        (lambda step: True, "never"),
        (lambda step: False, "each before its own move"),
        (lambda step: twice(step, steps=1), "never"),
        (lambda step: twice(step, whose="G", clear="G"), "each after its own move"),
        (lambda step: twice(step, clear="D"), "D's only"),
        (poisoned, "both at the end of the step"),  # what it is afraid of cannot happen there
    ],
}  # fmt: skip
