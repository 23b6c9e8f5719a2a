"""Twelve checks of a GAN's code, each of one property: hand it a function of yours, and it says whether that holds.

None of them trains, and each takes less than a second.  A check that passes proves its property, nothing more.  Losses
are functions of scores, (n,) and (m,) -> (); a penalty is a function (D, x, fake) -> ().  Each is handed copies
(`clone`), so it may change in place what it is given.
"""

from collections.abc import Callable
from copy import deepcopy
from math import log
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

Critic = Callable[[Tensor], Tensor]  # (n, *shape) -> (n,)
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]  # (D, x, fake) -> ()


# ---- Losses -----------------------------------------------------------------------------------------------------


def known_values(d_loss: Callable[[Tensor, Tensor], Tensor]) -> bool:
    """Whether D's logistic loss is 2 log 2 at scores of 0, about 0 where D is sure and right, 60 at 30 and wrong.

    For -mean log D(x) - mean log(1 - D(G(z))), from scores: Goodfellow et al. 2014, eq. 1.
    """
    zero, sure = torch.zeros(8), torch.full((8,), 30.0)
    asked = ((zero, zero, 2 * log(2)), (sure, -sure, 0.0), (-sure, sure, 60.0))
    return all(abs(float(d_loss(real.clone(), fake.clone())) - value) < 1e-3 for real, fake, value in asked)


def pulls_up(g_loss: Callable[[Tensor], Tensor]) -> bool:
    """Whether a step down G's loss would raise the score of every sample, for scores from -20 to 20.

    Least squares with target 1 does not, and does not mean to: above 1 it pulls down.
    """
    s = torch.linspace(-20, 20, 41, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(g_loss(s.clone()), s)
    return bool((slope < 0).all())


def honest_slope(loss: Callable[[Tensor], Tensor], w: Tensor, h: float = 1e-5) -> bool:
    """Whether autograd's slope of `loss` at w is that of finite differences, (f(w + h e) - f(w - h e)) / 2h.

    Along one random direction e; w is a leaf of float64 with `requires_grad`, and `loss(w)` must not be random.
    """
    (slope,) = torch.autograd.grad(loss(w.clone()), w)
    e = torch.randn_like(w)
    differences = (loss(w + h * e) - loss(w - h * e)).detach() / (2 * h)
    return bool(torch.isclose((slope * e).sum(), differences, rtol=1e-4, atol=1e-7))


# ---- Penalties --------------------------------------------------------------------------------------------------


def per_example(penalty: Penalty) -> bool:
    """Whether the penalty of a batch is the mean of the penalties of its examples, each alone.

    Data and samples are the same points here, so that a random point between them is known.
    """
    x = torch.randn(16, 2)
    alone = torch.stack([penalty(_bowl, one.clone(), one.clone()) for one in x.split(1)])
    return bool(torch.isclose(penalty(_bowl, x.clone(), x.clone()), alone.mean(), rtol=1e-3))


def _bowl(u: Tensor) -> Tensor:
    """|u|^2 / 2, whose slope at u is u.  (n, *shape) -> (n,)"""
    return u.flatten(1).square().sum(1) / 2


def looks_between(penalty: Penalty) -> bool:
    """Whether a penalty asks D at one random point of each segment from a datum to its sample.

    With data at 0 and samples at 1, a point's coordinates are where on the segment it lies.
    """
    x, fake, seen = torch.zeros(256, 2), torch.ones(256, 2), []

    def spy(u: Tensor) -> Tensor:
        seen.append(u.detach().clone())
        return u.sum(1)

    penalty(spy, x, fake)
    t = torch.cat(seen)
    on_it = bool((t[:, 0] == t[:, 1]).all()) and 0 <= float(t.min()) and float(t.max()) <= 1
    return on_it and float(t[:, 0].std()) > 0.2  # uniform numbers have 0.29


# ---- The loop ---------------------------------------------------------------------------------------------------


class SmallGame(NamedTuple):
    """What one step of a loop takes: two tiny players, their optimisers, data (8, 1) and latents (8, 2)."""

    G: nn.Module
    D: nn.Module
    g_opt: Optimizer
    d_opt: Optimizer
    x: Tensor
    z: Tensor


def small_game() -> SmallGame:
    """Two linear players with plain descent; the same numbers each time, whatever was drawn before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        G, D = nn.Linear(2, 1), nn.Sequential(nn.Linear(1, 1), nn.Flatten(0))
        x, z = 2 + torch.randn(8, 1), torch.randn(8, 2)
    return SmallGame(G, D, SGD(G.parameters(), 0.1), SGD(D.parameters(), 0.1), x, z)


def forgets(step: Callable[..., object]) -> bool:
    """Whether it makes no difference to the second of two steps if all gradients are cleared by hand before it.

    `step(G, D, g_opt, d_opt, x, z)` makes one step of the loop, both players' moves.
    """
    ends = []
    for clear in (False, True):
        game = small_game()
        step(*game)
        if clear:
            game.g_opt.zero_grad()
            game.d_opt.zero_grad()
        step(*game)
        ends.append(_weights(game.G, game.D))
    return torch.equal(*ends)


def _weights(*nets: nn.Module) -> Tensor:
    return torch.cat([w.detach().flatten() for net in nets for w in net.parameters()])  # in whatever layout in memory


def leaves_no_trace(move: Callable[[], object], other: nn.Module) -> bool:
    """Whether one player's move leaves weights, statistics and gradients of the other as they were."""
    before = _traces(other)
    move()
    after = _traces(other)
    return all((a is b is None) or (a is not None and b is not None and torch.equal(a, b))
               for a, b in zip(before, after, strict=True))  # fmt: skip


def _traces(net: nn.Module) -> list[Tensor | None]:
    grads = [None if w.grad is None else w.grad.clone() for w in net.parameters()]
    return [*(t.clone() for t in net.state_dict().values()), *grads]


def scores_alone(D: Critic, x: Tensor) -> bool:
    """Whether the score of the first example is the same without its companions: needed by every gradient penalty.

    All but the second are taken away: (n, *shape), n >= 3; fewer are a ValueError.
    """
    if len(x) < 3:
        raise ValueError(f"Give scores_alone 3 examples or more, not {len(x)}: with 2 it takes no companion away.")
    return bool(torch.isclose(D(x.clone())[0], D(x[:2].clone())[0], rtol=1e-3, atol=1e-4))


# ---- Average, pictures, seeds, scores -----------------------------------------------------------------------------


def average_rests(update: Callable[[nn.Module, nn.Module], object], G: nn.Module, z: Tensor) -> bool:
    """Whether the average of a G whose weights stand still is G: the same samples, in evaluation mode.

    `update(ema, G)` moves the average once.  Between, a copy of G is run on z in training mode, as a loop does.
    """
    G = deepcopy(G).train()
    ema = deepcopy(G).eval()
    with torch.no_grad():
        for _ in range(50):
            G(z.clone())
            update(ema, G)
        return bool(torch.allclose(ema(z.clone()), G.eval()(z.clone()), rtol=1e-3, atol=1e-4))


def looking_changes_nothing(sample: Callable[[], object], G: nn.Module) -> bool:
    """Whether drawing samples leaves G as it is: weights, statistics, and whether it is in training mode."""
    mode = G.training
    return leaves_no_trace(sample, G) and G.training == mode


def same_twice(make: Callable[[int], nn.Module]) -> bool:
    """Whether make(seed) gives the same weights for one seed, whatever was drawn before, and others for another."""
    weights = []
    for seed, drawn_before in ((1, 0), (1, 3), (2, 0)):
        torch.rand(drawn_before)
        weights.append(_weights(make(seed)))
    return torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def at_the_floor(score: Callable[[Tensor], float], real: Tensor, poor: Tensor, share: float = 0.1) -> bool:
    """Whether real data, handed over as samples would be, score far better than poor samples: at most that share."""
    return float(score(real.clone())) <= share * float(score(poor.clone()))
