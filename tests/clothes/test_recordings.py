"""What is recorded is complete, belongs to the settings in `record.py`, and is read back as it was measured."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gan_tutorial.clothes import recordings
from gan_tutorial.game import train

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "authors"))

import record  # noqa: E402


@pytest.mark.parametrize("name", record.RECORDINGS)
def test_each_recording_is_there_and_not_stale(name):
    stored = json.loads((recordings.RUNS / f"{name}.json").read_text())
    assert stored["source"] == record.source(name), f"settings changed: python notebooks/authors/record.py {name}"
    found = recordings.load(name)
    for setting in record.RECORDINGS[name]():
        row = found.settings[setting.name]
        assert (row["steps"], row["lr"], row["d_steps"]) == (setting.steps, setting.lr, setting.d_steps)
        assert [run["seed"] for run in row["runs"]] == list(range(setting.seeds))
        ffd = found.ffd(setting.name)
        assert ffd.shape == (setting.seeds, setting.looks) and found.steps(setting.name)[-1] == setting.steps
        for run, values in zip(row["runs"], ffd, strict=True):
            assert run["diverged"] or np.isfinite(values).all()
            assert found.samples(setting.name, run["seed"]).shape == (setting.shown, 28, 28)


def test_nothing_else_lies_there():
    names = {path.stem for path in recordings.RUNS.glob("*") if not path.name.startswith(".")}
    assert names == set(record.RECORDINGS)


def test_a_training_is_recorded(tmp_path, monkeypatch):
    """The whole way, with four steps: train, look, write, read; what diverged is NaN from there on.

    It needs no data: where there are none, the garments that are drawn do.
    """
    monkeypatch.setattr(record, "SAMPLES", 200)
    losses = []

    def overheard(*args, **kwargs):
        for step in train(*args, **kwargs):
            losses.append(float(step.d_loss))
            yield step

    monkeypatch.setattr(record, "train", overheard)
    setting = replace(next(record.family()), steps=4, looks=2)
    run = record.record(setting, seed=0)
    assert run["seed"] == 0 and not run["diverged"]
    assert run["samples"].shape == (record.SHOWN, 28, 28) and run["samples"].dtype == np.uint8
    assert [n for n, _ in run["looks"]] == [2, 4]
    assert run["largest_d_loss"] == pytest.approx(max(map(abs, losses)), rel=1e-3) and len(losses) == 4
    pictures = run.pop("samples")
    broken = run | {"looks": run["looks"][:1], "diverged": 1}
    row = {"name": setting.name, "steps": 4, "looks": 2, "runs": [run, broken]}
    about = {"date": "1/1", "torch": "x", "device": "y", "samples_per_ffd": 5, "source": ""}
    (tmp_path / "one.json").write_text(json.dumps(about | {"settings": [row]}))
    np.savez(tmp_path / "one.npz", **{f"{setting.name}/0": pictures})
    monkeypatch.setattr(recordings, "RUNS", tmp_path)
    found = recordings.load("one")
    assert found.steps(setting.name).tolist() == [2, 4]
    assert np.isnan(found.ffd(setting.name)).tolist() == [[False, False], [False, True]]
    assert found.largest_d_loss(setting.name).tolist() == [run["largest_d_loss"]] * 2
    assert (found.samples(setting.name) == pictures).all()
    assert "record.py one" in found.about


def test_a_recording_is_not_made_from_drawn_garments(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "fashion_mnist", lambda: SimpleNamespace(is_stand_in=True))
    monkeypatch.setattr(record, "RUNS", tmp_path)
    with pytest.raises(SystemExit, match="needs the real FashionMNIST"):
        record.write("06_family")
    assert not list(tmp_path.iterdir())


def test_a_missing_recording_says_how_to_make_it():
    with pytest.raises(FileNotFoundError, match=r"record.py nothing"):
        recordings.load("nothing")
