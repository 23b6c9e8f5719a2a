"""Recipes: networks and step sizes with which each objective trains on 28x28 pictures within minutes on two cores."""

from dataclasses import dataclass, replace

import torch
from torch import nn

from gan_tutorial.clothes.data import Images
from gan_tutorial.game import Game, objectives
from gan_tutorial.game.networks import LATENT, ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator
from gan_tutorial.truth.densities import Latent


@dataclass(frozen=True)
class Nets:
    """A generator and a discriminator that fit each other, and the step size of Adam and the batch that suit them."""

    G: type[nn.Module]
    D: type[nn.Module]
    lr: float
    batch: int
    smallest_batch: int  # batch norm has no spread to divide by in a batch of one number per feature
    memory: int  # bytes per picture that D(G(z)) keeps for its gradient: the least that a step needs


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
    "r1": replace(objectives.r1, penalty=objectives.on_part(objectives.r1_penalty(0.1), 4)),
    "wgan_gp": replace(objectives.wgan_gp, penalty=objectives.on_part(objectives.gradient_penalty(10.0), 4)),
}
"""What the objective becomes, with one move of D in a step, where a minute on two cores is all there is: the penalty on
a quarter of each batch, and R1 with a tenth of its weight (benchmarks/README.md, quality per second)."""


def fashion_game(
    images: Images, nets: Nets = conv, *, lr: float | None = None, beta2: float = 0.999, seed: int = 0
) -> Game:
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
    return Game.with_adam(G, D, images.sampler(), latent, d_lr=lr, g_lr=lr, betas=(0.0, beta2), seed=seed)
