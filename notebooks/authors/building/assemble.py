"""From a source (py:percent text) to a notebook: the stub version or the solved one, not yet executed."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from urllib.parse import quote, urlsplit

import jupytext
import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from building import BuildError

SAME, OTHER = "nbval-check-output", "nbval-ignore-output"  # whether every machine makes the stored output
TAGS = {"parameters", "setup", "exercise", "solution", "figure", "picture", "widget", SAME, OTHER}
KEPT = {"tags", "covers", "alt", "jupyter"}  # what a source may say of a cell; anything else is an error
STUB = "...  # your code here"
SOLUTION = re.compile(r"^([ \t]*)# solution[ \t]*$", re.M)
TITLE = re.compile(r"\A# (\d\d) · (.+)")
WHAT = re.compile(r"^\*\*What you['’]ll do[.:]?\*\*[.:]? *(.+?)(?=\n\s*\n|\n\*\*|\n[-*] |\Z)", re.M | re.S)
LINK = re.compile(r"(\]\()(?![a-z][a-z0-9+.-]*:|#|/)([^)\s]+)")
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "pygments_lexer": "ipython3",
}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def assemble(source: Path, solved: bool, time: str = "", repository: str | None = None) -> NotebookNode:
    """The notebook of `source`, with or without its solutions.  BuildError if the source breaks a rule.

    `time` replaces {{time}}; `repository`: the public address, if there is one, for badges and for Colab.
    """
    nb = jupytext.read(source, fmt="py:percent")
    number = source.stem[:2]
    _check(nb, source)
    _name_cells(nb, number)
    if not solved:
        nb.cells = [cell for cell in nb.cells if "solution" not in _tags(cell)]
    for cell in nb.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        if cell.cell_type == "code" and not solved:
            cell.source = stub(cell.source)
        if cell.cell_type == "code" and not {SAME, OTHER} & {*_tags(cell)}:
            cell.metadata["tags"] = [*_tags(cell), OTHER]  # nbval also shows what a `;` at the end of a cell hides
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("{{time}}", time)
            cell.source = _relink(cell.source) if solved else cell.source
    if repository:
        folder = "notebooks/solutions" if solved else "notebooks"
        _publish(nb, repository, f"{folder}/{source.stem}.ipynb", number)
    nb.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(LANGUAGE))
    nb.nbformat, nb.nbformat_minor = 4, 5
    return nb


def stub(code: str) -> str:
    """`code` without its solutions: what follows `# solution`, as far as it is indented like that comment.

    In a function the stub raises NotImplementedError; at the top level each name it assigns becomes `...`.
    """
    while match := SOLUTION.search(code):
        indent = match[1]
        before, after = code[: match.start()], code[match.end() :].lstrip("\n").split("\n")
        end = next(
            (i for i, line in enumerate(after) if line.strip() and not line.startswith(indent)), len(after)
        )
        solution, rest = textwrap.dedent("\n".join(after[:end])), "\n".join(after[end:])
        lines = ["raise NotImplementedError  # your code here"] if indent else _unknown(solution)
        blank = "\n\n" if rest.strip() else ""
        code = before + "\n".join(indent + line for line in lines) + blank + rest
    return code


def title(nb: NotebookNode) -> str:
    """What the first heading says, without the number."""
    return TITLE.match(nb.cells[0].source)[2].strip()


def what(nb: NotebookNode) -> str:
    """The sentence of the first cell that says what the reader will do."""
    return " ".join(WHAT.search(nb.cells[0].source)[1].split())


def headings(cell: NotebookNode) -> list[tuple[int, str]]:
    """(level, text) of the headings of a cell, code fences left out."""
    if cell.cell_type != "markdown":
        return []
    text = re.sub(r"^```.*?^```", "", cell.source, flags=re.M | re.S)
    return [(len(marks), words.strip()) for marks, words in re.findall(r"^(#{1,6}) (.+)", text, re.M)]


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _unknown(solution: str) -> list[str]:
    tree = ast.parse(TransformerManager().transform_cell(solution))
    names = [name for node in tree.body for name in _binds(node)]
    return [f"{name} = {STUB}" for name in dict.fromkeys(names)] or [STUB]


def _binds(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return [name for target in getattr(node, "targets", None) or [node.target] for name in _binds(target)]
    if isinstance(node, ast.Tuple | ast.List):
        return [name for part in node.elts for name in _binds(part)]
    return [node.id] if isinstance(node, ast.Name) else []


def _check(nb: NotebookNode, source: Path) -> None:
    def fail(sentence: str) -> None:
        raise BuildError(f"{source.name}: {sentence}")

    first = nb.cells[0] if nb.cells else None
    match = TITLE.match(first.source) if first and first.cell_type == "markdown" else None
    if not match or match[1] != source.stem[:2]:
        fail(f'the first cell should be Markdown that begins with "# {source.stem[:2]} · " and the title.')
    if not WHAT.search(first.source) or "{{time}}" not in first.source:
        fail(
            "the first cell should say **What you'll do** in one sentence, and {{time}} where the time goes."
        )
    places = [cell for cell in nb.cells if "parameters" in _tags(cell)]
    names = [_names(cell) for cell in places]
    if names != [["PROFILE", "SEED"]]:
        fail("it should have one cell tagged parameters, which sets PROFILE and SEED and nothing else.")
    for cell in nb.cells:
        begin = f"the cell that begins with {cell.source.splitlines()[0] if cell.source else ''!r}"
        if wrong := sorted(set(_tags(cell)) - TAGS):
            fail(f"{begin} has the tag {wrong[0]!r}; the tags are {', '.join(sorted(TAGS))}.")
        if wrong := sorted(set(cell.metadata) - KEPT - {"lines_to_next_cell"}):
            fail(f"{begin} says {wrong[0]!r}; a cell may say {', '.join(sorted(KEPT))}.")
        if cell.cell_type == "code" and SOLUTION.search(cell.source) and "exercise" not in _tags(cell):
            fail(f"{begin} has a `# solution` but not the tag exercise.")
        if "solution" in _tags(cell) and "covers" in cell.metadata:
            fail(f"{begin} is only in the solutions: it cannot cover an item of the checklist.")
        if left := re.search(r"\{\{(?!time\}\})\w+\}\}", cell.source if cell.cell_type == "markdown" else ""):
            fail(f"{begin} has {left[0]}; the build knows only {{{{time}}}}.")


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
