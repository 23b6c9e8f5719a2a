"""The classifier whose features the score is computed in: a small network that we trained ourselves on FashionMNIST.

It has seen the first 50,000 training images only.  The last 10,000 are held out for choosing settings, the test images
for reporting.  `python -m gan_tutorial.clothes.classifier` trains it again (two minutes on two cores) and says its
accuracy on both.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gan_tutorial.clothes.data import Images, fashion_mnist, to_unit

WEIGHTS = Path(__file__).with_name("classifier.pt")
SHA256 = "f7d10288f567969a70f29885bd0ddbdf965d7474ff52a11aa87ef4dc5ed2bc03"
TEST_ACCURACY = 0.9167
"""Of the stored weights, on the 10,000 test images."""
SEEN = 50_000  # training images from the first on; those after are held out


class Classifier(nn.Module):
    """28x28 -> 14x14 -> 7x7 -> 64 features -> 10 classes.  (n, 1, 28, 28) in [-1, 1] -> (n, 10) logits"""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_layer(1, 32),
            nn.MaxPool2d(2),
            *_layer(32, 64),
            nn.MaxPool2d(2),
            *_layer(64, 64),
            *_layer(64, 64),
        )
        self.head = nn.Linear(64, 10)

    def features(self, x: Tensor) -> Tensor:
        """What the last layer sees: 64 numbers, none negative.  (n, 1, 28, 28) -> (n, 64)"""
        return self.body(x).mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def _layer(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()


def load(device: str | torch.device = "cpu") -> Classifier:
    """The trained classifier, to do with as you like: `score` measures by one of its own.

    Raises ValueError if the file of weights is not the one that belongs to this version.
    """
    stored = WEIGHTS.read_bytes()
    if hashlib.sha256(stored).hexdigest() != SHA256:
        raise ValueError(f"{WEIGHTS} is damaged or of another version, so scores would mean nothing; install again.")
    net = Classifier()
    # assigned, they stay float32 where torch's default type is another
    net.load_state_dict(torch.load(io.BytesIO(stored), weights_only=True), assign=True)
    net = net.requires_grad_(False).eval()
    return net.to(device, memory_format=torch.channels_last)  # in which convolutions are faster


@torch.no_grad()
def accuracy(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images (n, 28, 28) uint8 whose label `net` finds."""
    parts = zip(images.split(1000), labels.split(1000), strict=True)
    right = [net(to_unit(x)).argmax(1).eq(y).sum() for x, y in parts]
    return float(sum(right)) / len(labels)


def fit(images: Images, epochs: int = 6, batch_size: int = 128, seed: int = 0) -> Classifier:
    """A new classifier, trained on the first `SEEN` images, each mirrored at random: clothes have no handedness."""
    torch.manual_seed(seed)
    net = Classifier().to(images.train_images.device)
    x_all, y_all = images.train_images[:SEEN], images.train_labels[:SEEN]
    steps = epochs * (len(x_all) // batch_size)
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x_all), device=x_all.device).split(batch_size)[: len(x_all) // batch_size]:
            x = to_unit(x_all[rows])
            x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(3), x)
            optimiser.zero_grad()
            cross_entropy(net(x), y_all[rows]).backward()
            optimiser.step()
            schedule.step()
    return _in_percent(net.eval(), x_all)


@torch.no_grad()
def _in_percent(net: Classifier, images: Tensor) -> Classifier:
    """The same classifier with its features in a unit with a meaning: their variances over the data sum to 100."""
    features = torch.cat([net.features(to_unit(x)) for x in images.split(1000)])
    scale = (100 / features.var(dim=0).sum()).sqrt()
    norm = net.body[-2]  # before the last ReLU, which lets a positive factor through
    norm.weight.mul_(scale)
    norm.bias.mul_(scale)
    net.head.weight.div_(scale)
    return net


if __name__ == "__main__":
    images = fashion_mnist()
    net = fit(images)
    torch.save(net.state_dict(), WEIGHTS)
    held_out = accuracy(net, images.train_images[SEEN:], images.train_labels[SEEN:])
    test = accuracy(net, images.test_images, images.test_labels)
    print(f"accuracy: held out {held_out:.2%}, test {test:.2%}")
    print(f'SHA256 = "{hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()}"')
