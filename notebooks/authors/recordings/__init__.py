"""What is recorded for the notebooks: `nbNN.py` lists the trainings of notebook NN that are too long for it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from recordings.plan import Listing

RECORDINGS: dict[str, Listing] = {}
for _path in sorted(Path(__file__).parent.glob("nb*.py")):
    RECORDINGS |= import_module(f"recordings.{_path.stem}").RECORDINGS
