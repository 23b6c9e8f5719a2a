"""From a source (py:percent text) to a notebook: the stub version or the solved one, not yet executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import jupytext
import nbformat
from nbformat import NotebookNode

from building import BuildError
from building.cells import SOLUTION, anchor, headings, stub, tags
from building.sections import COLLAPSED, contents, faults, sections, times
from building.slides import slides

MINUTES = "gan_tutorial_minutes"  # in the metadata: what the core takes, and all of it
PLACES = {"time", "series", "contents", "core", "all", "help"}  # what a text may leave to the build, in {{ }}
SAME, OTHER = "nbval-check-output", "nbval-ignore-output"  # whether every machine makes the stored output
TAGS = {"parameters", "setup", "exercise", "solution", "figure", "picture", "widget", SAME, OTHER}
KEPT = {"tags", "covers", "topics", "alt", "slide", "jupyter"}  # what a source may say of a cell; all else is an error
TITLE = re.compile(r"\A# (\d\d) · (.+)")
EXERCISE = re.compile(r"Exercise (\d+)\.(\d+) · .+")
WHAT = re.compile(r"^\*\*What you['’]ll do[.:]?\*\*[.:]? *(.+?)(?=\n\s*\n|\n\*\*|\n[-*] |\Z)", re.M | re.S)
LINK = re.compile(r"(\]\()(?![a-z][a-z0-9+.-]*:|#|/)([^)\s]+)")
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "pygments_lexer": "ipython3",
}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def assemble(
    source: Path, solved: bool, time: str = "", repository: str | None = None, series: str = ""
) -> NotebookNode:
    """The notebook of `source`, with or without its solutions.  BuildError if the source breaks a rule.

    In its text these are replaced: {{time}} and {{series}} by `time` and `series`; {{contents}} by the table of its
    sections, {{core}} and {{all}} by the minutes of its core and of all of it; {{help}} by where hints are to be had.
    `repository`: the public address, if there is one, for badges and for Colab.
    """
    nb = jupytext.read(source, fmt="py:percent")
    number = source.stem[:2]
    _check(nb, source)
    _name_cells(nb, number)
    if not solved:
        nb.cells = [cell for cell in nb.cells if "solution" not in tags(cell)]
    if found := faults(nb, number):
        raise BuildError(f"{source.name}: " + "; ".join(found) + ".")
    slides(source.name, nb)
    for section in sections(nb):
        if section.deeper:
            section.cells[0].metadata[COLLAPSED] = True
    core, whole = times(nb)
    words = {"time": time, "series": series, "contents": contents(nb), "core": str(core), "all": str(whole)}
    for cell in nb.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        if cell.cell_type == "code" and not solved:
            cell.source = stub(cell.source)
        if cell.cell_type == "code" and not {SAME, OTHER} & {*tags(cell)}:
            cell.metadata["tags"] = [*tags(cell), OTHER]  # nbval also shows what a `;` at the end of a cell hides
        if cell.cell_type == "markdown":
            for name, said in (words | {"help": _help(cell, source.stem, solved)}).items():
                cell.source = cell.source.replace(f"{{{{{name}}}}}", said)
            cell.source = _relink(cell.source) if solved else cell.source
    if repository:
        folder = "notebooks/solutions" if solved else "notebooks"
        _publish(nb, repository, f"{folder}/{source.stem}.ipynb", number)
    nb.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(LANGUAGE))
    nb.metadata[MINUTES] = NotebookNode(core=core, all=whole)
    nb.nbformat, nb.nbformat_minor = 4, 5
    return nb


def title(nb: NotebookNode) -> str:
    """What the first heading says, without the number."""
    return TITLE.match(nb.cells[0].source)[2].strip()


def what(nb: NotebookNode) -> str:
    """The sentence of the first cell that says what the reader will do."""
    return " ".join(WHAT.search(nb.cells[0].source)[1].split())


def _check(nb: NotebookNode, source: Path) -> None:
    def fail(sentence: str) -> None:
        raise BuildError(f"{source.name}: {sentence}")

    first = nb.cells[0] if nb.cells else None
    match = TITLE.match(first.source) if first and first.cell_type == "markdown" else None
    if not match or match[1] != source.stem[:2]:
        fail(f'the first cell should be Markdown that begins with "# {source.stem[:2]} · " and the title.')
    if not WHAT.search(first.source):
        fail("the first cell should say **What you'll do** in one sentence.")
    if missing := [place for place in ("core", "all", "time", "contents") if f"{{{{{place}}}}}" not in first.source]:
        fail(f"the first cell should have {{{{{missing[0]}}}}}: the build writes minutes and the table of contents.")
    places = [cell for cell in nb.cells if "parameters" in tags(cell)]
    names = [_names(cell) for cell in places]
    if names != [["PROFILE", "SEED"]]:
        fail("it should have one cell tagged parameters, which sets PROFILE and SEED and nothing else.")
    for cell in nb.cells:
        begin = f"the cell that begins with {cell.source.splitlines()[0] if cell.source else ''!r}"
        if wrong := sorted(set(tags(cell)) - TAGS):
            fail(f"{begin} has the tag {wrong[0]!r}; the tags are {', '.join(sorted(TAGS))}.")
        if wrong := sorted(set(cell.metadata) - KEPT - {"lines_to_next_cell"}):
            fail(f"{begin} says {wrong[0]!r}; a cell may say {', '.join(sorted(KEPT))}.")
        if cell.cell_type == "code" and SOLUTION.search(cell.source) and "exercise" not in tags(cell):
            fail(f"{begin} has a `# solution` but not the tag exercise.")
        if "solution" in tags(cell) and "covers" in cell.metadata:
            fail(f"{begin} is only in the solutions: it cannot cover an item of the checklist.")
        places = re.findall(r"\{\{(\w+)\}\}", cell.source) if cell.cell_type == "markdown" else []
        if wrong := sorted(set(places) - PLACES):
            fail(f"{begin} has {{{{{wrong[0]}}}}}; the build knows {', '.join(sorted(PLACES))}.")
    _check_exercises(nb, source.stem[:2], fail)


def _check_exercises(nb: NotebookNode, number: str, fail: Callable[[str], None]) -> None:
    # All of one form: a heading with its number, in order, and where help is to be had.
    count = 0
    for section in sections(nb):
        heading = ""
        for cell in section.cells:
            for level, heading in headings(cell)[-1:]:
                if level == 3 and heading.startswith("Exercise"):
                    count += 1
                    begin = f"Exercise {int(number)}.{count} · "
                    if not (EXERCISE.fullmatch(heading) and heading.startswith(begin)):
                        fail(f"the heading {heading!r} should be {begin!r} and what it is about.")
                    if "{{help}}" not in cell.source:
                        fail(f"the text of {heading!r} should end with {{{{help}}}}.")
            if cell.cell_type == "code" and "exercise" in tags(cell) and not EXERCISE.fullmatch(heading):
                fail(f"the exercise under {heading!r} should stand under '### Exercise {int(number)}.N · ...'.")


def _help(cell: NotebookNode, stem: str, solved: bool) -> str:
    match = next((match for _, text in headings(cell) if (match := EXERCISE.fullmatch(text))), None)
    if not match:
        return ""
    number = f"{match[1]}.{match[2]}"
    ours = "Our answer is below." if solved else f"Our answer: [solutions](solutions/{stem}.ipynb#{anchor(match[0])})."
    return f'*Stuck? Run* `hint("{number}")` *in a cell of its own, again for the next hint.* {ours}'


def _names(cell: NotebookNode) -> list[str]:
    body = ast.parse(cell.source).body
    return [node.targets[0].id if isinstance(node, ast.Assign) else "" for node in body]


def _name_cells(nb: NotebookNode, number: str) -> None:
    # From the heading and the place under it: a new cell changes only names that follow it in its section.
    counts: dict[str, int] = {}
    slug = "top"
    for cell in nb.cells:
        for level, text in headings(cell)[:1]:
            slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") if level > 1 else "top"
        counts[slug] = counts.get(slug, 0) + 1
        cell.id = f"{number}-{slug or 'section'}-{counts[slug]}"


def _relink(text: str) -> str:
    # The solved notebook lies one folder deeper, beside the other solved ones.
    def moved(match: re.Match) -> str:
        target = match[2]
        if target.startswith("solutions/"):
            return match[1] + target.removeprefix("solutions/")
        return match[1] + (target if re.match(r"\d\d_\w+\.ipynb", target) else f"../{target}")

    return LINK.sub(moved, text)


def badges(repository: str, path: str) -> str:
    """Badges that open `path` of the repository on Binder and, where it is on GitHub, on Colab."""
    address = urlsplit(repository.removesuffix("/").removesuffix(".git"))
    on_github = address.netloc == "github.com"
    where = f"gh{address.path}/HEAD" if on_github else f"git/{quote(address.geturl(), safe='')}/HEAD"
    binder = f"https://mybinder.org/v2/{where}?urlpath=lab/tree/{path}"
    line = f"[![Binder](https://mybinder.org/badge_logo.svg)]({binder})"
    if on_github:
        colab = f"https://colab.research.google.com/github{address.path}/blob/HEAD/{path}"
        line += f" [![Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    return line


def _publish(nb: NotebookNode, repository: str, path: str, number: str) -> None:
    first, *rest = nb.cells[0].source.split("\n")
    nb.cells[0].source = "\n".join([first, "", badges(repository, path), *rest])
    code = (
        "import importlib.util\n\n"
        'if importlib.util.find_spec("gan_tutorial") is None:  # on Colab, say: nothing is installed yet\n'
        f'    %pip install --quiet "git+{repository}"'
    )
    nb.cells.insert(1, nbformat.v4.new_code_cell(code, id=f"{number}-install"))
