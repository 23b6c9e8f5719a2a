"""Figures of notebook 16: calm curves, starts, readings, points, averages, pictures, and a loop with three mistakes.

At the end the three games of the first guess, and one with averages; the notebook shows their decisive lines.  Arrays
in, Axes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor, nn
from torch.nn.functional import softplus

from gan_tutorial.game import networks
from gan_tutorial.lesson.figures import COLORS

CALM = 2 * math.log(2)  # D's loss where it cannot tell


def calm_curves(losses: Mapping[str, Tensor]) -> np.ndarray:
    """D's loss in each game, one line for each seed, means of 20 steps.  (steps, seeds) each -> Axes, one a game"""
    axes = plt.subplots(1, len(losses), figsize=(10, 2.7), sharey=True, squeeze=False)[1][0]
    for ax, (name, loss) in zip(axes, losses.items(), strict=True):
        width = min(20, len(loss))
        whole = loss[: len(loss) // width * width].unflatten(0, (-1, width)).mean(1)
        steps = width * (np.arange(len(whole)) + 0.5)
        ax.plot(steps, whole.numpy(), color=COLORS["D"], lw=1)
        ax.axhline(CALM, color=COLORS["guide"], ls=":", lw=1.2)
        ax.set(title=f"game {name}", xlabel="step", ylim=(0.85, 1.75))
    axes[0].set_ylabel("D's loss")
    axes[0].text(0.98, CALM - 0.015, "2 log 2", color=COLORS["guide"], ha="right", va="top",
                 transform=axes[0].get_yaxis_transform())  # fmt: skip
    return axes


def starts(paths: Mapping[str, Mapping[float, Sequence[float]]]) -> np.ndarray:
    """Where G is over the steps, one panel for each start: loss -> start -> places (steps,).  -> Axes"""
    begins = list(next(iter(paths.values())))
    axes = plt.subplots(1, len(begins), figsize=(9, 2.7), squeeze=False)[1][0]
    styles = [{"lw": 4, "alpha": 0.35}, {"lw": 1.6, "ls": "--"}]
    for ax, begin in zip(axes, begins, strict=True):
        for (name, path), style in zip(paths.items(), styles, strict=True):
            ax.plot(path[begin], color=COLORS["G"], label=name, **style)
        ax.axhline(0, color=COLORS["data"], lw=1.2, ls=":", label="data")
        ax.set(title=f"start at {begin:g}", xlabel="step", ylim=(-0.5, max(begins) + 0.7))
    axes[0].set_ylabel("place of the samples")
    axes[0].legend()
    return axes


def readings(curve: Tensor, sizes: Sequence[int], found: Mapping[str, Tensor], truth: float) -> np.ndarray:
    """Left one training's loss; right what critics read, over the size of the batch, a mark for each seed.

    curve: (steps,); found: name -> (sizes, seeds).  -> two Axes
    """
    axes = plt.subplots(1, 2, figsize=(9, 2.9))[1]
    tens = curve[: len(curve) // 10 * 10].unflatten(0, (-1, 10)).mean(1)
    axes[0].plot(10 * (np.arange(len(tens)) + 0.5), tens.numpy(), color=COLORS["D"])
    axes[0].set(xlabel="step, means of ten", title="the critic's loss, with one norm for the batch")
    colors, marks = (COLORS["estimate"], COLORS["D"]), "ox"
    for (name, values), color, mark in zip(found.items(), colors, marks, strict=True):
        for i, of_one in enumerate(values.T.tolist()):
            axes[1].plot(sizes, of_one, mark, color=color, label=name if i == 0 else None)
    n = torch.tensor(sizes)
    for root in (n.sqrt(), torch.ones(len(n))):  # of planes: truth a - 10 (root a - 1)^2 is largest at
        a = 1 / root + truth / (20 * root.square())
        axes[1].plot(sizes, truth * a, color=COLORS["guide"], ls=":", lw=1.3)
    axes[1].axhline(truth, color=COLORS["truth"], lw=1.3, ls="--", label="W1")
    axes[1].set_xscale("log", base=2)
    axes[1].set(xticks=sizes, xlabel="batch size", ylim=(0, 4), title="what the critic reads")
    axes[1].set_xticks(sizes, [str(n) for n in sizes])
    axes[1].legend(loc="center right")
    return axes


def places(x: Tensor, fake: Tensor, asked: Mapping[str, Tensor]) -> np.ndarray:
    """Data, samples, and where each penalty asks D for its slope.  (n, 2) each -> Axes, one a penalty"""
    figure, grid = plt.subplots(2, 3, figsize=(9.4, 5), sharex=True, sharey=True)
    for ax, (name, u) in zip(grid.flat, asked.items(), strict=True):
        ax.plot(*torch.stack([x, fake], 1).permute(2, 1, 0).numpy(), color=COLORS["guide"], lw=0.4, alpha=0.5)
        for points, role, label in ((x, "data", "data"), (fake, "model", "samples"), (u, "truth", "asked")):
            ax.plot(*points.T.numpy(), "o", color=COLORS[role], ms=3.5, label=label)
        ax.set(title=name, aspect="equal", xlim=(-4.2, 5.5), ylim=(-3.2, 3.7))
    grid.flat[0].legend(loc="upper left", fontsize=8)
    return grid


def averages(samples: Mapping[str, Tensor], log_p: Callable[[Tensor], Tensor]) -> np.ndarray:
    """Histograms of samples on the line over the density of the data.  (n,) each -> Axes, one for each name"""
    axes = plt.subplots(1, len(samples), figsize=(9, 2.6), sharex=True, sharey=True, squeeze=False)[1][0]
    grid = torch.linspace(-1, 9, 201)
    for ax, (name, x) in zip(axes, samples.items(), strict=True):
        ax.hist(x.clamp(-1, 9).numpy(), 50, (-1, 9), density=True, color=COLORS["model"], alpha=0.6)
        ax.plot(grid, log_p(grid).exp(), color=COLORS["truth"], lw=1.3)
        ax.set(title=name, xlabel="x", ylim=(0, 1))
    return axes


def as_one_looks(rows: Mapping[str, Tensor]) -> np.ndarray:
    """Pictures as a viewer shows them that stretches the grey of each to its own range.  (n, 1, 28, 28) -> Axes"""
    columns = len(next(iter(rows.values())))
    axes = plt.subplots(len(rows), columns, figsize=(0.95 * columns, 1.1 * len(rows)), squeeze=False)[1]
    for line, (name, x) in zip(axes, rows.items(), strict=True):
        for ax, picture in zip(line, x, strict=True):
            ax.imshow(picture[0].numpy(), cmap="gray")  # no vmin and no vmax: that is the point
            ax.set_axis_off()
        line[0].set_title(name, loc="left")
    return axes


# ---- A loop with three mistakes -----------------------------------------------------------------------------------

LOOP = """\
for step in range(steps):
    for _ in range(d_steps):
        x, z = data(n), torch.randn(n, 64)
        fake = G(z).detach()
        u = torch.lerp(x, fake, torch.rand(1)).requires_grad_()
        (slope,) = grad(D(u).sum(), u, create_graph=True)
        norms = slope.flatten(1).norm(dim=1)
        penalty = 10 * (norms - 1).square().mean()
        loss = D(x).mean() - D(fake).mean() + penalty
        d_opt.zero_grad(); loss.backward(); d_opt.step()
    z = torch.randn(n, 64)
    g_opt.zero_grad()
    (-D(G(z)).mean()).backward()
    g_opt.step()
    for a, w in zip(ema.parameters(), G.parameters()):
        a.data.lerp_(w.data, 0.001)
torch.manual_seed(seed)
"""
"""A Wasserstein loop in which three lines are wrong; the notebook shows it too, to be read."""

SAID = {
    1: (True, "a step of the loop."),
    2: (True, "several moves of D for one of G, as usual for a critic."),
    3: (True, "fresh data and fresh latents in each move of D."),
    4: (True, "D's move should not reach G: the detach is where it belongs."),
    5: (False, "one random number for the whole batch. It should be one for each example."),
    6: (True, "one sum, each example's own slope; and a slope that has a slope."),
    7: (True, "one norm for each example."),
    8: (True, "the square of how far each norm is from 1, then the mean."),
    9: (False, "the sign. A critic should score data high, and this loss falls where it scores samples high."),
    10: (True, "clear, backward, step: in this order."),
    11: (True, "fresh latents for G's move."),
    12: (True, "G's slopes are cleared before G's move; D's are cleared before D's."),
    13: (True, "G wants its samples to score high."),
    14: (True, "G's optimiser holds G's weights only."),
    15: (True, "parameters only: right for a G without batch norm, and to be looked at twice for any other."),
    16: (True, "a step of one thousandth on the way to G."),
    17: (False, "the seed is set after everything random has happened. It belongs before the networks are made."),
}  # fmt: skip


def broken_lines(ax: Axes) -> Callable[..., str]:
    """The loop, with a bar that lies on the chosen line; `update(line=5)` says what is to be said of it."""
    lines = LOOP.splitlines()
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(len(lines) + 0.3, -0.3))
    bar = ax.add_patch(Rectangle((0, 0), 1, 1, color=COLORS["second"], alpha=0.35, lw=0))
    for i, text in enumerate(lines):
        ax.text(
            0.045, i + 0.5, f"{i + 1:2}", family="monospace", size=9, va="center", ha="right", color=COLORS["guide"]
        )
        ax.text(0.06, i + 0.5, text, family="monospace", size=9, va="center")

    def update(line: int) -> str:
        bar.set_y(line - 1)
        fine, why = SAID[line]
        return f"Line {line} {'is fine' if fine else 'is WRONG'}: {why}"

    return update


# ---- The three games of the first guess -----------------------------------------------------------------------------


def _game(squash: Callable[[Tensor], Tensor], late: bool, seeds: int) -> Callable[..., Tensor]:
    def step(G, D, g_opt, d_opt, x, z):  # noqa: ANN001, ANN202
        if not late:
            d_opt.zero_grad()
        loss = softplus(-squash(D(x))) + softplus(squash(D(G(z).detach())))
        loss.mean().backward()
        d_opt.step()
        (d_opt if late else g_opt).zero_grad()
        softplus(-squash(D(G(z)))).mean().backward()
        g_opt.step()
        if late:
            g_opt.zero_grad()
        return loss.detach().unflatten(0, (-1, seeds)).mean(0)

    return step


def three_games(seeds: int) -> dict[str, Callable[..., Tensor]]:
    """Steps of three games of networks side by side: step(G, D, g_opt, d_opt, x, z) -> D's loss of each seed (seeds,).

    A clears gradients late, B is right, C feeds probabilities to a loss that takes scores.
    """
    return {
        "A": _game(lambda s: s, True, seeds),
        "B": _game(lambda s: s, False, seeds),
        "C": _game(torch.sigmoid, False, seeds),
    }


def with_averages(
    seed: int, turns: int, *updates: Callable[[nn.Module, nn.Module], object]
) -> tuple[nn.Sequential, ...]:
    """A G with batch norm trained on N(4, 1), and one average of it for each update(ema, G); all to be evaluated."""
    torch.manual_seed(seed)
    G, D = networks.mlp([2, 32, 32, 1], norm=True), networks.PointDiscriminator(1, (32, 32))
    g_opt, d_opt = (torch.optim.Adam(net.parameters(), 2e-3, (0.5, 0.999), fused=True) for net in (G, D))
    emas = [deepcopy(G).eval() for _ in updates]
    for _ in range(turns):
        d_opt.zero_grad()
        fake = G(torch.randn(128, 2)).detach()
        (softplus(-D(4 + torch.randn(128, 1))) + softplus(D(fake))).mean().backward()
        d_opt.step()
        g_opt.zero_grad()
        softplus(-D(G(torch.randn(128, 2)))).mean().backward()
        g_opt.step()
        for update, ema in zip(updates, emas, strict=True):
            update(ema, G)
    return G.eval(), *emas


def fit_critic(
    penalty: Callable[[nn.Module, Tensor, Tensor], Tensor], n: int, seed: int, steps: int
) -> tuple[float, Tensor]:
    """A critic between N(0, I) and N((2.4, 1.8), I) in the plane, whose W1 is 3, trained on batches of n.

    -> what it reads, mean D(x) - mean D(G(z)) over 10,000 of each, and its loss in each step (steps,)
    """
    torch.manual_seed(seed)
    D, curve, shift = networks.PointDiscriminator(2, (32,)), [], torch.tensor([2.4, 1.8])
    opt = torch.optim.Adam(D.parameters(), 5e-3, (0.5, 0.9), fused=True)
    for _ in range(steps):
        x, fake = torch.randn(n, 2), shift + torch.randn(n, 2)
        loss = D(fake).mean() - D(x).mean() + penalty(D, x, fake)
        opt.zero_grad()
        loss.backward()
        opt.step()
        curve.append(loss.detach())
    with torch.no_grad():
        read = D(torch.randn(10_000, 2)).mean() - D(shift + torch.randn(10_000, 2)).mean()
    return float(read), torch.stack(curve)


# ---- Rows of the ledger: (claim, exact, measured, tolerance, source, what else is to be said of it) ------------------

_TRAINED = {"needs_training": True}
Rows = list[tuple]


def calm_facts(losses: Mapping[str, Tensor], w1: Mapping[str, Tensor], belief: Mapping[str, Tensor]) -> Rows:
    """Of the right game B and of C, which applies the sigmoid twice."""
    tail = {name: loss[-max(len(loss) // 5, 2) :] for name, loss in losses.items()}
    end = {name: loss.mean(0).median() for name, loss in tail.items()}
    restless = tail["C"].std(0).mean() / tail["B"].std(0).mean()
    one_answer = (belief["C"] < 0.2) | (belief["C"] > 0.8)
    says = "The sigmoid twice: W1 of the samples, times that of the right game (medians of five seeds)."
    here = _TRAINED | {"shown_only": True}
    return [
        ("C: W1, median, / that of B", (1, 50), w1["C"].median() / w1["B"].median(), 0, "five seeds",
         _TRAINED | {"says": says}),
        ("C: W1, largest, / the largest of B", (1.2, 100), w1["C"].max() / w1["B"].max(), 0, "five seeds", _TRAINED),
        ("C: D's loss in the last fifth, median - 2 log 2", 0, end["C"] - CALM, 0.02, "five seeds", _TRAINED),
        ("C: D's loss, the least ever", (1.0064, 2), losses["C"].min(), 0, "the bound, log(1 + 1/e) + log 2", {}),
        ("C: how much D's loss varies at the end, / B", (0, 0.5), restless, 0, "five seeds", here),
        ("C: seeds whose D gives data about 0 or 1", (3, 5), one_answer.sum(), 0, "of five, to 0.2", _TRAINED),
        ("B: D's loss in the last fifth, median - 2 log 2", 0, end["B"] - CALM, 0.03, "five seeds", _TRAINED),
        ("B: D's mean probability for data, median - 1/2", 0, belief["B"].median() - 0.5, 0.1, "five seeds", _TRAINED),
        ("B: W1, median", (0, 0.6), w1["B"].median(), 0, "five seeds", _TRAINED),
    ]  # fmt: skip


def start_facts(paths: Mapping[str, Mapping[float, Sequence[float]]]) -> Rows:
    """Of a clamp, and of none, from near and from far."""
    right, met = paths["minimax"], paths["as met"]
    apart = max(abs(a - b) for a, b in zip(right[3.0], met[3.0], strict=True))
    says = "A clamp at 0.00001: how far G moves in 600 steps where D rejects all its samples."
    return [
        ("clamped: largest way of G from 6", 0, max(abs(x - 6) for x in met[6.0]), 0, "600 steps", {"says": says}),
        ("minimax: where G ends, from 6", 0, right[6.0][-1], 0.3, "600 steps", {}),
        ("from 3: both paths, largest difference", 0, apart, 0.02, "600 steps", {}),
        ("from 3: where the clamped G ends", 0, met[3.0][-1], 0.3, "600 steps", {}),
    ]


def reading_facts(whole: Tensor, each: Tensor, curve: Tensor) -> Rows:
    """Of critics with one norm for the batch, and with one for each example, (sizes, seeds); the loss of a critic."""
    third = max(1, len(curve) // 3)
    fall = curve[-third:].mean() - curve[:third].mean()
    here = _TRAINED | {"shown_only": True}
    says = "One norm for a batch of 64: what critics read where W1 is 3, the most of three seeds."
    return [
        ("one norm for the batch of 64: reading, largest", (0.1, 0.9), whole[1].max(), 0, "three seeds",
         _TRAINED | {"says": says}),
        ("one norm for the batch: reading, largest", (0.3, 1), whole.max(), 0, "three seeds", _TRAINED),
        ("one norm for the batch: reading, less with each larger size, least", (0.05, 1),
         (whole[:-1].min(1).values - whole[1:].max(1).values).min(), 0, "three seeds", _TRAINED),
        ("one norm for the batch of 16: reading, median", 3 / 4 + 9 / 320, whole[0].median(), 0.15, "a plane",
         _TRAINED),
        ("one norm for the batch: loss, last third - first third", (-1, -0.05), fall, 0, "the one shown", here),
        ("one norm for each example: reading, least", 3.45, each.min(), 0.3, "a plane", _TRAINED),
        ("one norm for each example: reading, largest", 3.45, each.max(), 0.3, "a plane", _TRAINED),
    ]  # fmt: skip


def place_facts(found: Mapping[str, Sequence[float]]) -> Rows:
    """Of what critics read, by where the penalty asks them; the right one first."""
    right, batch, pixel, data, _, beyond = found.values()
    hardly = max(abs(v - 3.45) for v in (*batch, *pixel))
    return [
        ("one number for each example: reading - 3.45", 0, max(abs(v - 3.45) for v in right), 0.3, "three seeds",
         _TRAINED),
        ("one number for the batch, or for each pixel: reading - 3.45", 0, hardly, 0.45, "three seeds", _TRAINED),
        ("data only: reading, least", (4.2, 20), min(data), 0, "three seeds", _TRAINED),
        ("the far side: reading, least", (5, 20), min(beyond), 0, "three seeds", _TRAINED),
    ]  # fmt: skip


def cut_facts(cut: Sequence[float], right: Sequence[float]) -> Rows:
    """Of what critics read whose penalty has no gradient."""
    return [
        ("create_graph=False: reading, least", (30, 1e4), min(cut), 0, "W1 is 3, three seeds", _TRAINED),
        ("with the graph: reading, most", (3, 3.8), max(right), 0, "W1 is 3, three seeds", _TRAINED),
    ]


def late_facts(tail: Tensor, rest: Tensor, w1: Mapping[str, Tensor], belief: Tensor) -> Rows:
    """Of game A, which clears slopes late: D's loss in the last fifth (seeds,), and the value by hand."""
    says = "Slopes cleared late: D's loss at the end (median of five seeds); by hand, log 4.5."
    by_hand = math.log(4.5)
    near = ((tail - by_hand).abs() < 0.03).sum()
    return [
        ("late clearing: D's loss, median", by_hand, tail.median(), 0.03, "the game that D plays then",
         _TRAINED | {"says": says}),
        ("late clearing: seeds near it", (3, 5), near, 0, "of five, to 0.03", _TRAINED),
        ("late clearing: D's mean probability for data, median", 2 / 3, belief.median(), 0.03, "the score log 2",
         _TRAINED),
        ("late clearing: W1, median, / that of B", (0.4, 2.5), w1["A"].median() / w1["B"].median(), 0, "five seeds",
         _TRAINED),
        ("log 4.5 from the scores", by_hand, rest, 1e-5, "r = 1", {}),
    ]  # fmt: skip


def average_facts(with_buffers: Sequence[float], without: Sequence[float]) -> Rows:
    """Of W1 of two averages, seed by seed."""
    says = "An average without buffers: its W1, the least of three seeds, above the largest with them."
    return [
        ("average with buffers: W1, largest", (0, 1.2), max(with_buffers), 0, "three seeds", _TRAINED),
        ("average without buffers: W1, least - largest with them", (0.8, 100), min(without) - max(with_buffers), 0,
         "three seeds", _TRAINED | {"says": says}),
    ]  # fmt: skip


def range_facts(right: float, wrong: float, noise: float) -> Rows:
    """Of FFD of real pictures in both ranges, and of noise."""
    says = "Real pictures in the wrong range: their FFD, times that of noise."
    return [
        ("real pictures, right range: FFD / that of noise", (0, 0.1), right / noise, 0, "1,000 pictures", {}),
        ("real pictures, wrong range: FFD / that of noise", (1, 3), wrong / noise, 0, "1,000 pictures",
         {"shown_only": True, "says": says}),
    ]  # fmt: skip


def more_facts(both: Tensor, one: Tensor, equal: Tensor, with_mean: Tensor) -> Rows:
    """Of the best scores with smoothed labels where r = 1e-6, and of the loss of equal pairs."""
    return [
        ("smoothing both sides: best score for r = 1e-6", math.log(1 / 9), both, 0.01, "log(0.1 / 0.9)"),
        ("smoothing one side: best score for r = 1e-6", math.log(0.9e-6), one, 0.01, "log(0.9 r / (1 + 0.1 r))"),
        ("paired: loss of equal pairs", math.log(2), equal, 1e-6, "log 2"),
        ("compared with the mean: loss of equal pairs - log 2", (0.1, 2), with_mean - math.log(2), 0, "one example"),
    ]


def check_facts(
    passed: Mapping[str, bool], judges: Mapping[str, Callable], specimens: Mapping[str, Mapping[str, Any]]
) -> Rows:
    """Of our own loop, and of what the checks of the exercises say of right and wrong code."""
    told = [bool(judges[n](one.function)) == one.right for n, of in specimens.items() for one in of.values()]
    says = "Twelve checks, on this series' own loop: how many pass."
    all_told = f"Pieces of right and wrong code that five checks tell apart, of {len(told)}."
    return [
        ("checks of our own loop that pass", 12, sum(passed.values()), 0, "this series' code", {"says": says}),
        ("specimens judged rightly", len(told), sum(told), 0, "right and wrong code", {"says": all_told}),
    ]
