"""Exercises that answer: `check("2.1", answer)` says in one sentence what is wrong, and the notebook goes on.

An exercise is a reference answer and the properties of a right answer, in the order in which they are
looked at.  The exercises of notebook 02 are registered by `gan_tutorial.lesson.exercises.nb02`, and so on.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import operator
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from html import escape
from textwrap import dedent
from traceback import walk_tb
from types import CodeType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan_tutorial.lesson.exercises.compare import agree, giving, is_tensors, kind, short, tensors_like
from gan_tutorial.lesson.exercises.errors import blame, is_blank, raised_in, seeded, unspoiled, watched

__all__ = [
    "Exercise", "Property", "Verdict", "agree", "check", "find", "gradients", "has_shape", "has_slopes", "hint",
    "is_not", "judge", "register", "same_shape", "short",
]  # fmt: skip

SAME = object()  # "what the reference has"


@dataclass(frozen=True)
class Property:
    """One thing that a right answer has: `of(answer)` agrees with `of(reference)`, or with `expected`.

    `message` is the sentence for an answer that does not have it; `{got}` and `{expected}` are filled in.
    Numbers, arrays and tensors agree when every entry differs by at most tolerance * (1 + |expected|).
    """

    name: str
    of: Callable[[Any], Any]
    message: str
    expected: Any = SAME
    tolerance: float = 1e-4
    agrees: Callable[[Any, Any], bool] | None = None

    def look(self, answer: Any) -> Any:
        """What `of` sees: the same random numbers for each answer, and nothing that an earlier one has changed."""
        with seeded(), unspoiled(self.of):
            return self.of(answer)

    def fault(self, answer: Any, reference: Any) -> str | None:
        """The sentence about `answer`, or None if it has the property.  Raises what the answer raises."""
        expected = self.look(reference) if self.expected is SAME else self.expected
        got = self.look(answer)
        agrees = self.agrees(got, expected) if self.agrees else agree(got, expected, self.tolerance)
        if agrees:
            return None
        digits = 4 if short(got) != short(expected) else 8  # that the difference is seen
        return self.message.format(got=short(got, digits), expected=short(expected, digits))


def is_not(name: str, mistake: Any, of: Callable[[Any], Any], message: str) -> Property:
    """That the answer is not this mistake: where `of` says the same of both, it is."""

    @wraps(of)  # so that `unspoiled` knows its module
    def same(answer: Any) -> bool:
        with unspoiled(of):
            mine = of(answer)
        return agree(mine, of(mistake))

    return Property(name, same, message, expected=False)


def has_shape(name: str, of: Callable[[Any], Any], message: str, expected: tuple[int, ...]) -> Property:
    """That what `of` gives has this shape."""

    @wraps(of)
    def shape(answer: Any) -> Any:
        given = of(answer)  # `...` and None go through: they say that the exercise is still to do
        return given if given is None or given is ... else tuple(torch.as_tensor(given).shape)

    return Property(name, shape, message, expected=expected, agrees=operator.eq)


def same_shape(got: Any, expected: Any) -> bool:
    """Whether both have one shape; that of a number is ()."""
    return tuple(np.shape(got)) == tuple(np.shape(expected))


def gradients(of: Callable[..., Any], *given: Tensor) -> tuple[Tensor, ...]:
    """How a weighted sum of of(*given) changes with each of `given`: 0 where no gradient goes through."""
    leaves = [x.clone().requires_grad_() for x in given]
    try:
        value = of(*(x.clone() for x in leaves))
    except RuntimeError as error:
        if "Can't call numpy()" not in str(error):
            raise
        value = 0.0  # NumPy knows no gradients
    parts = map(torch.as_tensor, value if isinstance(value, tuple | list) else [value])
    with suppress(RuntimeError):  # nothing of it has a gradient
        total = sum((part * torch.linspace(1, 2, part.numel()).view_as(part)).sum() for part in parts)
        return torch.autograd.grad(total, leaves, materialize_grads=True)
    return tuple(map(torch.zeros_like, given))


def has_slopes(of: Callable[..., Any], at: tuple[Tensor, ...], where: str) -> Property:
    """That a gradient goes back through what `of(answer, *at)` gives, as through ours; `where`: what `at` is."""

    @wraps(of)
    def slopes(answer: Any) -> list[float]:
        return [float(x.sum()) for x in gradients(lambda *given: of(answer, *given), *at)]

    message = (
        f"The values are right, but the gradient does not go through: the slopes in {where} should add up to "
        "{expected}, not {got}. The notebook trains through this function: use torch alone, without .detach(), "
        ".item() or NumPy."
    )
    return Property("gradient", slopes, message)


@dataclass(frozen=True)
class Exercise:
    """A question: its number ("2.1"), reference answer, properties, and hints from soft to plain."""

    id: str
    reference: Any
    properties: tuple[Property, ...]
    hints: tuple[str, ...] = ()
    praise: str = ""


@dataclass(frozen=True)
class Verdict:
    """What is to be said of an answer.  `property`: the name of the first one that it lacks."""

    kind: Literal["right", "wrong", "todo"]
    sentence: str
    property: str = ""


REGISTRY: dict[str, Exercise] = {}
_next_hint: dict[str, int] = {}
_stands_in: set[str] = set()  # the exercises whose last answer was not right, so that its name stands for ours
OURS_AGAIN = Verdict(
    "todo", "This is our answer, which stands in for yours: run the cell with your own first, then this one again."
)


def register(exercise: Exercise) -> Exercise:
    """Enter an exercise under its number; a number that is taken by another exercise is a ValueError."""
    if REGISTRY.get(exercise.id, exercise) is not exercise:
        raise ValueError(f"There is already an exercise {exercise.id}.")
    if not exercise.properties:
        raise ValueError(f"Exercise {exercise.id} has no properties: every answer would be right.")
    REGISTRY[exercise.id] = exercise
    return exercise


def find(number: str) -> Exercise:
    """The exercise of that number.  LookupError, in one sentence, if there is none."""
    number = str(number)
    notebook = re.match(r"([0-9]{1,2})\.", number)
    if number not in REGISTRY and notebook:
        module = f"{__name__}.nb{int(notebook[1]):02d}"
        if importlib.util.find_spec(module):
            importlib.import_module(module)
    if number not in REGISTRY:
        known = ", ".join(sorted(REGISTRY)) or "none"
        raise LookupError(f"There is no exercise {number}; known so far: {known}.")
    return REGISTRY[number]


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Right, wrong (with the first property that the answer lacks) or not attempted.  Never raises."""
    todo = Verdict("todo", f"Until you answer exercise {exercise.id}, the notebook goes on with our answer.")
    parts = answer if isinstance(answer, tuple) else (answer,)
    if any(part is None or part is Ellipsis or is_blank(part) for part in parts):
        return todo
    if callable(exercise.reference) and not callable(answer):
        return Verdict("wrong", f"The answer should be a function, and this is {short(answer)}.", "function")
    for item in exercise.properties:
        mine, came = watched(answer)
        fault = error = None
        try:
            fault = item.fault(mine, exercise.reference)
        except (Exception, SystemExit) as caught:
            error = caught
        if isinstance(error, NotImplementedError) and not error.args:  # torch's own have something to say
            *_, (frame, _) = walk_tb(error.__traceback__)
            if frame.f_code.co_filename == watched.__code__.co_filename:  # it was `...` that came back
                return todo
            if _has(frame.f_code, parts):
                said = "The line `raise NotImplementedError` is still in the function, and it stops there: take it out."
                return Verdict("wrong", said, "stub") if _returns(frame.f_code) else todo
        if any(value is None for value in came):
            first = item is exercise.properties[0] and came[0] is None
            where = "From the function" if first else "For one of the inputs"
            return Verdict("wrong", f"{where} nothing came back; a `return` may be missing.", "runs")
        if error and came and not raised_in(error, parts):  # our own look at what came back fell over it
            like, ours = watched(exercise.reference)
            with suppress(Exception):
                item.fault(like, exercise.reference)
            wanted = kind(ours[len(came) - 1]) if len(ours) >= len(came) else ""
            if is_tensors(came[-1]) and kind(came[-1]) == wanted:
                name = type(error).__name__
                said = f"Our check cannot follow this answer, right or not ({name}): write it in another way."
                return Verdict("wrong", said, "kind")
            where = f"; ours is {wanted}" if wanted else ""
            said = f"What comes back is {short(came[-1])}, {kind(came[-1])}, and something else is asked for{where}."
            return Verdict("wrong", said, "kind")
        if error:
            return Verdict("wrong", blame(error, answer), "runs")
        if fault:
            return Verdict("wrong", fault, item.name)
    return Verdict("right", exercise.praise or "Everything that we looked at agrees.")


def _has(code: CodeType, parts: tuple) -> bool:
    """Whether it is in the file, or in the cell, of one of these functions."""
    homes = [getattr(inspect.unwrap(part), "__code__", None) for part in parts]
    return any(home and home.co_filename == code.co_filename for home in homes)


def _returns(code: CodeType) -> bool:
    """Whether there is a `return` in this function, as there is none in the stubs of the notebooks."""
    with suppress(Exception):  # its source is not known, or is no statement: a lambda
        return any(isinstance(node, ast.Return) for node in ast.walk(ast.parse(dedent(inspect.getsource(code)))))
    return False


def check(number: str, answer: Any) -> Any:
    """Say how `answer` fares; return it if it is right, and the reference answer if not.

    The reference that was returned is not taken for an answer if the same cell is run again.
    A right function whose numbers or arrays should be tensors is returned as one that turns them into tensors.
    Never raises, so that a notebook runs to its end in any state.  With GAN_TUTORIAL_STRICT=1 (the solved
    notebooks are built with it) anything but a right answer is an AssertionError.
    """
    try:
        exercise = find(number)
        verdict = OURS_AGAIN if _is_ours(exercise, answer) else judge(exercise, answer)
        (_stands_in.discard if verdict.kind == "right" else _stands_in.add)(exercise.id)
    except LookupError as error:
        exercise, verdict = None, Verdict("wrong", error.args[0], "number")
    if verdict.kind != "right" and os.environ.get("GAN_TUTORIAL_STRICT") == "1":
        raise AssertionError(f"Exercise {number}: {verdict.sentence}")
    words = {"right": "Right.", "wrong": "Not yet.", "todo": "To do."}[verdict.kind]
    goes_on = " The notebook goes on with our answer." if verdict.kind == "wrong" and exercise else ""
    _show(verdict.kind, f"{words} {verdict.sentence}{goes_on}")
    if exercise is None:
        return answer
    return of_our_kind(exercise, answer) if verdict.kind == "right" else exercise.reference


def _is_ours(exercise: Exercise, answer: Any) -> bool:
    """Whether it is our function, or has one of ours, which `check` returned for an answer that was not right."""
    mine, ours = (value if isinstance(value, tuple) else (value,) for value in (answer, exercise.reference))
    same = any(callable(part) and part is other for part, other in zip(mine, ours, strict=False))
    return same and exercise.id in _stands_in


def of_our_kind(exercise: Exercise, answer: Any) -> Any:
    """A right answer; each function of it that does not give tensors where ours does comes as one that does."""
    if isinstance(answer, tuple):
        parts = zip(answer, exercise.reference, strict=True)
        return tuple(_of_our_kind(exercise, *pair, i) for i, pair in enumerate(parts))
    return _of_our_kind(exercise, answer, exercise.reference)


def _of_our_kind(exercise: Exercise, mine: Any, ours: Any, place: int | None = None) -> Any:
    def came_back(part: Any) -> list:
        same, came = watched(part)
        whole = exercise.reference  # the other functions of a tuple are ours
        whole = same if place is None else (*whole[:place], same, *whole[place + 1 :])
        for item in exercise.properties:
            with suppress(Exception):
                item.look(whole)
        return came

    if not callable(mine):
        return mine
    found = came_back(mine)
    if all(is_tensors(value) for value in found):
        return mine
    pairs = zip(found, came_back(ours), strict=False)
    model = next((like for value, like in pairs if tensors_like(value, like) is not value), None)
    return mine if model is None else giving(mine, model)


def hint(number: str, n: int | None = None) -> None:
    """Show the next hint of an exercise, or its n-th (from 1)."""
    try:
        hints = find(number).hints
    except LookupError as error:
        return _show("todo", error.args[0])
    if not hints:
        return _show("todo", f"Exercise {number} has no hints.")
    place = _next_hint.get(number, 1) if n is None else n
    place = min(max(int(place), 1), len(hints))
    _next_hint[number] = place + 1
    text = hints[place - 1]
    if place == len(hints):
        text += "" if text[-1] in ".?!" else "."
        text += " That was the last hint; the folder solutions has a worked answer."
    _show("todo", f"Hint {place} of {len(hints)}: {text}")


class _Note:
    """A sentence with a coloured edge.  The first word says what the colour says."""

    COLORS = {"right": "#009E73", "wrong": "#D55E00", "todo": "#8C8C8C"}

    def __init__(self, kind: str, text: str) -> None:
        self.kind, self.text = kind, text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        edge = f"border-left: 5px solid {self.COLORS[self.kind]}; padding: 4px 10px"
        return f'<div role="status" style="{edge}">{escape(self.text)}</div>'


def _show(kind: str, text: str) -> None:
    from IPython.display import display

    display(_Note(kind, text))
