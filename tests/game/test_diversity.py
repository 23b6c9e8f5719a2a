"""Packs, minibatch features and the unrolled step, against loops by hand, finite differences and plain training."""

import pytest
import torch
from torch import nn

from gan_tutorial.game import Game, objectives
from gan_tutorial.game.diversity import (
    MinibatchFeatures,
    Packed,
    closeness,
    look_ahead,
    pack,
    unrolled_g_move,
    unrolled_loss,
)
from gan_tutorial.game.networks import SideBySide
from gan_tutorial.truth.densities import Ring, as_data


def game(seed=0):
    torch.manual_seed(seed)
    G = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)).double()
    D = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0)).double()
    data = as_data(Ring())
    return Game.with_adam(G, D, lambda n: (data(n)[0].double(),), lambda n: torch.randn(n, 2).double())


def test_pack_puts_examples_of_one_network_together():
    x = torch.arange(12.0).view(12, 1)  # row i belongs to network i mod 2
    assert pack(x, 3, k=2).tolist() == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9, 11]]
    assert pack(x, 2).tolist() == x.view(6, 2).tolist()


def test_pack_of_pictures_stacks_channels():
    x = torch.randn(4, 2, 3, 3)
    assert torch.equal(pack(x, 2)[1], torch.cat([x[2], x[3]]))


def test_pack_says_what_it_needs():
    with pytest.raises(ValueError, match="a multiple of 6"):
        pack(torch.zeros(10, 1), 3, k=2)


def test_packed_side_by_side_is_each_alone():
    torch.manual_seed(0)
    side = SideBySide(2, [4, 5, 1])
    x = torch.randn(8, 2)
    both = Packed(side, 2, k=2)(x).view(-1, 2)
    for i in range(2):
        alone = x[i::2].reshape(2, 4)
        h = torch.relu(alone @ side.weights[0][i] + side.biases[0][i])
        torch.testing.assert_close(both[:, i], (h @ side.weights[1][i] + side.biases[1][i])[:, 0])


def test_closeness_by_a_loop():
    M = torch.randn(5, 3, 2, dtype=torch.float64)
    for i in range(5):
        for b in range(3):
            by_hand = sum(torch.exp(-(M[i, b] - M[j, b]).abs().sum()) for j in range(5) if j != i)
            torch.testing.assert_close(closeness(M)[i, b], by_hand)


def test_closeness_of_equal_and_of_far_examples():
    assert torch.equal(closeness(torch.ones(7, 2, 3)), torch.full((7, 2), 6.0))
    far = 1000 * torch.arange(7.0)[:, None, None].expand(7, 2, 3)
    assert closeness(far).abs().max() == 0


def test_features_do_not_mix_groups_nor_networks():
    torch.manual_seed(0)
    layer = MinibatchFeatures(3, kernels=2, size=2, group=4, k=2)
    h = torch.randn(16, 3)  # two groups of four for each of two networks
    before, other = layer(h), h.clone()
    other[0] += 1  # network 0, first group: rows 0, 2, 4, 6
    changed = (layer(other) != before).any(1)
    assert changed.nonzero().flatten().tolist() == [0, 2, 4, 6]
    assert torch.equal(before[:, :3], h)
    with pytest.raises(ValueError, match="a multiple of 8"):
        layer(h[:12])


def test_no_look_ahead_is_the_minimax_game():
    one = game()
    x, fake = one.data(32)[0], one.G(one.latent(32))
    plain = -objectives.minimax.d_loss(one.D(x), one.D(fake))
    ahead = unrolled_loss(one, objectives.minimax, x, fake, 0, 0.1)
    slopes = [torch.autograd.grad(loss, one.G[0].weight, retain_graph=True)[0] for loss in (plain, ahead)]
    torch.testing.assert_close(*slopes)


def test_looking_ahead_is_what_plain_steps_do():
    one = game()
    x, fake = one.data(32)[0], one.G(one.latent(32)).detach()
    weights = look_ahead(one, objectives.minimax, x, fake, 3, 0.1)
    before = {name: w.clone() for name, w in one.D.named_parameters()}
    opt = torch.optim.SGD(one.D.parameters(), lr=0.1)
    for name, w in one.D.named_parameters():
        assert torch.equal(w, before[name])
    for _ in range(3):
        opt.zero_grad()
        objectives.minimax.d_loss(one.D(x), one.D(fake)).backward()
        opt.step()
    for name, w in one.D.named_parameters():
        torch.testing.assert_close(weights[name], w)


def test_looking_ahead_moves_no_layer_that_is_frozen_nor_anything_of_d():
    one = game()
    one.D[0].requires_grad_(False)
    nn.utils.parametrizations.spectral_norm(one.D[2])
    before = one.state_dict()["D"]
    weights = look_ahead(one, objectives.minimax, one.data(32)[0], one.G(one.latent(32)).detach(), 3, 0.1)
    assert set(weights) == {"2.bias", "2.parametrizations.weight.original"}
    assert all(torch.equal(w, before[name]) for name, w in one.D.state_dict().items())


@pytest.mark.parametrize("steps", [1, 5])
def test_the_gradient_through_the_steps_by_finite_differences(steps):
    one = game()
    x, z = one.data(32)[0], one.latent(32)

    def loss():
        return unrolled_loss(one, objectives.minimax, x, one.G(z), steps, 0.5)

    (slope,) = torch.autograd.grad(loss(), one.G[2].bias)
    for i in range(2):
        ends = []
        for h in (1e-5, -1e-5):
            with torch.no_grad():
                one.G[2].bias[i] += h
            ends.append(loss().item())
            with torch.no_grad():
                one.G[2].bias[i] -= h
        assert abs((ends[0] - ends[1]) / 2e-5 - float(slope[i])) < 1e-7


def test_the_move_moves_g_alone():
    one = game()
    before = one.state_dict()
    unrolled_g_move(one, objectives.minimax, 16, 2, 0.1)
    assert all(torch.equal(w, before["D"][name]) for name, w in one.D.state_dict().items())
    assert any(not torch.equal(w, before["G"][name]) for name, w in one.G.state_dict().items())
    assert all(w.grad is None for w in one.D.parameters())


@pytest.mark.parametrize("m", [1, 5])
def test_data_and_samples_of_unequal_number_keep_their_scores(m):
    """Also in packs of m.  log(1 + e^-5) is what a score of 5 costs, if it is known for that of data."""
    torch.manual_seed(0)
    one = game()
    if m > 1:
        one.D = Packed(nn.Sequential(nn.Linear(2 * m, 1), nn.Flatten(0)).double(), m)
    x, fake = torch.full((10, 2), 5.0).double(), torch.full((30, 2), -5.0).double()
    expected = -objectives.non_saturating.d_loss(one.D(x), one.D(fake))
    torch.testing.assert_close(unrolled_loss(one, objectives.non_saturating, x, fake, 0, 0.1), expected)
    weights = look_ahead(one, objectives.non_saturating, x, fake, 1, 0.1)
    slopes = torch.autograd.grad(-expected, list(one.D.parameters()))
    for (name, w), slope in zip(one.D.named_parameters(), slopes, strict=True):
        torch.testing.assert_close(weights[name], w - 0.1 * slope)


def test_a_pack_of_data_and_samples_is_refused():
    one = game()
    one.D = Packed(nn.Sequential(nn.Linear(4, 1), nn.Flatten(0)).double(), 2)
    x = torch.zeros(3, 2).double()
    with pytest.raises(ValueError, match="one score to each row"):
        unrolled_loss(one, objectives.minimax, x, x, 0, 0.1)


def test_a_smaller_batch_of_data_meets_as_many_samples():
    one, asked = game(), []
    data, latent = one.data, one.latent
    one.data, one.latent = lambda n: data(10), lambda n: asked.append(n) or latent(n)
    unrolled_g_move(one, objectives.minimax, 16, 1, 0.1)
    assert asked == [10]
