"""The loop: what a step does, what it leaves alone, interruption, resume, NaN."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from states import same, tensors
from torch import nn

from gan_tutorial.game import networks, objectives
from gan_tutorial.game.loop import CHECK_EVERY, Diverged, Game, average_move, d_move, g_move, train
from gan_tutorial.game.networks import (
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
    PointDiscriminator,
    mlp,
)
from gan_tutorial.truth.densities import Latent

ROOT = Path(__file__).parents[2]


def small_game(seed=0, lr=1e-2, **kwargs):
    torch.manual_seed(seed)
    G, D = mlp([2, 16, 2], nn.Tanh), PointDiscriminator(2, (16,))
    return Game.with_adam(
        G, D, lambda n: (torch.randn(n, 2) + 2,), lambda n: torch.randn(n, 2), d_lr=lr, g_lr=lr, seed=seed, **kwargs
    )


def points(n):
    return (torch.randn(n, 2),)


def run(game, objective=objectives.non_saturating, **kwargs):
    return list(train(game, objective, **kwargs))


def test_one_step_equals_algorithm_1_by_hand():
    """The same updates written out plainly, with detach and two plain Adam optimisers."""
    torch.manual_seed(0)
    game = small_game()
    G, D = copy.deepcopy(game.G), copy.deepcopy(game.D)
    run(game, steps=5, batch_size=8, d_steps=2)

    g_opt = torch.optim.Adam(G.parameters(), lr=1e-2, betas=(0.5, 0.999), foreach=False, fused=False)
    d_opt = torch.optim.Adam(D.parameters(), lr=1e-2, betas=(0.5, 0.999), foreach=False, fused=False)
    bce = nn.BCEWithLogitsLoss()
    torch.manual_seed(game.seed)
    for _ in range(5):
        for _ in range(2):
            x = torch.randn(8, 2) + 2
            fake = G(torch.randn(8, 2)).detach()
            d_opt.zero_grad()
            (bce(D(x), torch.ones(8)) + bce(D(fake), torch.zeros(8))).backward()
            d_opt.step()
        g_opt.zero_grad()
        bce(D(G(torch.randn(8, 2))), torch.ones(8)).backward()
        g_opt.step()
    for mine, theirs in zip(
        [*game.G.parameters(), *game.D.parameters()], [*G.parameters(), *D.parameters()], strict=True
    ):
        assert torch.allclose(mine, theirs, atol=1e-6)


def test_each_move_changes_one_player_only():
    game = small_game()
    before = copy.deepcopy(game.state_dict())
    d_move(game, objectives.wgan_gp, *game.data(8))
    assert all(torch.equal(a, b) for a, b in zip(tensors(before["G"]), tensors(game.G.state_dict()), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(tensors(before["D"]), tensors(game.D.state_dict()), strict=True))
    assert all(w.grad is None for w in game.G.parameters())
    middle = copy.deepcopy(game.D.state_dict())
    d_grads = [w.grad.clone() for w in game.D.parameters()]
    g_move(game, objectives.wgan_gp, 8)
    assert all(torch.equal(a, b) for a, b in zip(tensors(middle), tensors(game.D.state_dict()), strict=True))
    assert all(torch.equal(a, w.grad) for a, w in zip(d_grads, game.D.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(tensors(before["G"]), tensors(game.G.state_dict()), strict=True))


@pytest.mark.parametrize("name", ["wgan_gp", "wgan_lp", "r1", "r3gan"])
def test_the_penalty_is_part_of_the_loss_of_d(name):
    """Its loss is that of the scores and the penalty on top, and its step goes down the slope of both."""
    game, objective = small_game(), objectives.OBJECTIVES[name]
    game.d_opt = torch.optim.SGD(game.D.parameters(), lr=0.1)
    D, (x,) = copy.deepcopy(game.D), game.data(8)
    with torch.no_grad():
        for w in [*game.D.parameters(), *D.parameters()]:
            w.mul_(6)  # steep enough for the one-sided penalty
    torch.manual_seed(3)
    loss, *_ = d_move(game, objective, x)
    torch.manual_seed(3)
    fake = game.G(game.latent(8)).detach()
    extra = objective.penalty(D, x, fake)
    expected = objective.d_loss(D(x), D(fake)) + extra
    assert extra.detach() > 0.1 and float(loss) == pytest.approx(expected.item(), rel=1e-5)
    weights = list(D.parameters())
    for mine, w, slope in zip(game.D.parameters(), weights, torch.autograd.grad(expected, weights), strict=True):
        torch.testing.assert_close(mine, w - 0.1 * slope, atol=1e-5, rtol=1e-5)


def test_each_player_has_its_own_step_size():
    G, D = mlp([2, 4, 2]), PointDiscriminator(2, (4,))
    game = Game.with_adam(G, D, None, None, d_lr=4e-3, g_lr=1e-3)
    for opt, net, lr in ((game.g_opt, G, 1e-3), (game.d_opt, D, 4e-3)):
        (group,) = opt.param_groups
        assert group["lr"] == lr and all(a is b for a, b in zip(group["params"], net.parameters(), strict=True))


def test_each_d_move_sees_fresh_data_and_g_moves_once():
    seen = []
    game = small_game()
    data = game.data
    game.data = lambda n: seen.append(data(n)[0]) or (seen[-1],)
    run(game, steps=3, d_steps=4, batch_size=5)
    assert len(seen) == 12 and len({t.sum().item() for t in seen}) == 12
    steps = [int(s["step"]) for s in game.g_opt.state_dict()["state"].values()]
    assert set(steps) == {3}
    assert {int(s["step"]) for s in game.d_opt.state_dict()["state"].values()} == {12}


def test_a_step_takes_64_data_once_unless_it_is_told_otherwise():
    game, asked = small_game(), []
    data = game.data
    game.data = lambda n: asked.append(n) or data(n)
    assert [s.n for s in train(game, objectives.minimax, steps=3)] == [1, 2, 3] and asked == [64] * 3


def test_the_next_training_has_settings_of_its_own():
    """And not those of the turn that the game has kept from the last one."""
    game, asked = small_game(), []
    data = game.data
    game.data = lambda n: asked.append(n) or data(n)
    run(game, steps=2, batch_size=8)
    run(game, objectives.wgan, steps=2, batch_size=5, d_steps=3)
    assert asked == [8] * 2 + [5] * 6 and all(w.abs().max() <= 0.01 for w in game.D.parameters())


def test_yields_every_and_the_last():
    game = small_game()
    assert [s.n for s in train(game, objectives.minimax, steps=7, every=3)] == [3, 6, 7]
    assert [s.n for s in islice(train(game, objectives.minimax, every=3), 2)] == [9, 12]
    assert game.step == 12


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"d_steps": 0}, {"every": 0}])
def test_bad_numbers_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        next(train(small_game(), objectives.minimax, steps=1, **bad))


@pytest.mark.parametrize("name", objectives.OBJECTIVES)
def test_every_objective_trains(name):
    game = small_game(lr=1e-3)
    steps = run(game, objectives.OBJECTIVES[name], steps=20)
    assert len(steps) == 20 and all(torch.stack(list(s[1:])).isfinite().all() for s in steps)
    if name == "wgan":
        assert all(w.abs().max() <= 0.01 for w in game.D.parameters())


def test_a_gan_learns_a_gaussian():
    """The means of data and samples end within 0.2 of each other, for three seeds."""
    for seed in range(3):
        game = small_game(seed, lr=2e-3)
        run(game, steps=1500, every=500)
        torch.manual_seed(0)
        assert (game.sample(4000).mean(0) - 2).abs().max() < 0.2


# ---- Paired ----


def test_a_paired_step_by_hand():
    """Two moves of D on pairs; then G's samples against the data of D's second move, which get no gradient."""
    torch.manual_seed(0)
    game = small_game()
    G, D = copy.deepcopy(game.G), copy.deepcopy(game.D)
    ours = run(game, objectives.rpgan, steps=5, batch_size=8, d_steps=2)

    g_opt = torch.optim.Adam(G.parameters(), lr=1e-2, betas=(0.5, 0.999), foreach=False, fused=False)
    d_opt = torch.optim.Adam(D.parameters(), lr=1e-2, betas=(0.5, 0.999), foreach=False, fused=False)
    bce, ones = nn.BCEWithLogitsLoss(), torch.ones(8)
    torch.manual_seed(game.seed)
    for step in ours:
        for _ in range(2):
            x = torch.randn(8, 2) + 2
            fake = G(torch.randn(8, 2)).detach()
            d_opt.zero_grad()
            d_loss = bce(D(x) - D(fake), ones)
            d_loss.backward()
            d_opt.step()
        g_opt.zero_grad()
        g_loss = bce(D(G(torch.randn(8, 2))) - D(x).detach(), ones)
        g_loss.backward()
        g_opt.step()
        assert torch.allclose(torch.stack([step.d_loss, step.g_loss]), torch.stack([d_loss, g_loss]), atol=1e-5)
    for mine, theirs in zip(
        [*game.G.parameters(), *game.D.parameters()], [*G.parameters(), *D.parameters()], strict=True
    ):
        assert torch.allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("name", ["non_saturating", "rpgan"])
def test_d_scores_data_in_the_move_of_g_without_a_gradient_and_only_for_pairs(name):
    seen, game = [], small_game()
    game.D.register_forward_hook(lambda D, inputs, score: seen.append((inputs[0], score.requires_grad)))
    (x,) = game.data(8)
    before = x.clone()
    g_move(game, objectives.OBJECTIVES[name], 8, x=x)
    if name == "rpgan":
        looked, wanted = seen.pop(0)
        assert torch.equal(looked, x) and looked is not x and not wanted
    ((samples, wanted),) = seen
    assert wanted and samples.requires_grad and torch.equal(x, before)
    assert all(w.grad is None and w.requires_grad for w in game.D.parameters())


def test_a_d_that_changes_its_input_in_place_does_not_change_the_data_in_the_move_of_g():
    class D(nn.Linear):
        def forward(self, u):
            return super().forward(u if u.requires_grad else u.mul_(0.5))[:, 0]

    game = Game.with_adam(nn.Linear(2, 2), D(2, 1), None, lambda n: torch.randn(n, 2))
    x = torch.randn(8, 2)
    before = x.clone()
    g_move(game, objectives.rpgan, 8, x=x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", ["non_saturating", "rpgan"])
def test_the_weights_of_d_are_constants_in_the_move_of_g_and_only_there(name):
    """Else layers written in Python compute gradients that nobody wants; a weight that was frozen before stays so."""
    game, seen = small_game(), []
    first, *others = game.D.parameters()
    first.requires_grad_(False)
    game.D.register_forward_hook(lambda D, inputs, score: seen.append([w.requires_grad for w in others]))
    run(game, objectives.OBJECTIVES[name], steps=1)
    assert seen[0] == [True] * len(others) and seen[-1] == [False] * len(others)
    assert not first.requires_grad and all(w.requires_grad for w in others)


def test_labels_stand_beside_the_data_in_the_move_of_g():
    """Each datum with its own label, and the sample that it is compared with has the same."""
    seen = []

    class D(nn.Linear):
        def forward(self, u, label):
            seen.append((u.detach().clone(), label.clone()))
            label.fill_(-1)
            return super().forward(u)[:, 0]

    class G(nn.Linear):
        def forward(self, z, label):
            return super().forward(z)

    x, y = torch.randn(6, 2), torch.arange(6)
    game = Game.with_adam(G(2, 2), D(2, 1), lambda n: (x, y), lambda n: torch.randn(n, 2))
    run(game, objectives.rpgan, steps=1, batch_size=6)
    assert torch.equal(y, torch.arange(6)) and len(seen) == 3  # both at once, then data, then samples
    assert torch.equal(seen[1][0], x) and all(torch.equal(label.view(-1, 6)[-1], y) for _, label in seen)


def test_a_paired_move_of_g_without_data_is_refused_and_changes_nothing():
    game = small_game()
    before = copy.deepcopy(game.state_dict())
    with pytest.raises(ValueError, match="G's loss needs the scores of data too.*x=data"):
        g_move(game, objectives.rpgan, 8)
    with pytest.raises(ValueError, match="as many of both"):
        g_move(game, objectives.rpgan, 8, x=torch.randn(5, 2))
    assert same(before, game.state_dict()) and all(w.requires_grad for w in game.D.parameters())


def test_a_sampler_that_gives_fewer_data_makes_fewer_pairs():
    game = small_game()
    game.data = lambda n: (torch.randn(3, 2),)
    steps = run(game, objectives.r3gan, steps=3, batch_size=8)
    assert torch.stack(steps[-1][1:]).isfinite().all()


@pytest.mark.parametrize("name", ["rpgan", "r3gan"])
def test_a_paired_game_learns_a_gaussian(name):
    """G moves N(0, 1) by theta and should move it by 2; D is a line, as log p/q is.

    At rest E softplus(-psi (x - x')) has curvature 2/4 in psi, a friction of 1/2 that the penalties add to: plain
    gradient descent arrives, its distance shrinking like e^(-0.25 eta n), e^-15 after 300 steps of 0.2.
    """

    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.theta = nn.Parameter(torch.zeros(1))

        def forward(self, z):
            return z + self.theta

    torch.manual_seed(0)
    G, D = G(), nn.Sequential(nn.Linear(1, 1), nn.Flatten(0))
    g_opt, d_opt = (torch.optim.SGD(net.parameters(), lr=0.2) for net in (G, D))
    game = Game(G, D, g_opt, d_opt, lambda n: (torch.randn(n, 1) + 2,), lambda n: torch.randn(n, 1), ema_decay=0.95)
    level = float(D[0].bias.detach())
    *_, last = run(game, objectives.OBJECTIVES[name], steps=300, batch_size=256)
    assert float(game.ema.theta) == pytest.approx(2, abs=0.2)
    assert [float(last.d_loss), float(last.g_loss)] == pytest.approx([np.log(2)] * 2, abs=0.05)
    assert float(D[0].bias.detach()) == pytest.approx(level, abs=1e-4)  # only differences of scores count


# ---- Resume, interruption ----


@pytest.mark.parametrize("name", ["non_saturating", "wgan_gp", "wgan", "r3gan"])
@pytest.mark.parametrize("nets", ["points", "conv", "mlp"])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, name, nets):
    def build(seed):
        if nets == "points":
            return small_game(seed)
        torch.manual_seed(seed)
        G, D = (
            (ConvGenerator(8, 4), ConvDiscriminator(4))
            if nets == "conv"
            else (MLPGenerator(8, (16,)), MLPDiscriminator((16,)))
        )
        return Game.with_adam(G, D, lambda n: (torch.rand(n, 1, 28, 28),), lambda n: torch.randn(n, 8), seed=seed)

    objective = objectives.OBJECTIVES[name]
    whole = build(0)
    run(whole, objective, steps=9, batch_size=4, d_steps=2)

    first = build(0)
    run(first, objective, steps=4, batch_size=4, d_steps=2)
    first.save(tmp_path / "game.pt")
    second = build(1)  # other weights, other seed: everything must come from the file
    second.load(tmp_path / "game.pt")
    torch.rand(3)  # and what the caller draws must not matter
    run(second, objective, steps=5, batch_size=4, d_steps=2)
    assert same(whole.state_dict(), second.state_dict())
    assert not same(whole.state_dict(), first.state_dict())


def test_training_and_the_caller_do_not_share_random_numbers():
    a, b = small_game(), small_game()
    for _ in train(a, objectives.minimax, steps=5):
        torch.rand(10)
        a.sample(3)
    run(b, objectives.minimax, steps=5)
    assert same(a.state_dict(), b.state_dict())
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(a, steps=2)
    assert torch.equal(torch.rand(3), expected)


def test_a_new_game_leaves_the_callers_random_numbers_alone():
    G, D = mlp([2, 4, 2]), PointDiscriminator(2, (4,))
    before = torch.get_rng_state()
    Game.with_adam(G, D, None, None, seed=5).reseed(6)
    assert torch.equal(before, torch.get_rng_state())


def test_ctrl_c_in_the_middle_of_a_step_leaves_a_whole_game():
    game, calls = small_game(), []
    data = game.data

    def interrupting(n):
        calls.append(n)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGINT)  # arrives in the middle of a step, before D has moved
        return data(n)

    game.data = interrupting
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(game, steps=10)
    assert game.step == 4 and signal.getsignal(signal.SIGINT) is handler
    run(game, steps=6)
    whole = small_game()
    run(whole, steps=10)
    assert same(whole.state_dict(), game.state_dict())


def test_trains_outside_the_main_thread():
    game = small_game()
    thread = threading.Thread(target=run, args=(game,), kwargs={"steps": 3})
    thread.start()
    thread.join()
    assert game.step == 3


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    game = small_game()
    game.save(tmp_path / "game.pt")
    old = (tmp_path / "game.pt").read_bytes()
    run(game, steps=1)
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        game.save(tmp_path / "game.pt")
    assert (tmp_path / "game.pt").read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["game.pt"]


def test_settings_lie_beside_the_state(tmp_path):
    game = small_game()
    game.save(tmp_path / "game.pt")
    assert game.load(tmp_path / "game.pt") == {}
    given = {"objective": "hinge", "lr": np.float64(0.5), "batch": 8, "data": None, "d": (1, 2)}
    game.save(tmp_path / "game.pt", given)
    settings = small_game(1).load(tmp_path / "game.pt")
    assert settings == {"objective": "hinge", "lr": 0.5, "batch": 8, "data": None, "d": [1, 2]}
    assert type(settings["lr"]) is float
    old = (tmp_path / "game.pt").read_bytes()
    with pytest.raises(TypeError):
        game.save(tmp_path / "game.pt", {"out": tmp_path})
    assert (tmp_path / "game.pt").read_bytes() == old
    torch.save(game.state_dict(), tmp_path / "game.pt")  # written before there were settings
    assert game.load(tmp_path / "game.pt") == {}
    for odd in ([1], {"lr": torch.ones(2)}):
        torch.save(game.state_dict() | {"settings": odd}, tmp_path / "game.pt")
        with pytest.raises(ValueError, match="game.pt is not a saved game"):
            game.load(tmp_path / "game.pt")


def test_a_full_disk_keeps_the_old_file_and_raises_os_error(tmp_path):
    resource = pytest.importorskip("resource", reason="limits of file sizes need POSIX")
    game = small_game()
    game.save(tmp_path / "game.pt")
    old = (tmp_path / "game.pt").read_bytes()
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, limits[1]))
    try:
        with pytest.raises(OSError):
            game.save(tmp_path / "game.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "game.pt").read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["game.pt"]
    with pytest.raises(OSError):
        game.save(tmp_path / "no such folder" / "game.pt")


def test_a_game_is_saved_where_there_is_no_room_for_a_copy_of_it(tmp_path, monkeypatch):
    game, twin = small_game(), small_game(1)
    run(game, steps=3)
    with monkeypatch.context() as patch:
        full = torch.cuda.OutOfMemoryError("CUDA out of memory.")
        patch.setattr("gan_tutorial.game.loop.deepcopy", lambda it: (_ for _ in ()).throw(full))
        game.save(tmp_path / "game.pt")
    twin.load(tmp_path / "game.pt")
    assert same(game.state_dict(), twin.state_dict())


SAVER = """
import os, random, signal, sys, time
from gan_tutorial.game import Game
from gan_tutorial.game.networks import PointDiscriminator, mlp

os.fsync = lambda file: None  # what it does for a power cut, it need not do for a kill
game, path = Game.with_adam(mlp([2, 16, 2]), PointDiscriminator(2, (16,)), None, None), sys.argv[1]
game.save(path)
random.seed(0)
parent = os.getpid()
for _ in range(100):
    child = os.fork()
    if not child:
        while os.getppid() == parent:  # should this test itself be killed
            game.step += 1
            game.save(path)
        os._exit(0)
    time.sleep(random.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    game.load(path)
    print(game.step)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that begin in the middle need Unix")
def test_killed_a_hundred_times_while_it_saves_a_game_is_whole_and_never_older(tmp_path):
    words = [sys.executable, "-c", SAVER, str(tmp_path / "game.pt")]
    end = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, cwd=ROOT)
    assert end.returncode == 0, end.stderr
    reached = [int(line) for line in end.stdout.split()]
    assert len(reached) == 100 and reached == sorted(reached) and reached[-1] > 5


class Code:
    """What would make a folder, were it loaded as pickle loads."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_wrong_files_say_so_and_change_nothing(tmp_path):
    game = small_game()
    run(game, steps=2)
    before = copy.deepcopy(game.state_dict())
    (tmp_path / "damaged.pt").write_bytes(b"not a game")
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    torch.save(print, tmp_path / "function.pt")
    torch.save(before | {"settings": Code(tmp_path / "it ran")}, tmp_path / "code.pt")
    for name in ("damaged.pt", "other.pt", "function.pt", "code.pt"):
        with pytest.raises(ValueError, match=f"{name} is not a saved game"):
            game.load(tmp_path / name)
    assert not (tmp_path / "it ran").exists()
    torch.manual_seed(0)
    larger = Game.with_adam(mlp([2, 17, 2]), PointDiscriminator(2, (16,)), game.data, game.latent)
    larger.save(tmp_path / "larger.pt")
    with pytest.raises(ValueError, match="another network"):
        game.load(tmp_path / "larger.pt")
    with pytest.raises(FileNotFoundError):
        game.load(tmp_path / "none.pt")
    assert same(before, game.state_dict())


# ---- NaN ----


@pytest.mark.parametrize("which,curve", [("D's loss", "d_fake"), ("G's loss", "g_fake")])
@pytest.mark.parametrize("every", [1, 7, 1000])
def test_nan_names_the_loss_and_the_step_and_keeps_the_last_good_state(which, curve, every):
    game, witness = small_game(), small_game()
    bad_from = CHECK_EVERY + 30

    def poisoned(s):
        return s.square() * (float("nan") if game.step + 1 >= bad_from else 1.0)

    objective = replace(objectives.non_saturating, **{curve: poisoned})
    healthy = replace(objectives.non_saturating, **{curve: torch.square})
    with pytest.raises(
        Diverged, match=rf"{which}.* became NaN or infinite at step {bad_from}, .* back to step (\d+)"
    ) as caught:
        run(game, objective, steps=400, every=every)
    assert game.step == CHECK_EVERY and f"step {game.step}," in str(caught.value)
    run(witness, healthy, steps=game.step)
    assert same(witness.state_dict(), game.state_dict())
    run(game, healthy, steps=5)  # and it can go on


def test_weights_that_are_nan_from_the_start_are_refused():
    game = small_game()
    with torch.no_grad():
        next(game.D.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged, match="before the first step"):
        run(game, steps=1)


def last_move_is_nan(game, step):
    """An objective whose loss is finite, and whose gradient for G is NaN in this step, which shows in no loss of it."""
    return replace(objectives.wasserstein, g_fake=lambda s: -s + (0 * (s - s).sqrt() if game.step + 1 == step else 0))


def test_weights_that_became_nan_in_the_last_move_are_told(tmp_path):
    game, path = small_game(), tmp_path / "game.pt"
    game.save(path)
    before = path.read_bytes()
    with pytest.raises(Diverged, match="a weight became NaN or infinite at step 7, .* put back to step 0"):
        run(game, last_move_is_nan(game, 7), steps=7)
    for step in train(game, last_move_is_nan(game, 5)):  # who stops at another step than the last
        if step.n == 5:
            break
    with pytest.raises(Diverged, match="NaN or infinite weights, so .*game.pt is left as it was"):
        game.save(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_who_stops_early_may_ask_whether_all_is_well():
    game, whole = small_game(), small_game()
    steps = train(game, last_move_is_nan(game, 5))
    for step in steps:
        if step.n == 4:
            again = steps.send(True)
            assert again.n == 4 and game.step == 4
        if step.n == 5:
            with pytest.raises(Diverged, match="at step 5, .* put back to step 0"):
                steps.send(True)
            break
    assert step.n == 5 and game.step == 0
    run(game, steps=4), run(whole, steps=4)
    assert same(game.state_dict(), whole.state_dict())


def test_a_huge_learning_rate_ends_with_a_sentence_not_with_nan_weights():
    game = small_game(lr=1e30)
    with pytest.raises(Diverged, match="smaller learning rate"):
        run(game, objectives.wasserstein, steps=500, every=100)
    assert all(w.isfinite().all() for net in (game.G, game.D) for w in net.parameters())


# ---- Average, samples, networks ----


def test_average_follows_the_formula():
    game = small_game(ema_decay=0.9)
    expected = copy.deepcopy(game.G.state_dict())
    for _ in train(game, objectives.minimax, steps=12):
        n = game.step - 1  # the average is taken before the step is counted
        weight = 1 - min(0.9, (1 + n) / (10 + n))
        for k, v in game.G.state_dict().items():
            expected[k] = expected[k] + weight * (v - expected[k])
    for k, v in game.ema.state_dict().items():
        assert torch.allclose(v, expected[k], atol=1e-6)
    assert not game.ema.training and not any(w.requires_grad for w in game.ema.parameters())


def test_average_copies_batch_norms_statistics():
    torch.manual_seed(0)
    G = MLPGenerator(4, (8,))
    game = Game.with_adam(G, MLPDiscriminator((8,)), lambda n: (torch.rand(n, 1, 28, 28),), lambda n: torch.randn(n, 4))
    run(game, steps=3, batch_size=4)
    average_move(game)
    for a, b in zip(game.ema.buffers(), G.buffers(), strict=True):
        assert torch.equal(a, b)


def test_samples_are_drawn_one_by_one_and_change_nothing():
    """Of G itself too: in training, batch norm would mix those of a batch, and keep their statistics."""
    torch.manual_seed(0)
    G, D = MLPGenerator(4, (8,)), MLPDiscriminator((8,))
    game = Game.with_adam(G, D, lambda n: (torch.rand(n, 1, 28, 28),), lambda n: torch.randn(n, 4))
    run(game, steps=2, batch_size=4)
    before, found = game.state_dict(), []
    for size in (2, 6):
        torch.manual_seed(1)
        found.append(game.sample(6, ema=False, batch_size=size))
    torch.testing.assert_close(*found)
    assert same(before, game.state_dict()) and game.G.training and not game.ema.training


def test_a_part_in_another_mode_keeps_it_when_samples_are_drawn():
    """Batch norm whose statistics are to stay as they are."""
    G = mlp([2, 8, 2], norm=True)
    game = Game.with_adam(G, PointDiscriminator(2), points, Latent(2))
    G[1].eval()
    statistics = G[1].running_mean.clone()
    game.sample(4, ema=False)
    assert G.training and not G[1].training and G[0].training
    run(game, steps=2)
    assert torch.equal(G[1].running_mean, statistics)


def test_samples_are_those_of_the_average_unless_g_is_asked_for():
    game = small_game()
    run(game, steps=5)
    torch.manual_seed(1)
    z = game.latent(6)
    for options, net in (({}, game.ema), ({"ema": False}, game.G)):
        torch.manual_seed(1)
        found = game.sample(6, **options)
        assert torch.equal(found, net(z)) and not found.requires_grad
    assert not torch.equal(game.ema(z), game.G(z))


def test_convolutions_see_channels_last_from_end_to_end():
    """Nothing between the vector and the picture has another layout: each change of layout costs a copy."""
    strange = []

    def look(module, inputs, output):
        if output.ndim == 4 and not output.is_contiguous(memory_format=torch.channels_last):
            strange.append(module)

    G, D = ConvGenerator(), ConvDiscriminator(deep=True)
    for module in (*G.modules(), *D.modules()):
        if not isinstance(module, nn.PixelShuffle | nn.PixelUnshuffle):  # one channel: both layouts are one
            module.register_forward_hook(look)
    D(G(torch.randn(3, 64)))
    assert not strange
    h = torch.randn(3, 2 * 49)
    assert torch.equal(networks.Features()(networks.Maps(7)(h)), h)


def test_d_looks_once_at_data_and_samples():
    seen = []
    G, D = MLPGenerator(4, (8,)), MLPDiscriminator((8,))
    D.register_forward_hook(lambda D, inputs, score: seen.append((inputs[0], score)))
    game = Game.with_adam(G, D, None, lambda n: torch.randn(n, 4))
    x = torch.rand(5, 1, 28, 28)
    _, real_score, fake_score = d_move(game, objectives.non_saturating, x)
    ((both, score),) = seen
    assert torch.equal(both[:5], x) and len(both) == 10
    assert torch.equal(torch.cat([real_score, fake_score]), score)


@pytest.mark.parametrize("n_classes", [0, 10])
@pytest.mark.parametrize("G_type,D_type", [(ConvGenerator, ConvDiscriminator), (MLPGenerator, MLPDiscriminator)])
def test_networks_shapes_labels_and_training(n_classes, G_type, D_type):
    torch.manual_seed(0)
    G, D = G_type(latent=8, n_classes=n_classes), D_type(n_classes=n_classes)
    labels = (torch.arange(6) % 10,) if n_classes else ()
    x = G(torch.randn(6, 8), *labels)
    assert x.shape == (6, 1, 28, 28) and x.abs().max() <= 1
    assert D(x, *labels).shape == (6,)
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in D.modules())

    def data(n):
        return (torch.rand(n, 1, 28, 28) * 2 - 1, torch.randint(10, (n,)))[: 2 if n_classes else 1]

    game = Game.with_adam(G, D, data, lambda n: torch.randn(n, 8))
    run(game, objectives.wgan_gp, steps=2, batch_size=6)
    assert game.sample(5, *(t[:5] for t in labels), batch_size=2).shape == (5, 1, 28, 28)
    if n_classes:  # the label matters to both
        with torch.no_grad():
            z, other = torch.randn(6, 8), (labels[0] + 1) % 10
            assert not torch.equal(game.ema(z, labels[0]), game.ema(z, other))
            D.by_class.weight.normal_()
            assert not torch.equal(D(x, labels[0]), D(x, other))


@pytest.mark.parametrize("share", [1, 3])
def test_a_penalty_on_a_part_sees_the_labels_of_that_part(share):
    seen = []

    class D(nn.Linear):
        def forward(self, u, label):
            seen.append((u.detach().clone(), label.clone()))
            return super().forward(u)[:, 0] * label

    class G(nn.Linear):
        def forward(self, z, label):
            return super().forward(z)

    x, y = torch.randn(6, 2), torch.arange(6)
    game = Game.with_adam(G(2, 2), D(2, 1), lambda n: (x, y), lambda n: torch.randn(n, 2))
    on_part = replace(objectives.r1, penalty=objectives.on_part(objectives.r1.penalty, share))
    d_move(game, on_part, *game.data(6))
    n = 6 // share
    assert torch.equal(seen[1][0], x[:n]) and torch.equal(seen[1][1], y[:n])


def test_labels_reach_g_from_the_batch_that_d_saw():
    seen = []

    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(1))

        def forward(self, z, label):
            seen.append(label)
            return z * self.w

    class D(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(1))

        def forward(self, x, label):
            return (x * self.w).sum(1)

    game = Game.with_adam(G(), D(), lambda n: (torch.randn(n, 2), torch.randint(10, (n,))), lambda n: torch.randn(n, 2))
    run(game, steps=1, batch_size=7)
    assert torch.equal(seen[0], seen[1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_trains_saves_and_resumes_on_a_gpu(tmp_path):
    def build(seed):
        torch.manual_seed(seed)
        G, D = ConvGenerator(8, 4).cuda(), ConvDiscriminator(4).cuda()
        return Game.with_adam(
            G,
            D,
            lambda n: (torch.rand(n, 1, 28, 28, device="cuda"),),
            lambda n: torch.randn(n, 8, device="cuda"),
            seed=seed,
        )

    whole, first, second = build(0), build(0), build(1)
    run(whole, steps=9)
    run(first, steps=4)
    first.save(tmp_path / "game.pt")
    second.load(tmp_path / "game.pt")
    run(second, steps=5)
    for a, b in zip(whole.G.parameters(), second.G.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


# ---- States that do not fit ----


def with_optimiser(make, seed=0):
    torch.manual_seed(seed)
    G, D = mlp([2, 8, 2]), PointDiscriminator(2, (8,))
    return Game(G, D, make(G), make(D), lambda n: (torch.randn(n, 2),), lambda n: torch.randn(n, 2), seed=seed)


OPTIMISERS = {
    "Adam": lambda net: torch.optim.Adam(net.parameters(), lr=1e-3),
    "fused": lambda net: torch.optim.Adam(net.parameters(), lr=1e-3, fused=True),
    "amsgrad": lambda net: torch.optim.Adam(net.parameters(), lr=1e-3, amsgrad=True),
    "RAdam": lambda net: torch.optim.RAdam(net.parameters(), lr=1e-3),
    "NAdam": lambda net: torch.optim.NAdam(net.parameters(), lr=1e-3),
    "RMSprop": lambda net: torch.optim.RMSprop(net.parameters(), lr=1e-3),
    "centred": lambda net: torch.optim.RMSprop(net.parameters(), lr=1e-3, centered=True, momentum=0.5),
    "SGD": lambda net: torch.optim.SGD(net.parameters(), lr=1e-3),
    "momentum": lambda net: torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9),
    "groups": lambda net: torch.optim.Adam([{"params": [w]} for w in net.parameters()], lr=1e-3),
}


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("fresh", [True, False])
def test_every_optimiser_resumes_exactly(name, fresh, tmp_path):
    whole, first, second = (with_optimiser(OPTIMISERS[name], seed) for seed in (0, 0, 1))
    run(whole, steps=6)
    run(first, steps=0 if fresh else 3)
    first.save(tmp_path / "game.pt")
    run(second, steps=2)
    second.load(tmp_path / "game.pt")
    run(second, steps=6 - second.step)
    assert same(whole.state_dict(), second.state_dict())


@pytest.mark.parametrize(
    "theirs,ours",
    [("RMSprop", "Adam"), ("Adam", "RMSprop"), ("groups", "Adam"), ("Adam", "groups"), ("RAdam", "Adam"),
     ("Adam", "RAdam"), ("NAdam", "Adam"), ("SGD", "Adam"), ("Adam", "momentum")],
)  # fmt: skip
def test_the_state_of_another_optimiser_is_refused_and_changes_nothing(theirs, ours):
    other, game = with_optimiser(OPTIMISERS[theirs], 1), with_optimiser(OPTIMISERS[ours])
    run(other, steps=5)
    run(game, steps=2)
    before = game.state_dict()
    with pytest.raises(ValueError, match=r"saved g_opt is not the state of this game's .*nothing was loaded"):
        game.load_state_dict(other.state_dict())
    assert same(before, game.state_dict())
    run(game, steps=1)


def test_a_schedule_and_turned_off_momentum_are_no_other_optimiser():
    game = with_optimiser(OPTIMISERS["momentum"])
    run(game, steps=2)
    torch.optim.lr_scheduler.StepLR(game.g_opt, 10)  # leaves `initial_lr` in the group
    game.g_opt.param_groups[0]["lr"] = 0.0  # where many a schedule ends
    game.d_opt.param_groups[0]["momentum"] = 0.0
    twin = with_optimiser(OPTIMISERS["momentum"], 1)
    twin.load_state_dict(game.state_dict())
    run(game, steps=2), run(twin, steps=2)
    assert same(game.state_dict(), twin.state_dict())


def changed(path, value):
    def change(state):
        *way, last = path
        for key in way:
            state = state[key]
        state[last] = value(state[last]) if callable(value) else value

    return change


MOMENT = ("d_opt", "state", 0, "exp_avg")
CRAFTED = {
    "a moment of another shape": changed(MOMENT, torch.zeros(1)),
    "a moment of more numbers": changed(MOMENT, torch.zeros(1000)),
    "a moment of another type": changed(MOMENT, lambda t: t.double()),
    "a moment without numbers": changed(MOMENT, lambda t: t.to("meta")),
    "a sparse moment": changed(MOMENT, lambda t: t.to_sparse()),
    "a moment that is a list": changed(MOMENT, lambda t: t.tolist()),
    "a moment of NaN": changed(MOMENT, lambda t: t * torch.nan),
    "a moment of infinity": changed(MOMENT, lambda t: t * torch.inf),
    "a negative mean of squares": changed((*MOMENT[:3], "exp_avg_sq"), lambda t: t - 1),
    "a missing moment": lambda state: state["d_opt"]["state"][0].pop("exp_avg"),
    "a count that is a number": changed(("d_opt", "state", 0, "step"), 3),
    "a negative count": changed(("d_opt", "state", 0, "step"), torch.tensor(-1.0)),
    "moments of a weight that is not there": lambda state: state["d_opt"]["state"].update({99: {}}),
    "a list of moments": changed(("d_opt", "state"), []),
    "no groups": changed(("d_opt", "param_groups"), []),
    "groups of numbers": changed(("d_opt", "param_groups"), [1]),
    "other numbers of weights": changed(("d_opt", "param_groups", 0, "params"), [0]),
    "a step size of letters": changed(("d_opt", "param_groups", 0, "lr"), "fast"),
    "a step size below zero": changed(("d_opt", "param_groups", 0, "lr"), -1.0),
    "a step size of NaN": changed(("d_opt", "param_groups", 0, "lr"), torch.nan),
    "a step size without end": changed(("d_opt", "param_groups", 0, "lr"), torch.inf),
    "betas that are none": changed(("d_opt", "param_groups", 0, "betas"), (5.0, -3.0)),
    "the other direction": changed(("d_opt", "param_groups", 0, "maximize"), True),
    "one beta": changed(("d_opt", "param_groups", 0, "betas"), (0.5,)),
    "an optimiser that is a list": changed(("g_opt",), []),
    "a network that is a list": changed(("G",), []),
    "a network that is nothing": changed(("ema",), None),
    "a weight of another shape": changed(("G", "0.weight"), torch.zeros(2)),
    "a weight of another type": changed(("G", "0.weight"), lambda t: t.double()),
    "a weight that is a number": changed(("G", "0.weight"), 1.0),
    "a weight of NaN": changed(("D", "net.0.bias"), lambda t: t * torch.nan),
    "a weight too many": changed(("D",), lambda net: net | {"more": torch.zeros(1)}),
    "a step of a half": changed(("step",), 0.5),
    "a negative step": changed(("step",), -1),
    "a step that nobody reaches": changed(("step",), 2**70),
    "a step that is true": changed(("step",), True),
    "no random numbers": changed(("rng",), []),
    "few random numbers": changed(("rng",), [torch.zeros(3, dtype=torch.uint8)]),
    "random numbers of another type": changed(("rng",), [torch.zeros(5056)]),
    "random numbers of zeros": changed(("rng",), [torch.zeros(5056, dtype=torch.uint8)]),
    "random numbers that are a number": changed(("rng",), 3),
    "no step": lambda state: state.pop("step"),
    "no optimiser": lambda state: state.pop("g_opt"),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_states_are_refused_in_a_sentence_and_change_nothing(name, tmp_path):
    game = small_game()
    run(game, steps=2)
    before, state = game.state_dict(), game.state_dict()
    CRAFTED[name](state)
    torch.save(state, tmp_path / "game.pt")
    for load in (lambda: game.load_state_dict(state), lambda: game.load(tmp_path / "game.pt")):
        with pytest.raises(ValueError, match="nothing was loaded") as caught:
            load()
        assert "\n" not in str(caught.value) and "weights_only" not in str(caught.value)
        assert caught.value.__context__ is None or caught.value.__suppress_context__ or len(str(caught.value)) < 300
    assert same(before, game.state_dict())
    run(game, steps=2)


@pytest.mark.parametrize("name,value", [("mean", torch.nan), ("mean", torch.inf), ("var", torch.nan), ("var", -1.0)])
def test_statistics_of_batch_norm_that_cannot_be_are_refused(name, value):
    D, latent = MLPDiscriminator((8,)), lambda n: torch.randn(n, 4)
    game = Game.with_adam(MLPGenerator(4, (8,)), D, lambda n: (torch.rand(n, 1, 28, 28),), latent)
    game.G.register_buffer("mask", torch.tensor(-torch.inf))  # a person's own may be infinite
    game.ema.register_buffer("mask", torch.tensor(-torch.inf))
    state = game.state_dict()
    game.load_state_dict(state)
    for key in state["ema"]:
        if key.endswith(f"running_{name}"):
            state["ema"][key].fill_(value)
    with pytest.raises(ValueError, match="saved ema holds .* batch norm that cannot be, so nothing was loaded"):
        game.load_state_dict(state)


@pytest.mark.parametrize("step", [0, 123_456, 2**62 - 1, 2**62])
def test_a_game_may_be_long(step):
    game = small_game()
    state = game.state_dict() | {"step": step}
    if step == 2**62:
        with pytest.raises(ValueError, match="number of steps"):
            game.load_state_dict(state)
        return
    game.load_state_dict(state)
    assert [s.n for s in train(game, objectives.minimax, steps=2)] == [step + 1, step + 2]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_whatever_ends_the_taking_over_of_a_state_the_game_is_as_it_was(error, monkeypatch):
    game, other = small_game(), small_game(1)
    run(game, steps=2), run(other, steps=3)
    before, whole, calls = game.state_dict(), game.d_opt.load_state_dict, []

    def load_state_dict(state):
        calls.append(1)
        if len(calls) == 1:  # the last part but the step and the random numbers
            raise error
        whole(state)

    monkeypatch.setattr(game.d_opt, "load_state_dict", load_state_dict)
    with pytest.raises(type(error)):
        game.load_state_dict(other.state_dict())
    assert same(before, game.state_dict())


def test_moments_come_into_memory_of_their_own():
    """A file may describe a moment as one number seen many times: the fused optimiser writes to all of them."""
    game, twin = small_game(), small_game()
    run(game, steps=2)
    state = game.state_dict()
    state["d_opt"]["state"][0]["exp_avg"] = torch.full((1, 1), 0.25).expand(16, 2)
    plain = copy.deepcopy(state)
    plain["d_opt"]["state"][0]["exp_avg"] = torch.full((16, 2), 0.25)
    game.load_state_dict(state)
    twin.load_state_dict(plain)
    assert game.d_opt.state[next(game.D.parameters())]["exp_avg"].stride() == (2, 1)
    run(game, steps=3), run(twin, steps=3)
    assert same(game.state_dict(), twin.state_dict())


@pytest.mark.parametrize("content", ["half", "empty", "text", "a list", "a tensor", "folder"])
def test_files_that_are_no_games(content, tmp_path):
    game, path = small_game(), tmp_path / "game.pt"
    game.save(path)
    whole = path.read_bytes()
    if content == "folder":
        path.unlink(), path.mkdir()
        with pytest.raises(OSError):
            game.load(path)
        return
    if content.startswith("a "):
        torch.save([1] if content == "a list" else torch.ones(2), path)
    else:
        path.write_bytes({"half": whole[: len(whole) // 2], "empty": b"", "text": b"step,d_loss\n1,2\n"}[content])
    with pytest.raises(ValueError, match="game.pt is not a saved game, or is damaged; nothing was loaded") as caught:
        game.load(path)
    assert caught.value.__cause__ is None and "\n" not in str(caught.value)


def test_a_state_is_a_copy():
    game = small_game()
    run(game, steps=2)
    state = game.state_dict()
    run(game, steps=2)
    game.load_state_dict(state)
    twin = small_game()
    run(twin, steps=2)
    assert same(game.state_dict(), twin.state_dict())
    run(game, steps=1)
    assert same(state, twin.state_dict())


@pytest.mark.parametrize("make", [copy.deepcopy, lambda game: pickle.loads(pickle.dumps(game))])
def test_a_copy_after_some_steps_plays_on_like_the_game(make):
    game = small_game()
    game.data, game.latent = points, Latent(2)  # they can be pickled, as a lambda cannot
    run(game, steps=2)
    twin = make(game)
    assert twin.turn is None and game.turn is not None
    run(game, steps=3), run(twin, steps=3)
    assert same(game.state_dict(), twin.state_dict()) and game.step == twin.step == 5


# ---- Frozen layers ----


@pytest.mark.parametrize("objective", [objectives.non_saturating, objectives.wgan, objectives.r1])
@pytest.mark.parametrize("who", ["G", "D"])
@pytest.mark.parametrize("how_many", ["one", "all"])
def test_frozen_layers_stay_and_all_others_move(objective, who, how_many):
    game = small_game()
    weights = list(getattr(game, who).parameters())
    frozen = weights[: 1 if how_many == "one" else None]
    for w in frozen:
        w.requires_grad_(False)
    others = [w for net in (game.G, game.D) for w in net.parameters() if w.requires_grad]
    before = [[w.detach().clone() for w in ws] for ws in (frozen, others)]
    run(game, objective, steps=3)
    assert all(map(torch.equal, frozen, before[0])) and not any(w.requires_grad for w in frozen)
    assert not any(map(torch.equal, others, before[1])) and all(w.requires_grad for w in others)
    if who == "G" and how_many == "all":
        assert all(map(torch.equal, game.ema.parameters(), frozen))


def test_a_layer_frozen_on_the_way_stays_from_then_on_and_can_be_thawed():
    game = small_game()
    w = next(game.D.parameters())
    for step in train(game, objectives.non_saturating, steps=9):
        if step.n in (3, 6):
            w.requires_grad_(step.n == 6)
            held = w.detach().clone()
        if step.n in (5, 9):
            assert torch.equal(w, held) is (step.n == 5)


# ---- Whose weights an optimiser holds ----


def adam(*nets):
    return torch.optim.Adam([w for net in nets for w in net.parameters()], lr=1e-2)


def test_optimisers_of_other_networks_are_refused():
    old, game = small_game(), small_game()
    G, D, g_opt, d_opt = game.G, game.D, game.g_opt, game.d_opt
    for change, player in (
        ({"g_opt": d_opt, "d_opt": g_opt}, "G"),  # swapped
        ({"g_opt": old.g_opt}, "G"),  # of an earlier cell
        ({"d_opt": old.d_opt}, "D"),
        ({"G": old.G}, "G"),
        ({"g_opt": adam(G, D)}, "G"),
        ({"d_opt": adam(D, G)}, "D"),
    ):
        vars(game).update({"G": G, "D": D, "g_opt": g_opt, "d_opt": d_opt} | change)
        before = copy.deepcopy(game.state_dict())
        with pytest.raises(ValueError, match=rf"{player.lower()}_opt holds weights .*this game's {player}.parameters"):
            run(game, steps=1)
        assert same(before, game.state_dict())


def test_a_network_that_is_exchanged_in_the_loop_is_told_too():
    game, other = small_game(), small_game(1)
    with pytest.raises(ValueError, match="d_opt holds"):
        for _ in train(game, objectives.minimax, steps=3):
            game.D = other.D
    assert game.step == 1


def test_optimisers_may_hold_more_or_less():
    """A third network's weights, what both players share, a part of a player's; and nothing of a player who rests."""
    third, shared = nn.Linear(2, 2), nn.Linear(2, 2)
    G, D = nn.Sequential(shared, mlp([2, 8, 2])), nn.Sequential(shared, PointDiscriminator(2, (8,)))
    for g_opt, d_opt in (
        (adam(G, third), adam(D, third)), (adam(G), adam(D)), (adam(G[1]), adam(D)), (adam(G), adam(D[1]))
    ):  # fmt: skip
        run(Game(G, D, g_opt, d_opt, points, Latent(2)), steps=1)
    G.requires_grad_(False)
    run(Game(G, D, adam(G), adam(D[1]), points, Latent(2)), steps=1)


# ---- Two at once ----


def test_two_games_in_two_threads_are_each_as_alone():
    alone = small_game()
    run(alone, steps=60)
    games, calls = [small_game(), small_game()], []
    threads = [threading.Thread(target=run, args=(game,), kwargs={"steps": 60}) for game in games]
    [t.start() for t in threads]
    while any(t.is_alive() for t in threads):
        calls.append(alone.sample(2))  # draws too, in a third one
    assert same(games[0].state_dict(), alone.state_dict()) and same(games[1].state_dict(), alone.state_dict())


def test_a_game_may_play_inside_a_step_of_another():
    inner, outer, plain = small_game(1), small_game(), small_game()
    data = outer.data
    outer.data = lambda n: run(inner, steps=1) and data(n)
    run(outer, steps=3), run(plain, steps=3)
    assert same(outer.state_dict(), plain.state_dict()) and inner.step == 3


def test_a_training_that_is_given_up_holds_up_no_other():
    left = train(small_game(), objectives.minimax)
    next(left)
    game = small_game()
    thread = threading.Thread(target=run, args=(game,), kwargs={"steps": 2}, daemon=True)
    thread.start()
    thread.join(30)
    assert game.step == 2 and next(left).n == 2


# ---- What is raised inside a step ----


def interrupt(number=signal.SIGINT):
    os.kill(os.getpid(), number)


def raising_at(game, call, action, which="data"):
    """From its call number `call` on, the sampler does `action` first."""
    sampler, calls = getattr(game, which), []

    def sample(n):
        calls.append(n)
        if len(calls) == call:
            action()
        return sampler(n)

    setattr(game, which, sample)
    return calls


def test_a_second_ctrl_c_ends_the_step_and_the_game_goes_on_as_if_nothing_had_been():
    game, whole, after = small_game(), small_game(), []
    calls = raising_at(game, 50, lambda: (interrupt(), interrupt(), after.append(1)))
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    outside = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        run(game, steps=1, d_steps=100_000)
    assert len(calls) == 50 and not after and game.step == 0
    assert torch.equal(outside, torch.get_rng_state()) and torch.is_grad_enabled()
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert all(w.requires_grad for net in (game.G, game.D) for w in net.parameters())
    run(game, steps=4), run(whole, steps=4)
    assert same(game.state_dict(), whole.state_dict())


def test_a_third_ctrl_c_while_the_game_is_put_back_changes_nothing(monkeypatch):
    game, whole = small_game(), small_game()
    raising_at(game, 2, lambda: (interrupt(), interrupt()))
    take_over = Game._take_over
    monkeypatch.setattr(Game, "_take_over", lambda self, state: (interrupt(), take_over(self, state), interrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(game, steps=1, d_steps=5)
    run(game, steps=4), run(whole, steps=4)
    assert same(game.state_dict(), whole.state_dict())


@pytest.mark.parametrize("which,d_steps,call,step", [("data", 1, 8, 7), ("data", 3, 9, 0), ("latent", 1, 8, 0)])
@pytest.mark.parametrize("error", [KeyError("x"), MemoryError(), TimeoutError()])
def test_an_error_in_a_step_puts_the_game_back(which, d_steps, call, step, error):
    """Before the step's first move nothing is lost; later, what came after the last copy."""
    game, whole = small_game(), small_game()
    raising_at(game, call, lambda: (_ for _ in ()).throw(error), which)
    with pytest.raises(type(error)):
        run(game, steps=20, d_steps=d_steps)
    assert game.step == step
    run(game, steps=20 - step, d_steps=d_steps), run(whole, steps=20, d_steps=d_steps)
    assert same(game.state_dict(), whole.state_dict())


def test_long_steps_lose_no_more_than_the_one_in_hand(monkeypatch):
    monkeypatch.setattr("gan_tutorial.game.loop.KEEP_EVERY", 0.0)  # as if each step took longer than that
    game = small_game()
    raising_at(game, 14, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(game, steps=20, d_steps=3)  # call 14 is in step 5
    assert game.step == 4


def test_nan_leads_to_the_same_state_however_slow_the_machine(monkeypatch):
    monkeypatch.setattr("gan_tutorial.game.loop.KEEP_EVERY", 0.0)
    game = small_game()
    raising_at(game, 130, lambda: game.D.net[0].bias.data.fill_(torch.nan))
    with pytest.raises(Diverged, match="step 130"):
        run(game, steps=200)
    assert game.step == CHECK_EVERY


@pytest.mark.parametrize("name", ["SIGTERM", "SIGALRM"])
def test_other_signals_with_a_handler_end_the_step_at_once(name):
    if not hasattr(signal, name):
        pytest.skip("no such signal here")
    number, game = getattr(signal, name), small_game()

    def handler(number, frame):
        raise TimeoutError("enough")

    old = signal.signal(number, handler)
    try:
        calls = raising_at(game, 40, lambda: interrupt(number))
        with pytest.raises(TimeoutError):
            run(game, steps=1, d_steps=100_000)
        assert len(calls) == 40 and game.step == 0 and signal.getsignal(number) is handler
    finally:
        signal.signal(number, old)


@pytest.mark.parametrize("moment", [False, True])
def test_a_with_that_is_just_entered_or_left_is_so_wholly(moment, monkeypatch):
    """D's weights are fixed while G's loss is computed: an interrupt at the wrong moment would leave them so."""
    game, made = small_game(), []
    made_constant = nn.Parameter.requires_grad_

    def requires_grad_(self, on=True):
        if on is moment and not made:
            made.append(1)
            interrupt(), interrupt()
        return made_constant(self, on)

    monkeypatch.setattr(nn.Parameter, "requires_grad_", requires_grad_)
    with pytest.raises(KeyboardInterrupt):
        run(game, steps=3)
    assert made and game.step == 1 and all(w.requires_grad for w in game.D.parameters())


def test_a_sampler_at_its_end_is_told_as_such():
    game, batches = small_game(), iter(torch.randn(7, 8, 2))
    game.data = lambda n: (next(batches),)
    with pytest.raises(RuntimeError, match="came to its end in step 8"):
        run(game, steps=20)
    assert game.step == 7


# ---- Batches, data, numbers ----


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("d_steps", [1, 3])
def test_nan_in_the_data_is_told_as_such(bad, d_steps):
    game = small_game()
    data = game.data

    def rotten(n):
        (x,) = data(n)
        if game.step == 4:
            x[3, 1] = bad
        return (x,)

    game.data = rotten
    with pytest.raises(Diverged, match="the data hold NaN or infinite values.*; mend the data"):
        run(game, steps=20, d_steps=d_steps)
    game.data = data
    with pytest.raises(Diverged, match="smaller learning rate") as caught:
        run(game, replace(objectives.non_saturating, d_fake=lambda s: s * torch.nan), steps=20)
    assert "data hold" not in str(caught.value)


def test_finite_data_of_any_size_are_not_called_infinite():
    """Their sum is."""
    game = small_game()
    game.data = lambda n: (torch.full((n, 2), 1e38),)
    with pytest.raises(Diverged, match="smaller learning rate"):
        run(game, replace(objectives.non_saturating, d_fake=lambda s: s * torch.nan), steps=1)


@pytest.mark.parametrize("bad", [None, {"x": torch.ones(3, 2)}, (), (np.ones((3, 2)),), np.ones((3, 2)), "x"])
def test_a_batch_that_is_no_tuple_of_tensors_is_told_as_such(bad):
    game = small_game()
    game.data = lambda n: bad
    with pytest.raises(TypeError, match="something of type .* let it return a tuple of tensors"):
        run(game, steps=1)


def test_data_and_labels_of_unequal_number():
    game = small_game()
    game.data = lambda n: (torch.randn(n, 2), torch.zeros(n - 1))
    with pytest.raises(ValueError, match=r"a tensor \(8, 2\) and a tensor \(7,\); let it return a label for each"):
        run(game, steps=1, batch_size=8)


@pytest.mark.parametrize("which", ["data", "latent", "G", "D"])
def test_numbers_of_different_types_are_told_as_such(which):
    game = small_game()
    if which in ("G", "D"):
        getattr(game, which).double()
    elif which == "data":
        game.data = lambda n: (torch.randn(n, 2).double(),)
    else:
        game.latent = lambda n: torch.randn(n, 2).double()
    with pytest.raises(ValueError, match="numbers of one type.*; torch says: mat1 and mat2 must have the same dtype"):
        run(game, steps=1)


@pytest.mark.parametrize("objective", ["r1", None, lambda real, fake: real])
def test_an_objective_is_an_objective(objective):
    with pytest.raises(TypeError, match="must be an Objective"):
        run(small_game(), objective, steps=1)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_nothing_is_begun(mode):
    game, whole = small_game(), small_game()
    with mode(), pytest.raises(RuntimeError, match="Nothing can be learned in no_grad or inference_mode"):
        run(game, steps=1)
    run(game, steps=3), run(whole, steps=3)
    assert same(game.state_dict(), whole.state_dict())


@pytest.mark.parametrize("of_scores", [lambda s: s, lambda s: s.mean(0, keepdim=True), lambda s: None])
def test_a_penalty_is_one_number(of_scores):
    with pytest.raises(ValueError, match="A penalty must be one number"):
        run(small_game(), replace(objectives.non_saturating, penalty=lambda D, x, fake: of_scores(D(x))), steps=1)


def test_a_g_without_weights():
    D = PointDiscriminator(2, (4,))
    with pytest.raises(ValueError, match="G has no weights"):
        Game(nn.Identity(), D, None, torch.optim.SGD(D.parameters()), None, None)


def test_batches_may_have_any_size_but_none():
    sizes, seen = [5, 1, 9, 64, 3], []
    game = small_game()
    game.data = lambda n: (torch.randn(sizes[game.step], 2),)
    game.D.register_forward_hook(lambda D, inputs, score: seen.append(len(score)))
    run(game, steps=5, batch_size=8)
    assert seen == [m for n in sizes for m in (2 * n, n)]
    game.data = lambda n: (torch.randn(0, 2),)
    with pytest.raises(ValueError, match="returned no data when asked for 8"):
        run(game, steps=1, batch_size=8)
    game.data = lambda n: torch.randn(n, 2)
    with pytest.raises(TypeError, match="let it return a tuple"):
        run(game, steps=1)
    assert game.step == 5


@pytest.mark.parametrize("data,latent", [(50, 64), (64, 50), (1, 64)])
def test_samples_of_another_number_than_data_are_refused(data, latent):
    """Cut in the middle, 50 data and 64 samples are 57 and 57."""
    game = small_game()
    game.data, game.latent = lambda n: (torch.randn(data, 2),), lambda n: torch.randn(latent, 2)
    before = copy.deepcopy(game.state_dict())
    says = rf"For {data} data there must be as many samples.* a tensor \({latent}, 2\)"
    for move in (lambda: d_move(game, objectives.non_saturating, *game.data(64)), lambda: run(game, steps=1)):
        with pytest.raises(ValueError, match=says):
            move()
    assert same(before, game.state_dict())


class Scores(nn.Module):
    """D, and something done to its scores (n, 1)."""

    def __init__(self, after):
        super().__init__()
        self.net, self.after = mlp([2, 8, 1]), after

    def forward(self, x):
        return self.after(self.net(x))


def game_scored(after):
    torch.manual_seed(0)
    return Game.with_adam(mlp([2, 8, 2]), Scores(after), points, Latent(2))


@pytest.mark.parametrize(
    "after",
    [lambda s: (s, s), lambda s: s.mean(), lambda s: s.T, lambda s: s.reshape(-1, 2), lambda s: s[1:],
     lambda s: s.flatten()[::2], lambda s: s.flatten().repeat(2)],
    ids=["tuple", "one", "turned", "two in a row", "the first one lost", "half", "twice"],
)  # fmt: skip
def test_scores_of_another_number_than_rows_are_refused(after):
    game = game_scored(after)
    before = copy.deepcopy(game.state_dict())
    with pytest.raises(ValueError, match=r"one score to each row, \(10,\) for 5 data and 5 samples, but it gave"):
        run(game, steps=1, batch_size=5)
    assert same(before, game.state_dict())


@pytest.mark.parametrize("after", [lambda s: s, lambda s: torch.stack([s, s], 1)], ids=["(n, 1)", "(n, 2, 1)"])
@pytest.mark.parametrize("name", ["non_saturating", "r3gan"])
def test_a_row_may_have_several_scores(after, name):
    """As where one row holds an example of each of several games; here all scores of a row are the same."""
    objective = replace(objectives.OBJECTIVES[name], penalty=None)
    costs = [torch.stack(run(game_scored(f), objective, steps=3)[-1][1:]) for f in (after, torch.flatten)]
    torch.testing.assert_close(*costs)


def test_one_example_and_batch_norm():
    G, D = MLPGenerator(4, (8,)), MLPDiscriminator((8,))
    game = Game.with_adam(G, D, lambda n: (torch.rand(n, 1, 28, 28),), lambda n: torch.randn(n, 4))
    before = game.state_dict()
    with pytest.raises(ValueError, match="needs at least 2 examples per batch"):
        run(game, steps=1, batch_size=1)
    assert same(before, game.state_dict())


@pytest.mark.parametrize("bad", [{"steps": -1}, {"steps": "5"}, {"every": 2.5}, {"batch_size": None}, {"d_steps": "2"}])
def test_numbers_of_another_kind_are_named(bad):
    ((name, value),) = bad.items()
    with pytest.raises(ValueError, match=f"{name} must be a whole number.*{value!r}"):
        next(train(small_game(), objectives.minimax, **bad))


def test_whole_numbers_of_any_make_will_do():
    game = small_game()
    assert [s.n for s in train(game, objectives.minimax, steps=np.int64(3), every=torch.tensor(2))] == [2, 3]


@pytest.mark.parametrize("decay", [float("nan"), -0.1, 1.1, 999])
def test_a_decay_that_is_no_share_is_refused(decay):
    with pytest.raises(ValueError, match="ema_decay must be a number from 0 .* to 1, got"):
        small_game(ema_decay=decay)


def test_without_decay_the_average_is_g_and_with_all_of_it_the_past_counts():
    for decay in (0, 1):
        game = small_game(ema_decay=decay)
        run(game, steps=20)
        assert all(map(torch.equal, game.ema.parameters(), game.G.parameters())) is (decay == 0)
        assert all(w.isfinite().all() for w in game.ema.parameters())


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 1.5, "1", None])
def test_seeds_that_torch_does_not_take_are_refused(seed):
    game = small_game()
    before = game.state_dict()
    with pytest.raises(ValueError, match="seed must be a whole number"):
        game.reseed(seed)
    assert same(before, game.state_dict())


@pytest.mark.parametrize("seed", [2**64 - 1, -(2**63), -1, np.int64(7)])
def test_seeds_that_torch_takes(seed):
    game = small_game()
    game.reseed(seed)
    torch.manual_seed(int(seed))
    expected = torch.rand(3)
    with game.own_randomness():
        assert torch.equal(torch.rand(3), expected)


def test_what_networks_and_penalties_change_in_place_is_not_the_data_set():
    x, y, seen = torch.randn(8, 2), torch.arange(8), []

    class G(nn.Linear):
        def forward(self, z, label):
            label.fill_(-1)
            return super().forward(z)

    class D(nn.Linear):
        def forward(self, u, label):
            seen.append(label.clone())
            label.fill_(-2)
            return super().forward(u.mul_(1.0) if not u.requires_grad else u)[:, 0]

    def penalty(D, x, fake):
        D(x.clone()), D(x.clone())
        with torch.no_grad():
            return x.clone().add_(fake).sum() * 0

    game = Game.with_adam(G(2, 2), D(2, 1), lambda n: (x[:n], y[:n]), lambda n: torch.randn(n, 2))
    before = x.clone()
    run(game, replace(objectives.non_saturating, penalty=penalty), steps=2, batch_size=8)
    assert torch.equal(x, before) and torch.equal(y, torch.arange(8))
    assert all((label.view(-1, 8) == y).all() for label in seen) and len(seen) == 8


def test_what_g_changes_in_place_is_not_the_set_of_latents_nor_the_callers_labels():
    class G(nn.Linear):
        def forward(self, z, label):
            label.fill_(-1)
            return super().forward(z.mul_(2))

    class D(nn.Linear):
        def forward(self, x, label):
            return super().forward(x)[:, 0]

    bank, y = torch.randn(8, 2), torch.arange(8)
    before = bank.clone()
    game = Game.with_adam(G(2, 2), D(2, 1), lambda n: (torch.randn(n, 2), y[:n]), lambda n: bank[:n])
    run(game, steps=2, batch_size=8)
    for ema in (True, False):
        game.sample(8, y, ema=ema)
    assert torch.equal(bank, before) and torch.equal(y, torch.arange(8))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("name", ["non_saturating", "wgan_gp", "wgan", "r1", "r3gan"])
def test_networks_of_other_precision(kind, name, tmp_path):
    def build(seed):
        torch.manual_seed(seed)
        G, D = mlp([2, 16, 2], nn.Tanh).to(kind), PointDiscriminator(2, (16,)).to(kind)
        return Game.with_adam(
            G, D, lambda n: (torch.randn(n, 2, dtype=kind),), lambda n: torch.randn(n, 2, dtype=kind), seed=seed
        )

    game, twin = build(0), build(1)
    run(game, objectives.OBJECTIVES[name], steps=5)
    game.save(tmp_path / "game.pt")
    twin.load(tmp_path / "game.pt")
    run(game, objectives.OBJECTIVES[name], steps=3), run(twin, objectives.OBJECTIVES[name], steps=3)
    assert same(game.state_dict(), twin.state_dict())
    assert all(w.dtype == kind for w in game.ema.parameters())


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_networks_with_classes_of_other_precision(kind):
    G, D = MLPGenerator(n_classes=10).to(kind), MLPDiscriminator(n_classes=10).to(kind)
    game = Game.with_adam(
        G, D, lambda n: (torch.randn(n, 1, 28, 28, dtype=kind), torch.arange(n) % 10),
        lambda n: torch.randn(n, networks.LATENT, dtype=kind),
    )  # fmt: skip
    run(game, objectives.hinge, steps=2, batch_size=8)
    assert game.sample(4, torch.arange(4)).dtype == kind


@pytest.mark.parametrize("name", ["non_saturating", "wgan_gp", "rpgan", "r3gan"])
def test_autocast_keeps_no_old_weights(name):
    """Its cache would: with and without one, the training is the same, and both players move."""
    games = [small_game(lr=1e-2), small_game(lr=1e-2)]
    start = copy.deepcopy(games[0].state_dict())
    for game, cache in zip(games, (True, False), strict=True):
        with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=cache):
            for _ in train(game, objectives.OBJECTIVES[name], steps=5, d_steps=2):
                game.sample(3, ema=False)
    for ours, theirs in zip(*(game.G.parameters() for game in games), strict=True):
        assert torch.allclose(ours, theirs, atol=2e-3)  # a fifth of one step of Adam
    for player in ("G", "D"):
        ours, *_ = [list(game.state_dict()[player].values()) for game in games]
        assert not any(map(torch.equal, ours[:-1], start[player].values()))  # the last bias is nothing to a critic


# ---- What belongs to the caller ---------------------------------------------------------------------------------


def by_numpy(opt):
    opt.param_groups[0]["lr"] = 1e-3 * np.cos(0.3)
    opt.param_groups[0]["betas"] = tuple(np.array([0.5, 0.9]))


def by_a_schedule(opt):
    torch.optim.lr_scheduler.LambdaLR(opt, lambda n: np.exp(-n / 100)).step()


@pytest.mark.parametrize("change", [by_numpy, by_a_schedule])
def test_step_sizes_of_numpy_come_back_from_a_file(change, tmp_path):
    """They are floats, but no file that may hold numbers only gives them back as such."""
    game, twin = small_game(), small_game(seed=1)
    run(game, steps=2)
    change(game.g_opt)
    game.save(tmp_path / "game.pt")
    twin.load(tmp_path / "game.pt")
    twin.load_state_dict(game.state_dict())
    run(game, steps=2), run(twin, steps=2)
    assert same(game.state_dict(), twin.state_dict())


class OfOnesOwn(torch.optim.Optimizer):
    """One with an attribute, which torch's copies of optimisers leave out."""

    def __init__(self, weights, lr=1e-2):
        super().__init__(weights, {"lr": lr})
        self.power = 0.5

    @torch.no_grad()
    def step(self):
        for w in (w for group in self.param_groups for w in group["params"] if w.grad is not None):
            mean = self.state[w].setdefault("mean", torch.zeros_like(w)).lerp_(w.grad, 0.1)
            w -= self.param_groups[0]["lr"] * mean.sign() * mean.abs() ** self.power


def test_an_optimiser_of_ones_own_goes_on_from_its_file(tmp_path):
    def build(seed):
        game = small_game(seed)
        game.g_opt, game.d_opt = OfOnesOwn(game.G.parameters()), OfOnesOwn(game.D.parameters())
        return game

    game, twin = build(0), build(1)
    run(game, steps=3)
    game.save(tmp_path / "game.pt")
    twin.load(tmp_path / "game.pt")
    run(game, steps=3), run(twin, steps=3)
    assert same(game.state_dict(), twin.state_dict())
    damaged = game.state_dict()
    damaged["g_opt"]["state"][0]["mean"] = torch.zeros(3)
    with pytest.raises(ValueError, match="g_opt is not the state of this game's OfOnesOwn .*: mean"):
        game.load_state_dict(damaged)


@pytest.mark.parametrize("how", ["NaN", "an error"])
def test_after_a_state_was_loaded_the_game_is_put_back_to_its_future_only(how):
    """The copies that were kept before belong to another past."""
    game, broken = small_game(), False
    draw = game.data

    def data(n):
        if broken and how == "an error":
            draws.append(n)
            if len(draws) % 2 == 0:  # the second of a step, when D has moved
                raise OSError("no data")
        return tuple(x * (torch.nan if broken and how == "NaN" else 1) for x in draw(n))

    game.data, loaded, draws, early = data, False, [], None
    with pytest.raises(Diverged if how == "NaN" else OSError):
        for step in train(game, objectives.r1, d_steps=2):
            if step.n == 10 and early is None:
                early = game.state_dict()
            if step.n == 3 * CHECK_EVERY and not loaded:
                game.load_state_dict(early)
                loaded = True
            elif loaded and step.n == 10 + CHECK_EVERY + 5:
                broken = True
    assert 10 <= game.step <= 10 + CHECK_EVERY + 5
    if how == "NaN":
        assert game.step == 10 + CHECK_EVERY


def test_what_both_players_share_moves_with_both():
    shared = nn.Embedding(3, 2)

    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared, self.out = shared, nn.Linear(4, 2)

        def forward(self, z, label):
            return self.out(torch.cat([z, self.shared(label)], 1))

    class D(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared, self.out = shared, nn.Linear(2, 2)

        def forward(self, x, label):
            return (self.out(x) * self.shared(label)).sum(1)

    g, d, label, z = G(), D(), torch.arange(9) % 3, torch.randn(9, 2)
    opts = [torch.optim.SGD(net.parameters(), lr=0.1) for net in (g, d)]
    game = Game(g, d, *opts, lambda n: (torch.randn(n, 2), label[:n]), lambda n: z[:n])
    (slope,) = torch.autograd.grad(objectives.minimax.g_loss(d(g(z, label), label)), shared.weight)
    before = shared.weight.detach().clone()
    g_move(game, objectives.minimax, 9, label)
    torch.testing.assert_close(shared.weight, before - 0.1 * slope)
    assert slope.any() and d.out.weight.grad is None


def test_samples_drawn_in_another_thread_change_no_training():
    """Nor does the noise that G itself draws."""

    class Noisy(nn.Linear):
        def forward(self, z):
            return super().forward(z) + 0.1 * torch.randn_like(z)

    def trained(watched):
        torch.manual_seed(0)
        game, over = Game.with_adam(Noisy(2, 2), PointDiscriminator(2, (16,)), points, Latent(2)), threading.Event()
        eye = threading.Thread(target=lambda: [game.sample(100) for _ in iter(over.is_set, True)])
        if watched:
            eye.start()
        try:
            run(game, objectives.r1, steps=200)
        finally:
            over.set()
            if watched:
                eye.join()
        return game.state_dict()

    assert same(trained(False), trained(True))
