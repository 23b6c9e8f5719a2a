"""Two processes make the move that one makes with the doubled batch; and `torchrun` runs the command."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
import torch.distributed.nn.functional  # before a process group exists: see commands/train.py
from states import same
from torch import distributed, multiprocessing, nn

from gan_tutorial.commands.cli import main
from gan_tutorial.game import Diverged, Game, objectives, train
from gan_tutorial.game.networks import PointDiscriminator, mlp

STEPS, BATCH, D_STEPS = 5, 8, 2


class Numbers:
    """Numbers drawn beforehand, the same in every run; each process takes its own part of each batch."""

    def __init__(self, parts: int, part: int):
        rng = torch.Generator().manual_seed(1)
        self.numbers = iter(torch.randn(10_000, BATCH, 2, generator=rng, dtype=torch.float64))
        self.mixing = iter(torch.rand(10_000, BATCH, 1, generator=rng, dtype=torch.float64))
        self.rows = slice(part * BATCH // parts, (part + 1) * BATCH // parts)

    def latent(self, n):
        return next(self.numbers)[self.rows]

    def data(self, n):
        return (next(self.numbers)[self.rows] + 2,)

    def rand(self, *shape, **kwargs):
        return next(self.mixing)[self.rows]


def weights_after(name: str, parts: int = 1, part: int = 0) -> torch.Tensor:
    """All weights after a few steps, and the last losses, as process `part` of `parts` sees them."""
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    G, D = mlp([2, 16, 2], nn.Tanh), PointDiscriminator(2, (16,))
    numbers = Numbers(parts, part)
    game = Game.with_adam(G, D, numbers.data, numbers.latent, d_lr=1e-2, g_lr=1e-2)
    objectives.torch.rand = numbers.rand  # where the penalty looks
    steps = train(game, objectives.OBJECTIVES[name], steps=STEPS, batch_size=BATCH // parts, d_steps=D_STEPS)
    costs = list(steps)[-1][1:]
    return torch.cat([*(w.detach().flatten() for net in (G, D) for w in net.parameters()), torch.stack(costs)])


def one_process(part: int, parts: int, name: str, folder: str) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=part, world_size=parts)
    torch.save(weights_after(name, parts, part), f"{folder}/{part}.pt")
    distributed.destroy_process_group()


def alone(part: int, name: str, folder: str) -> None:
    torch.save(weights_after(name), f"{folder}/alone.pt")


@pytest.mark.parametrize("name", ["non_saturating", "wgan_gp", "wgan", "r3gan"])
def test_two_processes_equal_one_with_the_doubled_batch(name, tmp_path):
    multiprocessing.spawn(one_process, (2, name, str(tmp_path)), nprocs=2)
    multiprocessing.spawn(alone, (name, str(tmp_path)), nprocs=1)
    first, second, whole = (torch.load(tmp_path / f"{run}.pt", weights_only=True) for run in ("0", "1", "alone"))
    assert torch.equal(first, second)
    assert torch.allclose(first, whole, rtol=1e-9, atol=1e-12)


def nan_in_one(part: int, folder: str) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=part, world_size=2)
    torch.manual_seed(0)
    G, D = mlp([2, 4, 2]), PointDiscriminator(2, (4,))
    bad = torch.nan if part else 0.0
    game = Game.with_adam(G, D, lambda n: (torch.randn(n, 2) + bad,), lambda n: torch.randn(n, 2))
    try:
        list(train(game, objectives.non_saturating, steps=3))
    except Diverged as error:
        with open(f"{folder}/{part}.txt", "w") as file:
            file.write(str(error))
    distributed.destroy_process_group()


def test_nan_in_one_process_stops_all(tmp_path):
    multiprocessing.spawn(nan_in_one, (str(tmp_path),), nprocs=2)
    assert all("D's loss" in (tmp_path / f"{part}.txt").read_text() for part in (0, 1))


# ---- The command ------------------------------------------------------------------------------------------------


def torchrun(out, *options):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "gan_tutorial", "train", "--objective", "non_saturating", "--net", "mlp", "--device", "cpu"]
    command += ["--batch", "8", "--out", str(out), *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def steps_of(out):
    with (out / "history.csv").open() as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def test_torchrun_runs_the_command_and_goes_on_as_if_it_had_not_stopped(tmp_path, capsys):
    out = tmp_path / "out"
    said, complained = (process := torchrun(out, "--steps", "30")).communicate(timeout=200)
    assert process.returncode == 0, complained
    assert sorted(p.name for p in out.iterdir()) == ["game.pt", "history.csv", "samples.npy", "samples.png"]
    assert steps_of(out) == [20, 30]
    assert said.count("30 steps in") == 1  # one process speaks for both
    for options in (["--steps", "10"], ["--steps", "20", "--resume"]):  # both draw what they would have drawn
        complained = (process := torchrun(tmp_path / "parts", *options)).communicate(timeout=200)[1]
        assert process.returncode == 0, complained
    whole, parts = (torch.load(path / "game.pt", weights_only=True) for path in (out, tmp_path / "parts"))
    assert same(whole, parts)
    assert len(set(map(str, parts["settings"]["streams"]))) == 2
    assert main(["train", "--resume", "--steps", "1", "--device", "cpu", "--out", str(out)]) == 0
    assert "Processes: 1 from here on, not 2." in capsys.readouterr().out


def test_stopping_torchrun_saves(tmp_path):
    out = tmp_path / "out"
    process = torchrun(out, "--seconds", "600")
    for line in process.stdout:
        if "from step 0" in line:
            break
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=200)
    assert "Stopped at step" in said, complained
    state = torch.load(out / "game.pt", weights_only=True)
    assert state["step"] > 0 and state["step"] == steps_of(out)[-1]
