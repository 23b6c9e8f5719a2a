"""Slides of the tracks that have some: reveal.js pages made of what cells of the notebooks are marked with.

One page for each track, in `slides/` of the site, its figures beside it. Everything else is the site's own: MathJax,
and reveal.js in `static/reveal` (see SOURCE). To print a deck, open it with `?print-pdf` and print it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from html import escape
from pathlib import Path

from building.pages import series
from building.slides import FIGURE, Slide
from building.tracks import DECKS, Stop, deck, tracks
from fold import fragment
from markdown_it import MarkdownIt
from nbformat import NotebookNode

# Version, address in npm's registry, and SHA-256 of what lies in static/reveal; a test compares.
SOURCE = ("6.0.2", "https://registry.npmjs.org/reveal.js/-/reveal.js-6.0.2.tgz")
SHA256 = {
    "reveal.js": "aa1bbbf2617b23a623b23612cb3c5bdb63de512e652bf20fcfa832b045d37844",
    "reveal.css": "615ee850cbbb98a0f688b60ed37b21819a3f54c9f3e6f20e33e63693ab74a0c0",
    "LICENSE": "b2883e4b610bfa1b4d8fff84c4d4b825cc7d553cbd9fec4777c04068a2859dc0",
}
FORMULA = re.compile(r"\$([^$]+)\$")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="../_static/icon.svg">
<link rel="stylesheet" href="../_static/reveal/reveal.css">
<link rel="stylesheet" href="../_static/slides.css">
</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script>window.MathJax = {{options: {{enableMenu: false}}}};</script>
<script src="../_static/mathjax/tex-chtml.js"></script>
<script src="../_static/reveal/reveal.js"></script>
<script src="../_static/slides.js"></script>
</body>
</html>
"""
FIRST = """<section><div class="slide first">
<h1>{series}</h1>
<p class="for">{minutes} minutes</p>
<ul class="plan">
{plan}
</ul>
<p class="foot"><a href="../notebooks/INSTRUCTORS.html">For teachers</a></p>
</div></section>"""
SLIDE = """<section><div class="slide">
<h2>{title}</h2>
{parts}
<p class="foot"><a href="{link}">notebook {notebook}</a></p>
</div></section>"""


def make(root: Path, site: Path) -> None:
    """Write the decks into `site`, whose pages are there already."""
    notebooks, folder = root / "notebooks", site / "slides"
    built = series(notebooks)
    title = (root / "README.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    for track, stops in tracks(notebooks, built).items():
        if track not in DECKS:
            continue
        folder.mkdir(exist_ok=True)
        made = deck(stops, built)
        for slide in made:
            png = next(content for kind, content, _ in slide.parts if kind == FIGURE)
            (folder / picture(slide)).write_bytes(b64decode(png))
        pages = [FIRST.format(series=inline(title), minutes=track, plan=plan(stops, built)), *map(section, made)]
        text = PAGE.format(title=f"{escape(title)}: slides for {track} minutes", slides="\n".join(pages))
        (folder / f"{track}.html").write_text(text, encoding="utf-8")


def section(slide: Slide) -> str:
    """A slide: its parts in the order of the notebook, the first at once and the others one key after another."""
    parts = []
    for place, (kind, content, words) in enumerate(slide.parts):
        fragment_ = " fragment" if place else ""
        if kind == FIGURE:
            parts.append(f'<p class="figure{fragment_}"><img src="{picture(slide)}" alt="{escape(words)}"></p>')
        else:
            parts.append(f'<p class="{kind}{fragment_}">{inline(content)}</p>')
    name = slide.notebook.removesuffix(".ipynb")
    link = f"../notebooks/{name}.html#{fragment(slide.heading)}"
    return SLIDE.format(title=inline(slide.title), parts="\n".join(parts), link=link, notebook=slide.notebook[:2])


def plan(stops: list[Stop], built: dict[str, NotebookNode]) -> str:
    """What the track goes through: each notebook once, with the minutes of its sections together."""
    minutes: dict[str, int] = {}
    for stop in stops:
        minutes[stop.notebook] = minutes.get(stop.notebook, 0) + stop.minutes
    lines = []
    for name in filter(None, minutes):
        heading = built[name].cells[0].source.partition("\n")[0].removeprefix("# ").partition(": ")[0]
        lines.append(f"<li><span>{inline(heading)}</span> <span>{minutes[name]} min</span></li>")
    return "\n".join(lines)


def picture(slide: Slide) -> str:
    """The name of its figure's file."""
    return f"{slide.notebook[:2]}-{fragment(slide.title)}.png"


def inline(text: str) -> str:
    """A line of Markdown as HTML, with its formulas as MathJax reads them."""
    formulas: list[str] = []

    def kept(match: re.Match) -> str:
        formulas.append(match[1])
        return f"\ue000{len(formulas) - 1}\ue001"

    made = MarkdownIt().renderInline(FORMULA.sub(kept, text))
    return re.sub("\ue000(\\d+)\ue001", lambda match: rf"\({escape(formulas[int(match[1])])}\)", made)
