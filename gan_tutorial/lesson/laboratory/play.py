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
ROWS = 2000  # of the history that are kept: when there are more, every second one is dropped
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

    def get_ready(self) -> None:
        """Make the optimisers, so that the first move need not wait for what torch imports for them."""
        self.game.d_opt, self.game.g_opt  # noqa: B018  # asking makes them

    def change(self, setting: Setting) -> bool:
        """Take over `setting` without stopping the game, where that can be.  -> whether a new game had to begin"""
        old, self.setting = self.setting, setting
        if any(getattr(old, name) != getattr(setting, name) for name in ANEW):
            self.begin()
            return True
        game = self.game
        game.D.sd = setting.noise
        if (old.g_optimiser, old.momentum) != (setting.g_optimiser, setting.momentum):
            game.g_opt = setting.make_optimiser("G", game.G)
        if (old.d_optimiser, old.momentum) != (setting.d_optimiser, setting.momentum):
            game.d_opt = setting.make_optimiser("D", game.D)
        for opt, lr in ((game.g_opt, setting.g_lr), (game.d_opt, setting.d_lr)):
            for group in opt.param_groups:
                group["lr"] = lr
        if old.drawing != setting.drawing:
            game.data = setting.make_data()
        self._refresh()
        return False

    def _refresh(self) -> None:
        setting = self.setting
        self.history: list[tuple[float, ...]] = []  # steps of both players with this setting, as `diagnose` reads them
        self._every = 1
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
        self._more_moves_of_g()
        self._pay(float(step.d_loss), float(step.g_loss))
        if step.n % self._every == 0:
            self.history.append((step.n, *self.last, float(step.real_score), float(step.fake_score)))
        if len(self.history) > ROWS:
            self.history, self._every = self.history[1::2], 2 * self._every

    def stages(self) -> Iterator[tuple[str, Batch | None]]:
        """The same as `step`, cut where something can be seen: (what happens, the batch that D is shown)."""
        setting, (d_loss, g_loss), x = self.setting, self.last, None
        n, moves = setting.batch_size, setting.d_steps if self.players != "only G" else 0
        for k in range(moves):
            count = f" (move {k + 1} of {moves})" if moves > 1 else ""
            batch = self._about_to_see()
            yield f"① D is shown {n} data and {n} samples{count}.", batch
            d_loss, x = self._d_moves()
            yield f"② D has moved: its score rose at the data and fell at the samples{count}.", batch
        if self.players != "only D":
            yield "③ D's slope tells each sample which way is cheaper: the arrows.", None
            g_loss = self._g_moves(x)
        self.game.step += 1
        if self.players != "only D":
            self._more_moves_of_g()
            often = "one step" if setting.g_steps == 1 else f"{setting.g_steps} steps"
            yield f"④ G has moved: its weights took {often} for all arrows together.", None
        self._pay(d_loss, g_loss)

    def _alone(self) -> None:
        d_loss, g_loss = self.last
        if self.players == "only D":
            d_loss, _ = self._d_moves()
        else:
            g_loss = self._g_moves()
        self.game.step += 1
        if self.players == "only G":
            self._more_moves_of_g()
        self._pay(d_loss, g_loss)
        if not np.isfinite((d_loss, g_loss)).all():
            raise Diverged("A loss became NaN or infinite; press Reset and try a smaller step size.")

    def _d_moves(self) -> tuple[float, Tensor]:
        """A move of D on new data; its loss, and these data."""
        with self.game.own_randomness():
            x, *labels = self.game.data(self.setting.batch_size)
            return float(d_move(self.game, self.objective, x, *labels)[0]), x

    def _g_moves(self, x: Tensor | None = None) -> float:
        """A move of G; where it compares samples with data, these are x, or new ones if D has not moved."""
        n = self.setting.batch_size
        with self.game.own_randomness():
            if self.objective.paired and x is None:
                x, *_ = self.game.data(n)
            loss = float(g_move(self.game, self.objective, n, x=x))
            average_move(self.game)
        return loss

    def _more_moves_of_g(self) -> None:
        for _ in range(self.setting.g_steps - 1):
            self._g_moves()

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
        return float(self.objective.d_loss(real, fake)), float(self.objective.g_loss(fake, real))


@contextmanager
def randomness(seed: int) -> Iterator[None]:
    """Inside, draws come from `seed`; outside, nobody notices."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
