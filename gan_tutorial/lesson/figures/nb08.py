"""The drawings of notebook 08: critics as maps, slopes, where a penalty looks, and how held critics fare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
from torch import Tensor

from gan_tutorial.lesson.figures import COLORS, OBJECTIVES, PAPER, image_grid
from gan_tutorial.truth.critics import best_slope, score_difference, toll
from gan_tutorial.truth.densities import Normal
from gan_tutorial.truth.divergences import w1

Score = Callable[[Tensor], Tensor]  # (n, 2) -> (n,)

GREENS = LinearSegmentedColormap.from_list("score of D", [PAPER, COLORS["D"]])
HELD: Mapping[str, dict[str, Any]] = {  # how a critic is held, here and there: the colour of its objective
    "clip": {"color": OBJECTIVES["wgan"], "linestyle": "-."},
    "clipped, c = 0.01": {"color": OBJECTIVES["wgan"], "linestyle": ":"},
    "clipped, c = 0.1": {"color": OBJECTIVES["wgan"], "linestyle": "--"},
    "gradient penalty": {"color": OBJECTIVES["wgan_gp"], "linestyle": "-"},
    "two-sided": {"color": OBJECTIVES["wgan_gp"], "linestyle": "-"},
    "two-sided, 5 moves of D": {"color": OBJECTIVES["wgan_gp"], "linestyle": ":"},
    "one-sided": {"color": OBJECTIVES["wgan_lp"], "linestyle": "--"},
    "R1": {"color": OBJECTIVES["r1"], "linestyle": "-"},
    "no penalty": {"color": OBJECTIVES["non_saturating"], "linestyle": "-"},
}


def count_summits(score: Score, places: Tensor, radius: float = 0.5) -> int:
    """How many of the places score higher than all of 16 points on a circle around them.  (k, 2) -> int"""
    angle = torch.linspace(0, 2 * torch.pi, 17)[:-1]
    around = places[:, None] + radius * torch.stack([angle.cos(), angle.sin()], 1)  # (k, 16, 2)
    return int((score(places) > score(around.flatten(0, 1)).view(-1, 16).max(1).values).sum())


def score_maps(scores: Mapping[str, Score], data: Tensor, axes: Sequence[Axes] | None = None) -> None:
    """Critics side by side as maps: darker green scores higher, a line joins equal scores, data as blue dots.

    scores {title: f}, data (n, 2).  Of the upper third of the plane each level takes an equal share, so that summits
    show on a high plateau; below, the levels are equally far apart.
    """
    if axes is None:
        size = (3.2 * len(scores), 3.4)
        axes = plt.subplots(1, len(scores), figsize=size, sharey=True)[1]
    axis = torch.linspace(-2.2, 2.2, 161)
    plane = torch.cartesian_prod(axis, axis)
    for ax, (title, f) in zip(axes, scores.items(), strict=True):
        score = f(plane).detach().double()
        low, knee = score.quantile(0.1), score.quantile(0.65)
        upper = score.quantile(torch.linspace(0.65, 1, 11, dtype=torch.float64))
        levels = torch.cat([low + (knee - low) * torch.arange(7) / 7, upper]).unique()
        score = score.view(161, 161).T
        norm = BoundaryNorm(levels.numpy(), GREENS.N)
        ax.contourf(axis, axis, score, levels, cmap=GREENS, norm=norm, extend="min")
        line = {"colors": COLORS["truth"], "linestyles": "solid", "linewidths": 0.5}
        ax.contour(axis, axis, score, levels[1::2], **line)
        ax.plot(*data.T, ".", color=COLORS["data"], markersize=3, alpha=0.8)
        ax.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xticks=(-2, 0, 2), yticks=(-2, 0, 2))
        ax.set(title=title, aspect="equal")
        ax.grid(False)


def cut_along_row(ax: Axes, scores: Mapping[str, Score], height: float, modes: Tensor) -> None:
    """Scores along a horizontal line through the plane, each from 0 to 1; dotted lines where the modes are.

    scores {label: f}, modes (k,): their x_1 on that line.
    """
    x = torch.linspace(-2.2, 2.2, 441)
    row = torch.stack([x, torch.full_like(x, height)], 1)
    styles = (
        {"color": COLORS["truth"], "linewidth": 1.2},
        {"color": OBJECTIVES["wgan"], "linestyle": "--"},
        {"color": OBJECTIVES["wgan_gp"]},
    )
    for mode in modes.tolist():
        ax.axvline(mode, color=COLORS["data"], linestyle=":", linewidth=1)
    for (label, f), style in zip(scores.items(), styles, strict=True):
        score = f(row).detach()
        ax.plot(x, (score - score.min()) / (score.max() - score.min()), label=label, **style)
    ax.set(xlim=(-2.2, 2.2), xlabel="$x_1$", ylim=(0, 1.35), yticks=(0, 1))
    ax.legend(loc="upper left", fontsize=8, ncols=3)


def weights_in_box(weights: Tensor, c: float) -> None:
    """Shares of the weights of clipped critics over the box [-c, c], and how they began.  weights (K, n)"""
    fig, ax = plt.subplots(figsize=(6.4, 3))
    bins = torch.linspace(-c, c, 21)
    shares = torch.stack([torch.histogram(w, bins).hist / len(w) for w in weights.cpu()])
    left, width = bins[:-1] / c, 0.1
    for share in shares:
        ax.bar(left, share, width, align="edge", color=COLORS["D"], alpha=0.35, linewidth=0)
    ax.axhline(1 / 20, color=COLORS["truth"], linestyle="--", linewidth=1.2, label="at the start")
    ax.bar([0], [0], color=COLORS["D"], alpha=0.7, label="after training, three seeds")
    ax.set(xlabel="weight between hidden layers, in units of c", ylabel="share of the weights")
    ax.legend(loc="upper center")


def plan_and_slopes(score: Score, x: Tensor, y: Tensor, coupled: Tensor, random: Tensor) -> None:
    """A map of a critic with data x joined to their samples y, and histograms of its slopes along the lines.

    x, y (n, 2): row i of both are a pair; coupled, random: slopes of pieces of the lines, for paired and for any pairs.
    """
    fig, axes = plt.subplot_mosaic("ab;ac", figsize=(9.6, 3.9))
    gx, gy = torch.linspace(-2.3, 3, 121), torch.linspace(-2.2, 2.5, 121)
    height = score(torch.cartesian_prod(gx, gy).double()).view(121, 121).T
    ax = axes["a"]
    ax.contourf(gx, gy, height, 14, cmap=GREENS, alpha=0.75)
    for a, b in zip(x, y, strict=True):
        ax.plot(*torch.stack([a, b]).T, color=COLORS["truth"], linewidth=0.9)
    ax.plot(*x.T, "o", color=COLORS["data"], markersize=5, label="data")
    ax.plot(*y.T, "X", color=COLORS["model"], markersize=5, label="samples")
    ax.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", xlim=(-2.3, 3), ylim=(-2.2, 2.5))
    ax.set_title("the best critic, and the cheapest plan")
    ax.legend(loc="upper left", fontsize=8)
    bins = torch.arange(-1.05, 1.15, 0.1)  # so that 1 is the middle of a bar
    for ax, slopes, name, color in (
        (axes["b"], coupled, "pairs of the plan", COLORS["D"]),
        (axes["c"], random, "random pairs", COLORS["guide"]),
    ):
        share = np.full(slopes.numel(), 1 / slopes.numel())
        ax.hist(slopes.flatten(), bins, weights=share, color=color, rwidth=0.9)
        ax.set(xlim=(-1.15, 1.15), ylabel="share of pieces", title=name)
    axes["b"].set(ylim=(0, 1.05), xticklabels=())
    axes["c"].set_xlabel("how steeply the score falls from datum to sample")


def where_it_looks(x: Tensor, fake: Tensor, places: Mapping[str, Tensor]) -> None:
    """Points at which a penalty is taken, for several ways to draw t.  x, fake (n, 2); places {name: (draws, n, 2)}"""
    fig, axes = plt.subplots(1, len(places), figsize=(2.6 * len(places), 3.3), sharey=True)
    for ax, (name, u) in zip(axes, places.items(), strict=True):
        for a, b in zip(x, fake, strict=True):
            ax.plot(*torch.stack([a, b]).T, color=COLORS["guide"], linewidth=0.6)
        ax.plot(*u.flatten(0, 1).T, ".", color=COLORS["D"], markersize=4 if len(u) < 10 else 2)
        ax.plot(*x.T, "o", color=COLORS["data"], markersize=5)
        ax.plot(*fake.T, "X", color=COLORS["model"], markersize=5)
        ax.set(title=name, xlabel=f"{len(u)} draws of t", aspect="equal")


def off_line(x: Tensor, fake: Tensor, u: Tensor) -> float:
    """Mean distance of points from the lines through their pairs.  x, fake (n, 2), u (draws, n, 2)"""
    way = fake - x
    normal = torch.stack([-way[:, 1], way[:, 0]], 1) / way.norm(dim=1, keepdim=True)
    return float(((u - x) * normal).sum(-1).abs().mean())


def gradient_by_depth(sizes: Mapping[str, Tensor], boxes: Mapping[str, float], width: int) -> None:
    """How long the gradient is at each layer, relative to the last, with what theory says of clipped critics.

    sizes {name: (layers, seeds)}; boxes {name: c} for those that are clipped.
    """
    fig, ax = plt.subplots(figsize=(8, 3.8))
    layers = len(next(iter(sizes.values())))
    layer = torch.arange(1, layers + 1)
    for (name, size), style in zip(sizes.items(), ("-", "--", "-.", "-"), strict=True):
        color = OBJECTIVES["wgan" if name in boxes else "wgan_gp"]
        relative = size.where(size > 0, torch.nan) / size[-1]
        ax.semilogy(layer, relative, color=color, linestyle=style, linewidth=1.4)
        ax.plot([], [], color=color, linestyle=style, label=name)
        if name in boxes:
            c = boxes[name]
            ends = [factor ** (layers - layer.double()) for factor in (c * (width / 2) ** 0.5, c * width / 2)]
            ax.fill_between(layer, *ends, color=color, alpha=0.15, linewidth=0)
    ax.fill_between([], [], [], color=COLORS["guide"], alpha=0.3, label="theory: signs mixed to signs agree")
    ax.set(xlabel="hidden layer (1 is next to the input)", ylim=(1e-25, 1e14), xticks=layer)
    ax.set_ylabel("gradient, relative to the last")
    ax.legend(loc="lower right", fontsize=8)


def learned_slopes(x: Tensor, learned: Tensor, formula: Tensor) -> None:
    """Slopes that networks learned beside the exact ones.  x, formula (n,); learned (n, seeds)"""
    fig, ax = plt.subplots(figsize=(6.4, 3.4))
    ax.plot(x, learned, color=COLORS["D"], linewidth=1.1, alpha=0.8)
    ax.plot([], [], color=COLORS["D"], label="learned, three seeds")
    ax.plot(x, formula, "--", color=COLORS["truth"], label="formula")
    ax.axhline(1, color=COLORS["guide"], linewidth=1, linestyle=":", label="slope one")
    ax.set(xlabel="x", ylabel="slope of the critic", ylim=(0.8, 3.2))
    ax.legend(fontsize=8, loc="upper center")


def one_slope_objectives(w: Tensor, J: Mapping[str, Tensor], best: Sequence[float]) -> None:
    """The objective over a critic's single slope w, for two penalties; dots on the two-sided one's best slopes.

    J {"two-sided": (n,), "one-sided": (n,)}
    """
    fig, ax = plt.subplots(figsize=(6.4, 3.4))
    for name, values in J.items():
        ax.plot(w, values, label=f"{name} penalty", **HELD[name])
    ax.plot(best, np.interp(best, w, J["two-sided"]), "o", color=COLORS["truth"], markersize=5)
    ax.set(xlabel="slope w of the critic", ylabel="objective J(w)", ylim=(-4.5, 2))
    ax.legend(fontsize=8, loc="lower center")


def bias_explorer(left: Axes, right: Axes) -> Callable[..., str]:
    """The objective over a single slope, and the slope of the best critic between two Gaussians.  -> how to redraw

    For the explorer: weight of the penalty, shift and width of the samples N(shift, width^2); data are N(0, 1).
    """
    by_slope, over_x = _objectives_on(left), _slopes_on(right)

    def update(weight: float, shift: float, width: float) -> str:
        p, q = Normal(0.0, 1.0), Normal(shift, width)
        by_slope(weight, shift)
        over_x(p, q, weight)
        W, S, T = float(w1(p, q)), float(score_difference(p, q, weight)), float(toll(p, q, weight))
        return (
            f"W1 is {W:.3f}; the score difference S is {S:.3f}, {S / W - 1:.1%} too much; "
            f"the penalty T is {T:.3f}; S - 2T is {S - 2 * T:.3f}"
        )

    return update


_BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "fontsize": 8}


def _objectives_on(ax: Axes) -> Callable[[float, float], None]:
    penalties = {
        "two-sided": lambda w: (w.abs() - 1).square(),
        "one-sided": lambda w: (w.abs() - 1).relu().square(),
        "R1": lambda w: w.square() / 2,
    }
    slopes = torch.linspace(-3, 7, 401, dtype=torch.float64)
    curves, tops = [], []
    for name in penalties:
        wide = {"linewidth": 3} if name == "two-sided" else {}
        curves += ax.plot(slopes, 0 * slopes, label=name, **HELD[name] | wide)
        tops += ax.plot([], [], "o", color=HELD[name]["color"])
    ax.set(xlabel="slope w", ylabel="objective J(w)", title="a critic with one slope")
    ax.set(xlim=(-3, 7), ylim=(-8, 10))
    ax.legend(ncols=3, **_BELOW)

    def redraw(weight: float, shift: float) -> None:
        for curve, top, penalty in zip(curves, tops, penalties.values(), strict=True):
            J = slopes * shift - weight * penalty(slopes)
            curve.set_ydata(J)
            top.set_data([float(slopes[J.argmax()])], [float(J.max())])

    return redraw


def _slopes_on(ax: Axes) -> Callable[[Normal, Normal, float], None]:
    x = torch.linspace(-3.5, 6, 191, dtype=torch.float64)
    densities = []
    for role, name, style in (("data", "data", "-"), ("model", "samples", "--")):
        label = f"density of {name} × 2"
        densities += ax.plot(x, 0 * x, style, color=COLORS[role], label=label)
    (steep,) = ax.plot(x, 0 * x, color=COLORS["D"], lw=2.2, label="size of the slope")
    (turn,) = ax.plot([], [], "D", color=COLORS["truth"], label="the critic turns round")
    ax.axhline(1, color=COLORS["guide"], linestyle=":", linewidth=1)
    ax.set(xlabel="x", ylabel="size of the slope; density", xlim=(-3.5, 6), ylim=(0, 9))
    ax.set_title("a critic that may bend")
    ax.legend(ncols=2, **_BELOW)

    def redraw(p: Normal, q: Normal, weight: float) -> None:
        for curve, density in zip(densities, (p, q), strict=True):
            curve.set_ydata(2 * density.log_prob(x).exp())
        traffic = (p.cdf(x) - q.cdf(x)).abs()
        slope = best_slope(p, q, weight)(x).abs().clamp(min=1)
        there = abs(q.mean) < 3 * abs(1 - q.sd)  # F = G, and where it can be seen
        at = q.mean / (1 - q.sd) if there else torch.inf
        busy = (traffic > 1e-3) | ((x - at).abs() < 0.2)
        steep.set_ydata(slope.where(busy, torch.nan))
        turn.set_data(([at], [1]) if there else ([], []))

    return redraw


def games_on_ring(looks: Mapping[str, tuple[Sequence[int], Tensor]], samples: Mapping[str, Tensor], floor: float,
                  modes: Tensor) -> None:  # fmt: skip
    """W1 over the moves of G for each way to hold D, and what one G of each draws, over the modes of the data.

    looks {name: (moves, (looks, seeds))}, samples {name: (n, 2)}, modes (k, 2)
    """
    fig, axes = plt.subplots(1, 4, figsize=(11, 3), width_ratios=(1.35, 1, 1, 1))
    for name, (moves, found) in looks.items():
        axes[0].plot(moves, found, **HELD[name] | {"linewidth": 1.3})
        axes[0].plot([], [], label=name, **HELD[name])
    axes[0].axhline(floor, color=COLORS["truth"], linestyle=":", linewidth=1.2)
    axes[0].text(moves[0], floor - 0.02, "floor", va="top", size=8)
    axes[0].set(xlabel="moves of G", ylabel="exact $W_1$ to data", ylim=(0, 1.5))
    axes[0].legend(fontsize=7.5)
    for ax, (name, points) in zip(axes[1:], samples.items(), strict=True):
        ax.plot(*points.T, ".", color=COLORS["model"], markersize=3, alpha=0.6)
        ax.plot(*modes.T, "o", color=COLORS["data"], markersize=5)
        ax.set(aspect="equal", title=name)
        ax.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xticks=(), yticks=())


def orbits_of_two(orbits: Mapping[str, Tensor]) -> None:
    """Paths of a game of two numbers (theta, psi), one panel a game.  orbits {title: (starts, steps, 2)}"""
    fig, axes = plt.subplots(1, len(orbits), figsize=(2.65 * len(orbits), 3), sharex=True, sharey=True)
    for ax, (name, paths) in zip(axes, orbits.items(), strict=True):
        for path, color in zip(paths, ("second", "guide", "estimate"), strict=True):
            ax.plot(*path.T, color=COLORS[color], linewidth=1)
            ax.plot(*path[0], "o", color=COLORS[color], markersize=5)
            ax.plot(*path[-1], "s", color=COLORS[color], markersize=5, markerfacecolor="none")
        ax.plot(0, 0, "+", color=COLORS["truth"], markersize=10)
        ax.set(title=name, xlabel="$\\theta$ (samples)", aspect="equal")
    axes[0].set_ylabel("$\\psi$ (slope of D)")


def difference_and_penalty(steps: Tensor, S: Tensor, T: Tensor, window: int) -> None:
    """A critic's score difference S and penalty T over the steps, as means of `window` looks each.  all (n,)"""
    fig, ax = plt.subplots(figsize=(8, 3.2))
    ax.plot(steps, S, color=COLORS["D"], label="$S$, score difference")
    ax.plot(steps, T, color=COLORS["estimate"], linestyle="--", label="$T$, penalty")
    ax.axhline(0, color=COLORS["truth"], linewidth=1, linestyle=":")
    ax.set(xlabel="step", ylabel=f"mean of {window} steps", ylim=(-0.5, 3))
    ax.legend()


def ffd_by_hold(ffd: Mapping[str, tuple[Any, Any]], xlabel: str) -> None:
    """FFD of recorded trainings, mean and range of the seeds.  ffd {name: (x (looks,), values (seeds, looks))}"""
    fig, ax = plt.subplots(figsize=(8, 3.6))
    for name, (x, values) in ffd.items():
        ax.plot(x, values.mean(0), label=name, marker="o", markersize=3, **HELD[name])
        band = {"color": HELD[name]["color"], "alpha": 0.12, "linewidth": 0}
        ax.fill_between(x, values.min(0), values.max(0), **band)
    ax.set(xlabel=xlabel, yscale="log")
    ax.set_ylabel("FFD (mean and range of seeds)")
    ax.set_yticks((10, 15, 20, 30), ("10", "15", "20", "30"))
    ax.minorticks_off()
    ax.legend(fontsize=8, ncols=2)


def samples_by_hold(samples: Mapping[str, Any]) -> None:
    """Thirty images of each, side by side.  samples {name: (n, 28, 28)}"""
    fig, axes = plt.subplots(1, len(samples), figsize=(2.08 * len(samples), 2.7))
    for ax, (name, images) in zip(axes, samples.items(), strict=True):
        image_grid(images[:30], ax, columns=5, title=name)


def influence_tables(tables: Mapping[str, Tensor]) -> None:
    """Who feels whom in a batch, darker is more, one panel a table.  tables {title: (n, n)}"""
    fig, axes = plt.subplots(1, len(tables), figsize=(2.4 * len(tables), 2.8))
    for ax, (name, J) in zip(axes, tables.items(), strict=True):
        ax.imshow(J / J.max(), cmap=GREENS, vmin=0, vmax=0.5)
        ax.set(title=name, xticks=(), yticks=(), xlabel="example that moves")
        ax.grid(False)
    axes[0].set_ylabel("score that changes")
