"""What the doctor looks at, each check on its own: it yields lines, or raises where it can say nothing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from gan_tutorial import machine
from gan_tutorial.commands.findings import Line
from gan_tutorial.commands.series import CHECKOUT, notebooks_folder, reading
from gan_tutorial.lesson.profile import VARIABLE, choose, duration

OLDEST_PYTHON = (3, 11)
ENOUGH_MEMORY = 1.9  # GB: no notebook takes more in profile cpu; a test looks at what was measured
ENOUGH_DISK = 1.0  # GB: data, executed copies, checkpoints
KERNEL_TIMEOUT = 30  # seconds
PROBE = "import sys, importlib.util as u; print(sys.prefix, u.find_spec('gan_tutorial') is not None, sep='|')"


def python() -> Iterator[Line]:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        remedy = f"Install a newer Python, remove .venv and run `make install PYTHON=python{oldest}`."
        yield Line("Python", "problem", f"{version}, but {oldest} or newer is needed", remedy)
    else:
        yield Line("Python", "ok", f"{version} on {platform.system()} {platform.machine()}")


def packages() -> Iterator[Line]:
    from packaging.requirements import Requirement

    missing, old, found = [], [], []
    for requirement in map(Requirement, _requirements()):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(requirement.name)
            continue
        found.append(f"{requirement.name} {version}")
        if not requirement.specifier.contains(version, prereleases=True):
            old.append(f"{requirement.name} is {version}, but {requirement.specifier} is needed")
    if missing:
        yield Line("packages", "problem", f"missing: {', '.join(missing)}", "Run `make install`.")
    if old:
        yield Line("packages", "problem", "; ".join(old), "Run `make install`.")
    if not missing and not old:
        yield Line("packages", "ok", ", ".join(found))


def _requirements() -> list[str]:
    """What the package needs, from the one list: the checkout's pyproject.toml, else as it was installed."""
    project = CHECKOUT / "pyproject.toml"
    if not project.is_file():
        return importlib.metadata.requires("gan-tutorial") or []
    import tomllib

    return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]


def torch_pair() -> Iterator[Line]:
    import torch

    # torchvision comes as a pair with torch.  Its compiled part loads in a blink and fails where the two do
    # not fit; importing all of torchvision would take seconds and hide the reason.
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        yield Line("torch", "problem", "torchvision is not installed", "Run `make install`.")
        return
    libraries = [path for folder in spec.submodule_search_locations for path in Path(folder).glob("_C*.*")]
    pair = f"torch {torch.__version__} and torchvision {importlib.metadata.version('torchvision')}"
    try:
        for library in libraries:
            torch.ops.load_library(str(library))
        if libraries:
            torch.ops.torchvision.nms  # noqa: B018  (raises where it was not registered)
    except (OSError, AttributeError, RuntimeError):
        cpu = platform.system() == "Linux" and not torch.version.cuda
        place = " --index-url https://download.pytorch.org/whl/cpu" if cpu else ""
        remedy = f"Install both anew, from one source: `pip install --force-reinstall torch torchvision{place}`."
        yield Line("torch", "problem", f"{pair} do not fit together", remedy)
        return
    yield Line("torch", "ok", f"{pair} fit together")


def build() -> Iterator[Line]:
    import torch

    version, cuda, shown = torch.__version__.partition("+")[0], torch.version.cuda, _nvidia()
    other = torch.version.hip or getattr(torch.version, "xpu", None)
    if cuda and not shown:
        text = f"torch {version}, CUDA {cuda} build, but no NVIDIA device: some 5 GB larger than needed"
        yield Line("build", "note", text, f"It works as it is. For the smaller one: {_other_build('cpu')}.")
    elif not cuda and not other and shown:
        text = f"torch {version}, CPU build, but there is an NVIDIA device"
        yield Line("build", "note", text, f"It works as it is. To use the device: {_other_build('cuda')}.")
    else:
        kind = f"CUDA {cuda}" if cuda else "GPU" if other else "CPU"
        yield Line("build", "ok", f"torch {version}, {kind} build, {'an' if shown else 'no'} NVIDIA device")


def _nvidia(root: Path = Path("/")) -> bool:
    """Whether there is an NVIDIA device with its driver, as install.py sees it: a CPU build of torch cannot tell."""
    if any(any(root.glob(pattern)) for pattern in ("dev/nvidia[0-9]*", "proc/driver/nvidia/gpus/*")):
        return True
    program = shutil.which("nvidia-smi") or root / "usr/lib/wsl/lib/nvidia-smi"
    try:
        told = subprocess.run([program, "-L"], stdin=subprocess.DEVNULL, capture_output=True, timeout=15, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and b"GPU " in told.stdout


def _other_build(name: str) -> str:
    """How to come by the other build of torch: install.py changes the one in .venv, on Linux, and no other."""
    ours = Path(sys.prefix).resolve() == CHECKOUT / ".venv" and platform.system() == "Linux"
    return f"`make install TORCH={name}`" if ours else "install torch and torchvision as PyTorch's own site says"


def device() -> Iterator[Line]:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory
        yield Line("device", "ok", f"GPU {torch.cuda.get_device_name(0)}, {_gb(memory)}")
    elif shutil.which("nvidia-smi"):
        remedy = "Look at `nvidia-smi`: most often the driver is too old, or torch is built for CPUs only."
        yield Line("device", "note", "there is a driver for a GPU, but torch finds none", remedy)
    else:
        yield Line("device", "ok", "no GPU that torch can use: the CPU, for which the tutorial is made")


def cores() -> Iterator[Line]:
    import torch

    cores, shown = machine.cores(), os.cpu_count() or 1
    text = f"{cores} of {shown}" if cores < shown else f"{cores}"
    threads = torch.get_num_threads()
    if threads > cores:
        text += f"; torch would start {threads} threads, and the notebooks lower that to {cores}"
    else:
        text += f"; torch uses {threads} {'thread' if threads == 1 else 'threads'}"
    yield Line("cores", "note" if cores == 1 else "ok", text, "Allow twice the time." if cores == 1 else "")


def products() -> Iterator[Line]:
    from gan_tutorial.game.products import EXACT, look

    found = look()
    if found.worthwhile:
        yield Line("products", "ok", f"of matrices by oneDNN: exact, {found.gain:.1f} times as fast as torch's own")
    elif found.gain == 0:
        yield Line("products", "ok", "of matrices by torch's own; before 2.9 it offers no other")
    else:
        what = f"{found.gain:.1f} times as fast" + (", but not float32" if found.error >= EXACT else "")
        yield Line("products", "ok", f"of matrices by torch's own; oneDNN's would be {what}")
    if len(kinds := machine.openmp()) > 1:
        remedy = "Install torch and numpy from one source, both by pip or both by conda, into a new environment."
        names = " and ".join(sorted(kinds))
        yield Line("threads", "note", f"OpenMP twice in one process, {names}: training may crawl or stop", remedy)


def memory() -> Iterator[Line]:
    available, limit = machine.memory()
    text = f"{_gb(available)} available of {_gb(limit)}"
    if available < ENOUGH_MEMORY * 1e9:
        remedy = f"A notebook takes up to {ENOUGH_MEMORY} GB: shut down other kernels, close other programs."
        yield Line("memory", "note", text, remedy)
    else:
        yield Line("memory", "ok", text)


def disk() -> Iterator[Line]:
    folder = notebooks_folder()
    free = shutil.disk_usage(folder).free
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        text = "the notebooks' folder cannot be written to: what you change there is lost"
        yield Line("disk", "note", text, "Copy the whole folder to a place of your own.")
    if free < ENOUGH_DISK * 1e9:
        yield Line("disk", "note", f"{_gb(free)} free", f"Free up {ENOUGH_DISK:g} GB for data and results.")
    else:
        yield Line("disk", "ok", f"{_gb(free)} free")


def data() -> Iterator[Line]:
    from gan_tutorial.clothes import files

    folders = files.data_folders()
    found = files.find(folders)
    if found is None:
        looked = " and ".join(map(_place, folders))
        remedy = (
            "Run `gan-tutorial data` (30 MB). Without a network, notebooks use drawn garments and say so."
        )
        yield Line("data", "note", f"FashionMNIST is not yet in {looked}", remedy)
        return
    try:
        files.read(found)
        yield Line("data", "ok", f"FashionMNIST, complete and verified, in {_place(found)}")
    except files.CorruptData as error:
        yield Line("data", "problem", str(error))


def _place(folder: Path) -> str:
    """A folder as seen from the checkout, if it is there or beside it: this goes into stored notebooks."""
    beside = folder.is_relative_to(CHECKOUT.parent)
    return Path(os.path.relpath(folder, CHECKOUT)).as_posix() if beside else str(folder)


def lab() -> Iterator[Line]:
    version = importlib.metadata.version("jupyterlab")
    running = _servers()
    if running:
        yield Line("JupyterLab", "ok", f"{version}, running at {' and '.join(running)}")
    else:
        yield Line("JupyterLab", "ok", f"{version}; not running now: `make lab` opens it")


def _servers() -> list[str]:
    """Addresses of this person's Jupyter servers that answer, without their tokens."""
    import urllib.request

    from jupyter_core.paths import jupyter_runtime_dir

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # for this machine, no proxy
    addresses = []
    for path in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        if not os.path.isfile(path):  # a pipe could be waited for without end
            continue
        try:
            address = json.loads(path.read_text(encoding="utf-8"))["url"]
            with opener.open(f"{address}api", timeout=1):
                addresses.append(address)
        # It ended without tidying up, and its port may be another's by now; or it answers nobody but its user.
        except (OSError, ValueError, KeyError, TypeError, HTTPException):
            continue
    return addresses


def kernel() -> Iterator[Line]:
    import IPython

    if getattr(IPython.get_ipython(), "kernel", None):
        yield Line("kernel", "ok", "this one runs")
        return
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    with tempfile.TemporaryFile() as noise:
        manager.start_kernel(cwd=tempfile.gettempdir(), stdout=noise, stderr=noise)
        try:
            client = manager.blocking_client()
            client.start_channels()
            client.wait_for_ready(timeout=KERNEL_TIMEOUT)
            prefix, _, found = _ask(client).partition("|")
        finally:
            manager.shutdown_kernel(now=True)
    if Path(prefix).resolve() != Path(sys.prefix).resolve():
        remedy = "Run `jupyter kernelspec remove python3`, then `make install`."
        yield Line("kernel", "problem", f"the kernel python3 starts another Python, that of {prefix}", remedy)
    elif found != "True":
        yield Line("kernel", "problem", "starts, but cannot import gan_tutorial", "Run `make install`.")
    else:
        yield Line("kernel", "ok", "starts, and runs this Python")


def _ask(client: Any) -> str:
    """What the probe prints in a kernel."""
    client.execute(PROBE)
    try:
        while True:
            message = client.get_iopub_msg(timeout=KERNEL_TIMEOUT)
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                return message["content"]["text"].strip()
    except queue.Empty:
        raise TimeoutError(f"the kernel started, but did not answer within {KERNEL_TIMEOUT} s") from None


def profile() -> Iterator[Line]:
    try:
        chosen = choose()
    except ValueError as error:
        yield Line("profile", "problem", str(error), f"Set {VARIABLE} to one of the three, or unset it.")
        return
    why = f"from {VARIABLE}" if os.environ.get(VARIABLE) else "by the device"
    yield Line("profile", "ok", f"{chosen.name} ({why}): {_expectation(chosen.name)}")


def _expectation(profile: str) -> str:
    """What the series took where it was built, if it was built in this profile."""
    built = []
    for path in sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb")):
        with reading(path):
            record = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("gan_tutorial", {})
            if record.get("profile") == profile and record.get("seconds"):
                built.append((record["seconds"], path.stem))
    if not built:
        return "the stored notebooks do not say how long it takes"
    slowest, name = max(built)
    whole = duration(sum(seconds for seconds, _ in built))
    count = f"{len(built)} notebook{'s' if len(built) > 1 else ''}"
    return f"when built, {count} took {whole} in all; the longest, {name}, {duration(slowest)}"


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
