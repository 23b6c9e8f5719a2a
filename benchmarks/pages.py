"""Write the tables of README.md from results/*.json: `python benchmarks/pages.py`.  A test says when they are stale."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

PAGE = Path(__file__).with_name("README.md")
RESULTS = Path(__file__).with_name("results")


def known(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text())


def table(head: list[str], rows: list[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def about(found: dict) -> str:
    return f"{found['device']}, torch {found['torch']}, {found['date']}."


def loops(name: str = "two_cores") -> str:
    """Ours against the textbook loop, row by row."""
    found = known(name)
    rows = [
        [
            r["row"],
            f"{r['textbook_ms']:.1f}",
            f"{r['ours_ms']:.1f}",
            f"**{r['ratio']:.2f}**",
            f"{r['ratio_low']:.2f} to {r['ratio_high']:.2f}",
            f"{r['loop_alone']:.2f}",
            f"{r['share_of_peak']:.0%}",
        ]
        for r in found["rows"]
    ]
    head = ["row", "textbook, ms", "ours, ms", "times faster", "spread", "loop alone", "of peak"]
    peak = (
        f"The best product of two matrices: {found['our_peak_gflops']:,.0f} billion operations a second, "
        f"{found['torch_peak_gflops']:,.0f} with torch's own."
    )
    return f"{about(found)} {found['rounds']} turns of each loop.\n{peak}\n\n{table(head, rows)}"


def loops_elsewhere() -> str:
    """The same on another machine, and two trainings at once."""
    found = known("two_cores_zen4")
    both, alone = found["two_at_once_per_s"], found["alone_per_s"]
    return f"{loops('two_cores_zen4')}\n\nTwo trainings at once (vanilla, MLP): {both} steps a second, {alone} alone."


def footprint() -> str:
    """Imports and memory."""
    found = known("footprint")
    base, package, training = found["import_s"].values()
    lines = [
        about(found),
        f"`import torch` takes {base:.2f} s; with `import gan_tutorial` it takes {package:.2f} s, with all that a "
        f"training uses {training:.2f} s.",
    ]
    for net, m in found["memory"].items():
        first, *_, last = m["held_mb"]
        lines.append(
            f"A training of {found['steps']:,} steps ({net}) holds {first} MB after a tenth of them and {last} MB "
            f"at the end; the most it ever held is {m['most_mb']} MB."
        )
    return "\n".join(lines)


def endurance() -> str:
    """A long time, and many kernels."""
    found = known("endurance")
    training, laboratory, room = (found[part] for part in ("training", "laboratory", "room"))
    return "\n".join(
        [
            about(room),
            f"A training of {training['steps']:,} steps holds {training['held_mb'][0]} MB after a tenth of them and "
            f"{training['held_mb'][-1]} MB at the end.",
            f"A laboratory that plays for {laboratory['minutes']:g} minutes ({laboratory['steps']:,} steps) holds "
            f"{laboratory['held_mb'][0]} MB after a tenth of them and {laboratory['held_mb'][-1]} MB at the end.",
            f"Of {room['kernels']} kernels on {room['memory_gb']:g} GB, each has {room['empty_mb']} MB of its own and, "
            f"with the laboratory open, {room['with_laboratory_mb']} MB, together {room['together_mb'] / 1000:.1f} GB. "
            f"All opened it at the same moment; the last was done after {room['seconds_until_all_are_open']:.0f} s.",
        ]
    )


def finalists(name: str = "quality") -> str:
    """The settings that were trained with several seeds, by time and score."""
    groups: dict[tuple[float, str], list[dict]] = {}
    for r in known(name)["runs"]:
        if r["stage"] == "final":
            groups.setdefault((r["seconds"], r["setting"]), []).append(r)
    rows = []
    for (seconds, setting), runs in groups.items():
        test = {m: sorted(r["test"][m] for r in runs) for m in ("ffd", "kid", "precision", "recall")}
        middle = {m: statistics.median(v) for m, v in test.items()}
        rows.append(
            [
                f"{seconds:g}",
                f"{runs[0]['steps']:,}",
                setting,
                f"**{middle['ffd']:.1f}**",
                f"{test['ffd'][0]:.1f} to {test['ffd'][-1]:.1f}",
                len(runs),
                f"{statistics.median(r['held_out_ffd'] for r in runs):.1f}",
                f"{middle['kid']:.2f}",
                f"{middle['precision']:.2f}",
                f"{middle['recall']:.2f}",
            ]
        )
    rows.sort(key=lambda row: (float(row[0]), float(row[3].strip("*"))))
    head = ["s", "steps", "setting", "FFD", "range", "seeds", "FFD held out", "KID", "precision", "recall"]
    return table(head, rows)


def quick_finalists() -> str:
    """The same on another machine: the package's recipe, and the quick one."""
    return f"{about(known('quality_zen4'))}\n\n{finalists('quality_zen4')}"


def baselines() -> str:
    """What can be had without a GAN."""
    found = known("quality")["baselines"]
    rows = [[name, f"{r['ffd']:.2f}", f"{r['precision']:.2f}", f"{r['recall']:.2f}"] for name, r in found.items()]
    return table(["no GAN", "FFD", "precision", "recall"], rows)


def screening(name: str = "quality", by_time: bool = True) -> str:
    """What was tried: the score against held-out images of one seed or of a few."""
    groups: dict[tuple[float, str, int], list[float]] = {}
    for r in known(name)["runs"]:
        if r["stage"] == "search":
            groups.setdefault((r["seconds"], r["setting"], r["steps"]), []).append(r["held_out_ffd"])
    speed, order = known(name)["speed"], lambda one: (by_time * one[0][0], min(one[1]))
    rows = [
        [setting, f"{seconds:g}", f"{steps:,}", ", ".join(f"{ffd:.1f}" for ffd in found), *rates(speed[setting])]
        for (seconds, setting, steps), found in sorted(groups.items(), key=order)
    ]
    head = ["setting", "s", "steps", "FFD held out", "steps/s, one thread", "two threads"]
    return table(head, rows)


def quick_screening() -> str:
    """What was tried for the quick recipe, by score: the times differ."""
    return screening("quality_zen4", by_time=False)


def rates(speed: dict) -> list[str]:
    return [f"{speed['one_thread']:.0f}", f"{speed['two_threads']:.0f}"]


PARTS = {
    part.__name__: part
    for part in (
        *(loops, loops_elsewhere, footprint, endurance),
        *(finalists, quick_finalists, baselines, screening, quick_screening),
    )
}


def filled(text: str) -> str:
    """The page with each part between its two marks made anew."""
    for name, part in PARTS.items():
        start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
        if text.count(start) != 1 or text.count(end) != 1:
            raise SystemExit(f"README.md should hold {start.strip()} and {end} once.")
        before, rest = text.split(start)
        text = f"{before}{start}{part()}\n{end}{rest.split(end)[1]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
