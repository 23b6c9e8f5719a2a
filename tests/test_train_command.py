"""`gan-tutorial train`: its files, its errors, and that stopping and resuming changes nothing."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from test_game import same

from gan_tutorial.cli import main
from gan_tutorial.commands.train import COLUMNS, LOOK_EVERY
from gan_tutorial.objectives import OBJECTIVES


@pytest.fixture
def train(tmp_path):
    """Run the command in this process; `train("--steps", "3")` -> exit status."""

    def run(*options, out="out"):
        return main(
            ["train", "--objective", "non_saturating", "--device", "cpu", "--out", str(tmp_path / out), *options]
        )

    run.out = tmp_path / "out"
    return run


def rows(out):
    with (out / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_writes_the_files_of_the_design(train, capsys):
    assert train("--steps", "45", "--batch", "8") == 0
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv", "samples.npy", "samples.png"]
    samples = np.load(train.out / "samples.npy")
    assert samples.shape == (10_000, 28, 28) and samples.dtype == np.uint8
    assert len(np.unique(samples.reshape(10_000, -1), axis=0)) > 9_900
    assert (train.out / "samples.png").read_bytes()[:4] == b"\x89PNG"
    history = rows(train.out)
    assert tuple(history[0]) == COLUMNS
    assert [int(r["step"]) for r in history] == [LOOK_EVERY, 2 * LOOK_EVERY, 45]
    assert all(np.isfinite(float(v)) for r in history for v in r.values())
    assert torch.load(train.out / "game.pt", weights_only=True)["step"] == 45
    assert "45 steps" in capsys.readouterr().out


def test_samples_come_from_the_average_of_g(train, monkeypatch):
    from gan_tutorial.game import Game

    asked, sample = [], Game.sample
    monkeypatch.setattr(Game, "sample", lambda self, n, **k: asked.append((n, k)) or sample(self, n, **k))
    assert train("--steps", "2", "--batch", "4", "--net", "mlp") == 0
    assert asked == [(10_000, {})]  # ema is the default


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_by_name(tmp_path, name):
    options = ["--net", "mlp", "--steps", "2", "--batch", "4", "--device", "cpu", "--out", str(tmp_path / name)]
    assert main(["train", "--objective", name, *options]) == 0


def test_seconds_bound_the_training(train):
    start = time.perf_counter()
    assert train("--seconds", "1", "--batch", "4") == 0
    assert time.perf_counter() - start < 60
    assert int(rows(train.out)[-1]["step"]) >= LOOK_EVERY


def test_resume_equals_uninterrupted(train, tmp_path):
    assert train("--steps", "50", "--batch", "8", "--seed", "3", out="whole") == 0
    assert train("--steps", "30", "--batch", "8", "--seed", "3") == 0
    assert train("--steps", "20", "--batch", "8", "--seed", "3", "--resume") == 0
    games = [torch.load(tmp_path / out / "game.pt", weights_only=True) for out in ("whole", "out")]
    assert same(*games)
    assert np.array_equal(*(np.load(tmp_path / out / "samples.npy") for out in ("whole", "out")))
    steps = [int(r["step"]) for r in rows(train.out)]
    assert steps == [20, 30, 40, 50]


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process")
def test_ctrl_c_and_resume_equals_uninterrupted(train, tmp_path):
    options = ["--objective", "wgan_gp", "--net", "mlp", "--batch", "8", "--d-steps", "2", "--device", "cpu"]
    out = tmp_path / "out"
    command = [sys.executable, "-m", "gan_tutorial", "train", *options, "--out", str(out)]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--seconds", "100"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    )
    assert any("from step 0" in line for line in process.stdout)  # reads up to that line
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=100)[0]
    assert process.returncode == 130 and "--resume" in said
    stopped = torch.load(out / "game.pt", weights_only=True)["step"]
    assert stopped > 0 and (out / "samples.npy").exists() and (out / "samples.png").exists()
    subprocess.run([*command, "--steps", "7", "--resume"], check=True, env=env, capture_output=True)
    whole = [*command[:-1], str(tmp_path / "whole"), "--steps", str(stopped + 7)]
    subprocess.run(whole, check=True, env=env, capture_output=True)
    assert same(*(torch.load(tmp_path / name / "game.pt", weights_only=True) for name in ("out", "whole")))
    history = [int(r["step"]) for r in rows(out)]
    assert history == sorted(set(history)) and history[-1] == stopped + 7


def test_a_diverging_training_says_so_and_keeps_a_good_game(train, capsys):
    assert train("--steps", "400", "--batch", "4", "--net", "mlp", "--lr", "1e25") == 1
    assert "put back to step" in capsys.readouterr().err
    state = torch.load(train.out / "game.pt", weights_only=True)
    assert all(torch.isfinite(w).all() for w in state["G"].values())


@pytest.mark.parametrize(
    "options,sentence",
    [
        (["--steps", "0"], "'0' is not a positive whole number"),
        (["--steps", "many"], "'many' is not a positive whole number"),
        (["--seconds", "-3"], "'-3' is not a positive number"),
        (["--seconds", "nan"], "'nan' is not a positive number"),
        (["--steps", "3", "--seconds", "3"], "not allowed with"),
        (["--objective", "wgangp"], "wgan_gp"),
        (["--net", "unet"], "conv"),
        (["--device", "cuda:99"], "--device cuda:99 cannot be used here"),
        (["--resume"], "to go on from"),
    ],
)
def test_bad_values_are_named(train, capsys, options, sentence):
    with pytest.raises(SystemExit) as stop:
        train(*options)
    assert stop.value.code == 2 and sentence in capsys.readouterr().err


def test_an_older_game_is_not_overwritten(train, capsys):
    assert train("--steps", "2", "--batch", "4") == 0
    before = (train.out / "game.pt").read_bytes()
    with pytest.raises(SystemExit) as stop:
        train("--steps", "2")
    assert stop.value.code == 2 and "add --resume" in capsys.readouterr().err
    assert (train.out / "game.pt").read_bytes() == before


def test_a_game_of_other_networks_is_not_resumed(train, capsys):
    assert train("--steps", "2", "--batch", "4") == 0
    before = (train.out / "game.pt").read_bytes()
    assert train("--steps", "2", "--net", "mlp", "--resume") == 1
    assert "another network" in capsys.readouterr().err
    assert (train.out / "game.pt").read_bytes() == before
