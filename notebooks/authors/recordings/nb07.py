"""Notebook 07: WGAN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gan_tutorial.game.objectives import clip_weights, wasserstein
from recordings.clothes import training
from recordings.plan import Setting


def clipping() -> Iterator[Setting]:
    """WGAN as in its paper, five moves of D, with a narrow and a wider bound on the weights."""
    for c in (0.01, 0.03):
        objective = replace(wasserstein, project=clip_weights(c))
        yield training(f"c = {c}", objective, "mlp", lr=5e-4, steps=3000, d_steps=5, looks=6)


RECORDINGS = {"07_clipping": clipping}
