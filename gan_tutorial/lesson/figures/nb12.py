"""Figures of notebook 12: estimates of a gradient, words, chains, denoisers, rebuilt clothes, a corridor, a ring.

Arrays in, Axes out.
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

from gan_tutorial.lesson.figures import COLORS, image_grid
from gan_tutorial.truth.densities import Density, Mixture, Normal

# ---- Words --------------------------------------------------------------------------------------------------------


def bias_and_noise(families: Mapping[str, Mapping[str, Sequence[float]]]) -> Axes:
    """|bias| over noise of estimates, both as parts of the exact length.  {family: {label: (bias, noise, chance)}}

    `chance` is how large a bias of 0 looks by chance: the thin line below a mark reaches down to nothing there.
    """
    ax = plt.subplots(figsize=(7.4, 3.9))[1]
    styles = zip(families.items(), ("D", "data", "model", "G"), ("o", "s", "D", "^"), strict=False)
    for (family, found), role, marker in styles:
        bias, noise, chance = np.array([*found.values()]).T
        noise = np.maximum(noise, 0.02)  # none at all: at the left edge
        line = "-" if len(found) > 2 and not (bias < 3 * chance).all() else ""
        ax.plot(noise, bias, marker + line, color=COLORS[role], label=family, linewidth=0.8)
        for label, x, y, c in zip(found, noise, bias, chance, strict=True):
            if y < 3 * c:
                ax.plot([x, x], [y, 1e-3], ":", color=COLORS[role], linewidth=1)
            ax.annotate(label, (x, y), (5, 4), textcoords="offset points", size=8, color=COLORS[role])
    ax.set(xscale="log", yscale="log", ylim=(1e-3, 2), xlim=(0.015, 6))
    ax.set(xlabel="noise of an estimate from 16 draws / exact length", ylabel="|bias| / exact length")
    ax.legend(loc="lower left", fontsize=8.5)
    return ax


def words(shares: Mapping[str, Tensor], letters: str) -> np.ndarray:
    """How often each word of two letters occurs, as a map for each way.  {title: (V, V)}"""
    axes = plt.subplots(1, len(shares), figsize=(1.75 * len(shares), 2.1), squeeze=False)[1][0]
    top = float(next(iter(shares.values())).max())
    for ax, (title, q) in zip(axes, shares.items(), strict=True):
        ax.imshow(q, cmap="Blues" if ax is axes[0] else "Oranges", vmin=0, vmax=top)
        ax.set_title(title.replace(", ", "\n"), size=9)
        ax.set_xticks(range(len(letters)), letters)
        ax.set_yticks(range(len(letters)), letters)
        ax.grid(False)
    axes[0].set(ylabel="first letter", xlabel="second")
    return axes


def words_learned(steps: Sequence[int], tracks: Mapping[str, Any], most: float) -> Axes:
    """Exact JS over the steps: the median of the games, and the range.  {way: (looks, K)}"""
    ax = plt.subplots(figsize=(7.2, 3.3))[1]
    roles = ("D", "data", "model", "G", "estimate", "second")
    for (way, track), role in zip(tracks.items(), roles, strict=False):
        track = np.maximum(np.asarray(track, dtype=float), 1e-4)
        ax.fill_between(steps, track.min(1), track.max(1), color=COLORS[role], alpha=0.12, linewidth=0)
        ax.plot(steps, np.median(track, 1), color=COLORS[role], label=way)
    ax.axhline(most, color=COLORS["truth"], linestyle=":", linewidth=1.2)
    ax.text(steps[-1], 1.1 * most, "always the same word, the best one", ha="right", va="bottom", size=8)
    ax.set(yscale="log", xlabel="step", ylabel="JS to the data's words (nats)", ylim=(1.5e-3, 1.2))
    ax.legend(loc="lower left", fontsize=8, ncols=2)
    return ax


# ---- Chains -------------------------------------------------------------------------------------------------------


def step_sizes(h: Sequence[float], variances: Any, x: Tensor, density: Tensor, chains: Mapping[str, Tensor]) -> Any:
    """Variance of a chain over its step, and its formula; histograms of chains over the density (m,) at x (m,)."""
    left, right = axes = plt.subplots(1, 2, figsize=(8.8, 3.1))[1]
    fine = np.linspace(0.01, 1.8, 200)
    left.plot(fine, 1 / (1 - fine / 2), color=COLORS["truth"], label="1 / (1 − h/2)")
    left.plot(h, variances, "o", color=COLORS["model"], label="measured")
    left.axhline(1, color=COLORS["guide"], linestyle=":", linewidth=1.2)
    left.set(xlabel="step h", ylabel="variance of the chain", title="data: N(0, 1), variance 1", ylim=(0.8, None))
    left.legend(loc="upper left")
    right.plot(x, density, color=COLORS["truth"], label="density of the data")
    for (label, chain), role in zip(chains.items(), ("model", "G"), strict=True):
        right.hist(
            np.asarray(chain),
            bins=np.linspace(-4, 4, 81),
            density=True,
            histtype="step",
            color=COLORS[role],
            label=label,
        )
    right.set(xlabel="x", ylabel="density", title="two modes", ylim=(0, 1.35 * float(density.max())))
    right.legend(loc="upper left", fontsize=8, ncols=2)
    return axes


def chains_explorer(chains: int = 1500, longest: int = 300) -> Callable[[Axes], Callable[..., str]]:
    """Chains that start at the left mode of two: how far they come with a step, so many times, with noise or not."""
    noise = np.random.default_rng(0).standard_normal((longest, chains)).astype(np.float32)
    edges = np.linspace(-5, 5, 61)
    grid = torch.linspace(-5, 5, 301, dtype=torch.float64)

    def draw(ax: Axes) -> Callable[..., str]:
        (line,) = ax.plot([], [], color=COLORS["truth"], label="density: two modes of half the mass each")
        (bars,) = ax.step([], [], where="post", color=COLORS["model"], label="1,500 chains, all begun at the left mode")
        ax.set(xlim=(-5, 5), ylim=(0, 1.1), xlabel="x", ylabel="density")
        ax.legend(loc="upper left", fontsize=8)

        def update(h: float, steps: int, half_distance: float, noise_on: bool) -> str:
            x = np.full(chains, -half_distance, dtype=np.float32)
            for e in noise[:steps]:
                right = 1 / (1 + np.exp(np.clip(-2 * half_distance * x / 0.25, -60, 60)))
                x = x + h * ((2 * right - 1) * half_distance - x) / 0.25
                x = np.clip(x + (2 * h) ** 0.5 * e if noise_on else x, -1e6, 1e6)
            density = Mixture([0.5, 0.5], [Normal(-half_distance, 0.5), Normal(half_distance, 0.5)])
            line.set_data(grid, density.log_prob(grid).exp())
            height = np.histogram(x, edges)[0] / chains / (edges[1] - edges[0])
            bars.set_data(edges, np.append(height, 0))
            spread = x[x < 0].std() if (x < 0).any() else 0.0
            right, inside = (x > 0).mean(), (np.abs(x) < 5).mean()
            return f"right of 0: {right:.0%} (should be 50 %); in the picture: {inside:.0%}; spread left: {spread:.2f}"

        return update

    return draw


def denoisers(x: Tensor, pull: Tensor, exact: Tensor, clean: Tensor, where: Tensor) -> np.ndarray:
    """What denoisers move x by, over the noise's variance, and two exact slopes.  (m,), (m, K), (m,), (m,), (m,)

    `where` is the density of the noisy data: the pale area says where there was something to learn from.
    """
    ax = plt.subplots(figsize=(6.8, 3.3))[1]
    ax.fill_between(x, -6, -6 + 5 * where / where.max(), color=COLORS["data"], alpha=0.12, linewidth=0)
    ax.plot(x, clean, color=COLORS["guide"], linestyle=":", label="slope of the data's log-density")
    ax.plot(x, exact, color=COLORS["truth"], label="slope of the blurred data's")
    for k in range(pull.shape[1]):
        ax.plot(
            x, pull[:, k], "--", color=COLORS["D"], linewidth=1.3, label="denoisers, three seeds" if not k else None
        )
    ax.axhline(0, color=COLORS["guide"], linewidth=0.6)
    ax.set(xlabel="x", ylabel="slope", ylim=(-6, 6), xlim=(float(x[0]), float(x[-1])))
    ax.legend(loc="upper right", fontsize=8)
    return ax


def plugged(chains: Mapping[str, Tensor], centers: Tensor, sd: float, wanted: int, reach: float = 3.4) -> np.ndarray:
    """Points of chains over the three classes; a circle holds three standard deviations.  {title: (n, 2)}"""
    axes = plt.subplots(1, len(chains), figsize=(2.75 * len(chains), 3.0))[1]
    for ax, (title, x) in zip(axes, chains.items(), strict=True):
        for k, center in enumerate(centers):
            role = COLORS["data"] if k == wanted else COLORS["guide"]
            ax.add_patch(
                plt.Circle(center.tolist(), 3 * sd, fill=False, color=role, linewidth=1.8 if k == wanted else 1)
            )
        ax.plot(*np.asarray(x).T, ".", color=COLORS["model"], markersize=2, alpha=0.6)
        ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), xticks=(), yticks=())
        ax.set_title(title, size=9)
    return axes


# ---- D beside other losses ----------------------------------------------------------------------------------------


def rebuilt(rows: Mapping[str, Any], columns: int = 10) -> np.ndarray:
    """A titled row of pictures for each way.  {title: uint8 (n, 28, 28)}"""
    fig, axes = plt.subplots(len(rows), 1, figsize=(0.62 * columns, 0.85 * len(rows)), squeeze=False)
    for ax, (name, x) in zip(axes[:, 0], rows.items(), strict=True):
        image_grid(torch.as_tensor(np.asarray(x))[:columns], ax, columns=columns, title=name)
    return axes[:, 0]


def three_measures(looked: Mapping[str, Any], real: Sequence[float]) -> np.ndarray:
    """Error, edges and FFD of each way at the end, a dot for each seed; dotted: real pictures.  {way: (seeds, 3)}"""
    axes = plt.subplots(1, 3, figsize=(10, 0.9 + 0.33 * len(looked)), sharey=True)[1]
    titles = "error (L1): lower is nearer", "edges: like real is best", "FFD: lower is better"
    for c, (ax, title) in enumerate(zip(axes, titles, strict=True)):
        for row, values in enumerate(looked.values()):
            values = np.asarray(values)[:, c]
            ax.plot(values, row + np.linspace(-0.2, 0.2, len(values)), "o", color=COLORS["model"], markersize=4.5)
        if c:
            ax.axvline(real[c], color=COLORS["truth"], linestyle=":", linewidth=1.2)
        ax.set(title=title, ylim=(len(looked) - 0.5, -0.5))
    axes[0].set_yticks(range(len(looked)), [*looked])
    axes[2].set_xlim(left=0)
    return axes


def over_steps(looks: Mapping[str, Any], real: float) -> np.ndarray:
    """Error and edges over the steps, a line for each seed.  {way: (seeds, looks, 4)}"""
    axes = plt.subplots(1, 2, figsize=(8.6, 2.9))[1]
    for (way, seeds), role in zip(looks.items(), ("data", "D", "model"), strict=False):
        for k, rows in enumerate(np.asarray(seeds)):
            for ax, column in zip(axes, (1, 2), strict=True):
                label = way if not k else None
                ax.plot(rows[:, 0], rows[:, column], color=COLORS[role], linewidth=1.2, label=label)
    axes[1].axhline(real, color=COLORS["truth"], linestyle=":", linewidth=1.2)
    axes[0].set(xlabel="step", ylabel="error (L1)")
    axes[1].set(xlabel="step", ylabel="edges (dotted: real)")
    axes[0].legend(fontsize=8)
    return axes


# ---- Policies -----------------------------------------------------------------------------------------------------


def policies(rows: Mapping[str, Tensor], arrows: Sequence[str] = ("←", "•", "→")) -> np.ndarray:
    """What each policy does in the four rooms of the corridor, between exit and goal.  {title: (6, 3)}"""
    axes = plt.subplots(1, len(rows), figsize=(2.5 * len(rows), 1.9), sharey=True)[1]
    for ax, (title, pi) in zip(axes, rows.items(), strict=True):
        ax.imshow(pi.T, cmap="Purples", vmin=0, vmax=1, aspect="auto")
        for (s, a), share in np.ndenumerate(np.asarray(pi)):
            if 0 < s < 5:
                ax.text(s, a, f"{share:.0%}", ha="center", va="center", size=7, color="w" if share > 0.6 else "k")
        for end, name in ((0, "exit"), (5, "goal")):
            ax.add_patch(plt.Rectangle((end - 0.5, -0.5), 1, 3, color="#DDDDDA"))
            ax.text(end, 1, name, ha="center", va="center", size=8, rotation=90)
        ax.set_yticks(range(3), arrows)
        ax.set_xticks(range(1, 5))
        ax.set_title(title, size=9)
        ax.grid(False)
    return axes


def drift(lengths: Sequence[int], seen: Sequence[float], bounds: Mapping[str, Any]) -> Axes:
    """The share of episodes in which a cloned policy is still where the expert goes, over their length."""
    ax = plt.subplots(figsize=(6, 2.9))[1]
    for (label, y), role in zip(bounds.items(), ("G", "model", "D"), strict=False):
        ax.plot(lengths, y, color=COLORS[role], label=label)
    ax.plot(lengths[9::10], seen[9::10], ".", color=COLORS["truth"], label="played, 1 % slips", markersize=5)
    ax.set(xlabel="moves", ylabel="still on the road", ylim=(0, 1.05))
    ax.legend(fontsize=8)
    return ax


# ---- A ring in one step -------------------------------------------------------------------------------------------


def ring_in_one_step(samples: Mapping[str, Any], centers: Tensor, reach: float = 1.5) -> np.ndarray:
    """What each way draws.  {title: (n, 2)}"""
    axes = plt.subplots(1, len(samples), figsize=(1.75 * len(samples), 2.1))[1]
    for ax, (title, x) in zip(axes, samples.items(), strict=True):
        ax.plot(*centers.T, "o", color=COLORS["data"], markersize=7, alpha=0.35)
        ax.plot(*np.asarray(x, dtype=float).T, ".", color=COLORS["model"], markersize=2)
        ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), xticks=(), yticks=())
        ax.set_title(title, size=8.5)
    return axes


def on_the_ring(found: Mapping[str, Any], perfect: float, floor: float) -> np.ndarray:
    """W1 and share in a mode of each way, a dot for each seed.  {way: (seeds, 2)}"""
    axes = plt.subplots(1, 2, figsize=(8, 0.9 + 0.31 * len(found)), sharey=True)[1]
    for c, (ax, title, best) in enumerate(zip(axes, ("W1 to data", "share in a mode"), (floor, perfect), strict=True)):
        for row, values in enumerate(found.values()):
            values = np.asarray(values)[:, c]
            ax.plot(
                values, row + np.linspace(-0.22, 0.22, len(values)), "o", color=COLORS["model"], markersize=4, alpha=0.7
            )
            ax.plot([np.median(values)] * 2, [row - 0.33, row + 0.33], color=COLORS["estimate"], linewidth=2)
        ax.axvline(best, color=COLORS["truth"], linestyle=":", linewidth=1.2)
        ax.set(title=title, ylim=(len(found) - 0.5, -0.5))
    axes[0].set_yticks(range(len(found)), [*found])
    axes[0].set_xlim(left=0)
    return axes


def density_of(density: Density, low: float = -4, high: float = 4) -> tuple[Tensor, Tensor]:
    """x and p(x) for a line.  -> (401,), (401,)"""
    x = torch.linspace(low, high, 401, dtype=torch.float64)
    return x, density.log_prob(x).exp()


def blurred(mixture: Mixture, sd: float) -> Mixture:
    """The density of x + N(0, sd^2): each part as wide as both together."""
    parts = [Normal(part.mean, math.hypot(part.sd, sd)) for part in mixture.parts]
    return Mixture(mixture.weights, parts)


# ---- What the ledger holds: (claim, expected, measured, tolerance, source), and words for the reader -----------------

Fact = tuple[tuple, dict[str, str]]


def gradient_facts(families: Mapping[str, Mapping[str, Sequence[float]]], moved: int) -> list[Fact]:
    """Of `bias_and_noise`, and how many letters moved with a nudge."""
    raw, calm, soft, through = families.values()
    (bias, _, chance), noisier = calm["f"], raw["f + 3"][1] / calm["f + 3"][1]
    source = "16 draws"
    rows: list[Fact] = [
        (
            ("REINFORCE with baseline: |bias| / what chance shows", (0, 3.5), bias / chance, 0, "1 expected"),
            {},
        ),
        (
            ("noise, f + 3: no baseline / baseline", (2.5, 6), noisier, 0, source),
            {},
        ),
        (("noise with baseline: f + 3 / f", 1, calm["f + 3"][1] / calm["f"][1], 0.15, source), {}),
        (
            ("Gumbel-softmax, τ = 1: |bias|", 0.306, soft["τ = 1"][0], 0.04, "of the exact length"),
            {"says": "Gumbel-softmax at τ = 1: its bias, as a part of the exact gradient."},
        ),
        (("Gumbel-softmax: bias at τ = 0.2 / τ = 2", (0, 0.35), soft["τ = 0.2"][0] / soft["τ = 2"][0], 0, source), {}),
        (("Gumbel-softmax: noise at τ = 0.1 / τ = 2", (8, 40), soft["τ = 0.1"][1] / soft["τ = 2"][1], 0, source), {}),
        (("straight-through: |bias|, least", (0.05, 0.5), min(row[0] for row in through.values()), 0, source), {}),
        (("letters that moved with the nudge", 0, moved, 1, "of 100,000"), {}),
    ]
    for coarse, fine in zip([*soft][:-1], [*soft][1:], strict=True):
        grows = soft[fine][1] / soft[coarse][1]
        rows.append(((f"Gumbel-softmax, from {coarse} to {fine}: noise grows by", (1.2, 4), grows, 0, source), {}))
    return rows


def word_facts(tracks: Mapping[str, Tensor], tables: Mapping[str, Tensor]) -> list[Fact]:
    """Of the game of words: exact JS at the end, of eight games."""
    drawn, through, soft, sharp = (track[-1] for track in tracks.values())
    most = [*tables.values()][2][-1].flatten(1).max(1).values.min()
    return [
        (
            ("words, REINFORCE: JS at the end, worst of eight", (0, 0.03), drawn.max(), 0, "exact"),
            {"says": "A GAN of words by REINFORCE: JS to the data, worst of eight games (nats)."},
        ),
        (("words, straight-through: JS at the end, worst of eight", (0, 0.15), through.max(), 0, "exact"), {}),
        (
            ("words, Gumbel-softmax, τ = 1: JS at the end, least of eight", (0.25, 0.69), soft.min(), 0, "exact"),
            {"says": "The same by soft letters (τ = 1): JS, least of eight games."},
        ),
        (("words, τ = 1 / τ = 0.2, medians", (1.5, 100), soft.median() / sharp.median(), 0, "exact"), {}),
        (("words, τ = 0.2 / straight-through, medians", (1.2, 100), sharp.median() / through.median(), 0, "exact"), {}),
        (("words, τ = 1: share of the most frequent word, least", (0.9, 1), most, 0, "eight games"), {}),
    ]


def chain_facts(h: Sequence[float], variances: Sequence[float], apart: Any, long: bool) -> list[Fact]:
    """Of Langevin's chains: variance against 1 / (1 - h/2), and total variation on two modes."""
    worst = max(abs(v * (1 - step / 2) - 1) for v, step in zip(variances, h, strict=True))
    small, large, perfect = apart
    full = {"needs_training": True}
    return [
        (
            ("Langevin on N(0, 1): variance / formula - 1, largest", 0, worst, 0.05 if long else 0.2, "1 / (1 - h/2)"),
            {"says": "Langevin on N(0, 1): variance against 1 / (1 - h/2), largest relative difference."},
        ),
        (("two modes: TV with h = 0.02 - TV of perfect draws", (-0.02, 0.04), small - perfect, 0, "chains"), full),
        (("two modes: TV with h = 0.3 - TV with h = 0.02", (0.03, 0.5), large - small, 0, "chains"), full),
    ]


def denoiser_facts(wrong: Mapping[str, Tensor], to_blurred: Sequence[float], to_clean: Sequence[float]) -> list[Fact]:
    """Of three denoisers: their slopes, and what their chains sample."""
    near = min(c - b for b, c in zip(to_blurred, to_clean, strict=True))
    ratio = (wrong["clean"] / wrong["blurred"]).min()
    return [
        (
            ("denoiser: relative error of the slope, worst of three", (0, 0.2), wrong["blurred"].max(), 0, "Tweedie"),
            {"says": "A denoiser's slope against that of the blurred data: relative error, worst seed."},
        ),
        (("denoiser: distance to the data's slope / to the blurred one, least", (2, 1e3), ratio, 0, "3 seeds"), {}),
        (("denoiser's chain: TV to the data - to the blurred data, least", (0.02, 0.5), near, 0, "3 seeds"), {}),
    ]


def plugged_facts(found: Mapping[str, Sequence[Tensor]], exact: float, wide: float) -> list[Fact]:
    """Of plug and play: share in the class, height, spread of each seed.  {name: three (seeds,)}"""
    share = {name: row[0] for name, row in found.items()}
    spread = {name: row[2] for name, row in found.items()}
    alone, both, much, only = found
    off, narrow = (share[alone] - exact).abs().max(), (spread[much] / spread[both]).max()
    up = (found[much][1] - found[both][1]).min()
    return [
        (("prior alone: share in the class - exact, largest", 0, off, 0.08, "3 seeds"), {}),
        (
            ("prior + class: share in the class, least of three", (0.9, 1), share[both].min(), 0, "exact: 0.989"),
            {"says": "Denoiser + class gradient: share of points in the class asked for, worst seed."},
        ),
        (
            ("class alone: share in the class, most of three", (0, 0.3), share[only].max(), 0, "3 seeds"),
            {},
        ),
        (("prior + class: spread / exact, off 1 by", 0, (spread[both] / wide - 1).abs().max(), 0.25, "3 seeds"), {}),
        (("prior + 10 x class: spread / that of 1, most", (0, 1), narrow, 0, "3 seeds"), {}),
        (("prior + 10 x class: height above that of 1, least", (0.02, 2), up, 0, "3 seeds"), {}),
    ]


def reward_facts(gained: Mapping[str, tuple[float, float]]) -> list[Fact]:
    """Of the corridor: returns with D = 1/2.  {reward: (expert, best)}"""
    up, down, both = gained
    return [
        (
            ("D = 1/2, reward -log(1 - D): best return", 20 * math.log(2), gained[up][1], 1e-6, "log 2 / (1 - 0.95)"),
            {"says": "A D that cannot tell, reward -log(1 - D): the best return is that of never ending."},
        ),
        (("D = 1/2, reward log D: best return", -1.95 * math.log(2), gained[down][1], 1e-6, "two moves"), {}),
        (("D = 1/2, reward log D: expert - best", (-5, -0.1), gained[down][0] - gained[down][1], 0, "exact"), {}),
        (("D = 1/2, the sum: best return", 0, gained[both][1], 1e-9, "log 1"), {}),
    ]


def policy_facts(actors: Mapping[str, Tensor], moves: Mapping[str, float], unlike: Mapping[str, float]) -> list[Fact]:
    """Of the corridor: what three rewards teach."""
    _, up, down, both = actors
    full = {"needs_training": True}
    return [
        (("reward -log(1 - D): moves, learned / expert", (20, 60), moves[up] / moves["expert"], 0, "exact D"), full),
        (("reward log D: room 1, share of the exit", (0.5, 0.8), actors[down][1, 0], 0, "exact D"), full),
        (("the sum as reward: visits, difference from the expert's", (0, 0.02), unlike[both], 0, "exact D"), full),
        (("reward -log(1 - D): in room 4, back", (0.8, 1), actors[up][4, 0], 0, "exact D"), full),
    ]


def clothes_facts(looked: Mapping[str, np.ndarray], real: Sequence[float]) -> list[Fact]:
    """Of the recorded autoencoders: error, edges, FFD at each look.  {way: (seeds, looks, 3)}"""
    plain, weak, late, early, strong, strong_early = (np.asarray(rows) for rows in looked.values())
    source = "three seeds"

    def ratio(a: np.ndarray, b: np.ndarray, column: int, look: int = -1) -> np.ndarray:
        return a[:, look, column] / b[:, look, column]

    def farthest(values: np.ndarray, middle: float) -> float:
        return float(np.abs(values - middle).max())

    return [
        (
            ("clothes, w = 0.2: error / L1's, off 1.12 by", 0, farthest(ratio(late, plain, 0), 1.12), 0.015, source),
            {},
        ),
        (("clothes, w = 1: error / L1's, off 1.25 by", 0, farthest(ratio(strong, plain, 0), 1.25), 0.02, source), {}),
        (("clothes, w = 0.02: error / L1's, off 1 by", 0, farthest(ratio(weak, plain, 0), 1), 0.015, source), {}),
        (
            ("clothes, w = 0.2: FFD / L1's, worst seed", (0.45, 0.6), ratio(late, plain, 2).max(), 0, source),
            {"says": "An autoencoder with L1 + 0.2 D: FFD over that with L1 alone, worst seed."},
        ),
        (
            ("clothes, w = 0.2: error / L1's, worst seed", (1.1, 1.14), ratio(late, plain, 0).max(), 0, source),
            {},
        ),
        (("clothes, w = 0.02: FFD / L1's, worst seed", (0.6, 0.7), ratio(weak, plain, 2).max(), 0, source), {}),
        (("clothes, w = 1: FFD / that of w = 0.2, least", (1.1, 2), ratio(strong, late, 2).min(), 0, source), {}),
        (("clothes: edges / real, L1, most", (0.5, 0.66), plain[:, -1, 1].max() / real[1], 0, source), {}),
        (("clothes: edges / real, w = 1, late, least", (0.93, 1), strong[:, -1, 1].min() / real[1], 0, source), {}),
        (
            ("clothes, w = 1 from the start: edges after 200 steps / real, least", (1.02, 1.3),
             strong_early[:, 0, 1].min() / real[1], 0, source),
            {},
        ),
        (
            ("clothes, w = 1 from the start: error after 200 steps / L1's, least", (1.3, 1.5),
             ratio(strong_early, plain, 0, 0).min(), 0, source),
            {},
        ),
        (
            ("clothes, w = 1: error from the start / late, least", (1.02, 1.2),
             ratio(strong_early, strong, 0).min(), 0, source),
            {},
        ),
        (
            ("clothes, w = 1: FFD from the start / late, least", (1.02, 2),
             ratio(strong_early, strong, 2).min(), 0, source),
            {},
        ),
        (
            ("clothes, w = 0.2: error from the start / late, off 1.015 by", 0,
             farthest(ratio(early, late, 0), 1.015), 0.007, source),
            {},
        ),
        (("clothes, w = 0.2: seeds with better FFD early", 1, (ratio(early, late, 2) < 1).sum(), 0, source), {}),
    ]  # fmt: skip


def ring_facts(taught: Mapping[str, np.ndarray], modes_hit: Mapping[str, np.ndarray]) -> list[Fact]:
    """Of the recorded one-step samplers: W1 and share in a mode.  {way: (seeds, 2)}, {way: (seeds,)}"""
    good = {way: rows[:, 1] for way, rows in taught.items()}
    median = {way: float(np.median(values)) for way, values in good.items()}
    source = "eight seeds"
    by = min(good["sampler, 30 steps"].min() - good[way].max() for way in [*good][2:])
    gain = median["regression + D"] - median["regression"]
    behind = good["regression"].min() - max(good["matching"].max(), good["matching + D"].max())
    return [
        (("ring: modes hit, fewest of all ways and seeds", 8, min(v.min() for v in modes_hit.values()), 0, source), {}),
        (("ring, sampler: share in a mode above any one-step G, least", (0.1, 0.5), by, 0, source), {}),
        (("ring, regression: share in a mode, D adds (medians)", (0.01, 0.02), gain, 0, source), {}),
        (("ring, matching: share in a mode below regression, least", (0.1, 0.5), behind, 0, source), {}),
        (
            ("ring, D alone: share in a mode, regression - it (medians)", (0, 0.05),
             median["regression"] - median["D alone"], 0, source),
            {},
        ),
    ]  # fmt: skip
