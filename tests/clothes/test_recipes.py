"""Recipes: the seed of a game decides its weights."""

import pytest
import torch
from states import same, tensors

from gan_tutorial.clothes import recipes
from gan_tutorial.clothes.data import Images


@pytest.mark.parametrize("name", recipes.NETS)
def test_the_seed_decides_the_weights_and_nothing_outside(name):
    """Whatever was drawn before; and what is drawn afterwards is as if no game had been built."""
    pictures, labels = torch.zeros(10, 28, 28, dtype=torch.uint8), torch.arange(10)
    images, states = Images("ten", "", pictures, labels, pictures, labels), []
    for seed in (1, 1, 2):
        torch.rand(3)
        before = torch.get_rng_state()
        game = recipes.fashion_game(images, recipes.NETS[name], seed=seed)
        assert torch.equal(before, torch.get_rng_state())
        assert {opt.param_groups[0]["betas"] for opt in (game.g_opt, game.d_opt)} == {(0.0, 0.999)}
        states.append(game.state_dict())
    first, again, other = states
    assert same(first, again)
    for player in ("G", "D"):
        weights = zip(tensors(first[player]), tensors(other[player]), strict=True)
        assert not any(torch.equal(a, b) for a, b in weights if a.dim() > 1)
