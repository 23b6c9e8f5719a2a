"""Products of wide matrices go the quicker way, inside a step, where that is exact and quicker."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gan_tutorial import machine
from gan_tutorial.game import Game, g_move, objectives, products, train
from gan_tutorial.game.networks import MLPDiscriminator, MLPGenerator, PointDiscriminator, mlp
from gan_tutorial.truth.densities import Latent

switch = pytest.mark.skipif(products._backend() is None, reason="this torch has no switch")


class Backend:
    """Stands for torch's switch, and notes when it is turned."""

    fp32_precision = "none"


@pytest.fixture
def backend(monkeypatch):
    """A processor on which the other product is exact and twice as fast."""
    backend = Backend()
    monkeypatch.setattr(products, "_backend", lambda: backend)
    monkeypatch.setattr(products, "look", lambda: products.Found(3e-7, 2.0))
    return backend


def picture_game(sampled):
    G, D = MLPGenerator(), MLPDiscriminator()
    return Game.with_adam(G, D, lambda n: sampled() or (torch.zeros(n, 1, 28, 28),), Latent(64))


def test_a_step_of_wide_networks_takes_the_quicker_way(backend):
    seen = []
    game = picture_game(lambda: seen.append(backend.fp32_precision))
    for _ in train(game, objectives.non_saturating, steps=2, batch_size=4):
        assert backend.fp32_precision == "none"  # outside, the caller's products are torch's own
    assert seen == ["bf16", "bf16"]


def test_the_switch_is_turned_back_when_a_step_fails(backend):
    def fail():
        raise OSError("no data")

    with pytest.raises(OSError, match="no data"):
        next(train(picture_game(fail), objectives.non_saturating))
    assert backend.fp32_precision == "none"


@pytest.mark.parametrize("found", [products.Found(3e-3, 2.0), products.Found(3e-7, 1.0)], ids=["bfloat16", "slower"])
def test_not_where_it_is_inexact_or_no_faster(found, backend, monkeypatch):
    monkeypatch.setattr(products, "look", lambda: found)
    with products.quickest(True):
        assert backend.fp32_precision == "none"


@pytest.mark.parametrize(
    ("chosen", "found", "way"),
    [
        (True, products.Found(3e-7, 1.0), "bf16"),
        (False, products.Found(3e-7, 2.0), "none"),
        (True, products.Found(3e-3, 2.0), "none"),  # chosen on another processor: here it would not be exact
    ],
)
def test_a_choice_holds_whatever_a_look_would_say(chosen, found, way, backend, monkeypatch):
    monkeypatch.setattr(products, "look", lambda: found)
    with products.choosing(chosen), products.quickest(True):
        assert backend.fp32_precision == way
    with products.quickest(True):
        assert (backend.fp32_precision == "bf16") == found.worthwhile


def test_only_wide_float32_networks_on_the_cpu_want_it():
    assert products.wide(MLPGenerator(), MLPDiscriminator())
    assert not products.wide(mlp([2, 128, 128, 2]), PointDiscriminator(2, (128, 128)))
    assert not products.wide(MLPDiscriminator().double())
    assert not products.wide(MLPDiscriminator().to("meta"))
    assert not products.wide(nn.Conv2d(512, 512, 3))


def test_g_s_move_computes_no_gradient_for_the_weights_of_d():
    """Products: all layers forward; back, the inputs of all but G's first, and the weights of G only."""
    game = Game.with_adam(MLPGenerator(), MLPDiscriminator(), None, Latent(64))
    with FlopCounterMode(display=False) as counter:
        g_move(game, objectives.non_saturating, 8)
    linear = [[layer for layer in net.modules() if isinstance(layer, nn.Linear)] for net in (game.G, game.D)]
    of_G, of_D = ([layer.weight.numel() for layer in layers] for layers in linear)
    products_of = sum(of_G) + sum(of_D) + sum(of_D) + sum(of_G[1:]) + sum(of_G)
    assert counter.get_total_flops() == 2 * 8 * products_of
    assert all(w.requires_grad and w.grad is None for w in game.D.parameters())


@switch
def test_what_the_look_finds_is_true_here():
    """The error that it reports is that of a product of another shape, too; and the switch is as it was."""
    before = products._backend().fp32_precision
    found = products.look()
    assert products._backend().fp32_precision == before
    assert 0 < found.error < 0.1 and found.gain > 0
    x, W = torch.randn(128, 784), torch.randn(512, 784)
    with products._switched():
        other = torch.mm(x, W.t())
    assert products.relative_error(other, x, W) < 3 * found.error
    assert products.relative_error(torch.mm(x, W.t()), x, W) < products.EXACT


@switch
@pytest.mark.skipif(products.look().error >= products.EXACT, reason="this processor rounds to bfloat16")
def test_both_ways_train_the_same_within_rounding():
    """Losses and gradients, a penalty's second derivative included."""
    x, fake = torch.randn(2, 64, 1, 28, 28)
    found = []
    for way in (False, True):
        torch.manual_seed(0)
        D = MLPDiscriminator()
        backend = products._backend()
        before, backend.fp32_precision = backend.fp32_precision, "bf16" if way else products._backend().fp32_precision
        try:
            (objectives.gradient_penalty(10.0)(D, x, fake) + D(x).mean()).backward()
        finally:
            backend.fp32_precision = before
        found.append([w.grad for w in D.parameters()])
    for a, b in zip(*found, strict=True):
        assert (a - b).abs().max() <= 1e-4 * b.abs().max() + 1e-7


@pytest.mark.parametrize("gone", ["no matmul", "no precision", "no oneDNN"])
def test_a_torch_without_the_switch_is_left_alone(gone, monkeypatch):
    mkldnn = type("mkldnn", (), {"is_available": staticmethod(lambda: gone != "no oneDNN")})
    if gone != "no matmul":
        mkldnn.matmul = type("matmul", (), {} if gone == "no precision" else {"fp32_precision": "none"})
    monkeypatch.setattr(torch.backends, "mkldnn", mkldnn)
    assert not products.look.__wrapped__().worthwhile


@pytest.mark.parametrize(
    ("cpuinfo", "windows", "found"),
    [
        ("processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\n\nprocessor\t: 1\n", "", ("AuthenticAMD", 26)),
        ("vendor_id : GenuineIntel\ncpu family : 6\n", "", ("GenuineIntel", 6)),
        ("processor : 0\nCPU architecture: 8\n", "", ("", 0)),
        ("", "AMD64 Family 26 Model 68 Stepping 0, AuthenticAMD", ("AuthenticAMD", 26)),
        ("", "arm", ("", 0)),
    ],
)
def test_the_processor_is_read(cpuinfo, windows, found, tmp_path, monkeypatch):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(machine, "SYSTEM", tmp_path)
    monkeypatch.setattr(machine.platform, "processor", lambda: windows)
    assert machine.processor() == found
