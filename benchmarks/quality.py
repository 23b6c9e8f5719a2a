"""Quality per second: settings for each hands-on GAN, compared by FFD after the same time on two cores.

    python benchmarks/quality.py speed                    steps per second of every setting, side by side
    python benchmarks/quality.py search --seconds 10 30   one seed of every setting, against held-out training images
    python benchmarks/quality.py final                    five seeds of the finalists, against the test images too
    python benchmarks/quality.py draw                     samples of the finalists: results/quality_60s.png and so on
    python benchmarks/quality.py table                    what is known so far

Time is counted in steps: `speed` says how many a setting makes in a second on two idle cores, with one thread or with
two, whichever is faster, and a training of 60 seconds makes 60 times as many, however busy the machine is.  Each
training is kept in build/quality as soon as it ends, so a run that was stopped goes on where it was; what is known goes
to results/quality.json.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pages
import torch
from bench import RESULTS, machine
from torch import Tensor, nn

from gan_tutorial.clothes import recipes, score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8
from gan_tutorial.game import Diverged, Game, objectives, train
from gan_tutorial.game.networks import LATENT, ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator
from gan_tutorial.game.objectives import Objective, clip_weights, fake_as_real, gradient_penalty, on_part, r1_penalty
from gan_tutorial.truth.densities import Latent

FILE = RESULTS / "quality.json"
WORK = Path(__file__).parents[1] / "build"
SEEDS = 5
SAMPLES = {"search": 2_500, "final": 10_000}  # for each FFD


# ---- Networks ---------------------------------------------------------------------------------------------------


def seven(width: int = 32, inner: int = 16) -> nn.Module:
    """A generator that works at 7x7: latent -> 7x7 -> conv -> 14x14 -> conv -> 28x28, each doubling a PixelShuffle."""
    return nn.Sequential(
        nn.Linear(LATENT, width * 49),
        nn.Unflatten(1, (width, 7, 7)),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 4 * inner, 3, padding=1),
        nn.PixelShuffle(2),  # -> 14x14
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, 4, 3, padding=1),
        nn.PixelShuffle(2),  # -> 28x28
        nn.Tanh(),
    )


def coarse(width: int = 32, convolutions: int = 1) -> nn.Module:
    """The cheapest generators: all convolutions at 7x7; the 16 channels of the last make a block of 4x4 pixels."""
    more = [
        layer
        for _ in range(convolutions - 1)
        for layer in (nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
    ]
    return nn.Sequential(
        nn.Linear(LATENT, width * 49),
        nn.Unflatten(1, (width, 7, 7)),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        *more,
        nn.Conv2d(width, 16, 3, padding=1),
        nn.PixelShuffle(4),
        nn.Tanh(),
    )


def scorer(*features: nn.Module, size: int) -> nn.Module:
    """A discriminator of these features, `size` numbers a picture.  (n, 1, 28, 28) -> (n,)"""
    return nn.Sequential(*features, nn.Flatten(), nn.Linear(size, 1), nn.Flatten(0))


def patches(*widths: int, stride: int = 1) -> nn.Module:
    """A discriminator that starts from 4x4 blocks as channels at 7x7, a 3x3 convolution for each of `widths`."""
    layers: list[nn.Module] = [nn.PixelUnshuffle(4)]
    for i, (n_in, n_out) in enumerate(zip((16, *widths), widths, strict=False)):
        layers += [nn.Conv2d(n_in, n_out, 3, stride=stride if i else 1, padding=1), nn.LeakyReLU(0.2)]
    return scorer(*layers, size=widths[-1] * (49 if stride == 1 or len(widths) == 1 else 16))


def deeper(width: int = 16) -> nn.Module:
    """The package's convolutional discriminator with a third layer: 14x14 -> 7x7 -> 4x4 -> score."""
    return scorer(
        nn.PixelUnshuffle(2),
        nn.Conv2d(4, width, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        size=4 * width * 16,
    )


# ---- Objectives -------------------------------------------------------------------------------------------------


def clipped(c: float) -> Objective:
    """The Wasserstein game with D's weights kept in [-c, c]."""
    return replace(objectives.wasserstein, project=clip_weights(c))


def penalised(share: int = 1, weight: float = 10.0, one_sided: bool = False) -> Objective:
    """WGAN-GP with the penalty on one in `share` examples of the batch only."""
    return replace(objectives.wasserstein, penalty=on_part(gradient_penalty(weight, one_sided=one_sided), share))


def with_r1(gamma: float, share: int) -> Objective:
    """The non-saturating game with an R1 penalty on one in `share` examples."""
    return replace(objectives.non_saturating, penalty=on_part(r1_penalty(gamma), share))


# ---- Settings ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """One way to train one GAN; Adam with beta1 = 0."""

    name: str
    objective: Objective
    G: Callable[[], nn.Module]
    D: Callable[[], nn.Module]
    lr: float = 2e-3
    d_lr: float | None = None  # D's, where it is another one
    batch_size: int = 32
    d_steps: int = 1
    beta2: float = 0.999
    ema_decay: float = 0.999
    fall: float = 0.0  # the last share of the training in which both step sizes fall linearly to 0

    def game(self, images, seed: int) -> Game:
        """A new game; the seed fixes the weights and every later random number."""
        torch.manual_seed(seed)
        G, D = self.G(), self.D()
        options = {
            "d_lr": self.d_lr or self.lr,
            "g_lr": self.lr,
            "betas": (0.0, self.beta2),
            "ema_decay": self.ema_decay,
            "seed": seed,
        }
        return Game.with_adam(G, D, images.sampler(), Latent(LATENT), **options)


def cool(game: Game, done: float, share: float) -> None:
    """Let both step sizes fall linearly to 0 in the last `share` of a training of which `done` lies behind."""
    for group in (*game.g_opt.param_groups, *game.d_opt.param_groups):
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * min(1.0, (1 - done) / share)


NS, CONV, MLP = objectives.non_saturating, (ConvGenerator, ConvDiscriminator), (MLPGenerator, MLPDiscriminator)
WIDE = (partial(ConvGenerator, width=24), partial(ConvDiscriminator, width=24))
QUICK = recipes.QUICK_NETS["conv"]
DEEP = (QUICK.G, QUICK.D)
MIX = (seven, ConvDiscriminator)
TRIED = [
    Setting("non-saturating, package's conv, batch 64", NS, *CONV, batch_size=64),
    Setting("non-saturating, package's conv", NS, *CONV),
    Setting("non-saturating, package's conv, batch 16", NS, *CONV, batch_size=16),
    Setting("non-saturating, package's conv, lr 1e-3", NS, *CONV, lr=1e-3),
    Setting("non-saturating, package's conv, lr 4e-3", NS, *CONV, lr=4e-3),
    Setting("non-saturating, package's conv, beta2 0.99", NS, *CONV, beta2=0.99),
    Setting("non-saturating, package's conv, falling, EMA 0.99", NS, *CONV, fall=0.5, ema_decay=0.99),
    Setting("non-saturating, package's conv, 24 channels", NS, *WIDE),
    Setting("non-saturating, cheapest", NS, coarse, partial(patches, 32)),
    Setting("non-saturating, cheapest, batch 64", NS, coarse, partial(patches, 32), batch_size=64),
    Setting(
        "non-saturating, cheap G, D 7x7 -> 4x4, batch 64", NS, coarse, partial(patches, 32, 64, stride=2), batch_size=64
    ),
    Setting("non-saturating, G and D at 7x7", NS, seven, partial(patches, 32, 32)),
    Setting("non-saturating, G and D at 7x7, batch 64", NS, seven, partial(patches, 32, 32), batch_size=64),
    Setting(
        "non-saturating, G and D at 7x7, G's end coarse, batch 64",
        NS,
        partial(coarse, convolutions=2),
        partial(patches, 32, 32),
        batch_size=64,
    ),
    Setting("non-saturating, G at 7x7", NS, *MIX),
    Setting("non-saturating, G at 7x7, falling", NS, *MIX, fall=0.5),
    Setting("non-saturating, G at 7x7, deeper D, falling", NS, seven, deeper, fall=0.5),
    Setting("non-saturating, G at 7x7, R1 0.1 on a quarter, falling", with_r1(0.1, 4), *MIX, fall=0.5),
    Setting("WGAN-GP, package's conv", penalised(), *CONV),
    Setting("WGAN-GP, package's conv, penalty on half", penalised(2), *CONV),
    Setting("WGAN-GP, G at 7x7, penalty on half", penalised(2), *MIX),
    Setting("WGAN-GP, G at 7x7, penalty on half, falling", penalised(2), *MIX, fall=0.5),
    Setting("WGAN-GP, G at 7x7, penalty on half, weight 1", penalised(2, 1.0), *MIX),
    Setting("WGAN-GP, MLP, batch 64, lr 1e-3", penalised(), *MLP, batch_size=64, lr=1e-3),
    Setting("non-saturating, package's conv, falling", NS, *CONV, fall=0.5),
    Setting("non-saturating, package's conv, all falling", NS, *CONV, fall=1.0),
    Setting("non-saturating, package's conv, R1 0.1 on a quarter", with_r1(0.1, 4), *CONV),
    Setting("non-saturating, package's conv, R1 0.01 on a quarter", with_r1(0.01, 4), *CONV),
    Setting("non-saturating, package's conv, R1 0.3 on a quarter", with_r1(0.3, 4), *CONV),
    Setting("non-saturating, package's conv, R1 1 on a quarter", with_r1(1.0, 4), *CONV),
    Setting("WGAN-GP, package's conv, penalty on half, falling", penalised(2), *CONV, fall=0.5),
    Setting("WGAN-GP, package's conv, penalty on half, lr 3e-3", penalised(2), *CONV, lr=3e-3),
    Setting("WGAN-GP, package's conv, penalty on half, beta2 0.99", penalised(2), *CONV, beta2=0.99),
    Setting("WGAN-GP, package's conv, penalty on a quarter", penalised(4), *CONV),
    Setting("WGAN-GP, package's conv, penalty on a quarter, beta2 0.99", penalised(4), *CONV, beta2=0.99),
    Setting("WGAN-GP, package's conv, penalty on a quarter, lr 3e-3", penalised(4), *CONV, lr=3e-3),
    Setting(
        "WGAN-GP, package's conv, penalty on a quarter, lr 3e-3, beta2 0.99", penalised(4), *CONV, lr=3e-3, beta2=0.99
    ),
    Setting("non-saturating, package's conv, R1 0.1 on a quarter, beta2 0.99", with_r1(0.1, 4), *CONV, beta2=0.99),
    Setting("WGAN-GP, package's conv, penalty on a quarter, G 1e-3", penalised(4), *CONV, lr=1e-3, d_lr=2e-3),
    Setting("WGAN-GP, package's conv, penalty on a quarter, G 4e-3", penalised(4), *CONV, lr=4e-3, d_lr=2e-3),
    Setting("WGAN-GP, package's conv, penalty on a quarter, D of 24 channels", penalised(4), ConvGenerator, WIDE[1]),
    Setting("non-saturating, deeper D", NS, *DEEP),
    Setting("non-saturating, deeper D, R1 1 on a quarter", with_r1(1.0, 4), *DEEP),
    Setting("WGAN-GP, deeper D, penalty on a quarter", penalised(4), *DEEP),
    Setting("non-saturating with R1, quick", recipes.QUICK["r1"], *DEEP, ema_decay=QUICK.ema_decay),
    Setting("WGAN-GP, quick", recipes.QUICK["wgan_gp"], *DEEP, ema_decay=QUICK.ema_decay),
    Setting("WGAN-GP, package's conv, penalty on a quarter, one-sided", penalised(4, one_sided=True), *CONV),
    Setting("WGAN-GP, package's conv, penalty on a quarter, two moves of D", penalised(4), *CONV, d_steps=2),
    Setting("WGAN-GP, package's conv, penalty on half, batch 16", penalised(2), *CONV, batch_size=16),
    Setting("WGAN-GP, package's conv, penalty on half, weight 3", penalised(2, 3.0), *CONV),
    Setting("non-saturating, package's conv, D 3e-3", NS, *CONV, d_lr=3e-3),
    Setting("WGAN-GP, package's conv, penalty on half, D 4e-3", penalised(2), *CONV, d_lr=4e-3),
    Setting("clipping 0.1, G at 7x7", clipped(0.1), *MIX),
    Setting("clipping 0.03, G at 7x7, lr 1e-3", clipped(0.03), *MIX, lr=1e-3),
    Setting("clipping 0.03, MLP, lr 1e-3", clipped(0.03), *MLP, lr=1e-3),
    Setting("Pearson, package's, lr 1e-3, batch 64", objectives.pearson, *CONV, lr=1e-3, batch_size=64),
    Setting("Pearson, trick, G at 7x7", fake_as_real(objectives.pearson), *MIX),
    Setting("KL, package's, lr 3e-4, batch 64", objectives.kl, *CONV, lr=3e-4, batch_size=64),
    Setting("KL, gentle, trick, package's conv", objectives.gentle_kl, *CONV),
    Setting("KL, gentle, trick, G at 7x7", objectives.gentle_kl, *MIX),
    Setting(
        "squared Hellinger, package's, lr 3e-4, batch 64", objectives.squared_hellinger, *CONV, lr=3e-4, batch_size=64
    ),
    Setting("squared Hellinger, gentle, trick, package's conv", objectives.gentle_hellinger, *CONV),
    Setting("squared Hellinger, gentle, trick, G at 7x7", objectives.gentle_hellinger, *MIX),
]
SETTINGS = {setting.name: setting for setting in TRIED}

FINALISTS = {
    "non-saturating, package's conv": (60,),
    "non-saturating with R1, quick": (60,),
    "WGAN-GP, quick": (60,),
    "non-saturating, G at 7x7": (60,),
    "non-saturating, G at 7x7, falling": (60, 180, 300),
    "WGAN-GP, package's conv, penalty on half": (60, 180),
    "clipping 0.1, G at 7x7": (60,),
    "clipping 0.03, MLP, lr 1e-3": (60,),
    "Pearson, trick, G at 7x7": (60,),
    "KL, gentle, trick, G at 7x7": (60,),
    "squared Hellinger, gentle, trick, G at 7x7": (60,),
}
"""What the search left over, and the seconds that it is to be reported for."""


# ---- Training and scoring ---------------------------------------------------------------------------------------


@cache
def the_images():
    images = fashion_mnist()
    if images.is_stand_in:
        raise SystemExit("Quality is measured on the real FashionMNIST: run `gan-tutorial data` first.")
    return images


@cache
def held_out() -> Tensor:
    """Features of the training images that settings are chosen by."""
    return score.features(score.reference(the_images(), held_out=True))


def trained(setting: Setting, steps: int, seed: int) -> tuple[Game, int]:
    """A game after `steps` steps, and 0; or, if it diverged, its last good state and the step of that."""
    game = setting.game(the_images(), seed)
    try:
        for step in train(
            game,
            setting.objective,
            steps=steps,
            batch_size=setting.batch_size,
            d_steps=setting.d_steps,
            every=max(1, steps // 500),
        ):
            if setting.fall:
                cool(game, step.n / steps, setting.fall)
    except Diverged:
        return game, game.step
    return game, 0


def run(stage: str, name: str, seconds: float, steps: int, seed: int) -> dict:
    """What one process does: train with one seed on one core, and score."""
    torch.set_num_threads(1)
    start = time.process_time()
    game, diverged = trained(SETTINGS[name], steps, seed)
    spent = time.process_time() - start
    torch.manual_seed(1000 + seed)
    samples = to_uint8(game.sample(SAMPLES[stage]))
    row = {"stage": stage, "setting": name, "seconds": seconds, "steps": steps, "seed": seed, "diverged": diverged}
    row |= {"cpu_seconds": round(spent, 1), "samples": len(samples)}
    row["held_out_ffd"] = round(score.frechet(score.features(samples), held_out()), 3)
    if stage == "final":
        report = asdict(score.score(samples, the_images()))
        report["histogram"] = [round(share, 4) for share in report["histogram"]]
        row["test"] = {key: value if key == "histogram" else round(value, 5) for key, value in report.items()}
        np.save(place(stage, name, seconds, seed).with_suffix(".npy"), samples[:64].numpy())
    return row


def write_to(name: str) -> None:
    """From here on what is known is in results/NAME.json."""
    global FILE
    FILE = RESULTS / f"{name}.json"


def place(stage: str, name: str, seconds: float, seed: int) -> Path:
    """The file of one training."""
    plain = "".join(c if c.isalnum() or c == "." else "-" for c in name)
    return WORK / FILE.stem / f"{stage}_{plain}_{seconds:g}s_{seed}.json"


def run_all(stage: str, jobs: list[tuple[str, float, int]], workers: int) -> None:
    """All trainings that are not done yet, `workers` at a time, each kept as soon as it ends."""
    (WORK / FILE.stem).mkdir(parents=True, exist_ok=True)
    speed = known()["speed"]
    todo = [job for job in jobs if not place(stage, *job).exists()]
    if unmeasured := {name for name, *_ in todo} - speed.keys():
        raise SystemExit(f"Measure the speed of {', '.join(sorted(unmeasured))} first: quality.py speed")
    spawn = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=write_to, initargs=(FILE.stem,)) as pool:
        doing = {}
        for name, seconds, seed in todo:
            steps = round(seconds * speed[name]["steps_per_second"])
            doing[pool.submit(run, stage, name, seconds, steps, seed)] = (name, seconds, seed)
        for done in as_completed(doing):
            row = done.result()
            place(stage, *doing[done]).write_text(json.dumps(row) + "\n")
            print({key: row[key] for key in ("setting", "seconds", "steps", "seed", "held_out_ffd")}, flush=True)
            collect()


# ---- Speed ------------------------------------------------------------------------------------------------------


def measure_speed(names: list[str], rounds: int, window: int) -> None:
    """Steps per second: settings take turns, with one thread and with two, and the fastest short window counts.

    On a machine with other work, the fastest window is the one that was disturbed least.
    """
    games = {name: SETTINGS[name].game(the_images(), 0) for name in names}
    best: dict[str, dict[int, float]] = {name: {1: 0.0, 2: 0.0} for name in names}
    for threads in (1, 2) * rounds:
        torch.set_num_threads(threads)
        for name, game in games.items():
            s = SETTINGS[name]
            steps = train(game, s.objective, steps=window + 1, batch_size=s.batch_size, d_steps=s.d_steps)
            next(steps)  # the first step after a change of networks finds cold caches
            start = time.perf_counter()
            for _ in steps:
                pass
            best[name][threads] = max(best[name][threads], window / (time.perf_counter() - start))
    found = known()
    for name, rates in best.items():
        found["speed"][name] = {
            "steps_per_second": round(max(rates.values()), 1),
            "one_thread": round(rates[1], 1),
            "two_threads": round(rates[2], 1),
            "load": round(os.getloadavg()[0], 1),
        }
        print(f"{name:64}{rates[1]:8.1f} steps per second with one thread, {rates[2]:.1f} with two", flush=True)
    keep(found)


# ---- What is known ----------------------------------------------------------------------------------------------


def known() -> dict:
    """results/quality.json, or the beginning of one."""
    return json.loads(FILE.read_text()) if FILE.exists() else {"speed": {}, "baselines": {}, "runs": []}


def keep(found: dict) -> None:
    """Write results/quality.json in one stroke."""
    RESULTS.mkdir(exist_ok=True)
    found |= machine(torch.device("cpu"))
    partial_file = FILE.with_suffix(f".{os.getpid()}")
    partial_file.write_text(json.dumps(found, indent=1) + "\n")
    os.replace(partial_file, FILE)


def collect() -> None:
    """Take over every training in build/quality."""
    found = known()
    rows = {(r["stage"], r["setting"], r["seconds"], r["seed"]): r for r in found["runs"]}
    for path in sorted((WORK / FILE.stem).glob("*.json")):
        r = json.loads(path.read_text())
        rows[r["stage"], r["setting"], r["seconds"], r["seed"]] = r
    found["runs"] = list(rows.values())
    keep(found)


def measure_baselines() -> None:
    """The floor and what can be had without a GAN, scored as the finalists are."""
    found = known()
    for name, samples in score.baselines(the_images()).items():
        if "ffd" not in found["baselines"].get(name, {}):
            report = asdict(score.score(samples, the_images()))
            report["held_out_ffd"] = score.frechet(score.features(samples), held_out())
            found["baselines"][name] = {k: v for k, v in report.items() if k != "histogram"}
            keep(found)


def table() -> None:
    """Print what is known: the tables of the page."""
    if FILE.exists():
        for part in (pages.baselines, pages.finalists, pages.screening):
            print(part(), end="\n\n")


def draw() -> None:
    """For each time, an 8x8 grid of samples of each finalist: the seed whose test FFD is the median one."""
    import matplotlib.pyplot as plt

    from gan_tutorial.lesson.figures import image_grid, use_style

    use_style()
    finals = [r for r in known()["runs"] if r["stage"] == "final"]
    for seconds in sorted({r["seconds"] for r in finals}):
        here = [r for r in finals if r["seconds"] == seconds]
        names = [name for name in FINALISTS if any(r["setting"] == name for r in here)]
        columns = min(3, len(names))
        rows = -(-len(names) // columns)
        size = (3.6 * columns, 4.2 * rows)
        fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        for ax in axes.flat:
            ax.axis("off")
        for ax, name in zip(axes.flat, names, strict=False):
            runs = sorted((r for r in here if r["setting"] == name), key=lambda r: r["test"]["ffd"])
            r = runs[(len(runs) - 1) // 2]
            samples = np.load(place("final", name, seconds, r["seed"]).with_suffix(".npy"))
            image_grid(torch.from_numpy(samples), ax, columns=8)
            ax.set_title(f"{name}\n{r['steps']:,} steps, FFD {r['test']['ffd']:.1f}", fontsize=9)
        fig.savefig(RESULTS / f"{FILE.stem}_{seconds:g}s.png", dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("speed", "search", "final", "baselines", "draw", "table"))
    parser.add_argument("--only", default="", metavar="TEXT", help="settings whose name holds TEXT")
    parser.add_argument("--seconds", type=float, nargs="+", help="of training (default: 10; the finalists' own)")
    parser.add_argument("--seeds", type=int, nargs="+", help="which (default: 0 to search; 10 to 14 for finalists)")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time, a core each (default: 2)")
    parser.add_argument("--rounds", type=int, default=40, help="of speed (default: 40)")
    parser.add_argument("--window", type=int, default=5, help="steps of speed in a round (default: 5)")
    parser.add_argument("--to", default=FILE.stem, metavar="NAME", help="results/NAME.json: one for each machine")
    args = parser.parse_args()
    write_to(args.to)
    names = [name for name in SETTINGS if args.only in name]
    match args.command:
        case "speed":
            measure_speed(names, args.rounds, args.window)
        case "search":
            jobs = [(n, t, k) for t in args.seconds or [10] for n in names for k in args.seeds or [0]]
            run_all("search", jobs, args.workers)
        case "final":
            pairs = [(n, t) for n in names for t in FINALISTS.get(n, ()) if t in (args.seconds or [t])]
            jobs = [(n, t, k) for k in args.seeds or range(10, 10 + SEEDS) for n, t in pairs]
            run_all("final", sorted(jobs, key=lambda job: job[1]), args.workers)
        case "baselines":
            measure_baselines()
        case "draw":
            draw()
    table()


if __name__ == "__main__":
    main()
