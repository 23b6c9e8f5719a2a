"""Our loop against a textbook loop, side by side: `make bench`.

Both make the same updates of the same networks with the same batch size and kind of optimiser.  They take turns in one
process, a few steps each, so that a machine whose speed drifts treats both alike.  What counts is the ratio, pair by
pair: its median and its spread.  The table goes to the terminal and, with `--save NAME`, to `results/NAME.json`.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from math import inf
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import textbook
import torch
from textbook import BCE, GradientPenalty, Wasserstein
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, RMSprop
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gan_tutorial.clothes import files
from gan_tutorial.clothes.data import fashion_mnist
from gan_tutorial.game import Game, objectives, play, products, train
from gan_tutorial.game.networks import (
    LATENT,
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
    SideBySide,
)
from gan_tutorial.game.objectives import Objective
from gan_tutorial.lesson.profile import use_cores
from gan_tutorial.machine import processor
from gan_tutorial.truth.densities import Latent, Ring, as_data

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Row:
    """One GAN in both loops."""

    name: str
    objective: Objective
    loop: type[BCE]  # the textbook's
    G: Callable[[], nn.Module]
    D: Callable[[], nn.Module]
    plain: tuple[Callable[[], nn.Module], Callable[[], nn.Module]]  # the same networks in the textbook
    optimiser: type[Optimizer] = Adam
    options: tuple[tuple[str, object], ...] = (("lr", 2e-4), ("betas", (0.5, 0.999)))
    d_steps: int = 1
    batch_size: int = 64
    latent: int = LATENT
    seeds: int = 1  # one: on pictures; several, side by side: on points of a ring


RMS = {"optimiser": RMSprop, "options": (("lr", 5e-5),)}
TWO = "vanilla, MLP, two at once"
WGAN, GP = objectives.wgan, objectives.wgan_gp
MLP = (MLPGenerator, MLPDiscriminator, (textbook.mlp_generator, textbook.mlp_discriminator))
CONV = (ConvGenerator, ConvDiscriminator, (textbook.conv_generator, textbook.conv_discriminator))
ROWS = [
    Row("vanilla, MLP", objectives.non_saturating, BCE, *MLP),
    Row("vanilla, convolutional", objectives.non_saturating, BCE, *CONV),
    Row("WGAN, clipping, MLP", WGAN, Wasserstein, *MLP, **RMS, d_steps=5),
    Row("WGAN-GP, MLP", GP, GradientPenalty, *MLP, d_steps=5),
]
SEEDS = 8
SIDE_BY_SIDE = Row(
    "eight seeds side by side",
    objectives.non_saturating,
    BCE,
    lambda: SideBySide(SEEDS, [2, 128, 128, 128, 2]),
    lambda: nn.Sequential(SideBySide(SEEDS, [2, 128, 128, 128, 1]), nn.Flatten(0)),
    (textbook.point_generator, textbook.point_discriminator),
    latent=2,
    seeds=SEEDS,
)


def rows(batch_sizes: list[int]) -> Iterator[Row]:
    """All rows at all batch sizes, eight seeds side by side, then the vanilla MLP at other widths."""
    for row in ROWS:
        for batch_size in batch_sizes:
            name = row.name if batch_size == 64 else f"{row.name}, batch {batch_size}"
            yield replace(row, name=name, batch_size=batch_size)
    yield SIDE_BY_SIDE
    for factor in (0.25, 0.5, 2):
        hidden = (int(256 * factor), int(512 * factor))
        G, plain_G = (partial(kind, hidden=hidden) for kind in (MLPGenerator, textbook.mlp_generator))
        D, plain_D = (partial(kind, hidden=hidden[::-1]) for kind in (MLPDiscriminator, textbook.mlp_discriminator))
        yield replace(ROWS[0], name=f"vanilla, MLP, width x {factor:g}", G=G, D=D, plain=(plain_G, plain_D))


# ---- The two loops ----------------------------------------------------------------------------------------------


def nets(row: Row, device: torch.device) -> tuple[nn.Module, nn.Module]:
    """G and D of the row."""
    torch.manual_seed(0)
    return row.G().to(device), row.D().to(device)


@torch.no_grad()
def plain_nets(row: Row, device: torch.device, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """The same G and D, weights and all, made of torch's own layers; of several side by side, those of one seed."""
    plain = tuple(net().to(device) for net in row.plain)
    for copy, net in zip(plain, nets(row, device), strict=True):
        for mine, w in zip(copy.parameters(), in_plain_order(net, seed), strict=True):
            mine.copy_(w)
    return plain


def in_plain_order(net: nn.Module, seed: int = 0) -> Iterator[Tensor]:
    """Its weights; where maps become vectors or vectors maps, channels first, as torch's own layers have them."""
    for many in net.modules():
        if isinstance(many, SideBySide):
            for W, b in zip(many.weights, many.biases, strict=True):
                yield from (W[seed].T, b[seed, 0])
            return
    for name, w in net.named_parameters():
        if isinstance(net, ConvGenerator) and name.startswith("body.0."):  # (7 7 c, ...) -> (c 7 7, ...)
            w = w.unflatten(0, (7, 7, -1)).movedim(2, 0).flatten(0, 2)
        if isinstance(net, ConvDiscriminator) and name == "score.weight":  # (1, 7 7 c) -> (1, c 7 7)
            w = w.unflatten(1, (7, 7, -1)).movedim(3, 1).flatten(1)
        yield w


def ours(row: Row, data, latent, device: torch.device, nets: Callable = nets) -> Game:
    """The row as a game; the optimisers compute the same numbers, with fewer kernels."""
    G, D = nets(row, device)
    options = dict(row.options) | ({"fused": True} if row.optimiser is Adam else {"foreach": True})
    # The loss is a mean over all rows: each seed has 1/seeds of its gradient, and what Adam adds to that shrinks too
    options["eps"] = 1e-8 / row.seeds
    return Game(G, D, row.optimiser(G.parameters(), **options), row.optimiser(D.parameters(), **options), data, latent)


def ours_alone(row: Row, data, latent, device: torch.device, seed: int = 0) -> Game:
    """One seed of the row as a game of the textbook's networks."""
    return ours(replace(row, seeds=1), data, latent, device, partial(plain_nets, seed=seed))


def theirs(row: Row, device: torch.device, seed: int = 0) -> BCE:
    """One seed of the row in the textbook."""
    G, D = plain_nets(row, device, seed)
    options = dict(row.options)
    return row.loop(G, D, row.optimiser(G.parameters(), **options), row.optimiser(D.parameters(), **options))


# ---- Measuring --------------------------------------------------------------------------------------------------


def seconds(device: torch.device, work: Callable[[], object]) -> float:
    """How long `work` takes, the device's part included."""
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def matrix_peaks(device: torch.device, n: int = 2048) -> tuple[float, float]:
    """The best rates of a product of n x n float32 matrices, in operations per second: multiply and add are two.

    -> torch's own product; the one that our loop takes, which on some processors is another one (`game.products`)
    """
    x, W = torch.randn(n, n, device=device), torch.randn(n, n, device=device)

    def rate() -> float:
        return 2 * n**3 / min(seconds(device, partial(x.matmul, W)) for _ in range(10))

    own = rate()
    with products.quickest(device.type == "cpu"):
        return own, rate()


class Operations(TorchDispatchMode):
    """Counts as torch's own FlopCounterMode does, but not by module: that fails on a gradient within a loss."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func._overloadpacket):
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def operations(row: Row, device: torch.device) -> int:
    """Operations of matrix products and convolutions in one step of our loop, forward and backward."""
    shape = (1, 28, 28) if row.seeds == 1 else (2,)
    x = torch.zeros(row.batch_size * row.seeds, *shape, device=device)
    game = ours(row, lambda n: (x,), Latent(row.latent, device=device), device)
    with Operations() as counter:
        play(game, row.objective, len(x), row.d_steps)
    return counter.total


def sampler(row: Row, images, device: torch.device) -> Callable[[int], tuple[Tensor]]:
    """The data of our game: pictures, or points of a ring."""
    return images.sampler() if row.seeds == 1 else as_data(Ring(), device=device)


def play_on(game: Game, row: Row, n: int) -> None:
    """`n` more steps of a game of this row."""
    batch_size = row.batch_size * row.seeds
    for _ in train(game, row.objective, steps=n, batch_size=batch_size, d_steps=row.d_steps, every=n):
        pass


def loops(row: Row, images, folder: Path, device: torch.device) -> list[Callable[[int], None]]:
    """Three ways to take n steps: ours; our loop alone, with the textbook's networks and products; the textbook."""
    data, latent, seeds = sampler(row, images, device), Latent(row.latent, device=device), range(row.seeds)
    batches = textbook.batches(folder, row.batch_size, device)
    if row.seeds > 1:
        batches = textbook.ring(row.batch_size, device)
    game = ours(row, data, latent, device)
    games = [ours_alone(row, data, latent, device, seed) for seed in seeds]
    textbooks = [theirs(row, device, seed) for seed in seeds]

    def alone(n: int) -> None:
        with patch.object(products, "look", return_value=products.Found(inf, 0.0)):
            for one in games:
                play_on(one, replace(row, seeds=1), n)

    def plain(n: int) -> None:
        for loop in textbooks:
            textbook.train(loop, batches, n, row.d_steps, row.latent)

    return [partial(play_on, game, row), alone, plain]


def measure(row: Row, images, folder: Path, device: torch.device, rounds: int, budget: float) -> dict:
    """The three in turn: milliseconds per step (of all its seeds) and, turn by turn, ratios."""
    turns = loops(row, images, folder, device)
    for turn in turns:
        turn(3)  # the first steps allocate
    # Turns of equal length in time, not in steps: a slow moment of the machine then weighs the same in all
    steps = [max(2, int(budget / (seconds(device, partial(turn, 5)) / 5))) for turn in turns]
    times = [
        [1000 * seconds(device, partial(turn, n)) / n for turn, n in zip(turns, steps, strict=True)]
        for _ in range(rounds)
    ]
    mine, _, their = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = sorted(c / a for a, _, c in times)
    rate = operations(row, device) / (mine / 1000)
    return {
        "row": row.name,
        "batch_size": row.batch_size,
        "d_steps": row.d_steps,
        "seeds": row.seeds,
        "ours_ms": round(mine, 4),
        "textbook_ms": round(their, 4),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_low": round(ratios[0], 2),
        "ratio_high": round(ratios[-1], 2),
        "loop_alone": round(statistics.median(c / b for _, b, c in times), 2),
        "gflops": round(rate / 1e9, 1),
    }


def compare(wanted: list[Row], device: torch.device, rounds: int, budget: float) -> Iterator[dict]:
    """Where and with what this is measured; then row after row.  Each is printed as soon as it is known."""
    images, folder = fashion_mnist(device), files.find(files.data_folders())
    if folder is None:
        raise SystemExit("The textbook loop reads FashionMNIST's files: run `gan-tutorial data` first.")
    peaks = [round(peak / 1e9, 1) for peak in matrix_peaks(device)]
    about = machine(device) | {"torch_peak_gflops": peaks[0], "our_peak_gflops": peaks[1], "rounds": rounds}
    about["textbook_data"] = textbook.DATA
    print(", ".join(f"{key} {value}" for key, value in about.items()), "\n")
    yield about
    line = "{:36}{:>10}{:>9}{:>14}{:>14}{:>12}{:>9}".format
    print(line("ms per step", "textbook", "ours", "times faster", "spread", "loop alone", "of peak"), flush=True)
    for row in wanted:
        r = measure(row, images, folder, device, rounds, budget)
        r["share_of_peak"] = round(r["gflops"] / max(peaks), 3)
        times = (f"{r[whose]:.3g}" for whose in ("textbook_ms", "ours_ms"))
        spread = f"{r['ratio_low']}..{r['ratio_high']}"
        print(line(r["row"], *times, r["ratio"], spread, r["loop_alone"], f"{r['share_of_peak']:.0%}"), flush=True)
        yield r


def at_once(copies: int, seconds: float) -> list[float]:
    """Steps per second of our first row in each of several processes that train at the same time, on the CPU."""
    context = get_context("spawn")
    start, found = context.Barrier(copies), context.SimpleQueue()
    trainings = [context.Process(target=_one_of_several, args=(start, found, seconds)) for _ in range(copies)]
    for training in trainings:
        training.start()
    rates = [found.get() for _ in trainings]
    for training in trainings:
        training.join()
    return rates


def _one_of_several(start, found, seconds: float) -> None:
    use_cores()
    row, device = ROWS[0], torch.device("cpu")
    game = ours(row, fashion_mnist().sampler(), Latent(LATENT), device)
    for _ in train(game, row.objective, steps=20, batch_size=row.batch_size):
        pass  # the first steps allocate
    start.wait()
    first, began = game.step, time.perf_counter()
    for _ in train(game, row.objective, batch_size=row.batch_size):
        if (took := time.perf_counter() - began) > seconds:
            break
    found.put((game.step - first) / took)


def machine(device: torch.device) -> dict:
    """Where and with what this was measured."""
    return {
        "device": torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else "CPU ({} family {}), {} threads".format(*processor(), torch.get_num_threads()),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": date.today().isoformat(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each loop (default: 9)")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of a turn (default: 1)")
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 256], help="batch sizes (default: 64 256)")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name holds TEXT")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--save", metavar="NAME", help="write results/NAME.json and .png")
    args = parser.parse_args()
    use_cores()
    device = torch.device(args.device)
    wanted = [row for row in rows(args.batch) if args.only in row.name]
    about, *found = compare(wanted, device, args.rounds, args.budget)
    if device.type == "cpu" and args.only in TWO:
        turns = [[at_once(copies, 3 * args.budget) for copies in (1, 2)] for _ in range(min(3, args.rounds))]
        alone, slower = statistics.median(a for (a,), _ in turns), statistics.median(min(pair) for _, pair in turns)
        about |= {"alone_per_s": round(alone), "two_at_once_per_s": round(slower)}
        print(f"{TWO}: the slower one {slower:.0f} steps a second, alone {alone:.0f}")
    if args.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{args.save}.json").write_text(json.dumps(about | {"rows": found}, indent=1) + "\n")
        draw(found, about, RESULTS / f"{args.save}.png")


def draw(found: list[dict], about: dict, path: Path) -> None:
    """How many times faster, row by row, with the spread over the rounds."""
    import matplotlib.pyplot as plt

    from gan_tutorial.lesson.figures import COLORS, use_style

    use_style()
    fig, ax = plt.subplots(figsize=(7, 0.35 * len(found) + 1.2), layout="constrained")
    place = list(range(len(found)))[::-1]
    middle = [r["ratio"] for r in found]
    ends = [[r["ratio"] - r["ratio_low"] for r in found], [r["ratio_high"] - r["ratio"] for r in found]]
    ax.barh(place, middle, color=COLORS["data"], xerr=ends, ecolor=COLORS["truth"], height=0.6)
    ax.axvline(1, color=COLORS["guide"], linestyle="--")
    ax.set(yticks=place, yticklabels=[r["row"] for r in found], xlabel="times faster than the textbook loop")
    ax.set_title(f"{about['device']}\ntorch {about['torch']}, {about['date']}", fontsize=9)
    fig.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
