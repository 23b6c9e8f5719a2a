"""The pages about the notebooks: coverage.md, and the measured parts of the README and of INSTRUCTORS.md."""

from __future__ import annotations

import csv
import os
import re
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from building.assemble import MINUTES, badges, title, what
from building.cells import anchor, headings
from building.execute import duration
from building.tracks import table as timetable
from building.tracks import tracks

SEEDS = {
    "S0": "“Generative Adversarial Networks Tutorials”, notes on the NIPS 2016 tutorial (a blog post, 2017)",
    "S1": "Michela Paganini, “Intro Tutorial on GANs” (slides, Fermilab, 2018); S1:8 is the eighth of 22",
    "S2": "Ian Goodfellow, “Generative Adversarial Networks” (slides of the NIPS 2016 tutorial)",
    "S3": "“Generative Adversarial Network” (lecture notes in Chinese)",
    "S4": "Harshad Rai, “Theoretical Insights of GANs” (a blog post, 2018)",
}
KINDS = {
    "C": "concept", "D": "derivation", "X": "exercise", "H": "hands-on", "F": "figure",
    "A": "algorithm", "T": "tip", "V": "comparison", "M": "number",
}  # fmt: skip
INSTRUCTORS = "INSTRUCTORS.md"
SHOWN = set("XHFAD")  # kinds that prose alone does not cover


@dataclass(frozen=True)
class Item:
    """A line of checklist.tsv: one thing that the series must hold."""

    id: str
    kinds: str
    group: str
    text: str
    seeds: str


@dataclass(frozen=True)
class Section:
    """The part of a notebook under one heading, and whether it shows what its code does."""

    notebook: str
    heading: str
    shows: bool

    @property
    def link(self) -> str:
        """Markdown that leads there."""
        words = re.sub(r"[*_`]", "", self.heading)
        return f"[{self.notebook[:2]}: {words}]({self.notebook}#{anchor(self.heading)})"


def series(notebooks: Path) -> dict[str, NotebookNode]:
    """The built notebooks of the series, by file name."""
    return {
        path.name: nbformat.read(path, as_version=4) for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))
    }


def checklist(notebooks: Path) -> list[Item]:
    """The items of checklist.tsv."""
    with open(notebooks / "authors" / "checklist.tsv", encoding="utf-8", newline="") as file:
        return [Item(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def covered(built: dict[str, NotebookNode]) -> dict[str, list[Section]]:
    """Item of the checklist -> the sections that treat it."""
    return named(built, "covers")


def gaps(items: list[Item], found: dict[str, list[Section]]) -> Iterator[str]:
    """What is wrong with the references: unknown items, and items to be shown that no output shows."""
    known = {item.id for item in items}
    for unknown in sorted(set(found) - known):
        yield f"{found[unknown][0].notebook} covers {unknown}, which is not in checklist.tsv"
    for item in items:
        if (
            SHOWN & set(item.kinds)
            and item.id in found
            and not any(section.shows for section in found[item.id])
        ):
            where = " and ".join(section.link for section in found[item.id])
            yield f"{item.id} [{item.kinds}] is to be shown, and no code cell of {where} has an output"


def coverage(items: list[Item], found: dict[str, list[Section]]) -> str:
    """The text of coverage.md."""
    groups = list(dict.fromkeys(item.group for item in items))
    lines = [
        "# What the series covers",
        "",
        "Built by `notebooks/authors/build.py` from `checklist.tsv` and the references in the notebooks.",
        "The checklist holds what these public documents teach:",
        "",
        *(f"- **{code}** {name}" for code, name in SEEDS.items()),
        "",
        "Kinds: " + ", ".join(f"{letter} {word}" for letter, word in KINDS.items()) + ".",
        "",
        "| group | covered | of |",
        "|---|--:|--:|",
    ]
    for group in groups:
        members = [item for item in items if item.group == group]
        lines.append(f"| {group} | {sum(item.id in found for item in members)} | {len(members)} |")
    lines.append(f"| **all** | **{sum(item.id in found for item in items)}** | **{len(items)}** |")
    for group in groups:
        lines += ["", f"## {group}", "", "| item | kind | what | where | from |", "|---|---|---|---|---|"]
        for item in (item for item in items if item.group == group):
            where = "; ".join(section.link for section in found.get(item.id, [])) or "not yet"
            lines.append(f"| {item.id} | {item.kinds} | {item.text} | {where} | {item.seeds} |")
    return "\n".join(lines) + "\n"


def table(built: dict[str, NotebookNode], folder: str = "") -> str:
    """The series as a table: what one does in each notebook, and how long it takes to read and to run."""
    rows = ["| notebook | what you do | core, min | all, min | Run All |", "|---|---|--:|--:|---|"]
    for name, nb in built.items():
        measured = nb.metadata.get("gan_tutorial", {})
        seconds = measured.get("seconds") if measured.get("profile") == "cpu" else None
        time = duration(seconds).removeprefix("about ") if seconds else "not measured yet"
        minutes = nb.metadata.get(MINUTES, {"core": "?", "all": "?"})  # it was built before there were any
        link = f"[{name[:2]} · {title(nb)}]({folder}{name})"
        rows.append(f"| {link} | {what(nb)} | {minutes['core']} | {minutes['all']} | {time} |")
    return "\n".join(rows) if built else ""


def index(built: dict[str, NotebookNode], folder: str = "") -> str:
    """Topic -> sections, in alphabetical order, from the `topics` of cells."""
    found = named(built, "topics")
    lines = []
    for topic in sorted(found, key=str.lower):
        places = ", ".join(section.link.replace("](", f"]({folder}") for section in found[topic])
        lines.append(f"- {topic}: {places}")
    return "\n".join(lines)


def readme(text: str, built: dict[str, NotebookNode], repository: str | None) -> str:
    """The README with its built parts (table, index, badges, picture) brought up to date."""
    text = _fill(text, "table", table(built, "notebooks/"))
    text = _fill(text, "topics", index(built, "notebooks/"))
    start = next(iter(built), "")
    text = _fill(text, "badges", badges(repository, f"notebooks/{start}") if repository and start else "")
    shown = picture(built)
    return _fill(text, "picture", f"![{shown[0]}](notebooks/picture.png)" if shown else "")


def instructors(text: str, notebooks: Path, built: dict[str, NotebookNode]) -> str:
    """INSTRUCTORS.md with its tracks brought up to date; BuildError if one takes longer than it may."""
    for track, stops in tracks(notebooks, built).items():
        text = _fill(text, f"track-{track}", timetable(track, stops))
    return text


def picture(built: dict[str, NotebookNode]) -> tuple[str, bytes] | None:
    """(words for those who cannot see it, PNG): the last output of the first cell tagged picture."""
    for nb in built.values():
        for cell in nb.cells:
            if "picture" in cell.metadata.get("tags", []):
                pngs = [out.data["image/png"] for out in cell.outputs if "image/png" in out.get("data", {})]
                return cell.metadata.get("alt", title(nb)), b64decode(pngs[-1])
    return None


def repository(root: Path) -> str | None:
    """The public address, where pyproject.toml sets `project.urls.Repository`."""
    path = root / "pyproject.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return data.get("project", {}).get("urls", {}).get("Repository")


def pages(root: Path) -> dict[Path, bytes]:
    """What each built page should hold, by path."""
    notebooks = root / "notebooks"
    built = series(notebooks)
    wanted = {notebooks / "coverage.md": coverage(checklist(notebooks), covered(built)).encode()}
    if (root / "README.md").exists():
        text = (root / "README.md").read_text(encoding="utf-8")
        wanted[root / "README.md"] = readme(text, built, repository(root)).encode()
    if (notebooks / INSTRUCTORS).exists():
        text = (notebooks / INSTRUCTORS).read_text(encoding="utf-8")
        wanted[notebooks / INSTRUCTORS] = instructors(text, notebooks, built).encode()
    if shown := picture(built):
        wanted[notebooks / "picture.png"] = shown[1]
    return wanted


def write(path: Path, content: bytes) -> None:
    """All or nothing: a build that is stopped leaves the old file."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    os.replace(new, path)


def _fill(text: str, name: str, content: str) -> str:
    block = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.S)
    return block.sub(lambda match: match[1] + (content + "\n" if content else "") + match[2], text)


def named(built: dict[str, NotebookNode], key: str) -> dict[str, list[Section]]:
    """What the cells list under `key` in their metadata -> the sections of these cells."""
    found: dict[str, list[Section]] = {}
    for name, nb in built.items():
        for place, cell in enumerate(nb.cells):
            for item in cell.metadata.get(key, []):
                section = _section(name, nb, place)
                if section not in found.setdefault(item, []):
                    found[item].append(section)
    return found


def _section(name: str, nb: NotebookNode, place: int) -> Section:
    starts = [(i, *headings(cell)[0]) for i, cell in enumerate(nb.cells) if headings(cell)]
    begin, level, heading = [start for start in starts if start[0] <= place][-1]
    # The title's section is only its own cells; any other one includes what is below it.
    ends = [i for i, other, _ in starts if i > begin and (other <= level or level == 1)]
    cells = nb.cells[begin : ends[0] if ends else None]
    shows = any(cell.cell_type == "code" and cell.execution_count and cell.outputs for cell in cells)
    return Section(name, heading, shows)
