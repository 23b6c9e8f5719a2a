"""Figures of notebook 11: likelihoods, piles, biased scores, balls, an exam of scores, a tournament.

Arrays in, Axes out; `name` is always that of an objective ("kl"): it has the colour of that objective.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Circle
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from torch import Tensor

from gan_tutorial.clothes.score import density_coverage, frechet, kid, precision_recall
from gan_tutorial.lesson.figures import COLORS, OBJECTIVES, PAPER, image_grid, objective_title

SEEN = LinearSegmentedColormap.from_list("seen", [PAPER, "#F3C9A8"])


def makers(panels: Mapping[str, Tensor], shown: int = 12) -> np.ndarray:
    """A few pictures of each maker side by side.  name -> (n, 28, 28) uint8;  -> Axes"""
    axes = np.atleast_1d(plt.subplots(1, len(panels), figsize=(3.0 * len(panels), 1.4))[1])
    for ax, (name, images) in zip(axes, panels.items(), strict=True):
        image_grid(images[:shown], ax, columns=6, title=name)
    return axes


def plain_numbers(axis) -> None:
    """On a logarithmic axis: 20, 50, 100 in place of powers of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


# ---- Likelihood -------------------------------------------------------------------------------------------------


def parzen_curves(ax: Axes, n: Sequence[int], says: Tensor, truth: float) -> Axes:
    """What Parzen windows on n samples say of the log-likelihood, each seed a line, and the truth.  says: (seeds, n)"""
    for i, row in enumerate(says):
        ax.plot(n, row, "o-", color=COLORS["estimate"], markersize=4, label="Parzen windows" if i == 0 else None)
    ax.axhline(truth, color=COLORS["truth"], linestyle="--", label="exact")
    ax.set(xscale="log", xlabel="samples of the model", ylabel="log-likelihood, nats per picture")
    ax.legend(loc="center right")
    return ax


def losses_and_quality(steps: Sequence[int], losses: Tensor, ffd: Tensor) -> np.ndarray:
    """D's loss, G's loss and FFD over the steps, a line for each seed.  losses: (seeds, looks, 2)  -> three Axes"""
    axes = plt.subplots(1, 3, figsize=(10, 2.9))[1]
    panels = (("D's loss", losses[..., 0], "D"), ("G's loss", losses[..., 1], "G"), ("FFD of samples", ffd, "model"))
    for ax, (title, values, color) in zip(axes, panels, strict=True):
        for row in values:
            ax.plot(steps, row, "o-", color=COLORS[color], markersize=3.5, linewidth=1.3)
        ax.set(title=title, xlabel="step", ylim=(0, 1.1 * float(values.max())))
    return axes


# ---- Fréchet distance -------------------------------------------------------------------------------------------


def piles(ax: Axes, first: tuple[float, float], second: tuple[float, float], grains: int = 9) -> Axes:
    """Two normal densities, and where equally likely grains of the first go on the second.  (mean, sd) of each"""
    x = torch.linspace(-4, 8, 400)
    for (mean, sd), color, name in ((first, "data", "data"), (second, "model", "samples")):
        ax.plot(x, torch.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * 2.5066), color=COLORS[color], label=name)
    z = torch.special.ndtri((torch.arange(grains) + 0.5) / grains)
    for i, value in enumerate(z):
        start, end = (float(mean + sd * value) for mean, sd in (first, second))
        y = -0.02 - 0.018 * i
        ax.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "->", "color": COLORS["guide"], "lw": 1})
        ax.plot(start, y, ".", color=COLORS["data"])
    ax.set(xlabel="x", ylabel="density", yticks=(0, 0.1, 0.2, 0.3, 0.4))
    ax.legend(loc="upper right")
    return ax


def biases(n: Sequence[int], ffd: Tensor, kid_values: Tensor) -> np.ndarray:
    """FFD and KID of n real pictures; dots are draws, a line their mean, dashed the truth.  (n, draws)  -> two Axes"""
    axes = plt.subplots(1, 2, figsize=(9, 3.1))[1]
    for ax, values, title in zip(
        axes, (ffd, kid_values), ("FFD of n real pictures", "KID of n real pictures"), strict=True
    ):
        ax.plot(n, values, ".", color=COLORS["estimate"], alpha=0.6)
        ax.plot(n, values.mean(1), color=COLORS["estimate"])
        ax.axhline(0, color=COLORS["truth"], linestyle="--", label="a perfect score: 0")
        ax.set(xscale="log", xlabel="n", title=title)
        ax.legend(loc="upper right")
    return axes


# ---- Balls ------------------------------------------------------------------------------------------------------


def balls(panels: Mapping[str, tuple[Tensor, Tensor]], k: int = 3) -> np.ndarray:
    """Data with the ball of each up to its k-th neighbour, and samples.  name -> data (n, 2), samples (m, 2)"""
    axes = np.atleast_1d(plt.subplots(1, len(panels), figsize=(4.1 * len(panels), 3.8))[1])
    for ax, (name, (real, samples)) in zip(axes, panels.items(), strict=True):
        reach = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
        for center, radius in zip(real.tolist(), reach.tolist(), strict=True):
            ax.add_patch(Circle(center, radius, facecolor=COLORS["data"], alpha=0.06, edgecolor=COLORS["data"], lw=0.5))
        ax.plot(*real.T, ".", color=COLORS["data"], label="data")
        ax.plot(*samples.T, "x", color=COLORS["model"], markersize=5, label="samples")
        ax.set(title=name, xlim=(-6, 8), ylim=(-6, 8), aspect="equal")
    axes[0].legend(loc="upper left")
    return axes


def ring(modes: int, n: int, sd: float, rng: torch.Generator, of: int = 8, radius: float = 2.0) -> Tensor:
    """n points on the first `modes` of `of` modes around a circle.  -> (n, 2), float64"""
    angle = 2 * torch.pi * torch.randint(modes, (n,), generator=rng) / of
    centers = radius * torch.stack([angle.cos(), angle.sin()], 1)
    return centers.double() + sd * torch.randn(n, 2, generator=rng, dtype=torch.float64)


SCORES = ("Fréchet", "KID", "precision", "recall", "density", "coverage")


def all_scores(samples: Tensor, real: Tensor) -> list[float]:
    """The six of `SCORES`, in that order."""
    precision, recall = precision_recall(samples, real)
    return [frechet(samples, real), kid(samples, real), precision, recall, *density_coverage(samples, real)]


def score_explorer(n: int = 300, sd: float = 0.15) -> Callable[[Axes, Axes], Callable[..., str]]:
    """For `explore`: samples of a faulty generator on the ring, and six scores beside those of a perfect one."""
    rng = torch.Generator().manual_seed(0)
    real, perfect = ring(8, n, sd, rng), ring(8, n, sd, rng)
    level = all_scores(perfect, real)

    def draw(left: Axes, right: Axes) -> Callable[..., str]:
        left.plot(*real.T, ".", color=COLORS["data"], markersize=3, label="data")
        (dots,) = left.plot([], [], "x", color=COLORS["model"], markersize=4, label="samples")
        left.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal")
        left.legend(loc="upper right")
        places = np.arange(len(SCORES))[::-1]
        bars = right.barh(places, [0] * len(SCORES), color=COLORS["model"], height=0.5)
        right.plot(
            level, places, "|", color=COLORS["truth"], markersize=18, markeredgewidth=2, label="a perfect generator"
        )
        right.set_yticks(places, SCORES)
        right.set(xlim=(0, 1.3), title="scores (upper two: 0 is best)")
        right.legend(loc="lower right", bbox_to_anchor=(1, 1))

        def update(modes_kept: int, spread: float, shift: float, junk: float) -> str:
            draws = torch.Generator().manual_seed(1)
            samples = ring(modes_kept, n, sd * spread, draws) + torch.tensor([shift, 0.0])
            wide = 6 * torch.rand(n, 2, generator=draws, dtype=torch.float64) - 3
            samples = torch.where((torch.arange(n) < junk * n)[:, None], wide, samples)
            found = all_scores(samples, real)
            dots.set_data(*samples.T)
            for bar, value in zip(bars, found, strict=True):
                bar.set_width(max(0.0, value))
            return "   ".join(f"{name} {value:.2f}" for name, value in zip(SCORES, found, strict=True))

        return update

    return draw


# ---- The exam ---------------------------------------------------------------------------------------------------


def exam(ax: Axes, rows: Sequence[str], columns: Sequence[str], values: np.ndarray, seen: np.ndarray) -> Axes:
    """What each score (column) says of each set (row); filled and with a tick where it sees that something is wrong."""
    ax.imshow(seen, cmap=SEEN, vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        tick = " ✓" if seen[i, j] else ""
        ax.text(j, i, f"{value:.2f}{tick}", ha="center", va="center", weight="bold" if seen[i, j] else "normal")
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.grid(False)
    for place in np.arange(len(rows) - 1) + 0.5:
        ax.axhline(place, color="#DDDDD8", linewidth=0.7)
    ax.spines[:].set_visible(False)
    return ax


# ---- The tournament ---------------------------------------------------------------------------------------------


def ranking(ax: Axes, ffd: Mapping[str, np.ndarray]) -> Axes:
    """FFD of each seed as dots, medians as bars, best on top.  name -> (seeds,)"""
    order = sorted(ffd, key=lambda name: float(np.median(ffd[name])), reverse=True)
    for y, name in enumerate(order):
        ax.plot(ffd[name], [y] * len(ffd[name]), "o", color=OBJECTIVES[name], alpha=0.7, markersize=5)
        ax.plot(np.median(ffd[name]), y, "|", color=COLORS["truth"], markersize=13, markeredgewidth=2)
    ax.set_yticks(range(len(order)), [objective_title(name) for name in order])
    ax.set(xscale="log", xlabel="FFD at the end (dots: seeds; bars: medians)")
    plain_numbers(ax.xaxis)
    return ax


def step_sizes(ax: Axes, lrs: Sequence[float], search: Mapping[str, np.ndarray], named: Sequence[str]) -> Axes:
    """The search: median FFD on held-out images for each step size, all objectives thin, some named.  name -> (lrs,)"""
    for name, values in search.items():
        bold = name in named
        style = (
            {"color": OBJECTIVES[name], "linewidth": 2.2, "zorder": 3} if bold else {"color": "#C4C4BE", "linewidth": 1}
        )
        ax.plot(
            lrs, values, marker="o", markersize=4 if bold else 2, label=objective_title(name) if bold else None, **style
        )
    ax.set(xscale="log", yscale="log", xlabel="step size", ylabel="FFD, held-out images")
    plain_numbers(ax.yaxis)
    ax.legend(fontsize=8)
    return ax


def spreads(ax: Axes, rows: Mapping[str, np.ndarray]) -> Axes:
    """How far apart the medians are when one thing is chosen differently: a row of dots for each thing."""
    for y, found in enumerate(reversed(rows.values())):
        values = np.sort(found)
        ax.plot([values[0], values[-1]], [y, y], color="#C4C4BE", linewidth=5, solid_capstyle="round", zorder=1)
        ax.plot(values, [y] * len(values), "o", color=COLORS["estimate"], markersize=5)
        ax.text(values[-1] * 1.05, y, f"× {values[-1] / values[0]:.1f}", va="center", fontsize=9)
    ax.set_yticks(range(len(rows)), list(reversed(rows)))
    ax.set(xscale="log", xlabel="FFD")
    plain_numbers(ax.xaxis)
    ax.margins(x=0.12)
    return ax


def two_orders(ax: Axes, ours: Mapping[str, float], theirs: Mapping[str, tuple[float, float]]) -> Axes:
    """Our median FFD against a published FID with its spread: only the order of the points can be compared."""
    for name, (value, spread) in theirs.items():
        ax.errorbar(ours[name], value, yerr=spread, fmt="o", color=OBJECTIVES[name], capsize=3)
        ax.annotate(objective_title(name), (ours[name], value), (6, 4), textcoords="offset points", fontsize=9)
    ax.set(xlabel="our FFD, median of five seeds", ylabel="FID of Lucic et al., ± sd")
    ax.margins(0.25, 0.15)
    return ax


# ---- The ledger -------------------------------------------------------------------------------------------------

Facts = list[tuple[str, float | tuple[float, float], float]]  # claim, expected, found


def facts(
    *, times_as_far, lost, ffds, says, quality, losses, gan, below, kid_impostor, kid_floor, times_n,
    precision, density, sound, seen, row
) -> Facts:  # fmt: skip
    """What the text says of the stored run, besides the handful that the reader is shown."""
    few, blurred = row["100 pictures, ten times each"], row["blurred"][0]
    return [
        ("times as far from 0 the copier's log-likelihood", (100, 1e4), times_as_far),
        ("Gaussians - mostly noise, mean log-likelihood", (-100, 0), lost.mean()),
        ("FFD of mostly noise, times that of the Gaussians", (5, 100), ffds["mostly noise"] / ffds["Gaussians"]),
        ("FFD of the copier", (0, 1), ffds["copier"]),
        ("Parzen, largest gain by three times as many samples", (0, 100), says.diff(dim=1).max()),
        ("FFD at the last look / first, largest", (0, 2 / 3), (quality[:, -1] / quality[:, 0]).max()),
        ("largest / smallest loss of a player in a game", (1, 1.25), (losses.amax(1) / losses.amin(1)).max()),
        ("FFD of the GAN / of the Gaussians", (1.05, 10), gan / ffds["Gaussians"]),
        ("impostors with an impossible feature", (0.9, 1), below),
        ("KID of the impostor / largest of real pictures", (2, 1e3), kid_impostor / max(kid_floor)),
        ("n times FFD, largest / smallest", (1, 2), times_n.max() / times_n.min()),
        ("FFD at the smallest n / at the largest", (10, 1e3), times_n[0] / times_n[-1] * 50),
        ("precision with an outlier, lowest", (0.9, 1), min(precision[5:])),
        ("density with an outlier, highest", (0.4, 0.75), max(density[5:])),
        ("100 copies: ticks in the first seven columns", 0, seen[0, :7].sum()),
        ("100 copies: share found", 0.1, row["100 copies"][7]),
        ("copies moved by a pixel: ticks", 0, seen[1].sum()),
        ("few pictures: recall", (0, 0.01), few[3]),
        ("few pictures: coverage", (0.2, 0.6), few[5]),
        ("few pictures: FFD rises by, of blur's FFD", (0, 0.1), (few[0] - sound[:, 0].mean()) / blurred),
        ("no sandals: ticks for precision and density", 0, seen[3, [2, 4]].sum()),
        ("no sandals: ticks for FFD, KID, recall, coverage", 4, seen[3, [0, 1, 3, 5]].sum()),
        ("mirrored: FFD, of blur's FFD", (0, 0.07), row["mirrored"][0] / blurred),
        ("mirrored: ticks for precision and density", 2, seen[6, [2, 4]].sum()),
    ]


def tournament_facts(ffd_of, search, shares, rows) -> Facts:
    """What the text says of the recorded tournament."""
    median = {name: float(np.median(values)) for name, values in ffd_of.items()}
    order = sorted(median, key=median.get)
    ten, first = order[:10], ffd_of[order[0]]
    tied = [name for name in order[1:] if first.max() >= ffd_of[name].min()]
    moved = {name: values.max() / values.min() for name, values in rows.items()}
    seeds = ffd_of["non_saturating"]
    return [
        ("objectives", 20, len(order)),
        ("tenth median / first", (1, 1.1), median[order[9]] / median[order[0]]),
        ("minimax, non-saturating, reverse KL among ten", 3, len({"minimax", "non_saturating", "reverse_kl"} & {*ten})),
        ("squared Hellinger in the search", (35, 37), float(search["squared_hellinger"].min())),
        ("squared Hellinger after it", (100, 200), median["squared_hellinger"]),
        ("WGAN-LP in the search", (31.5, 32.5), float(search["wgan_lp"].min())),
        ("WGAN-LP, lost seeds (FFD above 80)", 2, int((ffd_of["wgan_lp"] > 80).sum())),
        ("not told apart from the first", 12, len(tied)),
        ("shares of variance, smallest", (0.28, 0.4), min(shares.values())),
        ("shares of variance, largest", (0.28, 0.4), max(shares.values())),
        ("the loss, all 20, factor", (3.5, 4.5), moved["the loss, all 20"]),
        (
            "the loss, first ten, factor / seeds of one loss",
            (0.8, 1),
            moved["the loss, the first ten"] / (seeds.max() / seeds.min()),
        ),
        ("KL / gentle KL", (1.4, 1.7), moved["two activations, KL"]),
        ("squared Hellinger / gentle", (3, 4), moved["two activations, squared Hellinger"]),
        ("momentum 0.5, factor", (1.7, 1.9), moved["moves of D, momentum, non-saturating"]),
        ("step size, factor", (2, 3), moved["step size, non-saturating"]),
        ("place of WGAN-GP", 16, order.index("wgan_gp") + 1),
        (
            "WGAN-GP with three moves / the first",
            (0.8, 0.98),
            rows["moves of D, momentum, WGAN-GP"].min() / median[order[0]],
        ),
    ]
