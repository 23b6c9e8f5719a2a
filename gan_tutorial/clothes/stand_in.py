"""The data set that stands in for FashionMNIST where there is no network: 70,000 garments drawn from a seed.

Same shape, same ten classes, same counts; other pictures. Results on it are its own: no number measured on it
says anything about FashionMNIST.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_tutorial import machine
from gan_tutorial.clothes import garments
from gan_tutorial.disk import in_one_stroke, sweep

Arrays = dict[str, Tensor]  # train_images, train_labels, test_images, test_labels

CLASSES = tuple(garments.GARMENTS)  # in FashionMNIST's order
SEED = 2014
TRAIN, TEST = 6_000, 1_000  # per class, as in FashionMNIST
CHUNK = 125  # images drawn at once: their fields stay in a core's cache
CACHE = "stand_in-v1.npz"


def draw(train: int = TRAIN, test: int = TEST, seed: int = SEED) -> Arrays:
    """Draw `train` and `test` images of each class, shuffled: uint8 (n, 28, 28) and int64 labels (n,).

    The same seed gives the same images, whatever the number of cores: each class has its own generator.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the fields are small: a class per core is faster than all cores on each field
    try:
        with ThreadPoolExecutor(max_workers=machine.cores()) as pool:
            jobs = [pool.submit(_draw_class, k, train + test, seed) for k in range(len(CLASSES))]
            images = torch.stack([job.result() for job in jobs])  # (10, train + test, 28, 28)
    finally:
        torch.set_num_threads(threads)
    rng = torch.Generator().manual_seed(seed)
    result = {}
    for name, part in (("train", images[:, :train]), ("test", images[:, train:])):
        labels = torch.arange(len(part)).repeat_interleave(part.shape[1])
        order = torch.randperm(len(labels), generator=rng)
        result[f"{name}_images"] = part.reshape(-1, 28, 28)[order]
        result[f"{name}_labels"] = labels[order]
    return result


def _draw_class(k: int, n: int, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed * 1_000 + k)
    garment = garments.GARMENTS[CLASSES[k]]
    return torch.cat([garments.draw(garment, min(CHUNK, n - i), rng) for i in range(0, n, CHUNK)])


def load(folder: Path) -> Arrays:
    """The stand-in: from the cache in `folder`, else drawn (some seconds) and kept there where that is possible."""
    path = folder / CACHE
    arrays = _read(path)
    if arrays is None:
        arrays = draw()
        _write(path, arrays)
    return arrays


def _recipe() -> str:
    """What the images depend on: the code that draws them. A cache with another recipe is drawn again."""
    sources = [Path(__file__), Path(garments.__file__)]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(arrays[name].numpy())
    return digest.hexdigest()


def _read(path: Path) -> Arrays | None:
    """The arrays in the cache, or None if it is missing, damaged, or drawn by other code."""
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}
        recipe, digest = str(stored.pop("recipe")), str(stored.pop("digest"))
        arrays = {name: torch.from_numpy(array) for name, array in stored.items()}
    except Exception:  # damaged archives raise a dozen kinds; the remedy is always to draw again
        return None
    return arrays if recipe == _recipe() and digest == _digest(arrays) else None


def _write(path: Path, arrays: Arrays) -> None:
    """Keep the arrays, if there is room, and the place is ours to write to: else it takes seconds again next time."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        with in_one_stroke(path) as file:
            stored = {name: array.numpy() for name, array in arrays.items()}
            np.savez(file, recipe=_recipe(), digest=_digest(arrays), **stored)
