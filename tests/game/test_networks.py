"""Networks: what a score may be, where pictures end, what batch norm does, what a label is for."""

from functools import partial

import pytest
import torch
from torch import nn

from gan_tutorial.game.networks import (
    LATENT,
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
    PointDiscriminator,
)

DEEP = partial(ConvDiscriminator, deep=True)


@pytest.mark.parametrize("make", [PointDiscriminator, MLPDiscriminator, ConvDiscriminator, DEEP])
def test_a_score_is_any_real_number(make):
    """With the last layer's weights a thousandfold the score is a thousandfold: nothing squashes it."""
    torch.manual_seed(0)
    D = make()
    points = make is PointDiscriminator
    x, last = torch.randn(6, *((2,) if points else (1, 28, 28))), D.net[-1] if points else D.score
    with torch.no_grad():
        score = D(x)
        for w in last.parameters():
            w.mul_(1000)
        assert score.shape == (6,)
        torch.testing.assert_close(D(x), 1000 * score, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("make", [MLPGenerator, ConvGenerator])
def test_pictures_reach_black_and_white(make):
    """-1 and 1, as the data do: a last layer with large weights leaves nothing grey."""
    torch.manual_seed(0)
    G = make()
    last = [module for module in G.modules() if isinstance(module, nn.Linear | nn.Conv2d)][-1]
    with torch.no_grad():
        last.weight.mul_(1000)
        x = G(torch.randn(8, LATENT))
    assert x.min() < -0.999 and x.max() > 0.999 and (x.abs() > 0.9).float().mean() > 0.9


@pytest.mark.parametrize("make", [MLPGenerator, ConvGenerator])
def test_batch_norm_makes_the_spread_one(make):
    torch.manual_seed(0)
    G, found = make(), []
    for module in G.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.register_forward_hook(lambda module, inputs, h: found.append(h.transpose(0, 1).flatten(1)))
    G(torch.randn(64, LATENT))
    assert len(found) == 2
    for feature in found:  # (features, all their values)
        assert feature.mean(1).abs().max() < 1e-4
        torch.testing.assert_close(feature.std(1, correction=0), torch.ones(len(feature)), rtol=0, atol=5e-3)


@pytest.mark.parametrize("make", [MLPDiscriminator, ConvDiscriminator, DEEP])
def test_a_label_is_judged_together_with_the_picture(make):
    """Projection: another label moves the score by an inner product with the features, not by a number of its own."""
    torch.manual_seed(0)
    D, x = make(n_classes=3), torch.randn(5, 1, 28, 28)
    with torch.no_grad():
        moved = D(x, torch.full((5,), 2)) - D(x, torch.full((5,), 1))
        way = D.by_class.weight[2] - D.by_class.weight[1]
        torch.testing.assert_close(moved, D.features(x) @ way, rtol=1e-4, atol=1e-4)
    assert moved.std() > 1e-2  # which of two pictures fits a label better is for the label to say


@pytest.mark.parametrize("make", [MLPGenerator, ConvGenerator, MLPDiscriminator, ConvDiscriminator])
@pytest.mark.parametrize("shapes", [[], [(1,)], [(4, 1)], [()], [(4,), (4,)]])
def test_labels_of_another_shape_are_refused(make, shapes):
    """One label for four pictures, or four rows of one, would be paired with each picture."""
    net, labels = make(n_classes=3), [torch.zeros(shape, dtype=torch.int64) for shape in shapes]
    inputs = torch.randn(4, LATENT) if make in (MLPGenerator, ConvGenerator) else torch.randn(4, 1, 28, 28)
    with pytest.raises(ValueError, match=r"one label for each example, a tensor \(4,\), but got"):
        net(inputs, *labels)
