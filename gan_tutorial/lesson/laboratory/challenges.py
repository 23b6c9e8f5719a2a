"""Five things to bring about in a laboratory, each ticked when it was seen; and settings with a name."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from gan_tutorial.lesson.laboratory.setting import HEART, OWN, Setting
from gan_tutorial.lesson.laboratory.truth import Measures, even_score

SECONDS = 20  # to write an initial
SAVED = 0.2  # share of the samples that lie in a mode again
WRITTEN = 0.25  # JS, in nats, at which it can be read
TURNS = 3  # round the data, and it circles
NEAR = 0.1  # of the data's middle, in the unit of the picture, whose half width is 1.6
CHALLENGES = {
    # what it is called in messages and tests -> what to do, and a hint
    "collapse": (
        "Make it collapse: most samples in modes, but in at most a quarter of them.",
        "On the ring or the grid. What if G moves much more often than D?",
    ),
    "save": (
        f"Save it: seven of eight modes hit and {SAVED:.0%} of samples in one, without Reset, D's step size untouched.",
        "After a collapse. What made it?",
    ),
    "initial": (
        f"Write your initial in {SECONDS} seconds of playing: JS below {WRITTEN}.",
        "Data: your own; Clear the drawing, draw, Reset, Play. Larger steps are quicker, up to a point.",
    ),
    "slope": (
        "Make a critic's slope explode (a mean above 10), then tame it (below 2), without Reset.",
        "Objective wgan; D is held by: nothing. Then by what?",
    ),
    "circle": (
        f"Find step sizes at which two players who take turns still circle: {TURNS} times round the data.",
        "Three regions, SGD for both. The middle of the samples is what has to go round.",
    ),
}
PRESETS = {
    # name -> what differs from the usual setting
    "the ring forms": {},
    "the ring, learned": {"g_lr": 5e-4},
    "nothing to hold on to": {"data": "three regions", "objective": "minimax", "d_steps": 10},
    "a clipped critic": {"objective": "wgan"},
    "a critic with a penalty": {"data": "two moons", "objective": "wgan_gp"},
    "G is too quick": {"g_steps": 10, "g_lr": 5e-3},
    "they circle": {"data": "three regions", "optimiser": "SGD", "d_lr": 0.1, "g_lr": 0.1},
    "paired, and held": {"data": "grid", "objective": "r3gan", "width": 128},
}
LEARNED = {"the ring, learned": 2_000}  # presets that begin with so many steps done: the good end, seen first


def presets() -> list[dict[str, str]]:
    """Each with the line of code that gives it."""
    found = {name: Setting.of(**changes).line() for name, changes in PRESETS.items()}
    found |= {name: f"lab = {found[name]}; lab.step({steps:_}); lab" for name, steps in LEARNED.items()}
    return [{"name": name, "line": line} for name, line in found.items()]


@dataclass(frozen=True)
class Sight:
    """What a judge is shown of one moment."""

    step: int
    setting: Setting
    measures: Measures


class Judge:
    """Watches one laboratory; `solved` are the names of the challenges that were met."""

    def __init__(self) -> None:
        self.solved: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """A new game: nothing that was seen in an older one counts."""
        self._collapsed_at: float | None = None  # D's step size then
        self._exploded = False
        self._angles: list[float] = []
        self._drawing, self._since = HEART, None

    def see(self, sight: Sight) -> None:
        m, setting = sight.measures, sight.setting
        self._collapse(sight.step, m, setting)
        self._initial(sight.step, m, setting)
        self._slope(m, setting)

    def _collapse(self, step: int, m: Measures, setting: Setting) -> None:
        if self._collapsed_at is not None and setting.d_lr != self._collapsed_at:
            self._collapsed_at = None
        if step > 0 and m.modes <= 0.25 and m.inside >= 0.5 and setting.data in ("ring", "grid"):
            self.solved.add("collapse")
            self._collapsed_at = setting.d_lr
        elif self._collapsed_at is not None and m.modes >= 7 / 8 and m.inside >= SAVED:
            self.solved.add("save")

    def _initial(self, step: int, m: Measures, setting: Setting) -> None:
        if setting.data != OWN or setting.drawing == HEART:
            return
        if setting.drawing != self._drawing or step == 0:
            self._drawing, self._since = setting.drawing, None  # the clock starts with the first step
        elif self._since is None:
            self._since = time.monotonic()
        elif time.monotonic() - self._since <= SECONDS and m.js < WRITTEN:
            self.solved.add("initial")

    def _slope(self, m: Measures, setting: Setting) -> None:
        objective = setting.make_objective()
        if objective.paired or even_score(objective) is not None:
            self._exploded = False  # no critic
        elif m.slope > 10:
            self._exploded = True
        elif self._exploded and m.slope < 2:
            self.solved.add("slope")

    def turn(self, setting: Setting, middle: tuple[float, float], both: bool) -> None:
        """The samples' middle, seen from the data's, as often as it is looked at; `both`: whether both players move."""
        takes_turns = both and (setting.d_steps, setting.g_steps) == (1, 1)
        if not takes_turns or not NEAR < np.hypot(*middle) < np.inf:  # so near, it only trembles
            self._angles = []
            return
        self._angles.append(float(np.arctan2(middle[1], middle[0])))
        turned = np.diff(np.unwrap(self._angles))
        if abs(turned.sum()) >= 2 * np.pi * TURNS and np.abs(turned).mean() < np.pi / 2:
            self.solved.add("circle")
