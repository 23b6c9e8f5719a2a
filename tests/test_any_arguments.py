"""Whatever is given, a command ends with status 0, 1 or 2 and, unless all is well, one sentence; never a traceback.

A command takes part by a strategy in `COMMANDS`: a list of words, of which all that is allowed is quickly done.
"""

import contextlib
import io

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan_tutorial import cli, data
from gan_tutorial.commands import interrupts
from gan_tutorial.commands import train as train_command
from gan_tutorial.objectives import OBJECTIVES

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = ["0", "-1", "²", "1e9999", "nan", "1_0", "9" * 5000]
ODD = st.sampled_from(["", " ", "-", "--", "\0", "\n", "\udcff", "é" * 300, *NUMBERS])


def option(name: str, *usual: str) -> st.SearchStrategy[list[str]]:
    """The option with a usual value, often, or with an odd one, as two words or one; or not at all."""
    value = st.one_of(st.sampled_from(usual), st.sampled_from(usual), ODD, TEXT)
    return st.one_of(st.just([]), value.map(lambda v: [name, v]), value.map(lambda v: [f"{name}={v}"]))


def line(*parts: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    """The parts in any order."""
    return st.tuples(*parts).flatmap(st.permutations).map(lambda parts: [word for part in parts for word in part])


LENGTH = [["--steps", "2"], ["--steps=1"], ["--seconds", "1e-9"], ["--seconds", "0.01"], ["--steps", "0"], ["--steps"]]
COMMANDS = {
    "train": line(
        option("--objective", *OBJECTIVES),
        option("--net", "conv", "mlp"),
        option("--seed", "7", str(2**64 - 1), str(2**64)),
        option("--batch", "1", "2", "3", str(10**15), str(2**63 - 1), str(2**63)),
        option("--lr", "1e-3", "1e-300", "1e30"),
        option("--d-steps", "1", "2"),
        option("--device", "cpu", "cpu:0", "cpu:1", "meta", "mps", "cuda:99"),
        st.sampled_from(LENGTH),  # never without: then a training takes a minute
        option("--out", "new", "new/deep", "file", "file/x", "dangling", ".", "old").filter(bool),
        st.sampled_from([[], ["--resume"], ["--res"], ["--frob"], ["word"], ["-h"]]),
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
        run(["train", "--objective", "hinge", "--net", "mlp", "--batch", "2", "--steps", "2", "--out", "old"])
        yield folder


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
    @settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(COMMANDS[command])
    def ends_well(words):
        status, out, err = run([command, *words])
        assert status in (0, 1, 2)
        sentence, *more = err.splitlines() or [""]
        assert status == 0 or sentence.startswith("gan-tutorial")
        assert more == ([f"Try: gan-tutorial {command} --help"] if status == 2 else [])

    ends_well()
    assert (place / "file").read_text() == "mine"
