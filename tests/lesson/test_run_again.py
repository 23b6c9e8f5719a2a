"""Run All twice in one kernel, and once more after a restart: the same numbers, and nothing left from before."""

import nbformat
from nbclient import NotebookClient

CELLS = [
    "PROFILE, SEED = 'smoke', 0",
    """import torch
from gan_tutorial.game import Game, train
from gan_tutorial.game.networks import PointDiscriminator, mlp
from gan_tutorial.game.objectives import minimax
from gan_tutorial.lesson import live
from gan_tutorial.lesson.exercises import check
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import use_style
from gan_tutorial.lesson.profile import choose, use_cores

use_cores()
use_style(note="Stand-in data")
profile, ledger = choose(PROFILE), Ledger("99")
torch.manual_seed(SEED)
game = Game.with_adam(
    mlp([2, 8, 2]), PointDiscriminator(2, (8,)), lambda n: (torch.randn(n, 2),), lambda n: torch.randn(n, 2), seed=SEED
)""",
    """with profile.plan(profile.pick(smoke=5, cpu=9, gpu=9), about=1, done=game.step) as plan:
    for step in plan.watch(train(game, minimax, steps=plan.steps)):
        pass
ledger.add("F-1", "D's loss", (0, 9), float(step.d_loss), 0, "this run")
ledger.assert_all(profile)
print(float(step.d_loss), game.sample(1))""",
    """import matplotlib.pyplot as plt

def draw(ax):
    line, = ax.plot([0, 1], [0, 1])
    def update(a):
        line.set_ydata([0, a])
        return f"a = {a}"
    return update

live.explore(draw, a=(0, 4, 3))""",
    """check("no such", 1)
plt.plot([0, 1]);
print(len(live._opened), len(plt.rcParams["figure.hooks"]), len(ledger.rows), profile.name)""",
]


def run_all(client):
    """What each cell printed and showed as text, but for the seconds that a training took and its speed."""
    for i, cell in enumerate(client.nb.cells):
        client.execute_cell(cell, i)
    texts = [o.get("text") or o.data["text/plain"] for cell in client.nb.cells for o in cell.outputs]
    lines = [line for text in texts for line in text.splitlines()]
    return [line for line in lines if not line.startswith("took ") and "per second" not in line]


def test_run_all_twice_and_again_after_a_restart_gives_the_same():
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    # What one `print` writes may come in two pieces, cut anywhere; a stream is put together again.
    client, found = NotebookClient(nb, timeout=120, kernel_name="python3", coalesce_streams=True), []
    for times in (2, 1):
        with client.setup_kernel():
            found += [run_all(client) for _ in range(times)]
    assert found[0] == found[1] == found[2]
    assert "5 steps, a moment (profile smoke)" in found[0]
    assert any("no exercise no such" in line for line in found[0])
