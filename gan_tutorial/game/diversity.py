"""Three ways to make a game see how various its samples are: packs, features of a minibatch, and looking ahead.

For networks side by side (`SideBySide`), where row i of a batch belongs to network i mod k, give that k.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gan_tutorial.game.loop import Game, apart, move
from gan_tutorial.game.objectives import Objective


def pack(x: Tensor, m: int, k: int = 1) -> Tensor:
    """m examples in a row as one, for each of k networks: vectors beside each other, pictures as channels.

    (n m k, d) -> (n k, m d);  (n m k, c, h, w) -> (n k, m c, h, w).  Raises ValueError if the batch is no n m k.
    """
    if len(x) % (m * k):
        of = f" for each of {k} networks" if k > 1 else ""
        raise ValueError(f"A batch of {len(x)} cannot be put into packs of {m}{of}; take a multiple of {m * k}.")
    packs = x.unflatten(0, (-1, m, k)).transpose(1, 2)  # (n, k, m, ...)
    return packs.flatten(0, 1).flatten(1, 2)


class Packed(nn.Module):
    """D sees m examples at once and gives the pack one score (PacGAN: Lin et al. 2018).  (n m, d) -> (n,)

    D itself takes examples that are m times as long, or have m times the channels.
    """

    def __init__(self, D: nn.Module, m: int, k: int = 1):
        super().__init__()
        self.D, self.m, self.k = D, m, k

    def forward(self, x: Tensor) -> Tensor:
        return self.D(pack(x, self.m, self.k))


def closeness(M: Tensor) -> Tensor:
    """o_ib = sum over j != i of exp(-|M_ib - M_jb|_1): how near the others are.  (..., n, B, C) -> (..., n, B)

    Between 0, where all others are far, and n - 1, where all are equal (Salimans et al. 2016, sec. 3.2).
    """
    apart = (M[..., :, None, :, :] - M[..., None, :, :, :]).abs().sum(-1)  # (..., n, n, B)
    return (-apart).exp().sum(-2) - 1  # without the example itself, which is at distance 0


class MinibatchFeatures(nn.Module):
    """Features h, and beside them `closeness` of T h within groups of a batch.  (n, n_in) -> (n, n_in + kernels)

    T is learned and turns h into `kernels` rows of `size` numbers.  A group is `group` examples in a row, so a batch
    of data and then samples does not mix the two where `group` divides both.  Raises ValueError where it does not.
    """

    def __init__(self, n_in: int, kernels: int = 8, size: int = 4, group: int = 16, k: int = 1):
        super().__init__()
        self.group, self.k, self.shape = group, k, (kernels, size)
        self.T = nn.Parameter(torch.randn(k, n_in, kernels * size) / n_in**0.5)

    def forward(self, h: Tensor) -> Tensor:
        if len(h) % (self.group * self.k):
            raise ValueError(
                f"A batch of {len(h)} cannot be parted into groups of {self.group}; take a multiple of "
                f"{self.group * self.k}."
            )
        of_each = h.unflatten(0, (-1, self.k)).transpose(0, 1)  # (k, n, n_in)
        M = torch.bmm(of_each, self.T).unflatten(2, self.shape).unflatten(1, (-1, self.group))
        o = closeness(M).flatten(1, 2).transpose(0, 1).flatten(0, 1)  # (k, groups, group, B) -> (n k, B)
        return torch.cat([h, o], dim=1)


def look_ahead(game: Game, objective: Objective, x: Tensor, fake: Tensor, steps: int, lr: float) -> dict[str, Tensor]:
    """D's weights after some gradient steps on the same x and fake, still differentiable in G.  D stays as it is.

    theta_{i+1} = theta_i - lr * grad d_loss(theta_i)  (Metz et al. 2017, eq. 6-8).
    """
    weights = {name: w for name, w in game.D.named_parameters() if w.requires_grad}
    for _ in range(steps):
        loss = objective.d_loss(*_scores(game.D, weights, x, fake))
        slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)  # differentiable again
        weights = {name: w - lr * slope for (name, w), slope in zip(weights.items(), slopes, strict=True)}
    return weights


def unrolled_loss(game: Game, objective: Objective, x: Tensor, fake: Tensor, steps: int, lr: float) -> Tensor:
    """-d_loss of the D that will be there after so many steps: what G minimises (Metz et al. 2017, eq. 9).  -> ()

    With 0 steps it is the minimax game; the more steps, the nearer to the best D, which is a divergence.
    """
    weights = look_ahead(game, objective, x, fake, steps, lr)
    return -objective.d_loss(*_scores(game.D, weights, x, fake))


def _scores(D: nn.Module, weights: dict[str, Tensor], x: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    buffers = {name: b.clone() for name, b in D.named_buffers()}  # spectral norm, say, changes its own
    return apart(functional_call(D, buffers | weights, torch.cat([x, fake])), len(x), len(fake))


def unrolled_g_move(game: Game, objective: Objective, n: int, steps: int, lr: float) -> Tensor:
    """G's move against the D to come, on n data and as many samples; its loss ().  D does not move."""
    x = game.data(n)[0]
    fake = game.G(game.latent(len(x)).clone())  # G may change what it is given
    loss = unrolled_loss(game, objective, x, fake, steps, lr)
    move(game.g_opt, loss)
    return loss.detach()
