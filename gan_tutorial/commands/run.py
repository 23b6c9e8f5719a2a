"""`gan-tutorial run`: notebooks from top to bottom, each by papermill in a process of its own."""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import shutil
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from gan_tutorial import facts
from gan_tutorial.cli import UsageError
from gan_tutorial.commands.execution import Limits, Result, execute
from gan_tutorial.profile import NAMES, VARIABLE, duration

CHECKOUT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run notebooks from top to bottom, in profile smoke, cpu or gpu. The notebooks stay as they are; "
        "the executed copies and summary.json go to the output folder."
    )
    parser.add_argument(
        "notebooks",
        nargs="*",
        metavar="NOTEBOOK",
        help="a number (02), a name (02_play_the_game) or a path; default: all",
    )
    parser.add_argument("--profile", choices=NAMES, help="default: each notebook chooses by the device")
    parser.add_argument("--out", metavar="DIR", type=Path, help="for the executed copies; default: build/run")
    parser.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter of the notebooks, such as -p SEED 1; may be repeated",
    )
    parser.add_argument("--solutions", action="store_true", help="run the solved versions instead")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=1800.0,
        metavar="S",
        help="seconds for each notebook; default: 1800",
    )
    parser.add_argument(
        "--cell-timeout",
        type=_seconds,
        default=900.0,
        metavar="S",
        help="seconds for each cell; default: 900",
    )


def main(args: argparse.Namespace) -> int:
    folder = notebooks_folder()
    chosen = [_find(name, folder / "solutions" if args.solutions else folder) for name in args.notebooks]
    chosen = list(dict.fromkeys(chosen)) or _series(folder / "solutions" if args.solutions else folder)
    out = (args.out or (folder.parent if folder.name == "notebooks" else folder) / "build" / "run").resolve()
    copies = _copies(chosen, folder, out)
    parameters = _parameters(args, chosen)
    limits = Limits(args.timeout, args.cell_timeout)
    settings = environment(args.profile)
    trained = (dict(parameters).get("PROFILE") or settings.get(VARIABLE)) != "smoke"

    signal.signal(signal.SIGTERM, _terminated)  # as by a CI job that is cancelled: no kernel stays behind
    results: list[Result] = []
    width = max(len(_label(path, folder)) for path in chosen)
    for number, (path, copy) in enumerate(zip(chosen, copies, strict=True), 1):
        line = _Line(f"{number:>{len(str(len(chosen)))}}/{len(chosen)} {_label(path, folder):{width}}")
        declared = _declared(path)
        given = [pair for pair in parameters if pair[0] in declared]
        result = execute(path, copy, given, limits, settings, line.progress)
        result.notebook = _label(path, folder)
        result.facts = _facts(copy, trained)
        line.end(result)
        results.append(result)
        _summarise(results, args.profile, out)  # after each one: a run that is stopped has told what it did
    print(_table(results))
    for result in results:
        if result.error:
            where = _shown(Path(result.output))
            print(f"\n{result.notebook} failed: {result.error}\nSee {where}", file=sys.stderr)
    return 1 if any(result.error for result in results) else 0


def notebooks_folder() -> Path:
    """The folder of the series: `notebooks/` of the checkout or of the current folder, else the latter."""
    here = Path.cwd()
    for folder in (CHECKOUT / "notebooks", here / "notebooks"):
        if folder.is_dir():
            return folder
    return here


def _series(folder: Path) -> list[Path]:
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise UsageError(f"there is no notebook in {folder}; name the notebooks to run by their paths.")
    return found


def _find(name: str, folder: Path) -> Path:
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


def _copies(chosen: list[Path], folder: Path, out: Path) -> list[Path]:
    # The committed notebooks are what readers open: a slip of --out must not write over them.
    if out.is_relative_to(folder.resolve()) and folder.name == "notebooks":
        raise UsageError(f"--out {out} lies among the notebooks; choose a folder outside, such as build/run.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; choose a folder.")
    copies = [out / f"{_label(path, folder)}.ipynb" for path in chosen]
    for path, copy in zip(chosen, copies, strict=True):
        if copy in chosen:
            raise UsageError(f"--out {out} would write over {path.name} itself; choose another folder.")
        if copies.count(copy) > 1:
            raise UsageError(f"two notebooks are called {path.name}; run each with its own --out.")
    try:
        for copy in copies:
            copy.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out} cannot be made: {error.strerror}.") from None
    return copies


def _parameters(args: argparse.Namespace, chosen: list[Path]) -> list[tuple[str, str]]:
    parameters = [tuple(pair) for pair in args.parameters]
    for name, value in parameters:
        unknown = [path.stem for path in chosen if name not in _declared(path)]
        if unknown:
            raise UsageError(f"-p {name}: {unknown[0]} has no parameter of that name.")
        if name == "PROFILE" and value not in NAMES:
            raise UsageError(f"-p PROFILE {value}: a profile is one of {', '.join(NAMES)}.")
        if name == "PROFILE" and args.profile not in (None, value):
            raise UsageError(f"--profile {args.profile} and -p PROFILE {value} contradict each other.")
    return parameters + ([("PROFILE", args.profile)] if args.profile else [])


def _declared(path: Path) -> set[str]:
    """The names assigned in the cell tagged `parameters`."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
        tree = ast.parse("\n".join("".join(cell["source"]) for cell in tagged))
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise UsageError(f"{path} cannot be read as a notebook: {error}.") from None
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


def environment(profile: str | None = None) -> dict[str, str]:
    """The environment variables for a kernel that is to use this Python, this package and this profile."""
    variables = dict(os.environ)
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHECKOUT), variables.get("PYTHONPATH")]))
    variables["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of this environment, not one in the home folder
    variables["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a debugger's warning that concerns nobody here
    return variables | ({VARIABLE: profile} if profile else {})


def _facts(copy: Path, trained: bool) -> dict[str, int]:
    """How many facts of an executed notebook hold, are only shown (they need the full training), or fail."""
    try:
        rows = facts.read(copy)
    except (OSError, ValueError, KeyError, TypeError):  # a killed notebook's copy may be cut off
        rows = []
    shown = sum(row.needs_training and not trained for row in rows)
    passed = sum(row.holds for row in rows if trained or not row.needs_training)
    return {"passed": passed, "shown_only": shown, "failed": len(rows) - shown - passed}


def _summarise(results: list[Result], profile: str | None, out: Path) -> None:
    failed = sum(bool(result.error) for result in results)
    summary = {"profile": profile, "failed": failed, "notebooks": [asdict(result) for result in results]}
    unfinished = out / "summary.json.part"
    unfinished.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, out / "summary.json")


def _table(results: list[Result]) -> str:
    lines = [("notebook", "result", "minutes", "peak MB", "facts")]
    for r in results:
        counts = [f"{n} {word.replace('_', ' ')}" for word, n in r.facts.items() if n]
        state = "failed" if r.error else "ok"
        lines.append(
            (r.notebook, state, f"{r.seconds / 60:.2f}", str(r.peak_mb), ", ".join(counts) or "none")
        )
    if len(results) > 1:
        minutes, peak = sum(r.seconds for r in results) / 60, max(r.peak_mb for r in results)
        passed = sum(r.facts["passed"] for r in results)
        lines.append(("all", "", f"{minutes:.2f}", str(peak), f"{passed} passed"))
    name, state, minutes, peak = (max(len(line[i]) for line in lines) for i in range(4))
    return "\n" + "\n".join(
        f"{a:{name}}  {b:{state}}  {c:>{minutes}}  {d:>{peak}}  {e}" for a, b, c, d, e in lines
    )


class _Line:
    """One line per notebook: redrawn on a terminal, begun and completed in a log."""

    def __init__(self, name: str) -> None:
        self.name, self.live = name, sys.stdout.isatty()
        print(name, end="", flush=True)

    def progress(self, done: int, cells: int, seconds: float) -> None:
        if self.live:
            text = f"{self.name}  {done}/{cells} cells  {duration(seconds)}"
            print("\r\033[K" + text[: shutil.get_terminal_size().columns - 1], end="", flush=True)

    def end(self, result: Result) -> None:
        start = f"\r\033[K{self.name}" if self.live else ""
        outcome = "FAILED" if result.error else "ok"
        cells = f"{result.done}/{result.cells} cells"
        print(f"{start}  {cells}  {duration(result.seconds)}  {outcome}", flush=True)


def _label(path: Path, folder: Path) -> str:
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder).with_suffix("").as_posix() if path.is_relative_to(folder) else path.stem


def _shown(path: Path) -> str:
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 1 or more.")
    return seconds


def _terminated(*_: object) -> None:
    raise SystemExit(143)
