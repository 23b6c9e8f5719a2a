"""The drawings of notebook 00: names and frames for grids of pictures, the square to walk in, the map of the series."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from gan_tutorial.lesson.figures import COLORS, image_grid

SIDE = 29  # pixels from one image of a grid to the next

ANY_TIME = "At any time"  # the row that has no place in the order
# Row by row; the blue ones, the short course, are marked
MAP = {
    "The game": {
        "00 start here": ("Does it run, and\nwhat is a GAN?", True),
        "01 fit by likelihood": ("What does it mean to\nfit a distribution?", False),
        "02 play the game": ("What does the best D know,\nand where does G end up?", True),
        "03 train a GAN": ("How does one train it\non pictures, and what fails?", True),
    },
    "Its losses": {
        "04 circle the saddle": ("Why do two players circle\ninstead of settling?", False),
        "05 compare the losses": ("Which loss should\nthe generator have?", False),
        "06 choose a divergence": ("What if we measure by\nanother divergence?", False),
    },
    "Wasserstein": {
        "07 move earth": ("What if data and samples\ndo not overlap at all?", True),
        "08 penalise the gradient": ("How does one keep\nthe critic's slope in check?", True),
    },
    "In practice": {
        "09 count the modes": ("Why does G leave out\npart of the data?", False),
        "10 use the tricks": ("Which tricks help,\nand by how much?", False),
        "11 measure what you made": ("How good are samples,\nand what says so?", False),
        "12 look further": ("Where does D help today,\nand where does it not?", False),
    },
    ANY_TIME: {
        "13 meet the family": ("Which other generative\nmodels are there?", False),
        "14 read the curves": ("My losses look odd:\nis that normal?", False),
        "15 add a condition": ("How does one ask G\nfor something?", False),
        "16 spot the bug": ("It trains. But is\nthe code right?", False),
    },
}


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """A name to the left of each row of a grid of images."""
    for row, name in enumerate(names):
        ax.text(-5, SIDE * row + 15, name, ha="right", va="center", size=9)


def frames_around(ax: Axes, is_real: Tensor, columns: int = 12) -> None:
    """A frame around each image of a grid, solid blue where it is real, else dashed orange.  is_real: (n,) bool"""
    for place, real in enumerate(is_real.tolist()):
        corner = SIDE * (place % columns) + 1, SIDE * (place // columns) + 1
        color, line = (COLORS["data"], "-") if real else (COLORS["model"], "--")
        ax.add_patch(plt.Rectangle(corner, 27, 27, fill=False, edgecolor=color, ls=line, lw=2))


def square(
    map_ax: Axes, one_ax: Axes, picture: Callable[[float, float], Tensor], says: Callable[[Tensor], str]
) -> Callable[[float, float], str]:
    """A map of seven by seven pictures, and one of them large; returns the function that goes elsewhere.

    picture(across, down) -> (1, 1, 28, 28), in [-1, 1]; says: what stands under it.
    """
    ticks = [i / 6 for i in range(7)]
    image_grid(torch.cat([picture(a, d) for d in ticks for a in ticks]), map_ax, columns=7)
    large = image_grid(picture(0, 0), one_ax).images[0]
    map_ax.set_title("trouser → T-shirt", loc="center")
    map_ax.text(102, 207, "sneaker → ankle boot", ha="center", va="top", size=10.5)
    one_ax.set_title("the picture in the frame", loc="center")
    line = {"fill": False, "color": COLORS["model"], "linewidth": 2.5}
    here = map_ax.add_patch(plt.Rectangle((0, 0), SIDE, SIDE, **line))

    def update(across: float, down: float) -> str:
        x = picture(across, down)
        here.set_xy((6 * SIDE * across, 6 * SIDE * down))
        large.set_data(torch.nn.functional.pad((x[0, 0] + 1) / 2, [1] * 4, value=1).cpu())
        return says(x)

    return update


def series_map(ax: Axes) -> None:
    """The notebooks as boxes, in the order in which they are read, if they have one; blue: the short course."""
    arrow = {"arrowstyle": "->", "color": COLORS["guide"]}
    above = 0  # the column in which the row above ends
    for row, (part, notebooks) in enumerate(MAP.items()):
        ax.text(-0.12, -row, part, ha="right", va="center", weight="bold")
        for column, (name, (question, short)) in enumerate(notebooks.items()):
            box = {"boxstyle": "round,pad=0.04", "facecolor": COLORS["data" if short else "guide"]}
            ax.add_patch(FancyBboxPatch((column + 0.04, -row - 0.3), 0.87, 0.6, alpha=0.16, linewidth=0, **box))
            ax.text(column + 0.03, -row + 0.2, name, size=8.2, weight="bold", va="center")
            ax.text(column + 0.03, -row - 0.12, question, size=8.5, va="center")
            if column and part != ANY_TIME:
                ax.annotate("", (column + 0.01, -row), (column - 0.06, -row), arrowprops=arrow)
        if row and part != ANY_TIME:  # from the end of the row above to the beginning of this one
            corner = [above + 0.48, above + 0.48, 0.48], [0.66 - row, 0.5 - row, 0.5 - row]
            ax.plot(*corner, color=COLORS["guide"], lw=1)
            ax.annotate("", (0.48, 0.34 - row), (0.48, 0.51 - row), arrowprops=arrow)
        above = column
    ax.text(2.1, -list(MAP).index("Wasserstein"), "blue: the short course", color=COLORS["data"], va="center")
    ax.set(xlim=(-0.9, 4), ylim=(0.5 - len(MAP), 0.5))
    ax.axis("off")
