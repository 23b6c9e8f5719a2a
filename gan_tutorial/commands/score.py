"""`gan-tutorial score`: how far stored samples are from FashionMNIST."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from gan_tutorial import machine
from gan_tutorial.commands.cli import UsageError, one_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("samples", type=Path, metavar="SAMPLES.npy", help="uint8, (n, 28, 28), as `train` writes it")
    parser.add_argument(
        "--held-out", action="store_true",
        help="compare with the held-out training images, not with the test images: for choosing among settings",
    )  # fmt: skip
    parser.add_argument("--baselines", action="store_true", help="score simple baselines as well (two minutes)")
    parser.add_argument("--json", action="store_true", help="print numbers for a program")
    parser.epilog = (
        "exit status: 0 scored; 1 too few samples, or damaged data; 2 wrong usage, or SAMPLES.npy is no file that can "
        "be scored"
    )


def main(args: argparse.Namespace) -> int:
    """Print the report of the file and, beside it, that of as many training images."""
    from gan_tutorial.clothes import score
    from gan_tutorial.clothes.data import CorruptData, fashion_mnist
    from gan_tutorial.lesson.profile import use_cores

    samples = _read(args.samples)
    if len(samples) < score.FEWEST:
        return _failed(f"{args.samples}: {len(samples)} samples are too few for a score; give at least {score.FEWEST}.")
    use_cores()
    try:
        images = fashion_mnist()
    except CorruptData as error:
        return _failed(str(error))
    if images.is_stand_in:
        print(f"gan-tutorial score: {images.notice}", file=sys.stderr)
    beside = (score.baselines if args.baselines else score.floor)(images, n=len(samples))
    own = args.samples.name + (" (the file)" if args.samples.name in beside else "")
    try:
        reports = {name: score.score(x, images, args.held_out) for name, x in ({own: samples} | beside).items()}
    except ValueError as error:
        return _failed(f"{args.samples}: {error}")
    if args.json:
        print(json.dumps({name: asdict(report) for name, report in reports.items()}, indent=1))
        return 0
    real = "held-out training images" if args.held_out else "test images"
    print(f"{len(samples):,} samples against 10,000 {real} of {images.name}\n")
    print(f"{'':50}{'FFD':>9}{'KID':>10}{'precision':>11}{'recall':>8}{'nearest':>9}")
    for name, r in reports.items():
        print(f"{name[:49]:50}{r.ffd:9.2f}{r.kid:10.4f}{r.precision:11.3f}{r.recall:8.3f}{r.nearest:9.1f}")
    print("\nshare of each class, in percent (10 each in the data):")
    for name, share in zip(images.classes, reports[own].histogram, strict=True):
        print(f"  {name:14}{100 * share:5.1f}  {'#' * round(100 * share)}")
    print(
        "\nFFD and KID: smaller is better; the second row is as good as it gets. Precision: share of samples among the "
        "data; recall: share of data among the samples. Nearest: median distance to the nearest training image, in "
        "grey levels; 0 would be a copy."
    )
    return 0


def _failed(sentence: str) -> int:
    print(f"gan-tutorial score: {one_line(sentence)}", file=sys.stderr)
    return 1


def _read(path: Path):
    """The samples as a tensor.  UsageError if it is no such file."""
    import numpy as np
    import torch

    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder; name the .npy file in it.")
    if not os.path.isfile(path):  # nor a pipe, which could be waited for without end
        raise UsageError(f"there is no file {path}.")
    try:
        with open(path, "rb") as file:
            if file.read(6) != np.lib.format.MAGIC_PREFIX:
                raise ValueError("it does not begin like one")
        # A file can bring numbers, never code; and what its head announces is not believed before its size is seen.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # empty, cut and made-up files raise a dozen kinds
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UsageError(f"{path} is not a .npy file that can be read ({why.rstrip('.')}).") from error
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[1:] != (28, 28):
        raise UsageError(f"{path} should hold uint8 images of shape (n, 28, 28); it holds {array.dtype} {array.shape}.")
    if rest := os.path.getsize(path) - array.offset - array.nbytes:
        raise UsageError(f"{path} holds {rest:,} bytes after its array; save all images as one array, alone.")
    if array.nbytes > machine.memory()[0]:
        raise UsageError(f"{path} holds {len(array):,} images, more than there is memory for; give fewer.")
    return torch.from_numpy(np.array(array))
