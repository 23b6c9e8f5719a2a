"""Networks: small generators and discriminators for 28x28 pictures, and MLPs for points.

G: (n, latent), [labels (n,)] -> (n, 1, 28, 28) in [-1, 1].
D: (n, 1, 28, 28), [labels (n,)] -> score (n,), any real number.
No D uses batch normalisation: a gradient penalty needs a D that scores each example by itself.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

LATENT = 64  # numbers of noise per picture
WIDTH = 16  # channels of the convolutional networks


def mlp(sizes: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU, norm: bool = False) -> nn.Sequential:
    """Linear layers with `activation` between them, after batch norm if `norm`.  (n, sizes[0]) -> (n, sizes[-1])"""
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers += [nn.Linear(n_in, n_out), *([nn.BatchNorm1d(n_out)] if norm else []), activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class SideBySide(nn.Module):
    """k separate MLPs in one: row i of a batch goes through network i mod k.  (n k, sizes[0]) -> (n k, sizes[-1])

    So k seeds train in little more time than one. No weight is shared, and each network starts as `mlp` would. Give it
    n k rows; a loss that is a mean over rows gives each network 1/k of its own gradient, which Adam does not feel.
    """

    def __init__(self, k: int, sizes: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU):
        super().__init__()
        self.k, self.activation = k, activation()
        layers = [[nn.Linear(i, o) for _ in range(k)] for i, o in zip(sizes[:-1], sizes[1:], strict=True)]
        self.weights = nn.ParameterList([torch.stack([one.weight.detach().T for one in layer]) for layer in layers])
        self.biases = nn.ParameterList([torch.stack([one.bias.detach()[None] for one in layer]) for layer in layers])

    def forward(self, x: Tensor) -> Tensor:
        h = x.unflatten(0, (-1, self.k)).transpose(0, 1)  # one batch for each network: (k, n, sizes[0])
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(b, self.activation(h) if i else h, W)
        return h.transpose(0, 1).flatten(0, 1)


class PointDiscriminator(nn.Module):
    """An MLP's score of points.  (n, dim) -> (n,)"""

    def __init__(self, dim: int = 2, hidden: Sequence[int] = (64, 64), activation: Callable[[], nn.Module] = nn.Tanh):
        super().__init__()
        self.net = mlp([dim, *hidden, 1], activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).squeeze(-1)


class NoisyInput(nn.Module):
    """D behind noise: whatever it is shown, data or sample, gets N(0, sd^2) on top (instance noise)."""

    def __init__(self, D: nn.Module, sd: float):
        super().__init__()
        self.D, self.sd = D, sd

    def forward(self, x: Tensor, *labels: Tensor) -> Tensor:
        return self.D(x + self.sd * torch.randn_like(x) if self.sd else x, *labels)


class _Generator(nn.Module):
    """What both generators share: a label, if there are classes, is appended to the latent as a one-hot vector."""

    def __init__(self, latent: int, n_classes: int, body: Callable[[int], nn.Module]):
        super().__init__()
        self.n_classes = n_classes
        self.body = body(latent + n_classes)

    def forward(self, z: Tensor, *labels: Tensor) -> Tensor:
        if self.n_classes:
            z = torch.cat([z, one_hot(self.n_classes, _label(len(z), labels)).to(z.dtype)], dim=1)
        return self.body(z)


class _Discriminator(nn.Module):
    """What both discriminators share: score = w.features + b, plus v(label).features if there are classes.

    The second term is the projection discriminator (Miyato & Koyama 2018, eq. 3).
    """

    def __init__(self, features: nn.Module, n_features: int, n_classes: int):
        super().__init__()
        self.features = features
        self.score = nn.Linear(n_features, 1)
        self.by_class = nn.Embedding(n_classes, n_features) if n_classes else None

    def forward(self, x: Tensor, *labels: Tensor) -> Tensor:
        h = self.features(x)  # (n, n_features)
        score = self.score(h).squeeze(1)  # (n,)
        if self.by_class is not None:
            label = _label(len(h), labels)
            score = score + (self.by_class(label) * h).sum(dim=1)
        return score


def _label(n: int, labels: Sequence[Tensor]) -> Tensor:
    """The label of each of n examples (n,); ValueError if it is not there, or of another shape."""
    if [t.shape for t in labels] != [(n,)]:
        shapes = " and ".join(str(tuple(t.shape)) for t in labels) or "none"
        raise ValueError(f"A network with classes needs one label for each example, a tensor ({n},), but got {shapes}.")
    return labels[0]


def one_hot(n_classes: int, label: Tensor) -> Tensor:
    """(n,) integers -> (n, n_classes) floats, one 1 per row."""
    return nn.functional.one_hot(label, n_classes).float()


class MLPGenerator(_Generator):
    """latent -> 256 -> 512 -> 28x28, batch norm and ReLU between, tanh at the end."""

    def __init__(self, latent: int = LATENT, hidden: Sequence[int] = (256, 512), n_classes: int = 0):
        super().__init__(
            latent,
            n_classes,
            lambda n_in: nn.Sequential(
                mlp([n_in, *hidden, 784], norm=True),
                nn.Tanh(),
                nn.Unflatten(1, (1, 28, 28)),
            ),
        )


class MLPDiscriminator(_Discriminator):
    """28x28 -> 512 -> 256 -> score, leaky ReLU between."""

    def __init__(self, hidden: Sequence[int] = (512, 256), n_classes: int = 0):
        features = nn.Sequential(nn.Flatten(), mlp([784, *hidden], _leaky), _leaky())
        super().__init__(features, hidden[-1], n_classes)


class Maps(nn.Module):
    """Vectors as feature maps, channels last in memory, as convolutions are fastest.  (n, s s c) -> (n, c, s, s)"""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, h: Tensor) -> Tensor:
        return h.unflatten(1, (self.size, self.size, -1)).permute(0, 3, 1, 2)  # moves nothing in memory


class Features(nn.Module):
    """Feature maps as vectors, the inverse of `Maps`.  (n, c, s, s) -> (n, s s c)"""

    def forward(self, h: Tensor) -> Tensor:
        return h.permute(0, 2, 3, 1).flatten(1)


class ConvGenerator(_Generator):
    """latent -> 7x7 -> 14x14 -> 28x28; the last doubling rearranges channels (PixelShuffle): fast on a CPU."""

    def __init__(self, latent: int = LATENT, width: int = WIDTH, n_classes: int = 0):
        super().__init__(
            latent,
            n_classes,
            lambda n_in: nn.Sequential(
                nn.Linear(n_in, 2 * width * 49),
                Maps(7),
                nn.BatchNorm2d(2 * width),
                nn.ReLU(),
                nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),  # 7x7 -> 14x14
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.Conv2d(width, 4, 3, padding=1),
                nn.PixelShuffle(2),  # 4 channels of 14x14 -> 1 of 28x28
                nn.Tanh(),
            ),
        )
        self.to(memory_format=torch.channels_last)


class ConvDiscriminator(_Discriminator):
    """28x28 -> 14x14 -> 7x7, then 4x4 if `deep`, -> score; the first halving makes 4 channels of a 2x2 block."""

    def __init__(self, width: int = WIDTH, n_classes: int = 0, deep: bool = False):
        deeper = (nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), _leaky()) if deep else ()  # 7x7 -> 4x4
        features = nn.Sequential(
            nn.PixelUnshuffle(2),  # 1 channel of 28x28 -> 4 of 14x14
            nn.Conv2d(4, width, 3, padding=1),
            _leaky(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # 14x14 -> 7x7
            _leaky(),
            *deeper,
            Features(),
        )
        super().__init__(features, 4 * width * 16 if deep else 2 * width * 49, n_classes)
        self.to(memory_format=torch.channels_last)


def _leaky() -> nn.Module:
    return nn.LeakyReLU(0.2)


def count_weights(net: nn.Module) -> int:
    """How many numbers training adjusts in `net`."""
    return sum(w.numel() for w in net.parameters())
