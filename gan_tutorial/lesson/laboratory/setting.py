"""What a laboratory can be set to; the game that a setting describes; and the cell of code that says the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from gan_tutorial.clothes.data import fashion_mnist
from gan_tutorial.game import Game
from gan_tutorial.game.networks import (
    LATENT,
    ConvDiscriminator,
    ConvGenerator,
    NoisyInput,
    PointDiscriminator,
    mlp,
)
from gan_tutorial.game.objectives import (
    OBJECTIVES,
    Objective,
    clip_weights,
    gradient_penalty,
    r1_penalty,
    r2_penalty,
    smooth,
    sum_of_penalties,
)
from gan_tutorial.truth import densities

CLOTHES = "clothes"  # FashionMNIST; everything else is points of the plane
OWN = "your own"

HEART = tuple(
    (round(math.sin(t) ** 3, 3), round((13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t)) / 16, 3))
    for t in (2 * math.pi * k / 32 for k in range(32))
)
"""What stands on the sheet before anything was drawn on it."""

# The data by name: an expression, which is also what "copy as code" writes.  Each fits a window of its own.
DATA: dict[str, str] = {
    "line": "densities.Segment()",
    "ring": "densities.Ring(8, radius=1.0, sd=0.05)",
    "grid": "densities.Grid(side=5, step=0.5, sd=0.04)",
    "Swiss roll": "densities.SwissRoll(noise=0.5)",
    "two moons": "densities.TwoMoons()",
    "three regions": "densities.Spots()",
}
SCALE = {"Swiss roll": 1 / 12}  # what the data are multiplied with, where it is not 1
WINDOW = {"two moons": (0.5, 0.25, 2.0)}  # (x, y) of the middle and half the width, where it is not (0, 0, 1.6)
HOLDS: dict[str, tuple[str, Callable[[float], dict[str, Any]]]] = {
    # how D's slope is kept in bounds -> the code, and what it changes in an objective
    "nothing": ("", lambda w: {}),
    "clip": ("project=objectives.clip_weights({})", lambda w: {"project": clip_weights(w)}),
    "penalty": ("penalty=objectives.gradient_penalty({})", lambda w: {"penalty": gradient_penalty(w)}),
    "one-sided penalty": (
        "penalty=objectives.gradient_penalty({}, one_sided=True)",
        lambda w: {"penalty": gradient_penalty(w, one_sided=True)},
    ),
    "R1": ("penalty=objectives.r1_penalty({})", lambda w: {"penalty": r1_penalty(w)}),
    "R1 and R2": (
        "penalty=objectives.sum_of_penalties(objectives.r1_penalty({0}), objectives.r2_penalty({0}))",
        lambda w: {"penalty": sum_of_penalties(r1_penalty(w), r2_penalty(w))},
    ),
}
OPTIMISERS = ("Adam", "RMSprop", "SGD")
LATENTS = {
    # what G makes samples of, all of variance 1 -> the code
    "Gaussian, 2-D": "densities.Latent(2)",
    "Gaussian, 1-D": "densities.Latent(1)",
    "uniform, 2-D": "lambda n: 3**0.5 * (2 * torch.rand(n, 2) - 1)",
    "uniform, 1-D": "lambda n: 3**0.5 * (2 * torch.rand(n, 1) - 1)",
}
BOTH = {name: (f"d_{name}", f"g_{name}") for name in ("width", "depth", "optimiser")}
"""Short for the same of both players: `width=16`."""
WIDTHS = (8, 16, 32, 64, 128)
FREE = {"hold": "nothing", "weight": 0.1, "d_steps": 1}
SUITS = {
    # what an objective brings along when it is chosen, where it is not FREE; a paired one has no labels to smooth
    "wgan": {"hold": "clip", "weight": 0.1, "d_steps": 5},
    "wgan_gp": {"hold": "penalty", "weight": 0.1, "d_steps": 5},
    "wgan_lp": {"hold": "one-sided penalty", "weight": 0.1, "d_steps": 5},
    "r1": {"hold": "R1", "weight": 0.1, "d_steps": 1},
    "rpgan": FREE | {"smoothing": 0.0},
    "r3gan": {"hold": "R1 and R2", "weight": 0.1, "d_steps": 1, "smoothing": 0.0},
}
BARE = {
    # what these are without that
    "wgan": "wasserstein",
    "wgan_gp": "wasserstein",
    "wgan_lp": "wasserstein",
    "r1": "non_saturating",
    "r3gan": "rpgan",
}
STARTS = {
    # what pictures need, and what points do
    True: {"width": 16, "d_lr": 2e-3, "g_lr": 2e-3, "momentum": 0.0, "batch_size": 64},
    False: {"width": 64, "d_lr": 1e-3, "g_lr": 1e-3, "momentum": 0.5, "batch_size": 128},
}


def _made_when_asked(name: str) -> property:
    """An optimiser, or a `partial` of what makes it, which is called once somebody asks for it."""

    def get(game: Game) -> torch.optim.Optimizer:
        held = vars(game)[name]
        if isinstance(held, partial):
            held = vars(game)[name] = held()
        return held

    return property(get, lambda game, held: vars(game).update({name: held}))


class Unmoved(Game):
    """A game whose optimisers are made when they are first asked for: a picture of it needs networks only.

    For the first optimiser of a process torch imports its compiler (`torch._dynamo`), which takes two seconds.
    """

    g_opt = _made_when_asked("g_opt")
    d_opt = _made_when_asked("d_opt")


@dataclass(frozen=True)
class Control:
    """How one field of a setting is shown: options to choose from, or a slider from `low` to `high`."""

    group: str
    label: str
    help: str
    options: tuple = ()
    low: float = 0.0
    high: float = 1.0
    step: float = 0.0  # 0: the slider is logarithmic
    points_only: bool = False


PAIRED = tuple(name for name, objective in OBJECTIVES.items() if objective.paired)
CONTROLS: dict[str, Control] = {
    "data": Control("the data", "data", "where real examples come from", (*DATA, OWN, CLOTHES)),
    "seed": Control("the data", "seed", "fixes the first weights and all draws", low=0, high=99, step=1),
    "batch_size": Control("the data", "batch", "examples in each move", (16, 32, 64, 128, 256)),
    "objective": Control("the game", "objective", "the three curves: the losses of D and G", tuple(OBJECTIVES)),
    "hold": Control("the game", "D is held by", "what keeps D's slope in bounds", tuple(HOLDS)),
    "weight": Control("the game", "bound or weight", "c of clipping, λ of a penalty, γ of R1, R2", low=1e-3, high=10),
    "d_steps": Control("the game", "D's moves", "moves of D in each step", low=1, high=10, step=1),
    "g_steps": Control("the game", "G's moves", "moves of G in each step", low=1, high=10, step=1),
    "smoothing": Control("the game", "label smoothing", "data count as real with 1 − this", low=0, high=0.4, step=0.05),
    "noise": Control("the game", "instance noise", "sd of the noise on all that D sees", low=0, high=0.6, step=0.02),
    "d_lr": Control("the players", "D's step size", "learning rate of D", low=1e-5, high=1e-1),
    "g_lr": Control("the players", "G's step size", "learning rate of G", low=1e-5, high=1e-1),
    "d_optimiser": Control("the players", "D's optimiser", "the rule of D's steps", OPTIMISERS),
    "g_optimiser": Control("the players", "G's optimiser", "the rule of G's steps", OPTIMISERS),
    "momentum": Control("the players", "momentum", "β₁ of Adam, else momentum", low=0, high=0.9, step=0.1),
    "d_width": Control("their networks", "D's width", "units in a layer; channels for pictures", WIDTHS),
    "g_width": Control("their networks", "G's width", "units in a layer; channels for pictures", WIDTHS),
    "d_depth": Control("their networks", "D's depth", "hidden layers of D", (1, 2, 3, 4), points_only=True),
    "g_depth": Control("their networks", "G's depth", "hidden layers of G", (1, 2, 3, 4), points_only=True),
    "latent": Control("their networks", "noise of G", "what G makes samples of", tuple(LATENTS), points_only=True),
}
"""Every field that a person can change, in the order of the panel."""

ANEW = {"data", "seed", "d_width", "g_width", "d_depth", "g_depth", "latent"}
"""What cannot change under a game: a change of these starts a new one."""


@dataclass(frozen=True)
class Setting:
    """All that a laboratory can be set to.  Raises ValueError, saying what is possible, for anything else."""

    data: str = "ring"
    objective: str = "non_saturating"
    hold: str = "nothing"
    weight: float = 0.1
    d_steps: int = 1
    g_steps: int = 1
    smoothing: float = 0.0
    noise: float = 0.0
    d_optimiser: str = "Adam"
    g_optimiser: str = "Adam"
    d_lr: float = 1e-3
    g_lr: float = 1e-3
    momentum: float = 0.5
    d_width: int = 64
    g_width: int = 64
    d_depth: int = 2
    g_depth: int = 2
    latent: str = "Gaussian, 2-D"
    batch_size: int = 128
    seed: int = 0
    drawing: tuple[tuple[float, float], ...] = HEART  # the places of `your own` data

    def __post_init__(self) -> None:
        for name, control in CONTROLS.items():
            value = getattr(self, name)
            if control.options and value not in control.options:
                raise ValueError(f"{name} is {value!r}; it can be {', '.join(map(str, control.options))}.")
            if not control.options and not control.low <= value <= control.high:
                raise ValueError(f"{name} is {value}, outside {control.low:g} to {control.high:g}.")
        if not self.drawing:
            raise ValueError("The drawing is empty; draw at least one point.")
        if self.smoothing:
            smooth(OBJECTIVES[self.objective], self.smoothing)  # a paired objective refuses it, and says why

    @classmethod
    def of(cls, **changes: Any) -> Setting:
        """The usual setting with `changes`, and with what these bring along."""
        return cls().but(**changes)

    def but(self, **changes: Any) -> Setting:
        """This setting with `changes`, and with what a new objective or new data bring along unless it is named."""
        changes = _of_each_player(changes)
        known = {f.name for f in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise ValueError(f"There is no control {unknown[0]!r}; there are {', '.join(CONTROLS)}.")
        brought: dict[str, Any] = {}
        new_data, new_objective = changes.get("data", self.data), changes.get("objective", self.objective)
        if (new_data == CLOTHES) != self.pictures:
            brought |= _of_each_player(STARTS[new_data == CLOTHES])
        if new_objective != self.objective:
            brought |= SUITS.get(new_objective, FREE)
        kinds = {f.name: {"int": int, "float": float}.get(f.type, lambda value: value) for f in fields(self)}
        changes = {name: kinds[name](value) for name, value in changes.items()}  # a browser knows one kind of number
        if "drawing" in changes:
            changes["drawing"] = tuple((float(x), float(y)) for x, y in changes["drawing"])
        return replace(self, **brought | changes)

    @property
    def pictures(self) -> bool:
        return self.data == CLOTHES

    @property
    def window(self) -> tuple[float, float, float]:
        """(x, y) of the middle of what is shown, and half of its width."""
        return WINDOW.get(self.data, (0.0, 0.0, 1.6))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        """The call of `laboratory` that gives this setting: what differs from the usual one, and nothing else."""
        first, mine = Setting().as_dict(), vars(self)  # what these two bring along need not be named
        named = {name: mine[name] for name in ("data", "objective") if mine[name] != first[name]}
        usual = Setting.of(**named)
        named |= {f.name: v for f in fields(self) if (v := getattr(self, f.name)) != getattr(usual, f.name)}
        for both, (one, other) in BOTH.items():
            if one in named and named[one] == named.get(other):
                named[both] = named.pop(one)
                del named[other]
        return f"laboratory({', '.join(f'{name}={value!r}' for name, value in named.items())})".replace("'", '"')

    # ---- The game that it describes ----

    def make_density(self):
        """The law of the points, before `scale`."""
        if self.data == OWN:
            return densities.Spots(self.drawing, sd=0.08)
        return eval(DATA[self.data], {"densities": densities})  # our own expressions: see DATA

    @property
    def scale(self) -> float:
        return SCALE.get(self.data, 1.0)

    def make_data(self) -> Callable[[int], tuple]:
        """The sampler n -> (x,)."""
        if self.pictures:
            return fashion_mnist().sampler()
        return densities.as_data(self.make_density(), self.scale)

    def make_objective(self) -> Objective:
        """The three curves of `objective`, smoothed, with what holds D."""
        curves = replace(OBJECTIVES[self.objective], penalty=None, project=None)
        if self.smoothing:
            curves = smooth(curves, self.smoothing)
        return replace(curves, **HOLDS[self.hold][1](self.weight))

    def make_game(self) -> Game:
        """A new game, all of whose random numbers come from `seed`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            if self.pictures:
                G, D = ConvGenerator(width=self.g_width), ConvDiscriminator(width=self.d_width)
            else:
                G = mlp([self.latent_dim, *[self.g_width] * self.g_depth, 2])
                D = PointDiscriminator(2, [self.d_width] * self.d_depth)
        D, latent = NoisyInput(D, self.noise), eval(self._latent(), {"densities": densities, "torch": torch})
        g_opt, d_opt = partial(self.make_optimiser, "G", G), partial(self.make_optimiser, "D", D)
        return Unmoved(G, D, g_opt, d_opt, self.make_data(), latent, seed=self.seed)

    @property
    def latent_dim(self) -> int:
        return LATENT if self.pictures else int(self.latent[-3])

    def of_player(self, player: str) -> tuple[str, float]:
        """The optimiser and the step size of "D" or "G"."""
        return (self.d_optimiser, self.d_lr) if player == "D" else (self.g_optimiser, self.g_lr)

    def make_optimiser(self, player: str, net: nn.Module) -> torch.optim.Optimizer:
        rule, lr = self.of_player(player)
        if rule == "Adam":
            return torch.optim.Adam(net.parameters(), lr=lr, betas=(self.momentum, 0.999), fused=True)
        return getattr(torch.optim, rule)(net.parameters(), lr=lr, momentum=self.momentum)

    # ---- As code ----

    def code(self, steps: int = 2000) -> str:
        """A cell that plays the same game with the package, from the first step, and draws what came of it."""
        if self.pictures:
            draw = "image_grid(game.sample(64), columns=8);"
        else:
            draw = "scatter2d(plt.gca(), game.data(400)[0], game.sample(400, ema=False));"
        return CODE.format(
            imports=self._imports(),
            seed=self.seed,
            networks=self._networks(),
            g_opt=self._optimiser("G"),
            d_opt=self._optimiser("D"),
            data=self._data(),
            latent=self._latent(),
            more=self._more_moves(),
            draw=draw,
            objective=self._objective(),
            steps=steps,
            batch_size=self.batch_size,
            d_steps=self.d_steps,
        )

    def _imports(self) -> str:
        names = ["ConvDiscriminator", "ConvGenerator"] if self.pictures else ["PointDiscriminator", "mlp"]
        names += ["NoisyInput"] if self.noise else []
        data = ["from gan_tutorial.clothes.data import fashion_mnist"] if self.pictures else []
        play = ["Game", "average_move", "g_move", "train"] if self.g_steps > 1 else ["Game", "train"]
        shows = "image_grid" if self.pictures else "scatter2d"
        return "\n".join(
            (["from dataclasses import replace\n"] if "replace(" in self._objective() else [])
            + ["import matplotlib.pyplot as plt", "import torch\n", *data]
            + [f"from gan_tutorial.game import {', '.join([*play[:1], 'objectives', *play[1:]])}"]
            + [f"from gan_tutorial.game.networks import {', '.join(sorted(names, key=str.lower))}"]
            + [f"from gan_tutorial.lesson.figures import {shows}", "from gan_tutorial.truth import densities"]
        )

    def _networks(self) -> str:
        if self.pictures:
            G, D = f"ConvGenerator(width={self.g_width})", f"ConvDiscriminator(width={self.d_width})"
        else:
            G = f"mlp({[self.latent_dim, *[self.g_width] * self.g_depth, 2]})"
            D = f"PointDiscriminator(2, {[self.d_width] * self.d_depth})"
        return f"G = {G}\nD = {f'NoisyInput({D}, {self.noise:g})' if self.noise else D}"

    def _latent(self) -> str:
        return f"densities.Latent({LATENT})" if self.pictures else LATENTS[self.latent]

    def _more_moves(self) -> str:
        if self.g_steps == 1:
            return ""
        x = f", x=game.data({self.batch_size})[0]" if OBJECTIVES[self.objective].paired else ""
        return MORE_MOVES.format(more=self.g_steps - 1, batch_size=self.batch_size, x=x)

    def _optimiser(self, player: str) -> str:
        rule, lr = self.of_player(player)
        adam = rule == "Adam"
        how = f"betas=({self.momentum}, 0.999), fused=True" if adam else f"momentum={self.momentum}"
        return f"torch.optim.{rule}({player}.parameters(), lr={lr:g}, {how})"

    def _data(self) -> str:
        if self.pictures:
            return "fashion_mnist().sampler()"
        law = f"densities.Spots({self.drawing}, sd=0.08)" if self.data == OWN else DATA[self.data]
        return f"densities.as_data({law}{f', scale={self.scale!r}' if self.data in SCALE else ''})"

    def _objective(self) -> str:
        curves = f"objectives.{BARE.get(self.objective, self.objective)}"
        if self.smoothing:
            curves = f"objectives.smooth({curves}, {self.smoothing:g})"
        held = HOLDS[self.hold][0].format(f"{self.weight:g}")
        return f"replace({curves}, {held})" if held else curves


def _of_each_player(changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` with what is short for both players written out; what is named for one of them is kept."""
    short = {one: changes[name] for name, pair in BOTH.items() if name in changes for one in pair}
    return short | {name: value for name, value in changes.items() if name not in BOTH}


CODE = """\
{imports}

torch.manual_seed({seed})
{networks}
game = Game(
    G,
    D,
    g_opt={g_opt},
    d_opt={d_opt},
    data={data},
    latent={latent},
    seed={seed},
)
objective = {objective}
for step in train(game, objective, steps={steps}, batch_size={batch_size}, d_steps={d_steps}):
{more}    if step.n % 100 == 0:
        print(f"step {{step.n:,}}: loss of D {{float(step.d_loss):.3f}}, of G {{float(step.g_loss):.3f}}")

{draw}
"""
MORE_MOVES = """\
    for _ in range({more}):  # G moves more often than D
        with game.own_randomness():
            g_move(game, objective, {batch_size}{x})
            average_move(game)
"""
