"""Notebook 09: which games find all modes; eight seeds side by side in the plane, three on pairs of clothes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_tutorial.clothes import score
from gan_tutorial.clothes.data import Images, fashion_mnist, to_uint8, to_unit
from gan_tutorial.game import Game, d_move, objectives, train
from gan_tutorial.game.diversity import MinibatchFeatures, Packed, unrolled_g_move
from gan_tutorial.game.networks import Features, Maps, SideBySide
from gan_tutorial.game.objectives import Objective, non_saturating, r1_penalty, r2_penalty, rpgan, sum_of_penalties
from gan_tutorial.truth.densities import Grid, Latent, Ring, as_data
from recordings.plan import Setting

# ---- The plane ----------------------------------------------------------------------------------------------------

DATA = {"ring": Ring(radius=1.0, sd=0.02), "grid": Grid(side=5, step=1.0, sd=0.05)}
STEPS = {"ring": 2000, "grid": 3000}
SEEDS, WIDTH, BATCH, LOOKS = 8, 64, 64, 8
COUNTED, SHOWN = 2_500, 300  # samples that are counted at each look, and kept of the last


@dataclass(frozen=True)
class Way:
    """How to play: what D sees, and what the players minimise."""

    objective: Objective = non_saturating
    pack: int = 1
    features: bool = False  # of the minibatch, for D
    unroll: int | None = None  # steps that G looks ahead; with None, it plays its own loss
    d_steps: int = 1


def penalised(objective: Objective, r2: bool, gamma: float = 0.1) -> Objective:
    """With R1, or with R1 + R2."""
    r1 = r1_penalty(gamma)
    return replace(objective, penalty=sum_of_penalties(r1, r2_penalty(gamma)) if r2 else r1)


FOUR = {
    "NS + R1": Way(penalised(non_saturating, False)),
    "NS + R1 + R2": Way(penalised(non_saturating, True)),
    "paired + R1": Way(penalised(rpgan, False)),
    "paired + R1 + R2": Way(penalised(rpgan, True)),
}
SEEN = {
    "plain": Way(),
    "packs of 2": Way(pack=2),
    "packs of 4": Way(pack=4),
    "minibatch features": Way(features=True),
}
AHEAD = {f"unrolled {k}": Way(objectives.minimax, unroll=k) for k in (0, 1, 5, 10)}
SLOW, EQUAL = 2e-4, 1e-3  # step size of D; that of G is 1e-3


def networks(way: Way, K: int) -> tuple[nn.Module, nn.Module]:
    """K generators and K discriminators."""
    G, m = SideBySide(K, [2, WIDTH, WIDTH, 2]), way.pack
    body = [SideBySide(K, [2 * m, WIDTH, WIDTH, 1])]
    if way.features:
        layers = SideBySide(K, [2, WIDTH, WIDTH]), nn.ReLU(), MinibatchFeatures(WIDTH, k=K)
        body = [*layers, SideBySide(K, [WIDTH + 8, 1])]
    D = nn.Sequential(*body, nn.Flatten(0))
    return G, Packed(D, m, K) if m > 1 else D


def played(game: Game, way: Way, steps: int, K: int, eta: float = 0.3) -> Iterator[int]:
    """The training; both step sizes fall to 0 in its second half.  -> the number of the step"""
    sizes = [(opt, opt.param_groups[0]["lr"]) for opt in (game.g_opt, game.d_opt)]
    if way.unroll is None:
        turns = (s.n for s in train(game, way.objective, steps=steps, batch_size=BATCH * K, d_steps=way.d_steps))
    else:
        turns = unrolled(game, way.objective, steps, way.unroll, K, eta)
    for n in turns:
        for opt, lr in sizes:
            opt.param_groups[0]["lr"] = lr * min(1, 2 * (1 - n / steps))
        yield n


def unrolled(game: Game, objective: Objective, steps: int, k: int, K: int, eta: float) -> Iterator[int]:
    """D's move as ever, then G's move against the D of k steps later."""
    for n in range(1, steps + 1):
        d_move(game, objective, *game.data(BATCH * K))
        unrolled_g_move(game, objective, BATCH * K, k, eta * K)  # a mean over K networks has a K-th of each slope
        yield n


def in_the_plane(data: str, way: Way, d_lr: float, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Train all seeds side by side.  -> of each the counts of each mode at each look, and its last samples"""
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    K, truth, start = len(seeds), DATA[data], time.process_time()
    G, D = networks(way, K)
    game = Game.with_adam(G, D, as_data(truth), Latent(2), d_lr=d_lr, g_lr=1e-3)
    steps, counts = STEPS[data], []
    for n in played(game, way, steps, K):
        if n % (steps // LOOKS) == 0:
            x = game.sample(COUNTED * K, ema=False, batch_size=COUNTED * K).unflatten(0, (-1, K))
            counts.append([truth.mode_counts(x[:, k]) for k in range(K)])
    seconds = round((time.process_time() - start) / K, 2)
    shown = x[:SHOWN].numpy().astype(np.float16)
    return [{"seconds": seconds, "counts": counted(counts, k), "samples": shown[:, k]} for k in range(K)]


def counted(counts: list, k: int) -> np.ndarray:
    return torch.stack([look[k] for look in counts]).numpy().astype(np.int16)


def settings(data: str, d_lr: float, ways: dict[str, Way], suffix: str = "") -> Iterator[Setting]:
    for name, way in ways.items():
        record = partial(in_the_plane, data, way, d_lr)
        numbers = {"steps": STEPS[data], "looks": LOOKS, "d_lr": d_lr, "g_lr": 1e-3, "batch_size": BATCH}
        yield Setting(name + suffix, record, SEEDS, together=True, numbers=numbers)


def ring() -> Iterator[Setting]:
    more = {"five moves of D": Way(d_steps=5), "paired": Way(rpgan)}
    yield from settings("ring", SLOW, SEEN | FOUR | more | AHEAD)
    yield from settings("ring", EQUAL, SEEN, ", equal steps")


def grid() -> Iterator[Setting]:
    yield from settings("grid", SLOW, SEEN | FOUR)


def ahead() -> Iterator[Setting]:
    """On the grid: G looks ahead, and the control, a D that moves five times."""
    yield from settings("grid", SLOW, AHEAD | {"five moves of D": Way(d_steps=5)})


def four() -> Iterator[Setting]:
    """The two-by-two where D is as fast as G, so that not every game collapses; a weak penalty and a stronger one."""
    for gamma in (0.1, 1.0):
        ways = {
            f"{game} + {penalty}, γ = {gamma:g}": Way(penalised(objective, penalty == "R1 + R2", gamma))
            for game, objective in (("NS", non_saturating), ("paired", rpgan))
            for penalty in ("R1", "R1 + R2")
        }
        yield from settings("ring", EQUAL, ways)


# ---- Clothes: two in two channels, 100 modes ----------------------------------------------------------------------

PAIRS = 2_000  # pairs of clothes that are counted
PAIR_STEPS, PAIR_SEEDS = 900, 3


class PairGenerator(nn.Module):
    """latent -> two channels of 28x28, like `ConvGenerator`.  (n, 64) -> (n, 2, 28, 28)"""

    def __init__(self, width: int = 16):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Linear(64, 2 * width * 49), Maps(7), nn.BatchNorm2d(2 * width), nn.ReLU()),
            *(nn.ConvTranspose2d(2 * width, width, 4, 2, 1), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, 8, 3, padding=1), nn.PixelShuffle(2), nn.Tanh()),
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z)


def pair_discriminator(m: int = 1, width: int = 8) -> nn.Module:
    """Small, half as wide as usual, for packs of m pairs.  (n, 2 m, 28, 28) -> (n,)"""
    leaky = partial(nn.LeakyReLU, 0.2)
    D = nn.Sequential(
        *(nn.PixelUnshuffle(2), nn.Conv2d(8 * m, width, 3, padding=1), leaky()),
        *(nn.Conv2d(width, 2 * width, 4, 2, 1), leaky(), Features(), nn.Linear(2 * width * 49, 1), nn.Flatten(0)),
    )
    return D.to(memory_format=torch.channels_last)


def pairs_of(images: Images) -> Callable[[int], tuple[Tensor]]:
    """n -> (two independent pictures in two channels,): ten classes by ten classes are 100 modes"""
    single = images.sampler()
    return lambda n: (torch.cat([single(n)[0], single(n)[0]], dim=1),)


def combinations(x: Tensor) -> np.ndarray:
    """How many pairs show each combination of classes, as the classifier sees them.  (n, 2, 28, 28) -> (100,)"""
    first, second = (score.classes(x[:, i : i + 1]) for i in range(2))
    return torch.bincount(10 * first + second, minlength=100).numpy().astype(np.int16)


def in_pairs(way: Way, seed: int) -> dict[str, Any]:
    """Train once.  -> counts of the 100 combinations, and the first pairs"""
    torch.set_flush_denormal(True)
    start = time.process_time()
    torch.manual_seed(seed)
    D = pair_discriminator(way.pack)
    D = Packed(D, way.pack) if way.pack > 1 else D
    settings = {"d_lr": 1e-3, "g_lr": 1e-3, "betas": (0.0, 0.999), "seed": seed}
    game = Game.with_adam(PairGenerator(), D, pairs_of(fashion_mnist()), Latent(64), **settings)
    for _ in train(game, way.objective, steps=PAIR_STEPS, batch_size=32, every=100):
        pass
    torch.manual_seed(seed)
    x = game.sample(PAIRS)
    seconds = round(time.process_time() - start, 1)
    return {"seconds": seconds, "counts": combinations(x), "samples": to_uint8(x[:20]).numpy()}


def real_pairs(seed: int) -> dict[str, Any]:
    """Real pictures in the place of samples: what a perfect generator would get from this classifier."""
    x = to_unit(fashion_mnist().test_images)
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randint(len(x), (PAIRS,), generator=generator) for _ in range(2))
    x = torch.cat([x[first], x[second]], dim=1)
    return {"seconds": 0.0, "counts": combinations(x), "samples": to_uint8(x[:20]).numpy()}


def pairs() -> Iterator[Setting]:
    numbers = {"steps": PAIR_STEPS, "d_lr": 1e-3, "g_lr": 1e-3, "batch_size": 32, "pairs_counted": PAIRS}
    yield Setting("real", real_pairs, PAIR_SEEDS, numbers={"pairs_counted": PAIRS})
    ways = {name: SEEN[name] for name in ("plain", "packs of 2")} | FOUR
    for name, way in ways.items():
        yield Setting(name, partial(in_pairs, way), PAIR_SEEDS, numbers=numbers)


RECORDINGS = {"09_ring": ring, "09_grid": grid, "09_ahead": ahead, "09_four": four, "09_pairs": pairs}
