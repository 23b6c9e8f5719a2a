"""The drawings of notebook 01: data and fits, valleys of divergences, integrands, mixtures, samples to be counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from numpy import ndarray
from torch import Tensor

from gan_tutorial.lesson.figures import COLORS, OBJECTIVES, PAPER

# Colours of the divergences, wherever one of them is drawn
INK: Mapping[str, str] = {
    "KL": OBJECTIVES["kl"],
    "reverse KL": OBJECTIVES["reverse_kl"],
    "JS": OBJECTIVES["jensen_shannon"],
    "total variation": OBJECTIVES["total_variation"],
    "Wasserstein W1": OBJECTIVES["wgan"],
}
_LINES: Mapping[str, Any] = {"KL": "-", "reverse KL": "--", "JS": (0, (5, 1, 1, 1))}
_DEPTH = LinearSegmentedColormap.from_list("depth", ["#7F8792", PAPER])  # a map on which paths of all roles are seen
_STAR = {"marker": "*", "ms": 13, "ls": "none", "color": COLORS["truth"], "zorder": 4}


def data_and_density(x: Tensor, p: Tensor, data: Tensor) -> Axes:
    """The density p of the data over x, both (m,), and under it a tick for each of the data (n,)."""
    _, ax = plt.subplots(figsize=(7, 2.6))
    ax.fill_between(x, p, color=COLORS["data"], alpha=0.2, lw=0, label="data density p")
    look = {"ls": "none", "marker": "|", "ms": 9, "mew": 0.8, "color": COLORS["data"]}
    ax.plot(data, torch.full_like(data, -0.03), label=f"{len(data)} data", **look)
    ax.set(xlabel="x", ylabel="density", ylim=(-0.06, 0.5))
    ax.legend(loc="upper right")
    return ax


def descent_of_likelihood(m: Tensor, s: Tensor, nll: Tensor, path: Tensor, best: Sequence[float]) -> Axes:
    """The valley of the NLL over mean m and sd s, all (k, l); the ways down, path (steps, rows, 2); a star at `best`.

    A point of a path is (mean, log sd).
    """
    fig, ax = plt.subplots(figsize=(7.4, 3.6))
    image = _valley(ax, m, s, nll)
    _walks(ax, path, COLORS["model"])
    ax.plot(*best, **_STAR, label="your formula")
    ax.set(xlabel="mean of the Gaussian", ylabel="sd of the Gaussian", ylim=(0.3, 4.5))
    ax.set_title("negative log-likelihood of a sample")
    ax.legend(loc="upper right")
    fig.colorbar(image, ax=ax, label="above the lowest point", ticks=[0.01, 0.1, 1, 10, 100], format="{x:g}")
    return ax


def descents_of_divergences(
    m: Tensor, s: Tensor, heights: Mapping[str, Tensor], paths: Mapping[str, Tensor], best: Mapping[str, Sequence]
) -> ndarray:
    """Valleys of divergences over mean and sd (k, l), one colour scale for all; ways down (steps, rows, 2); stars."""
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.5), sharey=True)
    for ax, (name, height) in zip(axes, heights.items(), strict=True):
        image = _valley(ax, m, s, height)
        _walks(ax, paths[name], COLORS["model"])
        ax.plot(*best[name], **_STAR)
        ax.set(title=name, xlabel="mean of the Gaussian", ylim=(0.3, 4.5))
    axes[0].set_ylabel("sd of the Gaussian")
    fig.colorbar(image, ax=axes, label="above the lowest point", ticks=[0.01, 0.1, 1, 10, 100], format="{x:g}")
    return axes


def _valley(ax: Axes, m: Tensor, s: Tensor, height: Tensor):
    above = (height - height.min()).clamp(min=0.0101)
    levels = torch.logspace(-2, 2, 33)
    ax.grid(False)
    ax.contour(m, s, above, levels, colors=COLORS["guide"], linewidths=0.3)
    return ax.contourf(m, s, above, levels, norm=LogNorm(0.01, 100), cmap=_DEPTH, extend="max")


def _walks(ax: Axes, path: Tensor, color: str) -> None:
    for walk in path.unbind(1):
        mean, sd = walk[:, 0], walk[:, 1].exp()
        ax.plot(mean, sd, color=color, lw=1.2)
        ax.plot(mean[0], sd[0], "o", color=color, ms=4)


def nll_gathers(means: Tensor, lines: Mapping[int, Tensor], limit: Tensor, floor: float) -> ndarray:
    """NLL of data sets of each size n over the mean of the Gaussian, lines[n] (sets, m), around their limit (m,)."""
    axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True)[1]
    for ax, (n, ys) in zip(axes, lines.items(), strict=True):
        ax.plot(means, ys.T, color=COLORS["estimate"], lw=0.7, alpha=0.5)
        ax.plot([], [], color=COLORS["estimate"], lw=0.7, label="NLL of one data set")
        ax.plot(means, limit, color=COLORS["truth"], ls="--", label="H(p) + KL(p‖q)")
        ax.axhline(floor, color=COLORS["guide"], ls=":", label="H(p), the floor")
        ax.set(title=f"{n:,} samples", xlabel="mean of the Gaussian", ylim=(1.2, 4.2))
    axes[0].set_ylabel("NLL of a sample")
    axes[2].legend(loc="upper center")
    return axes


def best_fits(x: Tensor, panels: Mapping[str, tuple[Tensor, Mapping[str, Tensor]]]) -> ndarray:
    """Data and the best Gaussian by each divergence: {title: (p, {name: q})}, densities over x (m,)."""
    axes = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True)[1]
    for ax, (title, (p, fits)) in zip(axes, panels.items(), strict=True):
        ax.fill_between(x, p, color=COLORS["data"], alpha=0.2, lw=0, label="data")
        for name, q in fits.items():
            ax.plot(x, q, color=INK[name], linestyle=_LINES[name], label=f"best by {name}")
        ax.set(title=title, xlabel="x", ylim=(0, 0.85))
    axes[0].set_ylabel("density")
    axes[0].legend(loc="upper left", ncols=2)
    return axes


def integrand_explorer(
    x: Tensor, log_densities: Callable, integrands: Callable, areas: Callable
) -> Callable[..., Callable[..., str]]:
    """p and q on the left, what the divergences add up on the right: what `explore` wants to be given.

    log_densities(mean, sd, apart, x) -> (log p, log q), (m,) each; integrands(log p, log q) -> {name: (m,)};
    areas(mean, sd, apart) -> {name: number}.
    """

    def draw(left: Axes, right: Axes) -> Callable[..., str]:
        looks = {"data p": COLORS["data"], "model q": COLORS["model"]}
        lines = [left.plot(x, 0 * x, color=color, label=name)[0] for name, color in looks.items()]
        lines += [right.plot(x, 0 * x, color=INK[name], ls=line, label=name)[0] for name, line in _LINES.items()]
        left.set(xlabel="x", ylabel="density", ylim=(0, 1.05))
        right.set(xlabel="x", ylabel="integrand")
        right.axhline(0, color=COLORS["guide"], lw=0.8)
        for ax in (left, right):
            ax.set_xlim(float(x[0]), float(x[-1]))
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)

        def update(mean_of_q: float, sd_of_q: float, modes_at_plus_minus: float) -> str:
            log_p, log_q = log_densities(mean_of_q, sd_of_q, modes_at_plus_minus, x)
            ys = integrands(log_p, log_q)
            for line, y in zip(lines, [log_p.exp(), log_q.exp(), *(ys[name] for name in _LINES)], strict=True):
                line.set_ydata(y)
            top = 2.0 ** math.ceil(math.log2(max(1.0, 1.05 * max(float(y.max()) for y in ys.values()))))
            if right.get_ylim()[1] != top:  # few values: a curve grows, not its axis
                right.set_ylim(-0.5, top)
            said = ", ".join(
                f"{name} {area:.3f}" for name, area in areas(mean_of_q, sd_of_q, modes_at_plus_minus).items()
            )
            return f"Whole areas: {said}. JS can be at most log 2 = 0.693."

        return update

    return draw


def moving_apart(distances: Tensor, means: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> ndarray:
    """Where the best Gaussian stands, and its divergence, over the distance of the modes; all (m,)."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.3))
    for name, size in zip(means, (6.5, 4.5, 2.5), strict=True):  # where they agree, all can be seen
        left.plot(distances, means[name], "o-", ms=size, lw=1.2, color=INK[name], label=name)
        right.plot(distances, values[name], color=INK[name], ls=_LINES[name], label=name)
    left.plot(distances, distances, color=COLORS["guide"], ls=":", label="centre of the mode")
    for height, words in ((math.log(2), "log 2"), (0.75 * math.log(4 / 3), "¾ log 4/3")):
        right.axhline(height, color=COLORS["guide"], ls="--", lw=1)
        right.text(0.05, height + 0.02, words, color=COLORS["guide"], size=8.5)
    left.set(xlabel="modes at ± this", ylabel="centre of the best Gaussian, ±")
    right.set(xlabel="modes at ± this", ylabel="divergence of the best Gaussian", xlim=(0, 3.4))
    for ax in (left, right):
        ax.legend(loc="upper left")
    return fig.axes


def mixtures_found(x: Tensor, p: Tensor, fits: Mapping[str, Tensor], hit: Mapping[str, Sequence[int]]) -> ndarray:
    """Fitted mixtures over data p (m,), a row a divergence, a column a start: fits[name] (5, m), hit[name] (5,)."""
    axes = plt.subplots(2, 5, figsize=(10, 3.6), sharex=True, sharey=True)[1]
    for row, (name, found) in zip(axes, fits.items(), strict=True):
        for ax, q, count in zip(row, found, hit[name], strict=True):
            ax.fill_between(x, p, color=COLORS["data"], alpha=0.25, lw=0)
            ax.plot(x, q, color=INK["KL" if name == "likelihood" else name], lw=1.4)
            ax.set_title(f"{count} of 4 modes", size=9)
        row[0].set_ylabel(name)
    axes[0, 0].set(xlim=(-7, 7), ylim=(0, 0.75), yticks=[])
    return axes


def one_geometry(places: Iterable[tuple[float, float, Mapping[str, tuple[Tensor, Tensor, Tensor]]]]) -> Axes:
    """Around each (mean, sd) where divergences are 0.05, {name: (means, sds, values)}, and Fisher's ellipse."""
    _, ax = plt.subplots(figsize=(7, 4))
    angle = torch.linspace(0, 2 * math.pi, 100)
    for mean, sd, near in places:
        ax.plot(mean, sd, ".", color=COLORS["truth"])
        for name, (mm, ss, height) in near.items():
            ax.contour(mm, ss, height, [0.05], colors=INK[name], linewidths=1.3)
        radius = sd * math.sqrt(0.1)  # half of radius² / sd² is 0.05
        ellipse = mean + radius * angle.cos(), sd + radius / math.sqrt(2) * angle.sin()
        ax.plot(*ellipse, ":", lw=1.2, color=COLORS["truth"])
    for name in _LINES:
        ax.plot([], [], color=INK[name], label="4 JS" if name == "JS" else name)
    ax.plot([], [], ":", color=COLORS["truth"], label="Fisher")
    ax.set(xlabel="mean", ylabel="sd", title="what counts as near: value 0.05", ylim=(0, 3))
    ax.legend(ncols=4, loc="upper center")
    return ax


def in_the_large(t: Tensor, curves: Mapping[str, Sequence[float]]) -> Axes:
    """Divergences of two Gaussians of sd 1 over their distance t (m,)."""
    _, ax = plt.subplots(figsize=(7.5, 3.4))
    for name, ys in curves.items():
        ax.plot(t, ys, "-." if name.startswith("W") else "-", color=INK[name.split(",")[0]], label=name)
    ax.axhline(math.log(2), color=COLORS["guide"], ls="--", lw=1)
    ax.text(7.95, math.log(2) - 0.13, "log 2", color=COLORS["guide"], size=8.5, ha="right")
    ax.set(xlabel="distance t of two Gaussians of sd 1", ylabel="value", xlim=(0, 8), ylim=(0, 3))
    ax.legend(loc="upper right")
    return ax


def inequalities(kl: Tensor, tv: Tensor, js: Tensor) -> ndarray:
    """Pairs of distributions as dots: TV over KL below Pinsker's curve, JS over TV between two curves.  All (n,)"""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2))
    dots = {"s": 5, "alpha": 0.4, "linewidths": 0, "color": COLORS["estimate"]}
    left.scatter(kl, tv, **dots)
    k, v, line = torch.linspace(0, 4, 200), torch.linspace(0, 1, 100), {"color": COLORS["truth"], "ls": "--"}
    left.plot(k, (k / 2).sqrt(), **line, label=r"$\sqrt{\mathrm{KL}/2}$ (Pinsker)")
    left.set(xlabel="KL", ylabel="TV", xlim=(0, 4), ylim=(0, 1.1))
    right.scatter(tv, js, **dots)
    right.plot(v, math.log(2) * v, **line, label=r"$\log 2 \cdot \mathrm{TV}$")
    right.plot(v, v**2 / 2, color=COLORS["guide"], ls=":", label=r"$\mathrm{TV}^2/2$")
    right.set(xlabel="TV", ylabel="JS", xlim=(0, 1), ylim=(0, 0.75))
    left.legend(loc="lower right")
    right.legend(loc="upper left")
    return fig.axes


def crossings_and_density(
    z: Tensor, g: Tensor, height: float, crossings: Tensor, outputs: Tensor, points: Tensor, density: Sequence[float]
) -> ndarray:
    """G over z with the crossings of one height; samples of G as a histogram, under the density at `points`."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4))
    black = {"color": COLORS["truth"]}
    left.plot(z, g, color=COLORS["G"], label="G(z)")
    left.axhline(height, color=COLORS["guide"], ls="--", lw=1)
    left.plot(crossings, 0 * crossings + height, "o", **black, label=f"z with this x: {len(crossings)}")
    left.set(xlabel="z", ylabel="x = G(z)", xlim=(-3, 3))
    bars = {"bins": 150, "range": (float(points[0]), float(points[-1])), "density": True, "alpha": 0.3}
    right.hist(outputs, **bars, color=COLORS["model"], label=f"{len(outputs):,} samples")
    right.plot(points, density, **black, lw=1.2, label="formula")
    right.set(xlabel="x", ylabel="density q(x)", ylim=(0, 2.2))
    left.legend()
    right.legend()
    return fig.axes


def samples_needed(hit_one: float, counted: Mapping[int, float], drawn: int) -> Axes:
    """Samples for an error of 10% over the number of coordinates; hit_one: the chance to hit in one of them."""
    d = torch.arange(1, 65, dtype=torch.float64)
    _, ax = plt.subplots(figsize=(7.5, 3.3))
    ax.semilogy(d, 100 / hit_one**d, color=COLORS["truth"], ls="--", lw=1.3, label="exact")
    ax.semilogy([*counted], [*counted.values()], "o", ms=4, color=COLORS["estimate"], label="counted")
    ax.axhline(drawn, color=COLORS["guide"], ls=":", label="the million that we drew")
    ax.axhline(3e16, color=COLORS["guide"], ls="-.", label="a billion per second, for a year")
    ax.set(xlabel="number of coordinates d", ylabel="samples for 10% error", xlim=(0, 64))
    ax.legend(loc="upper left")
    return ax
