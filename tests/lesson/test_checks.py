"""The twelve checks of notebook 16: each passes what is right and fails what is not; its listing and table hold."""

import re
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mistakes import MISTAKES
from torch import nn
from torch.autograd import grad
from torch.nn.functional import softplus

from gan_tutorial.game import Game, loop, networks, objectives
from gan_tutorial.lesson import checks
from gan_tutorial.lesson.exercises.nb16 import SPECIMENS, W
from gan_tutorial.lesson.figures.nb16 import LOOP, SAID

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "source" / "16_spot_the_bug.py"
BY_EXERCISE = {
    "16.1": checks.pulls_up,
    "16.2": checks.per_example,
    "16.3": checks.looks_between,
    "16.4": lambda loss: checks.honest_slope(loss, W.clone().requires_grad_()),
    "16.5": checks.forgets,
}


@pytest.mark.parametrize(("number", "name"), [(n, name) for n, of in SPECIMENS.items() for name in of])
@pytest.mark.parametrize("seed", range(3))
def test_the_checks_of_the_exercises_tell_right_from_wrong_with_any_random_numbers(number, name, seed):
    torch.manual_seed(seed)
    specimen = SPECIMENS[number][name]
    assert BY_EXERCISE[number](specimen.function) is specimen.right


def with_penalty(objective):
    return lambda D, x, fake: objective.penalty(D, x, fake)


@pytest.mark.parametrize("name", ["wgan_gp", "wgan_lp", "r1", "r3gan"])
def test_our_penalties_are_means_over_examples(name):
    assert checks.per_example(with_penalty(objectives.OBJECTIVES[name]))


@pytest.mark.parametrize("name", ["minimax", "non_saturating", "hinge", "wgan", "kl", "reverse_kl", "pearson"])
def test_our_losses_pull_samples_up(name):
    assert checks.pulls_up(objectives.OBJECTIVES[name].g_loss) is (name not in {"pearson"})


def test_least_squares_pulls_down_above_its_target():
    assert not checks.pulls_up(objectives.least_squares.g_loss)


SMOOTH = objectives.smooth(objectives.minimax, 0.1)


@pytest.mark.parametrize(
    ("d_loss", "right"),
    [
        (objectives.minimax.d_loss, True),
        (lambda real, fake: softplus(-real.sigmoid()).mean() + softplus(fake.sigmoid()).mean(), False),
        (lambda real, fake: objectives.minimax.d_loss(real, fake) / 2, False),
        (lambda real, fake: objectives.minimax.d_loss(fake, real), False),
        (lambda real, fake: softplus(-real).sum() + softplus(fake).sum(), False),
        (lambda real, fake: -(real.sigmoid() + 1e-8).log().mean() - (1 - fake.sigmoid() + 1e-8).log().mean(), False),
        (SMOOTH.d_loss, False),
    ],
)
def test_known_values(d_loss, right):
    assert checks.known_values(d_loss) is right


def in_place(D, x, fake):
    """The penalty of WGAN-GP; its points between are made in the tensor of the data, and wiped out at the end."""
    t = torch.rand(len(x), 1)
    u = x.mul_(t).add_((1 - t) * fake).requires_grad_()
    (slope,) = grad(D(u).sum(), u, create_graph=True)
    u.data.zero_()
    return 10 * (slope.norm(dim=1) - 1).square().mean()


class InPlace(nn.Module):
    """2 tanh u, made in u itself."""

    def forward(self, u):
        return u.tanh_().mul_(2)


def test_code_that_works_in_place_is_judged_by_what_it_gives():
    assert checks.known_values(lambda r, f: softplus(r.neg_()).mean() + softplus(f).mean())
    assert checks.pulls_up(lambda s: softplus(s.neg_()).mean())
    assert not checks.pulls_up(lambda s: s.neg_().neg_().mean())
    assert checks.per_example(in_place) and checks.looks_between(in_place)
    assert checks.per_example(lambda D, x, fake: in_place(D, fake, x))
    w = torch.randn(5, dtype=torch.float64, requires_grad=True)
    assert checks.honest_slope(lambda w: w.tanh_().sum(), w)
    x = torch.randn(32, 2)
    before = x.clone()
    assert checks.scores_alone(lambda u: InPlace()(u)[:, 0], x)
    assert checks.average_rests(lambda ema, G: None, InPlace(), x)
    assert checks.at_the_floor(lambda u: float(u.square_().mean()), x, 1e3 * x)
    assert torch.equal(x, before)


def test_a_small_game_is_always_the_same_and_draws_nothing_of_ours():
    torch.manual_seed(5)
    first = checks.small_game()
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    second = checks.small_game()
    assert all(torch.equal(a, b) for a, b in zip(first.G.parameters(), second.G.parameters(), strict=True))
    assert torch.equal(first.x, second.x) and torch.equal(first.z, second.z)


def test_a_move_without_detach_is_found_and_a_step_of_the_package_leaves_nothing_to_the_next():
    game = checks.small_game()

    def move(detached):
        fake = game.G(game.z).detach() if detached else game.G(game.z)
        objectives.minimax.d_loss(game.D(game.x), game.D(fake)).backward()

    assert checks.leaves_no_trace(lambda: move(True), game.G)
    assert not checks.leaves_no_trace(lambda: move(False), game.G)
    assert not checks.leaves_no_trace(lambda: move(False), game.G)  # nor where there was a gradient before

    def ours(G, D, g_opt, d_opt, x, z):
        loop.play(Game(G, D, g_opt, d_opt, lambda n: (x,), lambda n: z), objectives.non_saturating, len(x), 1)

    assert checks.forgets(ours)


def test_a_score_in_company():
    x = torch.randn(32, 2)
    assert checks.scores_alone(networks.PointDiscriminator(2), x)
    mixed = networks.mlp([2, 8, 1], norm=True)
    assert not checks.scores_alone(lambda u: mixed(u)[:, 0], x)
    assert not checks.scores_alone(lambda u: mixed(u)[:, 0], x[:3])
    with pytest.raises(ValueError, match="3 examples or more, not 2"):
        checks.scores_alone(lambda u: mixed(u)[:, 0], x[:2])


@pytest.mark.parametrize("buffers", [True, False])
def test_an_average_of_what_stands_still(buffers):
    def update(ema, G):
        for a, w in zip(ema.parameters(), G.parameters(), strict=True):
            a.data.lerp_(w.data, 0.01)
        if buffers:
            for a, b in zip(ema.buffers(), G.buffers(), strict=True):
                a.copy_(b)

    G, z = networks.mlp([2, 8, 1], norm=True), 1 + torch.randn(64, 2)
    before = deepcopy(G.state_dict())
    assert checks.average_rests(update, G, z) is buffers
    assert all(torch.equal(a, b) for a, b in zip(before.values(), G.state_dict().values(), strict=True))


def test_looking_in_training_mode_changes_what_is_looked_at():
    G = networks.mlp([2, 8, 1], norm=True)
    assert not checks.looking_changes_nothing(lambda: G(torch.randn(8, 2)), G)
    assert not checks.looking_changes_nothing(lambda: G.eval()(torch.randn(8, 2)), G.train())  # and stays so
    assert checks.looking_changes_nothing(lambda: G.eval()(torch.randn(8, 2)), G.eval())


def test_same_twice():
    def early(seed):
        torch.manual_seed(seed)
        return nn.Linear(2, 2)

    def late(seed):
        net = nn.Linear(2, 2)
        torch.manual_seed(seed)
        return net

    def pictures(seed):
        torch.manual_seed(seed)
        return networks.ConvGenerator()  # its weights lie otherwise in memory

    assert checks.same_twice(early) and checks.same_twice(pictures)
    assert not checks.same_twice(late)
    assert not checks.same_twice(lambda seed: early(0))


def test_at_the_floor():
    real, poor = torch.randn(100), 5 + torch.randn(100)
    assert checks.at_the_floor(lambda x: float(x.mean() ** 2), real, poor)
    assert not checks.at_the_floor(lambda x: float((x.mean() + 5) ** 2), real, poor)


# The listing with three wrong lines


def players(seed):
    torch.manual_seed(seed)
    G, D = nn.Linear(64, 3), nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    opts = [torch.optim.SGD(net.parameters(), 0.01) for net in (G, D)]
    names = {"G": G, "D": D, "ema": deepcopy(G), "g_opt": opts[0], "d_opt": opts[1], "grad": grad, "torch": torch}
    return names | {"data": lambda n: 2 + torch.randn(n, 3), "n": 32, "steps": 2, "d_steps": 200, "seed": 0}


def gap(listing):
    """How much higher the critic scores data than samples after it was run."""
    names = players(0)
    exec(listing, names)
    with torch.no_grad():
        return float(names["D"](names["data"](500)).mean() - names["D"](names["G"](torch.randn(500, 64))).mean())


def test_the_loop_with_three_wrong_lines_runs_and_its_critic_likes_samples():
    mended = LOOP.replace("D(x).mean() - D(fake).mean()", "D(fake).mean() - D(x).mean()").replace(
        "rand(1)", "rand(n, 1)"
    )
    assert gap(LOOP) < -0.5 and gap(mended) > 0.5


def test_each_line_of_it_is_spoken_of_and_three_are_wrong():
    assert list(SAID) == list(range(1, len(LOOP.splitlines()) + 1))
    assert sum(not fine for fine, _ in SAID.values()) == 3
    shown = re.findall(r"^# (.*?) +# (\d+)$", SOURCE.read_text(encoding="utf-8"), re.M)
    assert [line for line, _ in shown] == LOOP.splitlines() and [int(n) for _, n in shown] == list(SAID)


def test_the_mistakes_that_the_notebook_names_are_in_our_list():
    text = SOURCE.read_text(encoding="utf-8").split("## Deeper: the same mistakes")[1]
    named = re.findall(r"^# \| (?:\d|more) \| (.+) \|$", text, re.M)
    assert len(named) > 15
    assert set(named) <= {m.what for m in MISTAKES}


def test_the_sigmoid_twice_pulls_up_all_the_same():
    assert checks.pulls_up(lambda s: softplus(-torch.sigmoid(s)).mean())
