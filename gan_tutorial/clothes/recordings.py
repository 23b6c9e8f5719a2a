"""Recorded trainings: those that take longer than a notebook may; `python notebooks/authors/record.py` makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gan_tutorial.clothes.files import intact

RUNS = Path(__file__).resolve().parents[2] / "notebooks" / "runs"


@dataclass(frozen=True)
class Recording:
    """Settings, each trained with several seeds: what was measured, on what, when."""

    name: str
    about: str  # one sentence: device, version, date, how to make it again
    settings: dict[str, dict]  # name of a setting -> its numbers, and "runs": one per seed
    arrays: dict[str, np.ndarray]  # setting/seed/key -> what is no number

    def value(self, setting: str, key: str) -> np.ndarray:
        """What was measured under this name, of each seed.  -> (seeds, ...)"""
        return np.array([run[key] for run in self.settings[setting]["runs"]])

    def array(self, setting: str, seed: int, key: str) -> np.ndarray:
        """What one seed left under this name, such as pictures."""
        return self.arrays[f"{setting}/{seed}/{key}"]

    def ffd(self, setting: str) -> np.ndarray:
        """FFD at each look of each seed, NaN from where a training diverged.  -> (seeds, looks)"""
        row = self.settings[setting]
        values = np.full((len(row["runs"]), row["looks"]), np.nan)
        for i, run in enumerate(row["runs"]):
            found = [value for _, value in run["looks"]]
            values[i, : len(found)] = found
        return values

    def largest_d_loss(self, setting: str) -> np.ndarray:
        """max over the steps of |D's loss|, of each seed.  -> (seeds,)"""
        return self.value(setting, "largest_d_loss")

    def steps(self, setting: str) -> np.ndarray:
        """The steps after which FFD was taken.  -> (looks,)"""
        row = self.settings[setting]
        return (row["steps"] // row["looks"]) * np.arange(1, row["looks"] + 1)

    def samples(self, setting: str, seed: int = 0) -> np.ndarray:
        """What the generator drew at the end.  -> uint8 (shown, 28, 28)"""
        return self.array(setting, seed, "samples")


def load(name: str) -> Recording:
    """Read the recording `name`.  Raises FileNotFoundError if it is not here, CorruptData if one of its two files is
    damaged, saying how to make it."""
    path, command = RUNS / f"{name}.json", f"python notebooks/authors/record.py {name}"
    if not path.exists():
        raise FileNotFoundError(f"There is no recording {name!r} in {RUNS.name}/; `{command}` makes it.")
    with intact(path, command):
        stored = json.loads(path.read_text(encoding="utf-8"))
        settings = {row.pop("name"): row for row in stored["settings"]}
        if len(settings) < len(stored["settings"]):
            raise ValueError("it lists a setting twice")
        counts = sorted({row["samples_per_ffd"] for row in settings.values() if "samples_per_ffd" in row})
        ffd = "".join(f"; FFD of {n:,} samples" for n in counts)
        about = (
            f"Recorded on {stored['date']} ({stored['device']}, torch {stored['torch']}){ffd}. "
            f"To make it again: {command}"
        )
    path = path.with_suffix(".npz")
    with intact(path, command):
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        if {key.rsplit("/", 2)[0] for key in arrays} - set(settings):
            raise ValueError("it belongs to another recording")
    return Recording(name, about, settings, arrays)
