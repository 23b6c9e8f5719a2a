"""Figures of notebook 09: perfect scores, a collapse, answers to a table, what each way finds, a gallery of failures.

Arrays in, Axes out.  A "way" is a name such as "packs of 2"; what it found has one row for each seed: modes hit, share
of samples in a mode, KL of the shares of the modes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from gan_tutorial.lesson.figures import COLORS, film_strip, image_grid

MARKS = ("o", "s", "D", "^", "v", "<", ">", "P")  # of the seeds


def floors(sizes: Sequence[int], measured: Mapping[int, Any]) -> Axes:
    """Mean KL of perfect samples over their number, and (K - 1) / 2n.  measured {K: (sizes,)}"""
    ax = plt.subplots(figsize=(6.4, 3.4))[1]
    n = np.geomspace(min(sizes), max(sizes), 50)
    for (K, values), color in zip(measured.items(), ("data", "estimate", "D"), strict=True):
        ax.plot(n, (K - 1) / (2 * n), color=COLORS["truth"], linewidth=1, linestyle=":")
        ax.plot(sizes, values, MARKS[len(ax.lines) // 2], color=COLORS[color], label=f"{K} modes")
    ax.set(xscale="log", yscale="log", xlabel="number of samples n", ylabel="KL of a perfect generator")
    ax.legend(title="dotted: (K − 1) / 2n")
    return ax


def scores_explorer(centers: Tensor, sd: float, measure: Callable) -> Callable[[Axes, Axes], Callable[..., str]]:
    """A generator made by hand: its width, its modes and its smear; its samples, and how full each mode is."""
    generator = torch.Generator().manual_seed(0)
    noise, off = torch.randn(2500, 2, generator=generator), torch.rand(2500, 2, generator=generator)
    pick, chance = torch.rand(2500, generator=generator), torch.rand(2500, generator=generator)

    def draw(left: Axes, right: Axes) -> Callable[..., str]:
        left.plot(*centers.T, "o", color=COLORS["data"], markersize=9, alpha=0.35)
        (dots,) = left.plot([], [], ".", color=COLORS["model"], markersize=3)
        left.set(aspect="equal", xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), title="your generator")
        bars = right.bar(range(1, 9), [0] * 8, color=COLORS["model"])
        right.axhline(1 / 8, color=COLORS["truth"], linestyle=":", linewidth=1.2)
        right.set(ylim=(0, 1), xlabel="mode", title="of the samples in a mode: share of each mode")

        def update(width: float, modes: int, smear: float) -> str:
            centre = centers[(pick * modes).long()]
            angle = 2 * math.pi * off[:, 0]
            circle = torch.stack([angle.cos(), angle.sin()], 1) * (0.9 + 0.2 * off[:, 1:])
            x = torch.where(chance[:, None] < smear, circle, centre + width * sd * noise)
            counts, (hit, good, kl) = measure(x)
            dots.set_data(*x[:600].T)
            for bar, count in zip(bars, counts, strict=True):
                bar.set_height(float(count) / max(1.0, float(counts.sum())))
            return f"modes hit {hit} of 8, in a mode {good:.1%}, KL {kl:.4f}"

        return update

    return draw


def points(ax: Axes, x: Tensor, centers: Tensor, reach: float, size: float = 3) -> Axes:
    """Samples (n, 2) over the modes of the data."""
    ax.plot(*centers.T, "o", color=COLORS["data"], markersize=7, alpha=0.35)
    ax.plot(*np.asarray(x, dtype=float).T, ".", color=COLORS["model"], markersize=size)
    ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), xticks=(), yticks=())
    return ax


def moments(frames: Sequence[tuple[int, Tensor]], centers: Tensor, reach: float) -> np.ndarray:
    """Samples of one generator at some steps.  frames: (step, (n, 2))"""
    titles = [f"step {n:,}" for n, _ in frames]
    return film_strip(
        [x for _, x in frames], titles, draw=lambda ax, x: points(ax, x, centers, reach, 2), columns=len(frames)
    )


def wandering(steps: Sequence[int], hit: Any, middles: Any) -> np.ndarray:
    """Modes hit over the steps, and near which mode the middle of the samples is.  (looks, K), (looks, K, 2)"""
    left, right = axes = plt.subplots(1, 2, figsize=(8.4, 2.7))[1]
    hit, middles = np.asarray(hit, dtype=float), np.asarray(middles)
    few = slice(None, None, max(1, len(steps) // 25))
    left.plot(steps[few], (hit + np.linspace(-0.18, 0.18, hit.shape[1]))[few], color=COLORS["model"], linewidth=1)
    left.axhline(8, color=COLORS["truth"], linestyle=":", linewidth=1.2)
    left.set(xlabel="step", ylabel="modes hit", ylim=(-0.4, 8.5), title="eight seeds (shifted a little)")
    turn = np.arctan2(middles[..., 1], middles[..., 0]) / (2 * math.pi) * 8 % 8
    last = slice(-max(2, len(steps) // 3), None)
    for k, role in zip(range(min(3, turn.shape[1])), ("model", "D", "G"), strict=False):
        right.plot(steps[last], turn[last, k], MARKS[k] + "-", color=COLORS[role], linewidth=0.4, markersize=4)
        right.plot([], [], MARKS[k], color=COLORS[role], label=f"seed {k}")
    right.set(
        xlabel="step",
        ylabel="nearest mode (8 = 0)",
        ylim=(-0.2, 9.6),
        title="where the samples are, at the end",
    )
    right.legend(fontsize=8, loc="upper right", ncols=3)
    return axes


def last_words(p: Sequence[float], G_last: Any, D_last: Any, shown: int = 30, until: int = 120) -> np.ndarray:
    """Shares of four places over the turns: where G answers last, their running mean, where D answers last.  (n, 4)"""
    axes = plt.subplots(1, 3, figsize=(9.4, 2.7))[1]
    G_last, D_last = np.asarray(G_last), np.asarray(D_last)
    running = np.cumsum(G_last, 0) / np.arange(1, len(G_last) + 1)[:, None]
    places = np.argmax(G_last[:shown], 1)
    axes[0].plot(places, color=COLORS["guide"], linewidth=0.6)
    for k, role in enumerate(("data", "model", "D", "G")):
        axes[0].plot(np.flatnonzero(places == k), places[places == k], MARKS[k], color=COLORS[role], markersize=4)
        axes[1].plot(running[:until, k], color=COLORS[role], label=f"place {k}")
        axes[2].plot(D_last[:until, k], color=COLORS[role])
        for ax in axes[1:]:
            ax.axhline(p[k], color=COLORS[role], linestyle=":", linewidth=1)
            ax.set(xlabel="turn", ylim=(-0.02, 1.02))
    axes[0].set(title="G answers last: all on one place", xlabel="turn", ylabel="the place", yticks=range(len(p)))
    axes[1].set(title="the same, mean of all turns so far", ylabel="share of the samples")
    axes[2].set(title="D answers last", ylabel="share of the samples")
    axes[1].legend(fontsize=8)
    return axes


def found(ways: Mapping[str, Any], modes: int, floor: float, perfect: float | None = None) -> np.ndarray:
    """What each way found, a dot for each seed, a bar at the median: modes hit, share in a mode, KL.  {way: (seeds, 3)}

    Dotted: what a perfect generator gets.  Without `perfect` the share is left out.
    """
    columns = [0, 2] if perfect is None else [0, 1, 2]
    titles = ("modes hit", "share of samples in a mode", "KL of the shares of the modes")
    best = (modes, perfect, floor)
    fig, axes = plt.subplots(1, len(columns), figsize=(3.3 * len(columns) + 0.8, 0.9 + 0.31 * len(ways)), sharey=True)
    for ax, c in zip(axes, columns, strict=True):
        for row, values in enumerate(ways.values()):
            values = np.asarray(values, dtype=float)[:, c]
            values = values[np.isfinite(values)]
            lift = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(len(values))
            ax.plot(values, row + lift, "o", color=COLORS["model"], markersize=4, alpha=0.7)
            if len(values):
                ax.plot([np.median(values)] * 2, [row - 0.33, row + 0.33], color=COLORS["estimate"], linewidth=2)
        ax.axvline(best[c], color=COLORS["truth"], linestyle=":", linewidth=1.2)
        ax.set(title=titles[c], ylim=(len(ways) - 0.5, -0.5))
    axes[0].set_yticks(range(len(ways)), [*ways])
    axes[0].set_xlim(-0.04 * modes, 1.06 * modes)
    axes[-1].set_xlim(left=-0.02)
    return axes


def gallery_of_points(samples: Mapping[str, Any], centers: Tensor, reach: float) -> np.ndarray:
    """What one generator of each way draws.  {way: (n, 2)}"""
    axes = plt.subplots(1, len(samples), figsize=(2.05 * len(samples), 2.35))[1]
    for ax, (name, x) in zip(axes, samples.items(), strict=True):
        points(ax, x, centers, reach, 2).set_title(name, size=9)
    return axes


def packed(ms: Sequence[int], tv: Mapping[str, Any]) -> Axes:
    """Total variation of packs over their size.  tv {name: (ms,)}"""
    ax = plt.subplots(figsize=(6.4, 3.2))[1]
    for (name, values), color in zip(tv.items(), ("model", "D"), strict=True):
        ax.plot(ms, values, "o-", color=COLORS[color], label=name)
    ax.set(xlabel="examples in a pack", ylabel="total variation", ylim=(0, None), xticks=list(ms))
    ax.legend()
    return ax


def pairs(shown: Mapping[str, Any], count: int = 6) -> np.ndarray:
    """Pairs of clothes, the two channels above each other.  {name: uint8 (n, 2, 28, 28)}"""
    axes = plt.subplots(len(shown), 1, figsize=(4.8, 1.75 * len(shown)), squeeze=False)[1][:, 0]
    for ax, (name, x) in zip(axes, shown.items(), strict=True):
        x = torch.as_tensor(x)[:count]
        image_grid(torch.cat([x[:, 0], x[:, 1]]), ax, columns=count, title=name)
    return axes


def rows_of_clothes(rows: Mapping[str, Tensor], columns: int = 10) -> np.ndarray:
    """A titled row of pictures for each entry.  {title: (n, 28, 28) or (n, 1, 28, 28)}"""
    height = {name: math.ceil(len(x) / columns) for name, x in rows.items()}
    fig, axes = plt.subplots(
        len(rows), 1, figsize=(0.6 * columns, sum(0.6 * h + 0.3 for h in height.values())), squeeze=False,
        gridspec_kw={"height_ratios": [0.6 * h + 0.1 for h in height.values()]},
    )  # fmt: skip
    for ax, (name, x) in zip(axes[:, 0], rows.items(), strict=True):
        image_grid(x, ax, columns=columns, title=name)
    return axes[:, 0]
