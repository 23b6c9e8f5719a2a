"""What notebook 10 says of its recording, beyond its ledger."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from gan_tutorial.clothes import recordings


@pytest.fixture(scope="module")
def recording():
    return recordings.load("10_tricks")


@pytest.mark.parametrize(
    ("name", "p", "less"),
    [
        ("labels for D, own head", 0.005, True),
        ("labels for both, quiet start", 0.005, True),
        ("3 moves of D", 0.015, False),
    ],
)
def test_ranks_without_pairing_by_seed(recording, name, p, less):
    usual, ffd = recording.value("as usual", "ffd"), recording.value(name, "ffd")
    assert round(mannwhitneyu(ffd, usual).pvalue, 3) == p
    assert (np.median(ffd) < np.median(usual)) == less


def test_only_the_lucky_first_seed_is_no_better_with_labels_and_pairs_are_not_alike(recording):
    usual = recording.value("as usual", "ffd")
    assert usual.argmin() == 0 and usual[0] < usual[1:].min() - 2
    for name in ("labels for D, own head", "labels for both, quiet start"):
        assert np.flatnonzero(recording.value(name, "ffd") >= usual).tolist() == [0]
        assert -0.3 < np.corrcoef(recording.value(name, "ffd"), usual)[0, 1] < 0


def test_a_winning_d_and_a_good_ffd_do_not_go_together(recording):
    def right(name):
        return (recording.value(name, "right_on_new_data") + recording.value(name, "right_on_samples")) / 2

    share = right("D's steps 4 times")
    assert [round(100 * v) for v in (share.min(), share.max())] == [56, 94]
    moved = recording.value("3 moves of D", "ffd") - recording.value("as usual", "ffd")
    assert set(moved.argsort()[:2]) == set(right("3 moves of D").argsort()[-2:])
