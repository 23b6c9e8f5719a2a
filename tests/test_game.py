"""The loop: what a step does, what it leaves alone, interruption, resume, NaN."""

import copy
import os
import signal
import threading
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from gan_tutorial import networks, objectives
from gan_tutorial.game import CHECK_EVERY, Diverged, Game, average_move, d_move, g_move, train
from gan_tutorial.networks import (
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
    PointDiscriminator,
    mlp,
)


def small_game(seed=0, lr=1e-2, **kwargs):
    torch.manual_seed(seed)
    G, D = mlp([2, 16, 2], nn.Tanh), PointDiscriminator(2, (16,))
    return Game.with_adam(
        G, D, lambda n: (torch.randn(n, 2) + 2,), lambda n: torch.randn(n, 2), d_lr=lr, g_lr=lr, seed=seed, **kwargs
    )


def tensors(state):
    """Every tensor and number of a nested state, in a fixed order."""
    if isinstance(state, dict):
        return [t for key in state for t in tensors(state[key])]
    if isinstance(state, (list, tuple)):
        return [t for part in state for t in tensors(part)]
    return [torch.as_tensor(state)] if isinstance(state, (torch.Tensor, int, float)) else []


def same(a, b):
    a, b = tensors(a), tensors(b)
    return len(a) == len(b) > 20 and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


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


# ---- Resume, interruption ----


@pytest.mark.parametrize("name", ["non_saturating", "wgan_gp", "wgan"])
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
    torch.save(game.state_dict() | {"settings": [1]}, tmp_path / "game.pt")
    with pytest.raises(ValueError, match="settings are not a dictionary"):
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


def test_wrong_files_say_so_and_change_nothing(tmp_path):
    game = small_game()
    run(game, steps=2)
    before = copy.deepcopy(game.state_dict())
    (tmp_path / "damaged.pt").write_bytes(b"not a game")
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    torch.save(print, tmp_path / "code.pt")
    for name in ("damaged.pt", "other.pt", "code.pt"):
        with pytest.raises(ValueError, match=f"{name} is not a saved game"):
            game.load(tmp_path / name)
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
    assert game.step >= CHECK_EVERY and f"step {game.step}," in str(caught.value)
    run(witness, healthy, steps=game.step)
    assert same(witness.state_dict(), game.state_dict())
    run(game, healthy, steps=5)  # and it can go on


def test_weights_that_are_nan_from_the_start_are_refused():
    game = small_game()
    with torch.no_grad():
        next(game.D.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged, match="before the first step"):
        run(game, steps=1)


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


def test_convolutions_see_channels_last_from_end_to_end():
    """Nothing between the vector and the picture has another layout: each change of layout costs a copy."""
    strange = []

    def look(module, inputs, output):
        if output.ndim == 4 and not output.is_contiguous(memory_format=torch.channels_last):
            strange.append(module)

    G, D = ConvGenerator(), ConvDiscriminator()
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
