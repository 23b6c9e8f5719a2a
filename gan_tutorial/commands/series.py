"""The notebooks of the series: which ones are meant, what they may be given, and where their copies go."""

from __future__ import annotations

import ast
import difflib
import json
import os
import symtable
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gan_tutorial.commands.cli import UsageError
from gan_tutorial.disk import reason

CHECKOUT = Path(__file__).resolve().parents[2]


def notebooks_folder() -> Path:
    """The folder of the series: `notebooks/` of the checkout or of the current folder, else the latter."""
    here = Path.cwd()
    for folder in (CHECKOUT / "notebooks", here / "notebooks"):
        if folder.is_dir():
            return folder
    return here


def whole(folder: Path) -> list[Path]:
    """All notebooks of the series in a folder, in their order."""
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise UsageError(f"there is no notebook in {folder}; name the notebooks to run by their paths.")
    return found


def find(name: str, folder: Path) -> Path:
    """The notebook that a person means by a number (02, 2), a name or a path."""
    path = Path(name)
    if os.path.isfile(path) and path.suffix == ".ipynb":  # pathlib's `is_file` raises for some odd names
        return path.resolve()
    number = name.lstrip("0") or "0"
    if name.isascii() and name.isdigit() and len(number) < 3:
        found = sorted(folder.glob(f"{int(number):02d}_*.ipynb"))
    else:
        found = [path for path in [folder / f"{name.removesuffix('.ipynb')}.ipynb"] if os.path.isfile(path)]
    if len(found) == 1:
        return found[0].resolve()
    if found:
        raise UsageError(f"{name} could be {' or '.join(path.stem for path in found)}; say which.")
    if os.path.isfile(path):
        raise UsageError(f"{name} is not a notebook: its name does not end in .ipynb.")
    names = [path.stem for path in sorted(folder.glob("*.ipynb"))]
    near = difflib.get_close_matches(path.stem, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}."
    raise UsageError(f"there is no notebook {name!r}; {hint}")


def copies(chosen: list[Path], folder: Path, out: Path) -> list[Path]:
    """Where the executed copies go, their folders made and tried; UsageError where one would replace a notebook."""
    try:
        return _copies(chosen, folder, out.resolve())
    except (OSError, ValueError) as error:  # a folder of another person, a full disk, a name that no system takes
        raise UsageError(f"--out {out} cannot be written to ({reason(error)}); choose another folder.") from None


def _copies(chosen: list[Path], folder: Path, out: Path) -> list[Path]:
    # The committed notebooks are what readers open: a slip of --out must not write over them.
    if out.is_relative_to(folder.resolve()) and folder.name == "notebooks":
        raise UsageError(f"--out {out} lies among the notebooks; choose a folder outside, such as build/run.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; choose a folder.")
    places = [out / f"{label(path, folder)}.ipynb" for path in chosen]
    for path in (*chosen, *places):
        if any("\ud800" <= letter <= "\udfff" for letter in str(path)):  # bytes that are no letters in this locale
            raise UsageError(f"papermill takes no name such as {path} here; choose another, or set PYTHONUTF8=1.")
    for path, copy in zip(chosen, places, strict=True):
        if copy in chosen:
            raise UsageError(f"--out {out} would write over {path.name} itself; choose another folder.")
        if places.count(copy) > 1:
            raise UsageError(f"two notebooks are called {path.name}; run each with its own --out.")
        if copy.is_dir():
            raise UsageError(f"--out {out}: {copy} is a folder, where the executed notebook would go.")
    size = sum(path.stat().st_size for path in chosen)  # about what the copies will take
    for parent in {copy.parent for copy in places}:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=parent) as probe:
            probe.write(bytes(size))
    return places


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Inside, a notebook is read: a UsageError names it where it is cut, say, or torn by a merge."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({reason(error)}).") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read as a notebook ({reason(error)}).") from None


def declared(path: Path) -> dict[str, Any]:
    """The names assigned in the cell tagged `parameters`, with their values where those are written out, else None."""
    with reading(path):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] in ("code", "markdown", "raw")]
        tagged = [i for i, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", [])]
        code = sources[tagged[0]] if tagged else ""  # papermill, too, takes the first
    try:
        return _assigned(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = getattr(error, "msg", None) or error
        raise UsageError(f"the parameters cell of {path} is not Python ({why}).") from None


def _assigned(code: str) -> dict[str, Any]:
    try:
        tree = ast.parse(code)
    except SyntaxError:  # lines such as %matplotlib inline, or a cell that begins with %%time
        from IPython.core.inputtransformer2 import TransformerManager

        first, _, rest = code.partition("\n")
        code = TransformerManager().transform_cell(rest if first.startswith("%%") else code)
        tree = ast.parse(code)
    symbols = symtable.symtable(code, "parameters", "exec").get_symbols()  # of the cell, not of a function in it
    found = {s.get_name(): None for s in symbols if s.is_assigned() and not s.is_imported() and not s.is_namespace()}
    for node in tree.body:
        for target in getattr(node, "targets", None) or [getattr(node, "target", None)]:
            if isinstance(target, ast.Name) and target.id in found:
                found[target.id] = _written_out(getattr(node, "value", None))
    return found


def _written_out(value: ast.AST | None) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError):
        return None


def label(path: Path, folder: Path) -> str:
    """How a notebook is called in what is shown: `02_play_the_game`, `solutions/02_play_the_game`."""
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder).with_suffix("").as_posix() if path.is_relative_to(folder) else path.stem
