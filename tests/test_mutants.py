"""The list of known mistakes fits the package and the tests as they are; `make mutants` shows that each is found."""

import ast
import re
from functools import cache
from pathlib import Path

import mutants
import pytest
from mistakes import MISTAKES

ROOT = Path(__file__).resolve().parent.parent


@cache
def functions(path):
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("file", sorted({m.file for m in MISTAKES}))
def test_each_mistake_is_another_program_and_its_test_is_there(file):
    source = (ROOT / "gan_tutorial" / file).read_text(encoding="utf-8")
    right = ast.dump(ast.parse(source))
    for mistake in [m for m in MISTAKES if m.file == file]:
        wrong = ast.parse(mutants.changed(mistake, source))  # ValueError where the package has moved on
        assert ast.dump(wrong) != right, mistake.what
        path, _, test = mistake.test.partition("::")
        assert test.partition("[")[0] in functions(path), mistake.what


def test_no_mistake_is_listed_twice():
    assert len(MISTAKES) >= 30
    assert len({m.what for m in MISTAKES}) == len({(m.file, *m.changes()) for m in MISTAKES}) == len(MISTAKES)


def test_the_page_is_that_of_the_list():
    assert mutants.PAGE.read_text(encoding="utf-8") == mutants.page(), "make mutants"


def test_one_mistake_is_found_all_the_way(capsys):
    """The copy has all that the tests need, conftest among it."""
    (word,) = [m.what for m in MISTAKES if m.what.startswith("The nearest neighbour of a point is the point itself")]
    assert mutants.main([word]) == 0
    assert "1 of 1 mistakes found" in capsys.readouterr().out


def test_a_package_that_has_moved_on_is_told():
    for text in ("", 2 * MISTAKES[0].old):
        with pytest.raises(ValueError, match="not once; bring tests/mistakes.py up to date for: The 'original' loss"):
            mutants.changed(MISTAKES[0], text)


@pytest.mark.parametrize(
    ("status", "output", "found", "says"),
    [
        (1, "FAILED tests/a.py::test_b[c - d] - assert 1 == 2\n1 failed", True, r"^a.py::test_b\[c - d\]: assert 1"),
        (1, "FAILED tests/a.py::test_b - AssertionError: far apart", True, "far apart"),
        (1, "FAILED tests/a.py::test_b - Failed: DID NOT RAISE <class 'ValueError'>", True, "DID NOT RAISE"),
        (0, "1 passed in 0.1s", False, "SURVIVED"),
        (1, "FAILED tests/a.py::test_b - NameError: name 'x' is not defined", False, "could judge: NameError"),
        (1, "ERROR tests/a.py::test_b - assert 0", False, "could not run"),
        (2, "ERROR tests/a.py - ImportError: x", False, "could not run"),
        (4, "no tests ran", False, "could not run"),
        (-9, "", False, "could not run"),
        (None, "", False, "no answer"),
    ],
)
def test_only_a_false_assertion_counts_as_found(status, output, found, says):
    verdict = mutants.verdict(status, output)
    assert verdict.found is found
    assert re.search(says, verdict.words)
