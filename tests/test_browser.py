"""Run All in JupyterLab, in a real browser, as a reader would; and the server that `make lab` starts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lab import FOLLOWS, TOKEN, Visit, ask, environment, free_port, page_of, page_of_notebook, run_all, serving

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
AS_ROOT = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server over copies of the notebooks: JupyterLab saves what it opens.  Gives its port and its folders."""
    home = tmp_path_factory.mktemp("lab")
    tree = home / "tree"
    shutil.copytree(ROOT / "notebooks", tree / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
               "--ServerApp.port_retries=0", f"--ServerApp.root_dir={tree}", f"--IdentityProvider.token={TOKEN}",
               "--LabApp.expose_app_in_browser=True",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", *AS_ROOT]
    env = environment(home, GAN_TUTORIAL_PROFILE="smoke", PYTHONPATH=str(ROOT))
    with serving(command, port, TOKEN, home, env=env):
        yield port, home


def written(home: Path, name: str, *cells: str) -> str:
    """A notebook of these cells in the server's tree; returns its path there."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, home / "tree" / name)
    return name


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_run_all(name, server, chromium, tmp_path):
    port, home = server
    visit = run_all(chromium, port, f"notebooks/{name}.ipynb", tmp_path, seconds=500)
    assert len(visit.cells) > 1
    assert visit.faults() == []
    rates = ", ".join(f"{rate:.1f}" for rate in visit.pictures_per_second)
    print(f"{name}: {rates} pictures per second under a dragged slider")
    assert visit.pictures_per_second and min(visit.pictures_per_second) > FOLLOWS


def test_deeper_sections_are_folded_and_open_with_a_click(server, chromium, tmp_path):
    port, home = server
    shown = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    folded = {"jp-MarkdownHeadingCollapsed": True}
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    shown.cells = [text("## A"), text("## Deeper: B", metadata=folded), code("print('deep' + 'er')"), text("## C")]
    nbformat.write(shown, home / "tree" / "folded.ipynb")
    with page_of_notebook(chromium, port, "folded.ipynb", tmp_path, 60) as (page, visit):
        assert visit.cells[2]["outputs"][0]["text"] == "deeper\n"  # Run All runs it, too
        assert not page.get_by_text("deeper", exact=True).is_visible()
        page.locator(".jp-showHiddenCellsButton").click()
        page.get_by_text("deeper", exact=True).wait_for(state="visible", timeout=10_000)


def test_run_all_shows_widgets_and_pictures(server, chromium, tmp_path):
    port, home = server
    name = written(home, "good one.ipynb", "import ipywidgets\nipywidgets.IntSlider(description='steps')",
                   "import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "6 * 7")
    visit = run_all(chromium, port, name, tmp_path, seconds=120)
    assert visit.faults() == []
    assert "steps" in visit.text                    # the slider was drawn, not its plain text
    assert "image/png" in visit.cells[1]["outputs"][0]["data"]
    assert visit.cells[2]["outputs"][0]["data"]["text/plain"] == "42"


def test_faults_are_seen(server, chromium, tmp_path):
    """The same visit to a notebook with one fault of each kind finds them: an error, a cell that did not run, a
    widget without its model, a request to another host, what the console says of that, and a picture that does not
    follow its slider."""
    port, home = server
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "gone", "version_major": 2, "version_minor": 0}}
    name = written(home, "bad.ipynb", f"display({view!r}, raw=True)",
                   "display({'text/html': '<img src=\"http://192.0.2.1/x.png\">'}, raw=True)",
                   # It fails but where it starts, which a dragged slider hardly ever meets again.
                   "from gan_tutorial.lesson.live import explore\n"
                   "explore(lambda ax: lambda a: f'{1 / (a == 1)}', a=(0.0, 4.0, 1.0, 0.01))",
                   "1 / 0", "'never reached'")
    text = "\n".join(run_all(chromium, port, name, tmp_path, seconds=120).faults())
    for fault in ["ZeroDivisionError", "was not run", "model not found", "asked 192.0.2.1", "the console says",
                  "could not follow"]:
        assert fault in text, f"{fault} is not in:\n{text}"


def make_lab(tree: Path) -> list[str]:
    """The command that `make lab` ends in, for this Python."""
    extra = " ".join(["--no-browser", *AS_ROOT])
    lines = subprocess.run(["make", "-n", "lab", f"LAB={extra}"], cwd=tree, check=True, capture_output=True, text=True,
                           env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}).stdout
    python, *rest = lines.splitlines()[-1].split()
    assert python == ".venv/bin/python"
    return [sys.executable, *rest]


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
def test_make_lab_opens_the_first_notebook(clean_tree, tmp_path, request):
    """`make lab` serves a page for notebook 00, behind a token of its own making."""
    port = free_port()
    env = environment(tmp_path)
    command = [*make_lab(clean_tree), f"--port={port}", "--ServerApp.port_retries=0"]
    with serving(command, port, None, tmp_path, cwd=clean_tree, env=env):
        (info,) = (tmp_path / "run").glob("jpserver-*.json")
        token = json.loads(info.read_text())["token"]
        assert len(token) >= 40
        with pytest.raises(OSError, match="403"):
            ask(f"http://127.0.0.1:{port}/api/status")
        assert json.loads(ask(f"http://127.0.0.1:{port}/api/status?token={token}"))["kernels"] == 0
        (opener,) = (tmp_path / "run").glob("jpserver-file-to-run-*.html")      # what is handed to the browser
        chromium, visit = request.getfixturevalue("chromium"), Visit()
        with page_of(chromium, opener.as_uri(), visit, tmp_path / "chromium") as page:
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
            page.wait_for_timeout(1000)
            assert page.url.partition("?")[0].endswith("/lab/tree/notebooks/00_start_here.ipynb")
            page.screenshot(path=tmp_path / "lab.png")
            if (Path(sys.prefix) / "installed.json").exists():      # an environment that `make install` made
                assert "Jupyter news" not in page.inner_text("body")
        assert visit.faults() == []
