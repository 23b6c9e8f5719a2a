"""Notebook 10: one trick at a time, on a small GAN that trains in seconds; eight seeds each, paired by the seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrizations import spectral_norm

from gan_tutorial.clothes import classifier, score
from gan_tutorial.clothes.data import Images, fashion_mnist, to_uint8, to_unit
from gan_tutorial.game import Game, g_move, objectives, products, train
from gan_tutorial.game.loop import average_move, average_weight, move
from gan_tutorial.game.networks import MLPDiscriminator, MLPGenerator, mlp
from gan_tutorial.game.norms import ReferenceNorm, VirtualNorm, WithReference
from gan_tutorial.game.objectives import Objective, non_saturating
from gan_tutorial.truth.densities import Latent
from recordings.plan import Setting

SEEDS = 8
SAMPLES = 2_500  # for each FFD
SHOWN = 20  # samples that are kept, of the first two seeds
LATENT = 64


# ---- Networks ---------------------------------------------------------------------------------------------------


def generator(norm: Callable[[int], nn.Module]) -> nn.Sequential:
    """64 -> 128 -> 256 -> 28x28, `norm` and ReLU between.  (n, 64) -> (n, 1, 28, 28)"""
    return nn.Sequential(
        *(nn.Linear(LATENT, 128), norm(128), nn.ReLU(), nn.Linear(128, 256), norm(256), nn.ReLU()),
        *(nn.Linear(256, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))),
    )


def batch_norm() -> nn.Module:
    return generator(nn.BatchNorm1d)


def no_norm() -> nn.Module:
    return generator(lambda channels: nn.Identity())


def referred(layer: type[ReferenceNorm], m: int) -> nn.Module:
    """A generator with reference or virtual norm, and m latents of reference."""
    return WithReference(generator(lambda channels: layer(m, channels)), torch.randn(m, LATENT))


def discriminator(*hidden: int) -> nn.Module:
    return MLPDiscriminator(hidden=hidden)


def with_spectral_norm() -> nn.Module:
    """D with each layer divided by its largest stretch (Miyato et al. 2018)."""
    D = discriminator(256, 128)
    for layer in [*D.modules()]:
        if isinstance(layer, nn.Linear):
            spectral_norm(layer)
    return D


class Classes(nn.Module):
    """Logits of ten classes of data; score = log of the sum of their exponentials, so sigma(score) = Z / (Z + 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), mlp([784, 256, 128, 10], lambda: nn.LeakyReLU(0.2)))

    def answers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and logits.  (n, 1, 28, 28) -> (n,), (n, 10)"""
        logits = self.net(x)
        return logits.logsumexp(dim=1), logits

    def forward(self, x: Tensor) -> Tensor:
        return self.answers(x)[0]


class OwnHead(Classes):
    """D as usual, and ten logits from the same features, beside its score."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.D, self.head = discriminator(256, 128), nn.Linear(128, 10)

    def answers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.D.features(x)
        return self.D.score(h).squeeze(1), self.head(h)


# ---- What is changed ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trick:
    """Everything about a training; a trick is one thing that is not as usual."""

    G: Callable[[], nn.Module] = batch_norm
    D: Callable[[], nn.Module] = partial(discriminator, 256, 128)
    objective: Objective = non_saturating
    g_lr: float = 2e-3
    d_lr: float = 2e-3
    d_steps: int = 1
    steps: int = 400
    batch_size: int = 32
    labels: bool = False  # both players get them
    luck: int = 0  # other random numbers
    more: bool = False  # what is measured of the usual training only

    @property
    def numbers(self) -> dict[str, Any]:
        """What a reader is to know of it."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.type in ("int", "float", "bool")}
        return plain | {"samples_per_ffd": SAMPLES}


def labelled(quiet: bool) -> dict[str, Any]:
    """Both players get labels; `quiet`, D's term for them starts at 0 instead of N(0, 1) for each weight."""

    def D() -> nn.Module:
        net = MLPDiscriminator((256, 128), 10)
        if quiet:
            nn.init.zeros_(net.by_class.weight)
        return net

    return {"G": lambda: MLPGenerator(LATENT, (128, 256), 10), "D": D, "labels": True}


TRICKS = {
    "as usual": Trick(more=True),
    "placebo": Trick(luck=1),
    "smoothed, one side": Trick(objective=objectives.smooth(non_saturating, 0.1)),
    "smoothed, both sides": Trick(objective=objectives.mix_labels(non_saturating, 0.1, 0.1)),
    "labels for D": Trick(D=Classes),
    "labels for both": Trick(**labelled(quiet=False)),
    "no norm": Trick(G=no_norm),
    "reference norm, 64": Trick(G=partial(referred, ReferenceNorm, 64)),
    "labels for both, quiet start": Trick(**labelled(quiet=True)),
    "labels for D, own head": Trick(D=OwnHead),
    "virtual norm, 64": Trick(G=partial(referred, VirtualNorm, 64)),
    "D's steps 4 times": Trick(d_lr=8e-3),
    "D's steps twice, G's half": Trick(d_lr=4e-3, g_lr=1e-3),
    "D a quarter as wide": Trick(D=partial(discriminator, 64, 32)),
    "spectral norm in D": Trick(D=with_spectral_norm),
    "D twice as wide": Trick(D=partial(discriminator, 512, 256)),
    "3 moves of D": Trick(d_steps=3),
}


# ---- Recording ----------------------------------------------------------------------------------------------------


def record(trick: Trick, seed: int) -> dict[str, Any]:
    """Train once.  -> FFD with and without EMA, who wins, seconds of training; pictures of the first seeds"""
    images = fashion_mnist()
    torch.manual_seed(seed + 1000 * trick.luck)
    G, D = trick.G(), trick.D()
    game = Game.with_adam(
        *(G, D, images.sampler(labels=trick.labels or isinstance(D, Classes)), Latent(LATENT)),
        **{"d_lr": trick.d_lr, "g_lr": trick.g_lr, "betas": (0.0, 0.999), "seed": seed + 1000 * trick.luck},
    )
    averaged = [b.clone() for b in G.buffers()]
    start = time.process_time()
    for _ in trained(game, trick):
        for average, now in zip(averaged, G.buffers(), strict=True):
            average.lerp_(now, average_weight(game)) if now.is_floating_point() else average.copy_(now)
    found = {"seconds": round(time.process_time() - start, 2)}
    labels = [torch.arange(SAMPLES) % 10] if trick.labels else []
    torch.manual_seed(seed)
    x = to_uint8(game.sample(SAMPLES, *labels))
    seen = score.features(x)
    found["ffd"] = distance(seen)
    shares = classifier.load().head(seen.float()).argmax(1).bincount(minlength=10) / len(seen)
    raw = game.sample(SAMPLES if trick.more else 1000, *[y[:1000] for y in labels], ema=False)
    found |= {"shares": [round(v, 4) for v in shares.tolist()]} | opinions(game, images, trick.labels, raw[:1000])
    if trick.more:
        found["without_ema"] = distance(score.features(raw))
        found |= with_other_buffers(game, averaged, seed) | evened(game, seed)
        found["floor"] = distance(score.features(*score.floor(images, SAMPLES, seed).values()))
    return found | ({"samples": x[:SHOWN].numpy()} if seed < 2 else {})


def trained(game: Game, trick: Trick) -> Iterator[None]:
    """The training, step by step; with `Classes`, D learns the classes of data as well, and G hears no label."""
    if not isinstance(game.D, Classes):
        yield from train(game, trick.objective, steps=trick.steps, batch_size=trick.batch_size, d_steps=trick.d_steps)
        return
    with products.quickest(products.wide(game.G, game.D)):
        for _ in range(trick.steps):
            x, y = game.batch(trick.batch_size)
            with torch.no_grad():
                fake = game.G(game.latent(len(x)))
            scores, logits = game.D.answers(torch.cat([x, fake]))
            loss = trick.objective.d_loss(*scores.chunk(2)) + cross_entropy(logits[: len(x)], y)
            move(game.d_opt, loss)
            g_move(game, trick.objective, len(x))
            average_move(game)
            game.step += 1
            yield


def distance(features: Tensor) -> float:
    return round(score.frechet(features, score._test_features()), 3)


def opinions(game: Game, images: Images, labelled: bool, fake: Tensor) -> dict[str, float]:
    """How often D is right about data that it trains on, about other data and about samples; its slope at these."""
    found, fake = {}, fake.clone().requires_grad_()
    y = [torch.arange(len(fake)) % 10] if labelled else []
    for name, x, labels in (
        ("right_on_data", images.train_images, images.train_labels),
        ("right_on_new_data", images.test_images, images.test_labels),
    ):
        with torch.no_grad():
            s = game.D(to_unit(x[:1000]), *([labels[:1000]] if labelled else []))
        found |= {name: float((s > 0).float().mean()), name.replace("right", "score"): float(s.mean())}
    s = game.D(fake, *y)
    (slope,) = torch.autograd.grad(s.sum(), fake)
    s = s.detach()
    found |= {"right_on_samples": float((s < 0).float().mean()), "score_on_samples": float(s.mean())}
    return {k: round(v, 4) for k, v in (found | {"slope": float(slope.flatten(1).norm(dim=1).mean())}).items()}


def with_other_buffers(game: Game, averaged: list[Tensor], seed: int) -> dict[str, float]:
    """FFD of the averaged weights with batch norm's statistics: averaged too, as at the start, measured anew."""
    found, kept = {}, [b.clone() for b in game.ema.buffers()]
    fresh = batch_norm()
    for name, buffers in (("buffers_averaged", averaged), ("buffers_of_the_start", [*fresh.buffers()])):
        for buffer, value in zip(game.ema.buffers(), buffers, strict=True):
            buffer.copy_(value)
        torch.manual_seed(seed)
        found[name] = distance(score.features(game.sample(SAMPLES)))
    for layer in game.ema.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.reset_running_stats()
            layer.momentum = None  # the mean over all batches
    with torch.no_grad():
        game.ema.train()
        for _ in range(10):
            game.ema(game.latent(500))
        game.ema.eval()
    torch.manual_seed(seed)
    found["buffers_measured"] = distance(score.features(game.sample(SAMPLES)))
    for buffer, value in zip(game.ema.buffers(), kept, strict=True):
        buffer.copy_(value)
    return found


def evened(game: Game, seed: int) -> dict[str, float]:
    """FFD of samples chosen to have a tenth of each class, as the classifier sees it; and of as many chosen blindly."""
    torch.manual_seed(seed + 1)
    seen = score.features(game.sample(2 * SAMPLES))
    of_class = classifier.load().head(seen.float()).argmax(1)
    rows = [(of_class == c).nonzero()[:, 0] for c in range(10)]
    rows = [r[torch.randint(len(r), (SAMPLES // 10,))] for r in rows if len(r)]
    blindly = torch.randint(len(seen), (SAMPLES,))
    return {"classes_evened": distance(seen[torch.cat(rows)]), "chosen_blindly": distance(seen[blindly])}


def tricks() -> Iterator[Setting]:
    """Each trick alone."""
    for name, trick in TRICKS.items():
        yield Setting(name, partial(record, trick), SEEDS, numbers=trick.numbers)


RECORDINGS = {"10_tricks": tricks}
