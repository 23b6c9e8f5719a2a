"""Notebook 11: the tournament of the objectives, and what else than the objective can be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from gan_tutorial.clothes import score
from gan_tutorial.clothes.data import Images, fashion_mnist, to_uint8
from gan_tutorial.game import Diverged, Game, train
from gan_tutorial.game.networks import ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator
from gan_tutorial.game.objectives import OBJECTIVES
from gan_tutorial.truth.densities import Latent
from recordings.plan import Setting

LRS = (2e-4, 6e-4, 2e-3, 6e-3)  # what the search chooses from
SEARCH_SEEDS = (100, 101)  # of the trainings that the search looks at, on held-out images; none is reported
SAMPLES = 2_500  # for each score, against 10,000 real images (against the first 2,500 of them, but for FFD)
SHOWN = 16  # samples of each training that are kept
USUAL = {"nets": "mlp", "steps": 600, "batch_size": 32, "d_steps": 1, "beta1": 0.0}
# Else: what is changed, one at a time.
OTHERWISE = {
    "as usual": {},
    "3 moves of D": {"d_steps": 3},
    "momentum 0.5": {"beta1": 0.5},
    "a narrow D": {"nets": "narrow D"},
    "no batch norm": {"nets": "plain"},
    "convolutions": {"nets": "conv"},
    "twice the steps": {"steps": 1200},
}
LOSSES = ("non_saturating", "least_squares", "hinge", "wgan_gp")  # on which that is tried


def networks_of(kind: str) -> tuple[nn.Module, nn.Module]:
    """A new G and a new D."""
    if kind == "conv":
        return ConvGenerator(width=8), ConvDiscriminator(width=8)
    G = MLPGenerator(hidden=(128, 256))
    if kind == "plain":
        G.body = nn.Sequential(*(nn.Identity() if isinstance(m, nn.BatchNorm1d) else m for m in G.body.modules() if not list(m.children())))
    return G, MLPDiscriminator(hidden=(64, 32) if kind == "narrow D" else (256, 128))


def game_of(images: Images, kind: str, lr: float, beta1: float, seed: int) -> Game:
    """A game whose weights and all later random numbers come from the seed."""
    torch.manual_seed(seed)
    G, D = networks_of(kind)
    return Game.with_adam(G, D, images.sampler(), Latent(64), d_lr=lr, g_lr=lr, betas=(beta1, 0.999), seed=seed)


@cache
def clothes() -> Images:
    return fashion_mnist()


@cache
def features_of_real(held_out: bool) -> Tensor:
    return score.features(score.reference(clothes(), held_out))


def trained(objective: str, lr: float, seed: int, how: dict[str, Any]) -> tuple[Game, int]:
    """The game at its end; and 0, or the step that it was put back to when a loss was no number any more."""
    game = game_of(clothes(), how["nets"], lr, how["beta1"], seed)
    numbers = {name: how[name] for name in ("steps", "batch_size", "d_steps")}
    try:
        for _ in train(game, OBJECTIVES[objective], every=numbers["steps"], **numbers):
            pass
    except Diverged:
        return game, game.step
    return game, 0


def drawn(game: Game, seed: int, ema: bool = True) -> Tensor:
    """SAMPLES samples, as bytes."""
    torch.manual_seed(seed)
    return to_uint8(game.sample(SAMPLES, ema=ema))


def found_on_held_out(objective: str, lr: float, seed: int, how: dict[str, Any]) -> float:
    """FFD to the held-out images; infinite for a training that broke off."""
    game, diverged = trained(objective, lr, seed, how)
    return float("inf") if diverged else score.frechet(score.features(drawn(game, seed)), features_of_real(True))


def reported(objective: str, lr: float, seed: int, how: dict[str, Any], all_scores: bool = True) -> dict[str, Any]:
    """Train once; the scores against the test images."""
    game, diverged = trained(objective, lr, seed, how)
    x, raw, real = drawn(game, seed), drawn(game, seed, ema=False), features_of_real(False)
    seen = score.features(x)
    row = {"ffd": score.frechet(seen, real), "ffd_without_ema": score.frechet(score.features(raw), real)}
    if all_scores:
        few = real[:SAMPLES]
        row["kid"] = score.kid(seen, few)
        row["precision"], row["recall"] = score.precision_recall(seen, few)
        row["density"], row["coverage"] = score.density_coverage(seen, few)
        row["classes"] = score.class_histogram(x).tolist()
        row["samples"] = x[:SHOWN].numpy()
    return {name: round(v, 5) if isinstance(v, float) else v for name, v in row.items()} | {"diverged": diverged, "lr": lr}


def compete(objective: str, seeds: Iterable[int]) -> list[dict[str, Any]]:
    """Choose the step size by held-out images, then train anew with each seed and report on the test images."""
    table = [[round(found_on_held_out(objective, lr, s, USUAL), 3) for s in SEARCH_SEEDS] for lr in LRS]
    best = LRS[min(range(len(LRS)), key=lambda i: sum(table[i]))]
    print(f"{objective}: {table} -> {best}", flush=True)
    return [reported(objective, best, seed, USUAL) | {"search": torch.tensor(table).numpy()} for seed in seeds]


def change(objective: str, name: str, seeds: Iterable[int]) -> list[dict[str, Any]]:
    """One thing done otherwise, with the step sizes of the search; each seed with all of them."""
    how = USUAL | OTHERWISE[name]
    lrs = LRS[1:3]
    table = [[reported(objective, lr, seed, how, all_scores=False)["ffd"] for lr in lrs] for seed in seeds]
    return [{"ffd": torch.tensor(row).numpy()} for row in table]


def tournament() -> Iterator[Setting]:
    """All objectives: the same networks, data and number of steps; the step size of each by the same search."""
    numbers = USUAL | {"lrs": LRS, "search_seeds": SEARCH_SEEDS, "samples": SAMPLES}
    for objective in OBJECTIVES:
        yield Setting(objective, partial(compete, objective), seeds=5, together=True, numbers=numbers)
