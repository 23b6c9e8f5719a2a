"""The sections of a notebook: which are core and which go deeper, what is in them, and how many minutes they take.

A section begins at a heading of level two, or at a deeper heading of level three.  A heading that begins with
`Deeper: ` makes its section one that the rest does without.
"""

from __future__ import annotations

import re
import symtable
from dataclasses import dataclass, field
from statistics import median

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from building.cells import SOLUTION, anchor, draws, headings, stub, tags

DEEPER = "Deeper: "
COLLAPSED = "jp-MarkdownHeadingCollapsed"  # JupyterLab's name for a heading whose section is folded

# How long it takes one who learns: measured on nobody, so round, and on the slow side.
WORDS_A_MINUTE = 160  # prose with formulas in it, read to be understood
SECONDS_A_FORMULA = 20  # one that stands by itself
SECONDS_A_LINE = 5  # of code, read, not typed
SECONDS_A_FIGURE = 40
MINUTES_A_WIDGET = 2  # something to play with
MINUTES_AN_EXERCISE = 5  # besides reading it

CORE_MINUTES = {"00": 40}  # at most; all others:
CORE_MINUTES_ELSE = 75
CORE_WORDS = 28_000  # at most, in 00 to 08 together
CORE_LINES, CORE_MEDIAN = 20, 7  # the longest cell of the core, and the middle one


@dataclass
class Section:
    """What stands under one heading."""

    heading: str
    level: int
    deeper: bool
    cells: list[NotebookNode] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        """By the constants above; solutions, parameters, imports and what is folded in the source do not count."""
        return sum(map(_minutes, self.cells))


def sections(nb: NotebookNode) -> list[Section]:
    """In order; the first is the introduction, with the title as its heading."""
    found: list[Section] = []
    for cell in nb.cells:
        for level, heading in headings(cell)[:1]:
            deeper = heading.startswith(DEEPER)
            leaves = found and found[-1].deeper and level <= found[-1].level
            if level <= 2 or deeper or leaves:
                found.append(Section(heading, level, deeper))
        found[-1].cells.append(cell)
    return found


def core(nb: NotebookNode) -> list[Section]:
    """The sections that are not deeper."""
    return [section for section in sections(nb) if not section.deeper]


def core_words(nb: NotebookNode) -> int:
    """Of the prose of the core."""
    return sum(words(cell) for section in core(nb) for cell in section.cells)


def times(nb: NotebookNode) -> tuple[int, int]:
    """Minutes of the core, and of all of it, rounded up to five."""
    whole = sections(nb)
    return _fives(sum(s.minutes for s in whole if not s.deeper)), _fives(sum(s.minutes for s in whole))


def contents(nb: NotebookNode) -> str:
    """The table of contents: section, core or deeper, minutes."""
    lines = ["| section | | minutes |", "|---|---|--:|"]
    for section in sections(nb)[1:]:
        title = section.heading.removeprefix(DEEPER)
        kind, shown = ("deeper", f"*{title}*") if section.deeper else ("core", title)
        lines.append(f"| [{shown}](#{anchor(section.heading)}) | {kind} | {max(1, round(section.minutes))} |")
    return "\n".join(lines)


def words(cell: NotebookNode) -> int:
    """How many words of prose a cell has: no code, no formulas that stand by themselves, no addresses."""
    if cell.cell_type != "markdown":
        return 0
    text = re.sub(r"^```.*?^```|\$\$.*?\$\$", " ", cell.source, flags=re.M | re.S)
    text = re.sub(r"\$[^$]*\$", " x ", text)  # before the tags: a formula may hold a < of its own
    text = re.sub(r"<[^>]*>|\]\([^)]*\)|\{\{\w+\}\}", " ", text)
    return len(re.findall(r"[^\W_][\w'’.,-]*", text))


def lines(cell: NotebookNode) -> int:
    """How many lines of code there are to read: not blank, no comment alone, no solution, parameters or imports."""
    hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
    if cell.cell_type != "code" or hidden or {"parameters", "setup", "solution"} & {*tags(cell)}:
        return 0
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in stub(cell.source).split("\n"))


def faults(nb: NotebookNode, number: str) -> list[str]:
    """What is wrong with how core and depth are divided; none if all is well."""
    found = []
    minutes, allowed = sum(section.minutes for section in core(nb)), CORE_MINUTES.get(number, CORE_MINUTES_ELSE)
    if minutes > allowed:
        found.append(f"its core takes {minutes:.0f} minutes, {allowed} are allowed")
    lengths = [lines(cell) for section in core(nb) for cell in section.cells if lines(cell)]
    for section in core(nb):
        for cell in section.cells:
            if lines(cell) > CORE_LINES:
                found.append(f"cell {cell.id} of the core has {lines(cell)} lines, {CORE_LINES} are allowed")
    if lengths and median(lengths) > CORE_MEDIAN:
        found.append(f"the middle cell of its core has {median(lengths):g} lines, {CORE_MEDIAN} are allowed")
    for cell in nb.cells:
        if any(text.startswith(DEEPER) for _, text in headings(cell)[1:]):
            found.append(f"a deeper heading should begin its cell, but does not in {cell.id}")
    for section in sections(nb):
        first = section.cells[0].source
        if section.deeper and (len(first.strip().split("\n\n")) != 2 or "](#" not in first):
            found.append(f"the cell of {section.heading!r} should hold the heading and one short paragraph: what the "
                         "reader gains, and a link to the section they can skip to")  # fmt: skip
    return found + _leans(nb)


def _leans(nb: NotebookNode) -> list[str]:
    """Names that the core takes from a deeper section."""
    known, only_deeper, found = set(), {}, []
    for section in sections(nb):
        for cell in section.cells:
            if cell.cell_type != "code":
                continue
            binds, uses = _names(cell.source)
            if section.deeper:
                only_deeper |= {name: section.heading for name in binds - known}
            else:
                for name in sorted(uses & only_deeper.keys()):
                    found.append(f"cell {cell.id} of the core uses {name}, which {only_deeper[name]!r} makes")
                known |= binds
                for name in binds:
                    only_deeper.pop(name, None)
    return found


def _names(code: str) -> tuple[set[str], set[str]]:
    # What a cell gives names to, and the names that it needs from cells before it.
    top = symtable.symtable(TransformerManager().transform_cell(code), "cell", "exec")
    binds = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    uses = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    tables = [*top.get_children()]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        uses |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    return binds, uses - binds


def _minutes(cell: NotebookNode) -> float:
    if "solution" in tags(cell):
        return 0.0
    if cell.cell_type == "markdown":
        formulas = len(re.findall(r"\$\$.+?\$\$", cell.source, flags=re.S))
        return words(cell) / WORDS_A_MINUTE + formulas * SECONDS_A_FORMULA / 60
    minutes = lines(cell) * SECONDS_A_LINE / 60
    if "widget" in tags(cell):
        minutes += MINUTES_A_WIDGET
    elif draws(cell):
        minutes += SECONDS_A_FIGURE / 60
    return minutes + MINUTES_AN_EXERCISE * bool(SOLUTION.search(cell.source))


def _fives(minutes: float) -> int:
    return max(5, 5 * -int(-minutes // 5))
