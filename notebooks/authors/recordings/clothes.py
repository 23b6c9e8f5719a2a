"""A training on FashionMNIST, with looks at FFD on its way."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from gan_tutorial.clothes import recipes, score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8
from gan_tutorial.game import Diverged, Game, train
from gan_tutorial.game.objectives import Objective
from recordings.plan import Setting

SAMPLES = 5_000  # for each FFD


def training(
    name: str,
    objective: Objective,
    nets: str,
    lr: float,
    steps: int,
    d_steps: int = 1,
    batch_size: int = 64,
    looks: int = 4,  # how often FFD is taken, at equal distances
    seeds: int = 3,
    shown: int = 64,  # samples of each training that are kept
) -> Setting:
    """The setting of a training of the recipe `nets` with this objective."""
    numbers = {"nets": nets, "lr": lr, "steps": steps, "d_steps": d_steps, "batch_size": batch_size, "looks": looks}
    numbers |= {"shown": shown, "samples_per_ffd": SAMPLES}
    return Setting(name, partial(record, objective, numbers), seeds, numbers=numbers)


def record(objective: Objective, numbers: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train once.  -> the FFD at each look, the largest |D's loss|, how it ended, and samples"""
    images = fashion_mnist()
    game = recipes.fashion_game(images, recipes.NETS[numbers["nets"]], lr=numbers["lr"], seed=seed)
    looks, diverged, largest = [], 0, torch.tensor(0.0)
    how = {name: numbers[name] for name in ("steps", "d_steps", "batch_size")}
    try:
        for step in train(game, objective, **how):
            largest = largest.maximum(step.d_loss.abs())
            if step.n % (numbers["steps"] // numbers["looks"]) == 0:
                looks.append((step.n, round(score.ffd(_samples(game, numbers["samples_per_ffd"], seed)), 2)))
    except Diverged:
        diverged = game.step
    pictures = to_uint8(_samples(game, numbers["shown"], seed)).numpy()
    return {"looks": looks, "largest_d_loss": float(f"{largest:.4g}"), "diverged": diverged, "samples": pictures}


def _samples(game: Game, n: int, seed: int) -> torch.Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return game.sample(n)
