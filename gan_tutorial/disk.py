"""Files that are whole or not there at all."""

import glob
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

LEFT_AFTER = 600.0  # seconds without a change: then nobody writes to a partial file any more


@contextmanager
def in_one_stroke(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` at the end: whatever happens, that is the old or the new one.

    Raises OSError if it cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")  # threads may write at once, too
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink()


def sweep(path: str | os.PathLike) -> None:
    """Take away what killed processes have left that were writing `path`.  Raises OSError if that cannot be done."""
    path = Path(path)
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        with suppress(FileNotFoundError):  # another process sweeps, or has just finished it
            if time.time() - partial.stat().st_mtime > LEFT_AFTER:
                partial.unlink()


def reason(error: Exception) -> str:
    """Why a file could not be read or written, in a few words for a bracket in a sentence."""
    return getattr(error, "strerror", None) or str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
