"""What this process may use: cores and memory, as granted by the container and not as counted on the host.

Binder, JupyterHub and many CI runners show all cores and all memory of a big host and grant a small part.
"""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

SYSTEM = Path("/")  # where /proc and /sys are; tests put a made-up one here


def cores() -> int:
    """Cores that this process may keep busy: the smaller of CPU affinity and cgroup quota, at least 1.

    A quota of 1.5 cores counts as 2: two threads get all of the 1.5, one thread would get 1.
    """
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        allowed = os.cpu_count() or 1
    quotas = list(_cpu_quotas())
    return max(1, min([allowed, *(math.ceil(quota) for quota in quotas)]))


def memory() -> tuple[int, int]:
    """(available, limit) in bytes: what can still be taken, and what the container or machine has in all."""
    import psutil

    machine = psutil.virtual_memory()
    available, limit = machine.available, machine.total
    for granted, taken in _memory_limits():
        if granted < machine.total:  # "no limit" is written as a number beyond any machine's memory
            limit = min(limit, granted)
            available = min(available, max(0, granted - taken))
    return available, limit


def redraws(stream: TextIO) -> bool:
    """Whether a line can be written over there: on a terminal, unless it calls itself dumb, as Emacs' shell does."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def processor() -> tuple[str, int]:
    """Maker and family of the processor, for instance ("AuthenticAMD", 26); ("", 0) where that cannot be read."""
    about = dict(line.split(":", 1) for line in _lines(SYSTEM / "proc/cpuinfo") if ":" in line)
    about = {key.strip(): value.strip() for key, value in about.items()}
    if "vendor_id" in about and about.get("cpu family", "").isdigit():
        return about["vendor_id"], int(about["cpu family"])
    if found := re.search(r"Family (\d+) .*, (\w+)$", platform.processor()):  # Windows
        return found[2], int(found[1])
    return "", 0


def openmp() -> set[str]:
    """The kinds of OpenMP runtimes that this process has loaded: more than one get into each other's way."""
    import psutil

    try:
        loaded = [Path(found.path).name for found in psutil.Process().memory_maps()]
    except (AttributeError, psutil.Error):  # macOS shows none
        return set()
    return {found[0] for name in loaded if (found := re.match("libgomp|libiomp5|libomp|vcomp", name))}


def _groups(controller: str) -> Iterator[tuple[Path, bool]]:
    """The folders of this process's cgroup and of those around it, innermost first; True marks version 2."""
    for line in _lines(SYSTEM / "proc/self/cgroup"):
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            root, unified = SYSTEM / "sys/fs/cgroup", True
        elif controller in controllers.split(","):
            root, unified = SYSTEM / "sys/fs/cgroup" / controller, False
        else:
            continue
        inner = Path(path.strip("/"))
        for folder in (
            inner,
            *inner.parents,
        ):  # a container often sees only the root; what is missing is skipped
            yield root / folder, unified


def _cpu_quotas() -> Iterator[float]:
    for folder, unified in _groups("cpu"):
        if unified:
            words = " ".join(_lines(folder / "cpu.max")).split()
        else:
            words = _lines(folder / "cpu.cfs_quota_us") + _lines(folder / "cpu.cfs_period_us")
        if len(words) == 2 and all(word.isdigit() and word != "0" for word in words):  # "max", -1: no quota
            yield int(words[0]) / int(words[1])


def _memory_limits() -> Iterator[tuple[int, int]]:
    for folder, unified in _groups("memory"):
        limit_file, usage_file, cache = (
            ("memory.max", "memory.current", "inactive_file")
            if unified
            else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        limit, usage = _lines(folder / limit_file), _lines(folder / usage_file)
        if len(limit) == len(usage) == 1 and limit[0].isdigit() and usage[0].isdigit():
            statistics = dict(line.split() for line in _lines(folder / "memory.stat"))
            # File pages that nobody uses are given back on demand: they are not taken.
            yield int(limit[0]), int(usage[0]) - int(statistics.get(cache, 0))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # not Linux, or this cgroup does not show it
        return []
