"""What a room needs besides a machine that is ready: `gan-tutorial doctor --room`.

The data, a start without a network, the time until the first picture, and memory and cores for each learner. The start
is that of a learner: a kernel runs the cells of notebook 00 as far as its first picture, and then all imports of the
series.
"""

from __future__ import annotations

import ast
import json
import queue
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan_tutorial import machine
from gan_tutorial.commands import checks
from gan_tutorial.commands.findings import Line
from gan_tutorial.commands.series import notebooks_folder, reading

PLANNED_MEMORY = 2.0  # GB for each learner; with less than checks.ENOUGH_MEMORY kernels are ended by the system
PLANNED_CORES = 2  # for each learner: what the minutes of Run All were measured with
SOON, LATE = 30, 120  # seconds until the first picture: nobody minds; nobody waits longer
PICTURES = {"image/png", "application/vnd.jupyter.widget-view+json"}
ASKED = "from gan_tutorial.commands import offline\nprint('asked:', *dict.fromkeys(offline.asked))"


def data() -> Iterator[Line]:
    """As `doctor` says it, but what is only a pity at home stands in the way here."""
    for line in checks.data():
        if line.state == "note":
            remedy = "Run `gan-tutorial data` while there is a network (30 MB), or copy `data/` from another machine."
            line = Line(line.what, "problem", line.text, remedy)
        yield line


def learners(count: int) -> Iterator[Line]:
    """Whether the machine has enough for so many at a time."""
    available, _ = machine.memory()
    memory, cores = available / 1e9 / count, machine.cores() / count
    enough = int(min(available / 1e9 / PLANNED_MEMORY, machine.cores() / PLANNED_CORES))
    each = "each learner" if count > 1 else "the learner"
    who = f"{count} learners at a time: " if count > 1 else ""
    text = f"{who}{memory:.1f} GB and {cores:.2g} {'core' if cores == 1 else 'cores'} for {each}"
    plan = f"Plan {PLANNED_MEMORY:g} GB and {PLANNED_CORES} cores for each"
    plan += f": enough for {enough} here." if enough and count > 1 else "."
    if memory < checks.ENOUGH_MEMORY:
        yield Line("learners", "problem", f"{text}: too little memory for a notebook", plan)
    elif memory < PLANNED_MEMORY or cores < PLANNED_CORES:
        yield Line("learners", "note", f"{text}: trainings take longer than the notebooks say", plan)
    else:
        yield Line("learners", "ok", text)


def start() -> Iterator[Line]:
    """Two findings: whether all works without a network, and how soon there is something to see."""
    notebooks = sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    if not notebooks:
        yield Line("offline", "problem", f"there is no notebook in {notebooks_folder()}", "Clone the whole repository.")
        return
    cells = [_code(path) for path in notebooks]
    found = _try(cells[0], "\n".join(dict.fromkeys(line for codes in cells for line in _imports(codes))))
    if found.error:
        remedy = "Run `make install` and `gan-tutorial data` while there is a network, then this again."
        yield Line("offline", "problem", f"without a network the series does not start: {found.error}", remedy)
    elif found.asked:
        text = f"all is imported without a network, but something asks for {', '.join(found.asked)}"
        yield Line("offline", "note", text, "It works as it is; with a bad network it may have to wait for an answer.")
    else:
        count = f"{len(notebooks)} notebooks import" if len(notebooks) > 1 else "its notebook imports"
        yield Line("offline", "ok", f"a kernel starts without a network, and all that {count}")
    if found.seconds is None:
        if not found.error:
            remedy = "Open notebook 00 and run it from the top."
            yield Line("first picture", "problem", f"notebook {notebooks[0].stem[:2]} shows none", remedy)
        return
    text = f"{found.seconds:.0f} s after a kernel of notebook {notebooks[0].stem[:2]} is asked for"
    if found.seconds > LATE:
        yield Line("first picture", "problem", text, "Nobody waits so long: take a faster machine, or fewer learners.")
    elif found.seconds > SOON:
        yield Line("first picture", "note", text, "Let everybody run the first cells before you begin to speak.")
    else:
        yield Line("first picture", "ok", text)


@dataclass
class Found:
    """What a kernel without a network did: seconds until a picture, what it asked for, and where it failed."""

    seconds: float | None = None
    asked: list[str] = field(default_factory=list)
    error: str = ""


def _try(codes: list[str], imports: str) -> Found:
    from jupyter_client.manager import KernelManager

    found, start = Found(), time.perf_counter()
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv = [sys.executable, "-m", "gan_tutorial.commands.offline", "-f", "{connection_file}"]
    with tempfile.TemporaryFile() as noise:
        manager.start_kernel(cwd=str(notebooks_folder()), stdout=noise, stderr=noise)
        try:
            client = manager.blocking_client()
            client.start_channels()
            client.wait_for_ready(timeout=checks.KERNEL_TIMEOUT)
            for code in codes:
                shown, _, found.error = _run(client, code)
                if shown or found.error:
                    found.seconds = shown and shown - start
                    break
            if not found.error:
                _, _, found.error = _run(client, imports)
            _, said, _ = _run(client, ASKED)
            found.asked = said.partition("asked:")[2].split()
        except (RuntimeError, TimeoutError) as error:
            found.error = (str(error).splitlines() or [type(error).__name__])[0]
        finally:
            manager.shutdown_kernel(now=True)
    return found


def _run(client: Any, code: str) -> tuple[float | None, str, str]:
    """When a cell shows a picture (`time.perf_counter()`; None: never), what it prints, and how it fails."""
    shown, said, error, end = None, "", "", time.monotonic() + 2 * LATE
    message = client.session.msg("execute_request", {"code": code, "silent": False, "allow_stdin": False})
    number = message["header"]["msg_id"]
    message["metadata"]["cellId"] = number  # so says who draws: the laboratory need not play for a still first
    client.shell_channel.send(message)
    while True:
        try:
            message = client.get_iopub_msg(timeout=max(0.1, end - time.monotonic()))
        except queue.Empty:
            raise TimeoutError(f"a cell takes more than {2 * LATE} s") from None
        if message["parent_header"].get("msg_id") != number:
            continue
        kind, content = message["msg_type"], message["content"]
        if shown is None and PICTURES & set(content.get("data", {})):
            shown = time.perf_counter()
        if kind == "stream":
            said += content["text"]
        elif kind == "error":
            error = f"{content['ename']}: {(content['evalue'].splitlines() or [''])[0]}"
        elif kind == "status" and content["execution_state"] == "idle":
            return shown, said, error


def _code(path: Path) -> list[str]:
    """The cells of a notebook that a kernel runs, without those that would install something."""
    with reading(path):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [code for code in codes if "%pip" not in code]


def _imports(codes: list[str]) -> Iterator[str]:
    for code in codes:
        try:
            tree = ast.parse(code)
        except SyntaxError:  # a magic of IPython's
            continue
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield ast.unparse(node)
