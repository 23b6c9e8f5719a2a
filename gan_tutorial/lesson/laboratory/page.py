"""The laboratory as one file for a browser, without Python: `python -m gan_tutorial.lesson.laboratory.page`.

The page holds the front end that a notebook shows, and an engine in place of torch.  What both share comes from here:
controls, what an objective brings along, numbers, pieces of code.  Nothing is loaded when it is opened, also from disk.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from gan_tutorial.game.objectives import OBJECTIVES, smooth
from gan_tutorial.lesson import single_page
from gan_tutorial.lesson.laboratory import challenges, setting, tour, truth, widget
from gan_tutorial.lesson.laboratory.setting import Setting

HERE = Path(__file__).parent
PLACE = Path("build/playground/gan_laboratory.html")
MODULES = ("engine", "measures", "page", "laboratory")  # each after those it needs
SLICE = 0.011  # seconds of training between two pictures, where one thread must also draw them


def given() -> dict[str, Any]:
    """What the page is given: everything that Python and the browser must agree about, as JSON has it."""
    lab = widget.Laboratory()
    fixed = dict(lab.fixed) | {"diagnoses": False}  # its rules are written in Python
    lab.close()
    data = {**fixed["controls"]["data"], "options": [*setting.DATA, setting.OWN]}
    fixed["controls"] = {**fixed["controls"], "data": data}
    numbers = {
        "cells": truth.CELLS, "fine": truth.FINE, "many": truth.MANY, "few": truth.FEW, "shown": widget.SHOWN,
        "arrows": widget.ARROWS, "judged": widget.JUDGED, "inside": widget.INSIDE, "records": widget.RECORDS,
        "record_every": widget.RECORD_EVERY, "slice": 1000 * SLICE, "stage": 1000 * widget.STAGE,
    }  # fmt: skip
    goals = {"saved": challenges.SAVED, "written": challenges.WRITTEN, "turns": challenges.TURNS}
    return {
        "fixed": fixed,
        "layers": dict(widget.LAYERS),
        "setting": Setting().as_dict(),
        "numbers": numbers,
        "challenge": goals | {"near": challenges.NEAR, "seconds": challenges.SECONDS},
        "challenges": [{"name": n, "words": w, "hint": h} for n, (w, h) in challenges.CHALLENGES.items()],
        "presets": challenges.PRESETS,
        "learned": challenges.LEARNED,
        "tour": [stop.game for stop in tour.TOUR],
        "heart": setting.HEART,
        "window": setting.WINDOW,
        "edges": {law: widget._lattice(f"{law}, 1-D")[: widget.LINES, 0].tolist() for law in ("Gaussian", "uniform")},
        "both": setting.BOTH,
        "suits": setting.SUITS,
        "free": setting.FREE,
        "bare": setting.BARE,
        "anew": sorted(setting.ANEW),
        "unlabelled": _why_not_smooth(),
        "code": setting.CODE,
        "more_moves": setting.MORE_MOVES,
        "data": setting.DATA,
        "scale": {name: repr(scale) for name, scale in setting.SCALE.items()},
        "latents": setting.LATENTS,
        "holds": {name: code for name, (code, _) in setting.HOLDS.items()},
    }


def _why_not_smooth() -> str:
    try:
        smooth(OBJECTIVES["rpgan"])
    except ValueError as error:
        return str(error)
    raise AssertionError("a paired objective has labels now")


def html() -> str:
    """The whole page."""
    modules = [HERE / f"{name}.js" for name in MODULES]
    data = json.dumps(given(), ensure_ascii=False).replace("</", "<\\/")
    return single_page.fill(HERE / "page.html", HERE / "laboratory.css", modules, given=data)


def main(place: Path = PLACE) -> None:
    """Write the page to `place`."""
    torch.set_num_threads(1)
    single_page.write(html(), place)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
