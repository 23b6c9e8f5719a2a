"""What is known beside a game on points: the law of the data, exact distances, the best D, and how near they are.

G's own density has no formula.  So both laws are looked at through the same blur: cells of a grid, then a Gaussian of
one cell's width.  Whatever is said of two blurred laws is a lower bound for the laws themselves (data processing), is
finite, and can be computed exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from gan_tutorial.game.objectives import Objective, best_response, gradient_norm
from gan_tutorial.lesson.laboratory.setting import OWN, Setting
from gan_tutorial.truth.densities import Modes
from gan_tutorial.truth.divergences import empirical_w1

CELLS = 48  # of the grid, on each side
FINE = 2  # points of quadrature on each side of a cell: at most one sd of any of the data apart
MANY = 8192  # samples for the law of G
FEW = 256  # samples for an exact W1
LOG_RATIOS = torch.linspace(-12, 12, 241, dtype=torch.float64)


@dataclass(frozen=True)
class Measures:
    """One look at a game.  NaN where something is not defined."""

    d_loss: float
    g_loss: float
    js: float = math.nan  # nats, of the blurred laws
    kl: float = math.nan  # KL(data || model)
    reverse_kl: float = math.nan  # KL(model || data)
    w1: float = math.nan  # between 256 data and 256 samples, exact
    modes: float = math.nan  # share of the modes that are hit: one sample within 3 sd is enough
    inside: float = math.nan  # share of the samples that lie within 3 sd of a mode
    accuracy: float = math.nan  # of D, on as many data as samples; on all pairs of them, if the objective is paired
    bayes: float = math.nan  # the best accuracy that any D can have
    slope: float = math.nan  # mean of |grad D| between data and samples
    steepest: float = math.nan  # its largest value


class Truth:
    """The law of a setting's data, through the blur; and what can be measured against it."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.density, self.scale = setting.make_density(), setting.scale
        x, y, half = setting.window
        self.low, self.width = torch.tensor([x - half, y - half]), 2 * half
        self.p = self._blurred(self._cells())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.x = self.sample(FEW)
            self._pairs = [(self.sample(FEW), self.sample(FEW)) for _ in range(3)]
            self.js_floor = self.distances(self.law_of(self.sample(MANY)))[0]

    @cached_property
    def w1_floor(self) -> float:
        """W1 between data and data.  Computed when it is asked for: the first assignment of a process loads scipy."""
        return float(torch.stack([empirical_w1(*pair) for pair in self._pairs]).mean())

    @property
    def has_modes(self) -> bool:
        """Whether the data are heaps to be counted; the dots of a pen are not."""
        return isinstance(self.density, Modes) and self.setting.data != OWN

    def sample(self, n: int) -> Tensor:
        """n data, as D sees them.  -> (n, 2)"""
        return self.scale * self.density.sample(n)

    def centers(self, cells: int = CELLS) -> Tensor:
        """The middles of the cells, row by row from below.  -> (cells^2, 2)"""
        side = (torch.arange(cells) + 0.5) / cells * self.width
        y, x = torch.meshgrid(side, side, indexing="ij")
        return torch.stack([x, y], -1).flatten(0, 1) + self.low

    def law_of(self, samples: Tensor) -> Tensor:
        """The blurred law of samples; those outside the window count for its edge.  (n, 2) -> (CELLS, CELLS)"""
        at = ((samples - self.low) / self.width * CELLS).nan_to_num(0).long().clamp(0, CELLS - 1)
        counts = torch.bincount(at[:, 1] * CELLS + at[:, 0], minlength=CELLS**2).double()
        return self._blurred((counts / len(samples)).view(CELLS, CELLS))

    def distances(self, q: Tensor) -> tuple[float, float, float, float]:
        """JS, KL(p || q), KL(q || p), total variation of the blurred laws."""
        p, m = self.p, (self.p + q) / 2
        return (_kl(p, m) + _kl(q, m)) / 2, _kl(p, q), _kl(q, p), float((p - q).abs().sum()) / 2

    def best_score(self, objective: Objective, q: Tensor) -> Tensor | None:
        """The score of the best D against a blurred law q; None where no finite score is best.  -> (CELLS, CELLS)

        Paired, any constant may be added to it; here it is 0 where data and samples are equally likely.
        """
        scores = _best_scores(objective)
        if scores is None:
            return None
        ratio = (self.p.clamp(min=1e-300).log() - q.clamp(min=1e-300).log()).clamp(-12, 12)
        best = np.interp(ratio.flatten(), LOG_RATIOS, scores).reshape(CELLS, CELLS)
        nowhere = (self.p + q) * CELLS**2 < 1e-3  # neither law is here: no D is better than another
        return torch.as_tensor(np.where(nowhere, np.nan, best)).float()

    def measure(
        self, paid: tuple[float, float], objective: Objective, D: nn.Module, fake: Tensor, q: Tensor
    ) -> Measures:
        """All measures of one moment.  paid: by D and by G; fake: (MANY, 2), and q its blurred law"""
        x, near = self.sample(2048), fake[:2048]
        js, kl, reverse, tv = self.distances(q)
        hit = inside = math.nan
        if self.has_modes:
            hit = self.density.modes_hit(fake[:1000] / self.scale) / len(self.density.centers)
            inside = int(self.density.mode_counts(fake / self.scale).sum()) / len(fake)
        return Measures(
            *paid, js, kl, reverse, float(empirical_w1(self.x, fake[:FEW])), hit, inside,
            accuracy(objective, D, x, near), self.best_of_pairs(q) if objective.paired else (1 + tv) / 2,
            *slopes(D, x[:FEW], near[:FEW]),
        )  # fmt: skip

    def best_of_pairs(self, q: Tensor) -> float:
        """How often the best D tells which of a datum and a sample is the datum, against a blurred law q.

        It is right about (u, v) with the larger of p(u) q(v) and q(u) p(v): if the datum is where p/q is larger.
        """
        p, q = self.p.flatten(), q.flatten()
        order = (p.clamp(min=1e-300).log() - q.clamp(min=1e-300).log()).argsort()
        p, q = p[order], q[order]
        return float((p * (q.cumsum(0) - q / 2)).sum())  # within a cell by chance

    def _cells(self) -> Tensor:
        fine = self.density.log_prob(self.centers(CELLS * FINE).double() / self.scale).exp()
        cells = fine.view(CELLS, FINE, CELLS, FINE).mean((1, 3))
        return cells / cells.sum()

    def _blurred(self, cells: Tensor) -> Tensor:
        blur = _blur()
        return blur.T @ cells @ blur


def even_score(objective: Objective) -> float | None:
    """The best D's score where data and samples are equally likely.

    None where no score is that: no finite one is best, or the objective is paired and only differences count.
    """
    scores = None if objective.paired else _best_scores(objective)
    return None if scores is None else float(scores[len(scores) // 2])


def probability(objective: Objective, score: Tensor) -> Tensor | None:
    """How likely data are, p / (p + q), where the best D would have this score.  (...) -> (...)

    None where a score does not say so: of critics, of pairs, and of curves whose best D knows two scores only.
    """
    scores = None if objective.paired else _best_scores(objective)
    if scores is None or len(np.unique(scores.round(6))) < len(scores) / 2:
        return None
    ratio = np.interp(score.double().numpy(), scores, LOG_RATIOS.numpy())
    return torch.as_tensor(1 / (1 + np.exp(-ratio))).to(score)


@torch.no_grad()
def accuracy(objective: Objective, D: nn.Module, x: Tensor, fake: Tensor) -> float:
    """How often D is right about as many data as samples; NaN where a score says nothing of real or fake.

    Paired, D is not asked whether an example is a datum but which of two is: the share of all pairs of a datum and a
    sample in which the datum has the higher score, ties by chance.
    """
    if objective.paired:
        real, fake_score = D(x)[:, None], D(fake)
        return float(((real > fake_score).double().mean() + (real >= fake_score).double().mean()) / 2)
    even = even_score(objective)
    if even is None:
        return math.nan
    return float(((D(x) > even).double().mean() + (D(fake) <= even).double().mean()) / 2)


def slopes(D: nn.Module, x: Tensor, fake: Tensor) -> tuple[float, float]:
    """Mean and largest |grad D| at random places between data and samples."""
    t = torch.rand(len(x), *[1] * (x.dim() - 1))
    norm = gradient_norm(D, torch.lerp(x, fake, t)).detach()
    return float(norm.mean()), float(norm.max())


def at_rest(objective: Objective) -> tuple[float, float]:
    """What D and G pay where data and samples have the same law and D is the best; NaN where that is not one number."""
    even = 0.0 if objective.paired else even_score(objective)  # a difference of scores, all of which are equal
    scores = torch.tensor([-1.0, 0.0, 1.0] if even is None else [even], dtype=torch.float64)
    d, g = objective.d_real(scores) + objective.d_fake(scores), objective.g_fake(scores)
    return tuple(float(cost[0]) if (cost == cost[0]).all() else math.nan for cost in (d, g))


def _kl(p: Tensor, q: Tensor) -> float:
    return float(torch.special.xlogy(p, p / q).nan_to_num(nan=0.0).sum())


@lru_cache(maxsize=1)
def _blur() -> Tensor:
    at = torch.arange(CELLS, dtype=torch.float64)
    blur = torch.exp(-((at[:, None] - at) ** 2) / 2)
    return blur / blur.sum(1, keepdim=True)  # from a row to the columns: nothing is lost at the edge


@lru_cache(maxsize=8)
def _best_scores(objective: Objective) -> np.ndarray | None:
    """The best score for each of LOG_RATIOS, or None if it is at an end of all numbers."""
    scores = best_response(objective, LOG_RATIOS.exp(), reach=1e6).numpy()
    return None if np.abs(scores[len(scores) // 2]) > 1e5 or np.ptp(scores) < 1e-9 else scores
