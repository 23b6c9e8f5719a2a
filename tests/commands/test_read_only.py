"""A checkout and a home that cannot be written to, as on a shared machine: what works there, and what is said."""

import ctypes
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from gan_tutorial.commands.series import CHECKOUT

OVERRIDE, SEARCH, DROP = 1, 2, 24  # linux/capability.h, linux/prctl.h

CALLS = """
import sys
from gan_tutorial.commands.cli import main

for words in (["data"], ["train", "--objective", "hinge", "--steps", "1", "--out", "out"],
              ["run", "01_a.ipynb", "--out", "out"], ["run", "01_a.ipynb", "--out", sys.argv[1]]):
    print("->", words[0], file=sys.stderr, flush=True)
    try:
        status = main(words)
    except SystemExit as end:
        status = end.code
    print("status", status, file=sys.stderr, flush=True)
"""


def obey():
    """Let what is read-only be so for root as well."""
    if os.geteuid() == 0:
        for power in (OVERRIDE, SEARCH):
            ctypes.CDLL(None).prctl(DROP, power, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="root writes everywhere; only Linux lets it give that up")
def test_commands_in_a_checkout_and_a_home_that_are_read_only(tmp_path):
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]);"), new_code_cell("open('new', 'w')")]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), home / "01_a.ipynb")
    before = sorted(home.rglob("*"))
    home.chmod(0o555)
    homes = ("JUPYTER", "IPYTHON", "XDG", "MPL")
    env = {name: value for name, value in os.environ.items() if not name.startswith(homes)}
    env |= {"HOME": str(home), "GAN_TUTORIAL_DATA": str(home / "data"), "PYTHONPATH": str(CHECKOUT)}
    end = subprocess.run([sys.executable, "-c", CALLS, str(out)], cwd=home, env=env, preexec_fn=obey,
                         capture_output=True, text=True, timeout=200)  # fmt: skip
    home.chmod(0o755)
    said = end.stderr
    data, train, inside, run = said.split("-> ")[1:]
    assert all("status 2" in part for part in (data, train, inside)) and "status 1" in run
    raw = home / "data" / "FashionMNIST" / "raw"
    assert f"cannot be fetched: {raw} cannot be written to (Permission denied)" in data
    assert "out is no folder to write to (Permission denied); choose another --out." in train
    assert "--out out cannot be written to (Permission denied); choose another folder." in inside
    assert "01_a failed: cell 2 of 2" in run and "PermissionError: [Errno 13] Permission denied: 'new'" in run
    assert "Traceback" not in said and sorted(home.rglob("*")) == before
