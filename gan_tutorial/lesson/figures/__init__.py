"""One style for the series, and the few kinds of picture it draws: arrays (or tensors) in, Axes out.

Nothing here trains or shows: a helper draws into the Axes it is given, or makes a figure through pyplot.
Colours stand for roles, or for objectives, the same in every notebook: see `COLORS` and `OBJECTIVES`.
Beside this file lie the pictures that only one notebook draws.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.lib.stride_tricks import sliding_window_view

# After Okabe and Ito: told apart with every colour vision, and with a contrast of 3:1 or more with the paper.
COLORS: Mapping[str, str] = MappingProxyType(
    {
        "data": "#0072B2",  # blue
        "model": "#D55E00",  # vermilion
        "D": "#009E73",  # green
        "G": "#B7598F",  # purple
        "truth": "#1A1A1A",  # nearly black
        "estimate": "#7B4A12",  # brown
        "second": "#3D9AD6",  # sky blue: a second curve beside data
        "guide": "#5C5C5C",  # grey: zero lines, theory, what one should not look at first
    }
)
PAPER = "#FCFCFA"
SCORE_MAP = LinearSegmentedColormap.from_list("score", [COLORS["model"], "#F7F7F4", COLORS["data"]])
# Of each objective, wherever its curve is drawn.  All differ; those that are drawn together differ with every colour
# vision, and none looks like data or model, nor like the black and grey lines of truth and guide.
OBJECTIVES: Mapping[str, str] = MappingProxyType(
    {
        "minimax": "#77975F",  # sage green
        "non_saturating": "#8A7EF6",  # lavender
        "max_likelihood": "#682B1E",  # mahogany
        "least_squares": "#D67169",  # salmon
        "hinge": "#4F7B32",  # moss green
        "kl": "#7C1305",  # dark red
        "reverse_kl": "#0C9EA1",  # teal
        "jensen_shannon": "#C16BDC",  # orchid
        "pearson": "#6E1169",  # dark purple
        "neyman": "#9E2B97",  # magenta
        "squared_hellinger": "#542F5F",  # plum
        "total_variation": "#33A23B",  # leaf green
        "jeffreys": "#999123",  # olive
        "gentle_kl": "#779932",  # lime
        "gentle_hellinger": "#0F6E1D",  # dark green
        "wgan": "#4B3C03",  # dark umber
        "wgan_gp": "#323289",  # navy
        "wgan_lp": "#9D6045",  # sienna
        "r1": "#B1873E",  # ochre
        "rpgan": "#4E228F",  # indigo
        "r3gan": "#19471A",  # forest green
    }
)
_TITLES = {  # of those whose name is not yet plain English without its underscores
    "non_saturating": "non-saturating",
    "max_likelihood": "maximum likelihood",
    "kl": "KL",
    "reverse_kl": "reverse KL",
    "jensen_shannon": "Jensen–Shannon",
    "pearson": "Pearson",
    "neyman": "Neyman",
    "squared_hellinger": "squared Hellinger",
    "jeffreys": "Jeffreys",
    "gentle_kl": "gentle KL",
    "gentle_hellinger": "gentle Hellinger",
    "wgan": "WGAN",
    "wgan_gp": "WGAN-GP",
    "wgan_lp": "WGAN-LP",
    "r1": "R1",
    "rpgan": "RpGAN",
    "r3gan": "R3GAN",
}

_STYLE = {
    # Opaque paper: on a transparent one no ink is readable in both a light and a dark JupyterLab.
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "figure.figsize": (6.0, 3.4),
    "figure.dpi": 90,
    "savefig.dpi": 90,
    "figure.constrained_layout.use": True,
    "figure.titlesize": 11,
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.labelcolor": "#333333",
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E2",
    "grid.linewidth": 0.7,
    "xtick.color": "#666666",
    "ytick.color": "#666666",
    "xtick.labelcolor": "#333333",
    "ytick.labelcolor": "#333333",
    "axes.prop_cycle": mpl.cycler(
        color=[COLORS[c] for c in ("data", "model", "D", "G", "estimate", "second")]
    ),
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": True,
    "legend.facecolor": PAPER,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.8,
    "legend.borderaxespad": 0.3,
    "legend.fontsize": 9,
    "legend.handlelength": 1.6,
    "image.cmap": "gray",
    "figure.hooks": ["gan_tutorial.lesson.figures:stamp"],
}
_THEORY: dict[str, Any] = {"linestyle": "--", "linewidth": 1.3, "zorder": 1.9}
_NOTE = "gan_tutorial note"  # how we know our own text again
_note = ""


def use_style(note: str = "") -> None:
    """Draw everything from now on in the style of the series, with `note` on top of every figure.

    The note says what a reader must not miss, for example that the pictures come from stand-in data.
    """
    global _note
    _note = note
    mpl.rcParams.update(_STYLE)


def styled():
    """Inside, figures have the style of the series, whatever the reader's own is."""
    return mpl.rc_context(_STYLE)


def objective_title(name: str) -> str:
    """An objective's name in plain English, for titles and legends: "squared Hellinger", not "squared_hellinger"."""
    return _TITLES.get(name, name.replace("_", " "))


def stamp(fig: Figure) -> None:
    """Write the note of `use_style` on a figure, once.  Pyplot calls it for every figure it makes."""
    if not _note or any(text.get_gid() == _NOTE for text in fig.texts):
        return
    lines = _note_lines(fig.get_figwidth())
    style = {"size": 8.5, "weight": "bold", "color": COLORS["model"], "linespacing": 1.15}
    fig.text(0.01, 0.995, "\n".join(lines), ha="left", va="top", gid=_NOTE, **style)
    engine = fig.get_layout_engine()
    if engine is not None and "rect" in engine.get():  # constrained layout: leave the place of the note free
        engine.set(rect=(0, 0, 1, 1 - _note_height(fig.get_figwidth()) / fig.get_figheight()))


def _note_lines(width: float) -> list[str]:
    return wrap(_note, max(20, int(13 * width)))  # 13 letters of the note's size to the inch


def _note_height(width: float) -> float:
    """In inches; 0 without a note."""
    return 0.06 + 0.145 * len(_note_lines(width)) if _note else 0.0


def image_grid(images, ax: Axes | None = None, columns: int = 8, title: str | None = None) -> Axes:
    """Images side by side.  (n, h, w) or (n, 1 or 3, h, w): uint8, or real numbers in [-1, 1].

    Without `ax` it makes a figure in which every pixel of an image is two by two pixels of the screen.
    """
    sheet = _contact_sheet(images, columns)
    if ax is None:
        ax = _exact_axes(sheet.shape, 1, 1, scale=2, top=24 if title else 0)[0, 0]
    stamp(_figure(ax))
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    if title is not None:
        ax.set_title(title)
    return ax


def _contact_sheet(images, columns: int) -> np.ndarray:
    """-> (height, width) or (height, width, 3), in [0, 1]"""
    import torch  # here, because curves need it not

    images = torch.as_tensor(images).detach().cpu()
    images = images[:, None] if images.dim() == 3 else images
    if images.dim() != 4 or images.shape[1] not in (1, 3) or len(images) == 0:
        raise ValueError(f"Images should be (n, h, w) or (n, 1 or 3, h, w), but are {tuple(images.shape)}.")
    unit = (images / 255 if images.dtype == torch.uint8 else (images.float() + 1) / 2).clamp(0, 1)
    n, channels, height, width = unit.shape
    if n == 1:  # alone it needs no frame
        return unit[0, 0].numpy() if channels == 1 else unit[0].permute(1, 2, 0).numpy()
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    paper = 0.985  # one pixel of it around each image
    cells = torch.full((rows * columns, channels, height + 1, width + 1), paper)
    cells[:n, :, 1:, 1:] = unit
    cells = cells.unflatten(0, (rows, columns)).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)  # (height, width, c)
    sheet = torch.nn.functional.pad(cells, (0, 0, 0, 1, 0, 1), value=paper).numpy()
    return sheet[..., 0] if channels == 1 else sheet


def _exact_axes(shape: Sequence[int], rows: int, columns: int, scale: int, top: int) -> np.ndarray:
    """A figure whose Axes have exactly `scale` screen pixels per image pixel, below `top` pixels for a title.

    At any other ratio the nearest pixel is drawn twice here and three times there, and images look torn.
    """
    dpi, gap = plt.rcParams["figure.dpi"], 8
    height, width = scale * shape[0], scale * shape[1]
    full_width = columns * (width + gap) + gap
    full_height = rows * (height + top + gap) + gap + round(_note_height(full_width / dpi) * dpi)
    fig = plt.figure(figsize=(full_width / dpi, full_height / dpi))
    fig.set_layout_engine("none")
    axes = np.empty((rows, columns), dtype=object)
    for row, column in np.ndindex(rows, columns):
        left, bottom = gap + column * (width + gap), gap + (rows - 1 - row) * (height + top + gap)
        box = (left / full_width, bottom / full_height, width / full_width, height / full_height)
        axes[row, column] = fig.add_axes(box)
    return axes


def density_panel(ax: Axes, x, p, q, D=None) -> Axes:
    """Data density p and model density q over x and, on an axis of its own from 0 to 1, discriminator D."""
    stamp(_figure(ax))
    x, p, q = _array(x), _array(p), _array(q)
    for name, y in (("data", p), ("model", q)):
        ax.plot(x, y, color=COLORS[name], label=name)
        ax.fill_between(x, 0, y, color=COLORS[name], alpha=0.12, linewidth=0)
    headroom = 1.25  # for the legend, on both axes alike
    ax.set(xlabel="x", ylabel="density", xlim=(x[0], x[-1]), ylim=(0, headroom * max(p.max(), q.max())))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    handles = list(ax.get_lines())
    if D is not None:
        right = ax.twinx()
        right.grid(False)
        right.spines["right"].set_visible(True)
        right.spines["right"].set_bounds(0, 1)
        right.set(ylim=(0, headroom), yticks=(0, 0.5, 1))
        right.set_ylabel("D(x)", color=COLORS["D"], y=0.5 / headroom)
        right.axhline(0.5, color=COLORS["guide"], linewidth=0.9, linestyle=":")
        handles += right.plot(x, _array(D), color=COLORS["D"], linestyle="--", label="discriminator D")
    ax.legend(handles=handles, loc="upper left", ncols=3)
    return ax


def curves(
    ax: Axes,
    x,
    ys: Mapping[str, Any],
    theory: Mapping[str, Any] | None = None,
    *,
    xlabel: str = "x",
    ylabel: str = "value",
) -> Axes:
    """Curves {label: y} over x, and what theory says: {label: a number or a curve}, dashed.

    A label that is a role in `COLORS` has its colour; a theory with the label of a curve has that curve's.
    """
    stamp(_figure(ax))
    x, cycle = _array(x), itertools.cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
    used = {label: COLORS.get(label) or next(cycle) for label in ys}
    for label, y in ys.items():
        ax.plot(x, _array(y), color=used[label], label=label)
    for label, y in (theory or {}).items():
        color = used.get(label, COLORS["guide"])
        name = f"{label}, theory" if label in used else label
        ax.plot(x, np.broadcast_to(_array(y), x.shape), label=name, color=color, **_THEORY)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(x.min(), x.max()))
    ax.legend(loc="best")
    return ax


def loss_history(ax: Axes, history: Sequence, theory: Mapping[str, float] | None = None) -> Axes:
    """Losses of D and G over steps.  history: objects with n, d_loss, g_loss.  theory: {label: value}.

    Many points are smoothed by a running mean, and the axis says so; the pale band is one sd to each side.
    """
    stamp(_figure(ax))
    if not len(history):
        raise ValueError("There is no step in the history yet: train first.")
    width = max(1, len(history) // 20)
    n = sliding_window_view(np.array([step.n for step in history], dtype=float), width).mean(1)
    for name, label in (("d_loss", "D"), ("g_loss", "G")):
        window = sliding_window_view(_column(history, name), width)
        if width > 1:
            mean, sd = window.mean(1), window.std(1)
            ax.fill_between(n, mean - sd, mean + sd, color=COLORS[label], alpha=0.15, linewidth=0)
        dot = {"marker": "o"} if len(n) == 1 else {}
        ax.plot(n, window.mean(1), color=COLORS[label], label=f"{label} loss", **dot)
    for label, value in (theory or {}).items():
        ax.axhline(value, color=COLORS["guide"], label=label, **_THEORY)
    ax.set(xlabel="step", ylabel="loss" if width == 1 else f"loss (mean of {width} points)")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + 0.16 * (top - bottom))  # room for the legend
    ax.legend(loc="upper left", ncols=4)
    return ax


def film_strip(
    frames: Sequence, titles: Sequence[str], draw: Callable[[Axes, Any], Any] | None = None, columns: int = 5
) -> np.ndarray:
    """Moments of a run in one figure: frame i under title i.  -> Axes, (rows, columns)

    A frame is one image (h, w) or several (n, ...), drawn as a square of images; or, with `draw(ax, frame)`,
    anything else, on axes that all have the same limits.
    """
    if len(frames) != len(titles) or not len(frames):
        raise ValueError(f"A film strip needs one title per frame, but has {len(titles)} and {len(frames)}.")
    columns = min(columns, len(frames))
    rows = -(-len(frames) // columns)
    if draw is None:
        sheets = [_square_of_images(frame) for frame in frames]
        scale = max(1, round(150 / sheets[0].shape[1]))
        axes = _exact_axes(sheets[0].shape, rows, columns, scale, top=20)
        frames, draw = sheets, _draw_sheet
    else:
        size = (1.8 * columns, 1.9 * rows + 0.3)
        axes = plt.subplots(rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True)[1]
    for ax in axes.flat[len(frames) :]:
        ax.set_axis_off()
    for ax, frame, title in zip(axes.flat, frames, titles, strict=False):
        draw(ax, frame)
        ax.label_outer()
        ax.set_title(title, size=9)
    _one_legend(axes)
    return axes


def _square_of_images(frame) -> np.ndarray:
    frame = frame[None] if frame.ndim == 2 else frame
    return _contact_sheet(frame, columns=math.ceil(math.sqrt(len(frame))))


def _draw_sheet(ax: Axes, sheet: np.ndarray) -> None:
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()


def _one_legend(axes: np.ndarray) -> None:
    """Move the legends of all Axes into one at the foot of the figure."""
    legends = [ax.get_legend() for ax in axes.flat if ax.get_legend() is not None]
    if not legends:
        return
    labels = [text.get_text() for text in legends[0].get_texts()]
    handles = legends[0].legend_handles
    for legend in legends:
        legend.remove()
    _figure(axes.flat[0]).legend(handles, labels, loc="outside lower left", ncols=6)


def scatter2d(ax: Axes, real, fake=None, extent: Sequence[float] | None = None) -> Axes:
    """Points of the plane: data (n, 2), and samples of the model (m, 2) above it.

    extent = (left, right, bottom, top) fixes the window; the picture then says how many samples are outside.
    """
    stamp(_figure(ax))
    for name, points, marker in (("data", real, "o"), ("model", fake, "X")):
        if points is None:
            continue
        points = _array(points)
        width = extent[1] - extent[0] if extent is not None else np.ptp(_array(real), axis=0).max()
        speck = len(points) > 1 and np.ptp(points, axis=0).max() < 0.03 * width  # which nobody would find
        size = 60.0 if speck else float(np.clip(2500 / len(points), 3, 22))
        look = {"color": COLORS[name], "s": size, "marker": marker, "alpha": 0.55, "linewidths": 0}
        ax.scatter(*points.T, label=name, **look)
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    ax.set_aspect("equal", adjustable="box" if extent is not None else "datalim")
    if extent is not None:
        ax.set(xlim=extent[:2], ylim=extent[2:])
        if fake is not None:
            _say_how_many_are_outside(ax, _array(fake), extent)
    legend = ax.legend(loc="best", handletextpad=0.1)
    for handle in legend.legend_handles:
        handle.set(alpha=1, sizes=[24])
    return ax


def _say_how_many_are_outside(ax: Axes, points: np.ndarray, extent: Sequence[float]) -> None:
    low, high = np.array(extent[::2]), np.array(extent[1::2])
    outside = ~((points >= low) & (points <= high)).all(1)  # nan is outside too
    if outside.any():
        text = f"{outside.sum()} of {len(points)} samples outside"
        ax.text(0.99, 0.01, text, transform=ax.transAxes, ha="right", color=COLORS["model"], size=8)


def field(ax: Axes, score_fn: Callable, extent: Sequence[float], resolution: int = 101) -> Axes:
    """A score over the plane: blue where positive (as for data), orange where negative, a line where it is 0.

    score_fn takes float32 points (m, 2) and returns (m,); extent = (left, right, bottom, top).  Levels are
    closer together near 0, where a discriminator decides.
    """
    import torch

    stamp(_figure(ax))
    x, y = np.linspace(*extent[:2], resolution), np.linspace(*extent[2:], resolution)
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    with torch.no_grad():
        score = _array(score_fn(torch.from_numpy(points).float()))
    if score.shape != (len(points),):
        shapes = f"{score.shape} for points {points.shape}"
        raise ValueError(f"score_fn should return one number per point, but returned {shapes}.")
    score = score.reshape(resolution, resolution)
    size = np.abs(score[np.isfinite(score)])
    limit = float(np.quantile(size, 0.98)) if size.any() else 1.0
    levels = limit * np.sinh(np.linspace(-3, 3, 15)) / np.sinh(3)
    norm = BoundaryNorm(levels, SCORE_MAP.N, extend="both")
    image = ax.contourf(x, y, score, levels, cmap=SCORE_MAP, norm=norm, extend="both")
    if np.nanmin(score) < 0 < np.nanmax(score):
        ax.contour(x, y, score, [0], colors=COLORS["truth"], linewidths=0.9)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    ax.grid(False)
    bar = _figure(ax).colorbar(image, ax=ax, label="score", ticks=levels[1::3], format="%.2g", shrink=0.9)
    bar.outline.set_visible(False)
    return ax


def _array(x) -> np.ndarray:
    """Tensors, on any device and with a gradient, as float arrays; arrays and numbers too."""
    if hasattr(x, "detach"):
        x = x.detach().cpu()
    x = np.asarray(x)
    return x if x.dtype == np.uint8 else x.astype(float)


def _column(history: Sequence, name: str) -> np.ndarray:
    values = [getattr(step, name) for step in history]
    if values and hasattr(values[0], "detach"):
        import torch

        values = torch.stack([v.detach() for v in values])  # one copy from the device, not one per step
    return _array(values)


def _figure(ax: Axes) -> Figure:
    return ax.figure.figure  # of a subfigure: the whole
