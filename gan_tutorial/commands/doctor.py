"""`gan-tutorial doctor`: can the tutorial run here, how long will it take, and what to do where it cannot."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from gan_tutorial.commands import checks, room
from gan_tutorial.commands.cli import UsageError
from gan_tutorial.commands.findings import Line, Report

CHECKS: dict[str, Callable[[], Iterable[Line]]] = {
    "Python": checks.python,
    "packages": checks.packages,
    "torch": checks.torch_pair,
    "build": checks.build,
    "device": checks.device,
    "cores": checks.cores,
    "products": checks.products,
    "memory": checks.memory,
    "disk": checks.disk,
    "data": checks.data,
    "JupyterLab": checks.lab,
    "kernel": checks.kernel,
    "profile": checks.profile,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say whether the tutorial can run here, how long it will take, and what to do if it cannot."
    )
    parser.epilog = "exit status: 0 ready, with or without notes; 1 something stands in the way"
    parser.add_argument(
        "--room", nargs="?", const=1, type=_learners, metavar="N", help="before you teach: also try a start without a "
        "network, and time the first picture; N: how many learners will use this machine at a time, default 1",
    )  # fmt: skip


def main(args: argparse.Namespace | None) -> int:
    learners = getattr(args, "room", None)
    findings = report(CHECKS | room_checks(learners)) if learners else report()
    print(findings)
    return 0 if findings.ready else 1


def room_checks(learners: int) -> dict[str, Callable[[], Iterable[Line]]]:
    """What a room needs in addition, or more strictly."""
    return {"data": room.data, "start": room.start, "learners": lambda: room.learners(learners)}


def report(wanted: dict[str, Callable[[], Iterable[Line]]] | None = None) -> Report:
    """All findings, in a few seconds; as the last line of a notebook's cell, a table."""
    wanted = CHECKS if wanted is None else wanted
    with ThreadPoolExecutor(
        1
    ) as beside:  # a kernel takes its time to start: meanwhile torch is imported here
        kernel = beside.submit(_findings, "kernel", checks.kernel)
        findings = Report()
        for what, check in wanted.items():
            findings += kernel.result() if what == "kernel" else _findings(what, check)
    return findings


def _learners(word: str) -> int:
    if not (word.isascii() and word.isdigit() and 0 < int(word[:9]) < 10_000):
        raise argparse.ArgumentTypeError(f"N is a number of learners, 1 or more, not {word!r}")
    return int(word)


def _findings(what: str, check: Callable[[], Iterable[Line]]) -> list[Line]:
    # A doctor that falls over helps nobody: what a check did not foresee is a finding as well.
    try:
        return list(check())
    except ModuleNotFoundError as error:
        return [Line(what, "problem", f"{error.name} is not installed", "Run `make install`.")]
    except UsageError as error:  # a notebook that was cut, say
        remedy = "Move it away if something of it is yours; `git checkout` with this path brings back the stored one."
        return [Line("notebooks", "problem", str(error).rstrip("."), remedy)]
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        return [
            Line(what, "problem", f"{type(error).__name__}: {first}", "Run `make install` and try again.")
        ]
