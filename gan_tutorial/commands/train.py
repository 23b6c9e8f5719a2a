"""`gan-tutorial train`: the loop without a notebook, in one process or, started by `torchrun`, in several.

Several processes hold the same weights, draw batches of their own, and average their gradients where a player moves
(`game.agree`).  That pays where a step is long: several GPUs, large batches or networks.  On one CPU it does not: torch
uses all its cores already.
"""

import errno
import math
import os
import re
import shutil
import sys
import tempfile
import textwrap
import time
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path

from gan_tutorial import machine
from gan_tutorial.commands.cli import UsageError, folder, hush, not_loaded, one_line
from gan_tutorial.disk import in_one_stroke, reason, sweep

SAMPLES = ("samples.npy", "samples.png")
MADE = ("game.pt", "history.csv", *SAMPLES)  # all that it writes, but for what begins with `HIDDEN` and goes at the end
HIDDEN = ".gan-tutorial-train"
N_SAMPLES = 10_000
SAVE_EVERY = 30.0  # seconds of training between two saves: what a power cut can cost
LOOK_EVERY = 20  # steps between two looks at the clock and two rows of history.csv
ROOM = 32 << 20  # bytes: more than all files of a training with the larger networks
NO_MEMORY = "MemoryError|out of memory|not enough memory|allocat|bad_alloc|ALLOC_FAILED|overflow"  # torch's many words
STAYS = ("objective", "net", "seed", "quick")  # what makes a training this one and no other; the rest may change


def add_arguments(parser: ArgumentParser) -> None:
    from gan_tutorial.clothes.recipes import NETS
    from gan_tutorial.game.objectives import OBJECTIVES

    parser.add_argument("--objective", choices=OBJECTIVES, metavar="NAME", help=", ".join(OBJECTIVES))
    parser.add_argument("--net", choices=NETS, help="networks (default: conv)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=positive_int, help="how many steps, counted from this start")
    length.add_argument("--seconds", type=positive_float, help="how long to train (default: 60)")
    parser.add_argument("--seed", type=seed, help="a whole number from 0 to 2^64 - 1 (default: 0)")
    parser.add_argument("--batch", type=positive_int, help="pictures per move and process (default: one that suits)")
    parser.add_argument("--lr", type=positive_float, help="step size of both players (default: one that suits)")
    parser.add_argument("--d-steps", type=positive_int, help="moves of D per step (default: 5 for wgan*, else 1)")
    parser.add_argument(
        "--quick", action=BooleanOptionalAction,
        help="for a minute: one move of D per step, the penalty on a quarter of each batch, D one layer deeper (conv)",
    )  # fmt: skip
    parser.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    parser.add_argument("--out", required=True, type=folder, metavar="DIR", help="folder for what is made")
    parser.add_argument(
        "--resume", action="store_true",
        help="go on from DIR/game.pt; what is not given is as it was; --batch, --lr and --d-steps may change",
    )  # fmt: skip
    parser.epilog = (
        "Ctrl-C, SIGTERM and SIGHUP end the training after the step in hand and save it; a second Ctrl-C ends the step "
        "as well. Exit status: 0 trained; 1 not all is well; 2 wrong usage; 130 stopped by Ctrl-C, 128 + n by signal n"
    )


def positive_int(text: str) -> int:
    return _number(int, text, lambda value: 0 < value < 2**63, "a positive whole number")


def positive_float(text: str) -> float:
    return _number(float, text, lambda value: 0 < value < math.inf, "a positive number")


def seed(text: str) -> int:
    return _number(int, text, lambda value: 0 <= value < 2**64, "a whole number from 0 to 2^64 - 1")


def _number(kind: type, text: str, fits: Callable[[int | float], bool], what: str) -> int | float:
    with suppress(ValueError):
        if fits(value := kind(text)):
            return value
    raise ArgumentTypeError(f"{text!r} is not {what}")


def main(args: Namespace) -> int:
    """Write game.pt, history.csv, samples.png and samples.npy into DIR.  Ctrl-C: save, draw the samples, return 130."""
    if args.objective is None and not args.resume:
        raise UsageError("a new training needs --objective NAME.")
    device = _device(args.device)
    _figures()  # what is missing there is to be told now, not when all is trained
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
    rank = distributed.get_rank()
    if rank:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the process ends
    try:
        return _play(args, device, rank)
    except UsageError:
        if rank:  # the first says it
            return 2
        raise
    finally:
        distributed.destroy_process_group()


def _play(args: Namespace, device: str, rank: int = 0) -> int:
    """The command in one process: the only one, or number `rank`."""
    from gan_tutorial.clothes import data
    from gan_tutorial.commands.history import History, aside
    from gan_tutorial.commands.interrupts import Interrupts
    from gan_tutorial.game import Diverged
    from gan_tutorial.lesson.profile import use_cores

    with ExitStack() as held:
        reserved = _Folder(args.out)
        held.enter_context(reserved.lock)
        settings = _from_first(lambda: _begin(args, device, reserved), rank)
        use_cores()
        try:
            images = data.fashion_mnist(device=device)
            game, notes = _game(args, settings, images, rank)
            held.enter_context(_one_rounding(game, settings, rank))
        except (data.CorruptData, ValueError) as error:
            return _failed(str(error), rank)
        except (MemoryError, RuntimeError) as error:
            if not _no_memory(error):
                raise
            sentence = f"the data and the networks need more memory than {device} has left; end what else uses it, "
            return _failed(sentence + "or choose another --device.", rank)
        history = _from_first(lambda: History(args.out / "history.csv", game.step, LOOK_EVERY), rank)
        strange = [] if args.resume else [args.out / name for name in SAMPLES if os.path.lexists(args.out / name)]
        notes += _from_first(lambda: [aside(path) for path in strange], rank)
        name = f"{settings['objective']}, {settings['net']}"
        notes = [f"{name} networks, {images.name}, on {device}, from step {game.step:,}.", *notes, *history.notes]
        _say("\n".join(notes))

        def save(folder: Path) -> None:
            reserved.keep(folder)
            history.write(folder / "history.csv", game.step)
            try:
                game.save(folder / "game.pt", settings)
            except (MemoryError, RuntimeError) as error:  # to who saves it is one more reason why that failed
                if not _no_memory(error):
                    raise
                raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from error

        interrupts = held.enter_context(Interrupts())
        limit = args.seconds or (60.0 if args.steps is None else math.inf)
        status, complaints, whole, start, first = 0, [], False, time.perf_counter(), game.step

        def train() -> bool:
            return _train(game, settings, args, limit, history, save, interrupts.came, rank)

        try:
            # One of several that stopped alone would leave the others waiting: they look at `came` together.
            whole = train() if _several() else interrupts.until(train, limit) and not interrupts.came
            status = 0 if whole else interrupts.status()
        except Diverged as error:
            status, complaints = 1, [str(error)]
        except (MemoryError, RuntimeError) as error:
            if _several() and re.search("peer|gloo|NCCL", str(error)):
                return _failed("another process of this training has ended, so this one ends as well.", rank)
            if not _no_memory(error):
                raise
            if game.step == first or _several():
                raise UsageError(_too_large(settings["batch"])) from error
            status, complaints = 1, [_too_large(settings["batch"])]
        seconds = time.perf_counter() - start
        settings["streams"] = _streams(game)
        if rank:
            return status

        stopped, before = status > 128, 0 if whole else len(interrupts.came)
        try:
            place, why = _somewhere(args.out, save)
        except Diverged as error:  # a signal came before anyone had looked
            return _failed(str(error))
        if place is None:
            return _failed(f"the training is lost: neither {args.out} nor another folder can be written to ({why}).")
        if why:
            complaints += [f"{args.out} could not be written to ({why}), so all is in {place}; move it from there."]
        if interrupts.came[before:]:  # they have waited for the save
            status = status or interrupts.status(before)
        if status > 128:
            _say(f"\nStopped at step {game.step:,}; add --resume to go on from here.")
        title = f"{name}, step {game.step:,}"

        def draw() -> None:
            if interrupts.came[before:] and not stopped:  # nothing more is wanted
                raise KeyboardInterrupt
            complaints.extend(_draw_samples(game, title, settings["seed"], images, place, reserved.keep))

        if interrupts.until(draw):
            _say(f"{game.step - first:,} steps in {seconds:.1f} s, now at step {game.step:,}; all is in {place}.")
            interrupts.until(lambda: _diagnose(history.rows, _objective(settings), images, place))
        else:
            status = status or interrupts.status(before)
            _say(f"Stopped before the samples were written; the game and its history are in {place}.")
        return max(status, _failed(" ".join(complaints))) if complaints else status


def _device(name: str | None) -> str:
    import torch

    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        if torch.device(name).type not in ("cpu", "cuda"):
            raise ValueError
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise UsageError(f"--device {name} cannot be used here; try --device cpu.") from error
    return name


# ---- Before the first step --------------------------------------------------------------------------------------


def _begin(args: Namespace, device: str, reserved: "_Folder") -> dict:
    """The settings, once all is known to be in order that can be, and the folder is taken."""
    checkpoint = args.out / "game.pt"
    if args.resume and not os.path.exists(checkpoint):
        raise UsageError(f"there is no {checkpoint} to go on from; leave --resume out to start anew.")
    if args.resume and not os.path.isfile(checkpoint):  # a pipe could be waited for without end
        raise UsageError(f"{checkpoint} is no file to go on from; move it away, or choose another --out.")
    if not args.resume:
        _settings(args, {}, device)  # what cannot be used is said before a folder is made
    reserved.take()
    if not args.resume and os.path.exists(checkpoint):
        raise UsageError(f"{checkpoint} exists already; add --resume to go on from it, or choose another --out.")
    return _settings(args, _saved(checkpoint) if args.resume else {}, device)


class _Folder:
    """The folder of a training: once taken it is there, has been written to, and takes no second training."""

    def __init__(self, path: Path) -> None:
        self.path, self.lock, self.ours = path, ExitStack(), lambda: False  # `ours`: whether it is still taken

    def take(self) -> None:
        try:
            self.ours = self._lock()
            for left in self.path.glob(f"{HIDDEN}.room-*"):  # by a training that was killed
                left.unlink()
            for name in MADE:
                sweep(self.path / name)
            with tempfile.NamedTemporaryFile(prefix=f"{HIDDEN}.room-", dir=self.path) as file:
                file.write(bytes(ROOM))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            why = reason(error)
            raise UsageError(f"{self.path} is no folder to write to ({why}); choose another --out.") from error

    def keep(self, folder: Path) -> None:
        """If it is this folder, and a person has deleted it, make it anew; OSError if it is another training's now."""
        if folder != self.path or self.ours():
            return
        self.lock.close()
        try:
            ours = self._lock()
        except UsageError as error:
            raise BlockingIOError(errno.EAGAIN, "another training writes to it by now") from error
        if any(os.path.lexists(self.path / name) for name in MADE):
            self.lock.close()
            raise FileExistsError(errno.EEXIST, "it was deleted, and what is there now may be another training's")
        self.ours = ours

    def _lock(self) -> Callable[[], bool]:
        from gan_tutorial.commands.locks import reserved

        self.path.mkdir(parents=True, exist_ok=True)
        lock = self.path / f"{HIDDEN}.lock"
        return self.lock.enter_context(reserved(lock, f"another training writes to {self.path}"))


def _saved(checkpoint: Path) -> dict:
    """The settings in a saved game; none if it has none or cannot be read, which `Game.load` says better."""
    import torch

    with suppress(Exception):
        settings = torch.load(checkpoint, map_location="cpu", weights_only=True)["settings"]
        return settings if isinstance(settings, dict) else {}
    return {}


def _settings(args: Namespace, saved: dict, device: str) -> dict:
    """What was given, else what was saved, else what suits."""
    from gan_tutorial.clothes.recipes import CRITIC_STEPS, NETS, QUICK
    from gan_tutorial.game.objectives import OBJECTIVES

    kinds = {"objective": str, "net": str, "seed": int, "quick": bool, "batch": int, "d_steps": int}
    kinds |= {"processes": int, "streams": list}
    saved = saved and {"quick": False} | saved  # older games do not say it
    known = not saved or (
        all(type(saved.get(name)) is kind for name, kind in kinds.items())
        and saved["objective"] in OBJECTIVES and saved["net"] in NETS and min(saved["batch"], saved["d_steps"]) > 0
        and 0 <= saved["seed"] < 2**64
    )  # fmt: skip
    if not known:
        raise UsageError(f"{args.out / 'game.pt'} was saved by another version or is damaged; choose another --out.")
    given = {name: getattr(args, name) for name in kinds if getattr(args, name, None) is not None}
    for name in STAYS:
        if name in saved and given.get(name, saved[name]) != saved[name]:
            raise UsageError(
                f"the game in {args.out} was trained with {_option(name, saved[name])}, not "
                f"{_option(name, given[name]).removeprefix(f'--{name} ')}; leave --{name} out, or choose another --out."
            )
    settings = {"net": "conv", "seed": 0, "quick": False} | saved | given
    if settings["quick"] and settings.get("objective") not in QUICK:
        raise UsageError(f"--quick makes a penalty cheaper; those with one are {', '.join(QUICK)} (--objective).")
    nets = _nets(settings)
    usual = 1 if settings["quick"] else CRITIC_STEPS.get(settings.get("objective"), 1)
    settings = {"batch": nets.batch, "d_steps": usual} | settings
    if settings["batch"] < nets.smallest_batch:
        raise UsageError(
            f"--batch {settings['batch']} is too small for --net {settings['net']}: its batch norm needs "
            f"{nets.smallest_batch} pictures; --net conv takes 1."
        )
    here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if device.startswith("cpu") and settings["batch"] * nets.memory * here > machine.memory()[0]:
        raise UsageError(_too_large(settings["batch"]))
    return settings


def _option(name: str, value: object) -> str:
    """As it is written on the command line."""
    return f"--{name if value else f'no-{name}'}" if isinstance(value, bool) else f"--{name} {value}"


def _nets(settings: dict):
    """The networks that play."""
    from gan_tutorial.clothes.recipes import NETS, QUICK_NETS

    return (QUICK_NETS if settings["quick"] else NETS)[settings["net"]]


def _objective(settings: dict):
    """The objective that is played."""
    from gan_tutorial.clothes.recipes import QUICK
    from gan_tutorial.game.objectives import OBJECTIVES

    return (QUICK if settings["quick"] else OBJECTIVES)[settings["objective"]]


def _no_memory(error: Exception) -> bool:
    """Whether that is why it was raised: of the host, as a MemoryError, or of either, as one of torch's."""
    return bool(re.search(NO_MEMORY, repr(error)))


def _too_large(batch: int) -> str:
    return f"a batch of {batch:,} pictures (--batch) needs more memory than there is; choose a smaller one."


def _game(args: Namespace, settings: dict, images, rank: int) -> tuple:
    """The game, new or as it was saved, and what a person should know of it.  Fills in the settings."""
    from torch import distributed

    from gan_tutorial.clothes import recipes

    nets, notes = _nets(settings), []
    lr = args.lr or nets.lr * (0.15 if settings.get("objective") in recipes.STEEP else 1.0)
    game = recipes.fashion_game(images, nets, lr=lr, seed=settings["seed"])
    saved = game.load(args.out / "game.pt") if args.resume else {}
    if saved.get("data", images.name) != images.name:
        raise ValueError(f"the game in {args.out} was trained on {saved['data']}, and here is {images.name}; "
                         "`gan-tutorial data` fetches the real pictures, or choose another --out.")  # fmt: skip
    if "objective" not in settings:
        raise UsageError(f"{args.out / 'game.pt'} is older and does not say its objective; add --objective NAME.")
    if args.resume and not saved:
        notes += ["This older game.pt holds no settings: those given, or the usual ones, hold from here on."]
    for opt in (game.d_opt, game.g_opt):
        for group in opt.param_groups:
            if args.lr and group["lr"] != args.lr:
                notes += [f"Step size: {args.lr:g} from here on, not {group['lr']:g}."]
                group["lr"] = args.lr
    settings["processes"] = distributed.get_world_size() if _several() else 1
    for key, what in {"batch": "Batch", "d_steps": "Moves of D per step", "processes": "Processes"}.items():
        if saved and settings[key] != saved[key]:
            notes += [f"{what}: {settings[key]:,} from here on, not {saved[key]:,}."]
    settings["data"] = images.name
    streams = saved.get("streams", [])
    if rank and rank < len(streams):
        game.rng = _unpacked(streams[rank], game.rng)
    elif rank:  # the same weights, other batches
        game.reseed(hash((settings["seed"], rank, game.step)))
    return game, list(dict.fromkeys(notes))


def _one_rounding(game, settings: dict, rank: int) -> AbstractContextManager:
    """Inside, products of matrices are rounded in one way, in all processes and after each --resume."""
    from gan_tutorial.game import products

    if not products.wide(game.G, game.D):
        return nullcontext()
    if type(settings.get("onednn")) is not bool:  # a new game, or one of an older version
        settings["onednn"] = _from_first(lambda: products.look().worthwhile, rank)
    return products.choosing(settings["onednn"])


# ---- The training -----------------------------------------------------------------------------------------------


def _train(
    game,
    settings: dict,
    args: Namespace,
    limit: float,
    history,
    save: Callable[[Path], None],
    came: list[int],
    rank: int,
) -> bool:
    """Whether the training came to the end that was asked for; else it stopped because signals `came`."""
    from gan_tutorial.game import train

    start = saved = shown = time.perf_counter()
    first, stopped = game.step, False
    moves = {"batch_size": settings["batch"], "d_steps": settings["d_steps"]}
    steps = train(game, _objective(settings), steps=args.steps, every=LOOK_EVERY, **moves)
    for step in steps:
        history.add(step)
        now = time.perf_counter()
        if now - shown > 1 or now - start >= limit:
            _show(step, first, now - start, args.steps, limit)
            shown = now
        stopped, over, due = _agreed(game.device, bool(came), now - start >= limit, now - saved > SAVE_EVERY)
        if stopped or over or due:
            steps.send(True)  # a game that cannot go on is not to be saved
        if due:
            saved = now
            settings["streams"] = _streams(game)
            try:
                save(args.out) if not rank else None
            except OSError as error:
                _say(f"\n{args.out} could not be written to ({reason(error)}); the training goes on, "
                     f"and it is tried again in {SAVE_EVERY:.0f} s.")  # fmt: skip
        if stopped or over:
            break
    if machine.redraws(sys.stdout):
        _say()
    return not stopped


def _several() -> bool:
    from torch import distributed

    return distributed.is_available() and distributed.is_initialized()


def _from_first(make: Callable[[], object], rank: int):
    """What `make()` returns in the first process, in each of them; what it fails by is a UsageError everywhere."""
    from torch import distributed

    answer = [None, None]
    if not rank:
        try:
            answer[0] = make()
        except UsageError as error:
            answer[1] = str(error)
        except OSError as error:
            answer[1] = f"{error.filename} cannot be used ({reason(error)}); choose another --out."
    if _several():
        distributed.broadcast_object_list(answer)
    if answer[1]:
        raise UsageError(answer[1])
    return answer[0]


def _agreed(device, *here: bool) -> list[bool]:
    """Which of these are so in any of the processes; all of them get the same answer."""
    import torch
    from torch import distributed

    if not _several():
        return list(here)
    answer = torch.tensor(here, dtype=torch.float32, device=device)
    distributed.all_reduce(answer, distributed.ReduceOp.MAX)
    return answer.bool().tolist()


def _streams(game) -> list[list[str]]:
    """The random state of each process's game, in words: so a resumed training draws what it would have drawn."""
    from torch import distributed

    mine = [part.numpy().tobytes().hex() for part in game.rng]
    streams = [mine]
    if _several():
        streams = [[]] * distributed.get_world_size()
        distributed.all_gather_object(streams, mine)
    return streams


def _unpacked(stream: list[str], like: list) -> list:
    import torch

    parts = [torch.frombuffer(bytearray.fromhex(part), dtype=torch.uint8) for part in stream]
    if not parts or any(part.shape != other.shape for part, other in zip(parts, like, strict=False)):
        raise ValueError("a random state in the saved game is damaged; choose another --out.")
    return parts


def _show(step, first: int, seconds: float, steps: int | None, limit: float) -> None:
    """One line that overwrites itself on a terminal; elsewhere nothing, so that logs stay short."""
    if machine.redraws(sys.stdout):
        rate = (step.n - first) / seconds
        left = (first + steps - step.n) / rate if steps else limit - seconds
        _say(
            f"\rstep {step.n:,}  {rate:.0f} steps/s  D's loss {step.d_loss:.3f}  G's loss {step.g_loss:.3f}  "
            f"{max(left, 0):.0f} s left \033[K",
            end="",
        )


# ---- What is made -----------------------------------------------------------------------------------------------


def _somewhere(folder: Path, write: Callable[[Path], None]) -> tuple[Path | None, str]:
    """`write(folder)`, or the same with a new folder elsewhere: the folder, and why it is not the first."""
    try:
        write(folder)
        return folder, ""
    except OSError as error:
        why = reason(error)
    for parent in (tempfile.gettempdir, Path.home, Path.cwd):
        with suppress(OSError, RuntimeError):  # RuntimeError: there is no home
            other = Path(tempfile.mkdtemp(prefix="gan-tutorial-", dir=parent()))
            try:
                write(other)
                return other, why
            except OSError:
                shutil.rmtree(other, ignore_errors=True)
    return None, why


def _draw_samples(game, title: str, seed: int, images, folder: Path, keep: Callable[[Path], None]) -> list[str]:
    """samples.npy: 10,000 pictures of the averaged generator; samples.png: the first 100.  -> what went wrong"""
    import numpy as np
    import torch

    from gan_tutorial.clothes.data import to_uint8

    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            samples = to_uint8(game.sample(N_SAMPLES)).cpu()
    except (MemoryError, RuntimeError) as error:
        if not _no_memory(error):
            raise
        return [f"samples.npy and samples.png are missing: {N_SAMPLES:,} pictures need more memory than there is."]

    def write(folder: Path) -> None:
        keep(folder)
        with in_one_stroke(folder / "samples.npy") as file:
            np.save(file, samples.numpy())
        figures = _figures()
        figures.use_style(note=images.notice)
        figure = figures.image_grid(samples[:100], columns=10, title=title).figure
        with in_one_stroke(folder / "samples.png") as file:
            figure.savefig(file, format="png")
        figures.plt.close(figure)

    try:
        place, why = _somewhere(folder, write)
    except ImportError as error:
        return [f"samples.png is missing: {not_loaded(error)}"]
    if not why:
        return []
    where = f"they are in {place}" if place else "nor anywhere else"
    return [f"samples.npy and samples.png could not be written to {folder} ({why}): {where}."]


def _figures():
    """The module that draws: into memory, even if MPLBACKEND asks for windows, or for what matplotlib does not know."""
    outside = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"  # matplotlib looks at it once, while it is imported
    try:
        from gan_tutorial.lesson import figures
    finally:
        del os.environ["MPLBACKEND"]
        if outside is not None:
            os.environ["MPLBACKEND"] = outside
    return figures


def _diagnose(rows: list[tuple], objective, images, folder: Path) -> None:
    """Say in a few lines what the losses and the samples show; nothing if that cannot be done, for all is saved."""
    import numpy as np
    import torch

    from gan_tutorial.clothes.data import to_unit
    from gan_tutorial.lesson.diagnosis import summary

    with suppress(Exception):
        samples = torch.from_numpy(np.load(folder / "samples.npy")[::20])
        pictures = [to_unit(x) for x in (samples, images.test_images.cpu())]  # as D saw them: slopes are per unit
        if text := summary(rows, objective, *pictures):
            _say("\n".join(textwrap.wrap(f"What this training shows: {text}", 100)))


def _say(text: str = "", end: str = "\n") -> None:
    """Print it, if anyone still reads; a terminal that is gone ends no training."""
    try:
        print(text, end=end, flush=True)
    except OSError:
        hush()


def _failed(sentence: str, rank: int = 0) -> int:
    if not rank:
        with suppress(OSError):
            print(f"gan-tutorial train: {one_line(sentence)}", file=sys.stderr, flush=True)
    return 1
