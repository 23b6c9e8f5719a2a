"""What can happen while a learner's code runs, put in one sentence and kept from the rest of the notebook."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

import numpy as np
import torch

OURS = str(Path(__file__).parents[2])


class UnattemptedError(Exception):
    """The answer gave back nothing: a stub, or a `return` that is missing."""


def blame(error: BaseException, answer: Any) -> str:
    """One sentence: what stopped, with which error, in which line of the learner's code."""
    if isinstance(error, UnattemptedError):
        return f"For one of the inputs {error}."
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
