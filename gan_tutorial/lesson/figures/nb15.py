"""Figures of notebook 15: answers to a question, rows of clothes, exact best answers, errors from few labels, codes.

Arrays in, Axes out.  In the small world a question c = 0..3 has two answers, the modes c and c + 4 of a ring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from gan_tutorial.lesson.figures import COLORS, image_grid

QUESTIONS = ("o", "s", "^", "D")  # marks of the four questions


def answers(panels: Mapping[str, tuple[Any, Any]], centers: Tensor, shown: int = 300) -> np.ndarray:
    """Points by question over the modes of a ring.  panels {title: (points (n, 2), questions (n,))}"""
    axes = plt.subplots(1, len(panels), figsize=(2.9 * len(panels), 3.0), squeeze=False)[1][0]
    for ax, (title, (x, c)) in zip(axes, panels.items(), strict=True):
        x, c = np.asarray(x, dtype=float)[:shown], np.asarray(c)[:shown]
        for k, mark in enumerate(QUESTIONS):
            ax.plot(*centers[[k, k + 4]].T, mark, color=COLORS["data"], markersize=13, alpha=0.3)
            ax.plot(*x[c == k].T, mark, color=COLORS["model"], markersize=3.5, linestyle="none")
        ax.set(aspect="equal", xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), xticks=(), yticks=(), title=title)
    return axes


def over_steps(
    found: Mapping[str, Mapping[int, Any]], keys: Mapping[str, str], truth: Mapping[str, float]
) -> np.ndarray:
    """Medians and ranges over seeds.  found {way: {step: {key: (K,)}}}; keys {key: label}; truth {key: value}"""
    axes = plt.subplots(1, len(keys), figsize=(4.2 * len(keys), 3.0))[1]
    for ax, (key, label) in zip(axes, keys.items(), strict=True):
        for (way, looks), role in zip(found.items(), ("data", "D", "model"), strict=False):
            values = np.array([np.asarray(look[key]) for look in looks.values()])
            ax.fill_between([*looks], values.min(1), values.max(1), color=COLORS[role], alpha=0.15, linewidth=0)
            ax.plot([*looks], np.median(values, 1), "o-", color=COLORS[role], markersize=4, label=way)
        if key in truth:
            ax.axhline(truth[key], color=COLORS["truth"], linestyle=":", linewidth=1.2)
        ax.set(xlabel="step", title=label, ylim=(-0.03, 1.05))
    axes[-1].legend(fontsize=8.5)
    return axes


def best_shares(w: Any, shares: Any, p: float) -> Axes:
    """Share of the shared picture that is best for G, over the share w of wrong pairs; that of the data dotted."""
    ax = plt.subplots(figsize=(5.2, 2.9))[1]
    ax.plot(w, shares, color=COLORS["model"], label="best for G")
    ax.axhline(p, color=COLORS["truth"], linestyle=":", linewidth=1.2, label="in the data")
    ax.set(xlabel="share w of wrong pairs", ylabel="share of the shared picture", ylim=(-0.02, p + 0.12))
    ax.legend()
    return ax


def rows(shelves: Mapping[str, Any], columns: int | None = None) -> np.ndarray:
    """Rows of pictures, each with its name on the left.  {name: (n, 28, 28) or (n, 1, 28, 28)}"""
    widest = max(len(x) for x in shelves.values())
    size = (1.5 + 0.5 * widest, 0.58 * len(shelves) + 0.1)
    axes = plt.subplots(len(shelves), 1, figsize=size, squeeze=False)[1][:, 0]
    for ax, (name, x) in zip(axes, shelves.items(), strict=True):
        image_grid(x, ax=ax, columns=columns or widest)
        ax.set_axis_on()
        ax.grid(False)
        ax.set(xticks=(), yticks=())
        for side in ax.spines.values():
            side.set_visible(False)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    return axes


def walk_explorer(walks: Mapping[str, Any], names: Sequence[str]) -> Callable[..., Callable[..., str]]:
    """A picture for each caption and place on a circle of latents.  walks {G: (places, captions, 28, 28) uint8}"""

    def draw(ax: Axes) -> Callable[..., str]:
        (first, *_) = walks.values()
        shown = ax.imshow(np.zeros((28, 28 * 6)), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        ax.set(xticks=(), yticks=(), title="six neighbours on a circle of z")
        ax.grid(False)

        def update(G: str, caption: str, place: int) -> str:
            x = np.asarray(walks[G])[:, names.index(caption)].astype(float)
            turn = [(place + i) % len(x) for i in range(6)]
            shown.set_data(np.concatenate([x[i] for i in turn], 1))
            around = np.roll(x, -1, 0) - x
            moved = np.sqrt((around**2).mean((1, 2))).mean()
            return f"{G}, {caption}: one place further changes a pixel by {moved:.1f} of 255 (root mean square)"

        return update

    return draw


def dots(found: Mapping[str, Any], label: str, truth: float | None = None, limits: Any = None) -> Axes:
    """One row for each way: a dot for each seed, a bar at the median; the truth dotted.  {way: (seeds,)}"""
    ax = plt.subplots(figsize=(6.4, 0.42 * len(found) + 0.9))[1]
    for y, values in enumerate(found.values()):
        values = np.asarray(values, dtype=float)
        ax.plot(values, np.full(len(values), y), "o", color=COLORS["model"], markersize=5, alpha=0.7)
        ax.plot([np.median(values)] * 2, [y - 0.3, y + 0.3], color=COLORS["guide"], linewidth=2)
    if truth is not None:
        ax.axvline(truth, color=COLORS["truth"], linestyle=":", linewidth=1.2)
    ax.set(yticks=range(len(found)), yticklabels=[*found], xlabel=label, ylim=(len(found) - 0.5, -0.5))
    if limits is not None:
        ax.set(xlim=limits)
    return ax


def few_labels(labels: Sequence[int], alone: Any, helped: Any) -> np.ndarray:
    """Errors in percent over the number of labels, and what the unlabelled images gained.  (labels, subsets) each"""
    left, right = axes = plt.subplots(1, 2, figsize=(8.6, 3.0))[1]
    alone, helped = np.asarray(alone), np.asarray(helped)
    place = np.arange(len(labels))
    for values, role, name, off in ((alone, "data", "labels only", -0.12), (helped, "model", "with G", 0.12)):
        left.plot(
            np.repeat(place + off, values.shape[1]), values.ravel(), "o", color=COLORS[role], markersize=3.5, alpha=0.6
        )
        left.plot(place + off, values.mean(1), "_", color=COLORS[role], markersize=18, markeredgewidth=2, label=name)
    left.set(ylabel="errors, % of 10,000", title="errors (bar: mean)", xlabel="labels")
    left.legend()
    right.plot(
        np.repeat(place, alone.shape[1]), (alone - helped).ravel(), "o", color=COLORS["D"], markersize=4, alpha=0.7
    )
    right.plot(place, (alone - helped).mean(1), "_", color=COLORS["guide"], markersize=22, markeredgewidth=2)
    right.axhline(0, color=COLORS["truth"], linestyle=":", linewidth=1.2)
    right.set(title="what G gained, by subset", ylabel="points of error less", xlabel="labels")
    for ax in axes:
        ax.set(xticks=place, xticklabels=[str(n) for n in labels])
    return axes


def tables(panels: Mapping[str, Any], columns: Sequence[str], ylabel: str = "code") -> np.ndarray:
    """Counts of codes (rows) and classes (columns), each row scaled to 1.  {title: (codes, classes)}"""
    axes = plt.subplots(1, len(panels), figsize=(3.4 * len(panels), 3.5), squeeze=False)[1][0]
    for ax, (title, table) in zip(axes, panels.items(), strict=True):
        table = np.asarray(table, dtype=float)
        ax.imshow(table / table.sum(1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1)
        ax.grid(False)
        ax.set(xticks=range(len(columns)), yticks=range(len(table)), title=title, ylabel=ylabel)
        ax.set_xticklabels(columns, rotation=90, fontsize=8)
    return axes


def maps(images: Any, centers: Tensor, titles: Sequence[str]) -> np.ndarray:
    """Where each F sends the eight modes: the number of a mode of X at its image in Y.  images (seeds, 8, 2)"""
    axes = plt.subplots(1, len(images), figsize=(2.0 * len(images), 2.3), squeeze=False)[1][0]
    for ax, points, title in zip(axes, np.asarray(images, dtype=float), titles, strict=True):
        ax.plot(*centers.T, "o", color=COLORS["data"], markersize=12, alpha=0.25)
        for k, (a, b) in enumerate(points):
            ax.text(a, b, str(k), color=COLORS["model"], ha="center", va="center", fontsize=9, weight="bold")
        ax.set(aspect="equal", xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), xticks=(), yticks=(), title=title)
    return axes


def falls_apart(noise: Sequence[float], found: Mapping[str, Any]) -> Axes:
    """Share of reconstructions in the right mode, over the noise on the middle.  {name: (noises, seeds)}"""
    ax = plt.subplots(figsize=(5.6, 3.0))[1]
    for (name, values), role in zip(found.items(), ("data", "model"), strict=True):
        values = np.asarray(values, dtype=float)
        ax.fill_between(noise, values.min(1), values.max(1), color=COLORS[role], alpha=0.15, linewidth=0)
        ax.plot(noise, np.median(values, 1), "o-", color=COLORS[role], markersize=4, label=name)
    ax.set(xlabel="noise on the middle (standard deviation)", ylabel="back in the right mode", ylim=(0, 1.05))
    ax.legend()
    return ax


def way_home(ways: Mapping[str, tuple[Any, Any]], mean: float, names: Sequence[str], disturbed: Any) -> np.ndarray:
    """Errors at home, a dot for each seed: left by way, right over what is done to the middle.

    ways {name: (from F's middle (seeds,), from the true edges (seeds,))}; mean: error of the mean picture, dotted;
    disturbed {name: (seeds, len(names))}, of two middles.
    """
    left, right = axes = plt.subplots(1, 2, figsize=(9.4, 3.1))[1]
    looks = (("model", "o", "from F's middle"), ("data", "s", "from the true edges"))
    for (role, mark, label), values in zip(looks, zip(*ways.values(), strict=True), strict=True):
        values = np.asarray(values, dtype=float)  # (ways, seeds)
        place = np.broadcast_to(np.arange(len(ways))[:, None], values.shape)
        left.plot(values.ravel(), place.ravel(), mark, color=COLORS[role], markersize=5, alpha=0.7, label=label)
    left.axvline(mean, color=COLORS["guide"], linestyle=":", linewidth=1.2, label="mean picture")
    left.set(yticks=range(len(ways)), yticklabels=[*ways], ylim=(len(ways) - 0.5, -0.5))
    left.set(xlabel="error at home, of 255", xlim=(0, None))
    for (name, values), (role, mark, _) in zip(disturbed.items(), looks, strict=True):
        for k, row in enumerate(np.asarray(values, dtype=float)):
            label = name if k == 0 else None
            right.plot(row, mark, color=COLORS[role], markersize=4.5, alpha=0.7, label=label)
    right.set(xticks=range(len(names)), xticklabels=names, ylabel="error at home, of 255", ylim=(0, None))
    right.tick_params(axis="x", labelsize=8, labelrotation=35)
    for ax in axes:
        ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.27), ncols=3, columnspacing=1)
    return axes
