"""The page of faults is true: each row has a test that is there, and the words it quotes are those of the code."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "tests" / "faults.md"
HEAD = ["", "what goes wrong", "what a person sees", "what is kept", "tested by"]
KINDS = [
    "No network", "slow mirror", "refused request", "HTML-answering", "truncated", "corrupted", "wrong checksum",
    "read-only checkout and home", "full disk while saving", "Two kernels fetching at once", "kill -9",
    "Ctrl-C in a step", "Ctrl-C again", "Ctrl-C before the first step", "while a game is saved", "while fetching",
    "Kernel restart, and Run All twice", "Kernel death", "A hang in a cell", "under nbval and papermill",
    "NaN or infinity in the data", "NaN or infinity in a loss", "NaN or infinity in the weights",
    "GPU out of memory", "No GPU", "MPS without double backward", "Too little memory", "Bad papermill parameters",
    "Bad command-line values", "malicious checkpoint", "checkpoint of another architecture",
    "checkpoint of another version", "widget in a second browser tab", "Windows line endings", "Odd paths",
    "Two trainings into one folder", "clock that jumps",
]  # fmt: skip


def rows(text):
    """The cells of each row of the table, its head first, without the line below it."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


TABLE = rows(PAGE.read_text(encoding="utf-8"))[1:]


@cache
def functions(path):
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def written(node):
    """A text of the code, with … where something is filled in; else None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


@cache
def texts():
    """Every text of the package that is written out somewhere in it."""
    found = set()
    for path in (ROOT / "gan_tutorial").rglob("*.py"):
        found |= {written(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))} - {None}
    return "\n".join(found)


def strangers(said):
    """What stands between quotation marks and between one … and the next, and is not in the code."""
    parts = [part.strip(" ") for quoted in re.findall("“(.*?)”", said) for part in quoted.split("…")]
    return [part for part in parts if part not in texts()]


def test_the_table_is_well_formed():
    head, *table = rows(PAGE.read_text(encoding="utf-8"))
    assert head == HEAD and len(table) >= 25
    assert [row[0] for row in table] == [str(n) for n in range(1, len(table) + 1)]
    assert all(len(row) == len(HEAD) and all(row) for row in table)
    assert len({row[1] for row in table}) == len(table)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[1][:60])
def test_a_row_has_tests_that_are_there_and_quotes_the_code(row):
    links = re.findall(r"\[(test_\w+)\]\(([\w/]+\.py)\)", row[-1])
    assert links and ", ".join(f"[{name}]({path})" for name, path in links) == row[-1]
    assert [f"{path}::{name}" for name, path in links if name not in functions(path)] == []
    assert strangers(row[2]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_has_a_row(kind):
    assert any(kind.lower() in row[1].lower() for row in TABLE)


def test_words_that_are_not_those_of_the_code_are_seen():
    assert strangers("“stopped after …” or “the moon is … no cheese”") == ["the moon is", "no cheese"]
    assert strangers("a sentence of our own") == []
