"""Folders that one process at a time writes to."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gan_tutorial.commands.cli import UsageError


@contextmanager
def reserved(lock: Path, otherwise: str) -> Iterator[Callable[[], bool]]:
    """Inside, no other process holds this lock file.  UsageError if one does, which begins with `otherwise`.

    What it yields says whether that is still so: where a person has deleted the file, another process can make its own.
    """
    held = FileLock(lock, timeout=0)  # the system frees it when its holder dies
    try:
        held.acquire()
    except Timeout:
        raise UsageError(f"{otherwise}; wait until it ends, or choose another --out.") from None
    mine = os.stat(lock)  # while it is held, no other file gets its number

    def ours() -> bool:
        with suppress(OSError):
            return held.is_locked and os.path.samestat(os.stat(lock), mine)
        return False

    try:
        yield ours
    finally:
        if ours():
            with suppress(OSError):
                os.unlink(lock)
        held.release()
