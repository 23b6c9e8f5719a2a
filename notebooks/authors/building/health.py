"""What is wrong with a built notebook: each check returns sentences, and none if all is well."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from building.assemble import LINK, TAGS, TITLE
from building.cells import called, draws
from building.execute import VIEW

STYLE = Path(__file__).resolve().parents[2] / "STYLE.md"
WIDTH = 95  # characters that fit beside the side bar of JupyterLab on a laptop
LIMIT = 1_000_000  # bytes: GitHub shows no larger notebook
STAND_IN = "Stand-in data:"
NAMES = {"choose": "profile", "Ledger": "ledger"}  # what calls it -> the name of what comes back
BY_NAME = {"exercises", "facts", "laboratory", "live", "profile"}  # modules whose contents are imported by name


def faults(nb: NotebookNode, path: Path, root: Path) -> list[str]:
    """All that is wrong with the notebook `nb`, which lies at `path` in the checkout `root`."""
    return [*flaws(nb, root), *profile(nb), *links(nb, path)]


def flaws(nb: NotebookNode, root: Path) -> list[str]:
    """What is wrong with it whatever profile it was run in, and whatever else is built already."""
    return [*(fault for check in CHECKS for fault in check(nb)), *paths(nb, root)]


def ids(nb: NotebookNode) -> Iterator[str]:
    """Every cell has an id of its own, in the form that the format allows."""
    for place, cell in enumerate(nb.cells):
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell.get("id", "")):
            yield f"cell {place} has no valid id"
    for name, times in Counter(cell.get("id") for cell in nb.cells).items():
        if name and times > 1:
            yield f"the id {name} is used {times} times"


def order(nb: NotebookNode) -> Iterator[str]:
    """The code cells were run once each, from top to bottom."""
    counts = [cell.execution_count for cell in _code(nb)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"it was not run from top to bottom: the counts are {counts}"


def errors(nb: NotebookNode) -> Iterator[str]:
    """No cell ended in an error, and none wrote to stderr."""
    for cell, output in _outputs(nb):
        if output.output_type == "error":
            yield f"cell {cell.id} ends in {output.ename}"
        if output.get("name") == "stderr":
            yield f"cell {cell.id} writes to stderr: {output.text.strip()[:80]!r}"


def views(nb: NotebookNode) -> Iterator[str]:
    """No widget is stored, neither a view nor its state."""
    if "widgets" in nb.metadata:
        yield "it holds the state of widgets"
    for cell, output in _outputs(nb):
        if VIEW in output.get("data", {}):
            yield f"cell {cell.id} holds the view of a widget"


def size(nb: NotebookNode) -> Iterator[str]:
    """The file is small enough to be shown."""
    total = len(
        json.dumps(nb, indent=1, ensure_ascii=False).encode()
    )  # nbformat.writes would repair it first
    if total > LIMIT:
        weights = {cell.get("id", place): len(str(cell)) for place, cell in enumerate(nb.cells)}
        fattest, most = max(weights.items(), key=lambda item: item[1])
        yield f"it has {total:,} bytes, {LIMIT:,} are allowed; the most ({most:,}) in cell {fattest}"


def parameters(nb: NotebookNode) -> Iterator[str]:
    """There is one cell for papermill."""
    number = sum("parameters" in cell.metadata.get("tags", []) for cell in nb.cells)
    if number != 1:
        yield f"it has {number} cells tagged parameters, not one"


def tags(nb: NotebookNode) -> Iterator[str]:
    """Only tags that something reads."""
    for cell in nb.cells:
        for tag in sorted(set(cell.metadata.get("tags", [])) - TAGS):
            yield f"cell {cell.get('id')} has the unknown tag {tag}"


def figures(nb: NotebookNode) -> Iterator[str]:
    """A cell that draws shows a PNG, also to readers without a kernel."""
    for cell in _code(nb):
        pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        if draws(cell) and not pictures:
            yield f"cell {cell.id} draws, but holds no PNG"
        if pictures and not draws(cell):
            yield f"cell {cell.id} shows a picture, but is not tagged figure"
        for output in pictures if "alt" in cell.metadata else ():
            if output.metadata.get("image/png", {}).get("alt") != cell.metadata.alt:
                yield f"cell {cell.id} holds a PNG without its words"


def accidents(nb: NotebookNode) -> Iterator[str]:
    """No address of an object in a text (end the line with a semicolon); no stand-in for the real data."""
    for cell, output in _outputs(nb):
        text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
        if re.search(r" at 0x[0-9a-f]{6,}", text):
            yield f"cell {cell.id} shows the address of an object: {text.strip()[:80]!r}"
        if STAND_IN in str(output):
            yield f"cell {cell.id} was run on stand-in data: build where the real data are"


def profile(nb: NotebookNode) -> Iterator[str]:
    """The outputs come from a run in which trainings are real."""
    name = nb.metadata.get("gan_tutorial", {}).get("profile")
    if name not in ("cpu", "gpu"):
        yield f"it was built with profile {name}: build with cpu"


def names(nb: NotebookNode) -> Iterator[str]:
    """One thing has one name in all notebooks: see `NAMES` and `BY_NAME`; what is imported is not named anew."""
    imported = set()
    for cell in _code(nb):
        for node in ast.walk(ast.parse(TransformerManager().transform_cell(cell.source))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gan_tutorial"):
                imported |= {alias.asname or alias.name for alias in node.names}
                if node.module == "gan_tutorial.lesson":
                    for module in BY_NAME & {alias.name for alias in node.names}:
                        yield f"cell {cell.id} imports the module {module}: import what it needs from it by name"
            if isinstance(node, ast.Assign):
                given = {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
                for name in sorted(given & imported):
                    yield f"cell {cell.id} gives the name {name}, which is imported, to something else"
                maker = called(node.value.func) if isinstance(node.value, ast.Call) else ""
                if maker in NAMES and given != {NAMES[maker]}:
                    yield f"cell {cell.id} calls {maker}'s result {' and '.join(given)}, not {NAMES[maker]}"


def widths(nb: NotebookNode) -> Iterator[str]:
    """No cell has to be scrolled sideways."""
    for cell in _code(nb):
        if longest := max((line for line in cell.source.split("\n") if len(line) > WIDTH), key=len, default=""):
            yield f"cell {cell.id} has a line of {len(longest)} characters, {WIDTH} are allowed: {longest.strip()[:60]}"


def banned(nb: NotebookNode) -> Iterator[str]:
    """One word for one idea: none of those that STYLE.md replaces."""
    number = _number(nb)
    for cell in nb.cells:
        text = cell.source if cell.cell_type == "markdown" else cell.metadata.get("alt", "")
        for pattern, instead, exempt in replaced():
            if number not in exempt and (match := pattern.search(_prose(text))):
                yield f"cell {cell.id} says {match[0]!r}: write {instead} (see STYLE.md)"


@cache
def replaced() -> list[tuple[re.Pattern, str, frozenset[str]]]:
    """What the tables of STYLE.md replace: (pattern, what to write, numbers of the notebooks that may say it)."""
    found = []
    for line in STYLE.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\| (?P<not>[^|]+) \| (?P<but>[^|]+) \|(?P<except>[^|]*)\|", line):
            if match["not"].strip() not in ("not", "---"):
                words = "|".join(re.escape(word.strip()).replace(r"\#", r"\d+") for word in match["not"].split(","))
                pattern = re.compile(rf"\b({words})\b", re.IGNORECASE)
                found.append((pattern, match["but"].strip(), frozenset(re.findall(r"\b\d\d\b", match["except"]))))
    return found


CHECKS = [ids, order, errors, views, size, parameters, tags, figures, accidents, names, widths, banned]


def links(nb: NotebookNode, path: Path) -> Iterator[str]:
    """Relative links lead to files that exist."""
    for cell in nb.cells:
        for _, target in LINK.findall(cell.source if cell.cell_type == "markdown" else ""):
            if not (path.parent / target.split("#")[0]).exists():
                yield f"cell {cell.id} links to {target}, which is not there"


def paths(nb: NotebookNode, root: Path) -> Iterator[str]:
    """No output tells where on whose machine it was made."""
    folders = [folder for folder in (root, root.parent, Path.home()) if len(folder.parts) > 1]
    for cell, output in _outputs(nb):
        data = {kind: shown for kind, shown in output.get("data", {}).items() if kind != "image/png"}
        shown = str(output.get("text", "")) + str(data)
        if private := [folder for folder in folders if f"{folder}/" in shown or str(root) in shown]:
            yield f"cell {cell.id} shows a path of this machine, {private[0]}"


def _number(nb: NotebookNode) -> str:
    title = TITLE.match(nb.cells[0].source) if nb.cells else None
    return title[1] if title else ""


def _prose(text: str) -> str:
    # Without code, formulas and addresses: words that a program or a paper gave are not ours.
    text = re.sub(r"^```.*?^```|\$\$.*?\$\$", " ", text, flags=re.M | re.S)
    return re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)|<[^>]*>|“[^”]*”", " ", text)


def _code(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def _outputs(nb: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    return ((cell, output) for cell in _code(nb) for output in cell.outputs)
