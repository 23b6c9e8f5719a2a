"""`gan-tutorial run`: notebooks from top to bottom, each by papermill in a process of its own."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gan_tutorial import machine
from gan_tutorial.commands import series
from gan_tutorial.commands.cli import UsageError, folder
from gan_tutorial.commands.execution import Limits, Result, execute
from gan_tutorial.commands.history import aside
from gan_tutorial.disk import in_one_stroke, reason
from gan_tutorial.lesson import facts
from gan_tutorial.lesson.profile import NAMES, SEEDS, VARIABLE, duration, is_seed

ENDING = 10.0  # seconds: kernels are killed, which takes less than one
# type in the notebook -> how papermill reads it, and its name
KINDS = {
    bool: ({"True": True, "False": False}.__getitem__, "True or False"),
    int: (int, "a whole number"),
    float: (float, "a number"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run notebooks from top to bottom, in profile smoke, cpu or gpu. The notebooks stay as they are; "
        "the executed copies and summary.json go to the output folder."
    )
    parser._negative_number_matcher = re.compile(r"-\.?\d")  # else that of Python 3.11 takes -1e-3 for an option
    parser.add_argument(
        "notebooks",
        nargs="*",
        metavar="NOTEBOOK",
        help="a number (02), a name (02_play_the_game) or a path; default: all",
    )
    parser.add_argument("--profile", choices=NAMES, help="default: each notebook chooses by the device")
    parser.add_argument("--out", metavar="DIR", type=folder, help="for the executed copies; default: build/run")
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
    from gan_tutorial.commands.locks import reserved

    folder = series.notebooks_folder()
    versions = folder / "solutions" if args.solutions else folder
    named = [series.find(name, versions) for name in args.notebooks]
    chosen = list(dict.fromkeys(named)) or series.whole(versions)
    out = args.out or (folder.parent if folder.name == "notebooks" else folder) / "build" / "run"
    declared = {path: series.declared(path) for path in chosen}
    parameters = _parameters(args, declared)
    copies = series.copies(chosen, folder, out)
    out = out.resolve()
    settings = environment(args.profile)
    if settings.get(VARIABLE) and settings[VARIABLE] not in NAMES:
        raise UsageError(f"{VARIABLE} is {settings[VARIABLE]!r}, but a profile is one of {', '.join(NAMES)}.")
    trained = (dict(parameters).get("PROFILE") or settings.get(VARIABLE)) != "smoke"

    labels = [series.label(path, folder) for path in chosen]
    results: list[Result] = []
    told = True
    with _ended_in_order(), reserved(out / ".gan-tutorial-run.lock", f"another run writes to {out}"):
        for number, (path, copy, label) in enumerate(zip(chosen, copies, labels, strict=True), 1):
            line = _Line(f"{number}/{len(chosen)} {label:{max(map(len, labels))}}")
            given = [pair for pair in parameters if pair[0] in declared[path]]
            limits = Limits(args.timeout, args.cell_timeout)
            _spare(copy, lambda notebook: "papermill" in notebook["metadata"])
            result = execute(path, copy, given, limits, settings, line.progress)
            result.notebook, result.facts = label, _facts(copy, trained)
            line.end(result)
            results.append(result)
            told = _summarise(results, args.profile, out)  # after each: a run that is stopped has told what it did
    return _report(results) if told else _report(results) or 1


def _report(results: list[Result]) -> int:
    print(_table(results))
    for result in results:
        if result.error:
            where = _shown(Path(result.output))
            print(f"\n{result.notebook} failed: {result.error}\nSee {where}", file=sys.stderr)
    return 1 if any(result.error for result in results) else 0


def _parameters(args: argparse.Namespace, declared: dict[Path, dict[str, Any]]) -> list[tuple[str, str]]:
    parameters = [tuple(pair) for pair in args.parameters]
    for name, value in parameters:
        unknown = [path.stem for path, names in declared.items() if name not in names]
        if unknown:
            raise UsageError(f"-p {name}: {unknown[0]} has no parameter of that name.")
        if name == "PROFILE" and value not in NAMES:
            raise UsageError(f"-p PROFILE {value}: a profile is one of {', '.join(NAMES)}.")
        if name == "PROFILE" and args.profile not in (None, value):
            raise UsageError(f"--profile {args.profile} and -p PROFILE {value} contradict each other.")
        for names in declared.values():
            _check_kind(name, value, names[name])
    return parameters + ([("PROFILE", args.profile)] if args.profile else [])


def _check_kind(name: str, value: str, default: Any) -> None:
    """UsageError if the notebook has a number there, or True or False, and papermill will not read one."""
    kind = type(default)
    if kind not in KINDS:
        return
    read, what = KINDS[kind]
    try:
        found = read(value)
    except (ValueError, KeyError):
        raise UsageError(f"-p {name} {value}: it is {default} in the notebook, and should be {what}.") from None
    if name == "SEED" and not is_seed(found):
        raise UsageError(f"-p SEED {value}: a seed is {SEEDS}.")


def environment(profile: str | None = None) -> dict[str, str]:
    """The environment variables for a kernel that is to use this Python, this package and this profile."""
    variables = dict(os.environ)
    variables["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(series.CHECKOUT), variables.get("PYTHONPATH")])
    )
    if data := variables.get("GAN_TUTORIAL_DATA"):  # a kernel stands in the folder of its notebook
        variables["GAN_TUTORIAL_DATA"] = os.path.abspath(os.path.expanduser(data))
    variables["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of this environment, not one in the home folder
    variables["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a debugger's warning that concerns nobody here
    return variables | ({VARIABLE: profile} if profile else {})


def _facts(copy: Path, trained: bool) -> dict[str, int]:
    """How many facts of an executed notebook hold, are only shown, or fail."""
    try:
        rows = facts.read(copy)
    except (OSError, ValueError, KeyError, TypeError):  # a killed notebook's copy may be cut off
        rows = []
    shown = sum(not row.asserted(trained) for row in rows)
    passed = sum(row.holds for row in rows if row.asserted(trained))
    return {"passed": passed, "shown_only": shown, "failed": len(rows) - shown - passed}


def _summarise(results: list[Result], profile: str | None, out: Path) -> bool:
    """Write summary.json; if that is not possible, say so and return False."""
    failed = sum(bool(result.error) for result in results)
    summary = {"profile": profile, "failed": failed, "notebooks": [asdict(result) for result in results]}
    path = out / "summary.json"
    try:
        _spare(path, lambda other: other.keys() == summary.keys())
        with in_one_stroke(path) as file:
            file.write(json.dumps(summary, indent=1).encode() + b"\n")
    except OSError as error:
        print(f"gan-tutorial run: {path} cannot be written ({reason(error)}).", file=sys.stderr)
        return False
    return True


def _spare(path: Path, ours: Callable[[Any], bool]) -> None:
    """Move what lies there aside, and say so, unless it is a folder or, by its content, what a run wrote."""
    if not os.path.lexists(path) or path.is_dir():
        return
    try:
        mine = path.is_file() and ours(json.loads(path.read_bytes()))  # a pipe would not answer
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        mine = False
    if not mine:
        with suppress(OSError):  # where nothing can be moved, nothing can be written either, and that is told
            print(f"gan-tutorial run: {aside(path, 'no run wrote it')}", file=sys.stderr)


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
        self.name, self.live = name, machine.redraws(sys.stdout)
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


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Inside, what ends this process ends its kernels first, undisturbed for `ENDING` seconds by further such signals.

    SIGTERM comes from a cancelled CI job, SIGHUP (twice) from a terminal that is closed, Ctrl-C from the impatient. For
    ever would be too long: what is raised in a `__del__`, or in a callback of the garbage collector, ends nothing.
    """
    names = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    before = {n: signal.getsignal(n) for n in names if n is not None}
    before = {n: handler for n, handler in before.items() if handler is not signal.SIG_IGN}  # as nohup wants it

    ending = -math.inf  # when the last one was obeyed

    def end(number: int, frame: object) -> None:
        nonlocal ending
        if time.monotonic() - ending > ENDING:
            ending = time.monotonic()
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for n in before:
        signal.signal(n, end)
    try:
        yield
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
