"""Figures of notebook 10: tricks over luck, smoothed labels, batches that lean on each other, norms, averages.

Arrays and functions in, Axes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import NullLocator
from torch import Tensor

from gan_tutorial.lesson.figures import COLORS, image_grid
from gan_tutorial.truth.densities import Density, Mixture, Normal

BestD = Callable[[Tensor, Tensor, float, float], Tensor]  # p, q, alpha, beta -> D
WIDE = 10  # points of FFD: what is farther out is drawn on a logarithmic axis
STYLES = {"plain": "-", "one side": "--", "both sides": ":"}


# ---- Tricks over luck --------------------------------------------------------------------------------------


def differences(gains: Mapping[str, np.ndarray], luck: np.ndarray | None = None) -> Axes:
    """A row for each trick: FFD with it minus FFD as usual, a dot for each seed, a bar at the median.

    luck: differences of the placebo; as far as the largest is shaded, to both sides.
    """
    fig, ax = plt.subplots(figsize=(8.0, 0.9 + 0.28 * len(gains)))
    ax.axvline(0, color=COLORS["truth"], linewidth=1)
    if luck is not None:
        ax.axvspan(-np.abs(luck).max(), np.abs(luck).max(), color=COLORS["guide"], alpha=0.15, linewidth=0)
    for row, values in enumerate(gains.values()):
        color = COLORS["D"] if (values < 0).all() else COLORS["model"] if (values > 0).all() else COLORS["guide"]
        ax.plot(values, np.full(len(values), row), "o", color=color, markersize=5, alpha=0.6, markeredgewidth=0)
        ax.plot(np.median(values), row, "|", color=color, markersize=15, markeredgewidth=2.5)
    ax.set(yticks=range(len(gains)), yticklabels=list(gains), ylim=(len(gains) - 0.4, -0.6))
    ax.set(xlabel="FFD with the trick - FFD as usual (to the left is better)")
    if max(values.max() for values in gains.values()) > WIDE:
        ax.set_xscale("symlog", linthresh=WIDE, linscale=2)
        _few_ticks(ax.xaxis)
        ax.set_xlabel(f"{ax.get_xlabel()}; beyond {WIDE} logarithmic")
    ax.grid(axis="y", visible=False)
    return ax


def _few_ticks(axis: Axis) -> None:
    """Of an axis that is as usual up to WIDE and logarithmic beyond: a disaster leaves room for the others."""
    ticks = (-5, 0, 5, 10, 20, 50, 100)
    axis.set_ticks(ticks, [str(v) for v in ticks])
    axis.set_minor_locator(NullLocator())


def side_by_side(pictures: Mapping[str, np.ndarray], columns: int = 5) -> np.ndarray:
    """Sheets of pictures beside each other, one for each name.  -> Axes"""
    axes = plt.subplots(1, len(pictures), figsize=(3.0 * len(pictures), 1.7))[1]
    for ax, (name, images) in zip(axes, pictures.items(), strict=True):
        image_grid(images, ax, columns, title=name)
    return axes


# ---- Smoothed labels --------------------------------------------------------------------------------------


def stray(place: float) -> Mixture:
    """Samples: most where the data are, N(0, 1), a fifth in a mode of their own, as wide, at `place`."""
    return Mixture((0.8, 0.2), (Normal(0.0, 1.0), Normal(place, 1.0)))


def answer_and_pull(best_d: BestD, p: Density, q: Density, x: Tensor, alpha: float, beta: float) -> tuple:
    """The best D at x under mixed labels, and the derivative of log D there.  (n,) -> (n,), (n,)"""
    x = x.detach().clone().requires_grad_()
    D = best_d(p.log_prob(x).exp(), q.log_prob(x).exp(), alpha, beta)
    (slope,) = torch.autograd.grad(D.log().sum(), x)
    return D.detach(), slope


def smoothed(best_d: BestD, p: Density, q: Density, cases: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """Left p and q, in the middle the best D of each case, right what it makes of G's pull.  -> three Axes"""
    axes = plt.subplots(1, 3, figsize=(10, 3.1))[1]
    x = torch.linspace(-4, 8, 481, dtype=torch.float64)
    axes[0].plot(x, p.log_prob(x).exp(), color=COLORS["data"], label="p, data")
    axes[0].plot(x, q.log_prob(x).exp(), color=COLORS["model"], linestyle="--", label="q, samples")
    axes[0].set(xlabel="x", title="two densities")
    for name, shares in cases.items():
        D, slope = answer_and_pull(best_d, p, q, x, *shares)
        axes[1].plot(x, D, color=COLORS["D"], linestyle=STYLES[name], label=name)
        axes[2].plot(x, slope, color=COLORS["G"], linestyle=STYLES[name], label=name)
    axes[1].set(xlabel="x", title="the best D(x)", ylim=(-0.03, 1.03))
    axes[2].axhline(0, color=COLORS["guide"], linewidth=1)
    axes[2].set(xlabel="x", title="pull on a sample at x: (log D)'")
    for ax, place in zip(axes, ("upper right", "upper right", "lower left"), strict=True):
        ax.legend(fontsize=8, loc=place)
    return axes


def smoothing_explorer(best_d: BestD, p: Density) -> Callable:
    """draw(left, right): the best D, and the pull on samples, for any alpha and beta; samples stray to any place."""
    x = torch.linspace(-4, 9, 261, dtype=torch.float64)

    def draw(left: Axes, right: Axes) -> Callable[..., str]:
        left.plot(x, p.log_prob(x).exp(), color=COLORS["data"], linewidth=1.2, label="p, data")
        (q_line,) = left.plot(x, 0 * x, color=COLORS["model"], linestyle="--", linewidth=1.2, label="q, samples")
        (D_line,) = left.plot(x, 0 * x, color=COLORS["D"], label="best D")
        left.set(xlabel="x", ylim=(-0.03, 1.05), title="two densities and the best D")
        right.axhline(0, color=COLORS["guide"], linewidth=1)
        (plain,) = right.plot(x, 0 * x, color=COLORS["guide"], linewidth=1.2, label="plain labels")
        (pull,) = right.plot(x, 0 * x, color=COLORS["G"], label="these labels")
        (dot,) = right.plot([0], [0], "o", color=COLORS["truth"], markersize=6)
        right.set(xlabel="x", ylim=(-8, 1.5), title="pull on a sample at x")
        left.legend(fontsize=8, loc="upper right")
        right.legend(fontsize=8, loc="lower left")

        def update(alpha: float, beta: float, stray_samples_at: float) -> str:
            q = stray(stray_samples_at)
            at = torch.tensor([stray_samples_at], dtype=torch.float64)
            D, slope = answer_and_pull(best_d, p, q, x, alpha, beta)
            D_there, there = answer_and_pull(best_d, p, q, at, alpha, beta)
            without = answer_and_pull(best_d, p, q, at, 0.0, 0.0)[1]
            q_line.set_ydata(q.log_prob(x).exp())
            D_line.set_ydata(D)
            plain.set_ydata(answer_and_pull(best_d, p, q, x, 0.0, 0.0)[1])
            pull.set_ydata(slope)
            dot.set_data(at, there)
            return (
                f"in the middle of the stray mode: D = {float(D_there):.3g}, pull {float(there):.3g}, "
                f"with plain labels {float(without):.3g}"
            )

        return update

    return draw


def extrapolated(x, scores: Mapping[str, np.ndarray]) -> Axes:
    """What trained D's say over the line, five seeds each.  {name: (n, seeds)}"""
    fig, axes = plt.subplots(1, len(scores), figsize=(9.0, 3.0), sharey=True)
    for ax, (name, s) in zip(axes, scores.items(), strict=True):
        ax.axvspan(0.4, 1.6, color=COLORS["data"], alpha=0.15, linewidth=0, label="data")
        ax.axvspan(-1.6, -0.4, color=COLORS["model"], alpha=0.15, linewidth=0, label="samples")
        ax.plot(x, s, color=COLORS["D"], linewidth=1)
        ax.axhline(0, color=COLORS["guide"], linewidth=0.8)
        ax.set(xlabel="x", title=name)
    axes[0].set_ylabel("score")
    axes[0].legend(fontsize=8, loc="upper left")
    return axes


# ---- Batches --------------------------------------------------------------------------------------


def companions(pictures: Tensor) -> Axes:
    """Rows: batches; the first picture of each has the same latent.  (batches, m, 1, 28, 28)"""
    rows, m = pictures.shape[:2]
    fig, ax = plt.subplots(figsize=(0.72 * m + 0.6, 0.72 * rows + 0.5))
    image_grid(pictures.flatten(0, 1), ax, columns=m, title="the same latent in front")
    ax.plot([29, 29], [0, 29 * rows], color=COLORS["model"], linewidth=2.5)
    return ax


def leaning(sizes: Sequence[int], shares: Mapping[str, np.ndarray], correlations: np.ndarray) -> np.ndarray:
    """Left how much companions change a picture, right the correlation of two pictures of a batch, over its size.

    shares: {name: (seeds, sizes)}; correlations (seeds, sizes)
    """
    axes = plt.subplots(1, 2, figsize=(9, 3.2))[1]
    colors = {"batch norm": COLORS["G"], "virtual norm": COLORS["data"]}
    for name, values in shares.items():
        axes[0].plot(sizes, values.T, "o-", color=colors[name], markersize=4, linewidth=1, label=name)
    axes[0].set(xlabel="pictures in the batch", title="variance due to companions / variance", ylim=(-0.03, None))
    exact = -1 / (np.array(sizes) - 1)
    axes[1].plot(sizes, exact, color=COLORS["truth"], linestyle="--", label="normalised features: -1/(m - 1)")
    axes[1].plot(sizes, correlations.T, "o", color=COLORS["G"], markersize=5, label="brightness of two pictures")
    axes[1].axhline(0, color=COLORS["guide"], linewidth=1)
    axes[1].set(xlabel="pictures in the batch, m", title="correlation within a batch")
    for ax in axes:
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [str(m) for m in sizes])
        handles, labels = ax.get_legend_handles_labels()
        once = dict(zip(labels, handles, strict=True))  # not one for each seed
        ax.legend(once.values(), once.keys(), fontsize=8)
    return axes


def bounded(x: Tensor, R: Tensor, reference: Tensor, virtual: Tensor) -> Axes:
    """One feature before and after: a straight line for reference norm, a bounded curve for virtual norm."""
    fig, ax = plt.subplots(figsize=(6.2, 3.2))
    ax.plot(x, reference, color=COLORS["second"], linestyle="--", label="reference norm")
    ax.plot(x, virtual, color=COLORS["data"], label="virtual norm")
    for sign in (-1, 1):
        label = "$\\pm\\sqrt{m}$" if sign == 1 else None
        ax.axhline(sign * len(R) ** 0.5, color=COLORS["truth"], linestyle=":", linewidth=1.2, label=label)
    ax.plot(R, torch.zeros(len(R)), "|", color=COLORS["guide"], markersize=14, markeredgewidth=2, label="R")
    ax.set(xlabel="feature of the example", ylabel="normalised", ylim=(-4, 4))
    ax.legend(fontsize=8, loc="lower right", ncols=2)
    return ax


# ---- Balance, averages --------------------------------------------------------------------------------------


def who_wins(right: Mapping[str, np.ndarray], gains: Mapping[str, np.ndarray]) -> Axes:
    """FFD against as usual, over how often D is right: a mark for each seed, a name at each setting's median."""
    fig, ax = plt.subplots(figsize=(7.4, 3.9))
    ax.axhline(0, color=COLORS["truth"], linewidth=1)
    marks = ("o", "s", "^", "v", "D", "P", "X", "*")
    for mark, (name, share) in zip(marks, right.items(), strict=False):
        ax.plot(100 * share, gains[name], mark, markersize=6, alpha=0.75, markeredgewidth=0, label=name)
    ax.set(xlabel="D is right about new data and samples, %", ylabel="FFD - FFD as usual")
    ax.set_yscale("symlog", linthresh=WIDE, linscale=2)
    _few_ticks(ax.yaxis)
    ax.set_ylabel(f"{ax.get_ylabel()}; beyond {WIDE} logarithmic")
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def averages(path: np.ndarray, averaged: Mapping[str, np.ndarray], radii: Mapping[str, float]) -> np.ndarray:
    """Left a path round the centre and its averages, right their distances from it, with theory dotted.  (n, 2)"""
    axes = plt.subplots(1, 2, figsize=(9.4, 3.8), width_ratios=(1, 1.5))[1]
    axes[0].plot(*path.T, color=COLORS["guide"], linewidth=0.8, label="path")
    axes[1].plot(np.linalg.norm(path, axis=1), color=COLORS["guide"], linewidth=0.8, label="path")
    shades = (COLORS["second"], COLORS["data"], COLORS["G"])
    for color, (name, w) in zip(shades, averaged.items(), strict=False):
        axes[0].plot(*w.T, color=color, linewidth=1.1)
        axes[1].plot(np.linalg.norm(w, axis=1), color=color, linewidth=1.1, label=name)
        axes[1].axhline(radii[name], color=color, linestyle=":", linewidth=1.6)
    axes[0].plot(0, 0, "+", color=COLORS["truth"], markersize=12, markeredgewidth=2)
    axes[0].set(xlabel="x", ylabel="y", aspect="equal", title="the path and its averages")
    axes[1].set(xlabel="step", yscale="log", ylim=(2e-3, 2), title="distance from the centre; dotted: theory")
    axes[1].legend(fontsize=8, ncols=2, loc="center right", bbox_to_anchor=(1.0, 0.7))
    return axes
