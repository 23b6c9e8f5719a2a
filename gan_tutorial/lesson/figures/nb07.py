"""Pictures of notebook 07: plans and piles, critics and cones, and what a critic's estimate is worth.

Arrays or tensors in, Axes out; nothing is computed here but places on the paper.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from gan_tutorial.lesson import figures
from gan_tutorial.lesson.figures import COLORS, OBJECTIVES

HATCHED = {"hatch": "//", "edgecolor": "white"}  # samples, also without colour
BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 3, "fontsize": 8}
MARKS = ("o", "s", "^")  # of three seeds


def _array(values) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


# ---- Plans ------------------------------------------------------------------------------------------------------


def draw_plan(places, p, q, plan, unit: int, work: float) -> np.ndarray:
    """Piles above, hollows below, the plan as bands between them; and the plan as a matrix.  -> two Axes

    places, p, q: (n,), plan: (n, n), masses in parts of 1/unit.
    """
    places, p, q, plan = map(_array, (places, p, q, plan))
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0), width_ratios=(1.8, 1))
    gap, scale = 0.3, 0.8 / max(p.max(), q.max())  # of the bands' widths
    for mass, up, color, label in ((p, 1, "data", "p, the pile"), (q, -1, "model", "q, the hollows")):
        look = {"color": COLORS[color], "label": label, **(HATCHED if up < 0 else {})}
        bars = left.bar(places, up * mass, bottom=up * gap, width=0.8, **look)
        left.bar_label(bars, [f"{unit * m:.0f}" if m else "" for m in mass], fontsize=8)
        left.axhline(up * gap, color=COLORS["truth"], linewidth=1)
    begin, end = places - scale * p / 2, places - scale * q / 2  # where the next band leaves, and arrives
    for i, j in np.argwhere(plan > 1e-9):
        wide = scale * plan[i, j]
        head = min(0.09, 0.4 * gap)
        x = [begin[i], begin[i] + wide, end[j] + wide, end[j] + wide / 2, end[j]]
        y = [gap, gap, head - gap, -gap, head - gap]
        left.fill(x, y, color=COLORS["guide"], alpha=0.45, linewidth=0)
        begin[i], end[j] = begin[i] + wide, end[j] + wide
    left.set(xlabel="place", ylabel=f"mass, in parts of 1/{unit}", yticks=(), ylim=(-0.62, 0.75))
    left.set_title(f"the plan with the least work: {work:.3f}")
    left.legend(fontsize=8, loc="upper right")
    image = right.imshow(unit * plan, origin="lower", cmap="Greys")
    fig.colorbar(image, ax=right, label=f"mass, in parts of 1/{unit}", shrink=0.8)
    right.set(xlabel="to place", ylabel="from place", title="the plan as a matrix")
    right.grid(False)
    return np.array([left, right])


def draw_floors(sizes, floors: dict[int, list[float]]) -> Axes:
    """W1 between two samples of one distribution over their size, a line for each dimension.  {d: values}"""
    ax = plt.subplots(figsize=(6.4, 3.4))[1]
    for (d, values), style in zip(floors.items(), ("-", "--", "-.", ":"), strict=True):
        ax.loglog(sizes, values, "o" + style, color=COLORS["truth"], markersize=3.5)
        ax.annotate(f"d = {d}", (sizes[-1], values[-1]), (6, -3), textcoords="offset points", fontsize=8.5)
    ax.set(xlabel="points in each sample", ylabel=r"$W_1$ / $\sqrt{d}$", xlim=(None, 1.35 * sizes[-1]))
    ax.set_title("two samples of the same distribution")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    return ax


# ---- Two lines --------------------------------------------------------------------------------------------------


def draw_two_lines(heights, theta: float, thetas, rows: list[dict[str, float]]) -> np.ndarray:
    """Two parallel lines of points theta apart, and their W1, JS and TV over theta.  -> two Axes"""
    heights, thetas = _array(heights), np.asarray(thetas)
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3), width_ratios=(1, 1.7))
    left.plot(0 * heights, heights, "o", color=COLORS["data"], label="data")
    left.plot(0 * heights + theta, heights, "s", color=COLORS["model"], label="samples")
    arrow = {"arrowstyle": "<->", "color": COLORS["truth"]}
    left.annotate("", (theta - 0.04, 0.5), (0.04, 0.5), arrowprops=arrow)
    left.text(theta / 2 - 0.03, 0.53, r"$\theta$")
    left.set(xlim=(-0.4, 1.1), ylim=(-0.05, 1.35), xlabel="$x_1$", ylabel="$x_2$")
    left.legend(fontsize=8, loc="upper center", ncols=2)
    names = {"W1": "$W_1$", "JS": "Jensen–Shannon", "TV": "total variation"}
    inks = {"W1": COLORS["truth"], "JS": OBJECTIVES["jensen_shannon"], "TV": OBJECTIVES["total_variation"]}
    for (name, label), style in zip(names.items(), ("-", "-.", "--"), strict=True):
        values = np.array([row[name] for row in rows])
        jumps = np.where((thetas == 0) & (name != "W1"), np.nan, values)
        right.plot(thetas, jumps, style, color=inks[name], label=label)
    right.plot(0, 0, "o", color=COLORS["truth"], label="all four at 0")
    right.text(0, 1.12, "KL: infinite, except at 0", ha="center")
    right.set(xlabel=r"$\theta$", ylim=(-0.05, 1.25))
    right.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return np.array([left, right])


# ---- Critics ----------------------------------------------------------------------------------------------------


def draw_tent(places, p, q, x, f) -> Axes:
    """Pile and hollows, (n,) each, and above them the best critic f over x, (m,) each."""
    places, p, q = map(_array, (places, p, q))
    ax = plt.subplots(figsize=(7, 3.4))[1]
    ax.bar(places, 8 * p, 0.8, color=COLORS["data"], alpha=0.6, label="p (× 8)")
    ax.bar(places, 8 * q, 0.5, color=COLORS["model"], alpha=0.6, label="q (× 8)", **HATCHED)
    ax.plot(_array(x), _array(f), color=COLORS["D"], label="f, the best critic")
    ax.set(xlabel="place", ylabel="mass, and f")
    ax.legend(fontsize=8)
    return ax


def draw_cones(x, graphs: dict[str, object], inside: dict[str, object], at=(35, 100, 172)) -> np.ndarray:
    """Graphs over x with double cones of slope one at a few places; what lies in one of these is thick and black.

    graphs: {name: (n,)}, inside: {name: (n, n)}, whether the graph at column j lies in the cone of place i.
    """
    x, size = _array(x), 1.6
    _, axes = plt.subplots(1, 2, figsize=(9.6, 3.4), sharey=True)
    for ax, (name, graph) in zip(axes, graphs.items(), strict=True):
        graph, pierced = _array(graph), _array(inside[name])
        ax.plot(x, graph, color=COLORS["D"])
        for i in at:
            reach = np.abs(x - x[i])
            near = reach < size
            for sign in (-1, 1):
                side = graph[i] + sign * reach[near]
                ax.fill_between(x[near], side, graph[i] + sign * size, color=COLORS["guide"], alpha=0.25)
            ax.plot(x, np.where(pierced[i] & near, graph, np.nan), color=COLORS["truth"], linewidth=4)
            ax.plot(x[i], graph[i], "o", color=COLORS["truth"], zorder=3)
        title = f"{name}: enters {int(pierced.any(1).sum())} of {len(x)} cones"
        ax.set(xlabel="x", ylim=(-1, 9), title=title)
    return axes


def draw_critic_map(side, height, data, samples, plan, title: str) -> Axes:
    """A critic over the plane as a map, (m, m) over side (m,); data, samples and the pairs of a plan above it."""
    side, height, data, samples, plan = map(_array, (side, height, data, samples, plan))
    fig, ax = plt.subplots(figsize=(6.2, 4.8))
    image = ax.contourf(side, side, height, levels=16, cmap="Greens")
    for i, j in np.argwhere(plan > 1e-9):
        ax.plot(*np.stack([data[i], samples[j]]).T, color=COLORS["truth"], linewidth=1)
    ax.plot(*data.T, "o", color=COLORS["data"], markersize=5, label="data")
    ax.plot(*samples.T, "X", color=COLORS["model"], markersize=5, label="samples")
    fig.colorbar(image, ax=ax, label="f, the best critic", shrink=0.9)
    ax.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", title=title)
    ax.grid(False)
    ax.legend(fontsize=8)
    return ax


def earth_panel(ax: Axes, line):
    """Both densities over `line`, (n,), and what is carried past each place.  -> how to redraw them"""
    x = _array(line)
    (data,) = ax.plot(x, x, color=COLORS["data"], label="p, data")
    (samples,) = ax.plot(x, x, "--", color=COLORS["model"], label="q, samples")
    (flow,) = ax.plot(x, x, color=COLORS["truth"], label="carried to the right")
    ax.axhline(0, color=COLORS["guide"], linewidth=1)
    ax.set(xlabel="place x", ylabel="density, and mass carried", title="earth")
    ax.set(xlim=(-10, 10))
    ax.legend(**BELOW)

    def redraw(p, q, carried) -> None:
        """p, q, carried: (n,)"""
        for curve, values in ((data, p), (samples, q), (flow, carried)):
            curve.set_ydata(_array(values))
        highest = max(np.abs(_array(values)).max() for values in (p, q, carried))
        top = next(limit for limit in (0.5, 1.1) if highest < limit or limit > 1)  # two scales, so that it seldom jumps
        if ax.get_ylim()[1] != top:  # else only the curves are drawn anew, which is what makes it quick
            ax.set_ylim(-top, top)

    return redraw


def critic_panel(ax: Axes, line):
    """The best critic over `line`, (n,), with the double cone at one place.  -> how to redraw it"""
    x = _array(line)
    bow = 3 * np.array([(0, 0), (-1, 1), (1, 1), (0, 0), (1, -1), (-1, -1)])  # the outline of the double cone
    (cone,) = ax.fill(*bow.T, color=COLORS["guide"], alpha=0.25, linewidth=0, label="cone of slope 1")
    (critic,) = ax.plot(x, x, color=COLORS["D"], label="best critic f")
    (dot,) = ax.plot([], [], "o", color=COLORS["truth"])
    ax.set(xlabel="place x", ylabel="f(x)", title="critic", xlim=(-10, 10), ylim=(-12, 9))
    ax.legend(**BELOW)

    def redraw(f, cone_at: float) -> None:
        """f: (n,)"""
        critic.set_ydata(_array(f))
        height = np.interp(cone_at, x, _array(f))
        cone.set_xy(bow + (cone_at, height))
        dot.set_data([cone_at], [height])

    return redraw


# ---- What clipping computes -------------------------------------------------------------------------------------


def draw_reach(in_box, in_ball) -> Axes:
    """In every direction of the plane, how far apart a shift of length one is scored.  (n, 2), (n, 2)"""
    in_box, in_ball = _array(in_box), _array(in_ball)
    ax = plt.subplots(figsize=(5.6, 3.4))[1]
    ax.plot(*in_box.T, color=OBJECTIVES["wgan"], label="weights in a box\n(clipping)")
    ax.plot(*in_ball.T, "--", color=COLORS["truth"], label="weights in a ball:\n$W_1$")
    arrow = {"arrowstyle": "->", "color": COLORS["guide"]}
    for tip in (in_box[0], in_box[len(in_box) // 8]):
        ax.annotate("", tip, (0, 0), arrowprops=arrow)
    ax.set(aspect="equal", xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    ax.set_title("distance from the centre: score difference (c = 1)\nfor a shift of length 1 in this direction")
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return ax


def draw_slopes_for_g(looks, slopes: dict[str, object]) -> Axes:
    """The slope of G's loss at the samples over the moves of D, three seeds of each objective.  {name: (looks, 3)}"""
    ax = plt.subplots(figsize=(6.4, 3.3))[1]
    for (name, values), style in zip(slopes.items(), ("o--", "s-"), strict=True):
        lines = ax.loglog(looks, _array(values), style, color=OBJECTIVES[name], markersize=3.5)
        lines[0].set_label({"wgan": "clipped critic"}.get(name, name))
    ax.set(xlabel="moves of D", ylabel="slope of G's loss")
    ax.legend()
    return ax


# ---- Is it a distance -------------------------------------------------------------------------------------------


def draw_estimates(at, exact, floor: float, estimates: dict[str, object]) -> np.ndarray:
    """Exact W1 over the steps; then each estimate against it, a mark for each look of each of three seeds.

    at: (looks,); exact and each of `estimates`: (looks, 3).  Pale marks are early, dark ones late.
    """
    exact, least = _array(exact), 0.01
    _, axes = plt.subplots(1, 3, figsize=(10.4, 3.5), width_ratios=(1.1, 1, 1))
    low, median, high = np.sort(exact, axis=1).T
    axes[0].plot(at, median, color=COLORS["truth"], label="samples and data")
    axes[0].fill_between(at, low, high, color=COLORS["truth"], alpha=0.2, linewidth=0)
    axes[0].axhline(floor, color=COLORS["guide"], linestyle=":", label="floor: data and other data")
    axes[0].set(xlabel="step", ylabel="exact $W_1$", ylim=(0, None), title="three seeds, median and range")
    axes[0].legend(fontsize=8)
    inks = np.linspace(0.25, 1, len(exact))
    x = np.array([0.7 * exact.min(), 1.3 * exact.max()])
    for ax, (name, values), color in zip(axes[1:], estimates.items(), ("D", "estimate"), strict=True):
        for k, mark in enumerate(MARKS):
            y = np.maximum(_array(values)[:, k], least)
            look = {"s": 22, "marker": mark, "color": COLORS[color], "linewidths": 0}
            ax.scatter(exact[:, k], y, alpha=inks, **look)
            ax.scatter([], [], **look, label=f"seed {k}")  # for the legend
        for factor in 10.0 ** np.arange(-2, 2):
            (line,) = ax.plot(x, factor * x, color=COLORS["guide"], linestyle=":", linewidth=1)
        line.set_label("constant ratio")
        ax.set(xscale="log", yscale="log", xlim=x, ylim=(0.7 * least, 20), xlabel="exact $W_1$", title=name)
        ticks = [v for v in (0.2, 0.5, 1, 2, 5) if x[0] < v < x[1]]
        ax.set_xticks(ticks, ticks)
        ax.minorticks_off()
    axes[1].set_ylabel("score difference (cut at 0.01)")
    axes[1].legend(fontsize=8, loc="upper left", handletextpad=0.1)
    return axes


def draw_two_curves(at, differences, looked, distances, floor: float) -> np.ndarray:
    """The critic's score difference over the steps, and exact W1 of pictures with its floor.  -> two Axes"""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.3))
    left.plot(at, _array(differences), color=COLORS["D"], linewidth=1)
    left.set(xlabel="step", ylabel="critic's score difference")
    right.plot(looked, distances, ".-", color=COLORS["truth"], label="500 samples and 500 pictures")
    look = {"color": COLORS["guide"], "linestyle": ":"}
    right.axhline(floor, **look, label="floor: 500 pictures and 500 others")
    right.set(xlabel="step", ylabel="exact $W_1$", ylim=(0, None))
    right.legend(fontsize=8, loc="lower right")
    return np.array([left, right])


def draw_bounds(recording) -> np.ndarray:
    """FFD over the steps, three seeds for each of two bounds, and samples of each.  -> three Axes"""
    _, (ax, *sheets) = plt.subplots(1, 3, figsize=(10.4, 2.9), width_ratios=(1, 1.15, 1.15))
    looks = ((COLORS["guide"], "s--"), (OBJECTIVES["wgan"], "o-"))
    for name, (color, style), sheet in zip(recording.settings, looks, sheets, strict=True):
        lines = ax.plot(recording.steps(name), recording.ffd(name).T, style, color=color, markersize=3)
        lines[0].set_label(name)
        figures.image_grid(recording.samples(name)[:48], sheet, columns=8, title=f"{name}, seed 0")
    ax.set(xlabel="step", ylabel="FFD")
    ax.legend(fontsize=8)
    return np.array([ax, *sheets])
