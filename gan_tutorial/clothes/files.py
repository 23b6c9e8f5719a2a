"""FashionMNIST's four files: where they are looked for, verified on every read, downloaded where they are missing.

A folder holds torchvision's layout, `FashionMNIST/raw/train-images-idx3-ubyte` and so on, or the same with `.gz`.
(Xiao et al. 2017, arXiv:1708.07747; MIT licence.)
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import os
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from filelock import FileLock, Timeout  # torch brings it
from torch import Tensor

from gan_tutorial.disk import reason
from gan_tutorial.machine import redraws

VARIABLE = "GAN_TUTORIAL_DATA"
RAW = Path("FashionMNIST", "raw")
# name of the file -> shape of its array, sha256 of the uncompressed file
FILES = {
    "train-images-idx3-ubyte": ((60_000, 28, 28), "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
    "train-labels-idx1-ubyte": ((60_000,), "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    "t10k-images-idx3-ubyte": ((10_000, 28, 28), "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
    "t10k-labels-idx1-ubyte": ((10_000,), "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
}  # fmt: skip
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")  # what the files hold, in that order
CONNECT_SECONDS = 5  # for a mirror to answer at all, looking up its name included
STALL_SECONDS = 20  # without a byte in the middle of a file
FILE_SECONDS = 1800  # for one file, however steadily it trickles
WAIT_SECONDS = 900  # for another process that is downloading
CHUNK = 1 << 16  # bytes read at once


class CorruptData(RuntimeError):
    """A file is there, or arrived, whose bytes are not those that were published."""


@contextmanager
def intact(path: Path, command: str) -> Iterator[None]:
    """Inside, a file is read that came with the notebooks and that `command` makes.  CorruptData if that fails."""
    try:
        yield
    except Exception as error:  # cut, empty and changed files raise a dozen kinds
        raise CorruptData(
            f"{path} cannot be read ({reason(error)}): `git checkout {path}` brings back the stored one, and "
            f"`{command}` makes it anew."
        ) from error


class NoData(RuntimeError):
    """FashionMNIST is not here and cannot be fetched."""


def data_folders(folder: str | os.PathLike | None = None) -> list[Path]:
    """Where FashionMNIST is looked for, in this order; it is downloaded to the first.

    `folder` is the only place if given, else `$GAN_TUTORIAL_DATA` if set, else `data/` in the checkout and
    `shared/data` beside the checkout (one copy for several).
    """
    only = folder or os.environ.get(VARIABLE)
    if only:
        return [Path(os.path.expanduser(only)).absolute()]  # pathlib's raises for a ~person who is not there
    parent = Path(__file__).resolve().parents[2]
    checkout = parent if (parent / "pyproject.toml").is_file() else Path.cwd()  # installed: there is no checkout
    return [checkout / "data", checkout.parent / "shared" / "data"]


def find(folders: list[Path]) -> Path | None:
    """The first folder that holds all four files, sound or not."""
    return next((folder for folder in folders if not _missing(folder)), None)


def read(folder: Path) -> dict[str, Tensor]:
    """The four arrays, verified: uint8 images (n, 28, 28), int64 labels (n,).

    Raises NoData if a file is missing, CorruptData if its contents are not those that were published.
    """
    arrays = {}
    for array, (name, (shape, _)) in zip(ARRAYS, FILES.items(), strict=True):
        path = _path(folder, name)
        if path is None:
            raise NoData(f"{folder / RAW / name} does not exist.")
        header = 4 + 4 * len(shape)
        arrays[array] = torch.from_numpy(_verified(path, name))[header:].view(shape)
        if "labels" in array:
            arrays[array] = arrays[array].long()
    return arrays


def fetch(folder: Path) -> None:
    """Download the files that `folder` lacks, verified; another process that is doing the same is waited for.

    Raises NoData if that is not possible, CorruptData if something else than FashionMNIST arrives.
    """
    raw = folder / RAW
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with _locked(raw):
            for left in raw.glob(".download-*"):  # by a process that died: nobody else writes while we hold the lock
                shutil.rmtree(left, ignore_errors=True)
            if missing := _missing(folder):
                _download(missing, raw)
    except Timeout:
        raise NoData(f"another process has held {raw / '.lock'} for {WAIT_SECONDS // 60} minutes.") from None
    except (OSError, ValueError) as error:  # the latter for a name with a NUL
        raise NoData(f"{raw} cannot be written to ({reason(error)}).") from error


@contextmanager
def _locked(raw: Path) -> Iterator[None]:
    """Inside, no other process downloads to this folder; whoever has to wait for one says so."""
    lock = FileLock(raw / ".lock")  # the system frees it when its holder dies
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Another process is downloading FashionMNIST to {raw}; waiting for it.", file=sys.stderr, flush=True)
        lock.acquire(timeout=WAIT_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _path(folder: Path, name: str) -> Path | None:
    candidates = (folder / RAW / name, folder / RAW / f"{name}.gz")
    return next((path for path in candidates if os.path.isfile(path)), None)


def _missing(folder: Path) -> list[str]:
    return [name for name in FILES if _path(folder, name) is None]


def _verified(path: Path, name: str) -> np.ndarray:
    """The bytes of the file, uint8 (size,), if they are the right ones."""
    try:
        with open(path, "rb") as file:
            most = _size(name) + 1  # one more than is right: what is longer is never read to its end
            packed = path.suffix == ".gz"
            data = _unpacked(file, most) if packed else np.frombuffer(bytearray(file.read(most)), np.uint8)
    except OSError as error:
        raise CorruptData(f"{path} cannot be read ({error.strerror or error}): check its permissions.") from error
    if problem := _problem(data, name):
        raise CorruptData(
            f"{path} is damaged: {problem}. Nothing was deleted: move or delete that file yourself, then run "
            "`gan-tutorial data`, which fetches it again."
        )
    return data


def _unpacked(packed: BinaryIO, most: int) -> np.ndarray | None:
    """The first `most` bytes of what a gzip file holds; None if it is not one, cut, or followed by something else."""
    try:
        with gzip.open(packed) as file:
            return np.frombuffer(bytearray(file.read(most)), np.uint8)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return None


def _size(name: str) -> int:
    shape, _ = FILES[name]
    return 4 + 4 * len(shape) + math.prod(shape)


def _problem(data: np.ndarray | None, name: str) -> str:
    if data is None:
        return "it is not a whole gzip file"
    size = _size(name)
    if len(data) > size:
        return f"it holds more than {size:,} bytes"
    if len(data) < size:
        return f"it holds {len(data):,} bytes in place of {size:,}"
    right = hashlib.sha256(data).hexdigest() == FILES[name][1]
    return "" if right else "its checksum (sha256) is not the published one"


def _download(names: list[str], raw: Path) -> None:
    """Fetch the files one by one: into a folder of our own in `raw`, verified there, then moved in one stroke."""
    with tempfile.TemporaryDirectory(prefix=".download-", dir=raw) as temporary:
        for name in names:
            data = _from_mirrors(name, raw)
            part = Path(temporary, name)
            with open(part, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, raw / name)


def _from_mirrors(name: str, raw: Path) -> np.ndarray:
    try:
        from torchvision.datasets import FashionMNIST  # takes a second to import, and is needed only here
    except ModuleNotFoundError:
        raise NoData("torchvision, which knows where the files are, is not installed.") from None

    for mirror in FashionMNIST.mirrors:
        url = f"{mirror}{name}.gz"
        try:
            with _connect(url) as response:
                print(f"Downloading {url} to {raw}", file=sys.stderr, flush=True)
                data = _unpacked(_received(response, _size(name) + CHUNK), _size(name) + 1)
        except (OSError, HTTPException) as error:
            failure = NoData(f"{url} could not be fetched ({getattr(error, 'reason', None) or error}).")
            continue
        if not (problem := _problem(data, name)):
            return data
        failure = CorruptData(f"what {url} sent is not FashionMNIST ({problem}); is a log-in page between?")
    raise failure


def _received(response: HTTPResponse, most: int) -> BinaryIO:
    """What a mirror sends, at most `most` bytes of it; on a terminal, a line says how much is here.

    Packed, the files are smaller than unpacked: an answer that does not end by then is not one of them.
    """
    whole, expected, start, looked = io.BytesIO(), response.length, time.monotonic(), 0.0
    of = f" of {expected / 1e6:.1f}" if expected else ""
    while whole.tell() < most and (part := response.read1(CHUNK)):
        whole.write(part)
        if time.monotonic() - start > FILE_SECONDS:
            raise TimeoutError(f"only {whole.tell():,} bytes came within {FILE_SECONDS // 60} minutes")
        if redraws(sys.stderr) and time.monotonic() - looked > 0.2:
            looked = time.monotonic()
            print(f"\r{whole.tell() / 1e6:.1f}{of} MB\033[K", end="", file=sys.stderr, flush=True)
    if looked:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if whole.tell() < min(expected or 0, most):
        raise ConnectionError(f"it ended after {whole.tell():,} of {expected:,} bytes")
    whole.seek(0)
    return whole


def _connect(url: str) -> HTTPResponse:
    """Open the address, or raise within CONNECT_SECONDS: looking up a name has no timeout of its own."""
    outcome: list[HTTPResponse | BaseException] = []

    def knock() -> None:
        try:
            outcome.append(urllib.request.urlopen(url, timeout=STALL_SECONDS))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS} s")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
