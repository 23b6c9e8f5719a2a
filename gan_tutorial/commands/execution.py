"""One notebook executed by papermill in a process of its own, watched from outside: progress, memory, time.

From outside, because a kernel that hangs or dies takes whoever waits for it along; the watcher comes back.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
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
ENDS = re.compile(r"^[ \t]*(exit|quit)\b[ \t]*(\(|;|#|$)", re.MULTILINE)  # ends the kernel, sooner or later
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
        result = _attempt(source, output, parameters, limits, environment, progress)
        if result.done == 0 and any(sign in _log(output) for sign in START_FAILURES):
            result = _attempt(source, output, parameters, limits, environment, progress)
            result.attempts = 2
        if not result.error:
            _log_path(output).unlink(missing_ok=True)
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
) -> Result:
    output.unlink(missing_ok=True)  # a copy from an earlier run must not pass for one of this run
    result = Result(source.stem, str(output), cells=_code_cells(source.read_text(encoding="utf-8")))
    start = time.monotonic()
    with open(_log_path(output), "w", encoding="utf-8") as log:
        worker = subprocess.Popen(
            _command(source, output, parameters, limits),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
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
    result.seconds, result.peak_mb = round(time.monotonic() - start, 1), peak >> 20
    cells = _read(output) or cells
    result.done = _count_done(cells)
    _diagnose(result, cells, worker.returncode, late, limits, _log(output))
    return result


def _command(source: Path, output: Path, parameters: Sequence[tuple[str, str]], limits: Limits) -> list[str]:
    # -P: a random.py where the person stands is none of papermill's; the kernel, without it, finds its notebook's.
    command = [sys.executable, "-P", "-m", "papermill", str(source), str(output), "--cwd", str(source.parent)]
    command += ["--kernel", "python3", "--no-progress-bar", "--log-level", "ERROR"]
    command += ["--start-timeout", str(START_TIMEOUT), "--execution-timeout", str(min(round(limits.cell), LONGEST))]
    for name, value in parameters:
        command += ["-p", name, value]
    return command


def _diagnose(result: Result, cells: list[dict], status: int, late: bool, limits: Limits, log: str) -> None:
    """Fill in `error` and `cell`: what happened, where, in one sentence."""
    if status == 0 and not late:
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
    raised = [i for i in started if _error_of(cells[i])]
    # The order matters: a cell stopped for its time shows a KeyboardInterrupt, which explains nothing.
    if late:
        what = f"the notebook did not end within {limits.notebook:g} s and was stopped"
    elif "CellTimeoutError" in log:
        what = f"the cell did not end within {limits.cell:g} s and was stopped"
    elif "DeadKernelError" in log:
        ends = [i for i in started if ENDS.search("".join(cells[i]["source"]))]
        index = ends[-1] if ends else index  # the kernel dies a moment later, perhaps in another cell
        why = f"most often it ran out of memory (it had {result.peak_mb} MB at its largest)"
        if ends or LEAVES.search("".join(cells[index]["source"])):
            why = "the cell seems to have ended it"
        what = f"the kernel died; {why}"
    elif raised:
        index = raised[0]
        what = _error_of(cells[index])
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
        if _error_of(cells[i]).startswith("SystemExit"):
            return i, "it left the notebook (SystemExit); what comes after it did not run"
        if cells[i]["execution_count"] is None:
            return i, "it did not run"
        end = ENDS.search("".join(cells[i]["source"]))
        if end and end[0] == end[0].lstrip() and i != code[-1]:  # not one that an `if` may have held back
            return i, f"it ended the kernel ({end[1]}), and what comes after it ran by luck"
    return None


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


def _log_path(output: Path) -> Path:
    return output.with_suffix(".log")


def _log(output: Path) -> str:
    return _log_path(output).read_text(encoding="utf-8", errors="replace")


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
