"""Sentences about what was measured: found, decided by the author, and held by what the decision names."""

import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks" / "authors"))

from building import claims  # noqa: E402

from gan_tutorial.lesson import facts  # noqa: E402

SOURCES = sorted((ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_something_holds_each_sentence_about_a_measurement(source):
    stored = nbformat.read(ROOT / "notebooks" / f"{source.stem}.ipynb", as_version=4)
    assert list(claims.undecided(source, stored, ROOT)) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "In every run D wins.",
        "The critic's estimate is 0.31.",
        "Two of the three seeds are lost.",
        "It needs $W_1 = 0.31$ of them.",
        "KL is but a little behind.",
        "The loss falls sixteen times faster than that.",
    ],
)
def test_a_sentence_that_may_say_what_was_measured_is_found(sentence):
    assert claims.suspicious(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Notebook 07 shows why, and so does exercise 6.2.",
        "See eq. 5 of Nowozin et al. (2016).",
        "Here $f(1) = 0$ and $x^2 + 1$.",
        "Call `hint(\"2.1\")` for help.",
        "G draws, D judges.",
    ],
)
def test_a_name_with_a_number_and_a_formula_are_no_claims(sentence):
    assert not claims.suspicious(sentence)


def test_text_is_cut_into_sentences_without_code_and_formulas():
    text = (
        "## 3. A heading\n\nFirst, which is\nlong. Second: done? *Third!* Fig. a goes on.\n\n- an item\n- another\n\n"
        "1. one\n2. two\n\n"
        "$$x = 1.5$$\n\n```\n12 lines\n```\n\n| a | 1 |\n| b | 2 |"
    )
    assert claims.sentences(text) == [
        "## A heading", "First, which is long.", "Second: done?", "*Third!", "Fig. a goes on.",
        "- an item", "- another", "one", "two", "| a | 1 |", "| b | 2 |",
    ]  # fmt: skip


def source(tmp_path, text, decided):
    path = tmp_path / "98_try_this.py"
    code = "assert worst < 3\n\n# %%\nplot()  # 7 lines"
    lines = "\n".join(f"# {line}" for line in text)
    path.write_text(f"# %% [markdown]\n{lines}\n\n# %% alt=\"A curve that falls\"\n{code}\n", encoding="utf-8")
    (tmp_path / "claims").mkdir(exist_ok=True)
    (tmp_path / "claims" / "98.tsv").write_text("".join(f"{d}\t{s}\n" for s, d in decided.items()), encoding="utf-8")
    return path


def stored(*names):
    ledger = facts.Ledger("98")
    for name in names:
        ledger.add("F", name, 0, 0, 0, "test")
    shown = nbformat.v4.new_output("display_data", ledger._repr_mimebundle_())
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("ledger", outputs=[shown])])


ALT = {"A curve that falls": "plain"}
SAID = "All 5 runs win."


@pytest.mark.parametrize(
    ("decision", "wrong"),
    [
        ("row: runs that win", None),
        ("row: runs that lose", "no row"),
        ("assert: worst < 3", None),
        ("assert: worst < 2", "no assertion"),
        ("test: tests/test_claims.py::test_something_holds_each_sentence_about_a_measurement", None),
        ("test: tests/test_claims.py::test_nothing", "no test"),
        ("theory", None),
        ("row", "no decision"),
        ("theory: because", "no decision"),
        ("surely", "no decision"),
        ("?", "no decision"),
    ],
)
def test_a_decision_names_what_holds_the_sentence(decision, wrong, tmp_path):
    path = source(tmp_path, [SAID], {SAID: decision, **ALT})
    found = list(claims.undecided(path, stored("runs that win: how many"), ROOT))
    assert len(found) == bool(wrong) and all(wrong in sentence and SAID in sentence for sentence in found)


def test_new_sentences_are_undecided_and_old_ones_go(tmp_path):
    path = source(tmp_path, [SAID, "", "It lost twice."], {SAID: "theory", "It won once.": "plain"})
    gone = [s for s in claims.undecided(path, stored("F"), ROOT) if "gone" in s]
    assert len(gone) == 1 and "It won once." in gone[0]
    file, left = claims.update(path)
    assert left == 2
    assert claims.decisions(file) == {SAID: "theory", "It lost twice.": "?", "A curve that falls": "?"}


def test_the_words_for_a_picture_are_read_too(tmp_path):
    path = source(tmp_path, ["G draws."], {})
    assert list(claims.claims(jupytext.read(path, fmt="py:percent"))) == ["A curve that falls"]
