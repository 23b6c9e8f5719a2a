"""The ledger: what holds, what is asserted in which profile, and that a stored notebook can be read back."""

import json
import math
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
        "F-X: two is three: measured 2, exact 3, tolerance 0.5 (nobody).",
        "F-Y: NaN is one: measured nan, exact 1, tolerance 9 (nobody).",
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
    row = facts.add("F-S", "lost in one of three seeds", 1, 0, 0, "this run", shown_only=True)
    facts.assert_all(CPU)
    facts.assert_all()
    assert not row.holds and "no, in this run" in str(facts)
    assert [row.asserted(trained) for trained in (False, True)] == [False, False]


def test_an_empty_ledger_proves_nothing():
    with pytest.raises(AssertionError, match="empty"):
        Ledger("02").assert_all(CPU)


@pytest.mark.parametrize("tolerance", [-1, NAN, INF])
def test_a_tolerance_that_lets_everything_pass_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance of F"):
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


def test_the_table_has_every_row_in_html_and_in_text():
    bundle = ledger()._repr_mimebundle_()
    assert bundle["text/html"].count("<tr>") == 4 and "N(0,1) &amp; N(1,1)" in bundle["text/html"]
    assert bundle["text/plain"].count("\n") == 3 and "-1.16345" in bundle["text/plain"]
    assert len(bundle[MIME]["rows"]) == 3
