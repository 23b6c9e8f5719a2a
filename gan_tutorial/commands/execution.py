"""One notebook executed by papermill in a process of its own, watched from outside: progress, memory, time.

From outside, because a kernel that hangs or dies takes whoever waits for it along; the watcher comes back.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from gan_tutorial.disk import reason

POLL = 0.2  # seconds between two looks
START_TIMEOUT = 60  # seconds for a kernel to answer
START_FAILURES = (
    "Address already in use",
    "Kernel died before replying to kernel_info",
    "Kernel didn't respond",
)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
LONGEST = 10**7  # seconds that a cell can be given: more than that, and a clock below overflows
ALLOWED = "raises-exception"  # the tag of a cell that may fail, in Jupyter and here
LEAVES = re.compile(r"\b(exit|quit|_exit|abort|SystemExit|kill)\b")


class Limits(NamedTuple):
    """Seconds that a notebook, and each of its cells, may take."""

    notebook: float
    cell: float


@dataclass
class Result:
    """What became of one notebook.  `error` is empty when all went well; `cell` counts all cells from 1."""

    notebook: str
    output: str
    cells: int = 0
    done: int = 0
    seconds: float = 0.0
    peak_mb: int = 0
    attempts: int = 1
    cell: int | None = None
    error: str = ""
    facts: dict[str, int] = field(default_factory=dict)


def execute(
    source: Path,
    output: Path,
    parameters: Sequence[tuple[str, str]],
    limits: Limits,
    environment: dict[str, str],
    progress: Callable[[int, int, float], None],
) -> Result:
    """Execute `source` in its own folder, write the executed copy to `output`, say what became of it.

    What the notebook does never raises here, nor does a disk that fills up.  Two kernels that start at once may pick
    the same port, and the later one dies: where no kernel started, the notebook is tried once more.
    """
    try:
        result, log = _attempt(source, output, parameters, limits, environment, progress)
        unstarted = result.error and result.cell is None
        if unstarted and any(sign in log for sign in START_FAILURES):
            result, log = _attempt(source, output, parameters, limits, environment, progress)
            result.attempts = 2
        _keep_log(output, log if result.error else "")
    except OSError as error:
        result = Result(source.stem, str(output), error=f"{error.filename or output}: {reason(error)}")
    return result


def _attempt(
    source: Path,
    output: Path,
    parameters: Sequence[tuple[str, str]],
    limits: Limits,
    environment: dict[str, str],
    progress: Callable[[int, int, float], None],
) -> tuple[Result, str]:
    """What became of the notebook, and what papermill said meanwhile."""
    output.unlink(missing_ok=True)  # a copy from an earlier run must not pass for one of this run
    result = Result(source.stem, str(output), cells=_code_cells(source.read_text(encoding="utf-8")))
    start = time.monotonic()
    with tempfile.TemporaryFile(dir=output.parent) as file:
        worker = subprocess.Popen(
            _command(source, output, parameters, limits),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end the worker and its kernel
        )
        late, peak, cells, family = False, 0, [], []
        try:
            while worker.poll() is None and not late:
                _wait(worker)
                family = _family(worker.pid) or family
                peak = max(peak, sum(_memory(process) for process in family))
                cells = _read(output) or cells
                result.done, result.seconds = _count_done(cells), time.monotonic() - start
                late = result.seconds > limits.notebook
                progress(result.done, result.cells, result.seconds)
        finally:
            _end(worker, family)
        file.seek(0)
        log = file.read().decode(errors="replace")
    result.seconds, result.peak_mb = round(time.monotonic() - start, 1), peak >> 20
    cells = _read(output) or cells
    result.done = _count_done(cells)
    _diagnose(result, cells, worker.returncode, late, limits, log)
    return result, log


def _command(source: Path, output: Path, parameters: Sequence[tuple[str, str]], limits: Limits) -> list[str]:
    paths = [str(path).replace("{", "{{").replace("}", "}}") for path in (source, output)]  # papermill formats them
    # -P: a random.py where the person stands is none of papermill's; the kernel, without it, finds its notebook's.
    command = [sys.executable, "-P", "-m", "papermill", *paths, "--cwd", str(source.parent)]
    command += ["--kernel", "python3", "--language", "python", "--no-progress-bar", "--log-level", "ERROR"]
    command += ["--start-timeout", str(START_TIMEOUT), "--execution-timeout", str(min(round(limits.cell), LONGEST))]
    for name, value in parameters:
        command += ["-p", name, value]
    return command


def _diagnose(result: Result, cells: list[dict], status: int, late: bool, limits: Limits, log: str) -> None:
    """Fill in `error` and `cell`: what happened, where, in one sentence."""
    complaint = "papermill.exceptions.PapermillExecutionError" in log
    if not late and (status == 0 or complaint and not any(map(_failed, cells))):  # or only of what may fail
        if early := _left_early(cells):
            _blame(result, cells, *early)
        else:
            result.done = result.cells
        return
    started = [i for i, c in enumerate(cells) if c["cell_type"] == "code" and _record(c).get("start_time")]
    if not started:
        result.error = f"no cell was started: {_last_line(log)}"
        return
    index = started[-1]
    raised = [i for i in started if _failed(cells[i])]
    # The order matters: a cell stopped for its time shows a KeyboardInterrupt, which explains nothing.
    if late:
        what = f"the notebook did not end within {limits.notebook:g} s and was stopped"
    elif "nbclient.exceptions.CellTimeoutError" in log:
        what = f"the cell did not end within {limits.cell:g} s and was stopped"
    elif "nbclient.exceptions.DeadKernelError" in log:
        ends = [i for i in started if _ends(cells[i])]
        index = ends[-1] if ends else index  # the kernel dies a moment later, perhaps in another cell
        why = f"most often it ran out of memory (it had {result.peak_mb} MB at its largest)"
        if ends or LEAVES.search("".join(cells[index]["source"])):
            why = "the cell seems to have ended it"
        what = f"the kernel died; {why}"
    elif raised:
        index = raised[0]
        what = _error_of(cells[index]) or _last_line(log)
    else:
        what = _last_line(log)
    _blame(result, cells, index, what)


def _blame(result: Result, cells: list[dict], index: int, what: str) -> None:
    """Say that this cell failed, and how; the ones before it are done."""
    result.cell = index + 1
    result.done = sum(bool("".join(c["source"]).strip()) for c in cells[:index] if c["cell_type"] == "code")
    result.error = f"cell {result.cell} of {len(cells)} (`{_failing_line(cells[index])}`): {what}"


def _left_early(cells: list[dict]) -> tuple[int, str] | None:
    """The first cell that left the notebook or was left out, of which papermill says nothing, and what it did."""
    code = [i for i, cell in enumerate(cells) if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    for i in code:
        if _failed(cells[i]) and _error_of(cells[i]).startswith("SystemExit"):
            return i, "it left the notebook (SystemExit); what comes after it did not run"
        if cells[i]["execution_count"] is None:
            return i, "it did not run"
        if i != code[-1] and (end := _ends(cells[i], for_sure=True)):
            return i, f"it ended the kernel ({end}), and what comes after it ran by luck"
    return None


def _ends(cell: dict, for_sure: bool = False) -> str:
    """What in a cell ends the kernel, sooner or later: `exit` or `quit`; `for_sure`: no `if` may have held it back."""
    source = "".join(cell["source"])
    if not LEAVES.search(source):  # most cells: no need to read them
        return ""
    tree = _tree(source)
    for node in tree.body if for_sure else ast.walk(tree):
        if isinstance(node, ast.Expr):
            call = isinstance(node.value, ast.Call) or len(source.splitlines()) == 1 and not cell.get("outputs")
            name = getattr(node.value, "func", node.value)  # without brackets: IPython calls what is the whole cell
            if call and isinstance(name, ast.Name) and name.id in ("exit", "quit"):
                return name.id
    return ""


def _tree(source: str) -> ast.Module:
    """A cell as Python reads it, magics being calls like others; empty where it is none."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        with warnings.catch_warnings(action="ignore"):  # of "\d", say
            return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _read(output: Path) -> list[dict[str, Any]]:
    """The cells of the copy that are the notebook's own; none while papermill is in the midst of writing."""
    try:
        cells = json.loads(output.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return []
    own = {"injected-parameters", "papermill-error-cell-tag"}
    return [cell for cell in cells if not own.intersection(cell["metadata"].get("tags", []))]


def _record(cell: dict) -> dict:
    return cell["metadata"].get("papermill") or {}


def _count_done(cells: list[dict]) -> int:
    ran = [cell for cell in cells if cell["cell_type"] == "code" and cell["execution_count"] is not None]
    return sum(bool(_record(cell).get("end_time")) for cell in ran)


def _code_cells(text: str) -> int:
    code = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    return sum(bool("".join(cell["source"]).strip()) for cell in code)  # blank cells are not run


def _failed(cell: dict) -> bool:
    """Whether a cell shows an error, or stopped the notebook without one; not if it may fail."""
    return bool(_error_of(cell) or _record(cell).get("exception")) and ALLOWED not in cell["metadata"].get("tags", [])


def _error_of(cell: dict) -> str:
    """The last line of the error that a cell shows, as `ValueError: too short`; empty if it shows none."""
    for output in cell.get("outputs", []):
        if output["output_type"] == "error":
            lines = COLOURS.sub("", output.get("evalue", "")).strip().splitlines()
            return f"{output['ename']}: {lines[-1]}" if lines else output["ename"]
    return ""


def _failing_line(cell: dict) -> str:
    """The line of the cell that its traceback points at; without one, the line that leaves, or the first."""
    tracebacks = ["\n".join(o["traceback"]) for o in cell.get("outputs", []) if o["output_type"] == "error"]
    pointed = re.search(r"^-+> ?\d+ (.*)$", COLOURS.sub("", "\n".join(tracebacks)), re.MULTILINE)
    lines = [pointed[1]] if pointed else "".join(cell["source"]).splitlines()
    code = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    leaving = [line for line in code if LEAVES.search(line)]  # there is no traceback to point at it
    return [*leaving, *code, ""][0][:60]


def _last_line(log: str) -> str:
    lines = [line.strip() for line in COLOURS.sub("", log).splitlines() if line.strip()]
    return lines[-1] if lines else "papermill ended without a word"


def _keep_log(output: Path, log: str) -> None:
    """Put it beside the copy, or nothing if it is empty; a person's own NAME.log stays, and ours is NAME.1.log."""
    mark = f"What papermill said of {output.name}, run by gan-tutorial:\n"
    path, n = output.with_suffix(".log"), 0
    while os.path.lexists(path) and not _begins_with(path, mark):
        n += 1
        path = output.with_suffix(f".{n}.log")
    path.unlink(missing_ok=True)
    if log:
        path.write_text(mark + log, encoding="utf-8")


def _begins_with(path: Path, mark: str) -> bool:
    if not path.is_file():  # a pipe, say, which would not answer
        return False
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(len(mark)) == mark
    except OSError:
        return False


def _wait(worker: subprocess.Popen) -> None:
    try:
        worker.wait(POLL)
    except subprocess.TimeoutExpired:
        pass


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _memory(process: psutil.Process) -> int:
    """Bytes that a process holds, or where the system keeps it, the most that it ever held."""
    try:
        return max(process.memory_info().rss, _high_water(process.pid))
    except psutil.Error:  # it ended between the two looks
        return 0


def _high_water(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # not Linux, or ended
        return 0
    found = re.search(r"VmHWM:\s*(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0


def _end(worker: subprocess.Popen, family: Sequence[psutil.Process]) -> None:
    """End the worker and all that it started: a kernel has a session of its own and would stay behind."""
    family = [*family, *_family(worker.pid)]
    if worker.poll() is None:
        worker.kill()
    worker.wait()
    for process in family:
        try:
            process.kill()  # a no-op on a number that by now belongs to another process
        except psutil.NoSuchProcess:
            continue
