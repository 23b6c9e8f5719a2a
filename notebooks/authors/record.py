"""Record trainings that are too long for a notebook: `python notebooks/authors/record.py [NAME ...]`.

A recording is a table of settings, each trained with several seeds.  `runs/NAME.json` holds what they were, when and
with which versions they ran, FFD at each look, the largest loss of D; `runs/NAME.npz` samples of each at the end.
Notebooks read both with `gan_tutorial.clothes.recordings`.  A test calls a recording stale whose function below
changed.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from datetime import date
from multiprocessing import get_context

import numpy as np
import torch

from gan_tutorial.clothes import recipes, score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8
from gan_tutorial.clothes.recordings import RUNS
from gan_tutorial.game import Diverged, Game, train
from gan_tutorial.game.objectives import (
    OBJECTIVES,
    Objective,
    clip_weights,
    fake_as_real,
    non_saturating,
    r1_penalty,
    wasserstein,
    wgan_gp,
    wgan_lp,
)
from gan_tutorial.machine import cores

SEEDS = 3  # where a setting does not say otherwise
SAMPLES = 5_000  # for each FFD
SHOWN = 64  # samples of each training that are kept, likewise


@dataclass(frozen=True)
class Setting:
    """One row of a recording."""

    name: str
    objective: Objective
    nets: str
    lr: float
    steps: int
    d_steps: int = 1
    batch_size: int = 64
    looks: int = 4  # how often FFD is taken, at equal distances
    seeds: int = SEEDS
    shown: int = SHOWN


# ---- The recordings ---------------------------------------------------------------------------------------------


def family() -> Iterator[Setting]:
    """Notebook 06: the f-divergences on FashionMNIST, each with a step size that suits it."""
    for name in ("non_saturating", "minimax", "total_variation"):
        yield Setting(name, OBJECTIVES[name], "conv", lr=2e-3, steps=1600)
    yield Setting("pearson", OBJECTIVES["pearson"], "conv", lr=1e-3, steps=1600)
    for name in ("squared_hellinger", "kl", "reverse_kl", "jeffreys", "neyman"):
        yield Setting(name, OBJECTIVES[name], "conv", lr=3e-4, steps=1600)


def large_steps() -> Iterator[Setting]:
    """Notebook 06: the large step size with many seeds; KL with both activations, each without and with the trick."""
    kl, gentle = OBJECTIVES["kl"], OBJECTIVES["gentle_kl"]
    games = {
        "kl": kl,
        "kl, trick": fake_as_real(kl),
        "gentle kl": replace(gentle, g_fake=lambda s: -gentle.d_fake(s)),
        "gentle kl, trick": gentle,
    }
    games |= {name: OBJECTIVES[name] for name in ("neyman", "non_saturating")}
    for name, objective in games.items():
        yield Setting(name, objective, "conv", lr=2e-3, steps=200, looks=1, seeds=8, shown=1)


def clipping() -> Iterator[Setting]:
    """Notebook 07: WGAN as in its paper, five moves of D, with a narrow and a wider bound on the weights."""
    for c in (0.01, 0.03):
        objective = replace(wasserstein, project=clip_weights(c))
        yield Setting(f"c = {c}", objective, "mlp", lr=5e-4, steps=3000, d_steps=5, looks=6)


def critics() -> Iterator[Setting]:
    """Notebook 08: six ways to hold D, two of them with another loss as well."""
    mlp = {"nets": "mlp", "lr": 1e-3, "steps": 6000, "looks": 10}
    yield Setting("clip", replace(wasserstein, project=clip_weights(0.03)), **mlp)
    yield Setting("two-sided", wgan_gp, **mlp)
    yield Setting("one-sided", wgan_lp, **mlp)
    yield Setting("R1", replace(non_saturating, penalty=r1_penalty(0.1)), **mlp)
    yield Setting("no penalty", non_saturating, **mlp)
    yield Setting("two-sided, 5 moves of D", wgan_gp, **mlp | {"steps": 1800, "looks": 6}, d_steps=5)


RECORDINGS: dict[str, Callable[[], Iterator[Setting]]] = {
    "06_family": family,
    "06_large_steps": large_steps,
    "07_clipping": clipping,
    "08_critics": critics,
}


# ---- Recording --------------------------------------------------------------------------------------------------


def record_row(name: str, row: int, seed: int) -> dict:
    """What one process does: `record` with row `row` of recording `name`, on one core."""
    torch.set_num_threads(1)
    return record(list(RECORDINGS[name]())[row], seed)


def record(setting: Setting, seed: int) -> dict:
    """Train once.  -> the FFD at each look, the largest |D's loss|, how it ended, and samples"""
    images = fashion_mnist()
    game = recipes.fashion_game(images, recipes.NETS[setting.nets], lr=setting.lr, seed=seed)
    looks, diverged, largest = [], 0, torch.tensor(0.0)
    steps = train(game, setting.objective, steps=setting.steps, d_steps=setting.d_steps, batch_size=setting.batch_size)
    try:
        for step in steps:
            largest = largest.maximum(step.d_loss.abs())
            if step.n % (setting.steps // setting.looks) == 0:
                looks.append((step.n, round(score.ffd(_samples(game, SAMPLES, seed)), 2)))
    except Diverged:
        diverged = game.step
    print(f"{setting.name}, seed {seed}: {looks} {f'diverged after {diverged}' if diverged else ''}", flush=True)
    pictures = to_uint8(_samples(game, setting.shown, seed)).numpy()
    return {
        "seed": seed,
        "looks": looks,
        "largest_d_loss": float(f"{largest:.4g}"),
        "diverged": diverged,
        "samples": pictures,
    }


def _samples(game: Game, n: int, seed: int) -> torch.Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return game.sample(n)


def write(name: str) -> None:
    """Make the recording `name` anew, as many trainings at once as there are cores."""
    if fashion_mnist().is_stand_in:
        raise SystemExit("A recording needs the real FashionMNIST: run `gan-tutorial data` first.")
    settings, made_from = list(RECORDINGS[name]()), source(name)  # now: this file may be edited meanwhile
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
        jobs = [
            [pool.submit(record_row, name, row, seed) for seed in range(setting.seeds)]
            for row, setting in enumerate(settings)
        ]
        done = [[job.result() for job in seeds] for seeds in jobs]
    RUNS.mkdir(exist_ok=True)
    rows, samples = [], {}
    for setting, runs in zip(settings, done, strict=True):
        samples |= {f"{setting.name}/{run['seed']}": run.pop("samples") for run in runs}
        numbers = {f.name: getattr(setting, f.name) for f in fields(setting) if f.name != "objective"}
        rows.append(numbers | {"runs": runs})
    about = {
        "source": made_from,
        "date": date.today().isoformat(),
        "torch": torch.__version__,
        "device": "one CPU core each",
        "samples_per_ffd": SAMPLES,
        "settings": rows,
    }
    np.savez_compressed(RUNS / f"{name}.npz", **samples)
    (RUNS / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")


def source(name: str) -> str:
    """The text that the recording `name` depends on: the function that lists its settings."""
    return inspect.getsource(RECORDINGS[name])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(RECORDINGS)}; default: all")
    for name in parser.parse_args().names or RECORDINGS:
        if name not in RECORDINGS:
            parser.error(f"there is no recording {name!r}; there are {', '.join(RECORDINGS)}")
        write(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
