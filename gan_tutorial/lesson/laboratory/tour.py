"""A tour of the laboratory: eight stops, each a game to look at, what to watch, and a question with its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gan_tutorial.lesson.laboratory.play import Play
from gan_tutorial.lesson.laboratory.setting import OWN, Setting


@dataclass(frozen=True)
class Stop:
    """A setting that is played for a few steps before it is shown; who moves then, and what is drawn besides."""

    title: str
    watch: str
    question: str
    answer: str
    setting: dict[str, Any] = field(default_factory=dict)
    before: tuple[str, int] = ("both", 0)  # who has moved, and how many steps
    players: str = "both"
    slow: bool = False
    layers: tuple[str, ...] = ()

    @property
    def words(self) -> dict[str, str]:
        """What a person reads."""
        return {name: getattr(self, name) for name in ("title", "watch", "question", "answer")}

    @property
    def game(self) -> dict[str, Any]:
        """What a person finds there."""
        return {name: getattr(self, name) for name in ("setting", "before", "players", "slow", "layers")}


TOUR = (
    Stop(
        "Two players",
        "Blue points are data, orange crosses what G makes of noise; the boxes above show who passes what to whom. "
        "Press Play: in slow motion each step comes in four stages.",
        "Which of the two networks is ever shown a datum?",
        "Only D. All that G hears of data are the arrows: which way D's score rises at its samples.",
        slow=True,
    ),
    Stop(
        "The field of D",
        "The colour is what D says of each place: blue a datum, orange a sample; on the green line it cannot tell. On "
        "the dashed line the best of all D could not, which is known exactly here. Press Play.",
        "When G moves its samples, which of the two lines is right at once, and which has to learn?",
        "The dashed line follows from data and samples alone, so it is right at once. D only learns its way there, "
        "and G listens to D as it is now.",
        {"data": "three regions"},
        before=("both", 100),
        layers=("best D",),
    ),
    Stop(
        "Saturation",
        "D has moved 200 times while G rested, and is sure of nearly every sample. With the minimax loss G gets "
        "next to no gradient: the arrows are stubs.",
        "Choose the objective non saturating. D is the same network as before: why are the arrows long now?",
        "The minimax loss log(1 - D) is flat where D is sure of a sample; -log D is steep there. Both multiply the "
        "same slope of D, one by nearly 0, the other by nearly 1.",
        {"data": "three regions", "objective": "minimax", "d_lr": 5e-3},
        before=("only D", 200),
        players="only G",
    ),
    Stop(
        "Only D, only G",
        "Only D moves now. Press Play and watch its share of right answers come near the dashed line, the best that "
        "any D can reach against these samples.",
        "Let only G move instead (who moves, above). Where do the samples go?",
        "To wherever this D's score is highest, and past the data. A D that stands still is no guide for long: that "
        "is why the two take turns.",
        {"data": "three regions"},
        before=("both", 100),
        players="only D",
    ),
    Stop(
        "Collapse",
        "G moves ten times in each step, and D once. Press Play: the samples huddle together, and wander together. "
        "Below the charts it says how many modes they hit.",
        "Why does D not put an end to it?",
        "It comes too late. By the time it has learned to reject the place where they are, G has moved on, to a place "
        "that D thinks well of at the moment. With G's moves at 1 they spread again, but slowly: one of the "
        "challenges is to do better.",
        {"g_steps": 10},
    ),
    Stop(
        "The Wasserstein distance beside the losses",
        "A critic with a gradient penalty. One chart has the two losses; the next has W1, computed without D, and "
        "its floor, dashed: what fresh data would give. Press Play.",
        "Which curve tells you that the samples have become better?",
        "W1: it falls towards its floor. G's loss is minus the critic's mean score, and the critic's zero means "
        "nothing.",
        {"data": "two moons", "objective": "wgan_gp"},
    ),
    Stop(
        "Clip or penalise",
        "This critic's weights are clipped to between -0.03 and 0.03. Press Play, and look at the last chart: its "
        "slope is nearly 0, so the samples learn next to nothing.",
        "Under More controls, set the bound to 0.1. Then let D be held by a penalty instead. What becomes of the "
        "slope?",
        "Three times the bound is far more than three times the slope: one layer multiplies the other. The penalty "
        "names the slope that it wants, 1, and leaves the weights alone.",
        {"data": "two moons", "objective": "wgan", "weight": 0.03},
        before=("both", 40),
    ),
    Stop(
        "Your own drawing",
        "The data are a drawing now. Press Clear the drawing, write your initial into the picture, press Reset and "
        "Play.",
        "Has your letter a gap? Look at what G puts there.",
        "A thin thread of samples: G is continuous, and cannot cut its noise in two. It can only make the thread so "
        "thin that D hardly ever sees it.",
        {"data": OWN},
    ),
)
"""In this order; a test plays each of them."""


def play(stop: Stop, seed: int) -> Play:
    """The game of a stop, as it is shown at first."""
    game = Play(Setting.of(**stop.setting, seed=seed))
    game.players, steps = stop.before
    for _ in range(steps):
        game.step()
    game.players = stop.players
    return game
