"""When two answers agree, and how an answer is put in a sentence."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
import torch


def agree(got: Any, expected: Any, tolerance: float = 1e-4) -> bool:
    """|got - expected| <= tolerance * (1 + |expected|) in every entry; equal shapes; NaN never agrees.

    Numbers, arrays, tensors, strings, and lists, tuples and dictionaries of them.
    """
    if isinstance(expected, dict):
        same = isinstance(got, dict) and got.keys() == expected.keys()
        return same and all(agree(got[key], expected[key], tolerance) for key in expected)
    if isinstance(expected, str) or isinstance(got, str) or expected is None:
        return type(got) is type(expected) and got == expected
    if isinstance(expected, list | tuple) and not all(_is_number(item) for item in expected):
        same = isinstance(got, list | tuple) and len(got) == len(expected)
        return same and all(agree(g, e, tolerance) for g, e in zip(got, expected, strict=True))
    g, e = _array(got), _array(expected)
    if g is None or e is None or g.shape != e.shape or np.isnan(g).any() or np.isnan(e).any():
        return False
    with np.errstate(invalid="ignore"):  # inf - inf
        near = np.abs(g - e) <= tolerance * (1 + np.abs(e))
    finite = np.isfinite(g) & np.isfinite(e)
    return bool(np.where(finite, near, g == e).all())


def short(value: Any) -> str:
    """A value as it stands in a sentence: four digits, at most six entries, the shape of what is larger."""
    if isinstance(value, str | bool) or value is None:
        return str(value)
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)}"
    array = _array(value)
    if array is None:
        text = repr(value)
        return text if len(text) <= 80 else text[:77] + "..."
    if array.ndim == 0:
        return f"{array:.4g}"
    if array.size <= 6 and array.ndim == 1:
        return "[" + ", ".join(f"{x:.4g}" for x in array) + "]"
    few = ", ".join(f"{x:.4g}" for x in array.flat[:3])
    return f"an array of shape {array.shape} that begins with {few}"


def kind(value: Any) -> str:
    """What sort of thing it is: "a tensor of shape (3,)", "a float"."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return f"{'a tensor' if isinstance(value, torch.Tensor) else 'an array'} of shape {tuple(value.shape)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _is_number(value: Any) -> bool:
    return isinstance(value, Number | np.generic) or (isinstance(value, torch.Tensor) and value.ndim == 0)


def _array(value: Any) -> np.ndarray | None:
    # Complex numbers and objects are no answers here: None, and then they agree with nothing.
    try:
        tensor = value.detach().cpu().double() if isinstance(value, torch.Tensor) else value
        if isinstance(tensor, list | tuple):
            tensor = [_array(item) for item in tensor]
        array = np.asarray(tensor)
        return array.astype(np.float64) if array.dtype.kind in "biuf" else None
    except (TypeError, ValueError, RuntimeError):
        return None
