"""The generator as one file for a browser, without Python: `python -m gan_tutorial.lesson.generator.page`."""

from __future__ import annotations

import sys
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Any

from gan_tutorial.lesson import laboratory, single_page
from gan_tutorial.lesson.generator import stored

HERE = Path(__file__).parent
PLACE = Path("build/playground/generator.html")
ENGINE = Path(laboratory.__file__).parent / "engine.js"
MODULES = [ENGINE, *(HERE / f"{name}.js" for name in ("generator", "quiz", "gallery"))]


def sentence(a: dict[str, Any]) -> str:
    """What a reader is to know of the training, from what the file says `about` it."""
    return (
        f"G is the tutorial's convolutional network of {a['width']} channels: {a['numbers']:,} numbers of 16 bits. "
        f"It was trained once, for {a['steps']:,} steps of {a['batch']} photographs with {a['objective']} (seed "
        f"{a['seed']}), and its weights were averaged. FFD is the tutorial's distance between sets of pictures, small "
        f"for good ones: that of {a['samples']:,} pictures of G to the test images is {a['ffd']:.1f}, that of as many "
        f"training images {a['floor']:.2f}."
    )


def html(file: Path = stored.FILE) -> str:
    """The whole page."""
    about = stored.load(file).about
    licence = (HERE / "photographs_licence.txt").read_text(encoding="utf-8")
    return single_page.fill(
        HERE / "page.html", HERE / "gallery.css", MODULES, about=escape(sentence(about)), licence=escape(licence),
        photographs=str(about["photographs"]), file=b64encode(file.read_bytes()).decode(),
    )  # fmt: skip


def main(place: Path = PLACE) -> None:
    """Write the page to `place`."""
    single_page.write(html(), place)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
