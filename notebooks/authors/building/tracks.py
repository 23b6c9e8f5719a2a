"""Tracks for a room: sections of the notebooks with their minutes, from tracks.tsv and the notebooks' own contents."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from building import BuildError
from building.cells import anchor
from building.sections import DEEPER
from building.slides import Slide, slides

ROW = re.compile(r"^\| \[\*?(.+?)\*?\]\(#(\S+)\) \| (core|deeper) \| (\d+) \|$", re.M)  # of a table of contents
DECKS = ("60", "90")  # tracks, named by their minutes, that have slides


@dataclass(frozen=True)
class Stop:
    """A line of tracks.tsv: a section with what its notebook says of its minutes, or something else that takes time."""

    track: str
    notebook: str
    section: str
    minutes: int

    @property
    def link(self) -> str:
        """Markdown that leads there, from the folder of the notebooks."""
        if not self.notebook:
            return f"*{self.section}*"
        words = re.sub(r"[*_`]", "", self.section.removeprefix(DEEPER))
        return f"[{self.notebook[:2]}: {words}]({self.notebook}#{anchor(self.section)})"


def tracks(notebooks: Path, built: dict[str, NotebookNode]) -> dict[str, list[Stop]]:
    """The tracks by their minutes.  BuildError where a section is not there, or where a track takes too long."""
    found: dict[str, list[Stop]] = {}
    with open(notebooks / "authors" / "tracks.tsv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            found.setdefault(row["track"], []).append(_stop(row, built))
    for track, stops in found.items():
        if (total := sum(stop.minutes for stop in stops)) > int(track):
            raise BuildError(f"tracks.tsv: the track of {track} minutes takes {total}.")
    return found


def minutes(nb: NotebookNode) -> dict[str, int]:
    """Section -> minutes, as the first cell of a built notebook says."""
    return {fragment: int(number) for _, fragment, _, number in ROW.findall(nb.cells[0].source)}


def table(track: str, stops: list[Stop]) -> str:
    """A track as a table, with the time at which each section begins."""
    lines, clock = ["| at | section | minutes |", "|--:|---|--:|"], 0
    for stop in stops:
        lines.append(f"| {clock // 60}:{clock % 60:02d} | {stop.link} | {stop.minutes} |")
        clock += stop.minutes
    return "\n".join([*lines, f"| {clock // 60}:{clock % 60:02d} | **together, of {track}** | **{clock}** |"])


def deck(stops: list[Stop], built: dict[str, NotebookNode]) -> list[Slide]:
    """The slides of a track's sections, in its order."""
    made = {(slide.notebook, slide.heading): slide for name, nb in built.items() for slide in slides(name, nb)}
    return [made[place] for stop in stops if (place := (stop.notebook, stop.section)) in made]


def _stop(row: dict[str, str], built: dict[str, NotebookNode]) -> Stop:
    if row["notebook"] == "-":
        return Stop(row["track"], "", row["section"], int(row["minutes"]))
    name = next((name for name in built if name.startswith(row["notebook"])), "")
    taken = minutes(built[name]).get(anchor(row["section"])) if name else None
    if taken is None:
        raise BuildError(f"tracks.tsv: there is no section {row['section']!r} in notebook {row['notebook']}.")
    return Stop(row["track"], name, row["section"], taken)
