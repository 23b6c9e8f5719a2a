"""Figures of notebook 13: answers to a coin, rows of pictures, maps of two-pixel pictures, the tree, chains.

At the end what some of them need: two predictors with their judges, a measure of likeness, steps of a chain.

At the end what some of them need: two predictors with their judges, a measure of likeness, steps of a chain.

Arrays in, Axes out. A *map* is (L, L): the probability of each picture of two pixels, first pixel to the right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import FancyBboxPatch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, mse_loss, softplus

from gan_tutorial.game.networks import SideBySide
from gan_tutorial.lesson.figures import COLORS, PAPER, image_grid

MODEL_MAP = LinearSegmentedColormap.from_list("model", [PAPER, COLORS["model"]])
TRUTH_MAP = LinearSegmentedColormap.from_list("truth", [PAPER, COLORS["truth"]])


# ---- One answer, or the average -----------------------------------------------------------------------------------


def coin(c: Tensor, loss: Tensor, answers: Tensor) -> np.ndarray:
    """Left the mean squared error of the answer c to a coin that shows -1 or +1; right what the game answers.

    c, loss: (m,); answers: (seeds, n).  -> two Axes
    """
    axes = plt.subplots(1, 2, figsize=(9, 2.8))[1]
    axes[0].plot(c, loss, color=COLORS["truth"])
    best = int(loss.argmin())
    axes[0].plot(c[best], loss[best], "o", color=COLORS["estimate"])
    axes[0].annotate("the best single answer", (c[best], loss[best]), (0, -18), textcoords="offset points", ha="center")
    axes[0].set(xlabel="answer c", title="mean squared error", ylim=(0, None))
    for k, values in enumerate(answers):
        axes[1].hist(
            values.numpy(), np.linspace(-1.6, 1.6, 65), histtype="step", color=COLORS["model"], ls=["-", "--", ":"][k],
            label=f"game, seed {k}", density=True,
        )  # fmt: skip
    axes[1].set(xlabel="answer", title="how often each answer is given")
    for ax in axes:
        for value in (-1, 1):
            ax.axvline(value, color=COLORS["data"], lw=1.2, ls="--", label="data" if value == 1 else None)
    axes[1].legend(loc="upper center")
    return axes


def rows(pictures: Mapping[str, Tensor], columns: int = 10) -> Axes:
    """One row of pictures for each name.  (n, 1, h, w) in [-1, 1] each"""
    shown = torch.cat([row[:columns] for row in pictures.values()]).clamp(-1, 1)
    if shown.shape[2] < 20:  # small ones at twice the size
        shown = shown.repeat_interleave(2, 2).repeat_interleave(2, 3)
    ax = image_grid(shown, columns=columns)
    height = shown.shape[2] + 1
    for i, name in enumerate(pictures):
        ax.text(-5, height * (i + 0.5), name, ha="right", va="center", size=9)
    return ax


# ---- Two pixels ---------------------------------------------------------------------------------------------------


def _square(ax: Axes, title: str = "") -> None:
    ax.set(title=title, xticks=[0, 5, 10, 15], yticks=[0, 5, 10, 15], aspect="equal")
    ax.grid(False)


def heat(ax: Axes, p: Tensor, title: str = "", top: float | None = None, truth: bool = False) -> Any:
    """The map of one distribution; `top` is the probability that is drawn darkest."""
    cmap = TRUTH_MAP if truth else MODEL_MAP
    image = ax.imshow(p.T.numpy(), origin="lower", cmap=cmap, vmin=0, vmax=top or float(p.max()))
    _square(ax, title)
    return image


def two_faces(p: Tensor, points: Tensor, pictures: Tensor) -> np.ndarray:
    """The truth as a map, a few samples as pictures of two pixels, the same as points.  -> three Axes"""
    axes = plt.subplots(1, 3, figsize=(10, 3.1), width_ratios=(1, 0.9, 1))[1]
    heat(axes[0], p, "density: how probable is each?", truth=True)
    axes[0].set(xlabel="first pixel", ylabel="second pixel")
    n = len(pictures)
    sheet = np.full((4 * (n // 6), 6 * 3), np.nan)
    for i, pair in enumerate(pictures.tolist()):
        row, column = 4 * (i // 6), 3 * (i % 6)
        sheet[row : row + 2, column : column + 1], sheet[row : row + 2, column + 1 : column + 2] = pair
    axes[1].imshow(sheet, cmap="gray", vmin=0, vmax=15, aspect="equal")
    axes[1].set(title=f"{n} pictures")
    axes[1].set_axis_off()
    jitter = torch.rand(points.shape, generator=torch.Generator().manual_seed(0)) - 0.5
    axes[2].plot(*(points + 0.8 * jitter).T, ".", color=COLORS["data"], ms=2.5)
    _square(axes[2], f"samples: {len(points)} of them, as points")
    axes[2].set(xlim=(-0.5, 15.5), ylim=(-0.5, 15.5), xlabel="first pixel")
    return axes


def maps(shown: Mapping[str, Tensor], top: float, columns: int = 4) -> np.ndarray:
    """Several maps in one scale; the one called "truth" is black.  -> Axes"""
    lines = -(-len(shown) // columns)
    axes = plt.subplots(lines, columns, figsize=(2.5 * columns, 2.65 * lines), squeeze=False)[1].ravel()
    for ax, (name, p) in zip(axes, shown.items(), strict=False):
        heat(ax, p, name, top, truth=name == "truth")
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    return axes


def likelihood_curve(ax: Axes, r: Tensor, exact: Tensor, small: Tensor, best: float, ceiling: float) -> Axes:
    """Mean log-likelihood over the radius of the model: exact (black), for a few samples (blue), and its ceiling."""
    ax.plot(r, exact, color=COLORS["truth"], label="all data: -H(p) - KL")
    ax.plot(r, small, color=COLORS["data"], ls="--", label="100 data")
    ax.axhline(ceiling, color=COLORS["guide"], ls=":", label="-H(p): no model can do better")
    ax.axvline(best, color=COLORS["guide"], lw=1)
    ax.set(xlabel="radius of the model's ring", ylabel="nats", title="mean log-likelihood", ylim=(-6, -4))
    ax.legend(loc="lower center")
    return ax


# ---- The tree -----------------------------------------------------------------------------------------------------

BRANCHES = {  # where, text; the last ones are leaves
    "ml": (5.0, 4.0, "maximum likelihood"),
    "explicit": (3.2, 3.05, "explicit density\na formula for p(x)"),
    "implicit": (8.5, 3.05, "implicit density\nonly a sampler"),
    "tractable": (1.55, 2.1, "tractable\none can compute it"),
    "approximate": (5.0, 2.1, "approximate\na bound, or unknown Z"),
    "fvbn": (0.75, 1.0, "fully visible\nNADE, MADE,\nPixelRNN"),
    "flow": (2.45, 1.0, "change of\nvariables\nnonlinear ICA"),
    "vae": (4.15, 1.0, "variational\nautoencoder\n(VAE)"),
    "bm": (5.9, 1.0, "Markov chain:\nBoltzmann\nmachine"),
    "gsn": (7.65, 1.0, "Markov chain:\ngenerative\nstochastic net"),
    "gan": (9.4, 1.0, "direct:\nGAN"),
}
EDGES = (
    ("ml", "explicit"), ("ml", "implicit"), ("explicit", "tractable"), ("explicit", "approximate"),
    ("tractable", "fvbn"), ("tractable", "flow"), ("approximate", "vae"), ("approximate", "bm"),
    ("implicit", "gsn"), ("implicit", "gan"),
)  # fmt: skip
LEAVES = ("fvbn", "flow", "vae", "bm", "gsn", "gan")


def family_tree(ax: Axes) -> Axes:
    """The family by what each member knows of its own density (after Goodfellow 2016, fig. 9)."""
    ax.set(xlim=(-0.1, 10.3), ylim=(0.4, 4.4))
    ax.set_axis_off()
    for above, below in EDGES:
        (x, y, _), (u, v, _) = BRANCHES[above], BRANCHES[below]
        ax.plot([x, u], [y - 0.25, v + (0.42 if below in LEAVES else 0.3)], color=COLORS["guide"], lw=1.2, zorder=1)
    for name, (x, y, text) in BRANCHES.items():
        leaf = name in LEAVES
        width, height = (1.5, 0.84) if leaf else (1.9, 0.56)
        color = COLORS["model"] if leaf else COLORS["guide"]
        corner = x - width / 2, y - height / 2
        box = FancyBboxPatch(
            corner, width, height, boxstyle="round,pad=0,rounding_size=.1", fc=PAPER, ec=color, lw=1.5 + leaf
        )
        ax.add_patch(box)
        ax.text(x, y, text, ha="center", va="center", size=8.5)
    return ax


# ---- Leaves -------------------------------------------------------------------------------------------------------


def bent_plane(lines: Sequence[Tensor], density: Tensor, edges: Sequence[float], cells: Tensor) -> np.ndarray:
    """Left the lines of a grid in z, where the flow's inverse puts them; middle its density; right masses of cells.

    lines: of (m, 2) points in pixel levels; density: (m, m); edges: where it begins and ends.  -> three Axes
    """
    axes = plt.subplots(1, 3, figsize=(10, 3.3))[1]
    for line in lines:
        axes[0].plot(*(line - 0.5).T, color=COLORS["G"], lw=0.8)
    low, high = edges
    box = (low - 0.5, high - 0.5, low - 0.5, high - 0.5)
    axes[1].imshow(density.T.numpy(), origin="lower", cmap=MODEL_MAP, extent=box, vmax=float(density.max()) / 2)
    heat(axes[2], cells, "mass of each picture")
    for ax, title in zip(axes[:2], ("a grid of z, bent", "density of the plane"), strict=True):
        _square(ax, title)
    for ax in axes:
        ax.set(xlim=(-0.5, 15.5), ylim=(-0.5, 15.5))
    return axes


def posterior_and_q(z: Tensor, joint: Sequence[Tensor], q: Sequence[Tensor], names: Sequence[str]) -> np.ndarray:
    """For some pictures, where their z may be: the posterior (black contours) and the encoder's q (orange).

    z: (m,) ticks of the grid; joint, q: (m, m) tables of weights.  -> Axes
    """
    axes = plt.subplots(1, len(names), figsize=(3.3 * len(names), 3.2))[1]
    for ax, exact, guess, name in zip(axes, joint, q, names, strict=True):
        for table, color, line in ((exact, COLORS["truth"], "-"), (guess, COLORS["model"], "--")):
            top = float(table.max())
            ax.contour(z, z, table.T.numpy(), [0.1 * top, 0.5 * top, 0.9 * top], colors=color, linestyles=line)
        ax.set(title=name, xlabel="first number of z", aspect="equal")
        weight = exact / exact.sum()
        middle = [float((weight.sum(1 - i) * z).sum()) for i in (0, 1)]
        ax.set(xlim=(middle[0] - 1.6, middle[0] + 1.6), ylim=(middle[1] - 1.6, middle[1] + 1.6))
    axes[0].set_ylabel("second number of z")
    return axes


def chain_explorer(chains: Mapping[str, Tensor], level: int = 16) -> Callable:
    """For `explore(..., panels=2)`: where a chain may be after some steps, exactly, and how far that is from its rest.

    chains: name -> (S, S), the probability of each step.  The sliders are chain, steps, first_pixel, second_pixel.
    """
    at_rest = {name: torch.linalg.matrix_power(T, 4096)[0] for name, T in chains.items()}

    def draw(left: Axes, right: Axes) -> Callable[..., str]:
        image = heat(left, torch.zeros(level, level), "where the chain may be", top=0.04)
        (curve,) = right.plot([], [], color=COLORS["model"])
        (dot,) = right.plot([], [], "o", color=COLORS["model"])
        right.set(xlim=(0, 100), ylim=(0, 1), xlabel="steps", title="total variation to the chain's rest")
        known: dict[tuple, tuple] = {}

        def run(chain: str, state: int) -> tuple[Tensor, Tensor]:
            if (chain, state) not in known:
                now, seen = torch.eye(level**2, dtype=torch.float64)[state], []
                for _ in range(101):
                    seen.append(now)
                    now = now @ chains[chain]
                seen = torch.stack(seen)
                known[chain, state] = seen, (seen - at_rest[chain]).abs().sum(1) / 2
            return known[chain, state]

        def update(chain: str, steps: int, first_pixel: int, second_pixel: int) -> str:
            seen, apart = run(chain, first_pixel * level + second_pixel)
            image.set_data(seen[steps].view(level, level).T.numpy())
            curve.set_data(np.arange(101), apart.numpy())
            dot.set_data([steps], [float(apart[steps])])
            return f"After {steps} steps from ({first_pixel}, {second_pixel}): total variation {apart[steps]:.3f}."

        return update

    return draw


# ---- What the pictures need ---------------------------------------------------------------------------------------


class Predict(nn.Module):
    """The next frame from the frame and two numbers of noise, for k seeds side by side.  (n k, 1, 14, 14) -> wide"""

    def __init__(self, k: int):
        super().__init__()
        self.net = SideBySide(k, [196 + 2, 256, 256, 14 * 24])

    def forward(self, now: Tensor) -> Tensor:
        seen = torch.cat([now.flatten(1), torch.randn(len(now), 2)], 1)
        return self.net(seen).tanh().view(-1, 1, 14, 24)


class Pairs(nn.Module):
    """The score of (frame, next frame), for k seeds side by side.  (n k, ...), (n k, ...) -> (n k, 1)"""

    def __init__(self, k: int):
        super().__init__()
        self.net = SideBySide(k, [196 + 14 * 24, 256, 1], nn.LeakyReLU)

    def forward(self, now: Tensor, later: Tensor) -> Tensor:
        return self.net(torch.cat([now.flatten(1), later.flatten(1)], 1))


class Zoom(nn.Module):
    """A blown-up picture plus a correction, by three small convolutions.  (n, 1, 28, 28) -> the same"""

    def __init__(self, width: int = 32):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 4, 3, padding=1),
            nn.PixelShuffle(2),
        ).to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.net(x)


class Patches(nn.Module):
    """Scores of each patch of (blown-up picture, answer) by itself.  (n, 1, 28, 28) twice -> (n, 1, 7, 7)"""

    def __init__(self, width: int = 32):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(8, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        ).to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.net(torch.cat([x, y], 1))


def slope(D: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Mean squared slope of D(x, y) in y: what R1 penalises, at real pairs."""
    y = y.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(D(x, y).sum(), y, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean()


def d_move(D: nn.Module, d_opt: torch.optim.Optimizer, x: Tensor, y: Tensor, made: Tensor, gamma: float) -> None:
    """One step of D on pairs: -log D(x, y) - log(1 - D(x, made)) + gamma/2 R1."""
    loss = softplus(-D(x, y)).mean() + softplus(D(x, made)).mean()
    d_opt.zero_grad()
    (loss + gamma / 2 * slope(D, x, y) if gamma else loss).backward()
    d_opt.step()


def fit_answers(
    G: nn.Module,
    pairs: Callable[[int], tuple[Tensor, Tensor]],
    steps: int,
    a: float = 1.0,
    b: float = 0.0,
    D: nn.Module | None = None,
    lr: float = 1e-3,
    n: int = 32,
    gamma: float = 0.0,
) -> None:
    """G learns to answer x with the loss a (squared error) - b log D(x, G(x)), against a D that learns meanwhile.

    `pairs(n)` gives n questions x and real answers y; `gamma` is the weight of D's R1 penalty.  Without D, b is unused.
    """
    opt = {"lr": lr, "betas": (0.5, 0.99), "fused": True}
    g_opt = torch.optim.Adam(G.parameters(), **opt)
    d_opt = torch.optim.Adam(D.parameters(), **opt) if D else None
    for i in range(steps):
        g_opt.param_groups[0]["lr"] = lr * (1 - i / steps)
        x, y = pairs(n)
        made = G(x)
        loss = a * mse_loss(made, y)
        if D:
            d_move(D, d_opt, x, y, made.detach(), gamma)
            loss = loss + b * softplus(-D(x, made)).mean()
        g_opt.zero_grad()
        loss.backward()
        g_opt.step()


def ssim(a: Tensor, b: Tensor, window: int = 7) -> Tensor:
    """Structural similarity (Wang et al. 2004, eq. 13) in square windows.  (n, 1, h, w) in [-1, 1] twice -> ()"""
    a, b = (a + 1) / 2, (b + 1) / 2
    ma, mb, maa, mbb, mab = (avg_pool2d(u, window, 1) for u in (a, b, a * a, b * b, a * b))
    c1, c2 = 0.01**2, 0.03**2
    alike = (2 * ma * mb + c1) / (ma**2 + mb**2 + c1)
    return (alike * (2 * (mab - ma * mb) + c2) / (maa - ma**2 + mbb - mb**2 + c2)).mean()


def vae_row(joint: Tensor, r: Tensor, p: Tensor, elbo: Callable[[Tensor, Tensor], Tensor]) -> tuple:
    """The map, E_p of log q(x), of the ELBO and of KL(r || posterior), and the most by which these do not add up.

    joint, r: (S, m) log q(x, z) and r(z | x) on a grid of z; p: (L, L) with S = L L
    """
    log_q, bound = joint.logsumexp(1), elbo(joint, r)
    gap = (torch.xlogy(r, r) - r * (joint - log_q[:, None])).sum(1)
    means = [float((p.flatten() * value).sum()) for value in (log_q, bound, gap)]
    return log_q.exp().view_as(p), *means, float((log_q - bound - gap).abs().max())


@torch.no_grad()
def bent_grid(layers: nn.ModuleList, k: int) -> Tensor:
    """Where the inverse of a flow for k seeds puts the lines of a grid of z, for the first.  -> (lines, 200, 2)"""
    grid = grid_lines()
    points = grid.flatten(0, 1).repeat_interleave(k, 0)
    for layer in reversed(layers):
        points, _ = layer(points, back=True)
    return points[::k].view_as(grid)


def grid_lines(reach: float = 2.4, lines: int = 17) -> Tensor:
    """The lines of a square grid around 0, first the upright ones.  -> (2 lines, 200, 2)"""
    at, along = torch.linspace(-reach, reach, lines), torch.linspace(-reach, reach, 200)
    across, up = at[:, None].expand(-1, 200), along.expand(lines, -1)
    return torch.cat([torch.stack([across, up], 2), torch.stack([up, across], 2)])


def steps_to_rest(T: Tensor, rest: Tensor, start: int, within: float = 0.01, most: int = 100_000) -> int:
    """Steps of the chain T (S, S), begun in state `start`, until its total variation to `rest` (S,) is within that."""
    now, steps = torch.eye(len(T), dtype=T.dtype)[start], 0
    while (now - rest).abs().sum() / 2 > within and steps < most:
        now, steps = now @ T, steps + 1
    return steps


# ---- Rows of the ledger -------------------------------------------------------------------------------------------


def _farthest(values: Any, ideal: float = 1.0) -> float:
    """The one of the seeds that is farthest from what it should be."""
    values = torch.as_tensor(values)
    return float(values[(values - ideal).abs().argmax()])


def exact_facts(best, peak, total, whole, dequantised, elbo_off, Z_ratio, moved) -> list[tuple]:
    """What mathematics says of any weights: (fact, claim, expected, measured, tolerance, what it says)."""
    return [
        ("F-C1", "best single answer to a fair coin", 0, best, 1e-6,
         "The best answer to a fair coin in squared error is 0, which never occurs."),
        ("1.12", "largest expected log-likelihood + H(p)", 0, peak, 1e-9, ""),
        ("1.14", "fully visible, sum over all pictures", 1, _farthest(total), 1e-4,
         "A fully visible model sums to 1 over all pictures."),
        ("1.17", "flow, integral over the plane", 1, _farthest(whole), 0.01,
         ""),
        ("1.17", "dequantised bound - exact, most", (-math.inf, 0), dequantised.max(), 1e-9, ""),
        ("1.19", "log q - ELBO - KL, largest", 0, max(elbo_off), 1e-6,
         "Log-likelihood = ELBO + KL(encoder || posterior), for every picture."),
        ("1.21", "log Z, literal / by softplus", 1, Z_ratio, 1e-9, ""),
        ("1.21", "a Gibbs step moves the machine's map by", 0, moved, 1e-6,
         "Gibbs sampling leaves the Boltzmann machine's distribution as it is."),
    ]  # fmt: skip


def chain_facts(chains: Mapping[str, Tensor], start: int, rare: Tensor, steps: Sequence[int]) -> list[tuple]:
    """How slowly the chains forget: (fact, claim, expected, measured, what it says).  chains: name -> (k, S, S)"""
    found, ahead = [], {}
    for name, T in chains.items():
        early, rest = (torch.linalg.matrix_power(T, n)[:, start] for n in (5, 4096))  # (k, S)
        off = (early - rest).abs().sum(1) / 2
        found += [
            ("chain", f"{name}, five steps: total variation to rest, least", (0.15, 1), off.min(), ""),
            ("chain", f"{name}, five steps: share of rare pictures, most", (0, 0.06), early[:, rare].sum(1).max(), ""),
        ]
        at = torch.arange(math.isqrt(early.shape[1])) - 7.5
        across, up = at[:, None], at[None, :]
        left, poles = (across < -2.5) & (up.abs() < 3), (across.abs() < 3) & (up.abs() > 3)
        ahead[name] = (early[:, left.flatten()].sum(1), early[:, poles.flatten()].sum(1))
    walks = ahead["denoising"][1] - ahead["denoising"][0]
    return [
        *found,
        ("chain", "steps until within 0.01 of rest, least", (10, math.inf), min(steps), ""),
        ("chain", "Gibbs, five steps: mode opposite - both at the side, least", (0, 1),
         (ahead["Gibbs"][0] - ahead["Gibbs"][1]).min(), ""),
        ("chain", "denoising, five steps: both modes at the side - opposite, least", (0, 1), walks.min(), ""),
    ]  # fmt: skip


def training_facts(near_coin, to_mean, to_future, by_print, by_truth, quality) -> list[tuple]:
    """What three trainings showed: (fact, claim, expected, measured, what it says)."""
    tv_of, rare, likely = ({name: three[i] for name, three in quality.items()} for i in range(3))
    two = torch.cat([tv_of[name] for name in ("flow", "GAN")])
    four = torch.cat([off for name, off in tv_of.items() if name not in ("flow", "GAN")])
    l2, game = to_mean["L2"] / to_future["L2"], to_future["game"] / to_mean["game"]
    return [
        ("F-C1", "game, share of answers near a coin, least", (0.6, 1), near_coin.min(), ""),
        ("1.09", "L2, distance to the mean / to a future, most", (0, 0.9), l2.max(),
         "The L2 network predicts the mean of both futures."),
        ("1.09", "game, distance to a future / to the mean, most", (0, 0.9), game.max(),
         ""),
        ("quality", "flow, share of rare pictures, least", (0.03, 1), rare["flow"].min(), ""),
        ("quality", "GAN, share of rare pictures, most", (0, 0.03), rare["GAN"].max(),
         ""),
        ("quality", "GAN, share of likely pictures, least", (0.55, 1), likely["GAN"].min(),
         "The GAN makes too many of the likely pictures: its modes are too narrow."),
        ("quality", "flow, share of likely pictures, most", (0, 0.45), likely["flow"].max(), ""),
        ("trap", "as printed, flow - fully visible, least", (0, math.inf), by_print.min(), ""),
        ("trap", "exact, flow - fully visible, most", (-math.inf, 0), by_truth.max(),
         "The flow prints a higher log-likelihood than the fully visible model, and has a lower one."),
        ("quality", "total variation, flow and GAN / the other four, least", (1.2, math.inf), two.min() / four.max(),
         "Flow and GAN are farther from the truth than the other four."),
    ]  # fmt: skip
