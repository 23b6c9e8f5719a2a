"""Notebook 06: f-divergences on FashionMNIST."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gan_tutorial.game.objectives import OBJECTIVES, fake_as_real
from recordings.clothes import training
from recordings.plan import Setting


def family() -> Iterator[Setting]:
    """The f-divergences on FashionMNIST, each with a step size that suits it."""
    for name in ("non_saturating", "minimax", "total_variation"):
        yield training(name, OBJECTIVES[name], "conv", lr=2e-3, steps=1600)
    yield training("pearson", OBJECTIVES["pearson"], "conv", lr=1e-3, steps=1600)
    for name in ("squared_hellinger", "kl", "reverse_kl", "jeffreys", "neyman"):
        yield training(name, OBJECTIVES[name], "conv", lr=3e-4, steps=1600)


def large_steps() -> Iterator[Setting]:
    """The large step size with many seeds; KL with both activations, each without and with the trick."""
    kl, gentle = OBJECTIVES["kl"], OBJECTIVES["gentle_kl"]
    games = {
        "kl": kl,
        "kl, trick": fake_as_real(kl),
        "gentle kl": replace(gentle, g_fake=lambda s: -gentle.d_fake(s)),
        "gentle kl, trick": gentle,
    }
    games |= {name: OBJECTIVES[name] for name in ("neyman", "non_saturating")}
    for name, objective in games.items():
        yield training(name, objective, "conv", lr=2e-3, steps=200, looks=1, seeds=8, shown=1)


RECORDINGS = {"06_family": family, "06_large_steps": large_steps}
