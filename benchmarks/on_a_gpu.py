"""The parts of on_a_gpu.sh, one in each process: `python benchmarks/on_a_gpu.py PART OUT [--device cpu] [--small]`.

A part writes what it finds to OUT/PART.json as it finds it: so it stays if the part is ended.  The last one, `results`,
puts all of it into OUT/results.json and says which goals were met.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import bench
import matplotlib.pyplot as plt
import torch
import torch.distributed.nn.functional  # before a process group exists: see commands/train.py
from torch import Tensor, distributed
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from gan_tutorial.clothes import recipes, score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8
from gan_tutorial.game import objectives, play, train
from gan_tutorial.lesson.profile import use_cores
from gan_tutorial.truth.densities import Latent

ROOT = Path(__file__).resolve().parents[1]
FILES = ("graph", "game", "distributed")  # of tests/game


@dataclass(frozen=True)
class Run:
    """Where a part works, how much, and where it leaves what it finds."""

    out: Path
    device: torch.device
    small: bool

    @property
    def gpu(self) -> bool:
        return self.device.type == "cuda"

    def rows(self) -> list[bench.Row]:
        """The rows of `make bench`, without the other widths."""
        if self.small:
            return [bench.ROWS[0], bench.SIDE_BY_SIDE]
        return [row for row in bench.rows([64, 256]) if "width" not in row.name]

    def memory(self) -> float:
        """The most that was held at once, in MB: by tensors on a GPU, by the process on a CPU."""
        if self.gpu:
            return round(torch.cuda.max_memory_allocated(self.device) / 1e6, 1)
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1)


def tests(run: Run, keep: Callable[..., None]) -> None:
    """The tests of the loop, of recorded steps and of several processes; on a GPU, those that need one too."""
    chosen = {"graph": "points-non_saturating"} if run.small else dict.fromkeys(FILES, "")
    count, done, failed = Counter(), [], []
    for name, words in chosen.items():
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.xml")
            command = [sys.executable, "-m", "pytest", "-rfEs", "-p", "no:cacheprovider", f"--junitxml={report}"]
            command += [f"tests/game/test_{name}.py", "-k", words]
            if subprocess.run(command, cwd=ROOT).returncode:
                failed.append(name)
            suite = ElementTree.parse(report).getroot().find("testsuite")
        count.update({key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")})
        count["need_a_gpu"] += sum("needs a GPU" in one.get("message", "") for one in suite.iter("skipped"))
        done.append(name)
        keep(**count, files=done)
    if failed or (run.gpu and count["need_a_gpu"]):
        raise SystemExit(f"Not all tests passed: {', '.join(failed) or 'some saw no GPU'}.")


def processes(run: Run, keep: Callable[..., None]) -> None:
    """A process group of one, nccl's on a GPU: the steps are those that it takes alone; and `torchrun` runs `train`."""
    backend, row = "nccl" if run.gpu else "gloo", bench.SIDE_BY_SIDE

    def weights() -> Tensor:
        game = bench.ours(row, bench.sampler(row, None, run.device), Latent(2, device=run.device), run.device)
        torch.manual_seed(1)
        for _ in range(10):
            play(game, row.objective, row.batch_size * row.seeds, row.d_steps)
        return torch.cat([w.detach().flatten() for net in (game.G, game.D) for w in net.parameters()])

    alone = weights()
    with tempfile.TemporaryDirectory() as folder:
        distributed.init_process_group(backend, init_method=f"file://{folder}/meet", rank=0, world_size=1)
        apart = float((weights() - alone).abs().max())
        distributed.destroy_process_group()
        keep(backend=backend, largest_difference=apart)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1"]
        command += ["-m", "gan_tutorial", "train", "--objective", "non_saturating", "--net", "mlp"]
        command += ["--steps", "5" if run.small else "200", "--device", run.device.type, "--out", f"{folder}/out"]
        status = subprocess.run(command, cwd=ROOT).returncode
    keep(command_status=status)
    if status or not apart < 1e-4:
        raise SystemExit(f"With {backend} not all is as it is alone.")


def loops(run: Run, keep: Callable[..., None]) -> None:
    """Our loop against the textbook's, as in `make bench`."""
    size = {"rounds": 2, "budget": 0.05} if run.small else {"rounds": 5, "budget": 0.3}
    found = []
    for each in bench.compare(run.rows(), run.device, **size):
        found.append(each)
        keep(**found[0], rows=found[1:])


def kernels(run: Run, keep: Callable[..., None]) -> None:
    """Row by row: the time of a step of ours, the share of it in which the device computes, and memory."""
    images, found = fashion_mnist(run.device), []
    activity, kind = (ProfilerActivity.CUDA, DeviceType.CUDA) if run.gpu else (ProfilerActivity.CPU, DeviceType.CPU)
    many, few = (10, 5) if run.small else (300, 20)
    for row in run.rows():
        if run.gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(run.device)
        latent = Latent(row.latent, device=run.device)
        game = bench.ours(row, bench.sampler(row, images, run.device), latent, run.device)
        bench.play_on(game, row, 5)  # in the first, memory is allocated and the step recorded
        usual = bench.seconds(run.device, partial(bench.play_on, game, row, many)) / many
        graph = getattr(game.turn.step, "graph", None)
        mine = {"row": row.name, "batch_size": row.batch_size, "steps_per_s": round(1 / usual, 1)}
        mine |= {"step_ms": round(1e3 * usual, 4), "most_mb": run.memory(), "one_graph": graph is not None}
        found.append(mine)
        if graph is not None:  # the graph alone, with nothing around it
            again = bench.seconds(run.device, lambda graph=graph: [graph.replay() for _ in range(many)]) / many
            mine["replay_ms"] = round(1e3 * again, 4)
        keep(rows=found)
        with profile(activities=[activity]) as watch:
            watched = bench.seconds(run.device, partial(bench.play_on, game, row, few)) / few
        busy = union((e.time_range.start, e.time_range.end) for e in watch.events() if e.device_type == kind) / few
        # Watching makes steps on a GPU longer, not kernels; on a CPU it makes the operations themselves longer.
        share = busy / 1e6 / (usual if run.gpu else watched)
        mine |= {"watched_ms": round(1e3 * watched, 4), "busy_ms": round(busy / 1e3, 4), "share": round(share, 3)}
        keep(rows=found)
        print(", ".join(f"{name} {value}" for name, value in mine.items()))
    if run.gpu and not all(each["one_graph"] for each in found):
        raise SystemExit("Not every row's step became one CUDA graph.")


def union(spans: Iterable[tuple[float, float]]) -> float:
    """How long at least one of the spans (start, end) goes on."""
    total, reached = 0.0, -math.inf
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def pictures(run: Run, keep: Callable[..., None]) -> None:
    """Thirty seconds of the convolutional recipe, its memory, and the FFD of 10,000 samples."""
    limit, n = (2.0, 500) if run.small else (30.0, 10_000)
    images = fashion_mnist(run.device)
    if images.is_stand_in:
        raise SystemExit(images.notice)
    game = recipes.fashion_game(images)
    start = time.perf_counter()
    for _ in train(game, objectives.non_saturating, batch_size=recipes.conv.batch, every=20):
        if time.perf_counter() - start > limit:
            break
    seconds = time.perf_counter() - start
    keep(seconds=round(seconds, 2), steps=game.step, steps_per_s=round(game.step / seconds, 1), most_mb=run.memory())
    torch.manual_seed(0)
    samples = to_uint8(game.sample(n)).cpu()
    sheet = samples[:100].unflatten(0, (10, 10)).transpose(1, 2).flatten(2).flatten(0, 1)  # ten rows of ten
    plt.imsave(run.out / "samples.png", sheet.numpy(), cmap="gray")
    keep(samples=n, ffd=round(score.ffd(samples), 3))


PARTS = {part.__name__: part for part in (tests, processes, loops, kernels, pictures)}


# ---- Results ----------------------------------------------------------------------------------------------------


def results(run: Run) -> bool:
    """Write results.json from what the parts left, print the goals; whether each part ran well."""
    parts = {}
    ended = [line.split() for line in (run.out / "parts.txt").read_text().splitlines()]
    for name, status, seconds in ended:
        word = {"0": "ok", "124": "out of time", "137": "out of time"}.get(status, "failed")
        parts[name] = {"status": word, "took_s": int(seconds)}
        if (found := run.out / f"{name}.json").exists():
            parts[name] |= {"found": json.loads(found.read_text())}
            found.unlink()
    about = machine(run)
    reached = goals({name: part.get("found", {}) for name, part in parts.items()})
    (run.out / "results.json").write_text(json.dumps(about | {"parts": parts, "goals": reached}, indent=1) + "\n")
    print(f"{about['device']}, torch {about['torch']}, {about['date']}")
    if about["trial"]:
        print("A trial of this script: the goals are those of a whole run on a GPU.")
    for name, part in parts.items():
        print(f"{name:12}{part['status']:14}{part['took_s']:>4} s")
    for goal in reached:
        met = {True: "met", False: "missed", None: "not known"}[goal["met"]]
        print(f"{goal['goal']:52}{goal['wanted']:>8}{'-' if goal['found'] is None else goal['found']:>10}  {met}")
    (run.out / "parts.txt").unlink()
    return parts.keys() == PARTS.keys() and all(part["status"] == "ok" for part in parts.values())


def machine(run: Run) -> dict:
    """Where and with what this was measured."""
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        driver = subprocess.run(asked, capture_output=True, text=True, timeout=5).stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        driver = None
    return bench.machine(run.device) | {
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "driver": driver,
        "system": platform.platform(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "trial": run.small or not run.gpu,
    }


def goals(found: dict[str, dict]) -> list[dict]:
    """What we set out for on a GPU, and what was found: met, missed, or not known."""
    ratios = {row["row"]: row["ratio"] for row in found.get("loops", {}).get("rows", [])}
    shares = [row["share"] for row in found.get("kernels", {}).get("rows", []) if "share" in row]
    broken = found.get("tests", {})
    lines = [
        ("tests that failed, or could not run for want of a GPU", "<=", 0,
         sum(broken[key] for key in ("failures", "errors", "need_a_gpu")) if broken else None),
        ("times the textbook: MLP, batch 64", ">=", 30, ratios.get(bench.ROWS[0].name)),
        ("times the textbook: convolutional, batch 64", ">=", 10, ratios.get(bench.ROWS[1].name)),
        ("times the textbook: eight seeds side by side", ">=", 10, ratios.get(bench.SIDE_BY_SIDE.name)),
        ("share of a step in kernels, the least of all rows", ">=", 0.9, min(shares, default=None)),
        ("FFD after 30 seconds, convolutional", "<", 12, found.get("pictures", {}).get("ffd")),
    ]  # fmt: skip
    holds = {"<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b}
    return [
        {"goal": goal, "wanted": f"{sign} {limit}", "found": value,
         "met": None if value is None else holds[sign](value, limit)}
        for goal, sign, limit, value in lines
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=[*PARTS, "results"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--small", action="store_true", help="a trial: seconds, not minutes")
    args = parser.parse_args()
    run, found = Run(args.out, torch.device(args.device), args.small), {}
    use_cores()
    if args.part == "results":
        raise SystemExit(not results(run))

    def keep(**figures: object) -> None:
        found.update(figures)
        (run.out / f"{args.part}.json").write_text(json.dumps(found))

    PARTS[args.part](run, keep)


if __name__ == "__main__":
    main()
