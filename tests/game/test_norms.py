"""Reference and virtual batch norm against batch norm itself; the stretch of layers against dense matrices."""

import math
from copy import deepcopy
from functools import partial

import pytest
import torch
from torch import nn

from gan_tutorial.game.networks import LATENT, ConvGenerator, MLPGenerator
from gan_tutorial.game.norms import ReferenceNorm, VirtualNorm, WithReference, stretch

M = 8
SHAPES = [(12, 3), (12, 3, 5, 5)]
BATCH_NORM = {2: nn.BatchNorm1d, 4: nn.BatchNorm2d}


def features(shape, seed=0):
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 1


def trained(norm):
    """With weights that are not those of the start."""
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.5, 2.0, -1.0]))
        norm.bias.copy_(torch.tensor([0.1, 0.0, -3.0]))
    return norm.double()


@pytest.mark.parametrize("shape", SHAPES)
def test_reference_norm_of_R_itself_is_batch_norm_of_R(shape):
    h, batch_norm = features(shape), trained(BATCH_NORM[len(shape)](3))
    for layer in (ReferenceNorm(M, 3), VirtualNorm(M, 3)):
        torch.testing.assert_close(trained(layer)(h)[:M], batch_norm(h[:M]))


@pytest.mark.parametrize("shape", SHAPES)
def test_virtual_norm_is_batch_norm_of_R_and_one_example(shape):
    h, batch_norm = features(shape), trained(BATCH_NORM[len(shape)](3))
    found = trained(VirtualNorm(M, 3))(h)
    for i in range(M, len(h)):
        torch.testing.assert_close(found[i], batch_norm(torch.cat([h[:M], h[i : i + 1]]))[-1])


@pytest.mark.parametrize("layer", [ReferenceNorm, VirtualNorm])
@pytest.mark.parametrize("shape", SHAPES)
def test_companions_do_not_matter_and_R_does(layer, shape):
    h, norm = features(shape), trained(layer(M, 3))
    others = h.clone()
    others[M + 1 :] *= 100
    assert torch.equal(norm(h)[: M + 1], norm(others)[: M + 1])
    moved = h.clone()
    moved[0] += 1
    assert not torch.allclose(norm(h)[M:], norm(moved)[M:])


@pytest.mark.parametrize("layer", [ReferenceNorm, VirtualNorm])
def test_gradients_go_through_the_statistics(layer):
    norm = trained(layer(3, 3))
    h = features((6, 3)).requires_grad_()
    assert torch.autograd.gradcheck(norm, h)
    (slope,) = torch.autograd.grad(norm(h)[4, 0], h)
    assert slope[:3, 0].abs().min() > 0 and slope[[3, 5]].abs().max() == 0


def test_far_from_R_virtual_norm_is_bounded_and_reference_norm_is_not():
    h = torch.cat([features((M, 1)), torch.tensor([[1e6]], dtype=torch.float64)])
    virtual, reference = (layer(M, 1).double()(h)[-1].item() for layer in (VirtualNorm, ReferenceNorm))
    assert virtual == pytest.approx(math.sqrt(M), rel=1e-4) and virtual <= math.sqrt(M) < 1e4 < reference


def test_equal_rows_give_no_nan():
    h = torch.ones(M + 2, 3)
    for layer in (ReferenceNorm(M, 3), VirtualNorm(M, 3)):
        assert torch.equal(layer(h), torch.zeros_like(h))


def test_far_from_zero_single_precision_is_enough():
    h = features((12, 3)).float() + 1e4
    for layer in (ReferenceNorm(M, 3), VirtualNorm(M, 3)):
        torch.testing.assert_close(layer(h).double(), deepcopy(layer).double()(h.double()), rtol=1e-3, atol=1e-2)


def referred(G, layer, R):
    """G with its batch norms replaced."""
    body = deepcopy(G.body)
    for parent in [*body.modules()]:
        for name, child in [*parent.named_children()]:
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(parent, name, layer(len(R), child.num_features))
    return WithReference(body, R)


@pytest.mark.parametrize("layer", [ReferenceNorm, VirtualNorm])
@pytest.mark.parametrize("G", [MLPGenerator(hidden=(16, 16)), ConvGenerator(width=4)], ids=["mlp", "conv"])
def test_a_generator_whose_pictures_do_not_depend_on_each_other(G, layer):
    """F-N1: dG(z_i)/dz_j is not 0 with batch norm, and exactly 0 with these, also in training."""
    z = torch.randn(5, LATENT, generator=torch.Generator().manual_seed(1)).requires_grad_()
    for net, mixes in ((G.train(), True), (referred(G, layer, torch.randn(4, LATENT)).train(), False)):
        assert net(z).shape == (5, 1, 28, 28)
        (slope,) = torch.autograd.grad(net(z)[0].sum(), z)
        assert slope[0].abs().max() > 0 and bool(slope[1:].abs().max() > 0) == mixes


def test_the_reference_batch_is_saved_and_not_trained():
    R = torch.randn(4, LATENT)
    net = referred(MLPGenerator(hidden=(16, 16)), VirtualNorm, R)
    assert torch.equal(net.state_dict()["R"], R) and not any(w is net.R for w in net.parameters())
    R.zero_()
    assert net.R.abs().max() > 0


def with_a_gap(make, shape):
    """A layer with its exact norm, the second singular value at most 99 % of it: power iteration slows down without a
    gap, in any number of steps to any precision."""
    E = torch.eye(math.prod(shape), dtype=torch.float64).view(-1, *shape)
    while True:
        layer = make().double()
        first, second = torch.linalg.svdvals((layer(E) - layer(0 * E)).flatten(1))[:2]
        if second < 0.99 * first:
            return layer, first.detach()


@pytest.mark.parametrize(
    ("layer", "shape", "overlap"),
    [
        (partial(nn.Conv2d, 3, 5, 3, padding=1), (3, 6, 6), 3),
        (partial(nn.Conv2d, 3, 5, 4, stride=2, padding=1), (3, 6, 6), 2),
        (partial(nn.Conv2d, 2, 4, 3), (2, 5, 7), 3),
    ],
)
def test_the_stretch_of_a_convolution(layer, shape, overlap):
    layer, exact = with_a_gap(layer, shape)
    torch.testing.assert_close(stretch(layer, shape, steps=2000), exact, rtol=1e-6, atol=0)
    of_kernel = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
    assert of_kernel <= exact * (1 + 1e-9) and exact <= overlap * of_kernel * (1 + 1e-9)


def test_the_stretch_of_a_matrix_and_of_a_function():
    layer, exact = with_a_gap(partial(nn.Linear, 5, 3), (5,))
    torch.testing.assert_close(stretch(layer, (5,), steps=2000), exact)
    torch.testing.assert_close(stretch(lambda x: -2 * x + 1, (2, 3)), torch.tensor(2.0, dtype=torch.float64))


def test_the_stretch_is_never_above_the_truth_and_leaves_no_gradient():
    layer = nn.Linear(20, 20).double()
    exact = torch.linalg.matrix_norm(layer.weight, 2)
    found = [stretch(layer, (20,), steps) for steps in (1, 3, 10, 100)]
    assert all(a <= b + 1e-12 <= exact + 2e-12 for a, b in zip(found[:-1], found[1:], strict=True))
    assert layer.weight.grad is None and not found[0].requires_grad


@pytest.mark.parametrize("scale", [0.0, 1e-37, 1e-25, 1e20, 1e37])
def test_the_stretch_of_layers_whose_squares_no_float_holds(scale):
    layer = nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(scale * torch.diag(torch.tensor([3.0, -2.0, 1.0])))
    assert stretch(layer, (3,)).item() == pytest.approx(3 * scale, rel=1e-6, abs=0)


def test_the_stretch_is_that_of_the_weights_also_under_autocast():
    layer = nn.Linear(5, 5)
    alone = stretch(layer, (5,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(stretch(layer, (5,)), alone)
