"""Notebook 03 plays Algorithm 1 by hand and with the package: both agree whatever the seed, and on any pictures."""

from pathlib import Path

import jupytext
import pytest
import torch

from gan_tutorial.clothes import recipes
from gan_tutorial.clothes.data import Images
from gan_tutorial.game import networks, objectives, train
from gan_tutorial.lesson.exercises.nb03 import training_step

SOURCE = Path(__file__).resolve().parent.parent / "notebooks" / "source" / "03_train_a_gan.py"


def cell(beginning):
    """The code of the one cell of the notebook that begins so."""
    cells = [c.source for c in jupytext.read(SOURCE, fmt="py:percent").cells if c.cell_type == "code"]
    (found,) = [source for source in cells if source.startswith(beginning)]
    return found


@pytest.fixture(scope="module")
def pictures():
    """Few and mostly black, so that many gradients are zero, or nearly."""
    bright = torch.randint(256, (64, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    bright[:, :, :14] = 0
    labels = torch.zeros(64, dtype=torch.int64)
    return Images("few", "made for a test", bright, labels, bright, labels)


@pytest.mark.parametrize("seed", [0, 4, 11, 13])
def test_hand_and_package_agree(pictures, seed):
    known = {"torch": torch, "recipes": recipes, "objectives": objectives, "train": train, "SEED": seed,
             "images": pictures, "training_step": training_step, "z": torch.randn(8, networks.LATENT)}  # fmt: skip
    exec(cell("def algorithm_1("), known)
    exec(cell("def in_double("), known)  # asserts
    assert known["by_hand"].dtype == torch.float64
    assert known["apart"] < 1e-11 < 1e-2 < known["moved"]
