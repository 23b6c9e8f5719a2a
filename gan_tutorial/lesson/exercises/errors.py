"""What can happen while a learner's code runs, put in one sentence and kept from the rest of the notebook."""

from __future__ import annotations

import dis
import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import wraps
from inspect import unwrap
from pathlib import Path
from traceback import walk_tb
from typing import Any

import numpy as np
import torch

OURS = str(Path(__file__).parents[2])


def is_blank(answer: Any) -> bool:
    """Whether it is a function whose body is empty: `...`, `pass` or no more than a docstring."""
    code = getattr(answer, "__code__", None)
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)] if code else []
    others = {name for name, _ in steps} - {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return bool(steps) and not others and [value for name, value in steps if "CONST" in name] == [None]


def watched(answer: Any) -> tuple[Any, list]:
    """The same answer, function or tuple of functions, and a list to which each value that comes back is added.

    A value that is still `...` raises NotImplementedError, as a stub does.
    """
    came: list = []

    def watch(part: Any) -> Any:
        if not callable(part):
            return part

        @wraps(part)
        def call(*args: Any, **kwargs: Any) -> Any:
            value = part(*args, **kwargs)
            if value is Ellipsis:
                raise NotImplementedError
            came.append(value)
            return value

        return call

    return (tuple(map(watch, answer)) if isinstance(answer, tuple) else watch(answer)), came


@contextmanager
def unspoiled(look: Callable) -> Iterator[None]:
    """Let `look` find copies of what its module holds: an answer may change in place what it is given."""
    module = getattr(unwrap(look), "__globals__", {})
    holds = torch.Tensor, np.ndarray, tuple, list, dict
    kept = {name: value for name, value in module.items() if isinstance(value, holds) and not name.startswith("__")}
    module.update(deepcopy(kept))
    try:
        yield
    finally:
        module.update(kept)


def raised_in(error: BaseException, parts: tuple) -> bool:
    """Whether one of these functions was at work when the error was raised."""
    homes = {getattr(getattr(part, "__code__", None), "co_filename", None) for part in parts}
    files = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    return any(file in homes or file.startswith("<ipython") for file in files)


def blame(error: BaseException, answer: Any) -> str:
    """One sentence: what stopped, with which error, in which line of the learner's code."""
    said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": .")
    frames = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    home = getattr(getattr(answer, "__code__", None), "co_filename", None)
    theirs = [(code, line) for code, line in frames if code.co_filename == home]
    theirs = theirs or [(code, line) for code, line in frames if code.co_filename.startswith("<ipython")]
    if not theirs or theirs[-1][0].co_filename.startswith(OURS):
        return f"The answer stopped with {said}."
    code, line = theirs[-1]
    text = linecache.getline(code.co_filename, line).strip()
    where = f"line {line} of its cell" + (f", `{text}`" if text else "")
    return f"The answer stopped with {said}, in {where}."


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Random numbers of torch and NumPy from `seed`, and afterwards as if nothing had been drawn."""
    state = np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)
