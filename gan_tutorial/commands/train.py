"""`gan-tutorial train`: the loop without a notebook, in one process or, started by `torchrun`, in several.

Several processes hold the same weights, draw batches of their own, and average their gradients where a player moves
(`game.agree`).  That pays where a step is long: several GPUs, large batches or networks.  On one CPU it does not: torch
uses all its cores already.
"""

import csv
import os
import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path

from gan_tutorial.cli import UsageError

N_SAMPLES = 10_000
SAVE_EVERY = 30.0  # seconds of training between two saves: what a power cut can cost
LOOK_EVERY = 20  # steps between two looks at the clock and two rows of history.csv
COLUMNS = ("step", "d_loss", "g_loss", "real_score", "fake_score")


def add_arguments(parser: ArgumentParser) -> None:
    from gan_tutorial.objectives import OBJECTIVES
    from gan_tutorial.recipes import NETS

    parser.add_argument("--objective", required=True, choices=OBJECTIVES, metavar="NAME", help=", ".join(OBJECTIVES))
    parser.add_argument("--net", default="conv", choices=NETS, help="networks (default: conv)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=positive_int, help="how many steps, counted from this start")
    length.add_argument("--seconds", type=positive_float, help="how long to train (default: 60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=positive_int, help="pictures per move and process (default: one that suits)")
    parser.add_argument("--lr", type=positive_float, help="step size of both players (default: one that suits)")
    parser.add_argument("--d-steps", type=positive_int, help="moves of D per step (default: 5 for wgan*, else 1)")
    parser.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for what is made")
    parser.add_argument("--resume", action="store_true", help="go on from DIR/game.pt")


def positive_int(text: str) -> int:
    return _positive(int, text)


def positive_float(text: str) -> float:
    return _positive(float, text)


def _positive(kind: type, text: str) -> int | float:
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a positive {'whole ' if kind is int else ''}number")
    return value


def main(args: Namespace) -> int:
    """Write game.pt, history.csv, samples.png and samples.npy into DIR.  Ctrl-C: save, draw the samples, return 130."""
    device = _device(args.device)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return _as_one_of_several(args, device)
    return _play(args, device)


def _as_one_of_several(args: Namespace, device: str) -> int:
    """What `main` does, in each process that `torchrun` started; the first of them writes and speaks for all."""
    import torch

    # Torch imports this module itself at the first optimiser, and it keeps the process group of that moment for ever:
    # then `destroy_process_group` does not end gloo's threads, and one of them may abort the process as it exits.
    import torch.distributed.nn.functional
    from torch import distributed

    if device.startswith("cuda"):
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    # One process that stops alone would leave the others waiting: they look at `asked` together.
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: asked.append(number))
    rank = distributed.get_rank()
    if rank:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the process ends
    try:
        return _play(args, device, rank, asked)
    finally:
        distributed.destroy_process_group()


def _play(args: Namespace, device: str, rank: int = 0, asked: Sequence[int] = ()) -> int:
    """The command in one process: the only one, or number `rank`; `asked`: signals that came in, if not as Ctrl-C."""
    from gan_tutorial import data, recipes
    from gan_tutorial.game import Diverged
    from gan_tutorial.objectives import OBJECTIVES
    from gan_tutorial.profile import use_cores

    checkpoint = args.out / "game.pt"
    _prepare(args.out, checkpoint, args.resume)
    use_cores()
    images = data.fashion_mnist(device=device)
    nets = recipes.NETS[args.net]
    lr = args.lr or nets.lr * (0.15 if args.objective in recipes.STEEP else 1.0)
    game = recipes.fashion_game(images, nets, lr=lr, seed=args.seed)
    if args.resume:
        try:
            game.load(checkpoint)
        except ValueError as error:
            print(f"gan-tutorial train: {error}", file=sys.stderr)
            return 1
    if rank:  # the same weights, other batches
        game.reseed(hash((args.seed, rank, game.step)))
    history = History(args.out / "history.csv", game.step)
    moves = {
        "batch_size": args.batch or nets.batch,
        "d_steps": args.d_steps or recipes.CRITIC_STEPS.get(args.objective, 1),
    }
    status, start, first = 0, time.perf_counter(), game.step
    print(f"{args.objective}, {args.net} networks, {images.name}, on {device}, from step {game.step:,}.", flush=True)
    try:
        _train(game, OBJECTIVES[args.objective], args, moves, history, None if rank else checkpoint, asked)
        if asked:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        status = 130
        print(f"\nStopped at step {game.step:,}; add --resume to go on from here.", flush=True)
    except Diverged as error:
        status = 1
        if not rank:
            print(f"\ngan-tutorial train: {error}", file=sys.stderr)
    if rank:
        return status
    seconds = time.perf_counter() - start
    history.write(up_to=game.step)
    game.save(checkpoint)
    _draw_samples(game, args, images)
    print(f"{game.step - first:,} steps in {seconds:.1f} s, now at step {game.step:,}; all is in {args.out}.")
    return status


def _device(name: str | None) -> str:
    import torch

    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {name} cannot be used here; try --device cpu.") from error
    return name


def _prepare(out: Path, checkpoint: Path, resume: bool) -> None:
    if resume and not checkpoint.exists():
        raise UsageError(f"there is no {checkpoint} to go on from; leave --resume out to start anew.")
    if not resume and checkpoint.exists():
        raise UsageError(f"{checkpoint} exists already; add --resume to go on from it, or choose another --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {out} cannot be made ({error.strerror}); choose another --out.") from error


def _train(
    game,
    objective,
    args: Namespace,
    moves: dict[str, int],
    history: "History",
    checkpoint: Path | None,
    asked: Sequence[int],
) -> None:
    from gan_tutorial.game import train

    start = saved = shown = time.perf_counter()
    limit = args.seconds if args.seconds else (60.0 if args.steps is None else float("inf"))
    first = game.step
    steps = train(game, objective, steps=args.steps, every=LOOK_EVERY, **moves)
    for step in steps:
        history.add(step)
        now = time.perf_counter()
        if now - shown > 1 or now - start >= limit:
            _show(step, first, now - start, args.steps, limit)
            shown = now
        if checkpoint and now - saved > SAVE_EVERY:
            history.write(up_to=game.step)
            game.save(checkpoint)
            saved = now
        if _any(bool(asked) or now - start >= limit, game.device):
            break
    if sys.stdout.isatty():
        print()


def _any(here: bool, device) -> bool:
    """Whether it is so in any of the processes; all of them get the same answer."""
    import torch
    from torch import distributed

    if not distributed.is_initialized():
        return here
    answer = torch.tensor(float(here), device=device)
    distributed.all_reduce(answer, distributed.ReduceOp.MAX)
    return bool(answer)


def _show(step, first: int, seconds: float, steps: int | None, limit: float) -> None:
    """One line that overwrites itself on a terminal; elsewhere nothing, so that logs stay short."""
    if sys.stdout.isatty():
        rate = (step.n - first) / seconds
        left = (first + steps - step.n) / rate if steps else limit - seconds
        print(
            f"\rstep {step.n:,}  {rate:.0f} steps/s  D's loss {step.d_loss:.3f}  G's loss {step.g_loss:.3f}  "
            f"{max(left, 0):.0f} s left \033[K",
            end="",
            flush=True,
        )


class History:
    """The rows of history.csv.  On resume the rows after the saved step are dropped: they will be made again."""

    def __init__(self, path: Path, step: int):
        self.path, self.rows, self.new = path, [], []
        if step and path.exists():
            with path.open(newline="") as file:
                self.rows = [row for row in list(csv.reader(file))[1:] if int(row[0]) <= step]

    def add(self, step) -> None:
        self.new.append(step)  # its tensors become floats in `write`, so that a GPU does not wait here

    def write(self, up_to: int) -> None:
        self.rows += [(step.n, *map(float, step[1:])) for step in self.new if step.n <= up_to]
        self.new = []
        partial = self.path.with_suffix(".csv.partial")
        with partial.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *self.rows])
        os.replace(partial, self.path)


def _draw_samples(game, args: Namespace, images) -> None:
    """samples.npy: 10,000 pictures of the averaged generator; samples.png: the first 100 of them."""
    import matplotlib.pyplot as plt
    import numpy as np
    import torch

    from gan_tutorial import figures
    from gan_tutorial.data import to_uint8

    with torch.random.fork_rng():
        torch.manual_seed(args.seed)
        samples = to_uint8(game.sample(N_SAMPLES)).cpu()
    partial = args.out / "samples.npy.partial"
    with partial.open("wb") as file:
        np.save(file, samples.numpy())
    os.replace(partial, args.out / "samples.npy")
    figures.use_style(note=images.notice)
    title = f"{args.objective}, {args.net}, step {game.step:,}"
    ax = figures.image_grid(samples[:100], columns=10, title=title)
    ax.figure.savefig(args.out / "samples.png")
    plt.close(ax.figure)
