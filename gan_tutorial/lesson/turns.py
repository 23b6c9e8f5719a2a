"""Whose turn it is: a long training in a cell lets what else lives in the kernel answer between two of its steps."""

from __future__ import annotations

import time
from typing import Protocol
from weakref import WeakSet

EVERY = 0.1  # seconds of training between two turns


class Waits(Protocol):
    """What wants a turn now and then."""

    def take_turn(self) -> None: ...


_waiting: WeakSet[Waits] = WeakSet()
_last = 0.0


def ask_for(one: Waits) -> None:
    """From now on `one.take_turn()` is called by trainings that give turns, for as long as anybody holds `one`."""
    _waiting.add(one)


def give() -> None:
    """Let everybody who waits have a turn, unless they had one a moment ago: call it between two steps."""
    global _last
    if _waiting and time.perf_counter() - _last > EVERY:
        for one in list(_waiting):
            one.take_turn()
        _last = time.perf_counter()
