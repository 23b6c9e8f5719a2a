"""Notebook 12: D as one loss among others: an autoencoder of clothes, and one-step samplers of a ring."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gan_tutorial.clothes import score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8, to_unit
from gan_tutorial.game.networks import ConvDiscriminator, ConvGenerator, Features, SideBySide
from gan_tutorial.truth.densities import Ring
from gan_tutorial.truth.transport import transport
from recordings.plan import Setting

# ---- Clothes: an autoencoder with L1, and with L1 + D ---------------------------------------------------------------

CODE, STEPS, BATCH, LOOKS = 16, 1200, 32, 6  # numbers per picture; steps in all
COUNTED, SHOWN = 2_000, 12  # test pictures that are rebuilt for each look, and kept of the last


class Autoencoder(nn.Module):
    """28x28 -> CODE numbers -> 28x28: a small encoder, and the series' convolutional generator as decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            *(nn.PixelUnshuffle(2), nn.Conv2d(4, 16, 3, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2), Features(), nn.Linear(32 * 49, CODE)),
        )
        self.decode = ConvGenerator(CODE)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def edges(x: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels, down and across.  (n, 1, 28, 28) -> float"""
    return float(x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean())


def judged(made: Tensor, x: Tensor) -> list[float]:
    """Error, edges, and FFD of rebuilt pictures."""
    return [float((made - x).abs().mean()), edges(made), score.ffd(made)]


def autoencoder(weight: float, begin: int, seed: int, gamma: float = 1.0) -> dict[str, Any]:
    """Train with L1, and from step `begin` on with `weight` times -log D besides.  -> what was seen at each look"""
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    images, start = fashion_mnist(), time.process_time()
    data, net, D = images.sampler(), Autoencoder(), ConvDiscriminator()
    g_opt = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.999))
    d_opt = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.999))
    shown, looks = to_unit(images.test_images[:COUNTED]), []
    for n in range(1, STEPS + 1):
        share = 2e-3 * min(1.0, 3 * (1 - (n - 1) / STEPS))  # falls to 0 in the last third
        g_opt.param_groups[0]["lr"] = share
        (x,) = data(BATCH)
        made = net(x)
        loss = (made - x).abs().mean()
        if weight and n > begin:
            (real,) = data(BATCH)
            real.requires_grad_()
            s_real, s_fake = D(real), D(made.detach())
            (slope,) = torch.autograd.grad(s_real.sum(), real, create_graph=True)
            d_loss = softplus(-s_real).mean() + softplus(s_fake).mean()
            d_opt.zero_grad()
            (d_loss + gamma / 2 * slope.square().sum((1, 2, 3)).mean()).backward()
            d_opt.step()
            loss = loss + weight * softplus(-D(made)).mean()
        g_opt.zero_grad()
        loss.backward()
        g_opt.step()
        if n % (STEPS // LOOKS) == 0:
            net.eval()
            with torch.no_grad():
                made = torch.cat([net(part) for part in shown.split(500)])
            net.train()
            looks.append([n, *judged(made, shown)])
    seconds = round(time.process_time() - start, 1)
    return {"seconds": seconds, "looked": looks, "pictures": to_uint8(made[:SHOWN]).numpy()}


def originals(seed: int) -> dict[str, Any]:
    """The test pictures in the place of rebuilt ones: what no autoencoder can be expected to beat."""
    x = to_unit(fashion_mnist().test_images[:COUNTED])
    return {"seconds": 0.0, "looked": [[0, *judged(x, x)]], "pictures": to_uint8(x[:SHOWN]).numpy()}


def clothes() -> Iterator[Setting]:
    numbers = {"steps": STEPS, "code": CODE, "batch_size": BATCH, "counted": COUNTED}
    yield Setting("original", originals, 1, numbers={"counted": COUNTED})
    ways = {
        "L1": (0.0, 0),
        "L1 + 0.02 D, late": (0.02, STEPS // 3),
        "L1 + 0.2 D, late": (0.2, STEPS // 3),
        "L1 + 0.2 D, from the start": (0.2, 0),
        "L1 + D, late": (1.0, STEPS // 3),
        "L1 + D, from the start": (1.0, 0),
    }
    for name, (weight, begin) in ways.items():
        more = {"weight": weight, "begin": begin}
        yield Setting(name, partial(autoencoder, weight, begin), 3, numbers=numbers | more)


# ---- The plane: one-step samplers, learned from a sampler of many steps whose slope is exact ---------------------

RING = Ring(radius=1.0, sd=0.05)
MOST, LEAST, ODE_STEPS = 2.0, 0.02, 30  # noise where the sampler begins and ends, and its steps
ROUNDS, BATCH2, SEEDS = 2500, 64, 8
MEASURED, KEPT = 2_500, 300


def slope(x: Tensor, noise: Tensor | float) -> Tensor:
    """The gradient of log p of the ring blurred by N(0, noise^2): exact.  (n, 2), (n, 1) or a number -> (n, 2)"""
    variance = RING.sd**2 + torch.as_tensor(noise) ** 2
    away = RING.centers - x[:, None]  # (n, 8, 2)
    near = (-0.5 * away.square().sum(-1) / variance).softmax(1)
    return (near[..., None] * away).sum(1) / variance


def flow(x: Tensor) -> Tensor:
    """From noise of standard deviation MOST to the ring, along dx / d noise = -noise * slope (Heun's rule)."""
    levels = torch.logspace(np.log10(MOST), np.log10(LEAST), ODE_STEPS + 1).tolist()
    for a, b in zip(levels[:-1], levels[1:], strict=True):
        first = -a * slope(x, a)
        x = x + (b - a) * (first - b * slope(x + (b - a) * first, b)) / 2
    return x


def one_step(regress: float, match: float, judge: float, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Train G: noise -> x in one step, by the weights of three losses; all seeds side by side.

    regress: squared distance to where the sampler takes the same noise.  match: the difference of two slopes, that of
    G's blurred samples, which a small denoiser learns meanwhile, and the exact one (Yin et al. 2024).  judge: -log D.
    """
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    K, start, samples = len(seeds), time.process_time(), []
    leaky = partial(nn.LeakyReLU, 0.2)
    G = SideBySide(K, [2, 64, 64, 2], leaky)
    D = nn.Sequential(SideBySide(K, [2, 64, 64, 1], leaky), nn.Flatten(0))
    denoise = SideBySide(K, [3, 64, 64, 2], nn.SiLU)
    opts = [torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.99), fused=True) for net in (G, D, denoise)]
    for n in range(ROUNDS):
        for opt in opts:
            opt.param_groups[0]["lr"] = 1e-3 * min(1.0, 2 * (1 - n / ROUNDS))
        if judge:
            real = RING.sample(BATCH2 * K).requires_grad_()
            with torch.no_grad():
                fake = G(torch.randn(BATCH2 * K, 2))
            s_real = D(real)
            (steep,) = torch.autograd.grad(s_real.sum(), real, create_graph=True)
            loss = softplus(-s_real).mean() + softplus(D(fake)).mean() + 0.05 * steep.square().sum(1).mean()
            _move(opts[1], loss)
        for _ in range(2 if match else 0):
            with torch.no_grad():
                fake = G(torch.randn(BATCH2 * K, 2))
            noisy, noise = _blur(fake)
            loss = ((_denoised(denoise, noisy, noise) - fake) / noise).square().mean()
            _move(opts[2], loss)
        z = torch.randn(BATCH2 * K, 2)
        x = G(z)
        loss = regress * (x - flow(MOST * z)).square().sum(1).mean() if regress else torch.zeros(())
        if match:
            with torch.no_grad():
                noisy, noise = _blur(x)
                theirs = noisy + noise**2 * slope(noisy, noise)
                apart = (_denoised(denoise, noisy, noise) - theirs) / (x - theirs).abs().mean().clamp(min=1e-3)
            loss = loss + match * (x * apart).sum(1).mean()
        if judge:
            loss = loss + judge * softplus(-D(x)).mean()
        _move(opts[0], loss)
    with torch.no_grad():
        x = G(torch.randn(MEASURED * K, 2)).unflatten(0, (-1, K))
    seconds = round((time.process_time() - start) / K, 2)
    counts = [RING.mode_counts(x[:, k]).numpy().astype(np.int16) for k in range(K)]
    samples = x[:KEPT].numpy().astype(np.float16)
    distance = [_w1(x[:1000, k]) for k in range(K)]
    return [{"seconds": seconds, "counts": counts[k], "samples": samples[:, k], "w1": distance[k]} for k in range(K)]


def sampler(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """The sampler of many steps in the place of G."""
    found = []
    for seed in seeds:
        torch.manual_seed(seed)
        x = flow(MOST * torch.randn(MEASURED, 2))
        row = {"seconds": 0.0, "counts": RING.mode_counts(x).numpy().astype(np.int16), "w1": _w1(x[:1000])}
        found.append(row | {"samples": x[:KEPT].numpy().astype(np.float16)})
    return found


def real(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Data in the place of samples: the floor."""
    found = []
    for seed in seeds:
        torch.manual_seed(100 + seed)
        x = RING.sample(MEASURED)
        row = {"seconds": 0.0, "counts": RING.mode_counts(x).numpy().astype(np.int16), "w1": _w1(x[:1000])}
        found.append(row | {"samples": x[:KEPT].numpy().astype(np.float16)})
    return found


def _move(opt: torch.optim.Optimizer, loss: Tensor) -> None:
    weights = opt.param_groups[0]["params"]
    for w, g in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        w.grad = g
    opt.step()


def _blur(x: Tensor) -> tuple[Tensor, Tensor]:
    """x + noise * N(0, I), the noise log-uniform in [0.05, 1].  -> (n, 2), (n, 1)"""
    noise = 0.05 * 20 ** torch.rand(len(x), 1)
    return x + noise * torch.randn_like(x), noise


def _denoised(net: nn.Module, noisy: Tensor, noise: Tensor) -> Tensor:
    return noisy + noise * net(torch.cat([noisy / (1 + noise), noise.log()], 1))


def _w1(x: Tensor) -> float:
    """Exact W1 of 1,000 samples to 1,000 data, always the same data."""
    data = RING.sample(len(x), generator=torch.Generator().manual_seed(1))
    even = torch.full((len(x),), 1 / len(x), dtype=torch.float64)
    return transport(x.double(), even, data.double(), even).cost


def ring() -> Iterator[Setting]:
    numbers = {"steps": ROUNDS, "batch_size": BATCH2, "sampler_steps": ODE_STEPS}
    yield Setting("data", real, SEEDS, together=True)
    yield Setting("sampler, 30 steps", sampler, SEEDS, together=True, numbers={"sampler_steps": ODE_STEPS})
    ways = {
        "regression": (1.0, 0.0, 0.0),
        "regression + D": (1.0, 0.0, 0.3),
        "matching": (0.0, 1.0, 0.0),
        "matching + D": (0.0, 1.0, 0.3),
        "D alone": (0.0, 0.0, 1.0),
    }
    for name, weights in ways.items():
        weighted = dict(zip(("regress", "match", "judge"), weights, strict=True))
        yield Setting(name, partial(one_step, *weights), SEEDS, together=True, numbers=numbers | weighted)


RECORDINGS = {"12_clothes": clothes, "12_ring": ring}
