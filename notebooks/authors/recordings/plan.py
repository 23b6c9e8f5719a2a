"""What a recording is made of: settings, each trained with several seeds, and a function that does one of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One row of a recording.

    `record(seed)` trains once and returns a dict of JSON's values and of arrays.  Where all seeds are trained side by
    side (`together`), it gets them all, `record(range(seeds))`, and returns one such dict for each.
    """

    name: str
    record: Callable[..., Any]
    seeds: int = 3
    together: bool = False
    numbers: dict[str, Any] = field(default_factory=dict)  # what a reader is to know of it: steps, step size, ...

    @property
    def jobs(self) -> list[int | None]:
        """What is done in one process each: one seed, or all of them (None)."""
        return [None] if self.together else [*range(self.seeds)]

    def runs(self, job: int | None) -> list[dict[str, Any]]:
        """Do it.  -> what is recorded of each seed"""
        seeds = [*range(self.seeds)] if job is None else [job]
        found = self.record(seeds) if self.together else [self.record(seed) for seed in seeds]
        return [{"seed": seed} | run for seed, run in zip(seeds, found, strict=True)]


Listing = Callable[[], Iterator[Setting]]


def source(listing: Listing) -> str:
    """The text that a recording depends on: the function that lists its settings, and those that do the work."""
    functions: list[Callable] = [listing]
    for setting in listing():
        done = setting.record
        while isinstance(done, partial):
            done = done.func
        if done not in functions:
            functions.append(done)
    return "\n".join(inspect.getsource(function) for function in functions)
