"""`linear.Linear` is `torch.nn.Linear`, with whichever product it is computed."""

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.functional import linear as torch_linear

from gan_tutorial import machine
from gan_tutorial.game import Game, g_move, linear, objectives
from gan_tutorial.game.linear import Linear, Product
from gan_tutorial.game.networks import MLPDiscriminator, MLPGenerator, count_weights
from gan_tutorial.truth.densities import Latent


@pytest.fixture
def calls(monkeypatch):
    """Pretends that this processor has another product; lists the shapes that it was asked for."""
    calls = []

    def product(x, W, b):
        calls.append((*x.shape, len(W)))
        return torch_linear(x, W, b)

    monkeypatch.setattr(linear, "other_product", lambda: product)
    return calls


@pytest.mark.parametrize("turned", [False, True], ids=["W", "W turned"])
@pytest.mark.parametrize("bias", [False, True], ids=["no bias", "bias"])
def test_gradients_and_gradients_of_gradients(bias, turned, calls):
    x, W, b = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((5, 3), (4, 3), (4,)))
    if turned:
        W = W.detach().t().contiguous().t().requires_grad_()
    inputs = (x, W, b if bias else None)
    assert gradcheck(Product.apply, inputs) and gradgradcheck(Product.apply, inputs)
    (W_grad,) = torch.autograd.grad(Product.apply(*inputs).sum(), W)
    assert W_grad.stride() == W.stride()  # else each sum of gradients is a slow one
    assert calls


def test_it_begins_as_torch_s_own_and_shares_its_checkpoints():
    torch.manual_seed(0)
    mine = Linear(5, 3)
    torch.manual_seed(0)
    torch_s = nn.Linear(5, 3)
    assert isinstance(mine, nn.Linear)
    for (name, w), (other, v) in zip(mine.state_dict().items(), torch_s.state_dict().items(), strict=True):
        assert name == other and torch.equal(w, v)


def test_large_products_of_float32_matrices_go_the_other_way(calls):
    layer = Linear(512, 512)
    x = torch.randn(64, 512)
    assert torch.allclose(layer(x), torch_linear(x, layer.weight, layer.bias)) and calls == [(64, 512, 512)]


@pytest.mark.parametrize(
    "look",
    [
        lambda layer: layer(torch.randn(2, 512)),
        lambda layer: layer(torch.randn(2, 64, 512)),
        lambda layer: layer.double()(torch.randn(64, 512, dtype=torch.float64)),
        lambda layer: torch.func.grad(lambda x: layer(x).sum())(torch.randn(64, 512)),
        lambda layer: torch.func.jvp(layer, (torch.randn(64, 512),), (torch.randn(64, 512),)),
        lambda layer: torch.vmap(layer)(torch.randn(2, 64, 512)),
        lambda layer: layer.to("meta")(torch.randn(64, 512, device="meta")),
    ],
    ids=["small", "not a matrix", "float64", "func.grad", "jvp", "vmap", "no CPU"],
)
def test_the_rest_goes_torch_s_way(look, calls):
    look(Linear(512, 512))
    assert not calls


def test_g_s_move_computes_no_gradient_for_the_weights_of_d(calls):
    """Two layers of D and two of G are large: a product each forward, one for each layer's input, two for G's weights.

    D's first layer passes its gradient on to G, and so does G's last one.
    """
    game = Game.with_adam(MLPGenerator(), MLPDiscriminator(), None, Latent(64))
    g_move(game, objectives.non_saturating, 64)
    assert len(calls) == 4 + 4 + 2
    assert all(w.requires_grad and w.grad is None for w in game.D.parameters())


@pytest.mark.skipif(linear.other_product() is None, reason="this processor has no other product")
def test_both_products_agree_within_rounding():
    D = MLPDiscriminator()
    reference = MLPDiscriminator()
    reference.load_state_dict(D.state_dict())
    for module in reference.modules():
        if isinstance(module, Linear):
            module.__class__ = nn.Linear
    x, fake = torch.randn(2, 64, 1, 28, 28)
    for net in (D, reference):
        torch.manual_seed(0)
        score = net(x)
        (objectives.gradient_penalty(10.0)(net, x, fake) + score.mean()).backward()
    assert torch.allclose(D(x), reference(x), atol=1e-5)
    assert count_weights(D) == count_weights(reference)
    for a, b in zip(D.parameters(), reference.parameters(), strict=True):
        assert (a.grad - b.grad).abs().max() <= 1e-4 * b.grad.abs().max() + 1e-7


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


@pytest.mark.parametrize(
    ("processor", "private", "there"),
    [
        (("AuthenticAMD", 26), True, True),
        (("AuthenticAMD", 25), True, False),
        (("GenuineIntel", 30), True, False),
        (("AuthenticAMD", 26), False, False),
    ],
)
def test_only_where_it_was_measured(processor, private, there, monkeypatch):
    class Ops:
        if private:
            _linear_pointwise = staticmethod(lambda *args: None)

    monkeypatch.setattr(machine, "processor", lambda: processor)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.ops, "mkldnn", Ops)
    assert (linear.other_product.__wrapped__() is not None) == there
