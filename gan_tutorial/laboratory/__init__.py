"""The laboratory: a GAN in the plane, or on clothes, that one can watch, stop, push and change while it learns.

`setting`: what it can be set to, and the game that a setting describes. `truth`: what is known beside it.
`widget`: the laboratory itself, over `game.train`. `laboratory.js`, `laboratory.css`: what the browser shows.
"""

from gan_tutorial.laboratory.setting import CONTROLS, Setting
from gan_tutorial.laboratory.widget import Laboratory

__all__ = ["CONTROLS", "Laboratory", "Setting"]
