"""Whatever is given, a command ends with status 0, 1 or 2 and, unless all is well, one sentence; never a traceback.

A command takes part by a strategy in `COMMANDS`: lists of words, of which all that is allowed is quickly done.
"""

import contextlib
import dataclasses
import io
import shutil

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from gan_tutorial.clothes import data, files, score
from gan_tutorial.commands import checks, cli, doctor, execution, findings, interrupts, series
from gan_tutorial.commands import run as run_command
from gan_tutorial.commands import train as train_command

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = ["0", "-1", "²", "1e9999", "nan", "1_0", "9" * 5000]
ODD = st.one_of(st.sampled_from(["", " ", "-", "--", "\0", "\n", "\udcff", "é" * 300, *NUMBERS]), TEXT)


@st.composite
def words(draw: st.DrawFn, options: dict[str, tuple[list, list]], *others: list | st.SearchStrategy) -> list[str]:
    """Options, with a usual value or without (None), and one of each of the others, in any order.

    `options`: name -> usual values, edges of what is allowed. In two lines of three one option has an odd value or one
    at the edge; with more of them nothing else would ever be reached.
    """
    values = {name: draw(st.sampled_from(usual)) for name, (usual, _) in options.items()}
    if options and draw(st.sampled_from([True, True, False])):
        name = draw(st.sampled_from(list(options)))
        values[name] = draw(st.one_of(st.sampled_from(options[name][1]), ODD))
    given = {name: value for name, value in values.items() if value is not None}
    parts = [draw(st.sampled_from([[name, value], [f"{name}={value}"]])) for name, value in given.items()]
    parts += [draw(choice if isinstance(choice, st.SearchStrategy) else st.sampled_from(choice)) for choice in others]
    return [word for part in draw(st.permutations(parts)) for word in part]


def name(*usual: str) -> st.SearchStrategy[list[str]]:
    """A word that names something, mostly a usual one."""
    return st.one_of(*[st.just([word]) for word in usual], ODD.map(lambda word: [word]))


def parameter(*values: tuple[str, str]) -> st.SearchStrategy[list[str]]:
    """`-p NAME VALUE`, or nothing."""
    names = st.one_of(st.sampled_from([name for name, _ in values]), ODD)
    odd = st.tuples(names, st.one_of(st.sampled_from(["1.5", "abc", str(2**63)]), ODD))
    pair = st.one_of(st.sampled_from(values), odd)
    return st.one_of(st.just([]), pair.map(lambda pair: ["-p", *pair]))


COMMANDS = {
    "train": words(
        {
            "--objective": (["hinge", "wgan_gp", "max_likelihood"], [None, "HINGE"]),
            "--net": (["mlp", "conv", None], ["unet"]),
            "--seed": ([None, "0"], ["7", str(2**64 - 1), str(2**64)]),
            "--batch": (["2", "3", "4", None], ["1", str(10**15), str(2**63 - 1), str(2**63)]),
            "--lr": ([None, "1e-3"], ["1e-300", "1e30", "inf"]),
            "--d-steps": ([None, "1", "2"], [str(2**63)]),
            "--device": (["cpu"], [None, "cpu:0", "cpu:1", "meta", "cuda:99"]),
            "--out": (["new", "new/deep", "old"], [".", "file", "file/x", "dangling", "x" * 300]),
        },
        # Never without: then a training takes a minute.
        [["--steps", "2"], ["--steps=1"], ["--seconds", "1e-9"], ["--seconds", "0.01"]],
        [[], [], [], [], [], ["--res"], ["--steps", "0"], ["--steps"], ["--frob"], ["word"], ["-h"]],
        [[], [], ["--resume"]],
        [[], [], [], ["--quick"], ["--no-quick"]],
    ),
    "run": words(
        {
            "--profile": ([None, "smoke", "cpu"], ["smoky"]),
            "--out": ([None, "new"], [".", "file", "file/x", "notebooks", "x" * 300]),
            "--timeout": ([None, "1"], ["1e300", "0"]),
            "--cell-timeout": ([None, "1"], ["1e300", "0"]),
        },
        name("02", "2", "02_a", "2.ipynb", "mine.ipynb", "mine.ipynb", "broken.ipynb", "file", "."),
        parameter(("SEED", "-3"), ("PROFILE", "smoke"), ("N", "2"), ("RATE", "1e-3"), ("NAME", "")),
        [[], [], [], [], ["--frob"], ["-h"]],
    ),
    "score": words(
        {},
        name("good.npy", "good.npy", "good.npy", "few.npy", "cut.npy", "file", ".", "none.npy"),
        [[], ["--held-out"], ["--json"], ["--frob"], ["-h"]],
    ),
    "doctor": words(
        {"--room": ([None, "1", "30"], ["0", "many"])},
        [["--room"], [], [], ["--frob"], ["-h"], ["now"]],
        st.one_of(st.just([]), name()),
    ),
    "data": words(
        {"--dir": ([None, "new"], ["file", "file/x", "damaged", "~nobody/x"])},
        [[], ["-h"], ["now"]],
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder to be in, with pictures, trainings and signals that take no time."""
    folder = tmp_path_factory.mktemp("any")
    (folder / "file").write_text("mine")
    (folder / "dangling").symlink_to("gone")
    pictures = torch.randint(256, (64, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    made_up = data.Images("Tiny", "", pictures, torch.zeros(64).long(), pictures, torch.zeros(64).long())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(data, "fashion_mnist", lambda device="cpu": made_up)
        patch.setattr(train_command, "N_SAMPLES", 2)
        patch.setattr(train_command, "ROOM", 1)
        patch.setattr(interrupts, "GRACE", 0.1)
        _for_the_others(folder, patch)
        run(["train", "--objective", "hinge", "--net", "mlp", "--batch", "2", "--steps", "2", "--out", "old"])
        yield folder


def _for_the_others(folder, patch):
    """Notebooks, samples and damaged data; what takes time is left out, and there is no network."""
    parameters = new_code_cell("SEED, PROFILE = 0, None\nN: int = 1\nRATE = 0.5\nNAME = 'x'")
    parameters.metadata["tags"] = ["parameters"]
    (folder / "notebooks").mkdir()
    for name in ("notebooks/02_a.ipynb", "mine.ipynb"):
        nbformat.write(new_notebook(cells=[parameters]), folder / name)
    (folder / "broken.ipynb").write_text('{"cells": [')
    patch.setattr(series, "CHECKOUT", folder)
    done = execution.Result("a", "a.ipynb")
    patch.setattr(run_command, "execute", lambda *_: dataclasses.replace(done))

    for name, n in [("good", 100), ("few", 3)]:
        np.save(folder / f"{name}.npy", np.zeros((n, 28, 28), np.uint8))
    (folder / "cut.npy").write_bytes((folder / "good.npy").read_bytes()[:-1])
    patch.setattr(score, "score", lambda *_: score.Report(0, 0, 0, 0, (0.1,) * 10, 0))

    patch.setattr(doctor, "CHECKS", {"disk": lambda: [findings.Line("disk", "ok", "much")]})
    patch.setattr(checks, "kernel", lambda: [])
    patch.setattr(doctor, "room_checks", lambda learners: {"room": lambda: [findings.Line("room", "ok", "large")]})

    raw = folder / "damaged" / files.RAW
    raw.mkdir(parents=True)
    for name in files.FILES:
        (raw / name).write_bytes(b"half")
    patch.setenv(files.VARIABLE, str(folder / "damaged"))

    def no_network(names, raw):
        raise files.NoData("there is no network.")

    patch.setattr(files, "_download", no_network)


def run(words: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(words)
        except SystemExit as end:  # argparse's way to end
            status = end.code
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("command", COMMANDS)
def test_any_arguments(command, place):
    @settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(COMMANDS[command])
    def ends_well(line):
        status, out, err = run([command, *line])
        shutil.rmtree("new", ignore_errors=True)
        reached.append(status)
        assert status in (0, 1, 2)
        sentence, *more = err.splitlines() or [""]
        assert status == 0 or sentence.startswith("gan-tutorial")
        refused = status == 2 and not (command == "data" and "cannot be fetched" in sentence)
        assert more == ([f"Try: gan-tutorial {command} --help"] if refused else [])

    reached = []
    ends_well()
    assert reached.count(0) > 5  # not all are refused
    assert (place / "file").read_text() == "mine"
