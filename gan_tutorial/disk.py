"""Files that are whole or not there at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def in_one_stroke(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` at the end: whatever happens, that is the old or the new one.

    Raises OSError if it cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink()


def reason(error: Exception) -> str:
    """Why a file could not be read or written, in a few words for a bracket in a sentence."""
    return getattr(error, "strerror", None) or str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
