"""Slides: a figure, one sentence and one question, all taken from the cells of a built notebook.

`slide` in the header of a cell marks what is shown. In a code cell, `slide=true`: its last picture. In a text, the
first words of a sentence, or the first and the last with ` ... ` between them: `slide=["What do", "First the ring"]`.
What ends in a question mark is the question. Marks make the slide of the section they stand in, or of the one that is
named before a bar: `slide=["What the losses tell you | A GAN trains ... meanwhile?"]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbformat import NotebookNode

from building import BuildError
from building.cells import anchor
from building.sections import DEEPER, sections

FIGURE, SENTENCE, QUESTION = "figure", "sentence", "question"
END = re.compile(r"[.?!][\"”*_)]*(?=\s|$)")  # of a sentence, and what closes with it
LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)\s]*\)")
KEPT_WHOLE = re.compile(r"\$[^$]*\$|`[^`]*`")  # a stop in a formula ends no sentence


@dataclass
class Slide:
    """Of one section; its parts are in the order of the notebook: (figure, PNG and its words) or (kind, Markdown)."""

    notebook: str
    heading: str
    parts: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def link(self) -> str:
        """The section's address, from the folder of the notebooks."""
        return f"{self.notebook}#{anchor(self.heading)}"

    @property
    def title(self) -> str:
        return self.heading.removeprefix(DEEPER)


def slides(name: str, nb: NotebookNode) -> list[Slide]:
    """All slides of a notebook, in the order of its sections.  BuildError where one lacks something."""
    found: dict[str, Slide] = {}
    known = {section.heading: place for place, section in enumerate(sections(nb))}
    for section in sections(nb):
        for cell in section.cells:
            for heading, part in marks(cell):
                where = heading or section.heading
                if where not in known:
                    raise BuildError(f"{name}: cell {cell.id} is to be on the slide of {where!r}, no section of it.")
                found.setdefault(where, Slide(name, where)).parts.append(part)
    for slide in found.values():
        if sorted(kind for kind, *_ in slide.parts) != sorted([FIGURE, SENTENCE, QUESTION]):
            has = " and ".join(f"a {kind}" for kind, *_ in slide.parts)
            raise BuildError(f"{name}: the slide of {slide.heading!r} should have a figure, a sentence and a question; "
                             f"it has {has}.")
    return sorted(found.values(), key=lambda slide: known[slide.heading])


def marks(cell: NotebookNode) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """(section that is named, part) for each mark of a cell; a figure that is not computed yet is empty."""
    marked = cell.metadata.get("slide", [])
    if cell.cell_type == "code":
        if marked:
            pngs = [out.data["image/png"] for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
            yield "", (FIGURE, (pngs or [""])[-1], cell.metadata.get("alt", ""))
        return
    for mark in [marked] if isinstance(marked, str) else marked:
        heading, _, words = mark.rpartition(" | ")
        text = sentence(cell, words)
        yield heading, (QUESTION if text.rstrip("\"”*_)").endswith("?") else SENTENCE, text, "")


def sentence(cell: NotebookNode, words: str) -> str:
    """The sentence that begins with `words`, its links as plain words.  BuildError if there is not just one."""
    begin, _, last = words.partition(" ... ")
    found = [(text, at.start()) for text in passages(cell.source) for at in re.finditer(re.escape(begin), text)]
    if len(found) != 1:
        raise BuildError(f"cell {cell.id}: {len(found)} places begin with {begin!r}, and a slide needs one.")
    text, start = found[0]
    covered = KEPT_WHOLE.sub(lambda match: "x" * len(match[0]), text)
    if last:
        stop = text.find(last, start + len(begin))
        end = stop + len(last) if stop >= 0 else -1
    else:
        end = next((match.end() for match in END.finditer(covered, start + len(begin) - 1)), -1)
    if end < 0:
        raise BuildError(f"cell {cell.id}: the sentence {words!r} does not end.")
    said = LINK.sub(r"\1", text[start:end])
    if said.count("**") % 2:
        raise BuildError(f"cell {cell.id}: {said!r} opens or closes bold type only; begin the mark with its **.")
    return said[0].upper() + said[1:]


def passages(source: str) -> list[str]:
    """The paragraphs and the items of lists of a text, each as one line."""
    source = re.sub(r"^```.*?^```", "", source, flags=re.M | re.S)
    parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )|</?details>|</?summary>|^#+ .*$", source, flags=re.M)
    return [" ".join(part.split()) for part in parts if part.strip()]
