"""What the package costs before and beside the training: seconds to import, and memory over 10,000 steps.

    python benchmarks/footprint.py [--save NAME]

Imports take turns, each in a process of its own; a training's memory is looked at every 1,000 steps.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

from bench import RESULTS, machine

IMPORTS = {
    "torch": "import torch",
    "torch and the package": "import torch, gan_tutorial",
    "torch and all that a training uses": "import torch, gan_tutorial.clothes.recipes",
}
TRAINING = """
import resource, psutil
from gan_tutorial.clothes import data, recipes
from gan_tutorial.game import objectives, train
from gan_tutorial.lesson.profile import use_cores
use_cores()
nets = recipes.NETS[{net!r}]
played = recipes.fashion_game(data.fashion_mnist("cpu"), nets)
held = []
for step in train(played, objectives.non_saturating, steps={steps}, batch_size=nets.batch, every={steps} // 10):
    held.append(psutil.Process().memory_info().rss / 1e6)
print(*map(round, held), round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6))
"""


def run(code: str) -> str:
    """What a new process prints that runs this code."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def imports(rounds: int) -> dict[str, float]:
    """Seconds that each import takes, the median of turns taken in rotation."""
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(rounds):
        for name, code in IMPORTS.items():
            start = time.perf_counter()
            run(code)
            times[name].append(time.perf_counter() - start)
    return {name: round(statistics.median(column), 3) for name, column in times.items()}


def memory(steps: int) -> dict[str, dict]:
    """MB in use at each tenth of a training, and the most there ever was."""
    found = {}
    for net in ("mlp", "conv"):
        *held, most = map(int, run(TRAINING.format(net=net, steps=steps)).split())
        found[net] = {"held_mb": held, "most_mb": most}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each import (default: 9)")
    parser.add_argument("--steps", type=int, default=10_000, help="of each training (default: 10,000)")
    parser.add_argument("--save", metavar="NAME", help="write results/NAME.json")
    args = parser.parse_args()
    import torch

    about = machine(torch.device("cpu"))
    found = about | {"import_s": imports(args.rounds), "steps": args.steps, "memory": memory(args.steps)}
    print(json.dumps(found, indent=1))
    if args.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{args.save}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
