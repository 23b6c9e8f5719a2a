"""What is recorded is complete, belongs to the settings in `record.py`, and is read back as it was measured."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_tutorial import recordings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "notebooks"))

import record  # noqa: E402


@pytest.mark.parametrize("name", record.RECORDINGS)
def test_each_recording_is_there_and_not_stale(name):
    stored = json.loads((recordings.RUNS / f"{name}.json").read_text())
    assert stored["source"] == record.source(name), f"settings were changed: run python notebooks/record.py {name}"
    found = recordings.load(name)
    for setting in record.RECORDINGS[name]():
        row = found.settings[setting.name]
        assert (row["steps"], row["lr"], row["d_steps"]) == (setting.steps, setting.lr, setting.d_steps)
        assert [run["seed"] for run in row["runs"]] == list(range(record.SEEDS))
        ffd = found.ffd(setting.name)
        assert ffd.shape == (record.SEEDS, setting.looks) and found.steps(setting.name)[-1] == setting.steps
        for run, values in zip(row["runs"], ffd, strict=True):
            assert run["diverged"] or np.isfinite(values).all()
            assert found.samples(setting.name, run["seed"]).shape == (record.SHOWN, 28, 28)


def test_nothing_else_lies_there():
    names = {path.stem for path in recordings.RUNS.glob("*") if not path.name.startswith(".")}
    assert names == set(record.RECORDINGS)


def test_a_training_is_recorded(tmp_path, monkeypatch):
    """The whole way, with two steps: train, look, write, read; what diverged is NaN from there on."""
    monkeypatch.setattr(record, "SAMPLES", 200)
    setting = replace(next(record.family()), steps=2, looks=2)
    run = record.record(setting, seed=0)
    assert run["seed"] == 0 and not run["diverged"]
    assert run["samples"].shape == (record.SHOWN, 28, 28) and run["samples"].dtype == np.uint8
    assert [n for n, _ in run["looks"]] == [1, 2]
    pictures = run.pop("samples")
    broken = run | {"looks": run["looks"][:1], "diverged": 1}
    row = {"name": setting.name, "steps": 2, "looks": 2, "runs": [run, broken]}
    about = {"date": "1/1", "torch": "x", "device": "y", "samples_per_ffd": 5, "source": ""}
    (tmp_path / "one.json").write_text(json.dumps(about | {"settings": [row]}))
    np.savez(tmp_path / "one.npz", **{f"{setting.name}/0": pictures})
    monkeypatch.setattr(recordings, "RUNS", tmp_path)
    found = recordings.load("one")
    assert found.steps(setting.name).tolist() == [1, 2]
    assert np.isnan(found.ffd(setting.name)).tolist() == [[False, False], [False, True]]
    assert (found.samples(setting.name) == pictures).all()
    assert "record.py one" in found.about


def test_a_missing_recording_says_how_to_make_it():
    with pytest.raises(FileNotFoundError, match=r"record.py nothing"):
        recordings.load("nothing")
