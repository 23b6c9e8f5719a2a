"""What notebook 08 says of penalised critics beyond the line, and of the laboratory's slopes."""

import pytest
import torch

from gan_tutorial.game import objectives
from gan_tutorial.lesson.laboratory.play import Play
from gan_tutorial.lesson.laboratory.setting import Setting
from gan_tutorial.lesson.laboratory.truth import slopes
from gan_tutorial.truth.densities import Ring


@pytest.mark.parametrize("one_sided", [False, True])
def test_the_exact_critic_of_points_pays_nothing(one_sided):
    """-min |x - c_j| has slope one almost everywhere: under both penalties S - T is W1, whatever the weight."""
    centres = Ring(modes=8, radius=2**0.5).centers.double()
    torch.manual_seed(0)
    x = centres[torch.randint(8, (4_000,))]
    fake = centres[torch.randint(8, (4_000,))] + torch.randn(4_000, 2, dtype=torch.float64)

    def critic(u):
        return -(u[:, None] - centres).norm(dim=2).min(dim=1).values

    W1 = (fake[:, None] - centres).norm(dim=2).min(dim=1).values.mean()  # each to the nearest: nothing is cheaper
    torch.testing.assert_close(critic(x).mean() - critic(fake).mean(), W1)
    assert W1 == pytest.approx(0.8405, abs=0.03)  # by quadrature
    assert objectives.gradient_penalty(1e3, one_sided=one_sided)(critic, x, fake).detach() < 1e-6


@pytest.mark.parametrize("one_sided", [False, True])
def test_folds_of_slope_one_are_free(one_sided):
    """A sawtooth of slope one has next to no slope on average and pays nothing; a flat critic pays the weight."""

    def sawtooth(u):
        return (u[:, 0] * 100 % 2 - 1).abs() / 100

    x, fake = torch.zeros(500, 1, dtype=torch.float64), torch.ones(500, 1, dtype=torch.float64)
    penalty = objectives.gradient_penalty(10.0, one_sided=one_sided)
    assert penalty(sawtooth, x, fake).detach() < 1e-9
    assert sawtooth(torch.linspace(0, 1, 1_001, dtype=torch.float64)[:, None]).abs().max() <= 0.01
    flat = penalty(lambda u: 0 * u[:, 0], x, fake).detach()
    assert flat == pytest.approx(0 if one_sided else 10)


def slope_path(play, moments):
    """The mean slope of D between data and samples after so many steps."""
    found = []
    for n in moments:
        while play.game.step < n:
            play.step()
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)
            (x,), fake = play.game.data(500), play.game.sample(500)
        found.append(slopes(play.game.D, x, fake)[0])
    return found


def test_what_the_laboratory_shows_of_the_slope():
    """A small weight: well above one at first, about one later.  A large one: near one all the time."""
    two_moons = Setting.of(data="two moons", objective="wgan_gp")
    *early, late = slope_path(Play(two_moons.but(weight=0.1)), (5, 10, 20, 100))
    assert max(early) > 1.6 and 0.5 < late < 1.5
    assert all(0.8 < slope < 1.2 for slope in slope_path(Play(two_moons.but(weight=10)), (10, 40)))


def test_what_the_laboratory_shows_without_a_hold():
    """Without a hold D becomes steep; a penalty brings the slope back."""
    play = Play(Setting.of(data="two moons", objective="wgan_gp").but(hold="nothing", d_steps=5))
    assert max(slope_path(play, (10, 20, 40))) > 4
    play.change(play.setting.but(hold="one-sided penalty", weight=0.1))
    assert slope_path(play, (240,))[0] < 3
