"""What somebody who opens the laboratory waits for, and what comes after its first picture."""

import ast
import threading
from pathlib import Path

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

from gan_tutorial.commands import room
from gan_tutorial.lesson import live
from gan_tutorial.lesson.laboratory import Laboratory, widget

FIRST = next((Path(__file__).parents[2] / "notebooks").glob("00_*.ipynb"))
LATER = {
    # what is not imported before the first picture: why not
    "torch._dynamo": "torch's compiler: two seconds, with the first optimiser",
    "scipy": "half a second, for W1 between samples",
    "torchvision": "a second, to download data",
    "ot": "for transport with potentials",
}
LOADED = f"import sys; print('loaded:', *[name for name in {list(LATER)} if name in sys.modules])"


def loaded(said: str) -> set[str]:
    return set(said.rpartition("loaded:")[2].split())


def shown_by(cell: str) -> str:
    """The cell, with its last value shown by a call, so that something can follow it."""
    tree = ast.parse(cell)
    call = ast.Call(ast.Name("display", ast.Load()), [tree.body[-1].value], [])
    return ast.unparse(ast.fix_missing_locations(ast.Module([*tree.body[:-1], ast.Expr(call)], [])))


def test_the_first_picture_waits_for_no_library_that_it_does_not_need(monkeypatch):
    """The cells of notebook 00, in a kernel, as far as the laboratory; the rest is there when its cell is done."""
    monkeypatch.setenv("GAN_TUTORIAL_PROFILE", "smoke")
    codes = room._code(FIRST)
    at = next(i for i, code in enumerate(codes) if "laboratory(" in code)
    manager, client = start_new_kernel(startup_timeout=120, cwd=str(FIRST.parent))
    try:
        for code in codes[:at]:
            assert room._run(client, code) == (None, "", "")
        when, said, error = room._run(client, f"{shown_by(codes[at])}\n{LOADED}")
        assert when and not error and loaded(said) == set()
        _, said, _ = room._run(client, LOADED)
        assert loaded(said) == {"torch._dynamo", "scipy"}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture
def cell(monkeypatch) -> list:
    """What waits for the end of the cell that seems to run."""
    waiting = []
    monkeypatch.setattr(live, "after_the_cell", waiting.append)
    return waiting


def picture_of(lab) -> dict[str, np.ndarray]:
    *_, picture = lab.get_state("first")["first"]["messages"]
    return {
        name: np.frombuffer(part, np.uint8) for name, part in zip(picture["parts"], picture["buffers"], strict=True)
    }


def test_the_first_picture_is_that_of_the_game_and_its_numbers_follow(cell):
    lab = Laboratory(data="two moons", seed=3)
    assert lab.recorded == 1 and np.isnan(lab._records[0].measures.w1)
    early, said = picture_of(lab), lab.text
    cell.pop()()
    usual = Laboratory(data="two moons", seed=3)
    cell.pop()()
    assert lab.recorded == 1 and lab._records[0].measures == usual._records[0].measures and lab.text == usual.text
    assert lab.text.startswith(f"{said} · JS ")
    late = picture_of(lab)
    assert set(late) - set(early) == {"best"} and all(np.array_equal(early[name], late[name]) for name in early)


@pytest.mark.parametrize(
    "what",
    [
        lambda lab: lab.step(1),
        lambda lab: lab.set(d_lr=0.01),
        lambda lab: lab.reset(),
        lambda lab: lab.tour(0),
        lambda lab: lab.diagnose(),
        lambda lab: lab._handle_custom_msg({"do": "hello"}, []),
    ],
    ids=["step", "set", "reset", "tour", "diagnose", "hello"],
)
def test_who_asks_for_more_before_the_cell_ends_gets_it(cell, what):
    lab = Laboratory()
    what(lab)
    assert lab.error == "" and "W1" in lab.text and not np.isnan(lab._records[0].measures.w1)
    before = lab.text
    cell.pop()()
    assert lab.text == before


def test_the_still_of_a_game_that_has_not_moved_has_no_losses(cell):
    lab = Laboratory()
    assert lab.png()[:4] == b"\x89PNG" and np.isnan(lab._records[0].measures.w1)  # nothing was loaded for it


def test_only_the_thread_of_the_game_measures(cell):
    lab = Laboratory()
    other = threading.Thread(target=lab._get_ready)
    other.start()
    other.join()
    assert "W1" not in lab.text


def test_optimisers_are_made_when_they_are_asked_for_and_stay(monkeypatch):
    made = []
    monkeypatch.setattr(widget.Setting, "make_optimiser", lambda self, player, net: made.append(player) or object())
    game = widget.Setting(seed=1).make_game()
    game.sample(3)
    assert made == []
    assert game.d_opt is game.d_opt and made == ["D"]
    game.g_opt = mine = object()
    assert game.g_opt is mine and made == ["D"]


def test_without_a_notebook_nothing_waits():
    done = []
    live.after_the_cell(lambda: done.append(1))
    assert done == [1]
