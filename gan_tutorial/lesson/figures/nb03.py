"""Figures of notebook 03, each of several panels, and its explorer.  Nothing here trains: arrays in, Axes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from torch import Tensor

from gan_tutorial.lesson.figures import COLORS, OBJECTIVES, image_grid, loss_history, objective_title

_DASHES = {"minimax": "-", "non_saturating": "--", "max_likelihood": "-."}  # so that no two differ by colour alone


def _look(objective: str) -> dict[str, Any]:
    return {"color": OBJECTIVES[objective], "linestyle": _DASHES[objective]}


def classes_and_pixels(three: Tensor, means: Tensor, names: Sequence[str], pixels: Tensor) -> np.ndarray:
    """Three pictures of each class and their mean, one class to a column; below, a histogram of pixel values.

    three: uint8 (3 c, h, w), row by row; means: uint8 (c, h, w); pixels: any number of values in [-1, 1].
    """
    axes = plt.subplots(2, 1, figsize=(6.6, 4.6), height_ratios=[2.6, 1])[1]
    image_grid(torch.cat([three, means]), axes[0], columns=len(names))
    for i, name in enumerate(names):
        axes[0].text(29 * i + 15, -4, name.replace("/", "/\n"), ha="center", size=7)
    _name_rows(axes[0], ["", "", "", "mean"])
    axes[1].hist(pixels.cpu().numpy(), bins=64, color=COLORS["data"], density=True)
    axes[1].set(xlabel="value of a pixel, scaled to [-1, 1]", xlim=(-1.05, 1.05), ylabel="density", yscale="log")
    return axes


def curves_of_a_game(s: Tensor, of_d: Sequence, of_g: Mapping, steepness: Mapping) -> np.ndarray:
    """Over the score: D's two losses, G's loss for each objective, and how steep the latter are.

    s: (n,); of_d: D's loss of data (n,), and of samples (n,); of_g, steepness: {name of an objective: (n,)}.
    """
    axes = plt.subplots(1, 3, figsize=(9, 3.3))[1]
    for loss, role, label in zip(of_d, ("data", "model"), ("of data", "of a sample"), strict=True):
        axes[0].plot(s, loss, color=COLORS[role], label=label)
    for name in of_g:
        axes[1].plot(s, of_g[name], label=objective_title(name), **_look(name))
        axes[2].plot(s, steepness[name], **_look(name))
    axes[0].set(title="loss of D", xlabel="score", ylabel="loss")
    axes[1].set(title="loss of G", xlabel="score of a sample", ylim=(-9, 9), yticks=range(-8, 9, 4))
    axes[2].set(title="size of its slope", xlabel="score of a sample", yscale="log", ylim=(2e-4, 20))
    axes[0].legend(loc="upper center")
    axes[0].figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    return axes


def gradients_alone(runs: Sequence[Tensor], every: int) -> Axes:
    """The gradient that G would have, over the moves of a D that trains alone; one pair of curves to a run.

    runs: (looks, 2) each, of minimax and of the non-saturating loss, one look after every `every` moves.
    """
    ax = plt.subplots(figsize=(6, 3.2))[1]
    for rows in runs:
        at = every * torch.arange(len(rows))
        for i, name in enumerate(("minimax", "non_saturating")):
            (line,) = ax.plot(at, rows[:, i], lw=1.2, **_look(name))
            if rows is runs[0]:
                line.set_label(objective_title(name))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    ax.set(yscale="log", xlabel="moves of D, alone", ylabel="gradient that G would have")
    return ax


def boxes(generators: Mapping[str, Sequence[tuple[int, int]]]) -> Axes:
    """Generators as rows of boxes, from latent to picture, all to one scale.

    generators: {title: [(channels, side), ...]}.  A box is as high and as deep as its side; its length grows with the
    logarithm of its number of channels.
    """
    ax = plt.subplots(figsize=(8, 5.2))[1]
    y = right = 0.0
    for title, sizes in generators.items():
        tallest = max(side for _, side in sizes)
        y -= tallest / 2 + 16
        ax.text(0, y + tallest / 2 + 13, title, size=10.5)
        x = 0.0
        for i, (channels, side) in enumerate(sizes):
            length, slant = 2 + 3 * math.log2(channels), 0.35 * side
            _box(ax, x, y, length, side, slant)
            label = f"{channels} ×\n{side} × {side}" if side > 1 else f"latent:\n{channels} numbers"
            ax.text(x + length / 2, y - side / 2 - 3, label, ha="center", va="top", size=8)
            x += length + slant
            if i < len(sizes) - 1:
                ax.annotate("", (x + 10, y), (x + 3, y), arrowprops={"arrowstyle": "->", "color": COLORS["guide"]})
                x += 13
        right = max(right, x)
        y -= tallest / 2 + 22
    ax.set(xlim=(-8, right + 3), ylim=(y + 5, 3), aspect="equal")
    ax.set_axis_off()
    return ax


def _box(ax: Axes, x: float, y: float, length: float, side: float, slant: float) -> None:
    # Its front, its top and its right face, which is square in truth.
    low, high = y - side / 2, y + side / 2
    back = (slant, slant / 2)
    faces = (
        ([(x, low), (x + length, low), (x + length, high), (x, high)], 0.55),
        ([(x, high), (x + length, high), (x + length + back[0], high + back[1]), (x + back[0], high + back[1])], 0.35),
        (
            [
                (x + length, low),
                (x + length + back[0], low + back[1]),
                (x + length + back[0], high + back[1]),
                (x + length, high),
            ],
            0.85,
        ),
    )
    for corners, alpha in faces:
        ax.add_patch(Polygon(corners, fc=COLORS["G"], ec="white", lw=0.8, alpha=alpha))


def side_by_side(shown: Mapping[str, Tensor], columns: int = 5) -> np.ndarray:
    """Pictures in panels of their own, each with its title.  shown: {title: (n, 1, h, w)}"""
    axes = plt.subplots(1, len(shown), figsize=(2.8 * len(shown), 3.5))[1]
    for ax, (title, pictures) in zip(axes, shown.items(), strict=True):
        image_grid(pictures, ax, columns=columns, title=title)
    return axes


def losses_and_distance(trainings: Mapping[str, tuple[Sequence, Sequence]], floor: float) -> np.ndarray:
    """One row to a training: its losses on the left, the distance of its samples to the data on the right.

    trainings: {name: (history of steps, [(step, ..., distance), ...])}; floor: the distance of real pictures.
    """
    axes = plt.subplots(len(trainings), 2, figsize=(8.6, 5), width_ratios=[1.5, 1])[1]
    for (left, right), (name, (history, looks)) in zip(axes, trainings.items(), strict=True):
        loss_history(left, history, theory={"2 log 2": 2 * math.log(2)})
        left.set(ylim=(0, 3), ylabel="loss", title=name)
        at, distances = [look[0] for look in looks], [look[-1] for look in looks]
        right.plot(at, distances, "o-", color=COLORS["model"], label="samples")
        right.axhline(floor, color=COLORS["guide"], ls="--", lw=1.2, label="real pictures")
        right.set(yscale="log", xlabel="step", ylabel="distance")
        right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return axes


def own_and_new(own: Tensor, new: Tensor, every: int) -> Axes:
    """D's loss on the pictures that it was trained on, and on new ones.  (looks,), (looks,)"""
    ax = plt.subplots(figsize=(6, 3.2))[1]
    at = every * torch.arange(len(own))
    ax.plot(at, own, color=COLORS["D"], label="on its own pictures")
    ax.plot(at, new, color=COLORS["estimate"], ls="-.", label="on new pictures")
    ax.axhline(2 * math.log(2), color=COLORS["guide"], ls="--", lw=1.2, label="2 log 2")
    ax.set(xlabel="moves of D", ylabel="loss of D", ylim=(0, 2))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return ax


def race_of_four(results: Mapping[tuple[str, int], Sequence]) -> Axes:
    """Distance over moves, one curve to a seed.

    results: {(name of an objective, moves of D in a step): one list of (moves, distance, ...) for each seed}.
    """
    ax = plt.subplots(figsize=(6.8, 3.4))[1]
    for (loss, k), seeds in results.items():
        for points in seeds:
            at, distances = [point[0] for point in points], [point[1] for point in points]
            (line,) = ax.plot(at, distances, color=OBJECTIVES[loss], ls="-" if k == 1 else ":", lw=1.5)
        line.set_label(f"{objective_title(loss)}, k = {k}")
    ax.set(ylim=(0, None), xlabel="moves of both players together", ylabel="distance to real pictures")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def samples_and_counts(made: Mapping[str, Sequence], classes: Sequence[str]) -> np.ndarray:
    """One row to a setting: twenty samples of its first seed, and how many of 1,000 fall in each class, by seed.

    made: {title: one (pictures (n, 1, h, w), counts (c,), ...) for each seed}.
    """
    axes = plt.subplots(len(made), 2, figsize=(8.4, 4), width_ratios=[1.15, 1])[1]
    for (left, right), (title, seeds) in zip(axes, made.items(), strict=True):
        image_grid(seeds[0][0][:20], left, columns=10, title=f"{title}, first seed")
        for i, (_, counts, *_) in enumerate(seeds):
            at = np.arange(len(classes)) + 0.27 * (i - 1)
            right.bar(at, counts, width=0.25, color=COLORS["model"], alpha=1 - 0.25 * i)
        right.axhline(1000 / len(classes), color=COLORS["guide"], ls="--", lw=1.2)
        right.set(ylabel="of 1,000", ylim=(0, 1000), xticks=range(len(classes)), xticklabels=[])
        right.set_title("three seeds; dashed: data", size=9)
    axes[-1, 1].set_xticklabels(classes, rotation=45, ha="right", size=8)
    return axes


def named_rows(ax: Axes, rows: Mapping[str, Tensor]) -> Axes:
    """Rows of pictures, the name of each at its left.  rows: {name: (n, 1, h, w)}, all of one n"""
    columns = len(next(iter(rows.values())))
    image_grid(torch.cat([pictures.cpu() for pictures in rows.values()]), ax, columns=columns)
    _name_rows(ax, rows)
    return ax


def _name_rows(ax: Axes, names: Any) -> None:
    for i, name in enumerate(names):
        beside = {"xytext": (-5, 0), "textcoords": "offset points", "ha": "right", "va": "center"}
        ax.annotate(fill(name, 16), (0, 29 * i + 15), size=8.5, linespacing=1.1, **beside)


def square(
    corners: Mapping[str, Tensor],
    between: Callable[[Tensor, Tensor, float], Tensor],
    draw: Callable[[Tensor], Tensor],
    judges: tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]],
    classes: Sequence[str],
) -> Callable[[Axes, Axes], Callable[..., str]]:
    """For `explore`: the picture of a latent in the square of four others, and what a classifier says of it.

    corners: {name: (d,)}; between(a, b, t) -> (d,); draw: (n, d) -> (n, 1, h, w); judges: pictures -> probabilities of
    the classes (n, c), and pictures -> scores (n,).
    """
    first, second, third, fourth = corners.values()

    def begin(left: Axes, right: Axes) -> Callable[..., str]:
        left.set_axis_off()
        shown = left.imshow(torch.zeros(28, 28), vmin=-1, vmax=1)
        for i, name in enumerate(corners):
            x, y = 27.5 * (i % 2), 30 * (i // 2) - 1.5
            left.text(x, y, name, ha=("left", "right")[i % 2], va=("bottom", "top")[i // 2])
        bars = right.barh(classes, [1.0] * len(classes), color=COLORS["estimate"])
        right.set(xlim=(0, 1), xlabel="probability, says the classifier")
        right.invert_yaxis()

        def update(across: float, down: float) -> str:
            z = between(between(first, second, across), between(third, fourth, across), down)
            x = draw(z[None])
            shown.set_data(x[0, 0].cpu())
            with torch.no_grad():
                opinion, score = judges[0](x)[0].tolist(), float(judges[1](x))
            for bar, chance in zip(bars, opinion, strict=True):
                bar.set_width(chance)
            surest = f"{classes[opinion.index(max(opinion))]} ({max(opinion):.0%})"
            return f"most likely: {surest}; D's score {score:+.2f}; length of z {z.norm():.2f}"

        return update

    return begin
