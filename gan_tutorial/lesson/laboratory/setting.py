"""What a laboratory can be set to; the game that a setting describes; and the cell of code that says the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
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
    smooth,
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
}
OPTIMISERS = ("Adam", "RMSprop", "SGD")
SUITS = {
    # what an objective brings along when it is chosen
    "wgan": {"hold": "clip", "weight": 0.1, "d_steps": 5},
    "wgan_gp": {"hold": "penalty", "weight": 0.1, "d_steps": 5},
    "wgan_lp": {"hold": "one-sided penalty", "weight": 0.1, "d_steps": 5},
    "r1": {"hold": "R1", "weight": 0.1, "d_steps": 1},
}
BARE = {"wgan": "wasserstein", "wgan_gp": "wasserstein", "wgan_lp": "wasserstein", "r1": "non_saturating"}
"""What these are without that."""
FREE = {"hold": "nothing", "weight": 0.1, "d_steps": 1}
STARTS = {
    # what pictures need, and what points do
    True: {"width": 16, "d_lr": 2e-3, "g_lr": 2e-3, "momentum": 0.0, "batch_size": 64},
    False: {"width": 64, "d_lr": 1e-3, "g_lr": 1e-3, "momentum": 0.5, "batch_size": 128},
}


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


CONTROLS: dict[str, Control] = {
    "data": Control("the data", "data", "where real examples come from", (*DATA, OWN, CLOTHES)),
    "seed": Control("the data", "seed", "fixes the first weights and all draws", low=0, high=99, step=1),
    "batch_size": Control("the data", "batch", "examples in each move", (16, 32, 64, 128, 256)),
    "objective": Control("the game", "objective", "the three curves: what D and G pay", tuple(OBJECTIVES)),
    "hold": Control("the game", "D is held by", "what keeps D's slope in bounds", tuple(HOLDS)),
    "weight": Control("the game", "bound or weight", "c of clipping, λ of a penalty, γ of R1", low=1e-3, high=10),
    "d_steps": Control("the game", "D's moves", "moves of D for each move of G", low=1, high=10, step=1),
    "smoothing": Control("the game", "label smoothing", "data count as real with 1 − this", low=0, high=0.4, step=0.05),
    "noise": Control("the game", "instance noise", "sd of the noise on all that D sees", low=0, high=0.6, step=0.02),
    "optimiser": Control("the players", "optimiser", "the rule of both players' steps", OPTIMISERS),
    "d_lr": Control("the players", "D's step size", "learning rate of D", low=1e-5, high=1e-1),
    "g_lr": Control("the players", "G's step size", "learning rate of G", low=1e-5, high=1e-1),
    "momentum": Control("the players", "momentum", "β₁ of Adam, else momentum", low=0, high=0.9, step=0.1),
    "width": Control("the players", "width", "units in a layer; channels for pictures", (8, 16, 32, 64, 128)),
    "depth": Control("the players", "depth", "hidden layers of both players", (1, 2, 3, 4), points_only=True),
}
"""Every field that a person can change, in the order of the panel."""

ANEW = {"data", "seed", "width", "depth"}
"""What cannot change under a game: a change of these starts a new one."""


@dataclass(frozen=True)
class Setting:
    """All that a laboratory can be set to.  Raises ValueError, saying what is possible, for anything else."""

    data: str = "ring"
    objective: str = "non_saturating"
    hold: str = "nothing"
    weight: float = 0.1
    d_steps: int = 1
    smoothing: float = 0.0
    noise: float = 0.0
    optimiser: str = "Adam"
    d_lr: float = 1e-3
    g_lr: float = 1e-3
    momentum: float = 0.5
    width: int = 64
    depth: int = 2
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

    @classmethod
    def of(cls, **changes: Any) -> Setting:
        """The usual setting with `changes`, and with what these bring along."""
        return cls().but(**changes)

    def but(self, **changes: Any) -> Setting:
        """This setting with `changes`, and with what a new objective or new data bring along unless it is named."""
        known = {f.name for f in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise ValueError(f"There is no control {unknown[0]!r}; there are {', '.join(CONTROLS)}.")
        brought: dict[str, Any] = {}
        new_data, new_objective = changes.get("data", self.data), changes.get("objective", self.objective)
        if (new_data == CLOTHES) != self.pictures:
            brought |= STARTS[new_data == CLOTHES]
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
                G, D = ConvGenerator(width=self.width), NoisyInput(ConvDiscriminator(width=self.width), self.noise)
            else:
                hidden = [self.width] * self.depth
                G, D = mlp([2, *hidden, 2]), NoisyInput(PointDiscriminator(2, hidden), self.noise)
        latent = densities.Latent(LATENT if self.pictures else 2)
        g_opt, d_opt = self.make_optimiser(G, self.g_lr), self.make_optimiser(D, self.d_lr)
        return Game(G, D, g_opt, d_opt, self.make_data(), latent, seed=self.seed)

    def make_optimiser(self, net: nn.Module, lr: float) -> torch.optim.Optimizer:
        if self.optimiser == "Adam":
            return torch.optim.Adam(net.parameters(), lr=lr, betas=(self.momentum, 0.999), fused=True)
        return getattr(torch.optim, self.optimiser)(net.parameters(), lr=lr, momentum=self.momentum)

    # ---- As code ----

    def code(self, steps: int = 2000) -> str:
        """A cell that plays the same game with the package, from the first step."""
        return CODE.format(
            imports=self._imports(),
            seed=self.seed,
            networks=self._networks(),
            g_opt=self._optimiser("G", self.g_lr),
            d_opt=self._optimiser("D", self.d_lr),
            data=self._data(),
            latent=LATENT if self.pictures else 2,
            objective=self._objective(),
            steps=steps,
            batch_size=self.batch_size,
            d_steps=self.d_steps,
        )

    def _imports(self) -> str:
        names = ["ConvDiscriminator", "ConvGenerator"] if self.pictures else ["PointDiscriminator", "mlp"]
        names += ["NoisyInput"] if self.noise else []
        data = ["from gan_tutorial.data import fashion_mnist"] if self.pictures else []
        return "\n".join(
            (["from dataclasses import replace\n"] if "replace(" in self._objective() else [])
            + ["import torch\n", "from gan_tutorial import densities, objectives", *data]
            + ["from gan_tutorial.game import Game, train"]
            + [f"from gan_tutorial.networks import {', '.join(sorted(names, key=str.lower))}"]
        )

    def _networks(self) -> str:
        if self.pictures:
            G, D = f"ConvGenerator(width={self.width})", f"ConvDiscriminator(width={self.width})"
        else:
            hidden = [self.width] * self.depth
            G, D = f"mlp({[2, *hidden, 2]})", f"PointDiscriminator(2, {hidden})"
        return f"G = {G}\nD = {f'NoisyInput({D}, {self.noise:g})' if self.noise else D}"

    def _optimiser(self, player: str, lr: float) -> str:
        adam = self.optimiser == "Adam"
        how = f"betas=({self.momentum}, 0.999), fused=True" if adam else f"momentum={self.momentum}"
        return f"torch.optim.{self.optimiser}({player}.parameters(), lr={lr:g}, {how})"

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
    latent=densities.Latent({latent}),
    seed={seed},
)
objective = {objective}
for step in train(game, objective, steps={steps}, batch_size={batch_size}, d_steps={d_steps}, every=100):
    print(f"step {{step.n:,}}: D pays {{float(step.d_loss):.3f}}, G pays {{float(step.g_loss):.3f}}")
"""
