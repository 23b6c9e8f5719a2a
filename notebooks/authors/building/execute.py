"""Run an assembled notebook, measure it and keep of its outputs what a reader without a kernel can use."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from base64 import b64decode, b64encode
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image

from building import BuildError
from building.assemble import KEPT
from building.sections import COLLAPSED

VIEW = "application/vnd.jupyter.widget-view+json"
LARGE = 25_000  # bytes of a picture, of which a notebook has many
# Linux counts kilobytes, macOS bytes.
USAGE = (
    "import resource as _r, sys as _s\n"
    "_u = _r.getrusage(_r.RUSAGE_SELF)\n"
    "print(_u.ru_maxrss / (2**20 if _s.platform == 'darwin' else 2**10), _u.ru_utime + _u.ru_stime)"
)


def execute(
    nb: NotebookNode, folder: Path, root: Path, profile: str, solved: bool, timeout: int
) -> dict[str, Any]:
    """Run `nb` in `folder`, in place, and return what it took.  BuildError names the cell that fails."""
    env = os.environ | {"GAN_TUTORIAL_PROFILE": profile, "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    for name in (
        "GAN_TUTORIAL_STRICT",
        "MPLBACKEND",
    ):  # pictures go into the notebook, whatever the author uses
        env.pop(name, None)
    if solved:
        env["GAN_TUTORIAL_STRICT"] = "1"  # a solution that its own check refuses does not build
    nb.cells.append(nbformat.v4.new_code_cell(USAGE))
    client = NotebookClient(
        nb,
        timeout=timeout,
        startup_timeout=120,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    started: list[str] = []
    client.on_cell_start = lambda cell, cell_index: started.append(cell.id)
    start = time.perf_counter()
    try:
        client.execute(env=env)
    except (CellExecutionError, CellTimeoutError, DeadKernelError, NoSuchKernel) as error:
        where = f"cell {started[-1]}" if started else "the kernel"
        raise BuildError(f"{where} failed: {str(error).strip()}") from None
    seconds = time.perf_counter() - start
    peak, processor = map(float, nb.cells.pop().outputs[0].text.split())
    return {
        "profile": profile,
        # On a busy machine the clock also counts the work of others: alone it takes no longer than its processor time.
        "seconds": round(min(seconds, processor), 1),
        "peak_mb": round(peak),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        "date": date.today().isoformat(),
    }


def settle(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """`new`, or `old` where that was measured alike and is near: a rebuild then changes nothing."""
    if not old or any(old.get(key) != new[key] for key in ("profile", "cores", "python", "torch")):
        return new
    near = abs(old["seconds"] - new["seconds"]) <= max(10, old["seconds"] / 4)
    return old if near and abs(old["peak_mb"] - new["peak_mb"]) <= max(100, old["peak_mb"] / 4) else new


def said(measured: dict[str, Any] | None) -> str:
    """The time as it stands in the notebook: "about 2 minutes on 2 CPU cores"."""
    if not measured:
        return "not measured yet"
    where = "a GPU" if measured["profile"] == "gpu" else f"{measured['cores']} CPU cores"
    return f"{duration(measured['seconds'])} on {where}".replace(" 1 CPU cores", " 1 CPU core")


def duration(seconds: float) -> str:
    """Rounded as one would say it."""
    if seconds < 90:
        return f"about {max(10, round(seconds / 10) * 10)} seconds"
    return f"about {round(seconds / 60)} minutes"


def clean(nb: NotebookNode) -> None:
    """Drop widget views, widget state and what changes from run to run.

    A view without its kernel is an error message; GitHub refuses notebooks whose widget state it cannot read.
    """
    nb.metadata.pop("widgets", None)
    for cell in nb.cells:
        cell.metadata = NotebookNode({key: value for key, value in cell.metadata.items() if key in KEPT | {COLLAPSED}})
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_frozen, cell.outputs) if output]
            for output in cell.outputs:
                if "image/png" in output.get("data", {}) and "alt" in cell.metadata:
                    output.metadata["image/png"] = NotebookNode(alt=cell.metadata.alt)  # HTML made of it says it, too


def _frozen(output: NotebookNode) -> NotebookNode | None:
    data = output.get("data", {})
    if "image/png" in data:
        data["image/png"] = paletted(data["image/png"])
    if VIEW not in data:
        return output
    data.pop(VIEW)
    return output if set(data) - {"text/plain"} else None  # a bare repr of a widget says nothing


def paletted(png: str) -> str:
    """The same picture (base64) in 256 colours, a large one in 128, if that is smaller: the file is a third.

    Colours are chosen far apart (maximum coverage), and so those that mean something survive: by the median cut,
    which gives most of them to the shades that are frequent, a few blue dots before a soft field turn green.
    """
    picture = Image.open(BytesIO(b64decode(png)))
    if picture.mode == "P":
        return png
    small = png
    far_apart = {"method": Image.Quantize.MAXCOVERAGE, "dither": Image.Dither.NONE}
    for colors in (256, 128):
        buffer = BytesIO()
        picture.convert("RGB").quantize(colors, **far_apart).save(buffer, "png", optimize=True)
        small = min(small, b64encode(buffer.getvalue()).decode(), key=len)
        if len(small) < LARGE:
            break
    return small
