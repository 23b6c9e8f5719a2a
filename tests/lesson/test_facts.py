"""The ledger: what holds, what is asserted in which profile, and that a stored notebook can be read back."""

import json
import math
import re
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pytest
import torch

from gan_tutorial.lesson.facts import MIME, Ledger, Row, read

SMOKE, CPU = SimpleNamespace(asserts_quality=False), SimpleNamespace(asserts_quality=True)
INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("exact", "measured", "tolerance", "holds"),
    [
        (1.0, 1.0, 0.0, True),
        (1.0, 1.01, 0.02, True),
        (1.0, 1.03, 0.02, False),
        (1.0, 0.97, 0.02, False),
        (1.0, NAN, 10.0, False),
        (NAN, NAN, 10.0, False),
        (NAN, 1.0, 10.0, False),
        (INF, INF, 0.0, True),
        (INF, -INF, 0.0, False),
        (INF, 1e300, 0.0, False),
        (1.0, INF, 1.0, False),
        ((0.0, 1.0), 0.5, 0.0, True),
        ((0.0, 1.0), 1.1, 0.05, False),
        ((0.0, 1.0), -0.1, 0.05, False),
        ((-INF, 0.0), -5.0, 0.0, True),
        ((0.0, 1.0), NAN, 1.0, False),
    ],
)
def test_holds(exact, measured, tolerance, holds):
    assert Row("F", "claim", exact, measured, tolerance, "source").holds is holds


def ledger(*, training_holds=True):
    facts = Ledger("02")
    facts.add("F-V2", "max V of N(0,1) & N(1,1)", -1.163451, torch.tensor(-1.16345), 1e-4, "quadrature")
    facts.add("F-D3", "KL of disjoint supports", INF, INF, 0, "exact")
    weight = -1.02 if training_holds else 7
    facts.add("F-V1", "weight of D", -1, weight, 0.05, "training", needs_training=True)
    return facts


def test_a_row_that_fails_says_what_was_claimed_and_measured():
    facts = ledger()
    facts.add("F-X", "two is three", 3, 2, 0.5, "nobody")
    facts.add("F-Y", "NaN is one", 1, NAN, 9, "nobody")
    with pytest.raises(AssertionError) as error:
        facts.assert_all(CPU)
    assert str(error.value).splitlines() == [
        "two is three: measured 2, exact 3, tolerance 0.5 (nobody).",
        "NaN is one: measured not a number, exact 1, tolerance 9 (nobody).",
    ]


def test_training_rows_are_asserted_only_where_training_is_real():
    ledger().assert_all(CPU)
    untrained = ledger(training_holds=False)
    untrained.assert_all(SMOKE)
    for strict in (CPU, None):
        with pytest.raises(AssertionError, match="weight of D"):
            untrained.assert_all(strict)
    assert "no: needs the full training" in str(untrained)


def test_a_row_that_is_shown_only_is_never_asserted_while_it_runs():
    facts = ledger()
    shown_nowhere = facts.add("F-S", "lost in one of three seeds", 1, 0, 0, "this run", shown_only=True)
    assert shown_nowhere is None  # a cell that ends with it prints nothing
    row = facts.rows[-1]
    facts.assert_all(CPU)
    facts.assert_all()
    assert not row.holds and "no, in this run" in str(facts)
    assert [row.asserted(trained) for trained in (False, True)] == [False, False]


def test_an_empty_ledger_proves_nothing():
    with pytest.raises(AssertionError, match="empty"):
        Ledger("02").assert_all(CPU)


@pytest.mark.parametrize("tolerance", [-1, NAN, INF])
def test_a_tolerance_that_lets_everything_pass_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance of 'claim'"):
        Ledger("02").add("F", "claim", 1, 1, tolerance, "source")


def test_running_a_cell_twice_replaces_its_rows():
    facts = ledger()
    facts.add("F-V1", "weight of D", -1, -0.99, 0.05, "training", needs_training=True)
    assert [row.fact for row in facts.rows] == ["F-V2", "F-D3", "F-V1"]
    assert facts.rows[-1].measured == -0.99


def test_a_stored_notebook_gives_the_same_rows_back(tmp_path):
    facts = ledger()
    facts.add("F-B", "in a range", (-INF, 0.0), -2, 0, "exact")
    facts.add("F-N", "not a number", 0, NAN, 0, "exact")
    facts.add("F-S", "so it was", 0, 0, 0, "this run", shown_only=True)
    shown = nbformat.v4.new_output("display_data", facts._repr_mimebundle_())
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("facts", outputs=[shown, shown])])
    path = tmp_path / "02.ipynb"
    nbformat.write(nb, path)
    json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert repr(read(path)) == repr(facts.rows)  # repr: NaN is not equal to itself
    assert repr(read(nb)) == repr(facts.rows)


def stored(facts: Ledger) -> dict:
    shown = nbformat.v4.new_output("display_data", facts._repr_mimebundle_())
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("facts", outputs=[shown])])


def test_what_a_row_says_is_stored_and_notebooks_from_before_are_read():
    facts = ledger()
    facts.add("F-W", "W1, a tenth", 0.1, 0.1, 0, "exact", says="W1 is a tenth.")
    nb = stored(facts)
    assert [row.says for row in read(nb)] == ["", "", "", "W1 is a tenth."]
    for row in nb.cells[0].outputs[0].data[MIME]["rows"]:
        del row["says"]
    assert [(row.claim, row.says) for row in read(nb)] == [(row.claim, "") for row in facts.rows]


def test_without_a_row_that_says_something_all_are_shown():
    bundle = ledger()._repr_mimebundle_()
    assert bundle["text/html"].count("<tr>") == 4 and "N(0,1) &amp; N(1,1)" in bundle["text/html"]
    assert "<details>" not in bundle["text/html"]
    assert bundle["text/plain"].count("\n") == 3 and "-1.16345" in bundle["text/plain"]
    assert len(bundle[MIME]["rows"]) == 3


def cells(html: str) -> list[list[str]]:
    """The text of each row of a table, head and all."""
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]


def test_the_handful_that_says_something_comes_first_and_the_rest_is_folded():
    facts = ledger()
    said = {"source": "300 steps", "says": "G's <b>loss</b> ends at 2 log 2, not below & not above."}
    facts.add("F-D1", "G's loss", 2 * math.log(2), 1.3871, 0.05, **said)
    facts.add("F-E", "share", (-INF, 0.15), 0.12, 0, "12,000 samples", says="At most a few per cent are lost.")
    html = facts._repr_html_()
    shown, _, folded = html.partition("<details><summary>3 more facts, each checked on every run</summary>")
    assert cells(shown) == [
        ["what we found", "expected", "measured", "may differ by", "why", "holds"],
        ["G&#x27;s &lt;b&gt;loss&lt;/b&gt; ends at 2 log 2, not below &amp; not above.", "1.386", "1.387", "0.05",
         "300 steps", "yes"],
        ["At most a few per cent are lost.", "at most 0.15", "0.12", "0", "12,000 samples", "yes"],
    ]  # fmt: skip
    assert cells(folded) == [
        ["claim", "exact", "measured", "tolerance", "source", "holds"],
        ["max V of N(0,1) &amp; N(1,1)", "-1.16345", "-1.16345", "0.0001", "quadrature", "yes"],
        ["KL of disjoint supports", "infinity", "infinity", "0", "exact", "yes"],
        ["weight of D", "-1", "-1.02", "0.05", "training", "yes"],
    ]
    assert html.endswith("</table></details>")
    lines = str(facts).splitlines()
    assert lines[0].startswith("what we found") and "ends at 2 log 2" in lines[1] and "few per cent" in lines[2]
    assert lines[3:7] == ["", "and 3 more:", "", lines[6]] and lines[6].startswith("claim")
    assert [line.split("  ")[0] for line in lines[7:]] == [row.claim for row in facts.rows[:3]]
    for row in facts.rows:  # codes are for the machine
        assert row.fact not in html and row.fact not in str(facts)


def test_the_fold_says_how_many_facts_do_not_hold_and_is_missing_where_nothing_is_folded():
    facts = Ledger("02")
    facts.add("F-1", "one", 1, 1, 0, "counting", says="One is one.")
    assert "<details>" not in facts._repr_html_() and "more" not in str(facts)
    facts.add("F-2", "two", 2, 3, 0, "counting")
    assert "<summary>1 more fact, checked on every run; 1 not so in this one</summary>" in facts._repr_html_()


@pytest.mark.parametrize(
    ("value", "shown", "folded"),
    [
        (-1.16345123, "-1.163", "-1.16345"),
        (-0.0, "0", "0"),
        (60_001.0, "60,001", "60,001"),
        (12345.67, "12,350", "12,345.7"),
        (0.0001234567, "0.0001235", "0.000123457"),
        (-1.5e-9, "-1.5e-9", "-1.5e-9"),
        (3e8, "3e8", "3e8"),
        ((0.1, 0.5), "0.1 to 0.5", "0.1 to 0.5"),
        ((2.0, INF), "at least 2", "at least 2"),
        ((-INF, -0.25), "at most -0.25", "at most -0.25"),
        (-INF, "-infinity", "-infinity"),
        (NAN, "not a number", "not a number"),
    ],
)
def test_numbers_are_written_for_people(value, shown, folded):
    row = Row("F", "claim", value, 0.0, 0.0, "source", says="So it is.")
    assert (row.cells()[1], replace(row, says="").cells()[1]) == (shown, folded)


def test_a_folded_row_says_what_it_is_about_but_not_its_code():
    ledger = Ledger("04")
    for fact in ("F-X4 optimistic", "7.04", "F-D1", "live GAN"):
        ledger.add(fact, f"growth of {fact[-3:]}", 1, 1, 0, "s")
    claims = [row.cells()[0] for row in ledger.rows]
    assert claims == ["optimistic: growth of tic", "growth of .04", "growth of -D1", "live GAN: growth of GAN"]
