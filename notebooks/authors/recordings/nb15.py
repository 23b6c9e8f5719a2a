"""Notebook 15: pictures for captions, classes from few labels, codes that G invents; three seeds, or ten."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, dropout, softplus

from gan_tutorial.clothes import score
from gan_tutorial.clothes.data import Images, fashion_mnist, to_uint8, to_unit
from gan_tutorial.game import Game, products
from gan_tutorial.game.loop import average_move, move
from gan_tutorial.game.networks import ConvDiscriminator, ConvGenerator, SideBySide
from gan_tutorial.lesson.exercises.nb15 import class_losses, information, pairs_loss
from gan_tutorial.truth.densities import Latent
from recordings.plan import Setting

BATCH, LR, SEEDS = 32, 2e-3, 3

# ---- Captions: a kind of garment, bright or dark ------------------------------------------------------------------

CAPTION_STEPS, LOOKS, EACH = 1_000, (100, 200, 400, 1_000), 50  # EACH: samples of a caption that are measured
WALK = 12  # latents on a circle, for a slider


def tone(x: Tensor) -> Tensor:
    """Mean grey level of the lit pixels (above 25 of 255).  uint8 (n, 28, 28) -> (n,)"""
    lit = x > 25
    return (x * lit).sum((1, 2)).float() / lit.sum((1, 2)).clamp(min=1)


def medians(images: Images) -> Tensor:
    """The median tone of each kind, in the training images.  -> (10,)"""
    tones, labels = tone(images.train_images), images.train_labels
    return torch.stack([tones[labels == k].median() for k in range(10)])


@dataclass(frozen=True)
class Caption:
    """How G is trained: a share of wrong pairs for D, a weight of L1 in G's loss, dropout in the place of z."""

    wrong: float = 0.0
    l1: float = 0.0
    dropout: bool = False


class Always(nn.Module):
    """Dropout that goes on when samples are drawn (Isola et al. 2017)."""

    def forward(self, h: Tensor) -> Tensor:
        return dropout(h, 0.5, training=True)


def caption_networks(how: Caption) -> tuple[nn.Module, nn.Module, int]:
    """G, D and the size of the latent."""
    latent = 0 if how.dropout else 64
    G, D = ConvGenerator(latent, n_classes=20), ConvDiscriminator(n_classes=20)
    nn.init.zeros_(D.by_class.weight)  # a quiet start: no opinions about words
    if how.dropout:
        layers = [[layer, Always()] if isinstance(layer, nn.ReLU) else [layer] for layer in G.body]
        G.body = nn.Sequential(*(layer for part in layers for layer in part))
    return G, D, latent


def other(c: Tensor) -> Tensor:
    """Another caption for each, at random."""
    return (c + torch.randint(1, 20, c.shape)) % 20


def captions(how: Caption, seed: int) -> dict[str, Any]:
    """Train once.  -> how often samples obey their captions, how various they are, FFD; samples, a walk through z"""
    torch.set_flush_denormal(True)
    images, start = fashion_mnist(), time.process_time()
    middle = medians(images)
    caption = 2 * images.train_labels + (tone(images.train_images) > middle[images.train_labels])
    torch.manual_seed(seed)
    G, D, latent = caption_networks(how)

    def data(n: int) -> tuple[Tensor, Tensor]:
        rows = torch.randint(60_000, (n,))
        return to_unit(images.train_images[rows]), caption[rows]

    rates = {"d_lr": LR, "g_lr": LR, "betas": (0.0, 0.999), "seed": seed}
    game, looks = Game.with_adam(G, D, data, Latent(latent), **rates), []
    for n in range(1, CAPTION_STEPS + 1):
        x, c = data(BATCH)
        with torch.no_grad():
            fake = G(game.latent(BATCH), c)
        seen, words = [x, fake, x], [c, c, other(c)]
        parts = D(torch.cat(seen), torch.cat(words)).chunk(3) if how.wrong else None
        parts = parts or (*D(torch.cat(seen[:2]), torch.cat(words[:2])).chunk(2), torch.zeros(1))
        move(game.d_opt, pairs_loss(*parts, how.wrong))
        fake = G(game.latent(BATCH), c)
        loss = softplus(-D(fake, c)).mean()
        move(game.g_opt, loss + how.l1 * (fake - x).abs().mean() if how.l1 else loss)
        average_move(game)
        game.step += 1
        if n in LOOKS:
            looks.append([n, *obeyed(drawn(game, seed), middle)])
    seconds = round(time.process_time() - start, 1)
    x = drawn(game, seed)
    found = {"seconds": seconds, "obeyed": looks, "diversity": diversity(x), "ffd": round(score.ffd(x), 2)}
    return found | (pictures(game, x, seed) if seed == 0 else {})


def drawn(game: Game, seed: int) -> Tensor:
    """EACH samples of each caption, in a row.  -> uint8 (20 EACH, 28, 28)"""
    torch.manual_seed(seed)
    return to_uint8(game.sample(20 * EACH, torch.arange(20).repeat_interleave(EACH)))


def obeyed(x: Tensor, middle: Tensor) -> list[float]:
    """Shares of samples of the right kind, as the classifier sees it, and of the right tone, as it is."""
    c = torch.arange(20).repeat_interleave(EACH)
    bright = tone(x) > middle[c // 2]
    return [round(float(right.float().mean()), 4) for right in (score.classes(x) == c // 2, bright == c % 2)]


def diversity(x: Tensor) -> float:
    """Mean distance of two samples of a caption: root mean square over pixels, 0 to 255; mean over captions."""
    a, b = x.float().unflatten(0, (20, EACH // 2, 2)).unbind(2)
    return round(float((a - b).square().mean((2, 3)).sqrt().mean()), 3)


def pictures(game: Game, x: Tensor, seed: int) -> dict[str, np.ndarray]:
    """Six samples of each caption; and each caption on WALK latents of a circle."""
    torch.manual_seed(seed)
    a, b = game.latent(2)
    angle = torch.arange(WALK) * 2 * torch.pi / WALK
    z = angle.cos()[:, None] * a + angle.sin()[:, None] * b
    with torch.no_grad():
        walk = [to_uint8(game.ema(row.expand(20, -1), torch.arange(20))) for row in z]
    return {"samples": x.unflatten(0, (20, EACH))[:, :6].numpy(), "walk": torch.stack(walk).numpy()}


def real_captions(seed: int) -> dict[str, Any]:
    """Real pictures in the place of samples, EACH of each caption: what there is to reach."""
    images = fashion_mnist()
    middle, labels, x = medians(images), images.test_labels, images.test_images
    caption = 2 * labels + (tone(x) > middle[labels])
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.nonzero(caption == c)[:, 0] for c in range(20)]
    x = torch.cat([x[r[torch.randperm(len(r), generator=generator)[:EACH]]] for r in rows])
    found = {"obeyed": [[0, *obeyed(x, middle)]], "diversity": diversity(x), "ffd": round(score.ffd(x), 2)}
    return found | ({"samples": x.unflatten(0, (20, EACH))[:, :6].numpy()} if seed == 0 else {})


CAPTIONS = {
    "right pairs only": Caption(),
    "half wrong pairs": Caption(wrong=0.5),
    "L1 + D, z": Caption(l1=100.0),
    "L1 + D, dropout": Caption(l1=100.0, dropout=True),
}


def all_captions() -> Iterator[Setting]:
    numbers = {"batch_size": BATCH, "lr": LR, "steps": CAPTION_STEPS, "samples_per_ffd": 20 * EACH}
    yield Setting("real", real_captions, SEEDS, numbers={"samples_per_ffd": 20 * EACH})
    for name, how in CAPTIONS.items():
        yield Setting(name, partial(captions, how), SEEDS, numbers=numbers | asdict(how))


# ---- Codes that G invents -----------------------------------------------------------------------------------------

CODE_STEPS, CODES = 1_000, 10


class Guess(nn.Module):
    """Q: from D's features to the logits of ten codes, and a guess of a number between -1 and 1."""

    def __init__(self, D: ConvDiscriminator, shared: bool):
        super().__init__()
        self.shared = shared  # whether D's features learn for Q, too
        self.head = nn.Sequential(nn.Linear(D.score.in_features, 128), nn.LeakyReLU(0.2), nn.Linear(128, CODES + 1))

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        answer = self.head(h if self.shared else h.detach())
        return answer[:, :CODES], answer[:, CODES]


def codes(with_q: bool, seed: int) -> dict[str, Any]:
    """Train once: InfoGAN, or a G that has codes which nobody asks back.  -> L_I, table of codes and classes"""
    torch.set_flush_denormal(True)
    images, start = fashion_mnist(), time.process_time()
    torch.manual_seed(seed)
    G, D = ConvGenerator(64, n_classes=CODES), ConvDiscriminator()
    Q = Guess(D, with_q)
    rates = {"d_lr": LR, "g_lr": LR, "betas": (0.0, 0.999), "seed": seed}
    game = Game.with_adam(G, D, images.sampler(), Latent(64), **rates)
    game.d_opt.add_param_group({"params": Q.parameters()})

    def drawn(n: int, G: nn.Module = G) -> tuple[Tensor, Tensor, Tensor]:
        z, c = torch.randn(n, 64), torch.randint(CODES, (n,))
        z[:, 0] = 2 * torch.rand(n) - 1  # the first number of z is the continuous code
        return G(z, c), c, z[:, 0]

    def asked(h: Tensor, c: Tensor, u: Tensor) -> Tensor:
        logits, guess = Q(h)
        return cross_entropy(logits, c) + (guess - u).square().mean()

    for _ in range(CODE_STEPS):
        (x,) = game.data(BATCH)
        with torch.no_grad():
            fake, c, u = drawn(BATCH)
        h = D.features(torch.cat([x, fake]))
        real_score, fake_score = D.score(h)[:, 0].chunk(2)
        loss = softplus(-real_score).mean() + softplus(fake_score).mean()
        move(game.d_opt, loss + asked(h[BATCH:], c, u))
        fake, c, u = drawn(BATCH)
        h = D.features(fake)
        loss = softplus(-D.score(h)[:, 0]).mean()
        move(game.g_opt, loss + asked(h, c, u) if with_q else loss)
        average_move(game)
        game.step += 1
    return {"seconds": round(time.process_time() - start, 1)} | meaning(game, Q, seed)


@torch.no_grad()
def meaning(game: Game, Q: Guess, seed: int, each: int = 200) -> dict[str, Any]:
    """L_I on fresh samples, counts of code and class, spread of the tone with the continuous code; pictures."""
    torch.manual_seed(seed)
    c = torch.arange(CODES).repeat_interleave(each)
    z = torch.randn(len(c), 64)
    z[:, 0] = 2 * torch.rand(len(c)) - 1
    x = torch.cat([game.ema(*part) for part in zip(z.split(500), c.split(500), strict=True)])
    logits, guess = Q(game.D.features(x))
    seen, made = score.classes(x), to_uint8(x)
    table = torch.zeros(CODES, 10, dtype=torch.int64).index_put_((c, seen), torch.ones(1, dtype=torch.int64), True)
    pairs = torch.stack([guess, z[:, 0]]), torch.stack([tone(made), z[:, 0]])
    found = {"L_I": round(float(information(logits, c)), 4), "table": table.tolist(), "ffd": round(score.ffd(made), 2)}
    found |= {
        name: round(float(pair.corrcoef()[0, 1]), 4) for name, pair in zip(("u_found", "u_tone"), pairs, strict=True)
    }
    if seed:
        return found
    walk = z[:1].repeat(CODES * 7, 1)
    walk[:, 0] = torch.linspace(-1, 1, 7).repeat(CODES)
    row = to_uint8(game.ema(walk, torch.arange(CODES).repeat_interleave(7)))
    first = made.unflatten(0, (CODES, each))[:, :10]
    return found | {"samples": first.numpy(), "walk": row.unflatten(0, (CODES, 7)).numpy()}


def all_codes() -> Iterator[Setting]:
    numbers = {"batch_size": BATCH, "lr": LR, "steps": CODE_STEPS, "samples_per_code": 200}
    for name, with_q in (("with Q", True), ("without", False)):
        yield Setting(name, partial(codes, with_q), SEEDS, numbers=numbers)


# ---- Few labels ---------------------------------------------------------------------------------------------------

LABEL_STEPS, LABEL_BATCH, LABEL_LR, SUBSETS = 1_000, 64, 1e-3, 10
LABELS = (20, 50, 100, 200)


class Noise(nn.Module):
    """N(0, sd^2) on top, while training."""

    def __init__(self, sd: float):
        super().__init__()
        self.sd = sd

    def forward(self, h: Tensor) -> Tensor:
        return h + self.sd * torch.randn_like(h) if self.training else h


class NormSideBySide(nn.Module):
    """Batch norm for k networks side by side: each has its own statistics.  (n k, d) -> (n k, d)"""

    def __init__(self, k: int, d: int):
        super().__init__()
        self.shape, self.norm = (k, d), nn.BatchNorm1d(k * d)

    def forward(self, h: Tensor) -> Tensor:
        return self.norm(h.unflatten(0, (-1, self.shape[0])).flatten(1)).unflatten(1, self.shape).flatten(0, 1)


class Classes(nn.Module):
    """k classifiers side by side, noise before each layer: 196 -> 256 -> 128 -> 10 logits, and the 128 features."""

    def __init__(self, k: int):
        super().__init__()
        first = Noise(0.3), SideBySide(k, [196, 256]), nn.LeakyReLU(0.2)
        self.features = nn.Sequential(*first, Noise(0.5), SideBySide(k, [256, 128]), nn.LeakyReLU(0.2))
        self.head = nn.Sequential(Noise(0.5), SideBySide(k, [128, 10]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.features(x)
        return self.head(h), h


def small_generator(k: int) -> nn.Sequential:
    """64 -> 128 -> 256 -> 14x14, k of them side by side, batch norm and ReLU between."""
    layers = [SideBySide(k, [64, 128]), NormSideBySide(k, 128), nn.ReLU(), SideBySide(k, [128, 256])]
    return nn.Sequential(*layers, NormSideBySide(k, 256), nn.ReLU(), SideBySide(k, [256, 196]), nn.Tanh())


def half_size(x: Tensor) -> Tensor:
    """uint8 (n, 28, 28) -> (n, 196) in [-1, 1]: the means of 2x2 pixels."""
    return torch.cat([avg_pool2d(to_unit(part), 2).flatten(1) for part in x.split(5_000)])


def chosen(labels: Tensor, n: int, seed: int) -> Tensor:
    """The rows of n training images whose labels may be used: n / 10 of each class, drawn with this seed.  -> (n,)"""
    generator = torch.Generator().manual_seed(seed)
    of_class = [torch.nonzero(labels == k)[:, 0] for k in range(10)]
    return torch.cat([rows[torch.randperm(len(rows), generator=generator)[: n // 10]] for rows in of_class])


def few_labels(n: int, semi: bool, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Train a classifier for each subset of n labels, with or without the other images.  -> errors of 10,000"""
    torch.set_flush_denormal(True)
    images, k = fashion_mnist(), len(seeds)
    train_x, test_x, start = half_size(images.train_images), half_size(images.test_images), time.process_time()
    rows = torch.stack([chosen(images.train_labels, n, seed) for seed in seeds], 1)  # (n, k)
    torch.manual_seed(0)
    D, G = Classes(k), small_generator(k)
    ema = deepcopy(D).eval()
    options = {"lr": LABEL_LR, "betas": (0.5, 0.999), "fused": True}
    d_opt, g_opt = (torch.optim.Adam(net.parameters(), **options) for net in (D, G))
    batch, errors = LABEL_BATCH * k, []
    with products.quickest(True):
        for step in range(1, LABEL_STEPS + 1):
            for opt in (d_opt, g_opt):
                opt.param_groups[0]["lr"] = LABEL_LR * min(1, 2 * (1 - (step - 1) / LABEL_STEPS))
            pick = rows.gather(0, torch.randint(n, (LABEL_BATCH, k))).flatten()
            x, y = train_x[pick], images.train_labels[pick]
            if semi:
                with torch.no_grad():
                    fake = G(torch.randn(batch, 64))
                logits, h = D(torch.cat([x, train_x[torch.randint(60_000, (batch,))], fake]))
                labelled, data, made = logits.chunk(3)
                supervised, unsupervised = class_losses(labelled, y, data, made)
                move(d_opt, k * (supervised + unsupervised / 2))  # a mean over k networks has a k-th of each slope
                target = h.detach().chunk(3)[1].unflatten(0, (-1, k)).mean(0)
                D.requires_grad_(False)
                matched = D.features(G(torch.randn(batch, 64))).unflatten(0, (-1, k)).mean(0)
                move(g_opt, k * (matched - target).abs().mean())
                D.requires_grad_(True)
            else:
                move(d_opt, k * cross_entropy(D(x)[0], y))
            with torch.no_grad():
                torch._foreach_lerp_([*ema.parameters()], [*D.parameters()], 0.01)
            if step % (LABEL_STEPS // 4) == 0:
                errors.append(wrong(ema, test_x, images.test_labels, k))
    seconds = round((time.process_time() - start) / k, 2)
    with torch.no_grad():
        made = G.eval()(torch.randn(10 * k, 64)).unflatten(0, (-1, k)) if semi else None
    found = [{"seconds": seconds, "errors": [look[i] for look in errors]} for i in range(k)]
    if semi:
        found[0]["samples"] = to_uint8(made[:, 0].unflatten(1, (1, 14, 14))).numpy()
    return found


@torch.no_grad()
def wrong(D: Classes, x: Tensor, y: Tensor, k: int) -> list[int]:
    """How many of the test images each network gets wrong.  -> k counts"""
    count = torch.zeros(k, dtype=torch.int64)
    for part, label in zip(x.split(1_000), y.split(1_000), strict=True):
        answer = D(part.repeat_interleave(k, 0))[0].argmax(1).unflatten(0, (-1, k))
        count += (answer != label[:, None]).sum(0)
    return count.tolist()


def all_labels() -> Iterator[Setting]:
    numbers = {"batch_size": LABEL_BATCH, "lr": LABEL_LR, "steps": LABEL_STEPS, "looks": 4}
    for n in LABELS:
        for name, semi in (("labels only", False), ("with G", True)):
            record = partial(few_labels, n, semi)
            yield Setting(f"{n}, {name}", record, SUBSETS, together=True, numbers=numbers | {"labels": n})


# ---- Clothes and their edges, no pairs ----------------------------------------------------------------------------

EDGE_SEEDS, EDGE_STEPS, EDGE_BATCH, EDGE_WIDTH, EDGE_HIDDEN = 4, 1_500, 8, 24, 256
EDGE_LR, WAY_HOME, STEEP = 1e-3, 5.0, 64  # STEEP: of 255, a difference of neighbours that is an edge
HELD_OUT, CANDIDATES, SHOWN_KINDS = 500, 20, (0, 1, 2, 3, 5, 7, 8, 9)
NOISES, LEVELS, FLIPS = (0.2, 0.4, 0.8), (256, 2), (0.01, 0.05)  # of a middle picture between -1 and 1


def edge_pictures(x: Tensor) -> Tensor:
    """White where a pixel differs from its right or its lower neighbour by more than STEEP.  uint8 (n, 28, 28) twice"""
    v = torch.nn.functional.pad(x.to(torch.int16), (0, 1, 0, 1))
    across, down = v[:, :-1, 1:] - v[:, :-1, :-1], v[:, 1:, :-1] - v[:, :-1, :-1]
    return 255 * (across.abs().maximum(down.abs()) > STEEP).to(torch.uint8)


class Residual(nn.Module):
    """h + f(h)"""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, h: Tensor) -> Tensor:
        return h + self.body(h)


def local_map() -> nn.Module:
    """Picture -> picture by convolutions: a pixel of the answer sees a square of 18 pixels' width at most."""
    ends = [nn.PixelUnshuffle(2), nn.Conv2d(4, EDGE_WIDTH, 3, padding=1), nn.LeakyReLU(0.2)]
    last = [nn.LeakyReLU(0.2), nn.Conv2d(EDGE_WIDTH, 4, 3, padding=1), nn.PixelShuffle(2), nn.Tanh()]
    return nn.Sequential(*ends, Residual(EDGE_WIDTH), *last).to(memory_format=torch.channels_last)


def global_map() -> nn.Module:
    """Picture -> picture by layers in which each pixel of the answer sees all pixels, and no place is special."""
    inner = [nn.Linear(784, EDGE_HIDDEN), nn.LeakyReLU(0.2), nn.Linear(EDGE_HIDDEN, EDGE_HIDDEN), nn.LeakyReLU(0.2)]
    return nn.Sequential(nn.Flatten(), *inner, nn.Linear(EDGE_HIDDEN, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))


def patch_scores() -> nn.Module:
    """D: 49 scores, each of a patch of 20 pixels' width.  (n, 1, 28, 28) -> (n, 1, 7, 7)"""
    first = [nn.PixelUnshuffle(2), nn.Conv2d(4, EDGE_WIDTH, 3, padding=1), nn.LeakyReLU(0.2)]
    second = [nn.Conv2d(EDGE_WIDTH, 2 * EDGE_WIDTH, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*first, *second, nn.Conv2d(2 * EDGE_WIDTH, 1, 3, padding=1)).to(
        memory_format=torch.channels_last
    )


def both_kinds(images: Tensor, rows_x: Tensor, rows_y: Tensor) -> tuple[Tensor, Tensor]:
    """Clothes of some images and edges of some, in [-1, 1]."""
    return to_unit(images[rows_x]), to_unit(edge_pictures(images[rows_y]))


def translated(network: Any, pairs: int, seed: int) -> dict[str, Any]:
    """Train F and B without pairs, or with a few beside; the halves of the data share no image."""
    torch.set_flush_denormal(True)
    images, start = fashion_mnist().train_images, time.process_time()
    torch.manual_seed(seed)
    F, B, D_X, D_Y = network(), network(), patch_scores(), patch_scores()
    g_opt = torch.optim.Adam([*F.parameters(), *B.parameters()], lr=EDGE_LR, betas=(0.5, 0.999), fused=True)
    d_opt = torch.optim.Adam([*D_X.parameters(), *D_Y.parameters()], lr=EDGE_LR, betas=(0.5, 0.999), fused=True)
    known = both_kinds(images, *[torch.randint(60_000, (pairs,))] * 2)
    with products.quickest(True):
        for n in range(EDGE_STEPS):
            slower_rate((g_opt, d_opt), n / EDGE_STEPS)
            mine, yours = torch.randint(30_000, (EDGE_BATCH,)), torch.randint(30_000, 60_000, (EDGE_BATCH,))
            x, y = both_kinds(images, mine, yours)
            to_x = B(y)
            to_y, home_y = F(torch.cat([x, to_x])).chunk(2)
            home_x = B(to_y)
            loss = 0.0
            for D, real, fake in ((D_X, x, to_x), (D_Y, y, to_y)):
                right, made = D(torch.cat([real, fake.detach()])).chunk(2)
                loss = loss + (right - 1).square().mean() + made.square().mean()
            move(d_opt, loss)
            loss = (D_X(to_x) - 1).square().mean() + (D_Y(to_y) - 1).square().mean()
            loss = loss + WAY_HOME * ((home_x - x).abs().mean() + (home_y - y).abs().mean())
            if pairs:
                pick = torch.randint(pairs, (EDGE_BATCH // 2,))
                p, q = known[0][pick], known[1][pick]
                loss = loss + WAY_HOME * ((F(p) - q).abs().mean() + (B(q) - p).abs().mean())
            move(g_opt, loss)
    seconds = round(time.process_time() - start, 1)
    return {"seconds": seconds} | both_ways(F, B, seed)


def from_pairs(seed: int) -> dict[str, Any]:
    """Train F and B, of convolutions, on pairs alone, all of them: squared error, no D."""
    torch.set_flush_denormal(True)
    images, start = fashion_mnist().train_images, time.process_time()
    torch.manual_seed(seed)
    F, B = local_map(), local_map()
    opt = torch.optim.Adam([*F.parameters(), *B.parameters()], lr=EDGE_LR, betas=(0.5, 0.999), fused=True)
    with products.quickest(True):
        for n in range(EDGE_STEPS):
            slower_rate((opt,), n / EDGE_STEPS)
            x, y = both_kinds(images, *[torch.randint(60_000, (EDGE_BATCH,))] * 2)
            move(opt, (F(x) - y).square().mean() + (B(y) - x).square().mean())
    seconds = round(time.process_time() - start, 1)
    return {"seconds": seconds} | both_ways(F, B, seed)


def slower_rate(opts: Sequence[torch.optim.Optimizer], done: float) -> None:
    """The step size grows at first, lest all fall to black, and goes to 0 in the second half of a training."""
    for opt in opts:
        opt.param_groups[0]["lr"] = opt.param_groups[0].setdefault("initial_lr", opt.param_groups[0]["lr"])
        opt.param_groups[0]["lr"] *= min(0.02 + 10 * done, 1, 2 * (1 - done))


def in_greys(a: Tensor, b: Tensor) -> float:
    """Root mean square of a - b over pictures and pixels, in grey levels of 255."""
    return round(float((a - b).square().mean().sqrt() * 127.5), 3)


def rounded(y: Tensor, levels: int) -> Tensor:
    """The nearest of so many levels between -1 and 1."""
    return ((y + 1) / 2 * (levels - 1)).round() / (levels - 1) * 2 - 1


@torch.no_grad()
def both_ways(F: nn.Module, B: nn.Module, seed: int) -> dict[str, Any]:
    """On pictures held out: the way there, the way home, and what a disturbance of the middle does to it."""
    images = fashion_mnist()
    held, labels = images.test_images[:HELD_OUT], images.test_labels[:HELD_OUT]
    x, y = to_unit(held), to_unit(edge_pictures(held))
    torch.manual_seed(seed)
    to_y = F(x)
    noise, chance = torch.randn_like(x), torch.rand_like(x)
    middles = {"F": to_y, "true": y}
    found: dict[str, Any] = {
        "edges": in_greys(to_y, y),
        "black_and_white": round(float((rounded(to_y, 2) == rounded(y, 2)).float().mean()), 4),
        "nearest": nearest_right(to_y, y, labels),
        "nearest_coarse": nearest_right(avg_pool2d(to_y, 4), avg_pool2d(y, 4), labels),
    }
    for name, middle in middles.items():
        found[f"home_{name}"] = in_greys(B(middle), x)
        found[f"noise_{name}"] = [in_greys(B(middle + sd * noise), x) for sd in NOISES]
        found[f"levels_{name}"] = [in_greys(B(rounded(middle, levels)), x) for levels in LEVELS]
        found[f"flips_{name}"] = [in_greys(B(torch.where(chance < p, -middle, middle)), x) for p in FLIPS]
    kept = {"middle": to_y, "home": B(to_y), "noisy": B(to_y + NOISES[1] * noise), "rounded": B(rounded(to_y, 2))}
    kept |= {"from_true": B(y), "from_true_noisy": B(y + NOISES[1] * noise)}
    return found | {key: to_uint8(value[one_of_each(labels)]).numpy() for key, value in kept.items()}


def one_of_each(labels: Tensor) -> list[int]:
    """The first picture of each kind that is shown."""
    return [int(torch.nonzero(labels == kind)[0, 0]) for kind in SHOWN_KINDS]


def nearest_right(to_y: Tensor, y: Tensor, labels: Tensor) -> float:
    """How often F(x) is nearer to the edges of x than to those of CANDIDATES - 1 other garments of its kind."""
    right = []
    for i, label in enumerate(labels):
        others = torch.nonzero((labels == label) & (torch.arange(len(labels)) != i))[:, 0]
        others = others[torch.randperm(len(others))[: CANDIDATES - 1]]
        distance = (y[torch.cat([torch.tensor([i]), others])] - to_y[i]).square().sum((1, 2, 3))
        right.append(bool(distance[0] < distance[1:].min()))
    return round(sum(right) / len(right), 4)


def edge_anchors(seed: int) -> dict[str, Any]:
    """Errors of answers that look at nothing: the mean picture, the mean edges, the edges of another garment."""
    images = fashion_mnist()
    x, y = to_unit(images.test_images[:HELD_OUT]), to_unit(edge_pictures(images.test_images[:HELD_OUT]))
    mean_x = to_unit(images.train_images).mean(0)
    mean_y = to_unit(edge_pictures(images.train_images)).mean(0)
    generator = torch.Generator().manual_seed(seed)
    others = to_unit(edge_pictures(images.train_images[torch.randint(60_000, (HELD_OUT,), generator=generator)]))
    found = {"mean_picture": in_greys(mean_x, x), "mean_edges": in_greys(mean_y, y)}
    found |= {"others_edges": in_greys(others, y), "lit": round(float((y > 0).float().mean()), 4)}
    shown = one_of_each(images.test_labels)
    return found | {"x": to_uint8(x[shown]).numpy(), "true": to_uint8(y[shown]).numpy()}


def all_edges() -> Iterator[Setting]:
    numbers = {"batch_size": EDGE_BATCH, "lr": EDGE_LR, "steps": EDGE_STEPS, "held_out": HELD_OUT}
    yield Setting("anchors", edge_anchors, EDGE_SEEDS, numbers={"held_out": HELD_OUT, "steep": STEEP})
    numbers |= {"noises": NOISES, "levels": LEVELS, "flips": FLIPS, "candidates": CANDIDATES, "way_home": WAY_HOME}
    yield Setting("all pairs", from_pairs, EDGE_SEEDS, numbers=numbers)
    for name, network, pairs in (("no pairs", local_map, 0), ("10 pairs", local_map, 10), ("MLP", global_map, 0)):
        record = partial(translated, network, pairs)
        yield Setting(name, record, EDGE_SEEDS, numbers=numbers | {"pairs": pairs})


RECORDINGS = {"15_captions": all_captions, "15_codes": all_codes, "15_labels": all_labels, "15_edges": all_edges}
