"""The game in hand: a step of both players, a move of one of them, a step cut into stages, a change of setting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from gan_tutorial.game import Diverged, average_move, d_move, g_move, train
from gan_tutorial.lesson.laboratory.setting import ANEW, Setting

PLAYERS = ("both", "only D", "only G")
Batch = tuple[Tensor, Tensor]  # data, samples


class Play:
    """A setting, the game and the objective that it describes, and who moves."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.players = setting, "both"
        self.age = 0  # grows with each change: who holds an older one is out of date
        self.begin()

    def begin(self) -> None:
        """A new game with the present setting."""
        self.game = self.setting.make_game()
        self.paid: list[tuple[float, float]] = []  # by D and by G, since somebody last asked
        self._refresh()
        self.last = self._before_a_step()

    def change(self, setting: Setting) -> bool:
        """Take over `setting` without stopping the game, where that can be.  -> whether a new game had to begin"""
        old, self.setting = self.setting, setting
        if any(getattr(old, name) != getattr(setting, name) for name in ANEW):
            self.begin()
            return True
        game = self.game
        game.D.sd = setting.noise
        if (old.optimiser, old.momentum) != (setting.optimiser, setting.momentum):
            game.g_opt = setting.make_optimiser(game.G, setting.g_lr)
            game.d_opt = setting.make_optimiser(game.D, setting.d_lr)
        for opt, lr in ((game.g_opt, setting.g_lr), (game.d_opt, setting.d_lr)):
            for group in opt.param_groups:
                group["lr"] = lr
        if old.drawing != setting.drawing:
            game.data = setting.make_data()
        self._refresh()
        return False

    def _refresh(self) -> None:
        setting = self.setting
        self.objective = setting.make_objective()
        self._steps = train(self.game, self.objective, batch_size=setting.batch_size, d_steps=setting.d_steps)
        self.age += 1

    # ---- Moving ----

    def step(self) -> None:
        """One step of `train`, or one move of the player who is chosen while the other rests."""
        if self.players != "both":
            self._alone()
            return
        try:
            step = next(self._steps)
        except Exception:
            self._refresh()  # a generator that has raised is at its end; the game itself is whole
            raise
        self._pay(float(step.d_loss), float(step.g_loss))

    def stages(self) -> Iterator[tuple[str, Batch | None]]:
        """The same as `step`, cut where something can be seen: (what happens, the batch that D is shown)."""
        setting, (d_loss, g_loss) = self.setting, self.last
        n, moves = setting.batch_size, setting.d_steps if self.players != "only G" else 0
        for k in range(moves):
            count = f" (move {k + 1} of {moves})" if moves > 1 else ""
            batch = self._about_to_see()
            yield f"D is shown {n} data and {n} samples{count}.", batch
            d_loss = self._d_moves()
            yield f"D has moved: its score rose at the data and fell at the samples{count}.", batch
        if self.players != "only D":
            yield "D's slope tells each sample which way is cheaper: the arrows.", None
            g_loss = self._g_moves()
            yield "G has moved: its weights took one step for all arrows together.", None
        self.game.step += 1
        self._pay(d_loss, g_loss)

    def _alone(self) -> None:
        d_loss, g_loss = self.last
        if self.players == "only D":
            d_loss = self._d_moves()
        else:
            g_loss = self._g_moves()
        self.game.step += 1
        self._pay(d_loss, g_loss)
        if not np.isfinite((d_loss, g_loss)).all():
            raise Diverged("A loss became NaN or infinite; press Reset and try a smaller step size.")

    def _d_moves(self) -> float:
        with self.game.own_randomness():
            x, *labels = self.game.data(self.setting.batch_size)
            return float(d_move(self.game, self.objective, x, *labels)[0])

    def _g_moves(self) -> float:
        with self.game.own_randomness():
            loss = float(g_move(self.game, self.objective, self.setting.batch_size))
            average_move(self.game)
        return loss

    def _about_to_see(self) -> Batch | None:
        """The batch that D's next move will draw, drawn beforehand; none for pictures (batch norm would count it)."""
        game, n = self.game, self.setting.batch_size
        if self.setting.pictures:
            return None
        before = game.rng
        with game.own_randomness(), torch.no_grad():
            x, *_ = game.data(n)
            fake = game.G(game.latent(n))
        game.rng = before
        return x, fake

    # ---- What was paid ----

    def _pay(self, d_loss: float, g_loss: float) -> None:
        self.last = (d_loss, g_loss)
        self.paid.append(self.last)

    def mean_paid(self) -> tuple[float, float]:
        """What D and G paid on average since this was last asked; what they would pay, if nobody has moved."""
        mean = tuple(np.mean(self.paid, axis=0).tolist()) if self.paid else self.last
        self.paid = []
        return mean

    def _before_a_step(self) -> tuple[float, float]:
        game, n = self.game, self.setting.batch_size
        with randomness(self.setting.seed), torch.no_grad():
            x, *_ = game.data(n)
            real, fake = game.D(x), game.D(game.sample(n, ema=False))
        return float(self.objective.d_loss(real, fake)), float(self.objective.g_loss(fake))


@contextmanager
def randomness(seed: int) -> Iterator[None]:
    """Inside, draws come from `seed`; outside, nobody notices."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
