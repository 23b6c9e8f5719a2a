"""`gan-tutorial train`: its files, its errors, and that stopping and resuming changes nothing."""

import csv
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from filelock import FileLock
from states import same
from torch.autograd.graph import saved_tensors_hooks

from gan_tutorial import machine
from gan_tutorial.clothes import data, files, recipes
from gan_tutorial.commands import interrupts
from gan_tutorial.commands import train as command
from gan_tutorial.commands.cli import main
from gan_tutorial.commands.history import COLUMNS
from gan_tutorial.commands.train import LOOK_EVERY
from gan_tutorial.game import Game, products
from gan_tutorial.game.objectives import OBJECTIVES, wasserstein
from gan_tutorial.lesson import diagnosis


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
    asked, sample = [], Game.sample
    monkeypatch.setattr(Game, "sample", lambda self, n, **k: asked.append((n, k)) or sample(self, n, **k))
    assert train("--steps", "2", "--batch", "4", "--net", "mlp") == 0
    assert asked == [(10_000, {})]  # ema is the default


def test_it_says_at_the_end_what_the_training_shows(train, capsys):
    assert train("--steps", "240", "--batch", "4", "--net", "mlp") == 0
    out = capsys.readouterr().out
    assert "What this training shows: " in out and out.index("all is in") < out.index("What this training shows")
    assert max(map(len, out.splitlines())) < 200


def test_the_diagnosis_sees_pictures_as_d_saw_them(train, monkeypatch):
    """A slope of D is a difference of scores over a distance: of pictures in [-1, 1], not of bytes."""
    seen = []
    monkeypatch.setattr(diagnosis, "summary", lambda rows, objective, *pictures: seen.extend(pictures) or "well")
    assert train("--steps", "3", "--batch", "4", "--net", "mlp") == 0
    for x in seen:
        assert x.shape[1:] == (1, 28, 28) and x.is_floating_point() and -1 <= x.min() < 0 and x.max() <= 1
    assert [len(x) for x in seen] == [500, len(data.fashion_mnist().test_images)]


@pytest.mark.parametrize("error", [ValueError, MemoryError, OSError])
def test_a_failing_diagnosis_loses_nothing(train, monkeypatch, capsys, error):
    def fails(*_):
        raise error("no")

    monkeypatch.setattr(diagnosis, "summary", fails)
    assert train("--steps", "3", "--batch", "4", "--net", "mlp") == 0
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv", "samples.npy", "samples.png"]
    said = capsys.readouterr()
    assert "What this training shows" not in said.out and not said.err


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
    assert main(["train", "--steps", "20", "--resume", "--out", str(tmp_path / "out")]) == 0  # the rest is in game.pt
    games = [torch.load(tmp_path / out / "game.pt", weights_only=True) for out in ("whole", "out")]
    assert same(*games)
    assert np.array_equal(*(np.load(tmp_path / out / "samples.npy") for out in ("whole", "out")))
    steps = [int(r["step"]) for r in rows(train.out)]
    assert steps == [20, 30, 40, 50]


@pytest.mark.parametrize("begun", [True, False])
def test_a_resumed_training_keeps_its_way_to_multiply(begun, train, monkeypatch):
    """Which of two libraries is quicker is found by timing, and they round differently."""
    ways = []
    backend = type("Backend", (), {"fp32_precision": property(lambda _: "none", lambda _, way: ways.append(way))})()
    monkeypatch.setattr(products, "_backend", lambda: backend)
    for quicker, more in ((begun, []), (not begun, ["--resume"])):
        monkeypatch.setattr(products, "look", lambda gain=1 + quicker: products.Found(3e-7, gain))
        assert train("--net", "mlp", "--steps", "2", "--batch", "4", *more) == 0
        assert ("bf16" in ways) == begun
        ways.clear()
    assert torch.load(train.out / "game.pt", weights_only=True)["settings"]["onednn"] is begun


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


@pytest.mark.parametrize("stop", ["the end", "the deadline", "a save on the way", "Ctrl-C"])
def test_a_move_that_makes_weights_nan_is_seen_before_the_game_is_saved(train, tiny, capsys, monkeypatch, stop):
    """G's last move shows in no loss before the next step."""
    calls = []

    def nan_at_last(s):
        calls.append(1)
        return -s + (0 * (s - s).sqrt() if len(calls) == LOOK_EVERY - 3 else 0)

    assert train(*SMALL, "--steps", "3") == 0
    before = game_of(train.out)
    monkeypatch.setattr(command, "_objective", lambda _: replace(wasserstein, g_fake=nan_at_last))
    monkeypatch.setattr(command, "SAVE_EVERY", 0.0 if stop == "a save on the way" else 1e9)
    monkeypatch.setattr(interrupts, "GRACE", 60.0)
    if stop == "Ctrl-C":
        at_batch(monkeypatch, LOOK_EVERY - 3, lambda: signal.raise_signal(signal.SIGINT))
    length = {"the end": ["--steps", "17"], "the deadline": ["--seconds", "0.001"]}.get(stop, ["--steps", "18"])
    assert train(*length, "--resume") == 1
    assert "a weight became NaN or infinite at step 20, so the game was put back to step 3" in capsys.readouterr().err
    assert same(before, game_of(train.out))


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
        (["--device", "meta"], "--device meta cannot be used here"),
        (["--device", "mps"], "--device mps cannot be used here; try --device cpu"),
        (["--device", "no\nsuch"], r"--device no\nsuch cannot be used here"),
        (["--seed", "-1"], "'-1' is not a whole number from 0 to 2^64 - 1"),
        (["--seed", str(2**64)], "is not a whole number from 0 to 2^64 - 1"),
        (["--seed", "9" * 5000], "is not a whole number from 0 to 2^64 - 1"),
        (["--steps", str(2**63)], "is not a positive whole number"),
        (["--net", "mlp", "--batch", "1"], "needs 2 pictures; --net conv takes 1"),
        (["--batch", "100000000000"], "a batch of 100,000,000,000 pictures (--batch) needs more memory"),
    ],
)
def test_bad_values_are_named(train, capsys, options, sentence):
    with pytest.raises(SystemExit) as stop:
        train(*options)
    assert stop.value.code == 2 and sentence in capsys.readouterr().err
    assert not train.out.exists()  # nothing is made before all that is given is seen to be usable


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
    with pytest.raises(SystemExit) as stop:
        train("--steps", "2", "--net", "mlp", "--resume")
    assert stop.value.code == 2 and "trained with --net conv, not mlp" in capsys.readouterr().err
    assert (train.out / "game.pt").read_bytes() == before


@pytest.fixture
def tiny(monkeypatch):
    """What takes no time: 64 pictures to train on, 20 samples, and signals that wait for a tenth of a second."""
    pictures = torch.randint(256, (64, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    made_up = data.Images("Tiny", "", pictures, torch.zeros(64).long(), pictures, torch.zeros(64).long())
    monkeypatch.setattr(data, "fashion_mnist", lambda device: made_up)
    monkeypatch.setattr(command, "N_SAMPLES", 20)
    monkeypatch.setattr(interrupts, "GRACE", 0.1)


def at_batch(monkeypatch, number, what):
    """Let `what()` happen while this batch is drawn, as if at that moment."""
    drawn, draw = [], data.Sampler.__call__

    def call(self, n):
        drawn.append(n)
        if len(drawn) == number:
            what()
        return draw(self, n)

    monkeypatch.setattr(data.Sampler, "__call__", call)


def refused(capsys, call, *words):
    """What it says on its only line, with status 2."""
    with pytest.raises(SystemExit) as stop:
        call(*words)
    said, hint = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2 and hint.startswith("Try: ")
    return said


def game_of(out):
    return torch.load(out / "game.pt", weights_only=True)


SMALL = ["--net", "mlp", "--batch", "4"]


# ---- What is given with --resume --------------------------------------------------------------------------------


def test_resume_takes_another_step_size_and_says_so(train, tiny, capsys):
    assert train(*SMALL, "--steps", "3") == 0
    before = game_of(train.out)
    capsys.readouterr()
    assert train("--steps", "5", "--lr", "1e-9", "--batch", "2", "--resume") == 0
    said = capsys.readouterr().out
    assert "Step size: 1e-09 from here on, not 0.0005." in said and "Batch: 2 from here on, not 4." in said
    after = game_of(train.out)
    assert {group["lr"] for opt in ("g_opt", "d_opt") for group in after[opt]["param_groups"]} == {1e-9}
    moved = [(after[net][k] - w).abs().max() for net in "GD" for k, w in before[net].items() if k.endswith("weight")]
    assert max(moved) < 1e-7  # Adam moves a weight by no more than the step size: five steps of 1e-9, and rounding
    assert after["settings"]["batch"] == 2


@pytest.mark.parametrize(
    "options,sentence",
    [
        (["--objective", "minimax"], "trained with --objective non_saturating, not minimax; leave --objective out"),
        (["--seed", "5"], "trained with --seed 0, not 5; leave --seed out"),
        (["--quick"], "trained with --no-quick, not --quick; leave --quick out"),
        (["--batch", "1"], "needs 2 pictures"),
    ],
)
def test_resume_refuses_what_would_be_another_training(train, tiny, capsys, options, sentence):
    assert train(*SMALL, "--steps", "2") == 0
    before = (train.out / "game.pt").read_bytes()
    assert sentence in refused(capsys, train, "--steps", "2", "--resume", *options)
    assert (train.out / "game.pt").read_bytes() == before and not list(train.out.glob(".*"))


def test_a_quick_training_plays_the_quick_objective_and_goes_on_with_it(train, tiny, monkeypatch, capsys):
    from gan_tutorial import game

    played, plain = [], game.train

    def noted(g, objective, **how):
        played.append((objective, how))
        return plain(g, objective, **how)

    monkeypatch.setattr(game, "train", noted)
    how = ["--objective", "wgan_gp", "--net", "mlp", "--batch", "8"]
    assert main(["train", *how, "--quick", "--steps", "2", "--out", str(train.out)]) == 0
    assert main(["train", "--resume", "--steps", "2", "--out", str(train.out)]) == 0
    assert [(objective, how["d_steps"]) for objective, how in played] == [(recipes.QUICK["wgan_gp"], 1)] * 2
    saved = game_of(train.out)
    assert saved["settings"]["quick"] is True
    del saved["settings"]["quick"]  # as older versions wrote it
    torch.save(saved, train.out / "game.pt")
    assert main(["train", "--resume", "--steps", "2", "--out", str(train.out)]) == 0
    assert played[-1][0] is OBJECTIVES["wgan_gp"]


def test_quick_is_for_penalties_only(train, tiny, capsys):
    assert "those with one are wgan_gp, wgan_lp, r1, r3gan" in refused(capsys, train, *SMALL, "--steps", "2", "--quick")
    assert not train.out.exists()


def test_resume_refuses_other_data(train, tiny, capsys):
    assert train(*SMALL, "--steps", "2") == 0
    saved = game_of(train.out)
    saved["settings"]["data"] = "Fashion\nMNIST"
    torch.save(saved, train.out / "game.pt")
    assert train("--steps", "2", "--resume") == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert r"was trained on Fashion\nMNIST, and here is Tiny" in said


def test_an_older_file_without_settings_still_loads(train, tiny, capsys, tmp_path):
    assert train(*SMALL, "--steps", "2") == 0
    saved = game_of(train.out)
    del saved["settings"]
    torch.save(saved, train.out / "game.pt")
    resume = ["train", "--resume", "--steps", "1", *SMALL, "--out", str(train.out)]
    assert "does not say its objective; add --objective" in refused(capsys, main, resume)
    assert train(*SMALL, "--steps", "1", "--resume") == 0
    assert "holds no settings" in capsys.readouterr().out
    assert game_of(train.out)["settings"]["objective"] == "non_saturating"


@pytest.mark.parametrize(
    "name,value",
    [("net", ["conv"]), ("objective", "x"), ("batch", "8"), ("d_steps", -1), ("streams", 1), ("quick", 1),
     ("seed", -1), ("seed", 2**64)],
)  # fmt: skip
def test_settings_that_no_training_wrote(train, tiny, capsys, name, value):
    assert train(*SMALL, "--steps", "2") == 0
    saved = game_of(train.out)
    saved["settings"][name] = value
    torch.save(saved, train.out / "game.pt")
    assert "is damaged" in refused(capsys, main, ["train", "--resume", "--steps", "1", "--out", str(train.out)])


def test_a_cut_game_is_told(train, tiny, capsys):
    assert train(*SMALL, "--steps", "2") == 0
    (train.out / "game.pt").write_bytes((train.out / "game.pt").read_bytes()[:5000])
    assert main(["train", "--resume", "--steps", "1", "--out", str(train.out)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


# ---- Memory -----------------------------------------------------------------------------------------------------


GPU_IS_FULL = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1 GiB free.\nSee")


@pytest.mark.parametrize("nets", [*recipes.NETS.values(), recipes.QUICK_NETS["conv"]], ids=[*recipes.NETS, "quick"])
def test_what_a_picture_needs(nets):
    kept = []
    G, D = nets.G(), nets.D()
    for n in (2, 4):
        seen = {}

        def keep(t, seen=seen):
            seen[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
            return t

        with saved_tensors_hooks(keep, lambda t: t):
            D(G(torch.zeros(n, 64)))
        kept.append(sum(seen.values()))
    assert nets.memory == (kept[1] - kept[0]) / 2


def test_a_batch_that_this_memory_does_not_hold(train, tiny, capsys, monkeypatch):
    monkeypatch.setattr(machine, "memory", lambda: (10**9, 10**9))
    assert "a batch of 70,000 pictures (--batch)" in refused(capsys, train, "--net", "mlp", "--batch", "70000")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        GPU_IS_FULL,
    ],
)
def test_no_memory_in_a_step(train, tiny, capsys, monkeypatch, error):
    def fail():
        raise error

    at_batch(monkeypatch, 1, fail)
    assert "a batch of 4 pictures (--batch)" in refused(capsys, train, *SMALL, "--steps", "3")
    at_batch(monkeypatch, 8, fail)
    assert train(*SMALL, "--steps", "9", out="later") == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "a batch of 4 pictures (--batch) needs more memory than there is; choose a smaller one" in said
    assert game_of(train.out.parent / "later")["step"] == 7


@pytest.mark.parametrize("error", [MemoryError(), GPU_IS_FULL])
def test_no_memory_for_the_data(train, tiny, capsys, monkeypatch, error):
    monkeypatch.setattr(data, "fashion_mnist", lambda device: (_ for _ in ()).throw(error))
    assert train(*SMALL, "--steps", "3") == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "need more memory than cpu has left; end what else uses it" in said
    assert not list(train.out.iterdir())


def test_no_memory_for_the_samples_costs_the_samples_only(train, tiny, capsys, monkeypatch):
    monkeypatch.setattr(Game, "sample", lambda self, n: (_ for _ in ()).throw(GPU_IS_FULL))
    assert train(*SMALL, "--steps", "3") == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "samples.npy and samples.png are missing: 20 pictures need more memory than there is" in said
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv"]
    assert game_of(train.out)["step"] == 3


def test_no_memory_to_save_is_told_and_tried_again(train, tiny, capsys, monkeypatch):
    monkeypatch.setattr(command, "SAVE_EVERY", 0.0)
    tries, save = [], Game.save

    def full(*args):
        tries.append(1)
        if len(tries) < 3:
            raise (MemoryError(), GPU_IS_FULL)[len(tries) - 1]
        save(*args)

    monkeypatch.setattr(Game, "save", full)
    assert train(*SMALL, "--steps", "50") == 0
    assert capsys.readouterr().out.count(f"({os.strerror(errno.ENOMEM)}); the training goes on") == 2
    assert game_of(train.out)["step"] == 50


# ---- The folder -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["", "a\0b", "x" * 300, "file", "file/out", "dangling", "circle"])
def test_folders_that_cannot_be(tmp_path, tiny, capsys, monkeypatch, out):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "circle").symlink_to("circle")
    monkeypatch.chdir(tmp_path)
    for more in ([], ["--resume"]):
        words = ["train", "--objective", "hinge", "--steps", "1", "--device", "cpu", "--out", out, *more]
        assert "fold" in (said := refused(capsys, main, words)) or "to go on from" in said
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="limits the size of a file as Unix does")
def test_no_room_is_found_out_before_the_training(train, tiny, capsys):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        said = refused(capsys, train, *SMALL, "--steps", "3")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"{train.out} is no folder to write to (File too large)" in said
    assert not list(train.out.iterdir())


def full_disk(monkeypatch, full):
    """Let `Game.save` fail where `full(path)`."""
    save = Game.save

    def fail(self, path, *settings):
        if full(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, path, *settings)

    monkeypatch.setattr(Game, "save", fail)


def test_a_save_that_fails_on_the_way_is_told_and_tried_again(train, tiny, capsys, monkeypatch):
    monkeypatch.setattr(command, "SAVE_EVERY", 0.0)
    tries = []
    full_disk(monkeypatch, lambda path: tries.append(path) or len(tries) < 3)
    assert train(*SMALL, "--steps", "50") == 0
    assert capsys.readouterr().out.count("could not be written to (No space left on device); the training goes on") == 2
    assert game_of(train.out)["step"] == 50 and [int(row["step"]) for row in rows(train.out)] == [20, 40, 50]


def test_what_cannot_be_written_at_the_end_is_elsewhere(train, tiny, capsys, monkeypatch, tmp_path):
    (tmp_path / "else").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "else"))
    full_disk(monkeypatch, lambda path: path.is_relative_to(train.out))
    assert train(*SMALL, "--steps", "20") == 1
    (said,) = capsys.readouterr().err.splitlines()
    (place,) = (tmp_path / "else").iterdir()
    assert f"{train.out} could not be written to (No space left on device), so all is in {place}" in said
    assert sorted(p.name for p in place.iterdir()) == ["game.pt", "history.csv", "samples.npy", "samples.png"]
    assert game_of(place)["step"] == 20


def test_nothing_can_be_written_anywhere(train, tiny, capsys, monkeypatch, tmp_path):
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "home")
    full_disk(monkeypatch, lambda path: True)
    assert train(*SMALL, "--steps", "2") == 1
    assert "the training is lost" in capsys.readouterr().err
    assert not list((tmp_path / "home").iterdir())  # no empty folders are left


def test_a_folder_deleted_meanwhile_is_made_again(train, tiny, monkeypatch):
    at_batch(monkeypatch, 5, lambda: shutil.rmtree(train.out))
    assert train(*SMALL, "--steps", "9") == 0
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv", "samples.npy", "samples.png"]


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("when", ["training", "samples"])
def test_a_folder_deleted_meanwhile_may_be_another_trainings(train, tiny, capsys, monkeypatch, tmp_path, when, ended):
    (tmp_path / "else").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "else"))
    lock = train.out / ".gan-tutorial-train.lock"
    other = FileLock(lock, timeout=0)
    made = ["game.pt", "history.csv", "samples.npy", "samples.png"]

    def another():
        shutil.rmtree(train.out)
        train.out.mkdir()
        if ended:  # and has left what it made
            for name in made:
                (train.out / name).write_text("another's")
        else:
            other.acquire()

    if when == "training":
        at_batch(monkeypatch, 5, another)
    else:
        sample = Game.sample
        monkeypatch.setattr(Game, "sample", lambda self, n: another() or sample(self, n))
    assert train(*SMALL, "--steps", "9") == 1
    (said,) = capsys.readouterr().err.splitlines()
    (place,) = (tmp_path / "else").iterdir()
    assert ("it was deleted, and what is there" if ended else "another training writes to it by now") in said
    assert f"{train.out}" in said and f"{place}" in said
    assert sorted(p.name for p in place.iterdir()) == (made if when == "training" else made[2:])
    assert when == "samples" or game_of(place)["step"] == 9
    if ended:
        assert {p.name: p.read_text() for p in train.out.iterdir()} == dict.fromkeys(made, "another's")
    else:
        assert list(train.out.iterdir()) == [lock]  # which is the other's, and keeps a third one out
        assert "another training writes to" in refused(capsys, train, *SMALL, "--steps", "1")
        other.release()


def test_a_folder_that_was_made_again_takes_no_second_training(train, tiny, capsys, monkeypatch):
    monkeypatch.setattr(command, "SAVE_EVERY", 0.0)
    said = []
    at_batch(monkeypatch, 5, lambda: shutil.rmtree(train.out))
    drawn = data.Sampler.__call__  # which deletes it at the fifth

    def call(self, n):
        if (train.out / "game.pt").exists() and not said:  # saved at step 20
            said.append(refused(capsys, train, "--steps", "1", "--resume"))
        return drawn(self, n)

    monkeypatch.setattr(data.Sampler, "__call__", call)
    assert train(*SMALL, "--steps", "25") == 0
    assert "another training writes to" in said[0]
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv", "samples.npy", "samples.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_pipes_in_place_of_files_are_not_waited_for(train, tiny, capsys):
    train.out.mkdir()
    os.mkfifo(train.out / "history.csv")
    assert train(*SMALL, "--steps", "3") == 0
    assert "history.csv: it is no file; the old file is kept as history.1.csv" in capsys.readouterr().out
    (train.out / "game.pt").unlink()
    os.mkfifo(train.out / "game.pt")
    assert "game.pt is no file to go on from; move it away" in refused(capsys, train, "--steps", "1", "--resume")


def test_a_package_for_the_samples_is_missed_before_the_training(train, tiny, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "gan_tutorial.lesson.figures", raising=False)
    monkeypatch.delattr("gan_tutorial.lesson.figures", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert train(*SMALL, "--steps", "1") == 1
    assert "matplotlib is not installed in this Python; run `make install`" in capsys.readouterr().err
    assert not train.out.exists()


def test_a_package_that_is_missed_at_the_end_costs_one_file(train, tiny, capsys, monkeypatch):
    def gone():
        raise ModuleNotFoundError("No module named 'PIL.PngImagePlugin'", name="PIL.PngImagePlugin")

    at_batch(monkeypatch, 2, lambda: monkeypatch.setattr(command, "_figures", gone))
    assert train(*SMALL, "--steps", "3") == 1
    said = capsys.readouterr()
    assert "samples.png is missing: PIL is not installed in this Python; run `make install`" in said.err
    assert f"now at step 3; all is in {train.out}." in said.out and len(said.err.splitlines()) == 1
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv", "samples.npy"]


def test_samples_that_cannot_be_written(train, tiny, capsys, monkeypatch, tmp_path):
    (tmp_path / "else").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "else"))
    at_batch(monkeypatch, 1, (train.out / "samples.npy").mkdir)
    assert train(*SMALL, "--steps", "2") == 1
    (said,) = capsys.readouterr().err.splitlines()
    (place,) = (tmp_path / "else").iterdir()
    assert "samples.npy and samples.png could not be written" in said and str(place) in said
    assert sorted(p.name for p in place.iterdir()) == ["samples.npy", "samples.png"]
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv", "samples.npy"]


def test_what_a_killed_training_left_is_taken_away(train, tiny):
    train.out.mkdir()
    mine = {".lock", ".room-plan.txt", ".film.mkv.partial", ".game.pt.partial"}
    for name in (".gan-tutorial-train.room-a1b2", ".game.pt.1a2b.partial", ".history.csv.1a2b.partial", *mine):
        (train.out / name).write_bytes(b"half")
        os.utime(train.out / name, (0, 0))
    assert train(*SMALL, "--steps", "1") == 0
    assert {p.name for p in train.out.iterdir() if p.name.startswith(".")} == mine


def test_samples_of_a_person_or_of_another_training_are_kept(train, tiny, capsys):
    train.out.mkdir()
    for name in ("samples.npy", "samples.png"):
        (train.out / name).write_text("mine")
    assert train(*SMALL, "--steps", "1") == 0
    said = capsys.readouterr().out
    for name in ("samples.1.npy", "samples.1.png"):
        assert f"it is of another training; the old file is kept as {name}" in said
        assert (train.out / name).read_text() == "mine"
    assert train("--steps", "1", "--resume") == 0
    assert "is kept" not in capsys.readouterr().out and not (train.out / "samples.2.npy").exists()


def test_whatever_matplotlib_is_told_to_draw_with_samples_are_drawn(train):
    """By a variable that it reads once, while it is imported: so in a process of its own."""
    words = ["--objective", "hinge", *SMALL, "--steps", "1", "--device", "cpu", "--out", str(train.out)]
    env = os.environ | {"MPLBACKEND": "nonsense", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-m", "gan_tutorial", "train", *words], env=env, capture_output=True)
    strange = [line for line in done.stderr.splitlines() if not line.startswith(b"Stand-in data:")]
    assert done.returncode == 0 and not strange
    assert (train.out / "samples.npy").exists() and (train.out / "samples.png").exists()


def test_two_trainings_do_not_share_a_folder(train, tiny, capsys, monkeypatch):
    said = []
    at_batch(monkeypatch, 3, lambda: said.append(refused(capsys, train, *SMALL, "--steps", "1")))
    assert train(*SMALL, "--steps", "5") == 0
    assert f"another training writes to {train.out}" in said[0]
    assert game_of(train.out)["step"] == 5 and not (train.out / ".gan-tutorial-train.lock").exists()
    with FileLock(train.out / ".gan-tutorial-train.lock"):  # so does one that goes on
        assert "another training" in refused(capsys, train, "--steps", "1", "--resume")


@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False)])
def test_the_line_is_drawn_over_where_that_can_be(term, drawn, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", term)
    command._show(SimpleNamespace(n=5, d_loss=1.0, g_loss=1.0), 0, 1.0, 10, 60.0)
    assert capsys.readouterr().out.startswith("\rstep 5  5 steps/s") == drawn


def test_damaged_data_are_told(train, capsys, tmp_path, monkeypatch):
    (tmp_path / files.RAW).mkdir(parents=True)
    for name in files.FILES:
        (tmp_path / files.RAW / name).write_bytes(b"cut")
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    assert train(*SMALL, "--steps", "1") == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "is damaged" in said


class Code:
    """What makes a file when it is read from a pickle."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("where", ["settings", "G", "all"])
def test_code_in_a_game_is_not_run(train, tiny, capsys, tmp_path, where):
    assert train(*SMALL, "--steps", "2") == 0
    path, trap = train.out / "game.pt", tmp_path / "trap"
    torch.save(Code(trap) if where == "all" else game_of(train.out) | {where: Code(trap)}, path)
    before = path.read_bytes()
    capsys.readouterr()
    assert train("--steps", "2", "--resume") == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.endswith(f"{path} is not a saved game, or is damaged; nothing was loaded.")
    assert path.read_bytes() == before and not trap.exists()
    torch.load(path, weights_only=False)  # as one would rather not
    assert trap.exists()


def test_a_clock_that_is_set_back_changes_nothing(train, tiny, monkeypatch, tmp_path):
    assert train(*SMALL, "--steps", "50", out="plain") == 0
    now, saves, save = [2e9], [], Game.save

    def back():
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", back)
    monkeypatch.setattr(command, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(Game, "save", lambda self, *args: saves.append(self.step) or save(self, *args))
    assert train(*SMALL, "--steps", "50") == 0
    assert saves == [20, 40, 50, 50]
    assert same(game_of(tmp_path / "plain"), game_of(train.out))


# ---- history.csv ------------------------------------------------------------------------------------------------

HEAD = ",".join(COLUMNS) + "\n"
ROWS = "20,0.5,0.5,0.5,0.5\n40,0.25,0.5,0.5,0.5\n"


@pytest.mark.parametrize(
    "text,steps,note",
    [
        (HEAD + ROWS, [20, 40, 41], ""),
        (HEAD + "\n" + ROWS + "\n\n", [20, 40, 41], ""),
        (HEAD + ROWS + "60,1,1,1,1\n", [20, 40, 41], ""),  # made after the last save: to be made again
        (HEAD + ROWS[:-5], [20, 41], "1 line is damaged"),
        (HEAD + ROWS[:-1], [20, 41], "1 line is damaged"),  # is it 0.5, or was that a longer number?
        (HEAD + ROWS.replace("0.25", "0.25\0"), [20, 41], "1 line is damaged"),
        (HEAD + ROWS.replace("20,", "twenty,") + "50,1\n", [40, 41], "2 lines are damaged"),
        (HEAD + ROWS.replace("20,", "0_20,"), [40, 41], "1 line is damaged"),  # Python would read all of these
        (HEAD + ROWS.replace("20,", "٢٠,"), [40, 41], "1 line is damaged"),
        (HEAD + ROWS + "40,1,1,1,1\n20,1,1,1,1\n", [20, 40, 41], "2 lines are damaged"),  # steps only ever grow
        (HEAD.replace("d_loss", "D") + ROWS, [41], "its first line is not ours"),
        (ROWS, [41], "its first line is not ours"),
        ("\0" * 100, [41], "its first line is not ours"),
        ("", [41], ""),
        (None, [41], ""),
    ],
)
def test_a_history_that_was_changed(train, tiny, capsys, text, steps, note):
    assert train(*SMALL, "--steps", "40") == 0
    path = train.out / "history.csv"
    path.unlink() if text is None else path.write_bytes(text.encode())
    capsys.readouterr()
    assert train("--steps", "1", "--resume") == 0
    said = capsys.readouterr().out
    assert [int(row["step"]) for row in rows(train.out)] == steps
    assert note in said and ("are missing" in said) == (40 not in steps)
    kept = train.out / "history.1.csv"
    assert kept.exists() == bool(note) and (not note or kept.read_bytes() == text.encode())


def test_a_history_of_another_training_is_kept(train, tiny, capsys):
    train.out.mkdir()
    (train.out / "history.csv").write_text("mine")
    assert train(*SMALL, "--steps", "1") == 0
    assert "it is of another training; the old file is kept as history.1.csv" in capsys.readouterr().out
    assert (train.out / "history.1.csv").read_text() == "mine" and len(rows(train.out)) == 1


# ---- Signals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["data", "game"])
def test_ctrl_c_before_the_first_step(train, tiny, capsys, monkeypatch, place):
    where, name = {"data": (data, "fashion_mnist"), "game": (recipes, "fashion_game")}[place]
    monkeypatch.setattr(where, name, lambda *a, **k: signal.raise_signal(signal.SIGINT))
    assert train(*SMALL, "--steps", "3") == 130
    assert capsys.readouterr().err == "\ngan-tutorial: stopped, because you pressed Ctrl-C.\n"
    assert not list(train.out.iterdir())


@pytest.mark.parametrize("name,status", [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_the_training_after_the_step_in_hand(train, tiny, capsys, monkeypatch, name, status):
    if not hasattr(signal, name):
        pytest.skip("this system has no such signal")
    before = signal.getsignal(getattr(signal, name))
    at_batch(monkeypatch, 5, lambda: signal.raise_signal(getattr(signal, name)))
    assert train(*SMALL, "--steps", "100") == status
    assert "Stopped at step 5; add --resume" in capsys.readouterr().out
    assert game_of(train.out)["step"] == 5
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv", "samples.npy", "samples.png"]
    assert signal.getsignal(getattr(signal, name)) is before


def test_a_second_ctrl_c_ends_the_step_and_loses_nothing(train, tiny, capsys, monkeypatch):
    def twice():
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)

    at_batch(monkeypatch, 5 * 3 + 2, twice)  # in the second move of the sixth step
    assert train(*SMALL, "--d-steps", "3", "--steps", "100") == 130
    step = game_of(train.out)["step"]
    assert step < 6 and f"Stopped at step {step}; add --resume" in capsys.readouterr().out
    assert train("--steps", "2", "--resume") == 0


@pytest.mark.parametrize("first", ["SIGINT", "SIGTERM"])
def test_signals_while_the_game_is_saved_wait(train, tiny, monkeypatch, first):
    save = Game.save

    def pressed(self, *args):
        signal.raise_signal(signal.SIGINT)
        save(self, *args)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Game, "save", pressed)
    at_batch(monkeypatch, 5, lambda: signal.raise_signal(getattr(signal, first)))
    assert train(*SMALL, "--steps", "100") == 128 + getattr(signal, first)
    assert game_of(train.out)["step"] == 5 and (train.out / "samples.png").exists()


@pytest.mark.parametrize("name,status", [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_signal_during_the_last_save_ends_the_command_after_it(
    train, tiny, capsys, monkeypatch, name, status, moment
):  # fmt: skip
    save = Game.save

    def pressed(self, *args):
        if moment == "before":
            signal.raise_signal(getattr(signal, name))
        save(self, *args)
        if moment == "after":
            signal.raise_signal(getattr(signal, name))

    monkeypatch.setattr(Game, "save", pressed)
    assert train(*SMALL, "--steps", "5") == status
    said = capsys.readouterr().out
    assert "Stopped at step 5; add --resume to go on from here." in said
    assert "Stopped before the samples were written; the game and its history are in" in said
    assert game_of(train.out)["step"] == 5
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that ends a step")
def test_a_signal_after_the_deadline_has_a_status_of_its_own(train, tiny, monkeypatch):
    monkeypatch.setattr(Game, "sample", lambda self, n: signal.raise_signal(signal.SIGTERM))
    assert train(*SMALL, "--d-steps", "10000000", "--seconds", "0.2") == 143


def test_ctrl_c_while_samples_are_drawn(train, tiny, capsys, monkeypatch):
    monkeypatch.setattr(Game, "sample", lambda self, n: signal.raise_signal(signal.SIGINT))
    assert train(*SMALL, "--steps", "3") == 130
    assert "Stopped before the samples were written" in capsys.readouterr().out
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv"]


def test_ctrl_c_while_samples_are_written(train, tiny, monkeypatch):
    def half(file, array):
        file.write(b"half")
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(np, "save", half)
    assert train(*SMALL, "--steps", "3") == 130
    assert sorted(p.name for p in train.out.iterdir()) == ["game.pt", "history.csv"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that ends a step")
@pytest.mark.parametrize("how", ["--seconds", "SIGTERM"])
def test_a_long_step_ends_soon_after_the_deadline(train, tiny, monkeypatch, how):
    if how == "SIGTERM":
        at_batch(monkeypatch, 3, lambda: signal.raise_signal(signal.SIGTERM))
    start = time.perf_counter()
    seconds = "0.2" if how == "--seconds" else "1000"
    assert train(*SMALL, "--d-steps", "10000000", "--seconds", seconds) == (0 if how == "--seconds" else 143)
    assert time.perf_counter() - start < 60
    assert game_of(train.out)["step"] == 0 and (train.out / "samples.png").exists()


class Swallows:
    """Drops the KeyboardInterrupt that comes while it ends, as Python does wherever it lets an error reach nobody."""

    def __del__(self):
        dropped.append(time.perf_counter())
        while time.perf_counter() - dropped[-1] < 30:
            pass


dropped = []


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that ends a step")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("how", ["--seconds", "SIGTERM", "SIGINT"])
def test_an_interrupt_that_is_dropped_comes_again(train, tiny, monkeypatch, how):
    def press():
        if how != "--seconds":
            signal.raise_signal(getattr(signal, how))
        if how == "SIGINT":
            twice = threading.Timer(0.2, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
            twice.start()
        Swallows()

    dropped.clear()
    at_batch(monkeypatch, 3, press)
    seconds = "3" if how == "--seconds" else "1000"  # longer than a busy machine takes for three batches
    start = time.perf_counter()
    status = train(*SMALL, "--d-steps", "10000000", "--seconds", seconds)
    assert status == {"--seconds": 0, "SIGTERM": 143, "SIGINT": 130}[how]
    assert len(dropped) == 1 and time.perf_counter() - start < 25  # neither by itself nor by the one that was dropped
    assert game_of(train.out)["step"] == 0 and (train.out / "samples.png").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP")
def test_what_was_ignored_stays_ignored(train, tiny, monkeypatch):
    before = [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGINT)]
    try:  # as under nohup, and in a script's background
        at_batch(monkeypatch, 3, lambda: [signal.raise_signal(n) for n in (signal.SIGHUP, signal.SIGINT)])
        assert train(*SMALL, "--steps", "5") == 0
        at_batch(monkeypatch, 3, lambda: signal.raise_signal(signal.SIGTERM))
        assert train("--steps", "5", "--resume") == 143
    finally:
        for number, handler in zip((signal.SIGHUP, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)


def test_a_reader_who_leaves_ends_no_training(train, tiny, tmp_path, monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert train(*SMALL, "--steps", "3") == 0
        monkeypatch.undo()
    assert game_of(train.out)["step"] == 3 and (train.out / "samples.npy").exists()
