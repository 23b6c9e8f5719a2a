"""The facts ledger: claim, exact value, measured value, tolerance, source; shown, stored and asserted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

MIME = "application/vnd.gan-tutorial.facts+json"
# The handful that the reader is shown, and all others: the same cells under plainer names.
SHOWN = ("what we found", "expected", "measured", "may differ by", "why", "holds")
FOLDED = ("claim", "exact", "measured", "tolerance", "source", "holds")

CODE = re.compile(r"\b(F-[A-Z]\d+|E\d[\d.]*|NB\d\d|\d+\.\d+) ?")  # what authors know a fact by, in their lists

Value = float | tuple[float, float]  # a number, or the two ends (low, high) of an interval


@dataclass(frozen=True)
class Row:
    """One fact: `measured` lies within `tolerance` of `exact`, a number or an interval (low, high).

    It may need a training to the end, or be `shown_only`: true of the run that is stored, of others perhaps not.
    Where it `says` something, in a sentence for the reader, it is one of the handful that a ledger does not fold.
    """

    fact: str
    claim: str
    exact: Value
    measured: float
    tolerance: float
    source: str
    needs_training: bool = False
    shown_only: bool = False
    says: str = ""

    def asserted(self, trained: bool) -> bool:
        """Whether a run, which has trained to the end or not, may rely on it."""
        return not self.shown_only and (trained or not self.needs_training)

    @property
    def holds(self) -> bool:
        """low - tolerance <= measured <= high + tolerance.  NaN never holds; infinity equals itself."""
        low, high = self.exact if isinstance(self.exact, tuple) else (self.exact, self.exact)
        if math.isinf(self.measured):  # inf - inf is NaN: compare without subtracting
            return self.measured in (low, high)
        return low - self.tolerance <= self.measured <= high + self.tolerance

    @property
    def verdict(self) -> str:
        """`yes`, or why not, in words that do not lean on colour."""
        if self.holds:
            return "yes"
        if self.shown_only:
            return "no, in this run"
        return "no: needs the full training" if self.needs_training else "no"

    @property
    def sentence(self) -> str:
        """What was claimed, what was measured, and by how much it may differ."""
        return (f"{self.claim}: measured {_text(self.measured)}, exact {_text(self.exact)}, "
                f"tolerance {_text(self.tolerance)} ({self.source}).")  # fmt: skip

    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of `SHOWN` and `FOLDED`."""
        digits = 4 if self.says else 6
        values = (_text(value, digits) for value in (self.exact, self.measured, self.tolerance))
        about = CODE.sub("", self.fact)
        return (self.says or (f"{about}: {self.claim}" if about else self.claim), *values, self.source, self.verdict)


class Ledger:
    """The facts of one notebook, in the order in which they were added.

    The last value of a cell shows it as a table: the rows that say something, the rest folded beneath them; all rows
    if none does.  The rows also travel in the notebook itself, under `MIME`, so that a stored notebook can be read
    back with `read` and its facts asserted again.
    """

    def __init__(self, notebook: str) -> None:
        self.notebook = notebook
        self.rows: list[Row] = []

    def add(
        self,
        fact: str,
        claim: str,
        exact: Value,
        measured: float,
        tolerance: float,
        source: str,
        needs_training: bool = False,
        shown_only: bool = False,
        says: str = "",
    ) -> None:
        """Write down one fact.  What `float` takes is a number here, also a tensor of one.

        `needs_training`: shown always, asserted only where the profile trains to the end (cpu and gpu).
        `shown_only`: never asserted while it runs, since another seed may find something else; tests hold the stored
        notebook to it, and so what its text says of the run that it shows.
        `says`: what we found, a plain sentence with its units; such rows are shown, all others folded.
        Adding a fact again (a cell that is run twice) replaces it.
        """
        pair = isinstance(exact, tuple | list)
        value = (float(exact[0]), float(exact[1])) if pair else float(exact)
        if not float(tolerance) >= 0 or math.isinf(tolerance):
            raise ValueError(f"The tolerance of {claim!r} is {tolerance}: it must be finite, and zero or more.")
        row = Row(fact, claim, value, float(measured), float(tolerance), source, needs_training, shown_only, says)
        places = [i for i, old in enumerate(self.rows) if (old.fact, old.claim) == (fact, claim)]
        if places:
            self.rows[places[0]] = row
        else:
            self.rows.append(row)

    def assert_all(self, profile: Any = None) -> None:
        """Raise AssertionError with one sentence per fact that does not hold.

        Facts that need training are left out where `profile.asserts_quality` is false, those shown only always.
        """
        if not self.rows:
            raise AssertionError(f"The ledger of notebook {self.notebook} is empty: it proves nothing.")
        trained = profile is None or profile.asserts_quality
        asserted = [row for row in self.rows if row.asserted(trained)]
        failures = [row.sentence for row in asserted if not row.holds]
        if failures:
            raise AssertionError("\n".join(failures))

    def _parts(self) -> tuple[list[Row], list[Row]]:
        """The rows that say something, and the rest."""
        return [row for row in self.rows if row.says], [row for row in self.rows if not row.says]

    def __str__(self) -> str:
        shown, rest = self._parts()
        if not shown:
            return _plain(FOLDED, rest)
        more = f"\n\nand {len(rest)} more:\n\n{_plain(FOLDED, rest)}" if rest else ""
        return _plain(SHOWN, shown) + more

    def _repr_html_(self) -> str:
        shown, rest = self._parts()
        caption = f"<caption>Facts of notebook {escape(self.notebook)}</caption>"
        if not shown:
            return _table(FOLDED, rest, caption)
        return _table(SHOWN, shown, caption) + (_fold(rest) if rest else "")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        rows = [_portable(asdict(row)) for row in self.rows]
        data = {"notebook": self.notebook, "rows": rows}
        return {"text/plain": str(self), "text/html": self._repr_html_(), MIME: data}


def read(notebook: str | Path | dict) -> list[Row]:
    """The facts stored in a notebook (a path, or its parsed JSON), in the order in which it shows them.

    A ledger that is shown twice counts once: its last showing.
    """
    nb = notebook if isinstance(notebook, dict) else json.loads(Path(notebook).read_text(encoding="utf-8"))
    shown = {data["notebook"]: data["rows"] for data in _outputs(nb)}
    return [Row(**_numbers(row)) for rows in shown.values() for row in rows]


def _outputs(nb: dict) -> Iterator[dict]:
    for cell in nb["cells"]:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                yield output["data"][MIME]


def _portable(value: Any) -> Any:
    # JSON has no infinity and no NaN, and a notebook with either in it does not open.
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in value.items()}
    return [_portable(item) for item in value] if isinstance(value, tuple) else value


def _numbers(row: dict) -> dict:
    exact = row["exact"]
    value = tuple(float(end) for end in exact) if isinstance(exact, list) else float(exact)
    return row | {"exact": value, "measured": float(row["measured"]), "tolerance": float(row["tolerance"])}


def _plain(head: tuple[str, ...], rows: list[Row]) -> str:
    table = [head, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)


def _table(head: tuple[str, ...], rows: list[Row], caption: str = "") -> str:
    left = ' style="text-align:left"'
    names = "".join(f'<th scope="col"{left}>{name}</th>' for name in head)
    lines = ("".join(f"<td{left}>{escape(cell)}</td>" for cell in row.cells()) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table>{caption}<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"


def _fold(rows: list[Row]) -> str:
    """All these rows behind one line, which also says how many of them do not hold: nobody would see it otherwise."""
    missed = sum(not row.holds for row in rows)
    more = f"{len(rows)} more facts, each" if len(rows) > 1 else "1 more fact,"
    line = f"{more} checked on every run" + (f"; {missed} not so in this one" if missed else "")
    return f"<details><summary>{line}</summary>{_table(FOLDED, rows)}</details>"


def _text(value: Value, digits: int = 6) -> str:
    """A number, or an interval, as a person would write it, to so many significant digits; whole numbers whole."""
    if isinstance(value, tuple):
        low, high = (_text(end, digits) for end in value)
        if value[0] == -math.inf:
            return f"at most {high}"
        return f"at least {low}" if value[1] == math.inf else f"{low} to {high}"
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    rounded = value if value % 1 == 0 and abs(value) < 1e7 else float(f"{value:.{digits}g}")
    if rounded == 0 or 1e-4 <= abs(rounded) < 1e7:
        return f"{rounded + 0.0:,.10f}".rstrip("0").rstrip(".")  # + 0.0: no minus sign before a zero
    mantissa, exponent = f"{rounded:.{digits - 1}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
