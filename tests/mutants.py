"""Known mistakes of GAN code, put into a copy of the package one at a time: our tests must find each of them.

    python tests/mutants.py            all of `mistakes.py`; if all are found, the page `mutants.md` is written
    python tests/mutants.py penalty    those with this word in their sentence or in the name of their file

A mistake is found if an assertion of its test turns out false. Exit status 1 if one is not found: if it survives, or if
it breaks the package so plainly that no test was needed.
"""

import multiprocessing
import os
import queue
import re
import shutil
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from mistakes import MISTAKES, Mistake

TESTS = Path(__file__).resolve().parent
PAGE = TESTS / "mutants.md"
PATIENCE = 60  # seconds for the test of one mistake; the slowest needs a few
# How pytest's summary begins where a test found something false; any other error may be the change's own clumsiness,
# as a misspelt name would be, and shows nothing of what the test can do.
ASSERTED = ("assert ", "AssertionError", "Failed: DID NOT")
# What every test needs and no mistake touches: imported once, in the process that the others are forked from.
COMMON = ["torch", "torch._dynamo", "scipy.optimize", "scipy.stats", "scipy.integrate", "matplotlib", "ot", "pytest"]


class Verdict(NamedTuple):
    """Whether a test found the mistake; which one and by what, or why not."""

    found: bool
    words: str


def verdict(status: int | None, output: str) -> Verdict:
    """What pytest's exit status (None: it hung) and its last lines say."""
    if status is None:
        return Verdict(False, f"no answer after {PATIENCE} seconds")
    if status == 0:
        return Verdict(False, "SURVIVED: the test passes")
    failed = re.search(r"^FAILED tests/(\S+?::\w+(?:\[.*?\])?)(?: - (.*))?$", output, re.M)
    if status != 1 or not failed or re.search(r"^ERROR ", output, re.M):
        return Verdict(False, f"pytest could not run the test (exit status {status}):\n{output}")
    test, why = failed[1], failed[2] or ""
    if not why.startswith(ASSERTED):
        return Verdict(False, f"{test} ended before it could judge: {why}")
    return Verdict(True, f"{test}: {why[:90]}")


def changed(mistake: Mistake, text: str) -> str:
    """The text of the file with the mistake in it; ValueError where the package has moved on."""
    for old, new in mistake.changes():
        if text.count(old) != 1:
            raise ValueError(
                f"{mistake.file} holds this text {text.count(old)} times, not once; bring tests/mistakes.py up to date "
                f"for: {mistake.what}\n{old}"
            )
        text = text.replace(old, new)
    return text


def run_pytest(tree: str, tests: list[str], log: str, write: bool) -> None:
    """What a process of its own does: pytest in that copy of the tree, all its words into the log."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1), os.dup2(out, 2)
    os.chdir(tree)
    # The copy before the checkout, which is installed too
    sys.path[:] = [tree, *(place for place in sys.path if Path(place).resolve() != TESTS)]
    sys.dont_write_bytecode = not write
    tempfile.tempdir = tree  # what tests leave behind goes when the copy goes
    import pytest

    os.environ["COLUMNS"] = "1000"  # else the summary is cut to the width of a terminal
    options = ["-o", "addopts=", "-q", "-x", "--tb=no", "-rfE", "--disable-warnings", "-p", "no:cacheprovider"]
    status = pytest.main([*options, *(f"tests/{test}" for test in tests)])
    sys.stdout.flush()
    os._exit(status)  # what is left to do at the end of a process is not worth its time


def ask(tree: Path, tests: list[str], patience: float = PATIENCE, write: bool = False) -> Verdict:
    """The verdict of these tests on that copy."""
    log = tree / "pytest.log"
    log.write_text("")
    process = start.Process(target=run_pytest, args=(str(tree), tests, str(log), write))
    process.start()
    process.join(patience)
    if hung := process.is_alive():
        process.kill()
        process.join()
    return verdict(None if hung else process.exitcode, log.read_text(errors="replace"))


def judge(mistake: Mistake, tree: Path) -> Verdict:
    """The verdict on one mistake, in a copy that is whole again afterwards."""
    place = tree / "gan_tutorial" / mistake.file
    whole, date = place.read_bytes(), place.stat().st_mtime_ns
    place.write_text(changed(mistake, whole.decode()), encoding="utf-8")
    try:
        return ask(tree, [mistake.test])
    finally:
        place.write_bytes(whole)
        os.utime(place, ns=(date, date))  # so that its bytecode is right again


def copy_tree(tree: Path) -> Path:
    """Package and tests, all that the tests of a mistake need."""
    leave_out = shutil.ignore_patterns("__pycache__")
    for name in ("gan_tutorial", "tests"):
        shutil.copytree(TESTS.parent / name, tree / name, ignore=leave_out)
    for name in ("pyproject.toml", "install.py"):  # the second: conftest asks it where a browser is
        shutil.copy2(TESTS.parent / name, tree)
    return tree


def page() -> str:
    """The list for readers, in Markdown."""
    about = (
        f"{len(MISTAKES)} known mistakes of GAN code; where a place is named, one was found there. `make mutants` puts "
        "them into a copy of our package, one at a time, and runs the test that is named: an assertion in it has to "
        "turn out false. A mistake that passes all tests is one that we could make ourselves. "
        "[mistakes.py](mistakes.py) has each as a change of a few words."
    )
    head = "| | the mistake | seen in | put into | found by |\n|---|---|---|---|---|"
    lines = ["# Mistakes that cannot pass", "", textwrap.fill(about, 120), "", head]
    for number, m in enumerate(MISTAKES, 1):
        path, _, test = m.test.partition("::")
        what, place = m.what.replace("|", r"\|"), f"[{m.file}](../gan_tutorial/{m.file})"
        lines.append(f"| {number} | {what} | {m.seen} | {place} | [{test.partition('[')[0]}]({path}) |")
    return "\n".join([*lines, ""])


def main(words: list[str]) -> int:
    """Judge the mistakes with one of these words in them, all if there are none.  -> exit status"""
    from gan_tutorial.machine import cores

    chosen = [m for m in MISTAKES if not words or any(w.lower() in f"{m.what} {m.file}".lower() for w in words)]
    if not chosen:
        print("No mistake has such a word in it.", file=sys.stderr)
        return 1
    began, workers = time.monotonic(), min(cores(), len(chosen))
    with tempfile.TemporaryDirectory(prefix="gan-tutorial-mutants-") as folder:
        first = copy_tree(Path(folder) / "0")
        whole = ask(first, sorted({m.test for m in chosen}), patience=10 * PATIENCE, write=True)
        if whole.words != verdict(0, "").words:
            print(f"Without any mistake the tests should pass: {whole.words}", file=sys.stderr)
            return 1
        trees: queue.Queue[Path] = queue.Queue()
        trees.put(first)
        for number in range(1, workers):
            trees.put(shutil.copytree(first, Path(folder) / str(number)))

        def one(mistake: Mistake) -> bool:
            tree, start_of_it = trees.get(), time.monotonic()
            try:
                found, said = judge(mistake, tree)
            except ValueError as error:
                found, said = False, str(error)
            finally:
                trees.put(tree)
            sign, seconds = "found" if found else "MISSED", time.monotonic() - start_of_it
            print(f"{sign:6} {seconds:5.1f} s  {mistake.file:20}  {mistake.what}\n{'':16}  {said}", flush=True)
            return found

        print(f"The tests pass without a mistake ({time.monotonic() - began:.0f} s). With one:", flush=True)
        with ThreadPoolExecutor(workers) as pool:
            score = sum(pool.map(one, chosen))
    print(f"\n{score} of {len(chosen)} mistakes found, in {time.monotonic() - began:.0f} seconds.")
    if score == len(MISTAKES):
        PAGE.write_text(page(), encoding="utf-8")
    return int(score < len(chosen))


# Forked from one process that holds torch already, a test starts in a moment; where there is no fork, in some seconds.
HAS_FORK = "forkserver" in multiprocessing.get_all_start_methods()
start = multiprocessing.get_context("forkserver" if HAS_FORK else "spawn")

if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "400"}
    start.set_forkserver_preload(COMMON)
    sys.exit(main(sys.argv[1:]))
