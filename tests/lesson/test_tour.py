"""The tour: what each stop says is so, for more than one seed; and a learner's own game waits, untouched."""

import copy

import pytest
import torch
from states import same

from gan_tutorial.lesson.laboratory import Laboratory
from gan_tutorial.lesson.laboratory.challenges import CHALLENGES, Judge, Sight
from gan_tutorial.lesson.laboratory.setting import CONTROLS
from gan_tutorial.lesson.laboratory.tour import TOUR, play
from gan_tutorial.lesson.laboratory.widget import LAYERS

NUMBER = {stop.title: number for number, stop in enumerate(TOUR)}


@pytest.fixture(params=[0, 1])
def lab(request):
    made = Laboratory(seed=request.param)
    yield made
    made.close()


def steps(lab, n):
    """n steps, and then the measures."""
    for _ in range(n):
        lab._play.step()
    lab._record()
    return lab._records[-1].measures


def arrows(lab):
    """The middle length of the arrows."""
    return lab._arrows(lab.game.G(lab._z[:80])).norm(dim=1).median()


def test_there_are_eight_stops_and_each_can_be_set():
    assert len(TOUR) == len(NUMBER) == 8
    for stop in TOUR:
        assert all(stop.words.values()) and set(stop.layers) <= set(LAYERS)
        assert set(stop.setting) <= set(CONTROLS)
        assert "?" in stop.question


def test_two_players_are_seen_in_four_stages(lab):
    lab.tour(NUMBER["Two players"])
    assert lab.slow and [words[0] for words, _ in lab._play.stages()] == list("①②③④")


def test_the_best_d_is_drawn_beside_d(lab):
    lab.tour(NUMBER["The field of D"])
    assert lab.layers["best D"] and lab._best is not None and lab.game.step == 100
    before, best = lab.game.D.D(lab._truth.centers()), lab._best
    lab.choose_players("only G")  # G alone moves: the best D is another one, the D at hand is what it was
    steps(lab, 20)
    assert torch.equal(before, lab.game.D.D(lab._truth.centers())) and not torch.equal(best, lab._best)


def test_the_minimax_loss_saturates_and_the_other_does_not(lab):
    lab.tour(NUMBER["Saturation"])
    stubs, slope = arrows(lab), lab._records[-1].measures.slope
    lab.set(objective="non_saturating")
    assert lab.game.step == 200 and lab._records[-1].measures.slope == pytest.approx(slope)  # the same D
    assert stubs < 0.02 and arrows(lab) > 100 * stubs


def test_d_alone_comes_near_the_best_and_g_alone_leaves_the_data(lab):
    lab.tour(NUMBER["Only D, only G"])
    m = steps(lab, 200)
    assert m.bayes - 0.08 < m.accuracy
    lab.choose_players("only G")
    alone = steps(lab, 200)
    assert alone.w1 > 1.3 * m.w1 and alone.inside < 0.2


def test_after_too_many_moves_of_g_the_samples_wander_together(lab):
    lab.tour(NUMBER["Collapse"])
    places = []
    for _ in range(3):
        m = steps(lab, 30)
        x = lab.game.G(lab._z).detach()
        assert m.modes <= 2 / 8 and x.std(0).norm() < 0.5 * lab._x.std(0).norm()
        places.append(x.mean(0))
    assert min((a - b).norm() for a, b in zip(places, places[1:], strict=False)) > 0.02


def test_w1_falls_while_the_losses_say_nothing(lab):
    lab.tour(NUMBER["The Wasserstein distance beside the losses"])
    at_first = lab._records[-1].measures
    m = steps(lab, 150)
    assert m.w1 < 0.5 * at_first.w1 and m.g_loss > at_first.g_loss + 0.5  # better, and G's loss has risen


def test_three_times_the_bound_is_far_more_than_three_times_the_slope(lab):
    lab.tour(NUMBER["Clip or penalise"])
    narrow = steps(lab, 20).slope
    lab.set(weight=0.1)
    assert narrow < 0.15 and steps(lab, 60).slope > 15 * narrow
    lab.set(hold="penalty")
    most = max(float(p.detach().abs().max()) for p in lab.game.D.parameters())
    steps(lab, 100)
    assert max(float(p.detach().abs().max()) for p in lab.game.D.parameters()) > max(most, 0.1)  # no bound on weights


def test_a_continuous_g_puts_a_thread_into_every_gap():
    """Along a line of latents that G takes from one side of a gap to the other, samples cross it in small steps."""
    game = play(TOUR[NUMBER["Your own drawing"]], 0).game
    z = torch.linspace(-2, 2, 4001)[:, None] * torch.tensor([[1.0, 0.3]])
    x = game.G(z).detach()
    assert (x[1:] - x[:-1]).norm(dim=1).max() < 0.05 and (x[-1] - x[0]).norm() > 0


def seen(lab):
    """All that a person sees of it, and its records."""
    shown = lab.setting, lab.recorded, lab.text, lab.layers, lab.players, lab.slow, lab.pace, lab.code
    return repr((lab.game.step, shown, [(record.step, record.measures) for record in lab._records]))


def test_a_learners_game_waits_untouched():
    lab, other = Laboratory(seed=3, data="two moons"), Laboratory(seed=3, data="two moons")
    for one in (lab, other):
        one.pace, one.layers = 7, one.layers | {"density": True}
        one.choose_players("only D")
        one.step(5)
    before, state = seen(lab), copy.deepcopy(lab.game.state_dict())
    for stop in (0, 2, 4):
        lab.tour(stop)
        assert lab.stop == stop and lab.setting["seed"] == 3
        lab.step(3)
        lab.set(d_lr=1e-4)
    lab.defaults()
    assert lab.setting["d_lr"] == 1e-3 and lab.setting["g_steps"] == 10  # those of the stop
    lab.reset()
    lab.tour(-1)
    assert lab.stop == -1 and seen(lab) == before and same(lab.game.state_dict(), state)
    for one in (lab, other):  # and it goes on as if nothing had been
        one.step(4)
    assert seen(lab) == seen(other) and same(lab.game.state_dict(), other.game.state_dict())
    lab.defaults()
    assert lab.setting["data"] == "two moons"


def test_half_a_step_is_finished_before_the_tour():
    lab, other = Laboratory(seed=1), Laboratory(seed=1)
    lab.slow = True
    for _ in range(2):
        lab._one_step()  # D has moved, G has not
    lab.tour(1)
    lab.tour(-1)
    for _ in other._play.stages():
        pass
    assert lab.game.step == 1 and same(lab.game.state_dict(), other.game.state_dict())


def test_what_the_tour_shows_is_no_challenge_met(monkeypatch):
    lab = Laboratory()
    monkeypatch.setattr(Judge, "_collapse", lambda self, *_: self.solved.add("collapse"))
    lab.tour(4)
    lab.step(2)
    assert not any(one["solved"] for one in lab.challenges) and len(lab.challenges) == len(CHALLENGES)
    lab.tour(-1)
    assert not any(one["solved"] for one in lab.challenges)
    lab._judge.see(Sight(1, lab._play.setting, lab._records[-1].measures))
    lab.tour(0)
    assert [one["name"] for one in lab.challenges if one["solved"]] == ["collapse"]  # the learner's own stay


def test_there_is_no_ninth_stop():
    lab = Laboratory()
    with pytest.raises(ValueError, match="There is no stop 8; there are 0 to 7, and -1 leaves the tour"):
        lab.tour(8)
    lab.tour(-1)  # nobody is on it: nothing happens
    assert lab.stop == -1 and lab.game.step == 0
