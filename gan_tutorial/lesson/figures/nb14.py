"""Figures of notebook 14: the patients of the clinic, their curves beside their samples, and how the doctor fares.

Recordings and arrays in, Axes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from gan_tutorial.clothes.recordings import Recording
from gan_tutorial.game.objectives import OBJECTIVES, Objective, gradient_penalty, r1_penalty, wasserstein
from gan_tutorial.lesson.diagnosis import Scale
from gan_tutorial.lesson.figures import COLORS, image_grid
from gan_tutorial.truth import densities

# ---- What the pictures need: who is in the clinic -----------------------------------------------------------------

EVERY = 10  # steps between two rows of a recorded history
PLACES = {  # the data of the recordings: where they come from, and what they are multiplied with
    "ring": (partial(densities.Ring, 8, radius=1.0, sd=0.05), 1.0),
    "grid": (partial(densities.Grid, side=3, step=0.8, sd=0.06), 1.0),
    "moons": (densities.TwoMoons, 1.0),
    "roll": (partial(densities.SwissRoll, noise=0.5), 1 / 12),
}
HELD = {"R1": r1_penalty(0.1), "R1 and R2": r1_penalty(0.1), "GP": gradient_penalty(1.0)}


@dataclass(frozen=True)
class Patient:
    """One recorded training: its cause, its curves, its samples at each look, and the data."""

    name: str
    cause: str
    seed: int
    objective: Objective
    curves: np.ndarray  # (rows, 4): d_loss, g_loss, real_score, fake_score
    samples: Tensor  # (looks, n, ...)
    data: Tensor  # (m, ...)
    run: Mapping  # what else was measured
    every: int = EVERY  # steps between two rows

    @property
    def history(self) -> list[tuple]:
        """Rows of (n, d_loss, g_loss, real_score, fake_score)."""
        return [(self.every * (i + 1), *map(float, row)) for i, row in enumerate(self.curves)]

    @property
    def steps(self) -> np.ndarray:
        """The steps of the rows.  -> (rows,)"""
        return self.every * np.arange(1, len(self.curves) + 1)

    @property
    def seen(self) -> tuple:
        """What `diagnose` is shown beside the history: samples and data, or what `compare` said of them at the time."""
        return (self.run["seen"],) if "seen" in self.run else (self.samples[-1], self.data)


def patients(recording: Recording, images: Tensor | None = None) -> Iterator[Patient]:
    """All runs of a recording; of "14_garments" with some of the `images` (n, 28, 28) for data."""
    for name, row in recording.settings.items():
        cause = "healthy" if name.startswith("healthy") else row.get("cause", name)
        objective = OBJECTIVES.get(row["objective"], wasserstein)
        if "net" not in row:  # those of the package bring their penalty
            objective = replace(objective, penalty=HELD.get(row.get("penalty")))
        for i, run in enumerate(row["runs"]):
            every, data = EVERY, torch.empty(0)
            if "net" in row:  # pictures to look at; what was compared is in `run["seen"]`
                every, samples = 20, torch.tensor(recording.array(name, i, "samples"))[None]
            elif "data" in row:
                place, scale = PLACES[row["data"]]
                with torch.random.fork_rng():
                    torch.manual_seed(i)
                    data = place().sample(400) * scale * row["times"]
                samples = torch.tensor(recording.array(name, i, "samples")).float()
            else:  # each second pixel, as the recording has them
                data = images[:256, ::2, ::2].float() / 127.5 - 1
                samples = torch.tensor(recording.array(name, i, "coarse"))[None].float() / 127.5 - 1
            yield Patient(name, cause, i, objective, recording.array(name, i, "history"), samples, data, run, every)


def by_name(recording: Recording) -> dict[str, list[Patient]]:
    """The same runs, those of one name together: a name's seeds."""
    groups: dict[str, list[Patient]] = {}
    for patient in patients(recording):
        groups.setdefault(patient.name, []).append(patient)
    return groups


# ---- Curves and samples -------------------------------------------------------------------------------------------


def losses(ax: Axes, patient: Patient, legend: bool = False) -> Axes:
    """Both losses over the steps, and dashed where D's would be if it could not tell."""
    for k, role in enumerate(("D", "G")):
        ax.plot(patient.steps, patient.curves[:, k], color=COLORS[role], lw=1.1, label=f"{role}'s loss")
    even = Scale.of(patient.objective).even_loss
    ax.axhline(even, color=COLORS["guide"], ls="--", lw=1, label=f"D cannot tell: {even:.2f}")
    if np.abs(patient.curves[:, :2]).max() > 30:
        ax.set_yscale("symlog", linthresh=1)
    if legend:
        ax.legend(fontsize=7.5)
    return ax


def cloud(ax: Axes, samples: Tensor, data: Tensor, reach: float = 1.6) -> Axes:
    """Data and samples of the plane; and how many samples are outside."""
    for points, role, size in ((data[:160], "data", 2), (samples[:160], "model", 3)):  # more would hide each other
        label = {"data": "data", "model": "samples"}[role]
        ax.scatter(*points[:, :2].T, s=size, color=COLORS[role], alpha=0.6, linewidths=0, label=label)
    out = float((samples.abs() > reach).any(1).double().mean())
    if out > 0.02:
        ax.text(0.03, 0.03, f"{out:.0%} outside", transform=ax.transAxes, size=7.5, color=COLORS["model"])
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
    return ax


def _reach(patient: Patient) -> float:
    return 1.15 * max(1.4, float(patient.data.abs().max()))


def side_by_side(chosen: Mapping[str, Patient], ylim: tuple[float, float] = (0, 2)) -> np.ndarray:
    """Only the losses of some patients, on the same axes."""
    fig, axes = plt.subplots(1, len(chosen), figsize=(3.1 * len(chosen), 2.6), sharey=True)
    for ax, (title, patient) in zip(axes, chosen.items(), strict=True):
        losses(ax, patient)
        ax.set(title=title, xlabel="step", ylim=ylim)
    axes[0].set_ylabel("loss")
    axes[-1].legend(fontsize=7.5, loc="lower right")
    return fig.axes


def revealed(groups: Mapping[str, Sequence[Patient]]) -> np.ndarray:
    """The samples at the end of all seeds: a row of clouds for each patient."""
    fig, axes = plt.subplots(len(groups), 3, figsize=(6.6, 2.25 * len(groups)), squeeze=False)
    for row, (title, group) in zip(axes, groups.items(), strict=True):
        for ax, patient in zip(row, group, strict=False):
            cloud(ax, patient.samples[-1], patient.data, _reach(patient))
            ax.set_title(f"{title}, seed {patient.seed}", size=9)
    axes[0, 0].legend(fontsize=7, loc="center", markerscale=2)
    return fig.axes


def gallery(chosen: Sequence[Patient], columns: int = 4) -> np.ndarray:
    """Each patient's curves above its samples at the end."""
    rows = -(-len(chosen) // columns)
    fig, axes = plt.subplots(2 * rows, columns, figsize=(2.1 * columns, 3.1 * rows), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for i, patient in enumerate(chosen):
        top, below = axes[2 * (i // columns), i % columns], axes[2 * (i // columns) + 1, i % columns]
        for ax in (top, below):
            ax.set_axis_on()
        losses(top, patient).set_title(patient.name, size=9)
        top.grid(False)
        top.tick_params(labelsize=6.5)
        cloud(below, patient.samples[-1], patient.data, _reach(patient))
    axes[0, -1].legend(fontsize=6.5, loc="center")
    return fig.axes


def ward(groups: Mapping[str, Sequence[Patient]]) -> Callable:
    """For `explore`: left the curves up to a moment, right the samples of that moment.  -> draw(left, right)"""

    def draw(left: Axes, right: Axes) -> Callable[..., str]:
        lines = [left.plot([], [], color=COLORS[role], lw=1.2, label=f"{role}'s loss")[0] for role in ("D", "G")]
        even = left.axhline(0, color=COLORS["guide"], ls="--", lw=1)
        left.set(xlabel="step", ylabel="loss", xlim=(0, 1500))
        left.legend(loc="upper right")
        data = right.plot([], [], ".", ms=2.5, alpha=0.4, color=COLORS["data"], label="data")[0]
        dots = right.plot([], [], ".", ms=3.5, alpha=0.7, color=COLORS["model"], label="samples")[0]
        right.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), xticks=[], yticks=[], aspect="equal")
        right.legend(loc="upper right", fontsize=8)
        outside = right.text(0.03, 0.03, "", transform=right.transAxes, color=COLORS["model"])

        def update(patient: str, seed: int, time: int) -> str:
            chosen = groups[patient][seed]
            last = len(chosen.curves) * time // 10
            shown = chosen.curves[:, :2]
            low, high = np.quantile(shown, (0.01, 0.99))
            level = Scale.of(chosen.objective).even_loss
            low, high = min(low, level), max(high, level)
            for k, line in enumerate(lines):
                line.set_data(chosen.steps[:last], shown[:last, k])
            ends = low - 0.1 * (high - low) - 0.05, high + 0.25 * (high - low) + 0.05
            if ends != left.get_ylim():  # an axis that stands still need not be drawn anew
                left.set_ylim(ends)
                even.set_ydata([level, level])
            scale = _reach(chosen) / 1.6  # one picture for all: what is larger is drawn smaller
            data.set_data(*(chosen.data / scale).T)
            seen = chosen.samples[time - 1] / scale
            dots.set_data(*seen.T)
            out = float((seen.abs() > 1.6).any(1).double().mean())
            outside.set_text(f"{out:.0%} outside" if out > 0.02 else " ")
            d, g, real, fake = chosen.curves[last - 1]
            return f"step {EVERY * last:,}: D's loss {d:.3g}, G's {g:.3g}; scores: data {real:.3g}, samples {fake:.3g}"

        return update

    return draw


# ---- The questions ------------------------------------------------------------------------------------------------


def rises(runs: Sequence[Patient], pictures: np.ndarray) -> list[Axes]:
    """Left G's loss, running mean of 20 rows; in the middle FFD; right samples at the end."""
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(8, 2.6), width_ratios=(1, 1, 0.7))
    for k, (patient, style) in enumerate(zip(runs, ("-", "--", ":"), strict=False)):
        smooth = np.convolve(patient.curves[:, 1], np.ones(20) / 20, "valid")
        left.plot(patient.steps[19:], smooth, ls=style, color=COLORS["G"], label=f"seed {k}")
        middle.plot(*np.array(patient.run["ffd"]).T, ls=style, marker="o", ms=3, color=COLORS["model"])
    left.set(xlabel="step", ylabel="G's loss (mean of 20 rows)", title="G's loss rises")
    middle.set(xlabel="step", ylabel="FFD", yscale="log", title="FFD falls")
    left.legend(fontsize=8)
    image_grid(pictures[:25], right, columns=5, title="samples, seed 0")
    return fig.axes


def peaks(chosen: Mapping[str, Sequence[Patient]]) -> list[Axes]:
    """A row for each: the losses of seed 0, and the energy distance of all seeds over the training."""
    fig, axes = plt.subplots(len(chosen), 2, figsize=(7.6, 2.1 * len(chosen)), sharex=True, squeeze=False)
    for (left, right), (title, group) in zip(axes, chosen.items(), strict=True):
        losses(left, group[0], legend=True)
        left.set(ylabel="loss", title=f"{title}, seed 0")
        for patient, style in zip(group, ("-", "--", ":"), strict=False):
            looks = len(patient.run["energy"])
            n = EVERY * len(patient.curves) // looks * np.arange(1, looks + 1)
            color = COLORS["model"]
            right.plot(n, patient.run["energy"], ls=style, color=color, marker="o", ms=3, label=f"seed {patient.seed}")
        right.axhline(0, color=COLORS["guide"], lw=0.8)
        right.set(ylabel="energy distance", title="the samples")
        right.legend(fontsize=8)
    for ax in axes[-1]:
        ax.set_xlabel("step")
    return fig.axes


def low_losses(everyone: Sequence[Patient], named: Sequence[str]) -> list[Axes]:
    """Of each run of a bounded game, how far its samples are from the data, over its losses at the end."""
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for ax, k, role in zip(axes, (0, 1), ("D", "G"), strict=True):
        below, up = 0.0, 0
        for patient in sorted(everyone, key=lambda patient: patient.run["energy"][-1]):
            if Scale.of(patient.objective).unbounded:
                continue
            x = float(np.clip(np.median(patient.curves[-37:, k]), -2, 11))
            y = float(np.clip(patient.run["energy"][-1], 1e-3, 1e3))
            well = patient.run["energy"][-1] < 0.08
            ax.plot(x, y, "o" if well else "x", color=COLORS[role], ms=5, alpha=0.8)
            if patient.name in named and patient.seed == 0:
                up = up + 9 if y < 2 * below else -3  # no name over another
                below = y
                ax.annotate(patient.name, (x, y), xytext=(6, up), textcoords="offset points", size=7.5)
        ax.set(xlabel=f"{role}'s loss at the end", yscale="log", xlim=(-2.5, 11.5))
        ax.axhline(0.08, color=COLORS["guide"], ls=":", lw=1)
    axes[0].set(ylabel="energy distance to the data", title="circles: samples like the data")
    axes[1].set(title="crosses: not so (what is below -2 is drawn there)")
    return fig.axes


# ---- On clothes ---------------------------------------------------------------------------------------------------


def worn(groups: Mapping[str, Sequence[Patient]]) -> list[Axes]:
    """The samples at the end of all seeds: a row of contact sheets for each patient."""
    fig, axes = plt.subplots(len(groups), 3, figsize=(7.2, 1.25 * len(groups)), squeeze=False)
    for row, (title, group) in zip(axes, groups.items(), strict=True):
        for ax, patient in zip(row, group, strict=False):
            image_grid(patient.samples[-1][:12], ax, columns=6, title=f"{title}, seed {patient.seed}")
            ax.title.set_size(9)
    return fig.axes


def wardrobe(groups: Mapping[str, Sequence[Patient]], columns: int = 2) -> list[Axes]:
    """For each patient the losses of seed 0, and beside them some samples of each seed."""
    rows = -(-len(groups) // columns)
    fig, axes = plt.subplots(
        rows, 4 * columns, figsize=(4.4 * columns, 1.3 * rows), width_ratios=(2.1, 1, 1, 1) * columns, squeeze=False
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for i, (title, group) in enumerate(groups.items()):
        row, first = i % rows, 4 * (i // rows)
        curves, *sheets = axes[row, first : first + 4]
        curves.set_axis_on()
        losses(curves, group[0]).set_title(title, size=9)
        curves.grid(False)
        curves.tick_params(labelsize=6.5)
        for ax, patient in zip(sheets, group, strict=False):
            image_grid(patient.samples[-1][:9], ax, columns=3)
            if not row:
                ax.set_title(f"seed {patient.seed}", size=8)
    return fig.axes


# ---- How the doctor fares -----------------------------------------------------------------------------------------


def confusion(counts: Mapping[str, Mapping[str, int]], right: Mapping[str, Sequence[str]]) -> Axes:
    """What the runs of each cause were called: {cause: {name: count}}; right names have a frame."""
    used = [name for names in right.values() for name in names]
    names = list(dict.fromkeys([*used, *(name for row in counts.values() for name in row)]))
    names = [name for name in names if any(name in row for row in counts.values())]
    table = np.array([[row.get(name, 0) for name in names] for row in counts.values()])
    fig, ax = plt.subplots(figsize=(1.6 + 0.55 * len(names), 1.7 + 0.29 * len(counts)))
    ax.imshow(table / table.sum(1, keepdims=True), cmap="Greens", vmin=0, vmax=1.4, aspect="auto")
    for (i, j), count in np.ndenumerate(table):
        cause = list(counts)[i]
        if names[j] in right[cause]:
            ax.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, ec=COLORS["truth"], lw=1.2))
        if count:
            ax.text(j, i, count, ha="center", va="center", size=9)
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor", size=8.5)
    ax.set_yticks(range(len(counts)), [f"{cause} ({sum(row.values())})" for cause, row in counts.items()], size=8.5)
    ax.set(xlabel="what the diagnosis says first", ylabel="what was done")
    ax.grid(False)
    return ax


def gaps(chosen: Mapping[str, Sequence[Patient]]) -> list[Axes]:
    """Of critics: the gap between the mean scores, beside the mean distance between data and samples at the end."""
    fig, axes = plt.subplots(1, len(chosen), figsize=(3.2 * len(chosen), 2.8), sharey=True)
    for ax, (title, group) in zip(axes, chosen.items(), strict=True):
        for patient, style in zip(group, ("-", "--", ":"), strict=False):
            gap = patient.curves[:, 2] - patient.curves[:, 3]
            ax.plot(patient.steps, gap, ls=style, color=COLORS["D"], lw=1.1)
            far = float(torch.cdist(patient.data, patient.samples[-1]).mean())
            ax.plot(patient.steps[-1], far, "D", color=COLORS["truth"], ms=4)
        ax.set(title=title, xlabel="step", yscale="symlog")
    axes[0].set_ylabel("score of data - score of samples")
    return fig.axes
