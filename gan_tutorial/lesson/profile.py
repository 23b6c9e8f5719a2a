"""How much work a notebook does: `smoke` (a few steps, for tests), `cpu` (a laptop, two cores) or `gpu`.

A profile changes numbers of steps and nothing else: every cell runs in every profile.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from gan_tutorial import machine
from gan_tutorial.lesson import turns

NAMES = ("smoke", "cpu", "gpu")
VARIABLE = "GAN_TUTORIAL_PROFILE"
SEEDS = "a whole number from -2^63 to 2^63 - 1"

T = TypeVar("T")
S = TypeVar("S")  # what `train` yields: something with `n`, the number of the step


@dataclass
class Plan:
    """A training that is announced before it starts: its steps and, at the end, the seconds that it took."""

    steps: int
    seconds: float | None = None

    def watch(self, training: Iterable[S], show: Callable[[], object] | None = None) -> Iterator[S]:
        """The same steps, and meanwhile a line that says how far they are, how fast, and how long it will take.

        The line is renewed twice a second, in place; what stays of it is the speed.  `show()` returns something to
        look at, a figure or axes for instance: it stands below, renewed as often as takes a tenth of the time, and at
        the end.
        """
        say, first, last, looked = _line_in_place(), None, None, 0.0
        window = _Window(show) if show else None
        start = time.perf_counter()
        for step in training:
            yield step
            turns.give()  # a click on a laboratory need not wait for the end
            if window:
                window.look()
            now, last = time.perf_counter(), step
            if first is None:
                first, start = step, now
            elif now - looked > 0.5 and now > start and step.n > first.n:  # a game may be put back meanwhile
                looked, rate = now, (step.n - first.n) / (now - start)
                left = (self.steps - (step.n - first.n)) / rate
                say(f"{step.n - first.n:,} of {self.steps:,} steps, {rate:.3g} per second, {duration(left)} left")
        seconds = time.perf_counter() - start
        if last is not first and seconds > 0:
            say(f"{(last.n - first.n) / seconds:.3g} steps per second", end=True)
        if window:
            window.look(last=True)


@dataclass(frozen=True)
class Profile:
    """One of the three sizes of work, and the device to do it on (`"cpu"` or `"cuda"`)."""

    name: str
    device: str = "cpu"

    def pick(self, *, smoke: T, cpu: T, gpu: T) -> T:
        """The value of this profile: `steps = profile.pick(smoke=20, cpu=2_000, gpu=20_000)`."""
        return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[self.name]

    @property
    def asserts_quality(self) -> bool:
        """Whether trainings run long enough to hold what they make to a standard; not so in `smoke`."""
        return self.name != "smoke"

    @contextmanager
    def plan(self, steps: int, about: float, gpu: float | None = None, done: int = 0) -> Iterator[Plan]:
        """Say what a training will take, let it run, say what it took.

        `about`: seconds in profile `cpu` on two cores; `gpu`: seconds in profile `gpu` on a GPU; both for all the
        `steps`.  Of these `done` are done already, and `plan.steps` are left.  A training that is stopped or fails is
        timed as well, and the exception goes on; where the game was made in an earlier cell, the cell can be run
        again and goes on.  Usage:

            with profile.plan(profile.pick(smoke=20, cpu=2_000, gpu=20_000), about=60, gpu=8, done=game.step) as plan:
                for step in plan.watch(train(game, minimax, steps=plan.steps), show=look): ...
        """
        plan = Plan(max(0, steps - done))
        share = plan.steps / steps if steps else 0.0
        if done and not plan.steps:
            print(f"All {steps:,} steps are done. To train anew, run the cell that makes the game.", flush=True)
        else:
            again = f"{done:,} of {steps:,} steps are done; " if done else ""
            print(again + self._announcement(plan.steps, share * about, gpu and share * gpu), flush=True)
        start, outcome = time.perf_counter(), "stopped after"
        try:
            yield plan
            outcome = "took"
        finally:
            plan.seconds = time.perf_counter() - start
            print(f"{outcome} {duration(plan.seconds)}", flush=True)

    def _announcement(self, steps: int, about: float, gpu: float | None) -> str:
        expected = {
            "smoke": "a moment",
            "cpu": f"about {duration(about)} on two cores",
            "gpu": "time unknown" if gpu is None else f"about {duration(gpu)} on a GPU",
        }[self.name]
        remark = f"profile {self.name}"
        if self.name == "cpu" and machine.cores() == 1:
            remark += ", and this machine gives one core only: allow twice the time"
        if self.name == "gpu" and self.device == "cpu":
            remark += ", but there is no GPU here: this will take very long"
        return f"{steps:,} {'step' if steps == 1 else 'steps'}, {expected} ({remark})"


def choose(PROFILE: str | None = None) -> Profile:
    """The profile to work in: `PROFILE` if given, else the variable GAN_TUTORIAL_PROFILE, else by the device.

    The device is `cuda` where torch finds a GPU, else `cpu`.  To stay on the CPU of a machine with a GPU, set
    CUDA_VISIBLE_DEVICES to nothing before the kernel starts.  Apple's MPS is never chosen: gradient penalties
    need the gradient of a gradient, which some of its operations lack.  Raises ValueError for any other name, and if
    the notebook that calls has a SEED which is none: with `PROFILE`, a seed is what a notebook is given.
    """
    import torch

    asked = PROFILE or os.environ.get(VARIABLE)
    if asked and asked not in NAMES:
        source = "PROFILE" if PROFILE else f"The environment variable {VARIABLE}"
        raise ValueError(f"{source} is {asked!r}, but it must be 'smoke', 'cpu' or 'gpu' (or unset).")
    seed = sys._getframe(1).f_globals.get("SEED", 0)  # here for all notebooks, and before any of them draws a number
    if not is_seed(seed):
        raise ValueError(f"SEED is {seed!r}, but it must be {SEEDS}.")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Profile(asked or ("gpu" if device == "cuda" else "cpu"), device)


def is_seed(value: object) -> bool:
    """-2^63 <= value < 2^63 and whole, which all that draw take for a seed; True, 1.0 and None are none."""
    return type(value) is int and -(2**63) <= value < 2**63


def use_cores() -> int:
    """Let torch use the cores that this process may use, never more; returns its number of threads.

    On a host with 64 cores that grants two, 64 threads wait for each other, and training crawls.
    A smaller number that was set already (OMP_NUM_THREADS) stays.
    """
    import torch

    torch.set_num_threads(min(torch.get_num_threads(), machine.cores()))
    return torch.get_num_threads()


def duration(seconds: float) -> str:
    """Seconds in words for people: `0.4 s`, `48 s`, `2.5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    return f"{seconds:.0f} s" if seconds < 99.5 else f"{seconds / 60:.1f} min".replace(".0 min", " min")


class _Window:
    """Something to look at, in place, in a notebook: nothing is drawn where nobody would see it."""

    def __init__(self, show: Callable[[], object]) -> None:
        self.show, self.shown, self.next = show, None, 0.0

    def look(self, last: bool = False) -> None:
        """Draw it anew if it is due."""
        start = time.perf_counter()
        if start < self.next and not last:
            return
        display = _display()
        if display is None:
            return
        if self.shown is None:
            self.shown = display(self._draw(), display_id=True)
        else:
            self.shown.update(self._draw())
        now = time.perf_counter()
        self.next = now + 9 * (now - start)

    def _draw(self) -> object:
        drawn = self.show()
        figure, plt = getattr(drawn, "figure", drawn), sys.modules.get("matplotlib.pyplot")
        if plt and isinstance(figure, plt.Figure):
            plt.close(figure)  # it stands here: the end of the cell need not show it again
        return figure


def _display() -> Callable | None:
    """IPython's `display` in a notebook, else None."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ModuleNotFoundError:
        return None
    return display if hasattr(get_ipython(), "kernel") else None


def _line_in_place() -> Callable[..., None]:
    """say(text, end=False): a line that each call replaces, in a notebook or on a terminal; silent elsewhere."""
    if display := _display():
        shown = []

        def say(text: str, end: bool = False) -> None:
            data = {"text/plain": text}
            if shown:
                shown[0].update(data, raw=True)
            else:
                shown.append(display(data, raw=True, display_id=True))

        return say
    if machine.redraws(sys.stdout):
        return lambda text, end=False: print(f"\r{text}\033[K", end="\n" if end else "", flush=True)
    return lambda text, end=False: None
