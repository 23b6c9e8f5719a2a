"""What Windows does to files: its line ends make no other notebook, and Git does not bring them in."""

import subprocess
from pathlib import Path

import nbformat
import pytest
from test_build import CHECKLIST, README, SOURCE, build, pages

ROOT = Path(__file__).resolve().parents[1]
MEASURED = {"profile": "cpu", "cores": 2, "seconds": 60.0, "peak_mb": 300}


def tree(folder, ends):
    """A tree to build, before any notebook is built, whose lines end so."""
    (folder / "notebooks" / "source").mkdir(parents=True)
    (folder / "notebooks" / "authors").mkdir()
    files = {"notebooks/source/01_draw_a_line.py": SOURCE, "notebooks/authors/checklist.tsv": CHECKLIST}
    for name, text in (files | {"README.md": README}).items():
        (folder / name).write_bytes(text.replace("\n", ends).encode())
    return folder


@pytest.mark.parametrize("solved", [False, True])
def test_lines_that_end_as_on_windows_make_the_same_notebook(tmp_path, solved):
    made = []
    for ends in ("\n", "\r\n"):
        root = tree(tmp_path / repr(ends), ends)
        source = root / "notebooks" / "source" / "01_draw_a_line.py"
        nb = build.wanted(root, source, solved, MEASURED)
        nb.metadata["gan_tutorial"] = MEASURED
        made.append(nbformat.writes(nb))
        place = build.target(root, source, solved)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(made[0].replace("\n", ends).encode())
        assert not build.stale(root, source, solved)
    assert made[0] == made[1] and "\\r" not in made[1]


def test_lines_that_end_as_on_windows_make_the_same_pages(tmp_path):
    roots = [tree(tmp_path / repr(ends), ends) for ends in ("\n", "\r\n")]
    made = [{path.relative_to(root): text for path, text in pages.pages(root).items()} for root in roots]
    assert made[0] == made[1] and not any(b"\r" in text for text in made[1].values())


def test_git_brings_in_lines_that_end_as_the_build_writes_them():
    names = ["README.md", "notebooks/coverage.md", "notebooks/00_start_here.ipynb", "binder/start", "Makefile"]
    asked = ["git", "check-attr", "eol", "--", *names]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    if told.returncode:
        pytest.skip("unpacked from an archive: there is no Git here")
    assert told.stdout.splitlines() == [f"{name}: eol: lf" for name in names]
