"""The game: two players, two samplers, and one loop that you drive.

`train` is a generator of steps. The body of your `for` loop is the callback: plot there, record there, stop there.
"""

import io
import json
import operator
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Self

import torch
from torch import Tensor, distributed, nn
from torch.optim import Adam, Optimizer

from gan_tutorial.disk import in_one_stroke
from gan_tutorial.game import graph, products, saved
from gan_tutorial.game.objectives import Objective

KEEP_EVERY = 1.0  # seconds between two copies of a good state, if steps are long
CHECK_EVERY = 100  # steps between two copies of a good state: below 1 % of the time of an MLP's step


class Diverged(FloatingPointError):
    """A loss or a weight became infinite or NaN; the game was put back to its last good state."""


class Step(NamedTuple):
    """What step `n` cost. Tensors, not floats: `float(step.d_loss)` is what waits for a GPU."""

    n: int
    d_loss: Tensor  # () with the penalty
    g_loss: Tensor  # ()
    real_score: Tensor  # () mean score of data, in D's last move
    fake_score: Tensor  # () mean score of samples, in D's last move


@dataclass
class Game:
    """All the state there is: save it, load it, and play on from the same step.

    `data(n)` and `latent(n)` are samplers, "give me n". The game has random numbers of its own: what you draw between
    two steps does not change the training, and the training does not change what you draw.
    """

    G: nn.Module  # (n, *z), *labels -> (n, *x)
    D: nn.Module  # (n, *x), *labels -> (n,); scores each example by itself: no batch normalisation
    g_opt: Optimizer
    d_opt: Optimizer
    data: Callable[[int], tuple[Tensor, ...]]  # n -> x, *labels
    latent: Callable[[int], Tensor]  # n -> z
    seed: int = 0
    ema_decay: float = 0.999  # from 0, no average, to 1
    step: int = 0
    ema: nn.Module = field(init=False, repr=False)  # G with averaged weights: smoother samples than G itself

    def __post_init__(self) -> None:
        if not 0 <= self.ema_decay <= 1:
            raise ValueError(f"ema_decay must be a number from 0 (no average) to 1, got {self.ema_decay!r}.")
        if next(self.G.parameters(), None) is None:
            raise ValueError("G has no weights, so there is nothing to train; give it a layer, or an nn.Parameter.")
        self.ema = deepcopy(self.G).requires_grad_(False).eval()
        self.device = next(self.G.parameters()).device
        self.loaded = 0  # how often a state was taken over: a training under way then begins anew to keep copies
        self.begun = False  # whether the step in hand has changed anything yet
        self.data_check = torch.zeros((), device=self.device)  # NaN once a batch held NaN or infinite values
        self.turn: _Turn | None = None  # the last one: a recording is worth keeping from one training to the next
        self.reseed(self.seed)

    @classmethod
    def with_adam(
        cls,
        G: nn.Module,
        D: nn.Module,
        data: Callable[[int], tuple[Tensor, ...]],
        latent: Callable[[int], Tensor],
        *,
        d_lr: float = 2e-4,
        g_lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        seed: int = 0,
        ema_decay: float = 0.999,
    ) -> Self:
        """A game in which both players use Adam (fused: one pass over the weights, the same numbers)."""
        g_opt = Adam(G.parameters(), lr=g_lr, betas=betas, fused=True)
        d_opt = Adam(D.parameters(), lr=d_lr, betas=betas, fused=True)
        return cls(G, D, g_opt, d_opt, data, latent, seed=seed, ema_decay=ema_decay)

    @torch.no_grad()
    def sample(self, n: int, *labels: Tensor, ema: bool = True, batch_size: int = 1000) -> Tensor:
        """n samples of G, of its average unless `ema=False`, drawn with the caller's random numbers.  -> (n, *x)"""
        G = self.ema if ema else self.G
        modes = [(module, module.training) for module in G.modules()]  # a part may be in another mode than the whole
        G.eval()
        try:
            with _stream:  # G may draw noise of its own, too
                z = self.latent(n)
                parts = zip(*(t.split(batch_size) for t in (z, *labels)), strict=True)
                return torch.cat([G(*_copies(part)) for part in parts])
        finally:
            for module, training in modes:
                module.training = training

    def batch(self, n: int) -> tuple[Tensor, ...]:
        """n data and their labels: x, *labels.  A sampler may give fewer or more, but not none."""
        batch = self.data(n)
        whole = isinstance(batch, tuple | list) and len(batch)
        odd = [t for t in batch if not isinstance(t, Tensor)] if whole else [batch]
        if odd:
            raise TypeError(
                f"The data sampler returned {_what(odd[0])}; let it return a tuple of tensors: the data, then their "
                "labels."
            )
        x = batch[0]
        if not len(x):
            raise ValueError(f"The data sampler returned no data when asked for {n}; a batch needs at least one.")
        if any(len(label) != len(x) for label in batch[1:]):
            raise ValueError(
                f"The data sampler returned {' and '.join(map(_what, batch))}; let it return a label for each datum."
            )
        self.begun = True
        if x.is_floating_point():
            self.data_check.add_(x.detach().abs().amax(), alpha=0)  # not the mean: a sum of finite numbers may overflow
        return batch

    def __getstate__(self) -> dict:
        """For copies and pickles: they make their own turns."""
        return vars(self) | {"turn": None}

    # ---- State ----

    def state_dict(self) -> dict:
        """A copy of weights, averages, optimisers, step and random state: tensors and plain values only."""
        return deepcopy(self._state())

    def _state(self) -> dict:
        parts = {name: getattr(self, name).state_dict() for name in _PARTS}
        parts |= {name: saved.plain(parts[name]) for name in ("g_opt", "d_opt")}
        return parts | {"step": self.step, "rng": self.rng}

    def load_state_dict(self, state: dict) -> None:
        """Take over a state made by `state_dict`; one that does not fit raises ValueError and changes nothing."""
        try:
            fitting = self._fitting(state)
        except ValueError:
            raise
        except Exception:  # whatever it is made of, it is no state of a game
            raise ValueError("The saved state is damaged, or is not that of a game; nothing was loaded.") from None
        with _whole():
            before = self.state_dict()
            try:
                self._take_over(fitting)
            except BaseException:
                self._take_over(before)
                raise
        self.loaded += 1

    def _fitting(self, state: dict) -> dict:
        """A copy of the state, if each part of it fits."""
        copy = {name: saved.network(name, getattr(self, name), state[name]) for name in ("G", "D", "ema")}
        copy |= {name: saved.optimiser(name, getattr(self, name), state[name]) for name in ("g_opt", "d_opt")}
        step, rng = state["step"], [part.clone().cpu() for part in state["rng"]]
        if type(step) is not int or not 0 <= step < 2**62:
            raise ValueError(f"The saved number of steps is {step!r}, no whole number from 0 on; nothing was loaded.")
        rng = [rng[0], *rng[1:], *self.rng[len(rng) :]][: len(self.rng)]  # a GPU's part may be there, here, or not
        for device, part in zip(["cpu", *self._cuda_devices()], rng, strict=True):
            torch.Generator(device).set_state(part)  # raises if it is not the state of one
        return copy | {"step": step, "rng": rng}

    def _take_over(self, state: dict) -> None:
        for name in _PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.step, self.rng = state["step"], state["rng"]

    def save(self, path: str | os.PathLike, settings: dict | None = None) -> None:
        """Write the state to `path` in one stroke: whatever happens, the file is the old one or the new one.

        `settings` (names and plain values, as JSON has them) lie beside the state, for `load` to return. A file that
        cannot be written raises OSError, and weights that are NaN or infinite raise `Diverged`.
        """
        if not all(saved.sound(net, net.state_dict()) for net in (self.G, self.D, self.ema)):
            raise Diverged(
                f"The networks hold NaN or infinite weights, so {path} is left as it was; load or build the game anew."
            )
        plain = json.loads(json.dumps(settings or {}))  # a subclass of float, say, could be written but never be read
        whole = io.BytesIO()  # torch's own writer turns a full disk into a RuntimeError
        torch.save(self._state() | {"settings": plain}, whole)  # not of a copy: a GPU may have no room for one
        with in_one_stroke(path) as file:
            file.write(whole.getbuffer())

    def load(self, path: str | os.PathLike) -> dict:
        """Play on from a state written by `save` (read with `weights_only`: a file can bring numbers, never code).

        -> the settings that were saved with it, {} if there were none
        """
        content = io.BytesIO(Path(path).read_bytes())
        try:
            state = torch.load(content, map_location=self.device, weights_only=True)
            settings = state.get("settings", {})
            json.dumps(settings)
            fits = isinstance(settings, dict) and {*_PARTS, "step", "rng"} <= state.keys()
        except Exception:  # torch's words would fill a page, with advice to load what may hold code
            fits = False
        if not fits:
            raise ValueError(f"{path} is not a saved game, or is damaged; nothing was loaded.")
        self.load_state_dict(state)
        return settings

    # ---- Randomness ----

    def reseed(self, seed: int) -> None:
        """Let the game's own stream of random numbers start anew; the weights stay as they are."""
        try:
            fits = -(2**63) <= operator.index(seed) < 2**64
        except TypeError:
            fits = False
        if not fits:
            raise ValueError(f"The seed must be a whole number of at most 64 bits, got {seed!r}.")
        with _stream, torch.random.fork_rng(self._cuda_devices()):
            torch.manual_seed(seed)
            self.rng = self._random_state()

    def _cuda_devices(self) -> list[torch.device]:
        return [self.device] if self.device.type == "cuda" else []

    def _random_state(self) -> list[Tensor]:
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(d) for d in self._cuda_devices())]

    def _set_random_state(self, state: list[Tensor]) -> None:
        torch.set_rng_state(state[0])
        for device, part in zip(self._cuda_devices(), state[1:], strict=False):
            torch.cuda.set_rng_state(part, device)

    @contextmanager
    def own_randomness(self) -> Iterator[None]:
        """Inside, random numbers come from the game's own stream; games in other threads wait.

        For torch draws all of a process's numbers from one stream.
        """
        with _stream:
            outside = self._random_state()
            self._set_random_state(self.rng)
            try:
                yield
            finally:
                self.rng = self._random_state()
                self._set_random_state(outside)


_stream = threading.RLock()  # held by the game whose random numbers torch's stream gives at the moment
_PARTS = ("G", "D", "ema", "g_opt", "d_opt")


# ---- Moves ------------------------------------------------------------------------------------------------------


def move(opt: Optimizer, loss: Tensor) -> None:
    """One player's move: a gradient step in its own weights and in no one else's.

    `inputs=` is what other loops say with `detach`: the other player's weights get no gradient. Weights that are frozen
    (`requires_grad=False`) stay as they are.
    """
    opt.zero_grad()
    weights = [w for w in _weights(opt) if w.requires_grad]
    if not weights:
        return
    loss.backward(inputs=weights)
    agree([w.grad for w in weights if w.grad is not None])
    opt.step()
    torch.clear_autocast_cache()  # it holds copies of the old weights


def _weights(opt: Optimizer) -> list[Tensor]:
    return [w for group in opt.param_groups for w in group["params"]]


@contextmanager
def _fixed(opt: Optimizer, but: Optimizer) -> Iterator[None]:
    """What is computed inside takes this player's weights for constants, but for those that both players share.

    `inputs=` in `move` alone would do, but layers written in Python (`linear.Product`) do not hear of it, and compute
    gradients that nobody wants.
    """
    shared = set(_weights(but))
    weights = [w for w in _weights(opt) if w.requires_grad and w not in shared]
    for w in weights:
        w.requires_grad_(False)
    try:
        yield
    finally:
        for w in weights:
            w.requires_grad_(True)


def agree(tensors: list[Tensor]) -> None:
    """Replace each tensor by its mean over all processes, where `torchrun` started several; alone, do nothing.

    Every loss here is a mean over a batch, penalties included. So k processes with n examples each, whose gradients are
    averaged, make the move that one process makes with k n examples.
    """
    if not graph.several_processes():
        return
    flat = torch.cat([t.flatten() for t in tensors])  # one message, not one per layer
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for t, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(mean.view_as(t))


def d_move(game: Game, objective: Objective, x: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """D's move against a fixed G, on the data x and as many samples; its loss () and its scores of both (n,), (n,).

    Where there are labels, row i of what a penalty shows D is scored with label i. So it may look at a part of the
    batch, like x[:m], or between x[:m] and fake[:m], but not at rows in another order, like x[m:].
    """
    with torch.no_grad():
        fake = game.G(*_copies([game.latent(len(x)), *labels]))
    if not isinstance(fake, Tensor) or len(fake) != len(x):
        raise ValueError(
            f"For {len(x)} data there must be as many samples, but latent and G made {_what(fake)}; let latent(n) give "
            "n latents, and G a sample for each."
        )
    torch.clear_autocast_cache()  # it holds copies of the weights that know of no gradient
    both = torch.cat([x, fake])  # one pass of D, not two: larger products are faster
    x, fake = both.chunk(2)  # what others may change in place is the copy, not the data set
    real_score, fake_score = apart(game.D(both, *(torch.cat([label, label]) for label in labels)), len(x), len(fake))
    loss = objective.d_loss(real_score, fake_score)
    if objective.penalty:

        def D(u: Tensor) -> Tensor:
            return game.D(u, *_copies([label[: len(u)] for label in labels]))

        penalty = objective.penalty(D, x, fake)
        if penalty is None or getattr(penalty, "shape", ()) != ():
            raise ValueError(f"A penalty must be one number, like a mean over the batch, but it is {_what(penalty)}.")
        loss = loss + penalty
    move(game.d_opt, loss)
    if objective.project:
        objective.project(game.D)
    return loss.detach(), real_score.detach(), fake_score.detach()


def g_move(game: Game, objective: Objective, n: int, *labels: Tensor, x: Tensor | None = None) -> Tensor:
    """G's move against a fixed D, on n samples; its loss ().  Data does not enter: that term does not depend on G.

    Only a paired objective compares the samples with the n data x, which D scores without a gradient; without them it
    raises ValueError.
    """
    real_score = None
    if objective.paired and x is not None:
        with torch.no_grad():
            real_score = game.D(x.clone(), *_copies(labels))
        torch.clear_autocast_cache()  # it holds copies of the weights that know of no gradient
    with _fixed(game.d_opt, but=game.g_opt):
        score = game.D(game.G(*_copies([game.latent(n), *labels])), *_copies(labels))
    loss = objective.g_loss(score, real_score)
    move(game.g_opt, loss)
    return loss.detach()


def apart(score: Tensor, n: int, m: int) -> tuple[Tensor, Tensor]:
    """The scores of n data, and those of the m samples behind them.  (n + m,) -> (n,), (m,)

    A row may also have several scores, those of games side by side: (n + m, ...). And a D that sees packs gives one to
    each pack. Raises ValueError if neither is so, or if a pack would hold both data and samples.
    """
    k = len(score) if isinstance(score, Tensor) and score.dim() else 0
    rows = (n + m) // k if k else 0  # in a pack
    if not rows or k * rows != n + m or n % rows or (rows > 1 and score.dim() > 1):
        raise ValueError(
            f"D must give one score to each row, ({n + m},) for {n} data and {m} samples, but it gave {_what(score)}."
        )
    return score.split_with_sizes([n // rows, m // rows])


def _copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    """For networks, which may change what they are given: latents and labels are often a view of a larger set."""
    return [t.clone() for t in tensors]


def _what(it: object) -> str:
    """For the sentence of an error."""
    return f"a tensor {tuple(it.shape)}" if isinstance(it, Tensor) else f"something of type {type(it).__name__}"


def average_weight(game: Game) -> float:
    """1 - decay; decay grows from 0.1, so that the first, poor weights are soon forgotten."""
    return 1 - min(game.ema_decay, (1 + game.step) / (10 + game.step))


@torch.no_grad()
def average_move(game: Game, weight: Tensor | None = None) -> None:
    """ema <- ema + weight (G - ema); the weight (), a tensor on the device, is `average_weight(game)` unless given.

    bfloat16 and float16 round so small a step away, and the average stands still far from G: keep the weights in
    float32, and compute in less by `torch.autocast`.
    """
    averages, weights = list(game.ema.parameters()), list(game.G.parameters())
    if weight is None:
        weight = torch.full((), average_weight(game), dtype=weights[0].dtype, device=game.device)
    weight_as = {kind: weight.to(kind) for kind in {w.dtype for w in weights}}
    torch._foreach_lerp_(averages, weights, [weight_as[w.dtype] for w in weights])
    for average, now in zip(game.ema.buffers(), game.G.buffers(), strict=True):
        average.copy_(now)  # batch norm's running statistics are averages already


def play(game: Game, objective: Objective, batch_size: int, d_steps: int, ema_weight: Tensor | None = None) -> Tensor:
    """`d_steps` moves of D, each on fresh data, then one move of G.  -> d_loss, g_loss, real score, fake score (4,)

    Where samples are compared with data in G's move too (a paired objective), the data are those of D's last move.
    """
    for _ in range(d_steps):
        x, *labels = game.batch(batch_size)
        d_loss, real_score, fake_score = d_move(game, objective, x, *labels)
    g_loss = g_move(game, objective, len(x), *labels, x=x)
    average_move(game, ema_weight)
    costs = torch.stack([d_loss, g_loss, real_score.mean(), fake_score.mean()])
    agree([costs])  # all processes see the same losses, and stop together if these are NaN
    return costs


# ---- The loop ---------------------------------------------------------------------------------------------------


def train(
    game: Game,
    objective: Objective,
    *,
    steps: int | None = None,
    batch_size: int = 64,
    d_steps: int = 1,
    every: int = 1,
) -> Generator[Step, bool | None, None]:
    """Play `steps` steps, or for ever; yield a `Step` after every `every`-th and after the last.

    Stop it anywhere: Ctrl-C or the stop button waits for the step in hand, so the game is always whole and can go on;
    pressed again, it ends the step. Whatever is raised inside a step, by a sampler or by a signal's handler, ends it
    and goes on its way after the game was put back: to where the step began if no more than its first batch was drawn,
    else to its last good state, of which a copy is kept every second or `CHECK_EVERY` steps. Losses that become
    NaN raise `Diverged`, with the game put back to the last good state among every `CHECK_EVERY`-th; so do weights, at
    each of these, at the last step, at Ctrl-C, and when you `send(True)` to ask for it, for instance before you save.

    A data sampler may return fewer or more than `batch_size`: each move takes as many samples as there were data.

    On a GPU the whole step becomes one CUDA graph (see `graph.Recorded`), with the same results within rounding. So
    samplers, networks and objectives must not depend on anything that changes in Python from one step to the next;
    they may depend on tensors that you change in place. In the body of your loop you are free.
    """
    if not isinstance(objective, Objective):
        raise TypeError(f"The objective must be an Objective, like OBJECTIVES['r1'], got {objective!r}.")
    if not torch.is_grad_enabled():
        raise RuntimeError("Nothing can be learned in no_grad or inference_mode; call train outside of it.")
    batch_size = _whole_number("batch_size", batch_size, 1)
    d_steps, every = _whole_number("d_steps", d_steps, 1), _whole_number("every", every, 1)
    steps = None if steps is None else _whole_number("steps", steps, 0)
    settings = (objective, batch_size, d_steps)
    watch, turn = _Watch(game), _turn(game, settings)
    turn.first_bad.zero_()
    game.data_check.zero_()
    for i in count(1) if steps is None else range(1, steps + 1):
        try:
            costs = watch.take(turn)
        except KeyboardInterrupt:  # most often after the step, whose losses nobody has seen
            watch.check(turn.first_bad, weights=True)
            raise
        due = game.step % every == 0 or i == steps
        if due or i % CHECK_EVERY == 0:
            watch.check(turn.first_bad, weights=i == steps)
        watch.keep_by_time(turn.first_bad)
        if due:
            step = Step(game.step, *costs.clone())  # a copy: the next replay writes to the same memory
            while (yield step):
                watch.check(turn.first_bad, weights=True)
            if not turn.fits(game, settings):  # the caller may have changed what was recorded
                turn = _turn(game, settings)


def _whole_number(name: str, value: object, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} must be a whole number, at least {least}, got {value!r}.")
    return number


class _Turn:
    """One step after the other of a game, with nothing that varies but tensors, so that a GPU can replay it.

    `n` and `ema_weight` are filled in before each step; `first_bad` says in which step each cost was first not finite.
    """

    def __init__(self, game: Game, settings: tuple):
        _each_moves_itself(game)
        self.settings, self.parts, self.wide = settings, _parts(game), products.wide(game.G, game.D)
        kind, device = next(game.G.parameters()).dtype, game.device
        self.n = torch.zeros((), dtype=torch.int64, device=device)  # number of the step
        self.ema_weight = torch.zeros((), dtype=kind, device=device)
        self.first_bad = torch.zeros(4, dtype=torch.int64, device=device)  # 0: never
        self.step = partial(_step, settings=settings, n=self.n, ema_weight=self.ema_weight, first_bad=self.first_bad)
        if graph.records(device):
            self.step = graph.Recorded(self.step, [game.G, game.D, game.ema], [game.g_opt, game.d_opt])

    def take(self, game: Game) -> Tensor:
        """A step, now or, on a GPU, when its time comes.  -> d_loss, g_loss, real score, fake score (4,)"""
        self.n.fill_(game.step + 1)
        self.ema_weight.fill_(average_weight(game))
        with products.quickest(self.wide):
            costs = self.step(game)
        game.step += 1
        return costs

    def fits(self, game: Game, settings: tuple) -> bool:
        """Whether it can go on with this game, as it is now."""
        same = self.settings == settings and all(map(operator.is_, self.parts, _parts(game)))
        return same and not (isinstance(self.step, graph.Recorded) and not self.step.fits())


def _each_moves_itself(game: Game) -> None:
    """Raise ValueError if an optimiser was made of other weights than its player's; both may hold what they share."""
    for player, opt, other in (("G", "g_opt", "D"), ("D", "d_opt", "G")):
        own, others = (set(getattr(game, name).parameters()) for name in (player, other))
        held, free = set(_weights(getattr(game, opt))), {w for w in own if w.requires_grad}
        if held & (others - own) or (free and not held & free):
            raise ValueError(
                f"{opt} holds weights of {other}, or none that {player} learns with, so {player} would not move as it "
                f"should; make it of this game's {player}.parameters()."
            )


def _parts(game: Game) -> list:
    return [game.G, game.D, game.ema, game.g_opt, game.d_opt, game.data, game.latent]


def _turn(game: Game, settings: tuple) -> _Turn:
    """The game's turn with these settings (objective, batch size, moves of D): the last one, if it still fits."""
    if game.turn is None or not game.turn.fits(game, settings):
        game.turn = _Turn(game, settings)
    return game.turn


def _step(game: Game, settings: tuple, n: Tensor, ema_weight: Tensor, first_bad: Tensor) -> Tensor:
    """`play`, and a note of the step if a cost is not finite: what is recorded."""
    costs = play(game, *settings, ema_weight)
    first_bad += (~costs.isfinite() & (first_bad == 0)) * n
    return costs


# A step ends by itself in a moment, and Ctrl-C can wait for that; who sends the others counts the seconds.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM") if hasattr(signal, name)]


@contextmanager
def _whole() -> Iterator[None]:
    """Hold signals back until the block is done: half a step would be lost work and an inexact resume.

    Of the signals `_SIGNALS` it takes those with a handler in Python (as Ctrl-C has one, which raises
    KeyboardInterrupt), and decides when that handler is called, never what it does. Inside `play`, the moves of a step,
    it is called at once, but for a first Ctrl-C: what it raises ends the step, and `train` puts the game back.
    Everywhere else in the block, and where a `with` is just entered or left, it waits for the end of the block.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals only ever reach the main thread
        return
    outside = {number: handler for number in _SIGNALS if callable(handler := signal.getsignal(number))}
    waiting, over = {}, False

    def hold(number: int, frame: FrameType | None) -> None:
        if over:  # it came between two of the last lines
            signal.signal(number, outside[number])
            outside[number](number, frame)
        elif _in_play(frame) and (number != signal.SIGINT or number in waiting):
            waiting.pop(number, None)
            outside[number](number, frame)
        else:
            waiting[number] = frame

    try:
        for number in outside:
            signal.signal(number, hold)
        yield
    finally:
        over = True
        for number, handler in outside.items():
            signal.signal(number, handler)
        for number, frame in waiting.items():
            outside[number](number, frame)


def _in_play(frame: FrameType | None) -> bool:
    """Whether `play` is at work there, and no `with` in it half entered or half left."""
    while frame is not None and frame.f_code is not play.__code__:
        if frame.f_code.co_name in ("__enter__", "__exit__"):
            return False
        frame = frame.f_back
    return frame is not None


class _Watch:
    """Takes steps or none, looks for NaN without making the device wait each time, keeps a copy of the good state."""

    def __init__(self, game: Game):
        self.game = game
        if not self._weights_finite():
            raise Diverged(
                "The networks hold NaN or infinite weights before the first step; build or load the game anew."
            )
        self._keep()

    def take(self, turn: "_Turn") -> Tensor:
        """A step; whatever is raised in it, the game is as it was before it, or in its last good state."""
        game = self.game
        self._follow()
        with _stream, _whole():  # in this order, so that who waits for another game's step can be interrupted
            before, grad, game.begun = game.rng, torch.is_grad_enabled(), False
            try:
                with game.own_randomness():
                    return turn.take(game)
            except BaseException as error:
                torch.set_grad_enabled(grad)
                game.turn, game.rng = None, before
                if game.begun:
                    self._put_back(self.last)
                if isinstance(error, StopIteration):
                    raise RuntimeError(
                        f"A sampler came to its end in step {game.step + 1}; let it begin anew, like itertools.cycle."
                    ) from error
                if "more than 1 value per channel" in str(error):
                    raise ValueError(
                        "Batch normalisation needs at least 2 examples per batch, and a batch held 1; take a larger "
                        "batch, or networks without it."
                    ) from error
                if re.search("same dtype|scalar type|should be the same", str(error)):
                    raise ValueError(
                        "Data, latents and both networks must hold numbers of one type, like x.float(), on one device; "
                        f"torch says: {error}"
                    ) from error
                raise

    def keep_by_time(self, first_bad: Tensor) -> None:
        """Where steps are long, keep a copy for `take`; `check` has its own, for NaN to lead to the same everywhere."""
        if time.monotonic() - self.kept > KEEP_EVERY:
            if not first_bad.any() and self._weights_finite():
                self.last = self.game.state_dict()
            self.kept = time.monotonic()

    def _put_back(self, state: dict) -> None:
        with _whole():
            self.game._take_over(deepcopy(state))  # optimisers would share, not copy, their moments

    def check(self, first_bad: Tensor, weights: bool) -> None:
        """Raise `Diverged` if a cost was not finite; else keep the state if `CHECK_EVERY` steps have passed.

        Then, or if `weights`, raise it for weights as well: G's last move shows in no cost before the next step.

        `first_bad` (4,): the steps in which the costs were first not finite, 0 for never. To look is to wait for a GPU.
        """
        self._follow()
        first = {
            name: n
            for name, n in zip(
                ("D's loss", "G's loss", "D's score of data", "D's score of samples"),
                first_bad.tolist(),
                strict=True,
            )
            if n
        }
        old_enough = self.game.step - self.good["step"] >= CHECK_EVERY
        if not first and (old_enough or weights) and not self._weights_finite():
            first = {"a weight": self.game.step}
        if first:
            n = min(first.values())
            names = " and ".join(name for name, at in first.items() if at == n)
            self._put_back(self.good)
            why, advice = "", "try a smaller learning rate, a bounded objective or a penalty on D's slope"
            if self.game.data_check.isnan():
                why, advice = ": the data hold NaN or infinite values", "mend the data, or leave such examples out"
            raise Diverged(
                f"{names} became NaN or infinite at step {n}{why}, so the game was put back to step {self.game.step}, "
                f"its last good state; {advice}."
            )
        if old_enough:
            self._keep()

    def _follow(self) -> None:
        """Let go of the copies if the caller has loaded another state since: they are of another past."""
        if self.game.loaded != self.loaded:
            self._keep()

    def _keep(self) -> None:
        self.loaded = self.game.loaded
        self.good = self.last = self.game.state_dict()
        self.kept = time.monotonic()

    def _weights_finite(self) -> bool:
        weights = [w for net in (self.game.G, self.game.D) for w in net.parameters()]
        return bool(torch.stack(torch._foreach_norm(weights)).isfinite().all())
