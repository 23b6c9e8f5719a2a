"""The whole series runs in profile smoke, cell by cell (nbval) and as a whole (papermill); nothing hangs.

Once with the stored seed and the data, once with another seed where there are neither data nor a network.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from gan_tutorial.lesson import facts

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks" / "authors"))

from building.assemble import assemble  # noqa: E402

SOLVED = sorted((ROOT / "notebooks" / "solutions").glob("[0-9][0-9]_*.ipynb"))
STRICT = {"GAN_TUTORIAL_STRICT": "1"}  # an exercise that is not right stops the notebook
OFFLINE = [sys.executable, Path(__file__).with_name("no_network.py")]
WATCHED = Path(__file__).with_name("watched")  # notes requests to other machines
MIRROR = "fashion-mnist."


def call(*arguments, timeout, within=(), **variables):
    """Run a module of this Python, in profile smoke; returns (exit status, all that it said)."""
    env = os.environ | {"GAN_TUTORIAL_PROFILE": "smoke"} | variables
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(WATCHED), str(ROOT), env.get("PYTHONPATH")]))
    run = subprocess.run(
        [*map(str, within), sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    return run.returncode, run.stdout


def nbval(path, cell_timeout, timeout, mode="--nbval-lax", **variables):
    limits = [f"--nbval-cell-timeout={cell_timeout}", "--nbval-kernel-startup-timeout=60"]
    alone = ["-c", os.devnull, "--rootdir", path.parent, "-p", "no:cacheprovider", "-q"]
    return call("pytest", *alone, mode, "--nbval-current-env", *limits, path, timeout=timeout, **variables)


def uses_data(path):
    return "fashion_mnist(" in path.read_text(encoding="utf-8")


def papermill(path, out, cell_timeout, timeout, *more, **how):
    limits = ["--cell-timeout", cell_timeout, "--timeout", timeout]
    command = ["gan_tutorial", "run", path, "--profile", "smoke", "--out", out, *limits, *more]
    return call(*command, timeout=timeout + 60, **{"GAN_TUTORIAL_REQUESTS": str(requests_of(out))} | how)


def requests_of(out):
    """Where the requests are noted that notebooks made whose copies are in `out`."""
    return out.with_name(f"{out.name}.requests")


# As a learner has them, exercises open, with the data and the stored seed, test_browser runs all of them.


@pytest.mark.timeout(420)
@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_the_solutions_are_right_and_theory_repeats_its_stored_output(path, tmp_path):
    """With what data there are, and the stored seed; the notebook asserts its facts itself."""
    requests = tmp_path / "requests"
    status, said = nbval(path, 120, 400, GAN_TUTORIAL_REQUESTS=str(requests), **STRICT)
    assert status == 0, said
    asks_for_nothing_but_the_data(path, requests)


@pytest.mark.timeout(420)
@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_its_exact_facts_hold_with_another_seed_without_data_and_without_a_network(path, tmp_path):
    (tmp_path / "none").mkdir()
    nowhere = STRICT | {"GAN_TUTORIAL_DATA": str(tmp_path / "none")}
    out = tmp_path / "out"
    copy = holds(path, out, *papermill(path, out, 120, 300, "-p", "SEED", 7, within=OFFLINE, **nowhere))
    text = copy.read_text(encoding="utf-8")
    assert "SEED = 7" in text
    assert ("Stand-in data:" in text) == uses_data(path)  # who asks for clothes is told what came instead


def holds(path, out, status, said):
    """The executed copy of a notebook that ran, with all facts that need no training, all of which hold."""
    assert status == 0, said
    asks_for_nothing_but_the_data(path, requests_of(out))
    (copy,) = out.rglob("*.ipynb")
    rows = [row for row in facts.read(copy) if row.asserted(trained=False)]
    assert [row.sentence for row in rows if not row.holds] == []
    assert len(rows) == sum(row.asserted(trained=False) for row in facts.read(path))
    return copy


def asks_for_nothing_but_the_data(path, requests):
    noted = requests.read_text(encoding="utf-8").splitlines() if requests.exists() else []
    download = uses_data(path) and any(line.startswith("urllib.Request") and MIRROR in line for line in noted)
    assert [line for line in noted if not (download and (MIRROR in line or line.startswith("socket.connect")))] == []


# What fails, fails soon


def tiny(folder, *code):
    path = folder / "99_tiny.ipynb"
    parameters = nbformat.v4.new_code_cell("PROFILE = None\nSEED = 0", metadata={"tags": ["parameters"]})
    cells = [parameters, *map(nbformat.v4.new_code_cell, code)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


DEAD, HANG, WRONG = "import os; os._exit(1)", "import time; time.sleep(1e4)", "1 / 0"
RUNNERS = {
    "nbval": lambda path, out: nbval(path, cell_timeout=10, timeout=100),
    "papermill": lambda path, out: papermill(path, out, cell_timeout=10, timeout=60),
}


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("code", [DEAD, HANG, WRONG], ids=["dead", "hang", "error"])
def test_a_notebook_that_cannot_end_fails_within_its_timeout(runner, code, tmp_path):
    start = time.monotonic()
    status, said = RUNNERS[runner](tiny(tmp_path, "x = 1", code), tmp_path / "out")
    assert status == 1, said
    assert time.monotonic() - start < 60, said


def test_without_a_network_nothing_outside_is_reached():
    ask = "import urllib.request; urllib.request.urlopen('http://192.0.2.1', timeout=5)"
    done = subprocess.run([*OFFLINE, sys.executable, "-c", ask], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "refused" in done.stderr


def test_a_request_of_a_notebook_is_noticed(tmp_path):
    ask = "urllib.request.urlopen('http://192.0.2.1/?seen', timeout=0.1)"
    ask = f"import urllib.request\ntry:\n    {ask}\nexcept OSError:\n    pass"
    path, out = tiny(tmp_path, ask), tmp_path / "out"
    with pytest.raises(AssertionError, match="urllib.Request http://192.0.2.1/[?]seen"):
        holds(path, out, *papermill(path, out, 10, 60))


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_notebook_that_is_well_passes(runner, tmp_path):
    status, said = RUNNERS[runner](
        tiny(tmp_path, "import gan_tutorial", "assert 1 + 1 == 2"), tmp_path / "out"
    )
    assert status == 0, said


def test_the_profile_reaches_the_kernel_and_a_stored_output_is_compared(tmp_path):
    cell = "import os; print(os.environ['GAN_TUTORIAL_PROFILE'])"
    path = tiny(tmp_path, cell)
    nb = nbformat.read(path, as_version=4)
    nb.cells[1].metadata["tags"] = ["nbval-check-output"]
    nb.cells[1].execution_count = 2
    for stored, status in [("smoke\n", 0), ("cpu\n", 1)]:
        nb.cells[1].outputs = [nbformat.v4.new_output("stream", text=stored)]
        nbformat.write(nb, path)
        assert nbval(path, cell_timeout=10, timeout=100)[0] == status


def test_strict_nbval_compares_what_every_machine_repeats(tmp_path):
    """`;` hides a result from everyone but nbval, and no machine repeats another one's times and trainings."""
    text = (
        "# %% [markdown]\n# # 99 · Two\n#\n# **What you'll do.** Add.\n#\n# {{core}} {{all}} {{time}} {{contents}}\n\n"
        '# %% tags=["parameters"]\nPROFILE = None\nSEED = 0\n\n'
        '# %% tags=["setup"]\nx = 1\nx;\n\n# %%\nimport time\nprint(time.time())\n\n'
        '# %% tags=["nbval-check-output"]\nprint(x + 1)\n'
    )
    (tmp_path / "99_two.py").write_text(text, encoding="utf-8")
    nb, path = assemble(tmp_path / "99_two.py", solved=False), tmp_path / "99_two.ipynb"
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
    code[2].outputs = [nbformat.v4.new_output("stream", text="1.5\n")]
    for stored, status in [("2\n", 0), ("3\n", 1)]:
        code[3].outputs = [nbformat.v4.new_output("stream", text=stored)]
        nbformat.write(nb, path)
        ended, said = nbval(path, cell_timeout=10, timeout=100, mode="--nbval")
        assert ended == status, said
