"""A picture with sliders, for readers with a kernel; and its still, for readers without one."""

from __future__ import annotations

import importlib
import struct
import threading
import zlib
from base64 import b64encode
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SHARP = 2  # pixels of a picture for each pixel of the page, along each side: a good screen has as many

Update = Callable[..., str]  # (**values) -> the line of numbers under the picture


def explore(
    draw: Callable[..., Update],
    *,
    panels: int = 1,
    size: tuple[float, float] | None = None,
    still: dict[str, Any] | None = None,
    **sliders: Any,
) -> Explorer:
    """A picture that follows its sliders: show it as the last value of a cell.

    `draw(ax)`, or `draw(*axes)` with `panels` > 1, makes the artists once and returns a function
    `update(**values) -> str`, which moves them (`line.set_ydata`) and returns the line under the picture.
    `still`: the values of the stored picture, where they are not the start.

    A slider is (low, high), (low, high, start) or (low, high, start, step): whole numbers where all are, else
    real; a list of names for a menu, of anything else for a slider over them; True or False for a tick box; or any
    widget with a `value`.  Its name is its label, with spaces for underscores.
    """
    return Explorer(draw, panels, size, still or {}, {name: _slider(name, s) for name, s in sliders.items()})


class Explorer(widgets.VBox):
    """What `explore` returns: `.set(x=1.0)`, `.values`, `.text` (the line of numbers) and `.png()`."""

    def __init__(self, draw: Callable[..., Update], panels: int, size: Any, still: dict, sliders: dict) -> None:
        self._sliders = sliders
        self._picture = _Picture(draw, panels, size)
        width, height = self._picture.size
        self._image = widgets.Image(format="png", layout=widgets.Layout(width=f"{width}px", max_width="100%"))
        self._still_size = {"width": width, "height": height}
        _in_one_column(list(sliders.values()))
        self._line = widgets.HTML()
        self._quiet = False
        self.text = ""
        self._check(still)
        start = self.values
        self._still_text = self._picture.update(**start | still)
        self._still = self._picture.png()
        super().__init__([*sliders.values(), self._image, self._line])
        self._redraw()
        for slider in sliders.values():
            slider.observe(self._moved, "value")
        replace_older(self)

    @property
    def values(self) -> dict[str, Any]:
        """What the sliders say now."""
        return {name: slider.value for name, slider in self._sliders.items()}

    def set(self, **values: Any) -> str:
        """Move sliders, redraw once and return the line of text.  What `update` raises is raised."""
        self._check(values)
        self._quiet = True
        try:
            for name, value in values.items():
                self._sliders[name].value = value
        finally:
            self._quiet = False
        self._redraw()
        return self.text

    def png(self) -> bytes:
        """The picture as it is now."""
        return bytes(self._image.value)

    def close(self) -> None:
        """Take the picture and its sliders out of the kernel and of the page."""
        for part in self.children:
            part.close()
        super().close()

    def _check(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name not in self._sliders:
                raise ValueError(f"There is no slider {name!r}; there are {', '.join(self._sliders) or 'none'}.")
            low, high = (getattr(self._sliders[name], end, None) for end in ("min", "max"))
            if low is not None and not low <= value <= high:
                raise ValueError(f"{name} = {value} is outside {low} to {high}.")

    def _redraw(self) -> None:
        text = self._picture.update(**self.values)
        self.text = text
        self._image.value = self._picture.png(fast=True)
        self._line.value = f"<output>{escape(text)}</output>"

    def _moved(self, _change: Any) -> None:
        # A widget's callback has nobody to raise to: the reader would see a picture that stands still.
        if self._quiet:
            return
        try:
            self._redraw()
        except Exception as error:
            said = f"The picture could not follow: {type(error).__name__}: {error}"
            self._line.value = f'<output role="alert">{escape(said)}</output>'

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = super()._repr_mimebundle_(**kwargs) or {}
        data |= {"text/plain": self._still_text, "image/png": b64encode(self._still).decode()}
        return data, {"image/png": self._still_size}


class _Picture:
    """One Agg figure that is used again and again: artists move, nothing is made anew."""

    def __init__(self, draw: Callable[..., Update], panels: int, size: Any) -> None:
        dpi, size = mpl.rcParams["figure.dpi"], size or (4.8 * min(panels, 2), 3.2)
        self.size = tuple(round(inches * dpi) for inches in size)  # on the page
        self.figure = Figure(figsize=size, dpi=SHARP * dpi, layout="constrained")
        self.canvas = FigureCanvasAgg(self.figure)
        for hook in mpl.rcParams["figure.hooks"]:  # what pyplot does for its own figures: our note on stand-in data
            module, name = hook.split(":")
            getattr(importlib.import_module(module), name)(self.figure)
        axes = self.figure.subplots(1, panels, squeeze=False)[0]
        self._update = draw(*axes)
        if not callable(self._update):
            kind = type(self._update).__name__
            raise TypeError(f"draw should return a function update(**values) -> str; it returned a {kind}.")
        self._laid_out = False
        self._axes = list(axes)
        self._moving: set[Artist] = set()
        self._front: list[Artist] = []  # the moving artists, and what lies between them
        self._back: Any = None  # pixels of what lies below them
        self._lid: Any = None  # and what lies above, spines and legend: (pixels, their colour, what shows through)

    def update(self, **values: Any) -> str:
        text = self._update(**values)
        if not isinstance(text, str):
            raise TypeError(f"update should return a line of text; it returned a {type(text).__name__}.")
        return text

    def png(self, fast: bool = False) -> bytes:
        """The figure as PNG; `fast` trades some size for speed, for what is drawn while a slider moves."""
        self._draw()
        return _png(np.asarray(self.canvas.buffer_rgba())[..., :3], level=1 if fast else 9)

    def _draw(self) -> None:
        """Draw what moves between copies of what does not: the pixels of a whole drawing, in a fraction of its time."""
        if not self._laid_out:  # once: a picture must not jump
            self.canvas.draw()
            self.figure.set_layout_engine("none")
            self._laid_out = True
        elif not self._keeps():
            self._divide()
        if self._back is not None:
            self.canvas.restore_region(self._back)
            for artist in self._front:
                artist.draw(self.canvas.renderer)
            where, color, shows = self._lid
            pixels = np.asarray(self.canvas.buffer_rgba()).reshape(-1, 4)
            pixels[where, :3] = color + shows * pixels[where, :3] + 0.5

    def _keeps(self) -> bool:
        """Whether the copy still holds; and note which artists moved."""
        axes = {axis for ax in self._axes for axis in (ax.xaxis, ax.yaxis)}
        changed = {part for ax in self._axes for part in _parts(ax) if part.stale}
        self._moving |= changed - axes
        # An axis that changed moves all that is drawn along it.
        return self._back is not None and not changed & axes and self._moving <= set(self._front)

    def _divide(self) -> None:
        """Part the artists into those that are drawn each time and those below and above, of which copies are kept."""
        self._front, lid = [], []
        for ax in self._axes:
            parts = sorted(_parts(ax), key=lambda part: part.zorder)
            heights = [part.zorder for part in self._moving.intersection(parts)] or [np.inf]
            above = {ax.title, ax._left_title, ax._right_title} - self._moving  # nothing reaches up there
            parts = [part for part in parts if part.zorder >= min(heights) and part not in above]
            self._front += [part for part in parts if part.zorder <= max(heights)]
            lid += [part for part in parts if part.zorder > max(heights)]
        for artist in [*self._front, *lid]:
            artist.set_animated(True)  # the figure leaves it out
        self.canvas.draw()
        self._back = self.canvas.copy_from_bbox(self.figure.bbox)
        self.canvas.renderer.clear()
        for artist in lid:
            artist.draw(self.canvas.renderer)
        lid = np.array(self.canvas.buffer_rgba()).reshape(-1, 4).astype(np.float32)
        where = np.flatnonzero(lid[:, 3])
        opaque = lid[where, 3:] / 255
        self._lid = where, opaque * lid[where, :3], 1 - opaque


def _parts(ax: Axes) -> list[Artist]:
    """What an axes draws over its background."""
    left_out = [ax.patch] if ax.axison else [ax.patch, ax.xaxis, ax.yaxis, *ax.spines.values()]
    return [part for part in ax.get_children() if part not in left_out]


def _png(pixels: np.ndarray, level: int) -> bytes:
    """A PNG of (height, width, 3) bytes.  Each row as its difference to the one above, which for figures is mostly
    nothing: a third faster than Pillow, which tries five ways for each row."""
    height, width, _ = pixels.shape
    rows = pixels.reshape(height, -1)
    lines = np.empty((height, 1 + rows.shape[1]), np.uint8)
    lines[:, 0] = 2  # "up", in the language of PNG
    lines[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    strategy = zlib.Z_RLE if level == 1 else zlib.Z_DEFAULT_STRATEGY  # runs of nothing need no search
    pack = zlib.compressobj(level, strategy=strategy)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits each of red, green and blue
    parts = (b"IHDR", header), (b"IDAT", pack.compress(lines) + pack.flush()), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def _in_one_column(sliders: list[widgets.Widget]) -> None:
    """Labels as wide as the longest, so that what stands below each other begins and ends at one line."""
    longest = max((len(slider.description) for slider in sliders if hasattr(slider, "description")), default=0)
    for slider in sliders:
        if hasattr(slider, "description") and "description_width" in getattr(slider.style, "keys", ()):
            slider.style.description_width = f"{0.58 * longest + 1:.1f}em"
            slider.layout.width, slider.layout.max_width = f"{0.58 * 13 * longest + 340:.0f}px", "100%"


def _slider(name: str, given: Any) -> widgets.Widget:
    label = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if isinstance(given, widgets.Widget):
        return given
    if isinstance(given, bool):
        return widgets.Checkbox(given, indent=True, **label)
    if isinstance(given, list) and given and all(isinstance(option, str) for option in given):
        return widgets.Dropdown(options=given, **label)
    if isinstance(given, list) and given:
        return widgets.SelectionSlider(options=given, continuous_update=True, **label)
    if not isinstance(given, tuple) or not 2 <= len(given) <= 4 or not given[0] < given[1]:
        raise ValueError(f"{name} should be (low, high[, start[, step]]), a list or a bool; it is {given!r}.")
    low, high = given[:2]
    whole = all(isinstance(number, int) for number in given)
    start = given[2] if len(given) > 2 else ((low + high) // 2 if whole else (low + high) / 2)
    step = given[3] if len(given) > 3 else (1 if whole else (high - low) / 100)
    if not low <= start <= high:
        raise ValueError(f"{name} starts at {start}, outside {low} to {high}.")
    if whole:
        return widgets.IntSlider(start, min=low, max=high, step=step, continuous_update=True, **label)
    look = {"readout_format": ".3g", "continuous_update": True, **label}
    return widgets.FloatSlider(start, min=low, max=high, step=step, **look)


# A cell that is run again makes its widgets anew; the old ones would live on in the kernel and the browser.
_opened: dict[str, tuple[str, list[widgets.DOMWidget]]] = {}


def _where() -> tuple[str, str] | None:
    """(cell, run of it) that is being executed, where there is a kernel whose front end says so."""
    from IPython import get_ipython

    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    return (cell, parent["header"]["msg_id"]) if cell else None


def running_cell() -> int | None:
    """The number of the cell that is being executed, where a front end that draws has asked for it; else None."""
    from IPython import get_ipython

    shell = get_ipython()
    aside = shell and threading.current_thread() is not threading.main_thread()  # a message of a front end's own
    return shell.execution_count if aside or _where() else None


def after_the_cell(do: Callable[[], None]) -> None:
    """Call `do()` when the cell that is being executed has shown what it shows; at once where none is.

    Sent is not drawn: the browser draws meanwhile.  The next cell waits.
    """
    from IPython import get_ipython

    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    if parent.get("header", {}).get("msg_type") != "execute_request":
        do()
        return

    def once(_result: Any) -> None:
        shell.events.unregister("post_run_cell", once)
        do()

    shell.events.register("post_run_cell", once)


def replace_older(new: widgets.DOMWidget) -> None:
    place = _where()
    if place is None:
        return
    cell, run = place
    if cell in _opened and _opened[cell][0] != run:
        for old in _opened.pop(cell)[1]:
            old.close()
    _opened.setdefault(cell, (run, []))[1].append(new)
