"""What a recording is made of: settings, each trained with several seeds, and a function that does one of them."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
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
    """The text that a recording depends on: the function that lists its settings, and what it names in this folder,
    and what that names: functions and constants.  What the package does is held by tests.
    """
    found: dict[str, str] = {}
    _collect(listing.__module__, listing.__name__, found)
    return "\n".join(found.values()) or inspect.getsource(listing)


def _collect(module: str, name: str, found: dict[str, str]) -> None:
    text, defined, imported = _top(module)
    if name in imported:
        _collect(*imported[name], found)
        return
    for node in defined.get(name, []):
        place = f"{module}, line {node.lineno}"
        if place not in found:
            found[place] = ast.get_source_segment(text, node) or ""
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name):
                    _collect(module, inner.id, found)


@cache
def _top(module: str) -> tuple[str, dict[str, list[ast.stmt]], dict[str, tuple[str, str]]]:
    """The text of a module, the statements that give a name its value, and what is imported from others like it."""
    text = Path(sys.modules[module].__file__).read_text(encoding="utf-8")
    defined: dict[str, list[ast.stmt]] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in ast.parse(text).body:
        names: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("recordings."):
            others = [one for one in node.names if node.module != __name__]
            imported |= {one.asname or one.name: (node.module, one.name) for one in others}
        for name in names:
            defined.setdefault(name, []).append(node)
    return text, defined, imported
