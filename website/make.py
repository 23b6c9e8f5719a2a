"""Build the site from what is stored in the notebooks: `python website/make.py`, or `make site`. Runs no cell.

The pages are laid out as the repository is, so that links between files hold; what Sphinx and Jupyter write differently
is changed on the way: see `words` and `notebook`. The site in build/site is replaced when the new one is complete.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import nbformat

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(ROOT), str(ROOT / "notebooks" / "authors")]

import slides  # noqa: E402
from building.pages import INSTRUCTORS, checklist, covered, named, repository, series  # noqa: E402
from building.sections import COLLAPSED  # noqa: E402
from building.tracks import DECKS  # noqa: E402
from fold import MARK, fragment  # noqa: E402

from gan_tutorial.lesson.generator import page as generator  # noqa: E402
from gan_tutorial.lesson.laboratory import page as playground  # noqa: E402

FIRST = "The notebooks"  # of the README's sections; how to install comes later
LEFT_OUT = {"Layout", "To add something"}  # for those who have the repository before them
TEACHERS = f"notebooks/{INSTRUCTORS}"
AS_THEY_ARE = ["notebooks/glossary.md", "notebooks/laboratory.md", TEACHERS, "notebooks/coverage.md",
               "benchmarks/README.md"]
OURS = ["errata.md", "compared.md", "topics.md"]  # of this folder, or made of what the notebooks say
ELSEWHERE = {"README.md": "index.md", "notebooks/solutions": "notebooks/solutions/index.md"}  # repository -> site
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!<|[a-z][a-z0-9+.-]*:)([^)\s]+)\)")
READ_OR_RUN = """
**Read it here**: every figure and number of these pages was computed, and is stored in the notebooks. Begin with
[the first notebook]({first}). *Deeper* sections are folded: open those you like; nothing else needs them.

**Play with it here**: <a href="playground/gan_laboratory.html">the laboratory</a>, a GAN in the plane that your browser
computes; and <a href="playground/generator.html">a trained generator</a>: pull its latents by sliders, and find out
whether you can tell its pictures from photographs. Nothing is sent. Both can be kept, and open without a network.

**Or run it**: guessing first, turning sliders and writing the decisive line need Python on a laptop. How to install it:
[Start](#start).
"""
TOPICS_OF_README = re.compile(r"<details><summary>Topics, .*?</details>", re.S)  # they have a page
TEACH = """
**Or teach with it**: tracks from an hour to a day, slides, questions for the room, and what people get wrong:
[for teachers]({page}).
"""
SLIDES = """<a href="../slides/{track}.html">Slides for {track} minutes</a>"""
SOLUTIONS = """# Solutions

The same notebooks with the exercises solved. Try first: `hint("2.1")` in a notebook gives a hint, and the next one when
you ask again.
"""


def stage(root: Path, folder: Path) -> None:
    """Write what Sphinx is to read into `folder`."""
    notebooks = sorted(path.relative_to(root).as_posix() for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    solved = sorted(path.relative_to(root).as_posix() for path in (root / "notebooks").glob("solutions/*.ipynb"))
    found = [name for name in AS_THEY_ARE if (root / name).exists()]
    pages = {*notebooks, *solved, *found, *OURS, *ELSEWHERE.values()}
    address = repository(root)

    def write(name: str, text: str, at: str = "") -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words(text, at or name, root, pages, address), encoding="utf-8")

    for name in notebooks + solved:
        nb = notebook(root / name, lambda text, at=name: words(text, at, root, pages, address), name in solved)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nb, folder / name)
    for name in found:
        write(name, with_slides((root / name).read_text(encoding="utf-8")))
    write("errata.md", errata(root))
    write("compared.md", (HERE / "compared.md").read_text(encoding="utf-8"))
    write("topics.md", topics(root))
    tree = [toctree("Notebooks", [(short(root / name), name) for name in notebooks])]
    beside = [("Topics and terms", "topics.md"), ("Glossary", "notebooks/glossary.md"),
              ("The laboratory", "notebooks/laboratory.md"), ("Solutions", "notebooks/solutions/index.md"),
              ("For teachers", TEACHERS), ("What the series covers", "notebooks/coverage.md"),
              ("Benchmarks", "benchmarks/README.md"), ("Beside GAN Lab", "compared.md"), ("Errata", "errata.md")]
    tree.append(toctree("Beside them", [(title, name) for title, name in beside if name in pages]))
    front = start((root / "README.md").read_text(encoding="utf-8"), notebooks[0], TEACHERS if TEACHERS in pages else "")
    write("index.md", front + "\n".join(tree), at="README.md")
    names = [(short(root / name), PurePosixPath(name).name) for name in solved]
    write("notebooks/solutions/index.md", SOLUTIONS + toctree("", names))
    for pattern in ["notebooks/*.png", "notebooks/pictures/*", "benchmarks/results/*.png"]:
        for path in root.glob(pattern):
            (folder / path.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.relative_to(root))


def words(text: str, at: str, root: Path, pages: set[str], address: str | None) -> str:
    """Markdown of the file `at` with its links as the site needs them.

    Fragments are JupyterLab's, with capitals and signs. A file that is no page leads to the repository's address; while
    there is none, its name alone remains.
    """
    here = PurePosixPath(at).parent

    def moved(match: re.Match) -> str:
        picture, label, target = match.groups()
        path, _, place = target.partition("#")
        place = f"#{fragment(unquote(place))}" if place else ""
        if picture:
            return match[0]
        if not path:
            return f"[{label}]({place})"
        name = os.path.normpath(here / unquote(path)).replace(os.sep, "/")
        if not (root / name).exists() and name not in pages:
            return match[0]  # a formula or code that looks like a link; if it is one, Sphinx says what is missing
        if (page := ELSEWHERE.get(name, name)) in pages:
            return f"[{label}]({os.path.relpath(page, here).replace(os.sep, '/')}{place})"
        return f"[{label}]({address.removesuffix('/').removesuffix('.git')}/blob/HEAD/{name})" if address else label

    parts = re.split(r"(^```.*?^```[ \t]*$|`[^`\n]+`(?!\]))", text, flags=re.M | re.S)  # code stays as it is
    return "".join(part if i % 2 else LINK.sub(moved, part) for i, part in enumerate(parts))


def notebook(path: Path, change: Callable[[str], str], solved: bool) -> nbformat.NotebookNode:
    """A stored notebook as myst-nb reads it: deeper headings marked, words for pictures, what is folded folded."""
    nb = nbformat.read(path, as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            # The badges are pictures from other machines; the page has launch buttons of its own.
            text = "\n".join(line for line in cell.source.split("\n") if not line.startswith("[![Binder]("))
            if cell.metadata.get(COLLAPSED):
                text = re.sub(r"\A(#+ .*)", rf"\1\n\n{MARK}\n", text)
            cell.source = change(text)
            continue
        tags = cell.metadata.setdefault("tags", [])
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            tags.append("hide-input")
        kept = [out.metadata.get("image/png", {}).get("alt") for out in cell.outputs if "data" in out]
        if alt := cell.metadata.get("alt") or next(filter(None, kept), ""):
            cell.metadata["mystnb"] = {"image": {"alt": alt}}
        for out in cell.outputs:
            if "text/markdown" in out.get("data", {}):
                out.data["text/markdown"] = change(out.data["text/markdown"])
    if solved:
        nb.cells[0].source = re.sub(r"\A(# .*)", r"\1 (solved)", nb.cells[0].source)
        nb.metadata["nosearch"] = True  # the search would find everything twice
    return nb


def start(readme: str, notebook: str, teachers: str = "") -> str:
    """The start page: what the series is and its notebooks, before how to install it."""
    readme = TOPICS_OF_README.sub("[Topics and terms](topics.md), in alphabetical order.", readme)
    readme = re.sub(r"(<!-- badges:begin -->).*?(<!-- badges:end -->\n)", "", readme, flags=re.S)
    intro, *sections = re.split(r"^(?=## )", readme, flags=re.M)
    by_title = {section[3:].partition("\n")[0].strip(): section for section in sections}
    first = by_title.pop(FIRST, "")
    rest = [section for title, section in by_title.items() if title not in LEFT_OUT]
    doors = READ_OR_RUN.format(first=notebook) + (TEACH.format(page=teachers) if teachers else "")
    return "\n\n".join([intro, doors, first, *rest])


def errata(root: Path) -> str:
    """errata.md, with the sections that treat an item of the checklist in the place of its number in braces."""
    found = covered(series(root / "notebooks"))
    known = {item.id for item in checklist(root / "notebooks")}

    def links(match: re.Match) -> str:
        if unknown := set(match[1].split()) - known:
            raise SystemExit(f"website/errata.md names {unknown.pop()}, which is not in checklist.tsv.")
        sections = dict.fromkeys(section for item in match[1].split() for section in found.get(item, []))
        return "; ".join(section.link.replace("](", "](notebooks/") for section in sections) or "not shown yet"

    return re.sub(r"\{\{([\d. ]+)\}\}", links, (HERE / "errata.md").read_text(encoding="utf-8"))


def with_slides(text: str) -> str:
    """A page with links to the decks, where it has a place for them."""
    return text.replace("<!-- slides -->", " · ".join(SLIDES.format(track=track) for track in DECKS))


def topics(root: Path) -> str:
    """All that a cell names as its topic, and all words of the glossary, in alphabetical order."""
    glossary = root / "notebooks" / "glossary.md"
    text = glossary.read_text(encoding="utf-8") if glossary.exists() else ""
    found: dict[str, tuple[str, list[str]]] = {}
    for term in re.findall(r"^### (.+)$", text, re.M):
        found[term.lower()] = (term, [f"[glossary](notebooks/glossary.md#{fragment(term)})"])
    for topic, sections in named(series(root / "notebooks"), "topics").items():
        links = [section.link.replace("](", "](notebooks/") for section in sections]
        found.setdefault(topic.lower(), (topic, []))[1].extend(links)
    lines = ["# Topics and terms", "", "Where each is treated; the glossary says in a sentence what its words mean."]
    letter = ""
    for _, (name, links) in sorted(found.items()):
        if name[0].upper() != letter:
            letter = name[0].upper()
            lines += ["", f"## {letter}", ""]
        lines.append(f"- {name}: {', '.join(links)}")
    return "\n".join(lines) + "\n"


def short(path: Path) -> str:
    """What the side bar calls a notebook: its title as far as the colon."""
    title = nbformat.read(path, as_version=4).cells[0].source.partition("\n")[0]
    return title.removeprefix("# ").partition(": ")[0]


def toctree(caption: str, entries: list[tuple[str, str]]) -> str:
    """A directive of Sphinx: pages in order, for the side bar."""
    lines = [f"{title} <{name.rpartition('.')[0]}>" for title, name in entries]
    head = [f":caption: {caption}", ":hidden:"] if caption else [":maxdepth: 1"]
    return "\n".join(["", "```{toctree}", *head, "", *lines, "```", ""])


def build(root: Path, site: Path) -> int:
    """Make the site anew, every warning an error; the old one stays if that fails."""
    for name in ["myst_nb", "sphinx_book_theme", "sphinx-mathjax-offline"]:
        if importlib.util.find_spec(name) is None:
            print(f'There is no {name} here: "make site" installs what the site needs.', file=sys.stderr)
            return 1
    if site.exists() and any(site.iterdir()) and not (site / "searchindex.js").exists():
        print(f"{site} holds something else than a site: remove it, or name another folder.", file=sys.stderr)
        return 1
    work = site.with_name(site.name + ".new")
    shutil.rmtree(work, ignore_errors=True)
    stage(root, work / "source")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-c", HERE,
               "-d", work / "doctrees", work / "source", work / "html"]
    environment = os.environ | {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "SITE_ADDRESS": repository(root) or ""}
    if subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode:
        print(f"The site was not made: the lines above say why. What Sphinx read is in {work}.", file=sys.stderr)
        return 1
    playground.main(work / "html" / "playground" / "gan_laboratory.html")
    generator.main(work / "html" / "playground" / "generator.html")
    if (root / TEACHERS).exists():
        slides.make(root, work / "html")
    shutil.rmtree(site, ignore_errors=True)
    os.replace(work / "html", site)
    shutil.rmtree(work)
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site", help="default: build/site")
    site = parser.parse_args(arguments).folder.resolve()
    if status := build(ROOT, site):
        return status
    print(f"The site is complete: open {site / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
