"""The series as one PDF, for reading where nothing plays: `python website/paper.py`, or `make pdf`.

Chromium prints the notebooks of the site and the glossary, by the rules for paper in static/site.css. The solutions are
left out. Links from one printed page to another lead there; those to a page that is not printed are no links any more.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gan_tutorial.disk import in_one_stroke  # noqa: E402
from install import find_browser  # noqa: E402

READY = """window.MathJax?.startup?.promise?.then ? MathJax.startup.promise.then(() => true)
    : !document.querySelector('.math')"""
WORDS = """all => all.map((one) => [...one.childNodes].filter((part) => part.className !== 'headerlink')
    .map((part) => part.textContent).join('').trim())"""
SEEN = "[...document.images].every((image) => image.complete)"


@dataclass(frozen=True)
class Printed:
    """A page of the site on paper."""

    place: Path
    paper: PdfReader
    headings: list[tuple[str, int]]  # each title and section with its sheet, from 0


def printed(chromium: str, places: list[Path]) -> Iterator[Printed]:
    """Each page of the site on paper."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(color_scheme="light", offline=True)
        for place in places:
            page.goto(place.as_uri())
            page.wait_for_function(READY, timeout=120_000)
            page.evaluate("for (const image of document.images) image.loading = 'eager'")
            page.wait_for_function(SEEN, timeout=60_000)
            options = {"prefer_css_page_size": True, "print_background": True, "tagged": True, "outline": True}
            paper = PdfReader(BytesIO(page.pdf(**options)))
            # Chromium's outline knows the sheets, but writes the words of a heading on two lines without a space.
            words = page.locator("article").locator("h1, h2").evaluate_all(WORDS)
            yield Printed(place, paper, list(zip(words, sheets(paper, paper.outline), strict=True)))
        browser.close()


def sheets(paper: PdfReader, outline: list, deep: int = 0) -> Iterator[int]:
    """The sheets on which the headings of the first two levels stand."""
    for entry in outline:
        if not isinstance(entry, list):
            yield paper.get_destination_page_number(entry)
        elif not deep:
            yield from sheets(paper, entry, deep + 1)


def joined(site: Path, parts: Iterable[Printed]) -> PdfWriter:
    """All in one, each with its sections in the outline."""
    writer, first = PdfWriter(), {}
    for part in parts:
        start = first[part.place.relative_to(site).as_posix()] = len(writer.pages)
        writer.append(part.paper, import_outline=False)
        title, *sections = part.headings
        above = writer.add_outline_item(title=title[0], page_number=start, is_open=False)
        for words, sheet in sections:
            writer.add_outline_item(title=words, page_number=start + sheet, parent=above)
    for page in writer.pages:
        notes = page.get("/Annots", [])
        page[NameObject("/Annots")] = ArrayObject(one for one in notes if led(one.get_object(), site, writer, first))
    writer.compress_identical_objects()
    return writer


def led(link: DictionaryObject, site: Path, writer: PdfWriter, first: dict[str, int]) -> bool:
    """Let a link to a printed page lead to it.  -> whether it leads anywhere"""
    where = urlsplit(link.get("/A", {}).get("/URI", ""))
    if where.scheme != "file":
        return True
    path = Path(unquote(where.path))
    name = path.relative_to(site).as_posix() if path.is_relative_to(site) else ""
    if name not in first:
        return False
    target = writer.pages[first[name]].indirect_reference
    to = [target, NameObject("/XYZ"), NumberObject(0), NumberObject(10_000), NumberObject(0)]
    goes = {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): ArrayObject(to)}
    link[NameObject("/A")] = DictionaryObject(goes)
    return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--site", type=Path, default=ROOT / "build" / "site", help="what `make site` made")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gan_tutorial.pdf")
    chosen = parser.parse_args(arguments)
    site, chromium = chosen.site.resolve(), find_browser()
    places = [*sorted(site.glob("notebooks/[0-9][0-9]_*.html")), site / "notebooks" / "glossary.html"]
    if not places[-1].exists():
        print(f'There is no site in {site}: "make site" makes it.', file=sys.stderr)
        return 1
    if not chromium:
        print("There is no Chromium or Chrome to print with: install one, or name it in CHROMIUM.", file=sys.stderr)
        return 1
    start = time.perf_counter()
    writer = joined(site, printed(chromium, places))
    with in_one_stroke(chosen.out) as file:
        writer.write(file)
    size, seconds = chosen.out.stat().st_size / 1e6, time.perf_counter() - start
    print(f"Wrote {chosen.out}: {len(writer.pages)} pages, {size:.1f} MB, in {seconds:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
