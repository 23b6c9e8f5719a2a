"""Run the notebooks with other seeds, and see whether their facts hold: `python notebooks/authors/seeds.py [02 ...]`.

`source/seeds.json` holds, for each notebook and each row of its ledger that a reader's run asserts, what every seed
measured. Seeds that are there already are not run again, unless rows are new; a test holds the notebooks to it.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from gan_tutorial.commands.run import environment  # noqa: E402
from gan_tutorial.disk import in_one_stroke  # noqa: E402
from gan_tutorial.lesson import facts  # noqa: E402
from gan_tutorial.machine import cores  # noqa: E402

FOLDER = ROOT / "notebooks"
RECORD = FOLDER / "source" / "seeds.json"
ASSERTS = re.compile(r"^\w+\.assert_all\(\w+\)", re.MULTILINE)
SEEDS = range(1, 21)


def rows_of(notebook: Path, seed: int) -> dict[str, list]:
    """What is recorded of the rows that a run in profile cpu with this seed asserts, whether they hold or not."""
    nb = nbformat.read(notebook, as_version=4)
    for cell in nb.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += f"\nSEED = {seed}"
        cell.source = ASSERTS.sub("", cell.source)  # a fact that fails is to be written down
    settings = environment("cpu") | {"OMP_NUM_THREADS": "1"}  # as many notebooks at a time as there are cores
    client = NotebookClient(nb, timeout=3600, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}})
    client.execute(env=settings)
    return {key(row): value(row) for row in asserted(nb)}


def asserted(nb) -> list[facts.Row]:
    """The rows that a run in profile cpu asserts."""
    return [row for row in facts.read(nb) if row.asserted(trained=True)]


def key(row: facts.Row) -> str:
    """What a row is known by in its ledger."""
    return f"{row.fact}: {row.claim}"


def value(row: facts.Row) -> list:
    """What a seed gives a row: what was measured, and the exact value, which may be one of that seed's own sample."""
    return [row.measured, row.exact]


def brought_up(known: dict[str, list], row: facts.Row) -> dict[str, list]:
    """What is on record of a row, with the stored run as it is now.

    Where the author has moved what is allowed, it moves for every seed that had the same; what a seed computed stays.
    """
    old, now = known.get("0", value(row))[1], value(row)
    return {seed: [measured, _moved(exact, old, now[1])] for seed, (measured, exact) in known.items()} | {"0": now}


def _moved(exact: float | Sequence, old: float | Sequence, new: float | Sequence) -> float | Sequence:
    if all(isinstance(allowed, Sequence) for allowed in (exact, old, new)):
        return [mine if mine != its else now for mine, its, now in zip(exact, old, new, strict=True)]
    return new if exact == old else exact


def worst(row: facts.Row, found: dict[str, list]) -> tuple[int, float, float]:
    """Seeds in which the row fails, each by what it allows itself, and the ends of what they measured."""
    fails = 0
    for measured, exact in found.values():
        known = tuple(exact) if isinstance(exact, Sequence) else exact
        fails += not replace(row, measured=measured, exact=known).holds
    values = [measured for measured, _ in found.values() if not math.isnan(measured)] or [math.nan]
    return fails, min(values), max(values)


def main(arguments: list[str] | None = None) -> int:
    """0 if each asserted fact holds with each seed, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NN", help="numbers of notebooks; default: all")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), metavar="N", help=f"default: {len(SEEDS)}")
    parser.add_argument("--jobs", type=int, default=cores(), metavar="N", help="at a time; default: one a core")
    args = parser.parse_args(arguments)
    found = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    paths = [p for p in sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")) if not args.names or p.stem[:2] in args.names]
    rows = {path.stem: asserted(nbformat.read(path, as_version=4)) for path in paths}
    for path in paths:  # the stored run is one of a seed, too; what is recorded of rows that are gone goes
        known = found.get(path.stem, {})
        found[path.stem] = {key(row): brought_up(known.get(key(row), {}), row) for row in rows[path.stem]}
    save(found)
    wanted = []
    for seed in SEEDS[: args.seeds]:
        for path in paths:
            if any(str(seed) not in found[path.stem][key(row)] for row in rows[path.stem]):
                wanted.append((path, seed))
    with ThreadPoolExecutor(args.jobs) as pool:
        running = {pool.submit(rows_of, path, seed): (path, seed) for path, seed in wanted}
        for run in as_completed(running):
            path, seed = running[run]
            try:
                measured = run.result()
            except CellExecutionError as error:
                print(f"{path.stem} with seed {seed}: {str(error).strip().splitlines()[-1]}", flush=True)
                continue
            for name in found[path.stem].keys() & measured.keys():
                found[path.stem][name][str(seed)] = measured[name]
            save(found)
            print(f"{path.stem} with seed {seed}", flush=True)
    return report(rows, found)


def save(found: dict) -> None:
    """Write the record, a line for each fact, whole or not at all."""
    books = []
    for name, rows in sorted(found.items()):
        lines = [f"  {json.dumps(fact)}: {json.dumps(rows[fact])}" for fact in sorted(rows)]
        books.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    with in_one_stroke(RECORD) as file:
        file.write(("{\n" + ",\n".join(books) + "\n}\n").encode())


def report(rows: dict[str, list[facts.Row]], found: dict) -> int:
    """Print each row whose value depends on the seed, and how many seeds it fails in."""
    failed = 0
    for name, some in rows.items():
        for row in some:
            measured = found[name][key(row)]
            fails, low, high = worst(row, measured)
            failed += fails
            if fails or low != high:
                print(f"{name[:2]}  {row.claim[:70]:70} {len(measured):3} seeds  {low:12.6g} to {high:12.6g}"
                      f"  allowed {row.exact} +- {row.tolerance:g}" + f"  FAILS IN {fails}" * bool(fails))  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
