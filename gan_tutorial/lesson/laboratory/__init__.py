"""The laboratory: a GAN in the plane, or on clothes, that one can watch, stop, push and change while it learns.

`setting`: what it can be set to, and the game that a setting describes. `truth`: what is known beside it.
`challenges`: what to bring about, and settings with a name. `widget`: the laboratory itself, over `game.train`.
`laboratory.js`, `laboratory.css`: what the browser shows.
`page`: all of it as one file without Python, where `page.js` answers the browser as `widget` does, with the games of
`engine.js` and the measures of `measures.js`.
"""

from typing import Any

from gan_tutorial.lesson.laboratory.setting import CONTROLS, Setting
from gan_tutorial.lesson.laboratory.widget import Laboratory

__all__ = ["CONTROLS", "Laboratory", "Setting", "laboratory"]


def laboratory(still: int = 0, **setting: Any) -> Laboratory:
    """A GAN to watch and to meddle with while it learns: show it as the last value of a cell.

    `setting` is any of `CONTROLS`: `laboratory(data="two moons", objective="wgan_gp")`; `width`, `depth` and
    `optimiser` are short for the same of both players.  It begins at step 0; what a stored notebook shows to readers
    without a kernel is the same game after `still` steps.
    """
    return Laboratory(still, **setting)
