"""history.csv: a row of losses and scores every few steps of a training."""

import csv
import io
import os
from pathlib import Path

from gan_tutorial.disk import in_one_stroke, reason

COLUMNS = ("step", "d_loss", "g_loss", "real_score", "fake_score")
HEADER = ",".join(COLUMNS)
OTHER = "it is of another training"


class History:
    """The rows of a training that goes on from `step`.  Later rows are dropped: those steps will be made again.

    What cannot be taken over, because a person or a crash changed the file, is kept beside it, and `notes` say so.
    Raises OSError if the file can neither be read nor be moved aside.
    """

    def __init__(self, path: Path, step: int, every: int):
        self.rows: list[tuple] = []
        self.new: list = []
        self.notes: list[str] = []
        lines, why = _lines(path)
        found = _rows(lines[1:])
        if step and lines and lines[0].strip() == HEADER:
            self.rows = [row for row in found if row and row[0] <= step]
        if why or (lines and (not step or lines[0].strip() != HEADER or None in found)):
            self.notes.append(aside(path, why or _problem(lines, found, step)))
        last = max((row[0] for row in self.rows), default=0)
        if step - last >= every:
            self.notes.append(f"{path.name}: rows of steps {last + 1:,} to {step:,} are missing; it goes on without.")

    def add(self, step) -> None:
        self.new.append(step)  # its tensors become floats in `write`, so that a GPU does not wait here

    def write(self, path: Path, up_to: int) -> None:
        """The file anew, with the rows up to this step; a game that was put back makes later ones again."""
        self.rows += [(step.n, *map(float, step[1:])) for step in self.new]
        self.rows = [row for row in self.rows if row[0] <= up_to]
        self.new = []
        text = io.StringIO()
        csv.writer(text).writerows([COLUMNS, *self.rows])
        with in_one_stroke(path) as file:
            file.write(text.getvalue().encode())


def _lines(path: Path) -> tuple[list[str], str]:
    """The lines of the file, a last one without its end left empty, and why it cannot be read."""
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe could be waited for without end
        return [], "it is no file"
    try:
        text = path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return [], ""
    except OSError as error:
        return [], f"it cannot be read ({reason(error)})"
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines[-1] += "?"  # a number that was cut still looks like one
    return lines, ""


def _rows(lines: list[str]) -> list[tuple | None]:
    """Of each line that is not empty: (step, four floats), or None if it is no such row with a later step."""
    rows, last = [], 0
    for line in filter(str.strip, lines):
        row = _row(line)
        row = row if row and row[0] > last else None
        rows.append(row)
        last = row[0] if row else last
    return rows


def _row(line: str) -> tuple | None:
    words = line.split(",")
    try:
        row = (int(words[0]), *map(float, words[1:]))
    except ValueError:
        return None
    ours = len(row) == len(COLUMNS) and line.isascii() and "_" not in line  # Python reads 1_0 and digits of all scripts
    return row if ours else None


def _problem(lines: list[str], found: list, step: int) -> str:
    if not step:
        return OTHER
    if lines[0].strip() != HEADER:
        return "its first line is not ours, so no row is taken over"
    odd = found.count(None)
    return f"{odd} line{'s are' if odd > 1 else ' is'} damaged, and the others are taken over"


def aside(path: Path, why: str = OTHER) -> str:
    """Move the file to a name that is free; why and what was done, in a sentence."""
    n = 1
    while os.path.lexists(kept := path.with_name(f"{path.stem}.{n}{path.suffix}")):
        n += 1
    path.rename(kept)
    return f"{path.name}: {why}; the old file is kept as {kept.name}."
