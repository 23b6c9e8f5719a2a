"""A textbook loop: what a good tutorial shows today, written plainly, to compare `gan_tutorial.game.train` with.

A DataLoader with torchvision's transforms, BCELoss on sigmoids or its Wasserstein twin, optimisers with their default
settings, `detach`, `.item()` each step; networks of torch's own layers.  Both loops make the same updates: a test feeds
them the same batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, Dataset

from gan_tutorial.clothes import files

try:
    from torchvision import datasets, transforms
except ModuleNotFoundError:
    datasets = None

DATA = "torchvision" if datasets else "plain, without torchvision"
Z = 64  # numbers of noise per picture


class Pictures(Dataset):
    """What torchvision's data set and transforms give, for a machine without it: the same numbers, in less time."""

    def __init__(self, folder: Path):
        read = files.read(folder)
        self.images, self.labels = read["train_images"], read["train_labels"]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.images[i].unsqueeze(0).float().div(255).sub_(0.5).div_(0.5), int(self.labels[i])


def loader(folder: Path, batch_size: int) -> DataLoader:
    """FashionMNIST as most tutorials load it: floats in [-1, 1], shuffled, one picture at a time."""
    if datasets:
        to_float = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
        dataset = datasets.FashionMNIST(folder, train=True, transform=to_float)
    else:
        dataset = Pictures(folder)
    return DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=True)


def batches(folder: Path, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """Pictures without end, epoch after epoch."""
    while True:
        for x, _ in loader(folder, batch_size):
            yield x.to(device)


def ring(batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """Points of eight narrow Gaussians on a circle, without end."""
    while True:
        angle = 2 * math.pi * torch.randint(8, (batch_size,), device=device) / 8
        centers = 2 * torch.stack([angle.cos(), angle.sin()], dim=1)
        yield centers + 0.02 * torch.randn(batch_size, 2, device=device)


def mlp_generator(hidden: Sequence[int] = (256, 512)) -> nn.Module:
    return nn.Sequential(
        nn.Linear(Z, hidden[0]),
        nn.BatchNorm1d(hidden[0]),
        nn.ReLU(),
        nn.Linear(hidden[0], hidden[1]),
        nn.BatchNorm1d(hidden[1]),
        nn.ReLU(),
        nn.Linear(hidden[1], 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )


def mlp_discriminator(hidden: Sequence[int] = (512, 256)) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, hidden[0]),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden[0], hidden[1]),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden[1], 1),
        nn.Flatten(0),
    )


def conv_generator() -> nn.Module:
    return nn.Sequential(
        nn.Linear(Z, 32 * 7 * 7),
        nn.Unflatten(1, (32, 7, 7)),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 4, 3, padding=1),
        nn.PixelShuffle(2),
        nn.Tanh(),
    )


def conv_discriminator() -> nn.Module:
    return nn.Sequential(
        nn.PixelUnshuffle(2),
        nn.Conv2d(4, 16, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 1),
        nn.Flatten(0),
    )


def points(outputs: int) -> list[nn.Module]:
    return [
        nn.Linear(2, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, outputs),
    ]


def point_generator() -> nn.Module:
    return nn.Sequential(*points(2))


def point_discriminator() -> nn.Module:
    return nn.Sequential(*points(1), nn.Flatten(0))


class BCE:
    """The vanilla GAN: D tells real from fake, G wants its samples to be called real."""

    def __init__(self, G: nn.Module, D: nn.Module, g_opt: optim.Optimizer, d_opt: optim.Optimizer):
        self.G, self.D, self.g_opt, self.d_opt = G, D, g_opt, d_opt
        self.criterion = nn.BCELoss()

    def d_step(self, x: Tensor, z: Tensor) -> float:
        real, fake = torch.ones(len(x), device=x.device), torch.zeros(len(x), device=x.device)
        self.d_opt.zero_grad()
        real_loss = self.criterion(torch.sigmoid(self.D(x)), real)
        fake_loss = self.criterion(torch.sigmoid(self.D(self.G(z).detach())), fake)
        loss = real_loss + fake_loss
        loss.backward()
        self.d_opt.step()
        return loss.item()

    def g_step(self, z: Tensor) -> float:
        self.g_opt.zero_grad()
        loss = self.criterion(torch.sigmoid(self.D(self.G(z))), torch.ones(len(z), device=z.device))
        loss.backward()
        self.g_opt.step()
        return loss.item()


class Wasserstein(BCE):
    """The Wasserstein GAN: a critic's mean scores, and after each of its steps its weights are clipped to [-c, c]."""

    clip = 0.01

    def d_step(self, x: Tensor, z: Tensor) -> float:
        self.d_opt.zero_grad()
        fake = self.G(z).detach()
        loss = -self.D(x).mean() + self.D(fake).mean() + self.penalty(x, fake)
        loss.backward()
        self.d_opt.step()
        self.constrain()
        return loss.item()

    def g_step(self, z: Tensor) -> float:
        self.g_opt.zero_grad()
        loss = -self.D(self.G(z)).mean()
        loss.backward()
        self.g_opt.step()
        return loss.item()

    def penalty(self, x: Tensor, fake: Tensor) -> Tensor | float:
        return 0.0

    def constrain(self) -> None:
        for p in self.D.parameters():
            p.data.clamp_(-self.clip, self.clip)


class GradientPenalty(Wasserstein):
    """The same with a penalty on the critic's slope in place of clipping."""

    weight = 10.0

    def penalty(self, x: Tensor, fake: Tensor) -> Tensor:
        alpha = torch.rand(len(x), 1, 1, 1, device=x.device)
        between = (x + alpha * (fake - x)).requires_grad_(True)
        scores = self.D(between)
        (gradients,) = torch.autograd.grad(
            scores, between, grad_outputs=torch.ones_like(scores), create_graph=True, retain_graph=True
        )
        return self.weight * ((gradients.view(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()

    def constrain(self) -> None:
        pass


def train(loop: BCE, data: Iterator[Tensor], steps: int, d_steps: int, z: int = Z) -> list[tuple[float, float]]:
    """`d_steps` steps of D on fresh pictures, then one of G; both losses of each."""
    history = []
    for _ in range(steps):
        for _ in range(d_steps):
            x = next(data)
            d_loss = loop.d_step(x, torch.randn(len(x), z, device=x.device))
        g_loss = loop.g_step(torch.randn(len(x), z, device=x.device))
        history.append((d_loss, g_loss))
    return history
