"""FashionMNIST as bytes on the device, and batches drawn from them by index; no DataLoader is needed for 47 MB.

Where the files come from is in `files`. Where there are none and no network, `stand_in` takes their place, with a
notice.
"""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from gan_tutorial.clothes import files, stand_in
from gan_tutorial.clothes.files import CorruptData, NoData, data_folders

__all__ = ["CorruptData", "Images", "NoData", "Sampler", "data_folders", "fashion_mnist", "to_uint8", "to_unit"]

NOTICE = "Stand-in data: drawn garments, not FashionMNIST. With a network, `gan-tutorial data` fetches the real ones."

_failed: dict[Path, str] = {}  # folder -> why nothing could be fetched into it: asked once per process, told once


@dataclass(frozen=True, eq=False)
class Images:
    """Clothes, 28x28, grey, in ten classes: bytes to train on and to test with.

    `train_images` uint8 (60000, 28, 28), `train_labels` int64 (60000,), `test_images` (10000, 28, 28), `test_labels`
    (10000,). `notice` is a sentence if these are not the real data, else empty.
    """

    name: str
    notice: str
    train_images: Tensor = field(repr=False)
    train_labels: Tensor = field(repr=False)
    test_images: Tensor = field(repr=False)
    test_labels: Tensor = field(repr=False)
    classes: tuple[str, ...] = field(default=stand_in.CLASSES, repr=False)

    @property
    def is_stand_in(self) -> bool:
        return bool(self.notice)

    def sampler(self, labels: bool = False, classes: Iterable[int | str] | None = None) -> Sampler:
        """A function "give me n": random training images, of all classes or of some, alone or with their labels.

        Classes go by name or by number: `images.sampler(classes=["Bag", 9])`.
        """
        return Sampler(self, labels, classes)

    def _repr_html_(self) -> str:
        """What a notebook shows: the counts, and the notice in a box that cannot be missed."""
        counts = f"{len(self.train_images):,} images to train on, {len(self.test_images):,} to test with"
        text = f"<p><b>{html.escape(self.name)}</b>: {counts}, {len(self.classes)} classes, 28&times;28, grey</p>"
        if not self.notice:
            return text
        style = "border: 3px solid #b45309; background: #fef3c7; color: #451a03; padding: 0.6em 1em; font-weight: bold"
        return f'<div role="alert" style="{style}">{html.escape(self.notice)}</div>{text}'


class Sampler:
    """n training images drawn with replacement: a tuple of float32 (n, 1, 28, 28) in [-1, 1] and, if asked for, int64
    labels (n,).

    Draws with the default generator of the images' device, and makes floats of the n images only.
    """

    def __init__(
        self, images: Images, labels: bool = False, classes: Iterable[int | str] | None = None
    ) -> None:
        self.images = images.train_images
        self.labels = images.train_labels if labels else None
        self.rows = None  # the rows to draw from; None: all, without a look-up
        if classes is not None:
            numbers = torch.tensor(_numbers(classes, images.classes), device=self.images.device)
            self.rows = torch.isin(images.train_labels, numbers).nonzero().squeeze(1)

    def __call__(self, n: int) -> tuple[Tensor, ...]:
        index = torch.randint(len(self), (n,), device=self.images.device)
        if self.rows is not None:
            index = self.rows[index]
        x = to_unit(self.images.index_select(0, index))
        return (x,) if self.labels is None else (x, self.labels.index_select(0, index))

    def __len__(self) -> int:
        """How many images it draws from."""
        return len(self.images if self.rows is None else self.rows)


def to_unit(images: Tensor) -> Tensor:
    """x = v / 127.5 - 1: bytes (n, 28, 28) to float32 (n, 1, 28, 28) in [-1, 1]."""
    return (images.to(torch.float32) / 127.5).sub_(1).unsqueeze(1)


def to_uint8(x: Tensor) -> Tensor:
    """v = round(127.5 (x + 1)), clipped to a byte: (n, 1, 28, 28) to uint8 (n, 28, 28). Undoes `to_unit`."""
    return x.detach().float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8).squeeze(1)


def fashion_mnist(
    device: str | torch.device = "cpu", folder: str | os.PathLike | None = None, download: bool = True
) -> Images:
    """FashionMNIST on `device`; its stand-in, with a `notice`, where there is neither a copy nor a network.

    Looked for in `data_folders(folder)`, verified, downloaded to the first of them if `download`. Raises CorruptData,
    naming the file and the remedy, if a copy is damaged: a damaged copy is never passed over in silence.
    """
    folders = data_folders(folder)
    try:
        arrays, name, notice = files.read(_folder(folders, download)), "FashionMNIST", ""
    except NoData as error:
        arrays, name, notice = stand_in.load(folders[0]), "Stand-in for FashionMNIST", NOTICE
        if folders[0] not in _failed:
            _failed[folders[0]] = str(error)
            print(f"{NOTICE} Why not now: {error}", file=sys.stderr, flush=True)
    return Images(name, notice, **{key: array.to(device) for key, array in arrays.items()})


def _folder(folders: list[Path], download: bool) -> Path:
    """The folder to read from, after a download if need be and possible."""
    found = files.find(folders)
    if found:
        return found
    if not download:
        raise NoData(f"it is not in {' or '.join(map(str, folders))}, and no download was wanted.")
    if folders[0] in _failed:
        raise NoData(_failed[folders[0]])
    try:
        files.fetch(folders[0])
    except CorruptData as error:  # the mirror's fault, or the network's: nothing on this disk is damaged
        raise NoData(str(error)) from error
    return folders[0]


def _numbers(wanted: Iterable[int | str], classes: tuple[str, ...]) -> list[int]:
    """The numbers of the classes that are wanted."""
    wanted = [wanted] if isinstance(wanted, int | str) else list(wanted)
    numbers = [classes.index(c) if c in classes else c for c in wanted]
    wrong = [c for c in numbers if isinstance(c, str) or not 0 <= c < len(classes)]
    if wrong or not numbers:
        problem = f"there is no class {wrong[0]!r}" if wrong else "no class was named"
        raise ValueError(f"{problem}: choose among {', '.join(classes)}, or the numbers 0 to {len(classes) - 1}.")
    return [int(c) for c in numbers]
