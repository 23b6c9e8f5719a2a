"""When two answers agree, and how an answer is put in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import reduce, wraps
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


def short(value: Any, digits: int = 4) -> str:
    """A value as it stands in a sentence: so many digits, at most six entries, the shape of what is larger."""
    if isinstance(value, str | bool) or value is None:
        return str(value)
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)}"
    array = _array(value)
    if array is None:
        text = repr(value)
        return text if len(text) <= 80 else text[:77] + "..."
    if array.ndim == 0:
        return f"{array:.{digits}g}"
    if array.size <= 6 and array.ndim == 1:
        return "[" + ", ".join(f"{x:.{digits}g}" for x in array) + "]"
    few = ", ".join(f"{x:.{digits}g}" for x in array.flat[:3])
    return f"an array of shape {array.shape} that begins with {few}"


def kind(value: Any) -> str:
    """What sort of thing it is: "a tensor of shape (3,)", "a float"."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return f"{'a tensor' if isinstance(value, torch.Tensor) else 'an array'} of shape {tuple(value.shape)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def is_tensors(value: Any) -> bool:
    """Whether it is a tensor, or a tuple of tensors."""
    return all(map(is_tensors, value)) if isinstance(value, tuple) else isinstance(value, torch.Tensor)


def tensors_like(value: Any, like: Any, dtype: torch.dtype | None = None) -> Any:
    """Numbers and arrays as tensors where `like` has tensors, also in tuples; all else as it is."""
    if isinstance(like, torch.Tensor) and not isinstance(value, torch.Tensor):
        real = like.is_floating_point() and dtype is not None
        with suppress(TypeError, ValueError, RuntimeError):
            return torch.as_tensor(value, dtype=dtype if real else like.dtype)
    if isinstance(like, tuple) and isinstance(value, tuple) and len(value) == len(like):
        parts = tuple(tensors_like(v, part, dtype) for v, part in zip(value, like, strict=True))
        return value if all(part is v for part, v in zip(parts, value, strict=True)) else parts
    return value


def giving(function: Callable, like: Any) -> Callable:
    """The function, its values as tensors where `like` has them, of the precision of the tensors that go in."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [x.dtype for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor) and x.is_floating_point()]
        return tensors_like(function(*args, **kwargs), like, reduce(torch.promote_types, given) if given else None)

    return call


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
