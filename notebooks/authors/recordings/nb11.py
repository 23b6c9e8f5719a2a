"""Notebook 11: the tournament of the objectives, and what else than the objective can be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_tutorial.clothes import score
from gan_tutorial.clothes.data import Images, fashion_mnist, to_uint8
from gan_tutorial.game import Diverged, Game, train
from gan_tutorial.game.networks import ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator
from gan_tutorial.game.objectives import OBJECTIVES
from gan_tutorial.truth.densities import Latent
from recordings.plan import Setting

LRS = (3e-4, 1e-3, 3e-3, 1e-2)  # what the search chooses from
SEARCH_SEEDS = (100,)  # of the trainings that the search looks at, on held-out images; it is not reported
SAMPLES = 2_500  # for FFD, against 10,000 real images
FEW = 1_000  # for the other scores, against as many real images
SHOWN = 16  # samples of each training that are kept
USUAL = {"nets": "mlp", "steps": 400, "batch_size": 32, "d_steps": 1, "beta1": 0.0}
# What else can be chosen: one thing at a time is changed.
CHANGES = {
    "3 moves of D": {"d_steps": 3},
    "momentum 0.5": {"beta1": 0.5},
    "narrow D": {"nets": "narrow D"},
    "no batch norm": {"nets": "plain"},
    "convolutions": {"nets": "conv"},
}
LOSSES = ("non_saturating", "wgan_gp")  # with which that is tried
CHANGE_LRS, CHANGE_SEEDS = (1e-3, 3e-3), 3


def networks_of(kind: str) -> tuple[nn.Module, nn.Module]:
    """A new G and a new D."""
    if kind == "conv":
        return ConvGenerator(width=8), ConvDiscriminator(width=8)
    G = MLPGenerator(hidden=(128, 256))
    if kind == "plain":
        for i, layer in enumerate(G.body[0]):
            if isinstance(layer, nn.BatchNorm1d):
                G.body[0][i] = nn.Identity()
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


def compete(objective: str, seeds: Iterable[int]) -> list[dict[str, Any]]:
    """Choose the step size by held-out images, then train anew with each seed and report on the test images."""
    table = [[round(found_on_held_out(objective, lr, s, USUAL), 3) for s in SEARCH_SEEDS] for lr in LRS]
    best = LRS[min(range(len(LRS)), key=lambda i: sum(table[i]))]
    return [reported(objective, best, seed) | {"search": np.array(table)} for seed in seeds]


def reported(objective: str, lr: float, seed: int) -> dict[str, Any]:
    """Train once; the scores against the test images."""
    game, diverged = trained(objective, lr, seed, USUAL)
    x, real = drawn(game, seed), features_of_real(False)
    seen = score.features(x)
    row = {"ffd": score.frechet(seen, real), "kid": score.kid(seen[:FEW], real[:FEW])}
    row["ffd_without_ema"] = score.frechet(score.features(drawn(game, seed, ema=False)), real)
    row["precision"], row["recall"] = score.precision_recall(seen[:FEW], real[:FEW])
    row["density"], row["coverage"] = score.density_coverage(seen[:FEW], real[:FEW])
    row = {name: round(value, 5) for name, value in row.items()}
    counts = score.classes(x).bincount(minlength=10).tolist()
    return row | {"counts": counts, "diverged": diverged, "lr": lr, "samples": x[:SHOWN].numpy()}


def change(objective: str, name: str, seed: int) -> dict[str, Any]:
    """One thing done otherwise: FFD to held-out images, to choose the step size by, and to the test images."""
    how, row = USUAL | CHANGES[name], {"held_out": [], "ffd": []}
    for lr in CHANGE_LRS:
        game, diverged = trained(objective, lr, seed, how)
        seen = score.features(drawn(game, seed))
        both = score.frechet(seen, features_of_real(True)), score.frechet(seen, features_of_real(False))
        for key, value in zip(row, both, strict=True):
            row[key].append(float("inf") if diverged else round(value, 3))
    return row


def tournament() -> Iterator[Setting]:
    """All objectives: the same networks, data and number of steps; the step size of each by the same search."""
    numbers = USUAL | {"lrs": LRS, "search_seeds": SEARCH_SEEDS, "samples_per_ffd": SAMPLES, "few": FEW}
    for objective in OBJECTIVES:
        if objective == "jensen_shannon":
            continue  # minimax and a constant: the same gradients, and so the same training
        yield Setting(objective, partial(compete, objective), seeds=5, together=True, numbers=numbers)


def otherwise() -> Iterator[Setting]:
    """A few objectives, and one thing at a time done otherwise: networks, moves of D, momentum."""
    for objective in LOSSES:
        for name, changed in CHANGES.items():
            numbers = USUAL | changed | {"lrs": CHANGE_LRS, "samples_per_ffd": SAMPLES}
            yield Setting(f"{objective}, {name}", partial(change, objective, name), CHANGE_SEEDS, numbers=numbers)


RECORDINGS = {"11_tournament": tournament, "11_otherwise": otherwise}
