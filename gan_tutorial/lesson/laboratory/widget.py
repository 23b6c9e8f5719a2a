"""The laboratory: a `Play` in short slices, so that buttons, sliders and other cells get their turn."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from gan_tutorial.clothes.data import to_uint8
from gan_tutorial.game import Diverged, Game
from gan_tutorial.game.objectives import Objective
from gan_tutorial.lesson import figures, live, turns
from gan_tutorial.lesson.diagnosis import Diagnosis, diagnose
from gan_tutorial.lesson.laboratory.challenges import CHALLENGES, LEARNED, PRESETS, Judge, Sight, presets
from gan_tutorial.lesson.laboratory.play import PLAYERS, Batch, Play, randomness
from gan_tutorial.lesson.laboratory.setting import CONTROLS, DATA, OWN, PAIRED, Setting
from gan_tutorial.lesson.laboratory.tour import TOUR, Stop, play
from gan_tutorial.lesson.laboratory.truth import (
    CELLS,
    MANY,
    Measures,
    Truth,
    accuracy,
    at_rest,
    even_score,
    probability,
    slopes,
)

SLICE = 0.03  # seconds of training between two pictures: about what a click has to wait
STAGE = 1.2  # seconds for each stage in slow motion
SHOWN = 400  # points of data, and samples
ARROWS = 80
LINES = 17  # lines of the warped grid, each way
PICTURES = 64
REAL = 16  # real pictures shown above G's
JUDGED = 8  # data, and samples, of which is shown what D says
INSIDE = 1 - math.exp(-4.5)  # share of a perfect sample within 3 sd of its mode, in the plane
RECORDS = 240  # moments that the time slider can go back to; when there are more, every second one is dropped
RECORD_EVERY = 8  # pictures between two records
FASTEST = 50  # steps between two pictures that can be chosen
LAYERS = {
    "data": True,
    "samples": True,
    "score of D": True,
    "arrows": True,
    "warped grid": False,
    "density": False,
    "best D": False,
}
"""What can be drawn, and whether it is at first."""

MINE = (
    "_play", "_at_first", "_judge", "_records", "_reach", "_best", "_z", "_lattice", "_truth", "_x", "_scene",
    "players", "slow", "pace", "layers",
)  # fmt: skip
"""What a tour puts aside, and brings back."""

HERE = Path(__file__).parent
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Record:
    """A moment: its step, what was measured, and the picture as it is sent."""

    step: int
    measures: Measures
    about: dict[str, Any]
    buffers: list[bytes]


class Laboratory(anywidget.AnyWidget):
    """A game to watch and to meddle with: show it as the last value of a cell.

    `step(n)` trains n steps and returns the line of numbers; `await run(n)` does the same while everything else goes
    on.  `set(d_lr=1e-3)` changes any of `CONTROLS`, also while it plays; `game` and `objective` are what it plays;
    `code` is the cell that does the same without a laboratory.
    """

    _esm = HERE / "laboratory.js"
    _css = HERE / "laboratory.css"
    _task: asyncio.Task | None = None  # also where a setting was refused, and nothing but `close` comes

    # What the browser mirrors. It changes nothing by itself: it asks, by messages.
    setting = traitlets.Dict().tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    players = traitlets.Enum(PLAYERS, "both").tag(sync=True)
    slow = traitlets.Bool(False).tag(sync=True)
    pace = traitlets.Int(0, min=0, max=FASTEST).tag(sync=True)  # steps between pictures; 0: as many as time allows
    layers = traitlets.Dict().tag(sync=True)
    recorded = traitlets.Int(0).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    stage = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    challenges = traitlets.List().tag(sync=True)
    diagnosis = traitlets.List().tag(sync=True)  # what was found when somebody last asked, a dict for each finding
    stop = traitlets.Int(-1).tag(sync=True)  # of the tour; -1: nobody is on it
    # All that is to be seen, made when somebody asks for the state: a view has its first picture the moment it is
    # there, also in a second tab, after a reload, and while the kernel is busy.
    first = traitlets.Any(None).tag(sync=True, to_json=lambda _value, lab: lab.everything())
    fixed = traitlets.Dict().tag(sync=True)  # controls, colours, names: what never changes

    def __init__(self, still: int = 0, **changes: Any) -> None:
        fixed = {
            "controls": {name: vars(control) for name, control in CONTROLS.items()},
            "colors": dict(figures.COLORS),
            "measures": [f.name for f in fields(Measures)],
            "players": list(PLAYERS),
            "paired": list(PAIRED),
            "cells": CELLS,
            "fastest": FASTEST,
            "presets": presets(),
            "tour": [stop.words for stop in TOUR],
            "thumbs": _thumbs(),
            "diagnoses": True,
        }
        self._play = Play(Setting.of(**changes))
        self._at_first, self._still = self._play.setting, still
        self._home = (_running_loop(), threading.get_ident())  # where the game is played, and nowhere else
        self._waiting: deque[dict[str, Any]] = deque()  # messages that came while a cell was running
        self._stopping = False
        self._in_hand: tuple[int, Iterator] | None = None  # stages, for the Step button in slow motion
        self._watchers = 0  # views that have asked for pictures
        self._shown = self._sent = self._seen = 0
        self._sent_at = 0.0
        self._judge = Judge()
        self._mine: dict[str, Any] | None = None  # while on the tour: the game, and all about it, to come back to
        self._reach = 0.0  # the score that has the full colour, where a score is no probability
        self._ready = False
        super().__init__(fixed=fixed, layers=dict(LAYERS))
        self.on_msg(self._heard)
        live.replace_older(self)
        turns.ask_for(self)
        live.after_the_cell(self._get_ready)

    def open(self) -> None:
        """Tell the browser, if there is one: with a first picture."""
        self._begin()
        super().open()
        # ipykernel 7.4 sends what the browser says to the thread that last spoke to the browser. That is the main one,
        # which is deaf while a cell runs; as the browser asked, in a thread of its own, it is heard at once.
        self.comm._reply_subshell_for = None

    def _get_ready(self) -> None:
        """Measure, and make the optimisers: what the first picture need not wait for, since it loads two libraries.

        scipy for W1 takes half a second, and torch's compiler, without which it makes no optimiser, two.
        """
        if self._ready or threading.get_ident() != self._home[1]:
            return
        self._ready = True
        with one_thread():
            self._record()
            self._play.get_ready()

    # ---- What one can do with it ----

    @property
    def game(self) -> Game:
        return self._play.game

    @property
    def objective(self) -> Objective:
        return self._play.objective

    def set(self, **changes: Any) -> None:
        """Change controls; it goes on playing if it was.  ValueError, and nothing changes, for what cannot be."""
        self._get_ready()
        new = self._play.setting.but(**changes)
        drawn = new.drawing != self._play.setting.drawing
        self.error = ""
        if self._play.change(new):
            self._begin()
        else:
            if drawn:
                self._look_at_the_data()
            self._mirror()
        self._show(record=not self.playing)

    def choose_players(self, players: str) -> None:
        """Let "both" move, "only D" or "only G": in `step`, `run`, and under the buttons."""
        self.players = players

    @traitlets.observe("players")
    def _players_changed(self, change: dict[str, Any]) -> None:
        self._play.players = change["new"]

    def diagnose(self) -> Diagnosis:
        """What the losses and scores since the last change of a control show, and the samples: notebook 14.

        Only steps in which both players move count.
        """
        self._get_ready()
        with one_thread(), torch.no_grad(), randomness(0):
            samples = self.game.G(self._z[:SHOWN]) if self._truth else self.game.ema(self._z)
            found = diagnose(self._play.history, self.objective, samples, self.game.data(SHOWN)[0])
        self.diagnosis = [vars(finding) for finding in found.findings]
        return found

    def defaults(self) -> None:
        """All controls as they were at first; the game goes on where it can."""
        self.set(**self._at_first.as_dict())

    def tour(self, stop: int) -> None:
        """Go to a stop of the tour, 0 to 7, or leave it: -1.  What was played before waits, untouched, until then."""
        if not -1 <= stop < len(TOUR):
            raise ValueError(f"There is no stop {stop}; there are 0 to {len(TOUR) - 1}, and -1 leaves the tour.")
        self._get_ready()
        self.pause()
        if self._mine is None and stop >= 0:
            self._finish_the_step()
            self._mine = {name: getattr(self, name) for name in MINE}
        if stop >= 0:
            self._visit(TOUR[stop], self._mine["_play"].setting.seed)
        elif self._mine:
            self._come_back(self._mine)
            self._mine = None
            self._tick()
        self.stop, self.error = stop, ""
        self._show()

    def _visit(self, stop: Stop, seed: int) -> None:
        with one_thread():
            self._play = play(stop, seed)
        self._at_first, self._judge = self._play.setting, Judge()
        self.players, self.slow, self.pace = stop.players, stop.slow, 0
        self.layers = LAYERS | dict.fromkeys(stop.layers, True)
        self._begin()

    def _come_back(self, mine: dict[str, Any]) -> None:
        self._play = mine["_play"]
        self._mirror()
        for name, value in mine.items():
            setattr(self, name, value)
        self.recorded, self.text = len(self._records), self._line(self._records[-1])
        self._send_scene()
        if self._watchers:
            self._send_series()

    def _finish_the_step(self) -> None:
        """What is left of one that the Step button cut into stages: half a step is none."""
        if self._in_hand and self._in_hand[0] == self._play.age:
            with one_thread():
                for _ in self._in_hand[1]:
                    pass
        self._in_hand = None

    def reset(self) -> None:
        """Start anew with the present setting."""
        self._get_ready()
        self.error = ""
        self._play.begin()
        self._begin()
        self._show()

    def step(self, n: int = 1) -> str:
        """Train n steps, at once, and return the line of numbers.  What training raises is raised."""
        self._get_ready()
        every = n // 40 or n  # few steps are one moment
        for i in range(1, n + 1):
            with one_thread():
                self._play.step()
            if i % every == 0 and i < n:
                self._record()
        self._show(record=True)
        return self.text

    async def run(self, steps: int | None = None) -> str:
        """Train, and show it, until `steps` are done or somebody pauses.  What training raises is raised."""
        self._start()
        await self._go_on(steps)
        return self.text

    def play(self) -> None:
        """What the button does: train until `pause`, while other cells run."""
        if not self.playing:
            self._start()
            self._task = asyncio.get_running_loop().create_task(self._unattended())

    def pause(self) -> None:
        """Stop after the step in hand."""
        self._stopping = True

    def close(self) -> None:
        """Stop, and leave the kernel and the page."""
        self.pause()
        if self._task and not self._task.done():
            self._task.cancel()
        super().close()

    # ---- Playing ----

    def _start(self) -> None:
        if self.playing:
            raise RuntimeError("This laboratory is playing already; pause it first.")
        self._get_ready()
        self.playing, self._stopping, self.error = True, False, ""

    async def _go_on(self, steps: int | None) -> None:
        try:
            await self._go(steps)
        finally:
            self.playing, self.stage = False, ""
        self._show(record=True)

    def take_turn(self) -> None:
        """Between two steps of a training in a cell: obey what was clicked meanwhile and, if playing, play a little."""
        if threading.get_ident() != self._home[1]:
            return
        self._obey_waiting()
        if self._task and not self._task.done() and self.playing and not self._stopping and not self.slow:
            try:
                self._slice(None)
                self._show(record=self._shown % RECORD_EVERY == 0)
            except Exception as error:
                self._say(error)
                self.pause()

    def _begin(self) -> None:
        """What a new game needs: the same latents to the end, no records, the truth beside it."""
        setting = self._play.setting
        self._records: list[Record] = []
        self._reach = 0.0
        self._judge.begin()
        self._best: Tensor | None = None  # the best D's score when it was last computed
        with randomness(setting.seed):
            self._z = self.game.latent(PICTURES if setting.pictures else MANY)
        self._lattice = _lattice(setting.latent)
        self._look_at_the_data()
        self._mirror()
        self._record()

    def _look_at_the_data(self) -> None:
        self._truth = None if self._play.setting.pictures else _truth(self._play.setting)
        with randomness(0):
            self._x = self.game.data(REAL)[0] if self._truth is None else self._truth.sample(SHOWN)
        self._scene = self._make_scene()
        self._send_scene()

    def _mirror(self) -> None:
        self._in_hand, self.stage, self._reach = None, "", 0.0
        self.setting, self.code = self._play.setting.as_dict(), self._play.setting.code()

    async def _go(self, steps: int | None) -> None:
        done = 0
        while not self._stopping and (steps is None or done < steps):
            if self.slow:
                done += await self._slowly()
            else:
                done += self._slice(None if steps is None else steps - done)
                self._show(record=self._shown % RECORD_EVERY == 0)
            await asyncio.sleep(0)

    def _slice(self, most: int | None) -> int:
        """Steps for `SLICE` seconds: at least one, at most `pace` and `most`.  -> how many"""
        end, n = time.perf_counter() + SLICE, 0
        limit = min(limit for limit in (most, self.pace or None, 10**9) if limit is not None)
        with one_thread():
            while n < limit and (n == 0 or time.perf_counter() < end):
                self._play.step()
                n += 1
        return n

    async def _slowly(self) -> int:
        """One step, stage by stage.  -> 1, or 0 if it was given up because a control was changed"""
        game = self._play  # not what it is in the end: somebody may go on tour meanwhile
        age, stages = game.age, game.stages()
        while True:
            with one_thread():
                seen = next(stages, None)
            if seen is None:
                self._show(record=True)
                return 1
            self.stage = seen[0]
            self._show(batch=seen[1])
            until = time.perf_counter() + STAGE
            while time.perf_counter() < until and self.slow and not self._stopping and game.age == age:
                await asyncio.sleep(0.03)
            if game.age != age:
                return 0
            if self._stopping:  # what is left of the step at once: half a step is none
                with one_thread():
                    for _ in stages:
                        pass
                return 1

    async def _unattended(self) -> None:
        try:
            await self._go_on(None)
        except Exception as error:  # nobody awaits a button: the reader would see a picture that stands still
            self._say(error)

    def _say(self, error: Exception) -> None:
        plain = isinstance(error, Diverged | ValueError)
        self.error = str(error) if plain else f"{type(error).__name__}: {error}"

    # ---- Looking ----

    def _show(self, record: bool = False, batch: Batch | None = None) -> None:
        """Send the present picture to those who watch, unless they are behind; with `record`, measure and keep it."""
        self._shown += 1
        if record:
            self._record()
        now = time.perf_counter()
        behind = self._sent - self._seen > 2 and now - self._sent_at < 0.5
        if self._watchers and not behind:
            self._send_picture(*self._picture(batch))

    def _send_picture(self, about: dict, buffers: list[bytes], **more: Any) -> None:
        self._sent, self._sent_at = self._sent + 1, time.perf_counter()
        self.send({"what": "picture", "frame": self._sent, **about, **more}, buffers)

    def _record(self) -> None:
        """Measure, and keep the moment for the charts and the time slider."""
        step = self.game.step
        with randomness(0), one_thread():
            paid = self._play.mean_paid()
            measures, self._best = self._measure(paid) if self._ready else (Measures(*paid), None)
        about, buffers = self._picture()
        if self._records and self._records[-1].step == step:
            self._records.pop()  # the same moment under another setting
        self._records.append(Record(step, measures, about, buffers))
        self._judge.see(Sight(step, self._play.setting, measures))
        self._tick()
        if len(self._records) > RECORDS:
            del self._records[1:-1:2]
        self.recorded, self.text = len(self._records), self._line(self._records[-1])
        if self._watchers:
            self._send_series()

    def _measure(self, paid: tuple[float, float]) -> tuple[Measures, Tensor | None]:
        """The measures of this moment; and the best D's score on the grid, where there is a best D."""
        game, objective, D = self.game, self.objective, self.game.D.D
        if self._truth is None:
            x, *_ = game.data(256)
            fake = game.sample(256)
            mean, most = slopes(D, x, fake)
            return Measures(*paid, accuracy=accuracy(objective, D, x, fake), slope=mean, steepest=most), None
        with torch.no_grad():
            fake = game.G(self._z)
        law = self._truth.law_of(fake)
        return self._truth.measure(paid, objective, D, fake, law), self._truth.best_score(objective, law)

    def _tick(self) -> None:
        done = (self._mine or vars(self))["_judge"].solved  # what the tour shows, nobody has brought about
        texts = CHALLENGES.items()
        self.challenges = [{"name": n, "words": w, "hint": h, "solved": n in done} for n, (w, h) in texts]

    def _picture(self, batch: Batch | None = None) -> tuple[dict, list[bytes]]:
        """(what it holds, the numbers): samples and, in the plane, D's score, the arrows and the warped grid."""
        game, D = self.game, self.game.D.D
        with one_thread(), torch.no_grad():
            if self._truth is None:
                pictures = game.ema(self._z)
                parts = {"pictures": to_uint8(pictures), "scores": D(pictures)}
                colors = self._colors(D(self._x), parts["scores"][REAL:], parts["scores"])
                if self.objective.paired:  # not examples are judged but pairs: each sample with one of the real ones
                    pair = parts["scores"] - D(self._x).repeat(PICTURES // REAL)
                    parts["says_fake"], parts["says_real"] = pair, -pair[REAL : 2 * REAL]
                else:
                    parts["says_fake"], parts["says_real"] = colors.of(parts["scores"]), colors.of(D(self._x))
            else:
                parts = {"samples": game.G(self._z[:SHOWN]), "score": D(self._truth.centers())}
                real, fake = D(self._x[:SHOWN]), D(parts["samples"])
                colors = self._colors(real, fake, parts["score"])
                parts["tint"] = colors.of(parts["score"])
                says_real, says_fake = real[:JUDGED], fake[:JUDGED]
                if self.objective.paired:
                    says_real, says_fake = says_real - says_fake, says_fake - says_real
                    parts["says_real"], parts["says_fake"] = says_real, says_fake
                else:
                    parts["says_real"], parts["says_fake"] = colors.of(says_real), colors.of(says_fake)
                parts["grid"] = game.G(self._lattice)
                middle = parts["samples"].mean(0) - self._x.mean(0)
                self._judge.turn(self._play.setting, tuple(middle.tolist()), self.players == "both")
        if self._truth is not None:
            parts["arrows"] = self._arrows(parts["samples"][:ARROWS])
        if batch:
            parts |= {"real_batch": batch[0], "fake_batch": batch[1]}
        if self._best is not None:
            parts["best"] = self._best
        buffers = [part.detach().contiguous().numpy().tobytes() for part in parts.values()]
        even, paired = even_score(self.objective), self.objective.paired
        about = {"even": even, "paired": paired, "line": even is not None, "judges": even is not None or paired}
        return {"step": game.step, "parts": list(parts), "legend": list(colors.legend), **about}, buffers

    def _colors(self, real: Tensor, fake: Tensor, everywhere: Tensor) -> Colors:
        """What a score looks like: the rule for the browser and for the stored picture."""
        even = even_score(self.objective)
        if probability(self.objective, torch.zeros(1)) is not None:
            words = ("a sample for sure", "D cannot tell", "a datum for sure")
            return Colors(lambda score: 2 * probability(self.objective, score) - 1, words)
        middle = (float(real.mean()) + float(fake.mean())) / 2 if even is None else even
        apart = (everywhere - middle).abs()
        needed = float(apart[apart.isfinite()].quantile(0.95)) if apart.isfinite().any() else 1.0
        if needed > self._reach or self._reach == 0:  # it grows when the scores outgrow it, and never shrinks
            self._reach = round_up(needed)
        size = f"{self._reach:g}" if self._reach < 1e4 else readable(self._reach)
        ends = f"{size} lower", f"{size} higher"
        name = "D cannot tell" if even is not None else "score of D, from the middle"
        reach = self._reach
        return Colors(lambda score: ((score - middle) / reach).clamp(-1, 1), (ends[0], name, ends[1]))

    def _arrows(self, x: Tensor) -> Tensor:
        """Which way, and how strongly, each sample would go to lower G's loss: -grad of g_fake(D(x)).  -> (n, 2)

        Paired, G's loss is that of the difference to the score of a datum: on average over data.
        """
        x, D = x.detach().requires_grad_(), self.game.D.D
        with one_thread():
            score = D(x)
            if self.objective.paired:
                with torch.no_grad():
                    real = D(self._truth.x)
                cost = self.objective.g_fake(score[:, None] - real).mean(1)
            else:
                cost = self.objective.g_fake(score)
            (slope,) = torch.autograd.grad(cost.sum(), x)
        return -slope

    def _series(self) -> tuple[dict, list[bytes]]:
        rows = np.array([(r.step, *astuple(r.measures)) for r in list(self._records)], dtype=np.float32)
        theory = {name: value for name, value in self._theory().items() if value == value}
        return {"what": "series", "theory": theory}, [rows.tobytes()]

    def _send_series(self) -> None:
        self.send(*self._series())

    def everything(self) -> dict[str, Any]:
        """The scene, the charts and the last picture that was kept: what a browser can show without asking."""
        last = self._records[-1]
        messages = [self._scene, self._series(), ({"what": "picture", **last.about}, last.buffers)]
        return {"messages": [{**about, "buffers": buffers} for about, buffers in messages]}

    def _theory(self) -> dict[str, float]:
        d, g = at_rest(self.objective)
        floors = {}
        if self._truth is not None and self._ready:
            floors = {"js": self._truth.js_floor, "w1": self._truth.w1_floor}
            if self._truth.has_modes:
                floors["inside"] = INSIDE
        return {"d_loss": d, "g_loss": g, **floors}

    def _make_scene(self) -> tuple[dict, list[bytes]]:
        """What stays as it is while a game goes on: the window, the data and their density, latents."""
        if self._truth is None:
            return {"what": "scene", "pictures": True}, [to_uint8(self._x).numpy().tobytes(), _bytes(self._z[0])]
        parts = self._x, self._truth.p.float(), _in_the_plane(self._z[:SHOWN]), _in_the_plane(self._lattice)
        return {"what": "scene", "pictures": False, "window": self._play.setting.window}, [_bytes(t) for t in parts]

    def _send_scene(self) -> None:
        if self._watchers:
            self.send(*self._scene)

    def _line(self, record: Record) -> str:
        m = record.measures
        parts = [f"step {record.step:,}", f"loss of D {readable(m.d_loss)}", f"of G {readable(m.g_loss)}"]
        if not self._ready:
            return " · ".join(parts)
        if self._truth is not None:
            parts += [f"JS {m.js:.3f}", f"KL {nats(m.kl)}, reversed {nats(m.reverse_kl)}"]
            parts.append(f"W1 {readable(m.w1)} (floor {self._truth.w1_floor:.3f})")
        if m.modes == m.modes:
            total = len(self._truth.density.centers)
            parts.append(f"{round(m.modes * total)} of {total} modes hit, {m.inside:.1%} of samples in one")
        if m.accuracy == m.accuracy:
            best = f" (the best D, through the blur, {m.bayes:.0%})" if m.bayes == m.bayes else ""
            pairs = " of pairs" if record.about["paired"] else ""
            parts.append(f"D is right {m.accuracy:.0%}{pairs}{best}")
        return " · ".join([*parts, f"slope of D {readable(m.slope)}"])

    # ---- Messages from the browser ----

    def _heard(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        """A message came; ipykernel 7 may say so in a thread of its own, in the middle of a step of the game."""
        loop, thread = self._home
        if loop is None or thread == threading.get_ident():
            self._obey(message)
            return
        self._waiting.append(message)
        loop.call_soon_threadsafe(self._obey_waiting)
        if "n" in message:  # should a cell be running: its number
            self.send({"what": "busy", "cell": live.running_cell()})

    def _obey_waiting(self) -> None:
        while self._waiting:
            self._obey(self._waiting.popleft())

    def _obey(self, message: dict[str, Any]) -> None:
        commands: dict[str, Callable[[dict], Any]] = {
            "hello": lambda m: self._greet(),
            "seen": lambda m: setattr(self, "_seen", max(self._seen, m["frame"])),
            "play": lambda m: self.play(),
            "pause": lambda m: self.pause(),
            "step": lambda m: self._one_step(),
            "reset": lambda m: self.reset(),
            "defaults": lambda m: self.defaults(),
            "preset": lambda m: self._take_preset(m["name"]),
            "set": lambda m: self.set(**{m["name"]: m["value"]}),
            "players": lambda m: self.choose_players(m["value"]),
            "slow": lambda m: setattr(self, "slow", bool(m["value"])),
            "pace": lambda m: setattr(self, "pace", int(m["value"])),
            "layer": lambda m: setattr(self, "layers", self.layers | {m["name"]: bool(m["value"])}),
            "tour": lambda m: self.tour(int(m["stop"])),
            "diagnose": lambda m: self.diagnose(),
            "look": lambda m: self._look_back(int(m["record"])),
            "now": lambda m: self._look_at_now(),
        }
        try:
            self._get_ready()
            with one_thread():
                commands[message["do"]](message)
        except Exception as error:
            self._say(error)
        finally:
            if "n" in message:
                self.send({"what": "did", "n": message["n"]})  # the browser knows that it is heard, and asks for more

    def _greet(self) -> None:
        self._watchers += 1
        self._seen = self._sent
        self._send_scene()
        self._send_series()
        self._show()

    def _take_preset(self, name: str) -> None:
        new = Setting.of(**PRESETS[name]).as_dict()
        self.set(**new | {"seed": self._play.setting.seed, "drawing": self._play.setting.drawing})
        self.reset()
        if name in LEARNED:
            self.step(LEARNED[name])

    def _one_step(self) -> None:
        """The Step button: one step or, in slow motion, its next stage."""
        if self.playing:
            self.pause()
            return
        self.error = ""
        if not self.slow:
            self.step()
            return
        if self._in_hand is None or self._in_hand[0] != self._play.age:
            self._in_hand = (self._play.age, self._play.stages())
        seen = next(self._in_hand[1], None)
        if seen is None:
            self._in_hand, self.stage = None, ""
            self._show(record=True)
        else:
            self.stage = seen[0]
            self._show(batch=seen[1])

    def _look_back(self, number: int) -> None:
        """Show a moment that was recorded, and its numbers."""
        record = self._records[min(number, len(self._records) - 1)]
        self._send_picture(record.about, record.buffers, past=True)
        self.text = self._line(record)

    def _look_at_now(self) -> None:
        self._send_picture(*self._picture())
        self.text = self._line(self._records[-1])

    # ---- Without a browser ----

    def png(self) -> bytes:
        """The present moment as a picture: what readers without a kernel see.  Losses from the first step on."""
        moved = len(self._records) > 1  # text takes most of the time, and before a step the first picture waits for it
        with figures.styled(), torch.no_grad(), randomness(0):
            figure = Figure(figsize=(9.2 if moved else 5.0, 3.9))
            FigureCanvasAgg(figure)
            left, *right = figure.subplots(1, 1 + moved, width_ratios=(1.15, 1)[: 1 + moved], squeeze=False)[0]
            if self._truth is None:
                figures.image_grid(self.game.ema(self._z), left, columns=8)
            else:
                self._draw_plane(left)
            left.set_title(f"{figures.objective_title(self._play.setting.objective)}, step {self.game.step:,}")
            for ax in right:
                self._draw_losses(ax)
            buffer = BytesIO()
            figure.savefig(buffer, format="png", dpi=90)
        return buffer.getvalue()

    def _draw_plane(self, ax) -> None:
        x, y, half = self._play.setting.window
        window = (x - half, x + half, y - half, y + half)
        fake, D = self.game.G(self._z[:SHOWN]), self.game.D.D
        score = D(self._truth.centers())
        colors = self._colors(D(self._x), D(fake), score)
        tint = colors.of(score).view(CELLS, CELLS).numpy()
        shown = ax.imshow(
            tint, extent=window, origin="lower", cmap=figures.SCORE_MAP, vmin=-1.4, vmax=1.4, interpolation="bilinear"
        )
        if even_score(self.objective) is not None and tint.min() < 0 < tint.max():
            ax.contour(tint, levels=[0], extent=window, origin="lower", colors=figures.COLORS["D"], linewidths=1.6)
        figures.scatter2d(ax, self._x, fake, window)
        bar = ax.figure.colorbar(shown, ax=ax, orientation="horizontal", shrink=0.8, aspect=40, pad=0.02)
        bar.ax.set_xlim(-1, 1)
        bar.set_ticks([-1, 0, 1], labels=colors.legend, size=8)

    def _draw_losses(self, ax) -> None:
        theory = self._theory()
        for name, player in (("d_loss", "D"), ("g_loss", "G")):
            paid, color = [getattr(record.measures, name) for record in self._records], figures.COLORS[player]
            ax.plot([record.step for record in self._records], paid, color=color, label=f"loss of {player}")
            if theory[name] == theory[name]:
                ax.axhline(theory[name], color=color, linestyle="--", linewidth=1)
        ax.set(xlabel="step", ylabel="loss", title="both losses; dashed: at rest")
        ax.legend(loc="best")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        data = super()._repr_mimebundle_(**kwargs)
        data = data[0] if isinstance(data, tuple) else data or {}
        shown = self
        if self._still and live.running_cell() is None:  # a reader with a browser sees the laboratory itself
            with torch.random.fork_rng(devices=[]):
                shown = Laboratory(**self._play.setting.as_dict())
                shown.step(self._still)
        data |= {"text/plain": shown.text, "image/png": b64encode(shown.png()).decode()}
        if shown is not self:
            shown.close()
        return data


@dataclass(frozen=True)
class Colors:
    """A score as a colour, from -1 (orange: a sample) to 1 (blue: a datum), and what the ends and the middle mean."""

    of: Callable[[Tensor], Tensor]
    legend: tuple[str, str, str]


def round_up(x: float) -> float:
    """The next of 1, 2, 5, 10, 20, ..."""
    if not 0 < x < math.inf:
        return 1.0
    ten = 10.0 ** math.floor(math.log10(x))
    return next((k * ten for k in (1, 2, 5) if k * ten >= x), 10 * ten)


def readable(x: float) -> str:
    """A number as one would write it: three decimals, or a power of ten where nobody could read them."""
    if not math.isfinite(x):
        return "–" if x != x else "∞" if x > 0 else "−∞"
    if abs(x) < 1e4:
        said = f"{abs(x):.3f}" if abs(x) < 100 else f"{abs(x):,.0f}"
    else:
        digits, power = f"{abs(x):.1e}".split("e")
        said = digits + "·10" + str(int(power)).translate(RAISED)
    return f"−{said}" if x < 0 else said


def nats(x: float) -> str:
    """A divergence, to two decimals."""
    return "∞" if x == math.inf else f"{x:.2f}"


def _bytes(t: Tensor) -> bytes:
    return t.detach().contiguous().numpy().tobytes()


def _in_the_plane(z: Tensor) -> Tensor:
    """Latents of one number as points on a level line."""
    return torch.nn.functional.pad(z, (0, 2 - z.shape[1]))


def _lattice(latent: str) -> Tensor:
    """A grid of latents that cuts their law into equal parts.  -> (LINES^2, 1 or 2)"""
    part = torch.linspace(0.02, 0.98, LINES)
    edge = torch.special.ndtri(part) if latent.startswith("Gaussian") else 3**0.5 * (2 * part - 1)
    plane = torch.cartesian_prod(edge, edge).flip(1)
    return plane if latent.endswith("2-D") else plane[:, :1].contiguous()


@lru_cache(maxsize=1)
def _thumbs() -> dict[str, list[float]]:
    """Some points of all data, each in a window from 0 to 1, flat: small pictures to choose from."""
    thumbs = {}
    for name in (*DATA, OWN):
        setting = Setting.of(data=name)
        x, y, half = setting.window
        with randomness(0):
            points = setting.scale * setting.make_density().sample(90)
        inside = (points - torch.tensor([x - half, y - half])) / (2 * half)
        thumbs[name] = [round(v, 3) for v in inside.flatten().tolist()]
    return thumbs


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # outside of a notebook
        return None


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch uses one core: tiny networks gain nothing from a second one, and the browser needs it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@lru_cache(maxsize=8)
def _truth_of(data: str, drawing: tuple) -> Truth:
    with one_thread():
        return Truth(Setting.of(data=data, drawing=drawing))


def _truth(setting: Setting) -> Truth:
    return _truth_of(setting.data, setting.drawing)
