"""What a room of learners on one machine costs, and whether memory stays flat over a long time.

    python benchmarks/endurance.py [--kernels 30] [--steps 100000] [--minutes 30] [--save NAME]

A kernel here has the laboratory open, 200 steps old: its memory is its proportional share (PSS), where what several
processes share counts once between them.  The long training is the laboratory's game without it, the long laboratory
keeps records and measures; memory (RSS) is looked at after each tenth.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

import psutil
from bench import RESULTS, machine

OPEN = "from gan_tutorial.lesson.laboratory import laboratory; lab = laboratory(); _ = lab.step(200)"
TRAINING = """
import psutil, torch
from gan_tutorial.game import train
from gan_tutorial.lesson.laboratory.setting import Setting
torch.set_num_threads(1)
game, objective = Setting().make_game(), Setting().make_objective()
for step in train(game, objective, steps={steps}, batch_size=64, every={steps} // 10):
    print(round(psutil.Process().memory_info().rss / 1e6))
"""
LABORATORY = """
import psutil, time
from gan_tutorial.lesson.laboratory import laboratory
lab, start, looks = laboratory(), time.perf_counter(), 0
while looks < 10:
    lab.step(40)
    if time.perf_counter() - start > (looks + 1) * 6 * {minutes}:
        looks += 1
        print(round(psutil.Process().memory_info().rss / 1e6))
print(lab.game.step)
"""


def room(kernels: int) -> dict:
    """Kernels that open the laboratory at the same moment: MB of each, and seconds until all are done."""
    from jupyter_client.manager import start_new_kernel

    started = []
    try:
        started += [start_new_kernel(kernel_name="python3", startup_timeout=300) for _ in range(kernels)]
        empty = [_share(manager) for manager, _ in started]
        start = time.perf_counter()
        asked = [(client, client.execute(OPEN)) for _, client in started]
        done = []
        for client, message in asked:  # all are at work; who was done before is read at once
            while (reply := client.get_shell_msg(timeout=1200))["parent_header"].get("msg_id") != message:
                pass
            if reply["content"]["status"] != "ok":
                raise RuntimeError("A kernel could not open the laboratory: " + reply["content"].get("evalue", ""))
            done.append(time.perf_counter() - start)
        full = [_share(manager) for manager, _ in started]
    finally:
        for manager, client in started:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    return {
        "kernels": kernels,
        "empty_mb": round(statistics.median(empty)),
        "with_laboratory_mb": round(statistics.median(full)),
        "together_mb": round(sum(full)),
        "seconds_until_all_are_open": round(max(done), 1),
    }


def _share(manager) -> float:
    """MB of a kernel's process."""
    memory = psutil.Process(manager.provisioner.process.pid).memory_full_info()
    return getattr(memory, "pss", memory.uss) / 1e6


def numbers(code: str) -> list[int]:
    """The numbers that a new process prints that runs this code."""
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return list(map(int, out.split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", type=int, default=30, help="at once (default: 30)")
    parser.add_argument("--steps", type=int, default=100_000, help="of the training (default: 100,000)")
    parser.add_argument("--minutes", type=float, default=30, help="of the laboratory (default: 30)")
    parser.add_argument(
        "--save", metavar="NAME", help="write results/NAME.json; a part that is 0 stays as it was there"
    )
    args = parser.parse_args()
    import torch

    about = machine(torch.device("cpu")) | {"memory_gb": round(psutil.virtual_memory().total / 1e9, 1)}
    found = {}
    if args.steps:
        found["training"] = about | {"steps": args.steps, "held_mb": numbers(TRAINING.format(steps=args.steps))}
    if args.minutes:
        *held, steps = numbers(LABORATORY.format(minutes=args.minutes))
        found["laboratory"] = about | {"minutes": args.minutes, "steps": steps, "held_mb": held}
    if args.kernels:
        found["room"] = about | room(args.kernels)
    print(json.dumps(found, indent=1))
    if args.save:
        RESULTS.mkdir(exist_ok=True)
        place = RESULTS / f"{args.save}.json"
        before = json.loads(place.read_text()) if place.exists() else {}
        place.write_text(json.dumps(before | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
