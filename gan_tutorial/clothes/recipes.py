"""Recipes: networks and step sizes with which each objective trains on 28x28 pictures within minutes on two cores."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from gan_tutorial.clothes.data import Images
from gan_tutorial.game import Game
from gan_tutorial.game.networks import LATENT, ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator
from gan_tutorial.game.objectives import OBJECTIVES, on_part
from gan_tutorial.truth.densities import Latent


@dataclass(frozen=True)
class Nets:
    """A generator and a discriminator that fit each other, and what suits them: Adam's step size, batch, average."""

    G: Callable[[], nn.Module]
    D: Callable[[], nn.Module]
    lr: float
    batch: int
    smallest_batch: int  # batch norm has no spread to divide by in a batch of one number per feature
    memory: int  # bytes per picture that D(G(z)) keeps for its gradient: the least that a step needs
    ema_decay: float = 0.999


conv = Nets(ConvGenerator, ConvDiscriminator, lr=2e-3, batch=32, smallest_batch=1, memory=81_792)
mlp = Nets(MLPGenerator, MLPDiscriminator, lr=5e-4, batch=64, smallest_batch=2, memory=15_680)

NETS = {"conv": conv, "mlp": mlp}
"""By name, for the command line."""

CRITIC_STEPS = {"wgan": 5, "wgan_gp": 5, "wgan_lp": 5}
"""Moves of D in a step, where it is not 1: a critic has to be near its best before G may follow it."""

STEEP = {"max_likelihood", "kl", "reverse_kl", "neyman", "squared_hellinger", "jeffreys"}
"""Objectives with an exponential of the score in a loss: all get a smaller step size, as a precaution.  At the step
size of the others KL was lost to huge steps with each of eight seeds; reverse KL, Neyman, squared Hellinger and
Jeffreys with none that was tried (notebook 06, 200 steps each)."""

QUICK = {
    name: replace(objective, penalty=on_part(objective.penalty, 4))
    for name, objective in OBJECTIVES.items()
    if objective.penalty
}
"""What becomes of an objective where a minute on two cores is all there is: its penalty is taken on a quarter of each
batch, and D makes one move in a step (benchmarks/README.md, quality per second)."""

QUICK_NETS = NETS | {
    "conv": replace(conv, D=partial(ConvDiscriminator, deep=True), memory=89_984, ema_decay=0.995),
}
"""The networks that go with them: a D with one more layer, which is better with a penalty and worse without; and so few
steps are made that an average over the last thousand is behind."""


def fashion_game(images: Images, nets: Nets = conv, *, lr: float | None = None, seed: int = 0) -> Game:
    """A game on 28x28 pictures, on the device that holds them: `nets`, Adam with beta1 = 0, latents N(0, I).

    The seed fixes the weights and every later random number. Momentum (beta1) is 0: the player's target moves, so an
    old gradient points to where it was.
    """
    device = images.train_images.device
    lr = nets.lr if lr is None else lr
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        G, D = nets.G().to(device), nets.D().to(device)
    latent = Latent(LATENT, device=device)
    rates = {"d_lr": lr, "g_lr": lr, "betas": (0.0, 0.999), "ema_decay": nets.ema_decay}
    return Game.with_adam(G, D, images.sampler(), latent, **rates, seed=seed)
