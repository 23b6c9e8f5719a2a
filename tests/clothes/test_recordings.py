"""What is recorded is complete, belongs to the settings that are listed, and is read back as it was measured."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from gan_tutorial.clothes import recordings
from gan_tutorial.clothes.files import CorruptData
from gan_tutorial.game import train

AUTHORS = Path(__file__).resolve().parents[2] / "notebooks" / "authors"
sys.path.insert(0, str(AUTHORS))

import record  # noqa: E402
from recordings import RECORDINGS, clothes, nb06, nb15  # noqa: E402
from recordings.plan import source  # noqa: E402


@pytest.mark.parametrize("name", RECORDINGS)
def test_each_recording_is_there_and_not_stale(name):
    stored = json.loads((recordings.RUNS / f"{name}.json").read_text())
    assert stored["source"] == source(RECORDINGS[name]), f"changed since: make record RECORD={name}"
    found = recordings.load(name)
    listed = list(RECORDINGS[name]())
    assert list(found.settings) == [setting.name for setting in listed]
    for setting in listed:
        row = found.settings[setting.name]
        assert {key: row[key] for key in setting.numbers} == json.loads(json.dumps(setting.numbers))
        assert [run["seed"] for run in row["runs"]] == list(range(setting.seeds))
        assert len({frozenset(run) for run in row["runs"]}) == 1, "the same was measured of each seed"
        if "looks" not in row["runs"][0]:
            continue
        ffd = found.ffd(setting.name)
        assert ffd.shape == (setting.seeds, row["looks"]) and found.steps(setting.name)[-1] == row["steps"]
        for run, values in zip(row["runs"], ffd, strict=True):
            assert run["diverged"] or np.isfinite(values).all()
            assert found.samples(setting.name, run["seed"]).shape == (row["shown"], 28, 28)


def test_nothing_else_lies_there_and_it_is_small():
    paths = [path for path in recordings.RUNS.glob("*") if not path.name.startswith(".")]
    assert {path.stem for path in paths} == set(RECORDINGS)
    assert all(path.stat().st_size <= record.LARGEST for path in paths)
    assert sum(path.stat().st_size for path in paths) <= 25e6


def test_a_recording_belongs_to_the_notebook_that_it_is_named_after():
    for name in RECORDINGS:
        (notebook,) = (AUTHORS.parent / "source").glob(f"{name[:2]}_*.py")
        assert f'recordings.load("{name}")' in notebook.read_text(encoding="utf-8")


def test_a_training_is_recorded(tmp_path, monkeypatch):
    """The whole way, with four steps: train, look, write, read; what diverged is NaN from there on.

    It needs no data: where there are none, the garments that are drawn do.
    """
    monkeypatch.setattr(clothes, "SAMPLES", 200)
    losses = []

    def overheard(*args, **kwargs):
        for step in train(*args, **kwargs):
            losses.append(float(step.d_loss))
            yield step

    monkeypatch.setattr(clothes, "train", overheard)
    first = next(nb06.family())
    objective = first.record.args[0]
    setting = clothes.training(first.name, objective, "conv", lr=2e-3, steps=4, looks=2, seeds=2)
    monkeypatch.setitem(RECORDINGS, "one", lambda: iter([setting]))
    monkeypatch.setattr(record, "RUNS", tmp_path)
    monkeypatch.setattr(recordings, "RUNS", tmp_path)
    folder = record.unfinished("one", "text")
    paths = {(0, job): folder / f"0-{job}.npz" for job in setting.jobs}
    for (row, job), path in paths.items():
        assert record.do("one", row, job, path) > 0
    record.keep("one", "text", [setting], paths)
    found = recordings.load("one")
    run = found.settings[setting.name]["runs"][0]
    assert [n for n, _ in run["looks"]] == [2, 4] == found.steps(setting.name).tolist() and not run["diverged"]
    largest = [max(map(abs, losses[start : start + 4])) for start in (0, 4)]
    assert found.largest_d_loss(setting.name) == pytest.approx(largest, rel=1e-3) and len(losses) == 8
    samples = found.samples(setting.name, 1)
    assert samples.shape == (64, 28, 28) and samples.dtype == np.uint8
    assert (found.samples(setting.name, 0) != samples).any()
    assert "record.py one" in found.about and "FFD of 200 samples" in found.about
    run |= {"looks": run["looks"][:1], "diverged": 3}
    assert np.isnan(found.ffd(setting.name)).tolist() == [[False, True], [False, False]]
    assert "2 trainings, about" in record.announcement("one", 2, 2, 1)


TINY = """
import time
import numpy as np
from recordings.plan import Setting

def alone(seed):
    time.sleep({pause})
    return {{"value": seed + 0.5, "points": np.full((2, 2), seed)}}

def together(seeds):
    return [{{"value": 10.0 * seed}} for seed in seeds]

def tiny():
    yield Setting("quick", together, seeds=3, together=True, numbers={{"steps": 1}})
    yield Setting("slow", alone, seeds=4)

RECORDINGS = {{"99_tiny": tiny}}
"""
DRIVER = """
import sys
from pathlib import Path
here = Path(__file__).parent
sys.path[:0] = [str(here), {root!r}]
import record
record.RUNS = here / "runs"
record.fashion_mnist = lambda: type("Images", (), {{"is_stand_in": False}})
if __name__ == "__main__":
    sys.exit(record.main())
"""


def small_recording(folder):
    """The command that records five small things, a second each, in a folder of its own."""
    (folder / "recordings").mkdir()
    for name in ("record.py", "recordings/__init__.py", "recordings/plan.py"):
        shutil.copy(AUTHORS / name, folder / name)
    (folder / "recordings/nb99.py").write_text(TINY.format(pause=1))
    (folder / "drive.py").write_text(DRIVER.format(root=str(AUTHORS.parents[1])))
    return [sys.executable, folder / "drive.py", "99_tiny", "--jobs", "1"]


def test_a_recording_can_be_stopped_and_goes_on(tmp_path, monkeypatch):
    command = small_recording(tmp_path)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    first = subprocess.Popen(command, start_new_session=True, **pipes)
    folder = tmp_path / "runs/.unfinished/99_tiny"
    deadline = time.monotonic() + 60
    while not (folder / "1-1.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGINT)
    said = first.communicate(timeout=30)[0]
    assert first.returncode == 130 and "what is done is kept" in said and "Traceback" not in said, said
    assert "not known yet" in said and not (tmp_path / "runs/99_tiny.json").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}
    assert 3 <= len(kept) < 5
    second = subprocess.run(command, timeout=60, **pipes)
    assert second.returncode == 0, second.stdout
    assert f"{5 - len(kept)} trainings ({len(kept)} of 5 are there already)" in second.stdout
    monkeypatch.setattr(recordings, "RUNS", tmp_path / "runs")
    found = recordings.load("99_tiny")
    assert found.value("quick", "value").tolist() == [0, 10, 20] and found.settings["quick"]["steps"] == 1
    assert found.value("slow", "value").tolist() == [0.5, 1.5, 2.5, 3.5]
    assert [found.array("slow", seed, "points").tolist() for seed in (0, 3)] == [[[0, 0], [0, 0]], [[3, 3], [3, 3]]]
    assert not folder.exists()


def test_a_recording_that_is_killed_leaves_no_process_at_work(tmp_path):
    run = subprocess.Popen(small_recording(tmp_path), stdout=subprocess.DEVNULL)
    me, deadline = psutil.Process(run.pid), time.monotonic() + 60
    while not (tmp_path / "runs/.unfinished/99_tiny/0-None.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = me.children(recursive=True)
    run.kill()
    run.wait()
    assert workers and psutil.wait_procs(workers, timeout=15)[1] == []


def test_what_was_made_from_other_functions_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "RUNS", tmp_path)
    (record.unfinished("07_clipping", "text") / "0-0.npz").write_bytes(b"x")
    assert (record.unfinished("07_clipping", "text") / "0-0.npz").exists()
    assert not (record.unfinished("07_clipping", "other") / "0-0.npz").exists()


def test_a_recording_depends_on_all_that_its_functions_name(tmp_path, monkeypatch):
    sources = []
    for pause in (1, 2):
        constants = f"PAUSE = {pause}\nOTHER = 3\n\ndef unused():\n    pass\n\ndef alone"
        (tmp_path / f"nb9{pause}.py").write_text(TINY.format(pause="PAUSE").replace("def alone", constants))
        name = f"recordings.nb9{pause}"
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"nb9{pause}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        sources.append(source(module.RECORDINGS["99_tiny"]))
    assert sources[0].replace("PAUSE = 1", "PAUSE = 2") == sources[1] != sources[0]
    assert all(f"def {name}" in sources[0] for name in ("tiny", "alone", "together"))
    assert "unused" not in sources[0] and "OTHER" not in sources[0]
    assert "SAMPLES = 5_000" in source(RECORDINGS["07_clipping"])  # of another module of that folder


def test_a_recording_is_not_made_from_drawn_garments(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "fashion_mnist", lambda: SimpleNamespace(is_stand_in=True))
    monkeypatch.setattr(record, "RUNS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["record.py", "06_family"])
    with pytest.raises(SystemExit, match="needs the real FashionMNIST"):
        record.main()
    assert not list(tmp_path.iterdir())


def test_edges_are_white_beside_a_step_and_the_right_ones_are_the_nearest():
    x = torch.zeros(2, 28, 28, dtype=torch.uint8)
    x[0, 10:20, 5:15] = nb15.STEEP + 1  # a square: from the pixel before it to its last
    x[1, 10:20, 5:15] = nb15.STEEP  # not steep enough
    edges = nb15.edge_pictures(x)
    outline = torch.zeros(28, 28, dtype=torch.uint8)
    outline[[9, 19], 5:15] = outline[10:20, [4, 14]] = 255
    assert torch.equal(edges[0], outline) and not edges[1].any()
    y = torch.randn(60, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60) // 30
    torch.manual_seed(0)
    assert nb15.nearest_right(y, y, labels) == 1.0 and nb15.nearest_right(torch.zeros_like(y), y, labels) < 0.2
    assert nb15.rounded(torch.tensor([-1, -0.1, 0.2, 1.0]), 2).tolist() == [-1, -1, 1, 1]
    assert nb15.rounded(torch.tensor([0.1, 0.9]), 3).tolist() == [0, 1]
    assert nb15.in_greys(torch.ones(2), -torch.ones(2)) == 255


def test_a_missing_recording_says_how_to_make_it():
    with pytest.raises(FileNotFoundError, match=r"record.py nothing"):
        recordings.load("nothing")


def flipped(body):
    return body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 255]) + body[len(body) // 2 + 1 :]


def changed(change):
    """What does this to the table of a recording."""

    def write(body):
        table = json.loads(body)
        change(table)
        return json.dumps(table).encode()

    return write


RUNS = recordings.RUNS
OTHERS = {
    "cut": ("json", lambda body: body[:999]),
    "empty": ("json", lambda body: b""),
    "a byte order mark": ("json", lambda body: b"\xef\xbb\xbf" + body),
    "a list": ("json", lambda body: b"[]"),
    "no settings": ("json", changed(lambda table: table.pop("settings"))),
    "a setting twice": ("json", changed(lambda table: table["settings"].append(table["settings"][0]))),
    "arrays cut": ("npz", lambda body: body[:999]),
    "arrays empty": ("npz", lambda body: b""),
    "arrays with a flipped bit": ("npz", flipped),
    "arrays of another": ("npz", lambda body: (RUNS / "07_clipping.npz").read_bytes()),
    "no arrays": ("npz", None),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_damaged_recording_is_named_with_the_remedy(kind, tmp_path, monkeypatch):
    ending, damage = OTHERS[kind]
    for path in RUNS.glob("08_critics.*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(recordings, "RUNS", tmp_path)
    recordings.load("08_critics")
    path = tmp_path / f"08_critics.{ending}"
    path.write_bytes(damage(path.read_bytes())) if damage else path.unlink()
    with pytest.raises(CorruptData) as error:
        recordings.load("08_critics")
    said = str(error.value)
    assert said.startswith(f"{path} cannot be read (") and f"git checkout {path}" in said
    assert "record.py 08_critics" in said and "\n" not in said
