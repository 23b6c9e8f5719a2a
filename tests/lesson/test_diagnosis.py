"""The training doctor: each sentence on a history that deserves it, edge cases, and that it never claims too much."""

import csv
import io
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from gan_tutorial.clothes import recordings
from gan_tutorial.commands.history import COLUMNS
from gan_tutorial.game import Game, networks, train
from gan_tutorial.game.objectives import OBJECTIVES, fake_as_real, gradient_penalty, wasserstein
from gan_tutorial.lesson import diagnosis
from gan_tutorial.lesson.diagnosis import FEWEST_ROWS, Scale, compare, diagnose, summary
from gan_tutorial.lesson.figures import nb14
from gan_tutorial.truth import densities

NS, MINIMAX, HINGE, LS, PAIRED = (
    OBJECTIVES[name] for name in ("non_saturating", "minimax", "hinge", "least_squares", "rpgan")
)
BOUNDED = [name for name in OBJECTIVES if not name.startswith("wgan")]
RING = densities.Ring(8, radius=1.0, sd=0.05)


def history(objective, real, fake, rows=60, noise=0.01, d_loss=None, g_loss=None, seed=0):
    """A log in which all examples have about these scores."""
    rng = np.random.default_rng(seed)
    real, fake = (np.broadcast_to(value, rows) + noise * rng.standard_normal(rows) for value in (real, fake))
    s, t = (torch.tensor(a) for a in ((real - fake, fake - real) if objective.paired else (real, fake)))
    d = (objective.d_real(s) + objective.d_fake(t)).numpy() if d_loss is None else np.broadcast_to(d_loss, rows)
    g = objective.g_fake(t).numpy() if g_loss is None else np.broadcast_to(g_loss, rows)
    return [(10 * (i + 1), *row) for i, row in enumerate(zip(d, g, real, fake, strict=True))]


def points(n=300, seed=0):
    torch.manual_seed(seed)
    return RING.sample(n)


def even(objective, **how):
    score = Scale.of(objective).even_score
    return history(objective, score, score, **how)


# ---- What is told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOUNDED)
def test_an_even_game_looks_healthy_for_every_bounded_objective(name):
    told = diagnose(even(OBJECTIVES[name]), OBJECTIVES[name], points(seed=1), points())
    assert told.healthy and told.name == "looks healthy"
    assert "healthy" in str(told) and "samples are where the data are" in str(told)


def test_without_samples_it_says_what_it_cannot_know():
    told = diagnose(even(NS), NS)
    assert told.healthy and told.findings[0].sure == "possible"
    assert "curves alone cannot say" in str(told)


@pytest.mark.parametrize(
    ("objective", "g_name"), [(NS, "D far ahead"), (HINGE, "D far ahead"), (LS, "D far ahead"), (PAIRED, "D far ahead")]
)
def test_a_d_that_wins(objective, g_name):
    far = {id(NS): (9, -9), id(HINGE): (1.5, -1.2), id(LS): (1, 0), id(PAIRED): (4, -4)}[id(objective)]
    told = diagnose(history(objective, *far), objective)
    assert told.name == g_name and "far ahead" in str(told)


def test_saturation_is_told_from_a_strong_d():
    told = diagnose(history(MINIMAX, 9, -9), MINIMAX)
    assert told.name == "G hears nothing" and "fake_as_real" in str(told)
    assert diagnose(history(fake_as_real(MINIMAX), 9, -9), NS).name == "D far ahead"


def test_a_moderate_lead_is_healthy():
    told = diagnose(history(NS, 1.0, -1.0, noise=0.05), NS)
    assert told.healthy and "not by too much" in str(told)


def test_g_has_run_away():
    assert diagnose(history(NS, 0.1, 7.0), NS).name == "D behind"


def test_swings():
    waves = 3 * np.sin(np.arange(60))
    assert diagnose(history(NS, waves, -waves), NS).name == "swings"


def peaking(units, at, rows=60):
    """A loss of D that wobbles a little, and in some rows is worse by so many units."""
    loss = 1.39 + 0.1 * np.random.default_rng(0).standard_normal(rows)
    loss[at] += units * Scale.of(NS).unit
    return history(NS, 0.0, 0.0, rows, d_loss=loss)


def test_one_bad_batch_is_no_swing_and_a_peak_that_comes_back_is():
    assert diagnose(peaking(1.0, [30]), NS).healthy
    assert diagnose(peaking(1.0, [30, 50]), NS).name == "swings"
    assert diagnose(peaking(1.0, [2, 5]), NS).healthy  # the first steps of a new D
    assert diagnose(peaking(3.0, [30]), NS).name == "swings"  # no batch's luck
    assert diagnose(peaking(1.0, [30, 500], rows=1000), NS).healthy  # two in a thousand


def test_the_luck_of_small_batches_is_no_swing():
    for seed in range(20):
        loss = 1.2 + 0.14 * np.random.default_rng(seed).standard_normal(200)
        assert diagnose(history(NS, 0.2, -0.2, rows=200, d_loss=loss), NS).healthy


def test_who_leaps_is_not_behind():
    rng = np.random.default_rng(0)
    leaping = history(NS, 0.0, 9.0, d_loss=12 + 6 * rng.standard_normal(60))
    assert diagnose(leaping, NS).name == "swings"
    assert diagnose(history(NS, 0.0, 9.0, d_loss=12 + 0.3 * rng.standard_normal(60)), NS).name == "D behind"


def test_swapped_labels_and_signs_are_contradictions():
    swapped = diagnose(history(NS, -9, 9, d_loss=0.001), NS)
    assert swapped.name == "labels swapped" and swapped.findings[0].sure == "certain"
    for objective, fake in ((NS, -50), (MINIMAX, -0.5), (HINGE, -50), (LS, -50)):
        g = -float(objective.g_fake(torch.tensor(float(fake))))
        told = diagnose(history(objective, 5.0, fake, g_loss=g), objective)
        assert told.name == "sign of G's loss", (objective, str(told))
    paired = diagnose(history(PAIRED, -9, 9, d_loss=0.001), PAIRED)
    assert paired.name == "labels swapped"


def test_losses_of_another_objective():
    told = diagnose(history(LS, 0.5, 0.5), NS)
    assert told.name == "losses of another objective"


@pytest.mark.parametrize("objective", [NS, HINGE])
def test_rows_that_are_possible_each_are_no_contradiction_together(objective):
    real, fake = (np.tile(cycle, 12) for cycle in ([-1.0, -1, 3, -1, 3], [1.0, -3, 1, -3, 1]))
    told = diagnose(history(objective, real, fake, noise=0), objective)  # each loss exactly at its least
    assert not any(f.sure == "certain" for f in told.findings), str(told)  # though that of the medians is higher


def test_nothing_bounds_the_slope():
    told = diagnose(history(wasserstein, 300.0, 200.0, noise=5), wasserstein)
    assert told.name == "no bound" and told.findings[0].sure == "certain"
    for name in ("wgan", "wgan_gp", "wgan_lp"):
        assert diagnose(history(OBJECTIVES[name], 0.3, 0.2), OBJECTIVES[name]).healthy


def test_a_penalty_that_does_not_hold():
    told = diagnose(history(OBJECTIVES["wgan_gp"], 5.0, -5.0), OBJECTIVES["wgan_gp"], points(seed=1), points())
    assert told.name == "bound not held" and "batch norm" in str(told)
    clipped = diagnose(history(OBJECTIVES["wgan"], 5.0, -5.0), OBJECTIVES["wgan"], points(seed=1), points())
    assert clipped.healthy  # clipping bounds the slope by another number


def test_what_only_samples_show():
    data, rows = points(), even(NS, noise=0.05)
    one_mode = data[:1] + 0.05 * torch.randn(300, 2)
    assert diagnose(rows, NS, one_mode, data).name == "collapse"
    assert diagnose(rows, NS, data + 3, data).name == "samples differ"
    still = even(NS, noise=1e-5)
    assert diagnose(still, NS, one_mode, data).name == "D learns nothing"
    assert diagnose(rows, NS, data * math.nan, data).name == "samples not finite"
    corners = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).repeat(100, 1)
    assert diagnose(history(NS, 5, -5), NS, corners, 4 * data).name == "wrong range"


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 1)])
def test_data_out_of_reach_are_found_even_where_d_is_not_ahead(low, high):
    torch.manual_seed(0)
    bytes_ = 255 * torch.rand(100, 8)
    samples = low + (high - low) * torch.rand(100, 8)
    samples[0], samples[1] = low, high
    leaping = history(NS, 50.0, 9.0, d_loss=12 + 6 * np.random.default_rng(0).standard_normal(60))
    told = diagnose(leaping, NS, samples, bytes_)
    assert told.name == "wrong range" and all(f.name != "swings" for f in told.findings)
    assert f"between {low} and {high}" in str(told)
    assert diagnose(even(NS, noise=0.05), NS, bytes_ / 255, bytes_[:50] / 255).healthy


def test_of_many_numbers_coverage_says_nothing():
    torch.manual_seed(0)
    data, noise = torch.rand(100, 1) * torch.rand(100, 784), torch.rand(100, 784)
    told = diagnose(even(NS, noise=0.05), NS, noise, data)
    assert not told.healthy and "have a sample near" not in str(told)
    one = data[:1] + 0.01 * torch.randn(100, 784)
    assert diagnose(even(NS, noise=0.05), NS, one, data).name == "collapse"
    told = diagnose(even(NS, noise=0.05), NS, data[:50], data[50:])
    assert told.healthy and "energy distance" in str(told) and "of the data have" not in str(told)


def test_what_was_compared_before_is_as_good_as_samples():
    data, made = points(), points(seed=1)
    assert str(diagnose(even(NS), NS, compare(made, data))) == str(diagnose(even(NS), NS, made, data))
    assert diagnose(even(NS), NS, compare(made, None)).findings[0].sure == "possible"


def test_half_of_the_modes_is_found_and_an_even_law_is_not():
    data = points(400)
    half = data[data[:, 0] > 0]
    assert not diagnose(even(NS, noise=0.05), NS, half, data).healthy
    for seed in range(20):
        assert diagnose(even(NS, noise=0.05), NS, points(400, seed + 1), data).healthy


def test_a_d_that_began_late_is_judged_from_there():
    rows = even(NS, rows=100)
    late = [(n, 0.0, g, 0.0, 0.0) if n <= 300 else (n, d, g, real, fake) for n, d, g, real, fake in rows]
    told = diagnose(late, NS)
    assert told.healthy and any(f.name == "D began late" and "step 300" in f.says for f in told.findings)


# ---- Edge cases -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 2, FEWEST_ROWS - 1])
@pytest.mark.parametrize("name", ["non_saturating", "rpgan", "wgan_gp"])
def test_too_short(rows, name):
    told = diagnose(history(OBJECTIVES[name], 9, -9, rows=rows), OBJECTIVES[name])
    assert told.healthy and [f.name for f in told.findings] == ["looks healthy", "too short"]
    assert "little so far" in str(told)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_not_finite(bad):
    rows = even(NS)
    rows[40] = (rows[40][0], bad, *rows[40][2:])
    told = diagnose(rows, NS)
    assert told.name == "broke off" and f"step {rows[40][0]}" in str(told)
    assert not diagnose([(1, bad, bad, bad, bad)] * 50, NS).healthy


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("of", ["data", "samples"])
def test_points_that_are_no_numbers(bad, of):
    whole, broken = points(), points(seed=1)
    broken[7, 1] = bad
    told = diagnose(even(NS), NS, *((whole, broken) if of == "data" else (broken, whole)))
    assert told.name == f"{of} not finite" and f"Some {of} are infinite or no numbers." in str(told)
    assert diagnose(even(NS), NS, broken, broken).name == "data not finite"  # G learns what it is shown


@pytest.mark.parametrize("name", OBJECTIVES)
def test_constant_histories_and_huge_numbers(name):
    for value in (0.0, 1e30, -1e30):
        str(diagnose([(n, value, value, value, value) for n in range(50)], OBJECTIVES[name], points(), points(seed=1)))


def test_forms_of_a_history():
    rows = even(NS)
    dicts = [dict(zip(("n", *COLUMNS[1:]), row, strict=True)) for row in rows]
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, *rows])
    text.seek(0)
    told = {str(diagnose(form, NS)) for form in (rows, iter(rows), np.array(rows), dicts, csv.DictReader(text))}
    assert len(told) == 1
    for odd in ([1, 2, 3], [(1, 2)], [{"n": 1}], [None], [("a", 1, 2, 3, 4)], 5):
        with pytest.raises(ValueError, match="A row of the history"):
            diagnose(odd, NS)


def test_what_train_yields():
    torch.manual_seed(0)
    G, D = networks.mlp([2, 8, 2]), networks.PointDiscriminator(hidden=(8,))
    game = Game.with_adam(G, D, lambda n: (RING.sample(n),), densities.Latent(2))
    steps = list(train(game, NS, steps=12, batch_size=8))
    assert str(diagnose(steps, NS, game.sample(50), RING.sample(50)))


def test_forms_of_samples():
    rows = even(NS)
    pictures = torch.randint(0, 256, (60, 1, 28, 28), dtype=torch.uint8)
    assert diagnose(rows, NS, pictures, pictures.numpy()[:, 0]).healthy
    assert diagnose(rows, NS, pictures).findings[0].sure == "possible"  # without data
    few = diagnose(rows, NS, pictures[:3], pictures)
    assert few.healthy and "20 of each are needed, and of one there are 3." in str(few)
    labelled = pictures, torch.zeros(60)
    assert str(diagnose(rows, NS, (pictures,), labelled)) == str(diagnose(rows, NS, pictures, pictures))
    with pytest.raises(ValueError, match="as many numbers"):
        diagnose(rows, NS, points(), pictures)
    with pytest.raises(ValueError, match="at least 1"):
        diagnose(rows, NS, pictures[:0], pictures)


def test_it_shows_as_html_without_trusting_what_it_is_given():
    html = diagnose(even(NS), NS)._repr_html_()
    assert html.startswith("<ul") and "looks healthy" in html and "<script" not in html


def test_a_summary_never_fails():
    assert "healthy" in summary(even(NS), NS)
    assert summary([None], NS) == "" and summary(even(NS), NS, samples=[], data=[]) == ""


@pytest.mark.parametrize("name", BOUNDED)
def test_the_scale_of_an_objective(name):
    objective, scale = OBJECTIVES[name], Scale.of(OBJECTIVES[name])
    s = torch.linspace(-30, 30, 600_001, dtype=torch.float64)
    if not objective.paired:
        assert scale.even_loss == pytest.approx(float((objective.d_real(s) + objective.d_fake(s)).min()), abs=1e-4)
    assert scale.unit > 0 and not scale.unbounded
    assert scale.won(scale.even_loss) == pytest.approx(0)
    assert Scale.of(replace(wasserstein, penalty=gradient_penalty())).unbounded


def test_every_name_has_its_place_in_the_order():
    assert len(set(diagnosis._ORDER)) == len(diagnosis._ORDER)


# ---- On trainings that were recorded --------------------------------------------------------------------------------


@cache
def told_of(name):
    """(cause, diagnosis) of all runs of a recording."""
    patients = nb14.patients(recordings.load(name))
    return [(p.cause, diagnose(p.history, p.objective, *p.seen)) for p in patients]


@pytest.mark.parametrize(("name", "fewest"), [("14_held_out", 40), ("14_clothes_held_out", 20)])
def test_false_alarms_on_runs_that_no_threshold_was_set_on(name, fewest):
    told = [not diagnosed.healthy for cause, diagnosed in told_of(name) if cause == "healthy"]
    assert len(told) >= fewest and sum(told) <= 0.05 * len(told)


@pytest.mark.parametrize("name", ["14_held_out", "14_clothes_held_out"])
def test_the_ill_ones_are_found(name):
    ill = [d.healthy for cause, d in told_of(name) if cause not in ("healthy", "D switched on late")]
    assert sum(ill) <= 0.1 * len(ill)
