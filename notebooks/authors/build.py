"""Build the notebooks from their sources: `python notebooks/authors/build.py [02 03 ...] [--all] [--check]`.

`source/NN_name.py` becomes `NN_name.ipynb` (exercises to do) and `solutions/NN_name.ipynb`, both executed.
Only stale ones are built unless asked otherwise, and where the code is unchanged only the words are replaced.  Then
coverage.md, the README's table and index, and the tracks of INSTRUCTORS.md are written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks" / "authors"))

from building import BuildError  # noqa: E402
from building.assemble import assemble  # noqa: E402
from building.execute import clean, execute, said, settle  # noqa: E402
from building.health import flaws  # noqa: E402
from building.pages import checklist, covered, gaps, pages, repository, series, table, write  # noqa: E402


def target(root: Path, source: Path, solved: bool) -> Path:
    """Where the notebook of a source goes."""
    return root / "notebooks" / ("solutions" if solved else "") / f"{source.stem}.ipynb"


def stale(root: Path, source: Path, solved: bool) -> bool:
    """Whether the notebook is missing, differs from its source, or comes from a smoke run.  Runs nothing."""
    path = target(root, source, solved)
    if not path.exists():
        return True
    built = nbformat.read(path, as_version=4)
    measured = built.metadata.get("gan_tutorial")
    if not measured or measured["profile"] == "smoke":
        return True
    return _said(wanted(root, source, solved, measured)) != _said(built)


def wanted(root: Path, source: Path, solved: bool, measured: dict | None) -> NotebookNode:
    """The notebook of a source as it should read, with what was measured of it and of the others; without outputs."""
    others = table(series(root / "notebooks")) if "{{series}}" in source.read_text(encoding="utf-8") else ""
    return assemble(source, solved, said(measured), repository(root), others)


def refresh(root: Path, source: Path, solved: bool) -> bool:
    """Whether the code of a built notebook is unchanged: then its words are brought up to date, and nothing is run."""
    path = target(root, source, solved)
    old = nbformat.read(path, as_version=4) if path.exists() else NotebookNode(cells=[], metadata={})
    measured = old.metadata.get("gan_tutorial")
    new = wanted(root, source, solved, measured)
    before, now = ([cell.source for cell in _code(nb)] for nb in (old, new))
    if not measured or measured["profile"] == "smoke" or before != now:
        return False
    _keep(root, path, new, old, measured)
    return True


def build(root: Path, source: Path, solved: bool, profile: str, timeout: int) -> str:
    """Make one notebook and return what it took.  BuildError, and the old one stays, if anything is wrong."""
    path = target(root, source, solved)
    path.parent.mkdir(exist_ok=True)
    nb = assemble(source, solved, "", repository(root))
    try:
        new = execute(nb, path.parent, root, profile, solved, timeout)
    except BuildError as error:
        raise BuildError(f"{path.relative_to(root)}: {error}") from None
    old = nbformat.read(path, as_version=4).metadata.get("gan_tutorial") if path.exists() else None
    measured = settle(old, new)
    _keep(root, path, wanted(root, source, solved, measured), nb, measured)
    return f"{new['seconds']:.0f} s, {new['peak_mb']} MB"


def problems(root: Path) -> list[str]:
    """What `--check` finds, without running anything."""
    sources = _sources(root)
    found = []
    for source in sources:
        for solved in (False, True):
            if stale(root, source, solved):
                found.append(
                    f"{target(root, source, solved).relative_to(root)} is stale: python notebooks/authors/build.py"
                )
    made = {target(root, source, solved) for source in sources for solved in (False, True)}
    folder = root / "notebooks"
    for path in sorted([*folder.glob("*.ipynb"), *folder.glob("solutions/*.ipynb")]):
        if path not in made:
            found.append(f"{path.relative_to(root)} has no source")
    found += gaps(checklist(folder), covered(series(folder)))
    for path, content in pages(root).items():
        if not path.exists() or path.read_bytes() != content:
            found.append(f"{path.relative_to(root)} is stale: python notebooks/authors/build.py")
    return found


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """0, or 1 with sentences on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="NN", help="numbers or names; default: all that are stale"
    )
    parser.add_argument("--all", action="store_true", help="also those that are up to date")
    parser.add_argument(
        "--check", action="store_true", help="say what is stale, run nothing, exit 1 if anything is"
    )
    parser.add_argument("--profile", default="cpu", choices=["smoke", "cpu", "gpu"], help="default: cpu")
    parser.add_argument(
        "--timeout", type=int, default=1200, metavar="S", help="seconds for a cell; default: 1200"
    )
    args = parser.parse_args(arguments)
    try:
        if args.check:
            found = problems(root)
        else:
            for source in _chosen(root, args.names):
                for solved in (False, True):
                    label = str(target(root, source, solved).relative_to(root))
                    if args.all or args.names or (stale(root, source, solved) and not refresh(root, source, solved)):
                        print(f"{label} ...", flush=True)
                        print(f"{label}: {build(root, source, solved, args.profile, args.timeout)}", flush=True)
            for source in _sources(root):  # the table of one notebook holds the times of the others
                for solved in (False, True):
                    if stale(root, source, solved):
                        refresh(root, source, solved)
            for path, content in pages(root).items():
                write(path, content)
            found = list(gaps(checklist(root / "notebooks"), covered(series(root / "notebooks"))))
    except BuildError as error:
        found = [str(error)]
    print("".join(f"{problem}\n" for problem in found), end="", file=sys.stderr)
    return 1 if found else 0


def _sources(root: Path) -> list[Path]:
    return sorted((root / "notebooks" / "source").glob("[0-9][0-9]_*.py"))


def _chosen(root: Path, names: list[str]) -> list[Path]:
    sources = _sources(root)
    chosen = []
    for name in names:
        stem = Path(name).stem
        matching = [source for source in sources if stem in (source.stem, source.stem[:2])]
        if not matching:
            raise BuildError(
                f"There is no source {name}; there are {', '.join(s.stem for s in sources) or 'none'}."
            )
        chosen += matching
    return chosen or sources


def _said(nb: NotebookNode) -> list[tuple]:
    return [(cell.cell_type, cell.get("id"), cell.source, dict(cell.metadata)) for cell in nb.cells]


def _code(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def _keep(root: Path, path: Path, nb: NotebookNode, ran: NotebookNode, measured: dict) -> None:
    # Write `nb` with the outputs of the notebook of the same code that was run.
    for cell, done in zip(_code(nb), _code(ran), strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
    known = {item.id for item in checklist(root / "notebooks")}
    if unknown := sorted({item for cell in nb.cells for item in cell.metadata.get("covers", [])} - known):
        raise BuildError(f"{path.relative_to(root)} covers {unknown[0]}, which is not in checklist.tsv.")
    nb.metadata["gan_tutorial"] = NotebookNode(measured)
    clean(nb)
    if found := flaws(nb, root):
        raise BuildError(f"{path.relative_to(root)}: " + "; ".join(found) + ".")
    nbformat.validate(nb)
    write(path, (nbformat.writes(nb) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
