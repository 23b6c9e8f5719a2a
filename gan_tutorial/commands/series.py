"""The notebooks of the series: which ones are meant, what they may be given, and where their copies go."""

from __future__ import annotations

import ast
import difflib
import json
from pathlib import Path

from gan_tutorial.cli import UsageError

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
    if path.is_file() and path.suffix == ".ipynb":
        return path.resolve()
    if name.isdigit():
        found = sorted(folder.glob(f"{int(name):02d}_*.ipynb"))
    else:
        found = [path for path in [folder / f"{name.removesuffix('.ipynb')}.ipynb"] if path.is_file()]
    if len(found) == 1:
        return found[0].resolve()
    if found:
        raise UsageError(f"{name} could be {' or '.join(path.stem for path in found)}; say which.")
    if path.is_file():
        raise UsageError(f"{name} is not a notebook: its name does not end in .ipynb.")
    names = [path.stem for path in sorted(folder.glob("*.ipynb"))]
    near = difflib.get_close_matches(path.stem, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}."
    raise UsageError(f"there is no notebook {name!r}; {hint}")


def copies(chosen: list[Path], folder: Path, out: Path) -> list[Path]:
    """Where the executed copies go, their folders made; UsageError where one would replace a notebook."""
    # The committed notebooks are what readers open: a slip of --out must not write over them.
    if out.is_relative_to(folder.resolve()) and folder.name == "notebooks":
        raise UsageError(f"--out {out} lies among the notebooks; choose a folder outside, such as build/run.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; choose a folder.")
    places = [out / f"{label(path, folder)}.ipynb" for path in chosen]
    for path, copy in zip(chosen, places, strict=True):
        if copy in chosen:
            raise UsageError(f"--out {out} would write over {path.name} itself; choose another folder.")
        if places.count(copy) > 1:
            raise UsageError(f"two notebooks are called {path.name}; run each with its own --out.")
    try:
        for copy in places:
            copy.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out} cannot be made: {error.strerror}.") from None
    return places


def declared(path: Path) -> set[str]:
    """The names assigned in the cell tagged `parameters`."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
        tree = ast.parse("\n".join("".join(cell["source"]) for cell in tagged))
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise UsageError(f"{path} cannot be read as a notebook: {error}.") from None
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


def label(path: Path, folder: Path) -> str:
    """How a notebook is called in what is shown: `02_play_the_game`, `solutions/02_play_the_game`."""
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder).with_suffix("").as_posix() if path.is_relative_to(folder) else path.stem
