"""The pictures of notebook 02: arrays (or tensors) in, Axes out.  p is data, q the model; nothing here trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import logsigmoid

from gan_tutorial.lesson.figures import COLORS, PAPER, density_panel, loss_history
from gan_tutorial.truth import divergences
from gan_tutorial.truth.densities import Normal

SHRUG = -2 * math.log(2)  # the value of a D that says 1/2 everywhere
PALE = LinearSegmentedColormap.from_list("pale", ["#B9BDC4", PAPER])  # a map on which lines of all roles are seen


def framework() -> Axes:
    """The game as a diagram: noise, G, a sample; data; D, its score and the value, from which G learns through D."""
    ax = plt.subplots(figsize=(7.8, 2.5))[1]
    ax.set(xlim=(0.2, 10), ylim=(-0.35, 2.6))
    ax.set_axis_off()
    noise, G = _box(ax, 0.8, 0.6, "noise $z$", "guide"), _box(ax, 2.2, 0.6, "$G$", "G")
    sample = _box(ax, 3.9, 0.6, "sample $G(z) \\sim q$", "model")
    data, D = _box(ax, 3.9, 1.9, "data $x \\sim p$", "data"), _box(ax, 5.9, 1.25, "$D$", "D")
    score, value = _box(ax, 7.4, 1.25, "score $s$", "truth"), _box(ax, 9.2, 1.25, "value $V$", "truth")
    for start, end in [(noise, G), (G, sample), (sample, D), (data, D), (D, score), (score, value)]:
        _arrow(start, end)
    _arrow(value, D, "D", connectionstyle="arc3,rad=0.42", linestyle="--")
    _arrow(value, D, "G", connectionstyle="arc3,rad=-0.42", linestyle="--", arrowstyle="-")  # to G through D
    _arrow(D, G, "G", connectionstyle="arc3,rad=-0.45", linestyle="--")
    ax.text(7.6, 2.2, "$D$ learns: raise $V$", color=COLORS["D"], ha="center")
    ax.text(7.9, -0.1, "$G$ learns: lower $V$", color=COLORS["G"], ha="center")
    return ax


def _box(ax: Axes, x: float, y: float, text: str, role: str):
    color = COLORS[role]
    frame = {"boxstyle": "round,pad=0.5", "ec": color, "fc": PAPER, "lw": 1.6}
    return ax.text(x, y, text, ha="center", va="center", color=color, bbox=frame)


def _arrow(start, end, role: str = "guide", **look) -> None:
    ends = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}
    style = {"arrowstyle": "-|>", "color": COLORS[role], "lw": 1.4, "shrinkA": 3, "shrinkB": 3}
    start.axes.annotate("", end.get_position(), start.get_position(), arrowprops=style | ends | look)


def pushed_densities(panels: Mapping[str, tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]) -> ndarray:
    """G as a function of z above, a histogram of its samples and its exact density below.  -> Axes, (2, panels)

    panels: {title: (z (m,), G(z) (m,), samples (n,), x (k,), exact density at x (k,))}
    """
    axes = plt.subplots(2, len(panels), figsize=(7.8, 4.2), squeeze=False)[1]
    for (top, bottom), (name, (z, g, samples, x, exact)) in zip(axes.T, panels.items(), strict=True):
        top.plot(z, g, color=COLORS["G"])
        top.set(title=name, xlabel="$z$")
        look = {"density": True, "color": COLORS["model"], "alpha": 0.45}
        bottom.hist(samples, bins=100, range=(float(x[0]), float(x[-1])), **look)
        bottom.plot(x, exact, color=COLORS["truth"], lw=1.2)
        bottom.set(xlabel="$x = G(z)$", ylim=(0, min(1.1 * float(exact.max()), 1.6)))
    axes[0, 0].set_ylabel("$G(z)$")
    axes[1, 0].set_ylabel("density $q(x)$")
    return axes


def learned_share(x: Tensor, p: Tensor, q: Tensor, D: Tensor, middles: Tensor, share: Tensor) -> Axes:
    """Both densities and D over x (m,); as dots, the share of data that was counted in bins with these middles."""
    fig, ax = plt.subplots(figsize=(6, 3))
    density_panel(ax, x, p, q, D)
    right = fig.axes[1]
    look = {"color": COLORS["truth"], "s": 14, "zorder": 3, "label": "counted share of data"}
    right.legend(handles=[right.scatter(middles, share, **look)], loc="upper right", bbox_to_anchor=(1, 0.92))
    return ax


def learned_and_best(x: Tensor, panels: Sequence, gaps: Sequence[tuple[float, float]]) -> ndarray:
    """Densities above; D as several trainings learned it, and the best D, below.  -> Axes, (2, 2)

    panels: two of (title, p (m,), q (m,), learned D (trainings, m), best D (m,)); gaps: where the second has no mass.
    """
    fig, axes = plt.subplots(2, 2, figsize=(8, 4.2), sharex=True, height_ratios=(1, 1.5))
    for (top, bottom), (title, p, q, learned, best) in zip(axes.T, panels, strict=True):
        for role, density in (("data", p), ("model", q)):
            top.fill_between(x, density, color=COLORS[role], alpha=0.3, label=role, lw=0)
        label = [f"learned D, {len(learned)} seeds", *[""] * (len(learned) - 1)]
        bottom.plot(x, learned.T, color=COLORS["D"], lw=1, label=label)
        bottom.plot(x, best, color=COLORS["truth"], lw=1.4, ls="--", label="best D")
        top.set_title(title)
        bottom.set(xlabel="x", ylim=(-0.03, 1.08))
    for ax in axes[:, 1]:
        for low, high in gaps:
            ax.axvspan(low, high, color=COLORS["guide"], alpha=0.12, lw=0)
    axes[0, 0].set(ylabel="density", xlim=(float(x[0]), float(x[-1])))
    axes[1, 0].set_ylabel("D(x)")
    axes[0, 0].legend(loc="upper left")
    axes[1, 0].legend(loc="upper center", fontsize=8)
    return axes


def largest_value(t: Tensor, along: Tensor, shifts: Tensor, widths: Tensor, best: Tensor) -> ndarray:
    """max V along a shift t (m,) between its bounds; and as a map over shifts (k,) and widths (l,): best (l, k)."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.2))
    for height, text, place in ((0.0, "0: disjoint", "bottom"), (SHRUG, "−2 log 2: equal", "bottom")):
        left.axhline(height, color=COLORS["guide"], ls="--", lw=1.3)
        left.text(float(t[-1]), height + 0.02, text, color=COLORS["guide"], ha="right", va=place, size=8.5)
    left.plot(t, along, color=COLORS["truth"])
    left.set(xlabel="shift $t$", ylabel="$\\max_D V$", title="$q = N(t, 1)$", ylim=(SHRUG - 0.1, 0.17))
    image = right.contourf(shifts, widths, best, 14, cmap="cividis")
    right.plot(0, 1, "*", color=PAPER, ms=11)
    right.set(xlabel="shift $t$", ylabel="width $s$", title="$q = N(t, s^2)$")
    right.grid(False)
    fig.colorbar(image, ax=right, label="$\\max_D V$")
    return fig.axes


def value_explorer(left: Axes, right: Axes) -> Callable[..., str]:
    """Densities and D on the left, p log D + q log(1 - D) on the right, for data N(0, 1): returns what moves them."""
    dx = 0.005
    grid = torch.arange(-15, 15 + dx, dx, dtype=torch.float64)
    p = Normal()
    p_x, at = p.log_prob(grid).exp(), ((grid > -6) & (grid < 6)).nonzero()[::8, 0]  # enough points for a picture
    x = grid[at]
    left.plot(x, p_x[at], color=COLORS["data"], label="data")
    (model,) = left.plot(x, p_x[at], color=COLORS["model"], label="model")
    looks = {"best D": {"color": COLORS["truth"], "ls": "--"}, "D with offset": {"color": COLORS["D"]}}
    lines = [[ax.plot(x, x, label=name, **look)[0] for ax in (left, right)] for name, look in looks.items()]
    left.set(xlabel="x", ylabel="density, or D(x)", ylim=(0, 1.4), xlim=(-6, 6))
    right.set(xlabel="x", ylabel="$p \\log D + q \\log(1 - D)$", xlim=(-6, 6))
    for ax in (left, right):
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, columnspacing=1)

    def update(mean_of_the_model: float, sd_of_the_model: float, offset_of_the_score: float) -> str:
        log_q = Normal(mean_of_the_model, sd_of_the_model).log_prob(grid)
        q_x, best = log_q.exp(), p.log_prob(grid) - log_q
        scores = best, best + offset_of_the_score
        model.set_ydata(q_x[at])
        brackets = [p_x * logsigmoid(s) + q_x * logsigmoid(-s) for s in scores]
        for (on_left, on_right), s, bracket in zip(lines, scores, brackets, strict=True):
            on_left.set_ydata(torch.sigmoid(s)[at])
            on_right.set_ydata(bracket[at])
        deepest = 2.0 ** math.ceil(math.log2(max(0.8, -float(brackets[1].min())) / 0.8))
        if right.get_ylim()[0] != -0.8 * deepest:  # few values: a curve falls, not its axis
            right.set_ylim(-0.8 * deepest, 0.05 * deepest)
        most, value = (float(bracket.sum()) * dx for bracket in brackets)
        limit, right_now = (float(torch.where(s > 0, p_x, q_x).sum()) * dx / 2 for s in scores)
        side = "above" if value > SHRUG else "below"
        return (
            f"JS is {(most - SHRUG) / 2:.3f}. V is {value:.3f}, {side} -2 log 2 = {SHRUG:.3f}; the best is {most:.3f}. "
            f"This D is right in {right_now:.1%} of the cases, the best D in {limit:.1%}."
        )

    return update


def three_generators(three: Tensor, a: Tensor, values: Tensor, t: Tensor, landscape: Tensor) -> ndarray:
    """V against the discriminator a (m,) for three shifts: values (3, m).  V over shifts t (k,) and a: (k, m).

    On the left the heights that theory gives to the peaks; on the right what each player does, and the saddle.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6))
    p, low = Normal(), -2.4
    image = right.contourf(t, a, landscape.T.clamp(min=low), torch.linspace(low, 0, 17), cmap=PALE)
    thin = {"colors": COLORS["guide"], "linewidths": 0.35, "linestyles": "solid"}
    right.contour(t, a, landscape.T, torch.linspace(low, 0, 17), **thin)
    for i, (shift, ls) in enumerate(zip(three, ("-", "--", ":"), strict=True)):
        look, peak = {"color": COLORS["G"], "ls": ls}, int(values[i].argmax())
        left.plot(a, values[i], **look, label=f"$G_{i + 1}$: t = {shift:g}")
        exact = float(2 * divergences.js(p, Normal(float(shift)))) + SHRUG
        left.plot([float(a[0]), float(a[peak])], [exact, exact], color=COLORS["truth"], lw=0.8)
        right.axvline(float(shift), **look, lw=1.4)
        for ax, place in ((left, (a[peak], values[i, peak])), (right, (shift, shift))):
            ax.plot(*place, "o", color=COLORS["G"], zorder=3)
        right.text(float(shift), 4.05, f"$G_{i + 1}$", color=COLORS["G"], ha="center", va="bottom", size=9)
    left.set(xlabel="discriminator $a$", ylabel="$V$", ylim=(-2.6, -0.3), xlim=(float(a[0]), float(a[-1])))
    left.set_title("three generators, each against all $D_a$", pad=17)
    left.legend(loc="lower center", fontsize=8.5)
    ridge = t[t >= a[0]]
    right.plot(ridge, ridge, color=COLORS["D"], lw=2)
    ground = {"fc": PAPER, "ec": "none", "pad": 1.5, "alpha": 0.85}
    right.text(0.15, -0.62, "best answer $a = t$", color=COLORS["D"], size=8.5, bbox=ground)
    right.plot(0, 0, "*", color=COLORS["truth"], ms=13, zorder=4)
    right.text(-0.15, 0.22, "saddle", color=COLORS["truth"], size=8.5, ha="right", bbox=ground)
    head = {"arrowstyle": "-|>", "lw": 1.6, "mutation_scale": 13}
    for start in (0.25, 3.05):  # D climbs to the ridge
        stop = 1.8 + 0.45 * math.copysign(1, start - 1.8)
        right.annotate("", (1.95, stop), (1.95, start), arrowprops=head | {"color": COLORS["D"]})
    down = head | {"color": COLORS["G"], "lw": 2.4, "shrinkA": 0, "shrinkB": 0, "zorder": 5}
    right.annotate("", (0.3, 0.3), (1.35, 1.35), arrowprops=down)  # G walks it down
    right.text(-2.9, 3.45, "$D$ climbs to the ridge,\n$G$ walks it down", size=8.5)
    right.set(xlabel="generator: shift $t$", ylabel="discriminator $a$", ylim=(float(a[0]), float(a[-1])))
    right.set_title("$V$ from above", pad=17)
    right.grid(False)
    fig.colorbar(image, ax=right, label="$V$ (darkest: below −2.4)", ticks=torch.linspace(low, 0, 7))
    return fig.axes


def envelope(t: Tensor, L: Tensor, several: Tensor, one: Tensor, marks: Mapping[str, tuple[float, float]]) -> ndarray:
    """max V over all D, L (m,), with V of several fixed D (m, k) on the left, with that of one (m,) on the right.

    marks: {text: (t, height)}, moments of G on the right.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.3), sharex=True, sharey=True)
    left.plot(t, several, color=COLORS["D"], lw=1, label=["each with one fixed $D$", *[""] * (several.shape[1] - 1)])
    left.plot(t, several.max(1).values, color=COLORS["G"], lw=2.4, alpha=0.7, label="maximum of these six")
    left.plot(t, L, color=COLORS["truth"], ls="--", label="$L$: maximum over all $D$")
    touch = (L[:, None] - several).argmin(0)
    left.plot(t[touch], L[touch], "o", color=COLORS["truth"], ms=4, zorder=4)
    right.plot(t, L, color=COLORS["truth"], label="$L(t)$, the truth")
    right.plot(t, one, color=COLORS["D"], label="$V(t, D_2)$, what $G$ sees")
    for text, place in marks.items():
        right.plot(*place, "o", color=COLORS["G"])
        right.annotate(text, place, (0, -15), textcoords="offset points", ha="center", size=8.5)
    left.set(xlabel="shift $t$", ylabel="$V$", ylim=(-3, 0.95), title="$L$ is the rim of all fixed $D$")
    right.set(xlabel="shift $t$", title="a fixed $D$ is right only nearby")
    for ax in (left, right):
        ax.legend(loc="upper center", fontsize=8.5)
    return fig.axes


def shifts_and_divergences(paths: Mapping[str, Tensor], js: Mapping[str, Tensor], last: int = 40) -> ndarray:
    """Shift t above and exact JS below, over the rounds, of several games: {setting: (rounds, games)}.  -> Axes, (2, k)

    Of the last setting, which jumps, only the `last` rounds: games that are far out in it are drawn dashed.
    """
    cut = 6.0
    axes = plt.subplots(2, len(paths), figsize=(8.2, 3.8), sharey="row", squeeze=False)[1]
    for (top, bottom), (name, path) in zip(axes.T, paths.items(), strict=True):
        final = name == list(paths)[-1]
        first = max(0, len(path) - last) if final else 0
        rounds = range(first, len(path))
        for game in range(path.shape[1]):
            far = bool(path[-1, game].abs() > 5)
            look = {"lw": 0.9, "ls": "--" if far else "-", "alpha": 1 if far or not final else 0.6}
            top.plot(rounds, path[first:, game].clamp(-cut, cut), color=COLORS["G"], **look)
            bottom.plot(rounds, js[name][first:, game], color=COLORS["truth"], **look)
        if final:
            name += f",\nthe last {len(path) - first} rounds"
            away = int((path[-1].abs() > 5).sum())
            if away:
                top.text(
                    0.5, 0.8, f"{away} games far out", color=COLORS["G"], size=8.5, ha="center", transform=top.transAxes
                )
        top.axhline(0, color=COLORS["data"], lw=1, ls="--", zorder=3)
        bottom.axhline(math.log(2), color=COLORS["guide"], ls=":")
        top.set_title(name, size=9.5)
        top.tick_params(labelbottom=False)
        bottom.set_xlabel("round")
    axes[0, 0].set(ylabel="shift $t$ (cut at ±6)", ylim=(-cut - 0.4, cut + 0.4))
    axes[1, 0].set(ylabel="JS, exact", ylim=(-0.04, 0.8))
    axes[1, 0].text(0.04, math.log(2) - 0.03, "log 2", size=8.5, va="top", color=COLORS["guide"],
                    transform=axes[1, 0].get_yaxis_transform())  # fmt: skip
    return axes


def functions_and_weights(
    x: Tensor, p: Tensor, densities: Mapping[int, Tensor], share: Tensor, sags: Tensor, mixing: Tensor, moving: Tensor
) -> ndarray:
    """A game of densities {step: q (m,)}; V between nets and their twins (nets, k); max V on two ways of G (k,)."""
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(8.2, 2.8))
    for i, q in densities.items():
        left.plot(x, q, color=COLORS["model"], alpha=0.25 + 0.09 * i, lw=1.2)
    left.plot(x, p, color=COLORS["data"], ls="--", label="data")
    left.set(xlim=(-4, 6), xlabel="x", ylabel="density", title="densities: by halves")
    left.legend(loc="upper left", fontsize=8.5)
    middle.plot(share, sags.T, color=COLORS["D"], lw=1.2)
    middle.set(xlabel="from D (0) to its twin (1)", ylabel="$V$", title="$D$'s weights: not concave")
    right.plot(share, mixing, color=COLORS["model"])
    right.text(0.4, -1.25, "mixing densities", color=COLORS["model"], size=8.5)
    right.plot(share, moving, color=COLORS["G"])
    right.text(0.02, -0.2, "moving t", color=COLORS["G"], size=8.5)
    right.plot([0, 1], [mixing[0], mixing[-1]], color=COLORS["guide"], ls=":")
    right.set(xlabel="from N(0, 1) to N(6, 1)", ylabel="$\\max_D V$", title="$G$'s weights: not convex")
    return fig.axes


def fixed_and_memorising(means: Mapping[int, Tensor], steps: Tensor, fits: Tensor, best: float) -> ndarray:
    """Means of V over n draws for a fixed D, {n: (many,)}; and V of nets that learn on few points: fits (nets, k, 2).

    The last axis of fits: what the net believes, and what is true.  best: the exact max V.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.2))
    for (n, found), role in zip(means.items(), ("estimate", "second"), strict=False):
        left.hist(found, bins=60, density=True, color=COLORS[role], alpha=0.6, label=f"n = {n}")
    left.set(xlabel="mean over n draws", ylabel="density", title="a fixed D: fair estimates")
    looks = {"on its own 40 points": COLORS["estimate"], "true V of this D": COLORS["truth"]}
    for (label, color), values in zip(looks.items(), fits.permute(2, 1, 0), strict=True):
        right.plot(steps, values, color=color, label=[label, *[""] * (values.shape[1] - 1)])
    for ax, line in ((left, left.axvline), (right, right.axhline)):
        line(best, color=COLORS["guide"], ls="--", label="max V, exact")
        if ax is right:
            ax.axhline(SHRUG, color=COLORS["guide"], ls=":", label="−2 log 2: a shrug")
        ax.legend(fontsize=8.5)
    right.set(xlabel="step of D", ylabel="V", ylim=(-3, 0), title="D trained on few points: flattered")
    return fig.axes


def games_of_networks(
    x: Tensor, densities: Mapping[str, Tensor], draws: Mapping[str, Tensor], truths: Tensor, history: Sequence
) -> ndarray:
    """Data and model after a game; max V and V of D in several; the losses of the first.

    densities: {role: (m,)} over x; draws: {role: (n,)}; truths: (games, records, 3), a row is (step, max V, V of D).
    """
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(8.8, 3), width_ratios=(1.1, 1, 1))
    bars = {"bins": 60, "range": (-4, 5), "density": True, "alpha": 0.3}
    for role, density in densities.items():
        left.hist(draws[role], **bars, color=COLORS[role])
        left.plot(x, density, color=COLORS[role], label=role)
    left.set(xlabel="x", ylabel="density", xlim=(-4, 5), ylim=(0, 0.8), title="the first game, at its end")
    left.legend()
    n, best, current = truths.permute(2, 1, 0)  # each (records, games)
    blanks = [""] * (best.shape[1] - 1)
    middle.plot(n, best, color=COLORS["truth"], lw=1.2, label=["max V, exact", *blanks])
    middle.plot(n, current, color=COLORS["D"], lw=1.2, label=["V of this D, exact", *blanks])
    middle.axhline(SHRUG, color=COLORS["guide"], ls="--", label="−2 log 2")
    middle.set(xlabel="step", ylabel="V", ylim=(-1.46, -1.12), title="three games")
    middle.legend(fontsize=8, loc="upper right")
    loss_history(right, history)
    for height, text in ((-SHRUG, "2 log 2"), (SHRUG / 2, "−log 2")):
        right.axhline(height, color=COLORS["guide"], ls="--", lw=1.3, zorder=1.9)
        right.text(0.97, height + 0.04, text, color=COLORS["guide"], size=8.5, ha="right", va="bottom",
                   transform=right.get_yaxis_transform())  # fmt: skip
    right.set(title="losses, first game", ylabel="loss")
    right.legend(fontsize=8, loc="center right")
    return fig.axes


# What the ledger checks: rows of (claim, expected, found, tolerance, more), more for `Ledger.add`.

Facts = list[tuple[str, float | tuple[float, float], float, float, dict]]


def loop_facts(paths: Mapping[str, Tensor], js: Mapping[str, Tensor]) -> Facts:
    """Of the loop by hand: shifts (rounds, games) and their JS, by setting."""
    limits = {"slow G, k = 1": (-0.8, -0.2), "fast G, k = 1": (-1.8, -0.8), "fast G, k = 10": (-0.15, 0)}
    says = {
        "fast G, k = 1": "A fast G with one step of D runs past 0: its lowest shift ...",
        "fast G, k = 10": "... and that of the same G with ten steps of D: it hardly does.",
    }
    trained, shown = {"needs_training": True}, {"shown_only": True}
    rows: Facts = [
        (f"lowest shift, {name}", between, float(paths[name].min()), 0, trained | {"says": says.get(name, "")})
        for name, between in limits.items()
    ]
    at_rest = max(float(paths[name][-1].abs().max()) for name in limits)
    rows.append(("farthest from 0 at the end, these three", (0, 0.25), at_rest, 0, trained))
    huge, its_js = paths["huge steps, k = 10"], js["huge steps, k = 10"][-100:]
    far = huge[-1].abs() > 5
    out = float(its_js[-1][far].mean()) / math.log(2)
    others = float(its_js.mean(0)[~far].mean())
    rows += [
        ("huge steps: games far out at the end, of eight", (1, 7), int(far.sum()), 0, shown),
        ("JS of these / log 2, mean", (0.99, 1), out, 0, shown),
        ("JS of the others, mean of the last 100 rounds", (0.05, 0.5), others, 0, shown),
    ]
    return rows


def laboratory_facts(stands: Sequence[tuple]) -> Facts:
    """Of one player alone: for three seeds and three stages each (seed, players, D right, limit, JS, G's loss)."""
    right, limit, js, loss = torch.tensor([row[2:] for row in stands]).view(-1, 3, 4).unbind(2)
    behind, rises = limit - right, js[:, 2] / js[:, 1]
    trained = {"needs_training": True}
    jumps = trained | {"says": "Ten moves of G alone multiply JS (at least) by ..."}
    return [
        ("D behind its limit while both play, least of three", (0.05, 0.5), behind[:, 0].min(), 0, trained),
        ("and after D has moved alone, worst of three", 0, behind[:, 1].abs().max(), 0.03, trained),
        ("JS after ten moves of G alone / before, least of three", (1.5, 5), rises.min(), 0, jumps),
        ("what G pays after these moves - before, largest", (-5, 0), (loss[:, 2] - loss[:, 1]).max(), 0, trained),
        ("D is right after these moves, most of three", (0, 0.55), right[:, 2].max(), 0, trained),
        ("and the best D would be, least of three", (0.9, 1), limit[:, 2].min(), 0.02, trained),
    ]
