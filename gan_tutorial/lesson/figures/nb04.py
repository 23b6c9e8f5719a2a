"""Pictures of notebook 04: paths of two players, growth factors, and games that circle.

Arrays (or tensors) in, Axes out.  A path is (n, 2): a row is where the players are, x (or G's weight) first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from gan_tutorial.lesson.figures import COLORS, OBJECTIVES, film_strip
from gan_tutorial.truth import saddle

PATH = COLORS["data"]
DARK, PALE = "#003B66", COLORS["second"]  # with PATH three shades of blue, for three step sizes or three seeds
SHADES = (PALE, PATH, DARK)
TOP = 1.5  # of the picture of growth factors: some curves leave it there


def _centre(ax: Axes) -> None:
    ax.plot(0, 0, "+", color=COLORS["truth"], markersize=8)


# ---- V = xy -----------------------------------------------------------------------------------------------------


def one_player_and_two(walks: Sequence, circle) -> None:
    """Left, walks (n, 2) downhill over f = (x^2 - 1)^2 + y^2 + 0.3 x; right, a path (m, 2) on the saddle V = xy."""
    fig = plt.figure(figsize=(8.6, 3.6))
    left = fig.add_subplot(1, 2, 1)
    x, y = np.meshgrid(np.linspace(-2, 2, 161), np.linspace(-1.6, 1.6, 161))
    height = (x**2 - 1) ** 2 + y**2 + 0.3 * x
    left.contour(x, y, height, 18, colors=COLORS["guide"], linewidths=0.5)
    for path in walks:
        left.plot(*path[0], "o", color=PATH, markersize=4)
        left.plot(*path.T, color=PATH)
        left.plot(*path[-1], "o", color=COLORS["truth"], markersize=6)
    left.set(xlabel="x", ylabel="y", title="one player: every walk ends (black)", aspect="equal")
    right = fig.add_subplot(1, 2, 2, projection="3d", computed_zorder=False)
    square = np.meshgrid(np.linspace(-1.2, 1.2, 13), np.linspace(-1.2, 1.2, 13))
    look = {"color": "#D9D9D4", "edgecolor": COLORS["guide"], "alpha": 0.75, "rcount": 13, "ccount": 13}
    right.plot_surface(*square, square[0] * square[1], linewidth=0.3, **look)
    right.plot(*circle.T, circle[:, 0] * circle[:, 1], color=PATH, linewidth=2.2)
    right.plot([0], [0], [0], "o", color=COLORS["truth"], markersize=6)
    right.set(xlabel="x wants down", ylabel="y wants up", zlabel="V", title="two players: this one does not")
    right.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1), zticks=(-1, 0, 1))
    right.view_init(34, -62)


def flow(times, solved, formula) -> None:
    """Left, x and y (n, 2) over time as a solver found them and as the formula says; right, the path in the plane."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.1), width_ratios=(2, 1))
    for i, (name, role) in enumerate([("x", "G"), ("y", "D")]):
        left.plot(times, solved[:, i], color=COLORS[role], linewidth=4, alpha=0.35, label=f"{name}, solver")
        look = {"color": COLORS[role], "linewidth": 1.4, "linestyle": "--"}
        left.plot(times, formula[:, i], label=f"{name}, formula", **look)
    left.set(xlabel="time t", ylabel="x and y", xlim=(0, times[-1]), ylim=(-1.3, 1.8))
    left.set_title("each player, over time")
    left.legend(ncols=4, loc="upper right")
    at = np.linspace(-1.5, 1.5, 9)
    grid = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
    right.quiver(*grid.T, *(grid @ saddle.ROTATION.T).T, color=COLORS["guide"], alpha=0.5, width=0.006)
    right.plot(*solved.T, color=PATH)
    right.plot(*solved[0], "o", color=COLORS["truth"])
    right.set(aspect="equal", xlabel="x", ylabel="y", title="both, in the plane")


def spirals(paths: Mapping[float, np.ndarray], level) -> None:
    """Three paths {step size: (n, 2)} in the plane; their distances, with the formula dashed, and those of `level`."""
    _, axes = plt.subplots(1, 4, figsize=(10, 2.9), width_ratios=(1, 1, 1, 1.7))
    right = axes[3]
    for ax, (eta, path), shade in zip(axes, paths.items(), SHADES, strict=False):
        ax.plot(*path.T, ".-", color=shade, markersize=3, linewidth=0.8)
        _centre(ax)
        ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="x", title=f"$\\eta$ = {eta}")
        right.plot(np.linalg.norm(path, axis=1), color=shade, linewidth=4.5, label=f"$\\eta$ = {eta}")
        right.plot((1 + eta**2) ** (np.arange(len(path)) / 2), "--", color="white", linewidth=1.2)
    right.plot(np.linalg.norm(level, axis=1), color=COLORS["estimate"], label="alternating, 0.3")
    axes[0].set_ylabel("y")
    right.set(yscale="log", xlabel="step", ylabel="distance from (0, 0)", title="white dashes: the formula")
    right.legend(loc="upper left")


def strip_of_rules(paths: Mapping[str, np.ndarray]) -> None:
    """One panel for each rule, {name: path (n, 2)}, four in a row."""

    def draw(ax, path):
        ax.plot(*path.T, ".-", color=PATH, markersize=3, linewidth=0.7)
        ax.plot(*path[0], "o", color=COLORS["truth"], markersize=4)
        _centre(ax)
        ax.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), aspect="equal", xlabel="x", ylabel="y")

    film_strip(list(paths.values()), [name.replace(", ", ",\n") for name in paths], draw, columns=4)


def growth_of_rules(plane: Axes, growths: Axes) -> Callable[..., str]:
    """For `explore`: the path of a rule, with its mean so far, and the growth per step of all rules by step size."""
    etas = np.linspace(0.02, 1.3, 129)
    look = {"color": PATH, "markersize": 4, "linewidth": 0.8}
    (line,) = plane.plot([], [], ".-", label="80 steps", **look)
    (mean,) = plane.plot([], [], color=COLORS["estimate"], label="their mean so far")
    _centre(plane)
    plane.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), aspect="equal", xlabel="x", ylabel="y")
    plane.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    curves = {}
    for name, rule in saddle.RULES.items():
        growth = [saddle.growth(rule, eta) for eta in etas]
        curves[name] = growths.plot(etas, growth)[0], _name_at_the_end(growths, name, etas, growth)
    growths.axhline(1, color=COLORS["truth"], linewidth=0.8)
    (dot,) = growths.plot([], [], "o", color=PATH)
    growths.set(xlabel="step size", xlim=(0, 1.3), ylim=(0.58, TOP))
    growths.set_ylabel("growth per step (below 1: it arrives)")

    def update(rule, step_size):
        path = saddle.run(saddle.RULES[rule], saddle.bilinear, np.array([1.0, 0.0]), step_size, 80)
        line.set_data(*path.T)
        mean.set_data(*saddle.running_mean(path).T)
        for name, (curve, label) in curves.items():
            color, width = (PATH, 2.8) if name == rule else (COLORS["guide"], 1.0)
            curve.set(color=color, linewidth=width)
            label.set(color=color, weight="bold" if name == rule else "normal")
        factor = saddle.growth(saddle.RULES[rule], step_size)
        dot.set_data([step_size], [factor])
        return f"{rule}, step size {step_size:.2f}: distance times {factor:.4f} per step"

    return update


def _name_at_the_end(ax: Axes, name: str, etas, values):
    # Where the curve leaves the picture: at the top, or on the right.
    if max(values) > TOP:
        lowest = int(np.argmin(values))
        leaves = np.interp(TOP, values[lowest:], etas[lowest:])
        place = {"x": leaves, "y": TOP + 0.01, "rotation": 40, "va": "bottom"}
    else:
        place = {"x": etas[-1] + 0.02, "y": values[-1], "va": "center"}
    return ax.text(s=name, size=8.5, rotation_mode="anchor", **place)


def means_of_paths(turns, spiral, bound) -> None:
    """Left, an alternating path (n, 2) and its mean so far; right, how far its mean is off, a spiral's, and a bound."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.2), width_ratios=(1, 1.6))
    mean, of_spiral = saddle.running_mean(turns), saddle.running_mean(spiral)
    left.plot(*turns[:130].T, ".", color=PATH, markersize=3, label="path")
    left.plot(*mean[:300].T, color=COLORS["estimate"], label="mean so far")
    left.set(aspect="equal", xlabel="x", ylabel="y", ylim=(-1.2, 1.9), title="alternating, $\\eta$ = 0.1")
    left.legend(ncols=2, loc="upper center")
    n = np.arange(1, len(turns) + 1)
    for name, path, color in (("simultaneous", of_spiral, PALE), ("alternating", mean, COLORS["estimate"])):
        right.loglog(n, np.linalg.norm(path, axis=1), color=color, linewidth=1.4, label=name)
    look = {"color": COLORS["truth"], "linewidth": 1.2, "label": "bound from the formula"}
    right.loglog(n[20:], bound[20:], "--", **look)
    right.set(xlabel="N", ylabel="distance of the mean", title="how near the mean is")
    right.legend(loc="lower left")


# ---- The Dirac-GAN ----------------------------------------------------------------------------------------------


def strip_of_orbits(orbits: Mapping[str, np.ndarray], objectives: Sequence[str]) -> None:
    """One panel for each Dirac-GAN, {title: path (n, 2) of theta and psi}, in the colour of its objective."""
    colors = dict(zip(orbits, objectives, strict=True))

    def draw(ax, name):
        path = orbits[name]
        ax.plot(*path.T, color=OBJECTIVES[colors[name]], linewidth=1.3)
        ax.plot(*path[0], "o", color=COLORS["truth"], markersize=4)
        _centre(ax)
        ax.plot(*path[-1], "o", color=COLORS["model"], markersize=6)
        ax.set(xlabel="$\\theta$ (samples)", ylabel="$\\psi$ (slope of D)")
        ax.set(xlim=(-1.8, 1.8), ylim=(-1.8, 1.8), aspect="equal")

    film_strip(list(orbits), list(orbits), draw, columns=3)


def friction(jacobian: Callable[[float], np.ndarray]) -> Callable[..., Callable[..., str]]:
    """For `explore`: the Dirac-GAN's path under an R1 penalty, and the eigenvalues of jacobian(penalty), (2, 2)."""

    def values(penalty):
        return np.linalg.eigvals(jacobian(penalty)).astype(complex)

    def draw(plane, numbers):
        (line,) = plane.plot([], [], color=OBJECTIVES["r1"])
        plane.plot(1, 0, "o", color=COLORS["truth"], markersize=4)
        _centre(plane)
        plane.set(xlabel="$\\theta$ (samples)", ylabel="$\\psi$ (slope of D)", aspect="equal")
        plane.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), title="300 steps of 0.1")
        every = np.array([values(penalty) for penalty in np.linspace(0, 2, 401)]).ravel()
        look = {"color": COLORS["guide"], "markersize": 1.5, "label": "for penalties from 0 to 2"}
        numbers.plot(every.real, every.imag, ".", **look)
        numbers.axvline(0, color=COLORS["truth"], linewidth=0.8)
        (dots,) = numbers.plot([], [], "o", color=OBJECTIVES["r1"], markersize=8, label="for this penalty")
        numbers.set(xlabel="real part (negative: settles)", ylabel="imaginary part (turns)")
        numbers.set(xlim=(-2.05, 0.25), ylim=(-0.75, 0.75), title="the two eigenvalues", aspect="equal")
        numbers.legend(loc="upper left", fontsize=8)

        def update(penalty):
            def field(w):
                theta, psi = w
                fake = 1 / (1 + np.exp(-psi * theta))
                return np.array([(1 - fake) * psi, -fake * theta - penalty * psi])

            line.set_data(*saddle.run(saddle.alternating, field, np.array([1.0, 0.0]), 0.1, 300).T)
            pair = values(penalty)
            dots.set_data(pair.real, pair.imag)
            rate = -pair.real.max() + 0
            return f"penalty {penalty:.2f}: the slower of the two settles at the rate {rate:.3f}"

        return update

    return draw


# ---- Networks ---------------------------------------------------------------------------------------------------


def shares_of_modes(history: Mapping, steps: int) -> None:
    """Heat maps of {(beta1, seed): shares (moments, modes)}: time to the right, one row for each mode."""
    fig, axes = plt.subplots(2, 3, figsize=(9, 3.9), sharex=True, sharey=True)
    look = {"cmap": "Blues", "vmin": 0, "vmax": 0.6, "interpolation": "nearest", "aspect": "auto"}
    for ax, ((beta, seed), shares) in zip(axes.flat, history.items(), strict=True):
        image = ax.imshow(shares.T, extent=(0, steps, 7.5, -0.5), **look)
        ax.set_title(f"$\\beta_1$ = {beta:g}, seed {seed}")
        ax.grid(False)
    for ax in axes[:, 0]:
        ax.set(ylabel="mode", yticks=range(0, 8, 2))
    for ax in axes[1]:
        ax.set_xlabel("step")
    fig.colorbar(image, ax=axes, label="share of the samples", shrink=0.8)


def calm_or_not(followed: Mapping) -> None:
    """{(setting, seed): (path (n, 3) of W1 and the samples' mean, data, samples)}: settings in columns, seeds in rows.

    Samples that are all at one point (a mean sd below 0.1) are one large cross.
    """
    columns = len({name for name, _ in followed})
    fig, axes = plt.subplots(3, columns, figsize=(9, 7.2), sharex=True, sharey=True)
    for ax, ((name, seed), (path, data, made)) in zip(axes.T.flat, followed.items(), strict=True):
        ax.plot(*data.T, ".", color=COLORS["data"], markersize=3, alpha=0.5)
        late = path[len(path) // 2 :, 1:].T
        ax.plot(*late, color=COLORS["guide"], linewidth=0.9)
        one_point = made.std(0).mean() < 0.1
        size = {"markersize": 12, "markeredgewidth": 3.5} if one_point else {"markersize": 4}
        ax.plot(*made.T, "x", color=COLORS["model"], **size)
        ax.set(xlim=(-2, 2), ylim=(-2, 2), aspect="equal", title=f"{name}, seed {seed}")
    handles = [
        plt.Line2D([], [], marker=".", linestyle="", color=COLORS["data"], label="data"),
        plt.Line2D([], [], marker="x", linestyle="", color=COLORS["model"], label="samples at the end"),
        plt.Line2D([], [], color=COLORS["guide"], label="where their mean has been, second half"),
    ]
    fig.legend(handles=handles, loc="outside lower left", ncols=3)


def after_the_push(spectra: Mapping, pushed: Mapping) -> None:
    """Left, eigenvalues {(gamma, seed): (n,)}; then, for both gammas, paths {(gamma, seed): (off, steep)}, each (m,).

    Off and steep are drawn in units of their largest value for that seed without penalty, so a turn is round.
    """
    _, axes = plt.subplots(1, 3, figsize=(10, 3.4))
    for (gamma, seed), values in spectra.items():
        marker, name = {0.0: ("o", "non_saturating"), 1.0: ("^", "r1")}[gamma]
        look = {"color": OBJECTIVES[name], "markersize": 5, "alpha": 0.8}
        first = seed == min(k for _, k in spectra)
        label = f"$\\gamma$ = {gamma:.0f}" if first else None
        axes[0].plot(values.real, values.imag, marker, label=label, **look)
    axes[0].axvline(0, color=COLORS["truth"], linewidth=0.8)
    axes[0].set(xlim=(-0.6, 0.1), ylim=(-1.2, 1.5), xlabel="real part", ylabel="imaginary part")
    axes[0].set_title("eigenvalues, three seeds")
    axes[0].legend(loc="upper left", ncols=2)
    seeds = sorted({seed for _, seed in pushed})
    for ax, gamma in zip(axes[1:], (0.0, 1.0), strict=True):
        for seed, shade in zip(seeds, SHADES, strict=True):
            units = [abs(part).max() for part in pushed[0.0, seed]]
            off, steep = (part / unit for part, unit in zip(pushed[gamma, seed], units, strict=True))
            ax.plot(off, steep, color=shade, linewidth=1.2, label=f"seed {seed}")
        _centre(ax)
        ax.set(xlabel="mean of samples, off by", ylabel="slope of D", aspect="equal")
        ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.4), title=f"after the push, $\\gamma$ = {gamma:.0f}")
    axes[1].legend(loc="upper left", ncols=3, fontsize=7.5)


# ---- Theory, and finite games -----------------------------------------------------------------------------------


def waves(direct) -> None:
    """Total variation (n,) between q and p, step by step, on a logarithmic scale."""
    _, ax = plt.subplots(figsize=(5.2, 2.7))
    ax.semilogy(direct, color=COLORS["model"])
    ax.set(xlabel="step", ylabel="total variation", title="changing the probabilities: $q$ reaches $p$")


def pennies(gradient, play) -> None:
    """Shares of heads (n, 2) under gradient steps and in fictitious play: in the square, and their distance to 1/2."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.3), width_ratios=(1, 1.5))
    left.plot(*gradient.T, color=COLORS["estimate"], linewidth=1.2)
    left.plot(*play[10:400].T, color=PATH, linewidth=1.2)
    left.plot(0.5, 0.5, "+", color=COLORS["truth"], markersize=9)
    left.set(xlabel="x, heads of row", ylabel="y, heads of column", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    for name, path, color in (("gradient steps", gradient, COLORS["estimate"]), ("fictitious play", play, PATH)):
        right.loglog(1 + np.arange(len(path)), np.linalg.norm(path - 0.5, axis=1), color=color, label=name)
    right.set(xlabel="step", ylabel="distance from (1/2, 1/2)", title="how far off")
    right.legend(loc="lower left")
