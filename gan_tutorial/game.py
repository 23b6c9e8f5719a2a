"""The game: two players, two samplers, and one loop that you drive.

`train` is a generator of steps. The body of your `for` loop is the callback: plot there, record there, stop there.
"""

import io
import json
import operator
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple, Self

import torch
from torch import Tensor, distributed, nn
from torch.optim import Adam, Optimizer

from gan_tutorial import graph
from gan_tutorial.objectives import Objective

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
    ema_decay: float = 0.999
    step: int = 0
    ema: nn.Module = field(init=False, repr=False)  # G with averaged weights: smoother samples than G itself

    def __post_init__(self) -> None:
        self.ema = deepcopy(self.G).requires_grad_(False).eval()
        self.device = next(self.G.parameters()).device
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
        training = G.training
        G.eval()
        try:
            z = self.latent(n)
            parts = zip(*(t.split(batch_size) for t in (z, *labels)), strict=True)
            return torch.cat([G(*part) for part in parts])
        finally:
            G.train(training)

    # ---- State ----

    def state_dict(self) -> dict:
        """Weights, averages, optimisers, step and random state: tensors and plain numbers only."""
        parts = {name: getattr(self, name).state_dict() for name in _PARTS}
        return parts | {"step": self.step, "rng": self.rng}

    def load_state_dict(self, state: dict) -> None:
        """Take over a state made by `state_dict`; one that does not fit raises ValueError and changes nothing."""
        for name in ("G", "D", "ema"):
            mine = {k: v.shape for k, v in getattr(self, name).state_dict().items()}
            theirs = {k: v.shape for k, v in state[name].items()}
            if mine != theirs:
                odd = sorted(k for k in mine.keys() | theirs.keys() if mine.get(k) != theirs.get(k))
                raise ValueError(
                    f"The saved {name} is another network than this game's (first difference: {odd[0]}), so nothing "
                    "was loaded; build the game with the networks it was saved with."
                )
        for name in _PARTS:
            getattr(self, name).load_state_dict(
                deepcopy(state[name])
            )  # optimisers would share, not copy, their moments
        self.step = state["step"]
        self.rng = [part.clone().cpu() for part in state["rng"]]

    def save(self, path: str | os.PathLike, settings: dict | None = None) -> None:
        """Write the state to `path` in one stroke: whatever happens, the file is the old one or the new one.

        `settings` (names and plain values, as JSON has them) lie beside the state, for `load` to return. A file that
        cannot be written raises OSError.
        """
        plain = json.loads(json.dumps(settings or {}))  # a subclass of float, say, could be written but never be read
        whole = io.BytesIO()  # torch's own writer turns a full disk into a RuntimeError
        torch.save(self.state_dict() | {"settings": plain}, whole)
        path = Path(path)
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            with partial.open("wb") as file:
                file.write(whole.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            with suppress(OSError):
                partial.unlink()

    def load(self, path: str | os.PathLike) -> dict:
        """Play on from a state written by `save` (read with `weights_only`: a file can bring numbers, never code).

        -> the settings that were saved with it, {} if there were none
        """
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            if not isinstance(state, dict) or not {*_PARTS, "step", "rng"} <= state.keys():
                raise ValueError("it holds something else")
            settings = state.get("settings", {})
            if not isinstance(settings, dict):
                raise ValueError("its settings are not a dictionary")
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"{path} is not a saved game, or is damaged ({error}); nothing was loaded.") from error
        self.load_state_dict(state)
        return settings

    # ---- Randomness ----

    def reseed(self, seed: int) -> None:
        """Let the game's own stream of random numbers start anew; the weights stay as they are."""
        with torch.random.fork_rng(self._cuda_devices()):
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
        """Inside, random numbers come from the game's own stream."""
        outside = self._random_state()
        self._set_random_state(self.rng)
        try:
            yield
        finally:
            self.rng = self._random_state()
            self._set_random_state(outside)


_PARTS = ("G", "D", "ema", "g_opt", "d_opt")


# ---- Moves ------------------------------------------------------------------------------------------------------


def move(opt: Optimizer, loss: Tensor) -> None:
    """One player's move: a gradient step in its own weights and in no one else's.

    `inputs=` is what other loops say with `detach`: the other player's weights get no gradient.
    """
    weights = _weights(opt)
    opt.zero_grad()
    loss.backward(inputs=weights)
    agree([w.grad for w in weights if w.grad is not None])
    opt.step()


def _weights(opt: Optimizer) -> list[Tensor]:
    return [w for group in opt.param_groups for w in group["params"]]


@contextmanager
def _fixed(opt: Optimizer) -> Iterator[None]:
    """What is computed inside takes this player's weights for constants.

    `inputs=` in `move` alone would do, but layers written in Python (`linear.Product`) do not hear of it, and compute
    gradients that nobody wants.
    """
    weights = [w for w in _weights(opt) if w.requires_grad]
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
    if not (distributed.is_available() and distributed.is_initialized()):
        return
    flat = torch.cat([t.flatten() for t in tensors])  # one message, not one per layer
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for t, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(mean.view_as(t))


def d_move(game: Game, objective: Objective, x: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """D's move against a fixed G, on the data x and as many samples; its loss () and its scores of both (n,), (n,)."""
    with torch.no_grad():
        fake = game.G(game.latent(len(x)), *labels)
    both = torch.cat([x, fake])  # one pass of D, not two: larger products are faster
    real_score, fake_score = game.D(both, *(torch.cat([label, label]) for label in labels)).chunk(2)
    loss = objective.d_loss(real_score, fake_score)
    if objective.penalty:
        loss = loss + objective.penalty(lambda u: game.D(u, *labels), x, fake)
    move(game.d_opt, loss)
    if objective.project:
        objective.project(game.D)
    return loss.detach(), real_score.detach(), fake_score.detach()


def g_move(game: Game, objective: Objective, n: int, *labels: Tensor) -> Tensor:
    """G's move against a fixed D, on n samples; its loss ().  Data does not enter: that term does not depend on G."""
    with _fixed(game.d_opt):
        score = game.D(game.G(game.latent(n), *labels), *labels)
    loss = objective.g_loss(score)
    move(game.g_opt, loss)
    return loss.detach()


def average_weight(game: Game) -> float:
    """1 - decay; decay grows from 0.1, so that the first, poor weights are soon forgotten."""
    return 1 - min(game.ema_decay, (1 + game.step) / (10 + game.step))


@torch.no_grad()
def average_move(game: Game, weight: Tensor | None = None) -> None:
    """ema <- ema + weight (G - ema); the weight (), a tensor on the device, is `average_weight(game)` unless given."""
    averages, weights = list(game.ema.parameters()), list(game.G.parameters())
    if weight is None:
        weight = torch.full((), average_weight(game), dtype=weights[0].dtype, device=game.device)
    weight_as = {kind: weight.to(kind) for kind in {w.dtype for w in weights}}
    torch._foreach_lerp_(averages, weights, [weight_as[w.dtype] for w in weights])
    for average, now in zip(game.ema.buffers(), game.G.buffers(), strict=True):
        average.copy_(now)  # batch norm's running statistics are averages already


def play(game: Game, objective: Objective, batch_size: int, d_steps: int, ema_weight: Tensor | None = None) -> Tensor:
    """`d_steps` moves of D, each on fresh data, then one move of G.  -> d_loss, g_loss, real score, fake score (4,)"""
    for _ in range(d_steps):
        x, *labels = game.data(batch_size)
        d_loss, real_score, fake_score = d_move(game, objective, x, *labels)
    g_loss = g_move(game, objective, batch_size, *labels)
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
) -> Iterator[Step]:
    """Play `steps` steps, or for ever; yield a `Step` after every `every`-th and after the last.

    Stop it anywhere: Ctrl-C or the stop button waits for the step in hand, so the game is always whole and can go on.
    Losses that become NaN raise `Diverged`, with the game put back to its last good state.

    On a GPU the whole step becomes one CUDA graph (see `graph.Recorded`), with the same results within rounding. So
    samplers, networks and objectives must not depend on anything that changes in Python from one step to the next;
    they may depend on tensors that you change in place. In the body of your loop you are free.
    """
    for name, value in {"batch_size": batch_size, "d_steps": d_steps, "every": every}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    settings = (objective, batch_size, d_steps)
    watch, turn = _Watch(game), _turn(game, settings)
    turn.first_bad.zero_()
    for i in count(1) if steps is None else range(1, steps + 1):
        with _whole(), game.own_randomness():
            costs = turn.take(game)
        due = game.step % every == 0 or i == steps
        if due or i % CHECK_EVERY == 0:
            watch.check(turn.first_bad)
        if due:
            yield Step(game.step, *costs.clone())  # a copy: the next replay writes to the same memory
            if not turn.fits(game, settings):  # the caller may have changed what was recorded
                turn = _turn(game, settings)


class _Turn:
    """One step after the other of a game, with nothing that varies but tensors, so that a GPU can replay it.

    `n` and `ema_weight` are filled in before each step; `first_bad` says in which step each cost was first not finite.
    """

    def __init__(self, game: Game, settings: tuple):
        self.settings, self.parts = settings, _parts(game)
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
        costs = self.step(game)
        game.step += 1
        return costs

    def fits(self, game: Game, settings: tuple) -> bool:
        """Whether it can go on with this game, as it is now."""
        same = self.settings == settings and all(map(operator.is_, self.parts, _parts(game)))
        return same and not (isinstance(self.step, graph.Recorded) and not self.step.fits())

    def __deepcopy__(self, memo: dict) -> None:
        """The copy of a game makes its own turns."""


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


@contextmanager
def _whole() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done: half a step would be lost work and an inexact resume."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals only ever reach the main thread
        return
    pressed = []
    outside = signal.signal(signal.SIGINT, lambda *args: pressed.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, outside if outside is not None else signal.default_int_handler)
        if pressed and callable(outside):
            outside(*pressed[0])


class _Watch:
    """Looks for NaN without making the device wait at each step, and keeps a copy of the last good state."""

    def __init__(self, game: Game):
        self.game = game
        if not self._weights_finite():
            raise Diverged(
                "The networks hold NaN or infinite weights before the first step; build or load the game anew."
            )
        self._keep()

    def check(self, first_bad: Tensor) -> None:
        """Raise `Diverged` if a cost was not finite; else keep the state if `CHECK_EVERY` steps have passed.

        `first_bad` (4,): the steps in which the costs were first not finite, 0 for never. To look is to wait for a GPU.
        """
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
        if not first and old_enough and not self._weights_finite():
            first = {"a weight": self.game.step}
        if first:
            n = min(first.values())
            names = " and ".join(name for name, at in first.items() if at == n)
            self.game.load_state_dict(self.good)
            raise Diverged(
                f"{names} became NaN or infinite at step {n}, so the game was put back to step {self.game.step}, its "
                "last good state; try a smaller learning rate, a bounded objective or a penalty on D's slope."
            )
        if old_enough:
            self._keep()

    def _keep(self) -> None:
        self.good = deepcopy(self.game.state_dict())

    def _weights_finite(self) -> bool:
        weights = [w for net in (self.game.G, self.game.D) for w in net.parameters()]
        return bool(torch.stack(torch._foreach_norm(weights)).isfinite().all())
