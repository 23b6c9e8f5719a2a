"""Pages that are one file each: opened by double click, with or without a network, they load nothing.

A page is a template with marks such as /*script*/, which `fill` replaces.  `shell.css` and `theme.js` are what all of
them share: letters, colours in light and dark, the button that changes between the two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gan_tutorial.disk import in_one_stroke

HERE = Path(__file__).parent


def fill(template: Path, css: Path, modules: Sequence[Path], **more: str) -> str:
    """The page: its template with what belongs to the marks in it; of `more`, the marks are the names."""
    parts = {
        "shell": (HERE / "shell.css").read_text(encoding="utf-8"),
        "css": css.read_text(encoding="utf-8"),
        "script": _bundle(modules).replace("</script", "<\\/script"),
        "theme": (HERE / "theme.js").read_text(encoding="utf-8"),
    }
    page = template.read_text(encoding="utf-8")
    for mark, text in (parts | more).items():
        page = page.replace(f"/*{mark}*/", text)
    return page


def write(page: str, place: Path) -> None:
    """Write the page to `place`, and say where it is."""
    place.parent.mkdir(parents=True, exist_ok=True)
    text = page.encode()
    with in_one_stroke(place) as file:
        file.write(text)
    print(f"Wrote {place} ({len(text) / 1000:.0f} kB); open it in a browser, with or without a network.")


def _bundle(modules: Sequence[Path]) -> str:
    """JavaScript's modules as one script, each in a function of its own, so that their private names stay apart.

    Each comes after those that it imports, and is known to them by the name of its file.
    """
    return "\n".join(_closed(path.stem, path.read_text(encoding="utf-8")) for path in modules)


def _closed(name: str, source: str) -> str:
    """A module as a constant that holds what it exports."""
    exported = re.findall(r"^export (?:const|function|class) (\w+)", source, re.M)
    source = re.sub(r"^export default \{ (\w+) \};$", "", source, flags=re.M)
    source = re.sub(r'^import (\{[^}]*\}) from "[./\w]*?(\w+)\.js";$', r"const \1 = \2;", source, flags=re.M)
    source = re.sub(r"^export ", "", source, flags=re.M)
    names = ", ".join(exported or ["render"])
    return f"const {name} = (() => {{\n{source}\nreturn {{ {names} }};\n}})();"
