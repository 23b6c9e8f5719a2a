"""The drawings of notebook 05: losses of G over the score, who teaches, rare samples, and games on the line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import exp
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from gan_tutorial.lesson.figures import COLORS, OBJECTIVES, objective_title

Curve = Callable[[Tensor], Tensor]  # of scores, (...) -> (...)

_LINES = {
    "minimax": "-",
    "non_saturating": "--",
    "max_likelihood": "-.",
    "squared_hellinger": "-",
    "reverse_kl": ":",
}
# Title of an objective -> how its curve looks, wherever it is drawn
LOOK: Mapping[str, dict[str, Any]] = {
    objective_title(name): {"color": OBJECTIVES[name], "linestyle": line} for name, line in _LINES.items()
}
# Shift of G -> the colour of its noise: one hue, darker the farther away
_NOISE = {1.0: "#D9AE9F", 2.0: "#B97A64", 3.0: "#83402E", 4.0: "#3D130A"}
_TRUTH = {"color": COLORS["truth"], "linewidth": 1.3}
_FITS = {"bins": 80, "range": (-4, 4), "density": True, "histtype": "step", "linewidth": 1, "color": COLORS["model"]}


def loss_curves(axes: Sequence[Axes], s: Tensor, losses: Mapping[str, Curve]) -> None:
    """G's losses for one sample, over its score (left) and over D (right).  s: (n,)"""
    for name, loss in losses.items():
        axes[0].plot(s, loss(s), label=name, **LOOK[name])
        axes[1].plot(s.sigmoid(), loss(s), **LOOK[name])
    axes[0].set(xlabel="score s", ylabel="G's loss for one sample", ylim=(-6.5, 5.5))
    axes[1].set(xlabel="D = σ(s)")
    axes[0].legend()


def steepness_curves(axes: Sequence[Axes], s: Tensor, steep: Mapping[str, Tensor]) -> None:
    """How steeply the losses fall, against the score (left) and against D (right).  s and each of `steep`: (n,)"""
    D = s.sigmoid()
    for name, value in steep.items():
        axes[0].semilogy(s, value, label=name, **LOOK[name])
        axes[1].semilogy(D, value / (D * (1 - D)), **LOOK[name])
    axes[0].set(xlabel="score s", ylabel="how steeply it falls", title="against the score: what G feels")
    axes[1].set(xlabel="D = σ(s)", title="against D")
    axes[0].legend()


def pushes(ax: Axes, shifts: Sequence[float], gradients: Mapping[str, Sequence[float]]) -> None:
    """The gradient of one step of G, over how far away it is.  shifts and each of `gradients`: n numbers"""
    for name, values in gradients.items():
        ax.plot(shifts, values, label=name, **LOOK[name])
    ax.set(xlabel="shift t", ylabel="gradient of one step", xlim=(0, 6), ylim=(0, 6))
    ax.set_title("how strongly G is pushed")
    ax.legend()


def teachers(ax: Axes, x: Tensor, p: Tensor, q: Tensor, shares: Mapping[str, Tensor]) -> None:
    """Where the gradient comes from: shares of it, each of area 1, over the densities p and q.  All (n,)"""
    for name, share in shares.items():
        ax.plot(x, share / torch.trapezoid(share, x), **LOOK[name])
    for role, label, density in (("data", "data", p), ("model", "samples", q)):
        ax.fill_between(x, density, color=COLORS[role], alpha=0.2, linewidth=0, label=label)
    ax.set(xlabel="x", ylabel="share of the gradient", title="t = 3: which samples teach?")
    ax.legend(loc="upper right")


def heaviest(ax: Axes, held: Mapping[float, Tensor]) -> None:
    """What share of the weight the heaviest samples hold, for each shift t.  held: {t: (n,)}, growing to 1"""
    for t, share in held.items():
        ax.semilogx(range(1, len(share) + 1), share, label=f"t = {t:.0f}", color=_NOISE[t])
    ax.axhline(0.5, linestyle=":", color=COLORS["truth"], linewidth=1)
    ax.set(xlabel="so many heaviest samples of 1,000 ...", ylabel="... hold this share", ylim=(0, 1.02))
    ax.legend(loc="lower right")


def spread(ax: Axes, estimates: Mapping[float, Tensor]) -> None:
    """Histograms of estimates divided by the truth, on a logarithmic axis, for each shift t.  estimates: {t: (n,)}"""
    for t, values in estimates.items():
        look = {"histtype": "step", "linewidth": 1.6, "density": True, "color": _NOISE[t]}
        ax.hist(values.log10(), bins=70, range=(-1.6, 1.2), **look)
    ax.axvline(0, linestyle=":", color=COLORS["truth"], linewidth=1)
    ax.set(xlabel="estimate / truth", ylabel="density", xticks=[-1, 0, 1], ylim=(0, 6))
    ax.set_xticklabels(["0.1", "1", "10"])


def losses_and_pushes(
    left: Axes, right: Axes, losses: Mapping[str, Curve], slope: Callable, one_step: Callable
) -> Callable[[float, float], str]:
    """The losses with their tangents at one score, and the gradients of one step; returns what moves them.

    slope(loss, s) -> d loss / d s; one_step(loss, shift) -> the gradient of the mean loss of all samples.
    """
    s = torch.linspace(-8, 8, 321, dtype=torch.float64)
    for name, loss in losses.items():
        left.plot(s, loss(s) - loss(0 * s), label=name, **LOOK[name])
    (scores,) = left.plot(s, 0 * s, label="scores of samples", color=COLORS["model"], linewidth=1.2)
    tangents = [left.plot([], [], linewidth=2.5, color=COLORS["truth"])[0] for _ in losses]
    tangents[0].set_label("tangents")
    left.set(xlabel="score s", ylabel="G's loss, from s = 0", ylim=(-7, 7), xlim=(-8, 8))
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    colors = [LOOK[name]["color"] for name in losses]
    bars = right.bar(range(len(losses)), [1.0] * len(losses), color=colors, width=0.6)
    right.set(ylabel="gradient of one step", ylim=(0, 4.2), xticks=range(len(losses)))
    right.set_xticklabels([name.replace("-", "-\n").replace(" ", "\n") for name in losses])

    def update(shift: float, score: float) -> str:
        ends, at = torch.tensor([-0.8, 0.8]), torch.tensor(score, dtype=torch.float64)
        said = [f"D is {float(at.sigmoid()):.3f}"]
        for tangent, bar, (name, loss) in zip(tangents, bars, losses.items(), strict=True):
            steep, push = float(slope(loss, at)), one_step(loss, shift)
            tangent.set_data(score + ends, loss(at) - loss(0 * at) + steep * ends)
            bar.set_height(push)
            said.append(f"{name}: slope {steep:.3f}, gradient {push:.3f}")
        scores.set_ydata(-7 + 2.5 * (-0.5 * ((s + shift**2 / 2) / max(shift, 0.05)) ** 2).exp())
        return "; ".join([*said, f"1,000 samples are worth {1_000 * exp(-(shift**2)):.3g}"])

    return update


def sizes_over_steps(ax: Axes, steps: Tensor, sizes: Mapping[str, Tensor]) -> None:
    """Sizes of G's gradient while D trains alone, a line for each seed.  steps: (n,); each of `sizes`: (n, seeds)"""
    for name, size in sizes.items():
        ax.semilogy(steps, size, linewidth=1.2, **LOOK[name])
        ax.plot([], [], label=name, **LOOK[name])
    ax.set(xlabel="moves of D, G standing still", ylabel="size of G's gradient")
    ax.legend()


def steepness_of_divergences(ax: Axes, s: Tensor, steep: Mapping[str, Tensor], labels: Mapping[str, str]) -> None:
    """How steeply the loss of each divergence falls over the score; `labels` name them.  s and each of `steep`: (n,)"""
    for name, value in steep.items():
        ax.semilogy(s, value, label=labels[name], **LOOK[name])
    ax.set(xlabel="score s = log p/q", ylabel="how steeply the loss falls", ylim=(0.005, 200))
    ax.legend(fontsize=8.5, loc="upper left")


def three_methods(axes: Sequence[Axes], x: Tensor, p: Tensor, curves: Mapping, samples: Mapping) -> None:
    """Fits of three methods beside the true density p: curves {name: [(n,)]}, samples {name: [(m,)]}.  x, p: (n,)"""
    for ax, name in zip(axes, [*curves, *samples], strict=True):
        for curve in curves.get(name, []):
            ax.plot(x, curve, color=COLORS["model"], linewidth=1, alpha=0.7)
        for sample in samples.get(name, []):
            ax.hist(sample, alpha=0.7, **_FITS)
        ax.plot(x, p, linestyle="--", label="truth", **_TRUTH)
        ax.set(title=name, xlabel="x", xlim=(-3.5, 3.5))
    axes[0].set_ylabel("density")
    axes[0].legend()


def shifts_over_steps(axes: Sequence[Axes], paths: Mapping[str, Tensor]) -> None:
    """How G's shift goes to 0, one panel an agent, one line a seed.  paths: {name: (steps, seeds)}"""
    for ax, (name, path) in zip(axes, paths.items(), strict=True):
        ax.plot(path, color=COLORS["G"], linewidth=1, alpha=0.7)
        ax.axhline(0, color=COLORS["truth"], linestyle=":", linewidth=1)
        ax.set(title=name, xlabel="step")
    axes[0].set_ylabel("G's shift (truth: 0)")


def fits_by_loss(axes, drawn: Mapping, x: Tensor, truth: Tensor, exact: Mapping[str, Tensor]) -> None:
    """Histograms of trained generators: a row a kind of G, a column a loss; truth and exact fits as densities.

    axes: (2, 3); drawn: {kind: {loss: (m, seeds)}}; x, truth and each of `exact`: (n,), for the upper row.
    """
    for row, (kind, by_loss) in zip(axes, drawn.items(), strict=True):
        for ax, (name, sample) in zip(row, by_loss.items(), strict=True):
            for one in sample.T:
                ax.hist(one, alpha=0.6, **_FITS)
            ax.plot(x, truth, "--", label="truth", **_TRUTH)
            ax.set_title(f"{kind}: {name}", size=9.5)
    for ax, name in zip(axes[0], drawn["one Gaussian"], strict=True):
        ax.plot(x, exact[name], ":", label="exact fit", **_TRUTH | {"linewidth": 2})
    for ax in axes[1]:
        ax.set_xlabel("x")
    for ax in axes[:, 0]:
        ax.set_ylabel("density")
    axes[0, 0].legend(fontsize=8)
