"""Notebook 08: ways to hold D."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gan_tutorial.game.objectives import clip_weights, non_saturating, r1_penalty, wasserstein, wgan_gp, wgan_lp
from recordings.clothes import training
from recordings.plan import Setting


def critics() -> Iterator[Setting]:
    """Six ways to hold D, two of them with another loss as well."""
    mlp = {"nets": "mlp", "lr": 1e-3, "steps": 6000, "looks": 10}
    yield training("clip", replace(wasserstein, project=clip_weights(0.03)), **mlp)
    yield training("two-sided", wgan_gp, **mlp)
    yield training("one-sided", wgan_lp, **mlp)
    yield training("R1", replace(non_saturating, penalty=r1_penalty(0.1)), **mlp)
    yield training("no penalty", non_saturating, **mlp)
    yield training("two-sided, 5 moves of D", wgan_gp, **mlp | {"steps": 1800, "looks": 6}, d_steps=5)


RECORDINGS = {"08_critics": critics}
