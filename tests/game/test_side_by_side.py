"""Networks side by side: each as it would be alone."""

import pytest
import torch
from torch import nn

from gan_tutorial.game import objectives
from gan_tutorial.game.networks import SideBySide


def alone(many, j):
    """Network j of `many`, as ordinary layers."""
    layers = []
    for i, (W, b) in enumerate(zip(many.weights, many.biases, strict=True)):
        linear = nn.Linear(*W.shape[1:])
        linear.weight.data, linear.bias.data = W[j].T.clone(), b[j, 0].clone()
        layers += [many.activation] * (i > 0) + [linear]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_row_i_goes_through_network_i_mod_k(activation):
    many = SideBySide(3, [2, 8, 8, 4], activation)
    x = torch.randn(15, 2)
    y = many(x)
    assert y.shape == (15, 4)
    for j in range(3):
        torch.testing.assert_close(y[j::3], alone(many, j)(x[j::3]))


def test_networks_do_not_feel_each_other():
    many = SideBySide(3, [2, 8, 1])
    many(torch.randn(6, 2))[1::3].sum().backward()
    for w in [*many.weights, *many.biases]:
        assert (w.grad[[0, 2]] == 0).all() and (w.grad[1] != 0).any()


def test_a_gradient_penalty_sees_each_row_alone():
    many = SideBySide(3, [2, 8, 1], nn.Tanh)
    D = nn.Sequential(many, nn.Flatten(0))
    u = torch.randn(9, 2)
    norm = objectives.gradient_norm(D, u)
    for j in range(3):
        one = nn.Sequential(alone(many, j), nn.Flatten(0))
        torch.testing.assert_close(norm[j::3], objectives.gradient_norm(one, u[j::3]))


def test_starts_differ_and_have_the_size_of_linear():
    many = SideBySide(2, [100, 50, 1])
    assert not torch.equal(many.weights[0][0], many.weights[0][1])
    assert 0.09 < float(many.weights[0].abs().max()) <= 0.1


def test_rows_that_do_not_divide_are_refused():
    with pytest.raises(RuntimeError):
        SideBySide(3, [2, 8, 1])(torch.randn(7, 2))
