"""Record trainings that are too long for a notebook: `python notebooks/authors/record.py [NAME ...]`.

A recording is a table of settings, each trained with several seeds (`recordings/nbNN.py` lists them).  `runs/NAME.json`
holds what they were, when and with which versions they ran, and what was measured; `runs/NAME.npz` pictures and other
arrays.  Notebooks read both with `gan_tutorial.clothes.recordings`.  What is done is kept at once: stopped, it goes on
where it was.  A test calls a recording stale whose functions changed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from recordings import RECORDINGS
from recordings.plan import Setting, source

from gan_tutorial.clothes.data import fashion_mnist
from gan_tutorial.clothes.recordings import RUNS
from gan_tutorial.disk import in_one_stroke
from gan_tutorial.machine import cores

LARGEST = 2_000_000  # bytes of one file: everybody who fetches the notebooks fetches it as well


def do(name: str, row: int, job: int | None, path: Path) -> float:
    """What one process does, on one core: one training, or those of all seeds of a setting; kept in `path`.  -> s"""
    torch.set_num_threads(1)
    setting, start = [*RECORDINGS[name]()][row], time.process_time()
    runs = setting.runs(job)
    arrays = {f"{run['seed']}/{k}": run.pop(k) for run in runs for k in [*run] if isinstance(run[k], np.ndarray)}
    seconds = time.process_time() - start
    with in_one_stroke(path) as file:
        np.savez_compressed(file, **arrays, told=np.array(json.dumps({"seconds": seconds, "runs": runs})))
    return seconds


def die_with(parent: int) -> None:
    """In a process of the pool: end with its parent, however that ends, and at Ctrl-C without a page of words."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def write(name: str, jobs: int) -> None:
    """Make the recording `name`, so many trainings at a time."""
    settings, made_from = [*RECORDINGS[name]()], source(RECORDINGS[name])  # now: the text may be edited meanwhile
    folder = unfinished(name, made_from)
    paths = {(row, job): folder / f"{row}-{job}.npz" for row, setting in enumerate(settings) for job in setting.jobs}
    todo = [key for key, path in paths.items() if not path.exists()]
    print(f"{name}: {announcement(name, len(todo), len(paths), jobs)}", flush=True)
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=die_with, initargs=(os.getpid(),))
    try:
        waiting = {pool.submit(do, name, *key, paths[key]): key for key in todo}
        for n, done in enumerate(as_completed(waiting), 1):
            row, job = waiting[done]
            which = "all seeds" if job is None else f"seed {job}"
            print(f"  {n} of {len(todo)}: {settings[row].name}, {which}: {done.result():.0f} s", flush=True)
    finally:  # a Ctrl-C reaches the processes, too: nothing is left to wait for
        pool.shutdown(cancel_futures=True)
    keep(name, made_from, settings, paths)
    shutil.rmtree(folder)


def unfinished(name: str, made_from: str) -> Path:
    """Where the trainings of a recording lie until all are done; empty if what they are made from changed."""
    folder = RUNS / ".unfinished" / name
    note = folder / "source.py"
    if not note.exists() or note.read_text(encoding="utf-8") != made_from:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        note.write_text(made_from, encoding="utf-8")
    return folder


def announcement(name: str, todo: int, whole: int, jobs: int) -> str:
    """How many trainings there are, and how long they take, from the time they took when they were last recorded."""
    try:
        seconds = json.loads((RUNS / f"{name}.json").read_text(encoding="utf-8"))["core_seconds"]
    except (OSError, KeyError):
        long = "how long they take is not known yet; each says so when it is done"
    else:
        share = seconds * todo / whole
        long = f"about {share / 60 / min(jobs, todo or 1):.0f} minutes, {share / 60:.0f} of one core's"
    kept = f" ({whole - todo} of {whole} are there already)" if todo < whole else ""
    return f"{todo} trainings{kept}, {long}. Ctrl-C keeps what is done."


def keep(name: str, made_from: str, settings: list[Setting], paths: dict[tuple[int, int | None], Path]) -> None:
    """Put the trainings together: NAME.json and NAME.npz."""
    rows, arrays, seconds = [], {}, 0.0
    for row, setting in enumerate(settings):
        runs = []
        for job in setting.jobs:
            with np.load(paths[row, job], allow_pickle=False) as file:
                told = json.loads(str(file["told"]))
                arrays |= {f"{setting.name}/{key}": file[key] for key in file.files if key != "told"}
            runs += told["runs"]
            seconds += told["seconds"]
        rows.append({"name": setting.name} | setting.numbers | {"seeds": setting.seeds, "runs": runs})
    about = {
        "source": made_from,
        "date": date.today().isoformat(),
        "torch": torch.__version__,
        "device": "one CPU core each",
        "core_seconds": round(seconds),
        "settings": rows,
    }
    np.savez_compressed(RUNS / f"{name}.npz", **arrays)
    (RUNS / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    for path in (RUNS / f"{name}.json", RUNS / f"{name}.npz"):
        if path.stat().st_size > LARGEST:
            print(f"  {path.name} has {path.stat().st_size / 1e6:.1f} MB, {LARGEST / 1e6:.0f} are allowed: keep less.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(RECORDINGS)}; default: all")
    parser.add_argument("--jobs", type=int, default=cores(), help="trainings at a time; default: one a core")
    chosen = parser.parse_args()
    for name in chosen.names:
        if name not in RECORDINGS:
            parser.error(f"there is no recording {name!r}; there are {', '.join(RECORDINGS)}")
    if fashion_mnist().is_stand_in:
        raise SystemExit("A recording needs the real FashionMNIST: run `gan-tutorial data` first.")
    try:
        for name in chosen.names or RECORDINGS:
            write(name, chosen.jobs)
    except KeyboardInterrupt:
        print("\nStopped; what is done is kept. The same command goes on.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
