"""Folders that one process at a time writes to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gan_tutorial.commands.cli import UsageError


@contextmanager
def reserved(lock: Path, otherwise: str) -> Iterator[None]:
    """Inside, no other process holds this lock file.  UsageError if one does, which begins with `otherwise`."""
    held = FileLock(lock, timeout=0)  # the system frees it when its holder dies
    try:
        held.acquire()
    except Timeout:
        raise UsageError(f"{otherwise}; wait until it ends, or choose another --out.") from None
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(held.lock_file)
        held.release()
