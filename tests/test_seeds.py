"""Other seeds: what a reader's run asserts held in all that were tried, and so did what the words say beyond it."""

import json
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from gan_tutorial.clothes import recordings
from gan_tutorial.lesson import facts

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks" / "authors"))

import seeds  # noqa: E402

RECORD = json.loads(seeds.RECORD.read_text())
STORED = sorted(seeds.FOLDER.glob("[0-9][0-9]_*.ipynb"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_each_asserted_fact_held_with_every_seed_that_was_tried(path):
    known = RECORD[path.stem]
    for row in seeds.asserted(nbformat.read(path, as_version=4)):
        measured = known.get(seeds.key(row), {})
        again = f"{row.claim}: python notebooks/authors/seeds.py {path.stem[:2]}"
        assert measured.get("0", [None])[0] == row.measured, again
        assert seeds.worst(row, measured)[0] == 0, (row.sentence, measured)


def test_with_some_seeds_a_clipped_critic_loses_a_training():
    """What 07 says of trainings that do not come near the data: some values of SEED have one, most have none."""
    last = RECORD["07_move_earth"]["8.08: W1 at the end, largest of three"]
    lost = [seed for seed, (w1, _) in last.items() if w1 > 2]  # the radius: samples in the middle have 2
    assert 0 < len(lost) < len(last) / 2, lost


# Where a row leaves other machines more room than the words do: what they say, of the seeds on record.
SAID = {
    "with 0.1 it has gone a third of the way at most": ("06", "noise 0.1: theta after half the steps, least", 0.667, 1),
    "from 0.2 on more than four fifths": ("06", "noise 4.0: theta after half the steps, largest", -0.2, 0.2),
    "up to two and a half times as many rare pictures": ("13", "GAN, share of rare pictures, most", 0, 0.025),
    "some 900 nats": ("11", "best Parzen estimate, nats too low", 850, 950),
    "about as bad as the best single word": ("12", "words, Gumbel-softmax, τ = 1: JS at the end, least", 0.45, 0.46),
    "nine in ten": ("13", "game, share of answers near a coin, least", 0.85, 0.95),
    "no more than that of one narrow mode": ("15", "z and L1: spread / true spread, most", 0, 0.0925),
    "about twice as far": ("15", "hidden: distance from the middle of a mode of Y", 1.7, 2.5),
}


@pytest.mark.parametrize("words", SAID)
def test_words_that_say_more_than_their_row_fit_every_seed(words):
    number, claim, low, high = SAID[words]
    (source,) = (seeds.FOLDER / "source").glob(f"{number}_*.py")
    assert words in source.read_text()
    (found,) = (row for fact, row in RECORD[source.stem].items() if fact.partition(": ")[2].startswith(claim))
    assert all(low <= measured <= high for measured, _ in found.values()), found


# The same for what was recorded: words, and whether they are true of the recording.
OF_RECORDINGS = {
    "every remedy hits more, though packs of 4 put no more samples into them than the plain game": (
        "09", "09_ring", lambda ring: all(
            hit(ring, name)[:, 0].mean() > hit(ring, "plain")[:, 0].mean()
            for name in ("packs of 2", "packs of 4", "minibatch features", "unrolled 1", "unrolled 5", "unrolled 10",
                         "five moves of D")
        ) and hit(ring, "packs of 4")[:, 1].mean() <= hit(ring, "plain")[:, 1].mean(),
    ),
    "finds all eight with four of the eight seeds and none with the other four": (
        "09", "09_ring", lambda ring: sorted(hit(ring, "plain, equal steps")[:, 0]) == [0] * 4 + [8] * 4,
    ),
    "its slope at samples is small, and nothing explodes": (
        "10", "10_tricks", lambda tricks: tricks.value("as usual", "slope").max() < 0.2
        and all(np.isfinite(tricks.value(name, "ffd")).all() for name in tricks.settings),
    ),
    "Both harm, with every seed; four times the step is a disaster": (
        "10", "10_tricks", lambda tricks: worse(tricks, "D's steps twice, G's half").min() > 0
        and worse(tricks, "D's steps 4 times").min() > 20,
    ),
}  # fmt: skip


def hit(recording, name):
    """Modes hit, and the share in a mode, of each seed.  -> (seeds, 2)"""
    seeds_of = range(len(recording.settings[name]["runs"]))
    counts = np.array([recording.array(name, seed, "counts")[-1] for seed in seeds_of])  # (seeds, modes)
    return np.stack([(counts > 0).sum(1), counts.sum(1) / 2_500], axis=1)


def worse(recording, name):
    """FFD, minus that of the usual game with the same seed.  -> (seeds,)"""
    return recording.value(name, "ffd") - recording.value("as usual", "ffd")


@pytest.mark.parametrize("words", OF_RECORDINGS)
def test_words_that_say_more_than_their_row_fit_the_recording(words):
    number, name, holds = OF_RECORDINGS[words]
    (source,) = (seeds.FOLDER / "source").glob(f"{number}_*.py")
    assert words in source.read_text() and holds(recordings.load(name))


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    code = [
        "PROFILE = None\nSEED = 0",
        "from gan_tutorial import facts\nfrom gan_tutorial.profile import choose\nprofile = choose(PROFILE)\n"
        "ledger = facts.Ledger('97')\nledger.add('F', 'the seed is small', (0, 2), SEED, 0, 'this')\n"
        "ledger.add('F', 'the seed is two', 2, SEED, 0, 'this', shown_only=True)\n"
        "ledger.assert_all(profile)\nledger",
    ]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in code])
    nb.cells[0].metadata["tags"] = ["parameters"]
    row = facts.Ledger("97")
    row.add("F", "the seed is small", (0, 2), 0, 0, "this")
    nb.cells[1].outputs = [nbformat.v4.new_output("display_data", row._repr_mimebundle_())]
    nbformat.write(nb, tmp_path / "97_try.ipynb")
    monkeypatch.setattr(seeds, "FOLDER", tmp_path)
    monkeypatch.setattr(seeds, "RECORD", tmp_path / "seeds.json")
    return tmp_path


def test_a_fact_that_fails_with_some_seed_is_found(notebook, capsys):
    assert seeds.main(["--seeds", "3", "--jobs", "1"]) == 1
    found = json.loads((notebook / "seeds.json").read_text())
    assert found == {"97_try": {"F: the seed is small": {str(n): [float(n), [0.0, 2.0]] for n in range(4)}}}
    assert "FAILS IN 1" in capsys.readouterr().out
    assert seeds.main(["--seeds", "2"]) == 1  # from the record alone


def test_what_a_seed_allows_itself_stays_and_what_the_author_allows_moves():
    """The second fact allows what its seed computed: another seed's interval says nothing of it."""
    rows = [facts.Row("F", "author's", (0, 3), 1, 0, "this"), facts.Row("F", "computed", (2, 9), 3, 0, "this")]
    record = [{"0": [1, [0, 2]], "5": [2.5, [0, 2]]}, {"0": [3, [1.5, 9]], "5": [3, [4, 9]]}]
    assert [seeds.worst(row, known)[0] for row, known in zip(rows, record, strict=True)] == [1, 1]
    now = [seeds.brought_up(known, row) for row, known in zip(rows, record, strict=True)]
    assert now == [{"0": [1, (0, 3)], "5": [2.5, [0, 3]]}, {"0": [3, (2, 9)], "5": [3, [4, 9]]}]
    assert [seeds.worst(row, known)[0] for row, known in zip(rows, now, strict=True)] == [0, 1]
