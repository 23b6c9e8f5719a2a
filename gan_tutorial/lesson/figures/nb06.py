"""Figures of notebook 06: functions of ratios, tangents, bounds, fitted Gaussians, remedies, losses.

Arrays and functions in, Axes out.  `name` is always that of an objective ("kl"): it has the colour of that objective.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes

from gan_tutorial.lesson.figures import COLORS, OBJECTIVES, objective_title
from gan_tutorial.truth.densities import Density, Normal
from gan_tutorial.truth.divergences import expectation, f_divergence
from gan_tutorial.truth.quadrature import integrate

Curve = Callable[[torch.Tensor], torch.Tensor]  # elementwise

LINES = {
    "reverse_kl": "--",
    "pearson": "-.",
    "jensen_shannon": ":",
    "jeffreys": (0, (5, 1, 1, 1)),
    "squared_hellinger": "-.",
    "total_variation": "--",
}


def look(name: str, label: bool = True) -> dict[str, Any]:
    """How the line of an objective is drawn: colour, kind of line and, if wanted, its name in words."""
    style = {"color": OBJECTIVES[name], "linestyle": LINES.get(name, "-")}
    return style | {"label": objective_title(name)} if label else style


def title(name: str) -> str:
    """In words, for "kl", "gentle kl" or "kl, trick"."""
    objective, _, how = name.partition(", ")
    return objective_title(objective.replace(" ", "_")) + (f", with the {how}" if how else "")


# ---- What the pictures need: a bound, exactly ---------------------------------------------------------------------


def one_of(D, k: int, K: int) -> Curve:
    """Network k of the K side by side in D, as a function of the line.  (m,) -> (m,), float64"""

    def score_at(x):
        rows = torch.zeros(len(x), K)
        rows[:, k] = x.float()
        with torch.no_grad():
            return D(rows.view(-1, 1)).view(-1, K)[:, k].double()

    return score_at


def exact_bound(objective, score: Curve, p: Density, q: Density) -> float:
    """E_p T - E_q f*(T) by quadrature, where d_real = -T, d_fake = f*(T) and score(x) is what D says at x."""
    from_data = expectation(p, lambda x: -objective.d_real(score(x)))
    return float(from_data - expectation(q, lambda x: objective.d_fake(score(x))))


# ---- f, its tangents, and the bound -------------------------------------------------------------------------------


def weighed_ratios(curves: Mapping[str, Curve], p: Density, q: Density) -> np.ndarray:
    """Left the functions f, in the middle p, q and p/q, right what each f makes of them: q f(p/q).  -> three Axes"""
    axes = plt.subplots(1, 3, figsize=(10, 3.2))[1]
    u, x = torch.linspace(0.01, 3, 300), torch.linspace(-4, 6, 401)
    ratio = (p.log_prob(x) - q.log_prob(x)).exp()
    for name, f in curves.items():
        axes[0].plot(u, f(u), **look(name))
        axes[2].plot(x, q.log_prob(x).exp() * f(ratio), **look(name))
    axes[0].plot(1, 0, "o", color=COLORS["truth"], markersize=5, zorder=3)
    axes[0].set(xlabel="ratio u", title="f(u)", ylim=(-0.6, 3))
    axes[0].legend(fontsize=8)
    axes[1].plot(x, p.log_prob(x).exp(), color=COLORS["data"], label="p, data")
    axes[1].plot(x, q.log_prob(x).exp(), color=COLORS["model"], linestyle="--", label="q, samples")
    axes[1].plot(x, ratio / 5, color=COLORS["truth"], linewidth=1, label="p / q, divided by 5")
    axes[1].set(xlabel="x", title="two densities and their ratio", ylim=(0, 0.56))
    axes[1].legend(fontsize=8)
    axes[2].axhline(0, color=COLORS["guide"], linewidth=1)
    axes[2].set(xlabel="x", title="q(x) f(p(x) / q(x))")
    return axes


def tangents(f: Curve, slopes, touch, t, found) -> np.ndarray:
    """KL's f with tangents of some slopes, which touch at the ratios `touch`; and how deep they cross.  -> two Axes

    slopes, touch: (3,), for KL `touch` is the depth as well; t: slopes (m,); found: the largest t u - f(u), (m,).
    """
    left, right = axes = plt.subplots(1, 2, figsize=(9, 3.4))[1]
    shown = torch.linspace(1e-4, 3, 300, dtype=torch.float64)
    left.plot(shown, f(shown), color=OBJECTIVES["kl"], label="f(u) = u log u")
    right.plot(t, (t - 1).exp(), color=COLORS["truth"], linestyle="--", label=r"$e^{t-1}$")
    right.plot(t, found, ".", color=COLORS["estimate"], label="largest on the grid")
    for slope, at, marker in zip(slopes, touch, "osD", strict=True):
        depth = at
        left.plot([0, 3], [-depth, 3 * slope - depth], color=COLORS["guide"], linewidth=1.2)
        left.plot(at, f(at), marker, color=OBJECTIVES["kl"])
        left.plot(0, -depth, marker, color=COLORS["truth"], clip_on=False, zorder=5)
        right.plot(slope, depth, marker, color=COLORS["truth"], zorder=5)
    left.set(xlabel="ratio u", ylim=(-2.4, 3.4), xlim=(0, 3), title="tangents, and where they cross the axis")
    right.set(xlabel="slope t", ylabel="f*(t)", title="the depth of the crossing")
    left.legend(loc="upper left")
    right.legend()
    return axes


def staircases(ax: Axes, stairs: Sequence[int], bounds: Mapping[str, Any], exact: Mapping[str, float]) -> Axes:
    """The best bound over the number of steps that T may have, and the exact divergences, dotted."""
    for name, values in bounds.items():
        ax.plot(stairs, values, marker="o", markersize=3.5, **look(name))
        ax.axhline(exact[name], color=OBJECTIVES[name], linewidth=1, linestyle=":")
    ax.set(xlabel="steps of the staircase T", ylabel="best lower bound", xscale="log")
    ax.set_xticks(stairs, stairs)
    ax.minorticks_off()
    ax.legend(loc="lower right")
    return ax


def by_heart(ax: Axes, steps, believed, exact, divergence: float) -> Axes:
    """What D's on few points believe of a divergence, and what is true of the same D's.  steps (n,), others (n, K)"""
    says = ax.plot(steps, believed, color=COLORS["estimate"])
    says[0].set_label("what D believes, on its own 100 points")
    holds = ax.plot(steps, exact, "--", color=COLORS["D"])
    holds[0].set_label("the exact bound of the same D")
    ax.axhline(divergence, color=COLORS["truth"], linestyle=":", label="the divergence, 2 JS")
    ax.set(xlabel="step", ylabel="bound on 2 JS")
    ax.legend(fontsize=8, loc="lower left")
    return ax


# ---- Play: a tangent at every ratio -------------------------------------------------------------------------------


def tangent_at(f: Curve, touch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """f and f' at the ratios `touch`."""
    touch = touch.detach().requires_grad_()
    value = f(touch)
    return value.detach(), torch.autograd.grad(value.sum(), touch)[0]


def integrands(f: Curve, p: Density, q: Density, a: float, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """At the places x: q f(p/q), and what the tangents at (p/q)^a make of it."""
    lp, lq = p.log_prob(x), q.log_prob(x)
    touch = (a * (lp - lq)).clamp(-60, 60).exp()
    value, slope = tangent_at(f, touch)
    return lq.exp() * f((lp - lq).exp()), slope * lp.exp() + (value - slope * touch) * lq.exp()


def bound_of(f: Curve, p: Density, q: Density, a: float) -> tuple[float, float]:
    """The divergence D_f(p || q), and the bound of a D that believes in (p/q)^a."""
    bound = integrate(lambda x: integrands(f, p, q, a, x)[1], [*p.knots(), *q.knots()])
    return float(f_divergence(f, p, q)), float(bound)


def tangent_explorer(curves: Mapping[str, Curve], p: Density) -> Callable:
    """For `explore(..., panels=2)`: f with the tangent that D uses, and both integrands over all x.

    curves: {what the menu says: f}.  The sliders are divergence, middle_of_q, confidence_a and place_x.
    """

    def draw(left, right):
        curve, integrand = _curve_on(left), _integrand_on(right, p)
        left.figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5)

        def update(divergence, middle_of_q, confidence_a, place_x):
            f, q, a = curves[divergence], Normal(middle_of_q, 1.5), confidence_a
            x = torch.tensor([place_x], dtype=torch.float64)
            r = (p.log_prob(x) - q.log_prob(x)).exp()
            curve(f, r, r**a)
            integrand(f, q, a, x)
            out = " (not all of it is in the picture)" if max(r, r**a, f(r), f(r**a)) > 4 else ""
            here = f"At x the ratio is {float(r):.3f}, D believes {float(r**a):.3f}{out}."
            whole, bound = (round(v, 6) + 0.0 for v in bound_of(f, p, q, a))
            lost = f"{whole - bound:.4f} is lost" if whole > bound else "nothing is lost"
            return f"{here} The divergence is {whole:.4f}, the bound {bound:.4f}: {lost}."

        return update

    return draw


def _curve_on(ax: Axes) -> Callable:
    # f with the tangent that D uses -> how to redraw them
    u = torch.linspace(0.01, 4, 300, dtype=torch.float64)
    (curve,) = ax.plot(u, u, color=COLORS["truth"], label="exact")
    (line,) = ax.plot(u, u, "--", color=COLORS["D"], label="with D's tangents")
    ring_look = {"color": COLORS["D"], "markersize": 9, "markerfacecolor": "none"}
    (ring,) = ax.plot([], [], "o", label="ratio that D believes", **ring_look)
    (dot,) = ax.plot([], [], "o", color=COLORS["truth"], label="ratio at x")
    (gap,) = ax.plot([], [], color=COLORS["estimate"], linewidth=2.5, label="lost")
    ax.set(xlabel="ratio u", ylabel="f(u)", title="the function f", xlim=(0, 4), ylim=(-2.5, 4))

    def redraw(f, r, believed):
        value, slope = tangent_at(f, believed)
        below, above = float(value + slope * (r - believed)), float(f(r))
        curve.set_ydata(f(u))
        line.set_ydata(value + slope * (u - believed))
        ring.set_data(believed, value)
        dot.set_data(r, [above])
        gap.set_data([float(r)] * 2, [below, above])

    return redraw


def _integrand_on(ax: Axes, p: Density) -> Callable:
    # both integrands over all places, and the gap at one of them -> how to redraw them
    wide = torch.linspace(-6, 8, 281, dtype=torch.float64)
    ax.axhline(0, color=COLORS["guide"], linewidth=1)
    (exact,) = ax.plot(wide, wide, color=COLORS["truth"])
    (lower,) = ax.plot(wide, wide, "--", color=COLORS["D"])
    shade = ax.fill_between(wide, 0 * wide, 0 * wide, color=COLORS["estimate"], alpha=0.25)
    (gap,) = ax.plot([], [], color=COLORS["estimate"], linewidth=2.5)
    (dot,) = ax.plot([], [], "o", color=COLORS["truth"])
    ax.set(xlabel="place x", ylabel="q(x) f(p(x) / q(x))", title="the integrand")
    ax.set(xlim=(-6, 8), ylim=(-0.5, 0.8))

    def redraw(f, q, a, x):
        top, bottom = integrands(f, p, q, a, wide)
        exact.set_ydata(top)
        lower.set_ydata(bottom)
        shade.set_data(wide.numpy(), bottom.numpy(), top.numpy())
        above, below = (float(v) for v in integrands(f, p, q, a, x))
        gap.set_data([float(x)] * 2, [below, above])
        dot.set_data(x, [above])

    return redraw


# ---- Models that are too simple, supports that do not meet --------------------------------------------------------


def fitted(ax: Axes, data: Density, best: Mapping[str, Sequence[float]]) -> Axes:
    """A density of the data, and the Gaussian (divergence, mean, sd) that each objective finds best."""
    x = torch.linspace(-4, 7, 500)
    ax.fill_between(x, 0 * x, data.log_prob(x).exp(), color=COLORS["data"], alpha=0.2, linewidth=0, label="data")
    for name, (_, mean, sd) in best.items():
        ax.plot(x, Normal(mean, sd).log_prob(x).exp(), **look(name))
    ax.set(xlabel="x", ylabel="density")
    ax.legend()
    return ax


def cups(ax: Axes, shifts, values: Mapping[str, Any]) -> Axes:
    """Divergences of two blocks over the shift of one of them; KL is finite at no shift only."""
    for name, heights in values.items():
        ax.plot(shifts, heights, **look(name, label=False))
        ax.text(float(shifts[-1]), heights[-1] + 0.06, _cup(name), color=OBJECTIVES[name], ha="right")
    ax.plot(0, 0, "o", color=OBJECTIVES["kl"], zorder=3)
    arrow = {"arrowstyle": "->", "color": COLORS["guide"]}
    said = "KL: 0 here, infinite elsewhere"
    ax.annotate(said, (0, 0), (0.72, 0.1), color=OBJECTIVES["kl"], arrowprops=arrow)
    ax.set(xlabel="shift of the second block", ylabel="divergence", ylim=(-0.1, 2.3))
    return ax


def _cup(name: str) -> str:
    return "2 JS" if name == "jensen_shannon" else objective_title(name)


# ---- Remedies -----------------------------------------------------------------------------------------------------


def noise(distances, js: Mapping[float, Any], sds, slopes, useful: Sequence[float]) -> np.ndarray:
    """JS of two points over their distance, for some sd of noise; and its slope at distance 1 over the sd.

    distances (n,) from 0 on; js: {sd: (n,)}; sds, slopes (m,); useful: where the shade begins and ends.  -> two Axes
    """
    left, right = axes = plt.subplots(1, 2, figsize=(9.4, 3.3))[1]
    both = [*-distances[:0:-1], *distances]
    for (s, half), line in zip(js.items(), (":", "-", "--", "-."), strict=True):
        left.plot(both, [*half[:0:-1], *half], color=OBJECTIVES["jensen_shannon"], linestyle=line, label=f"noise {s}")
    left.set(xlabel="distance d of the two points", ylabel="JS", ylim=(-0.03, 0.95))
    left.legend(fontsize=8, ncols=2, loc="upper center")
    right.semilogx(sds, slopes, color=COLORS["truth"])
    right.axvspan(*useful, color=COLORS["guide"], alpha=0.12, linewidth=0)
    right.text(float(np.sqrt(useful[0] * useful[1])), 0.02, "useful", ha="center", color=COLORS["guide"])
    right.set(xlabel="noise s", ylabel="slope of JS at d = 1")
    _ticks(right, (0.05, 0.1, 0.25, 0.5, 1, 2, 4))
    return axes


def best_scores(ax: Axes, s, scores: Mapping[str, Any]) -> Axes:
    """The best score over log p/q, for plain labels and for mixed ones: {what was done: (m,)}."""
    lines = ({"color": COLORS["guide"], "linestyle": ":"}, {"color": COLORS["D"]}, {"color": COLORS["D"], "ls": "--"})
    for (name, values), line in zip(scores.items(), lines, strict=True):
        ax.plot(s, values, label=name, **line)
    ax.set(xlabel="log p/q", ylabel="best score", ylim=(-6, 6))
    ax.legend()
    return ax


def spikes(paths: Mapping[str, Any]) -> np.ndarray:
    """Where the samples are over the steps, a panel for each variant: {variant: [(step, (K,)), ...]}.  -> Axes"""
    axes = plt.subplots(1, len(paths), figsize=(10.4, 2.7), sharey=True)[1]
    for ax, (name, path) in zip(axes, paths.items(), strict=True):
        ax.axhline(0, color=COLORS["data"], linewidth=1.5)
        ax.plot([n for n, _ in path], torch.stack([theta for _, theta in path]), color=COLORS["model"], linewidth=1)
        ax.set_title(name, fontsize=9)
        ax.set(xlabel="step", ylim=(-0.12, 1.08))
    axes[0].set_ylabel(r"$\theta$ (data are at 0)")
    return axes


def spikes_by_noise(ax: Axes, reached: Mapping[float, Any], useful: Sequence[float]) -> Axes:
    """Where the samples are after a number of steps, over the noise: {sd: (K,)}; `useful` is shaded."""
    for s, theta in reached.items():
        ax.plot([s] * len(theta), theta, "o", markersize=4, color=COLORS["model"], alpha=0.7)
    ax.axvspan(*useful, color=COLORS["guide"], alpha=0.12, linewidth=0)
    ax.axhline(0, color=COLORS["data"], linewidth=1.5)
    ax.set(xscale="log", xlabel="noise s", ylabel=r"$\theta$ (data are at 0)", ylim=(-0.12, 1.05))
    _ticks(ax, list(reached))
    return ax


def _ticks(ax: Axes, places: Sequence[float]) -> None:
    ax.set_xticks(places, places)
    ax.minorticks_off()


# ---- Losses that shoot up -----------------------------------------------------------------------------------------

STRETCH = 10  # steps


def peaks(losses: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The largest |loss| in each stretch of ten steps.  (n,) -> last steps, sizes

    The loss itself changes sign again and again, and on a logarithmic axis its size then dips without a meaning.
    """
    parts = losses.abs().split(STRETCH)
    return np.cumsum([len(part) for part in parts]), np.array([float(part.max()) for part in parts])


def sizes(ax: Axes, rows: Sequence[torch.Tensor], **style: Any) -> Axes:
    """How large D's loss gets, a line for each seed: the largest size in each ten steps, logarithmic."""
    for losses in rows:
        ax.plot(*peaks(losses), linewidth=1.2, marker=".", markersize=3, **style)
        style.pop("label", None)
    ax.set(xlabel="step", yscale="log", yticks=(0.01, 1, 100, 1e4, 1e6), ylim=(0.01, 1e6))
    ax.minorticks_off()
    return ax


def all_sizes(played: Mapping[str, Sequence[torch.Tensor]]) -> np.ndarray:
    """`sizes` of each game in a panel of its own: {"kl" or "kl, trick": losses of its seeds}.  -> Axes"""
    axes = plt.subplots(1, len(played), figsize=(10.4, 2.9), sharey=True)[1]
    for ax, (name, rows) in zip(axes, played.items(), strict=True):
        sizes(ax, rows, color=OBJECTIVES[name.partition(", ")[0]])
        ax.set_title(title(name).replace(", ", ",\n"), fontsize=9)
    axes[0].set_ylabel("largest |D's loss| in ten steps")
    return axes


def two_activations(s, usual, gentle, played: Mapping[str, Sequence[torch.Tensor]]) -> np.ndarray:
    """Left D's loss on a sample over its score, for KL and gentle KL; right the sizes of D's loss.  -> two Axes

    s, usual, gentle: (m,); played: losses of the seeds of "kl" and of "gentle kl", without the trick.
    """
    left, right = axes = plt.subplots(1, 2, figsize=(9.2, 3.2))[1]
    for name, loss, line in (("kl", usual, "-"), ("gentle_kl", gentle, "--")):
        style = {"color": OBJECTIVES[name], "linestyle": line, "label": objective_title(name)}
        left.plot(s, loss, **style)
        sizes(right, played[name.replace("_", " ")], **style)
    left.set(xlabel="score s", ylabel="D's loss on a sample", ylim=(0, 20))
    right.set_ylabel("largest |D's loss| in ten steps")
    left.legend()
    right.legend()
    return axes
