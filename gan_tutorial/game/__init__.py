"""The game between G and D: each one's loss (`objectives`), how they move (`loop`), and who they are (`networks`).

`graph` records a step for a GPU; `saved` looks at a saved game before it is taken over.
"""

from gan_tutorial.game import networks, objectives
from gan_tutorial.game.loop import Diverged, Game, average_move, d_move, g_move, move, play, train

__all__ = [
    "Diverged", "Game", "average_move", "d_move", "g_move", "move", "networks", "objectives", "play", "train",
]  # fmt: skip
