"""Train the generator of the page `generator.html`, and write its file: `make generator`.

A long training of the package's convolutional networks, a little wider; then the averaged generator, in float16, with
what a page needs to show it: see `gan_tutorial.lesson.generator`.  The training is kept in build/generator: stopped, it
goes on where it was, and once it is done, only the file is made again.  About 20 minutes of one core.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import torch
from scipy.stats import chi
from torch import Tensor

from gan_tutorial.clothes import score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8
from gan_tutorial.clothes.recipes import conv, fashion_game
from gan_tutorial.game import Game, train
from gan_tutorial.game.networks import LATENT, ConvDiscriminator, ConvGenerator
from gan_tutorial.game.objectives import Critic, Objective, gradient_penalty, wasserstein
from gan_tutorial.lesson.generator import stored

WORK = Path(__file__).resolve().parents[2] / "build" / "generator"
SETTINGS = {"seed": 0, "width": 24, "steps": 30_000, "batch": 32, "lr": 2e-3, "falling": 0.5, "penalty": 10.0}
EVERY = 500  # steps between two saves
SAMPLES = 10_000  # for the score, and for the directions
DIRECTIONS = 6  # the sliders of the page
PHOTOGRAPHS = 120  # for its guess: the first of the test images


def objective(weight: float) -> Objective:
    """WGAN-GP with the penalty on every second example: as good in `benchmarks/quality.py`, and sooner done."""
    penalty = gradient_penalty(weight)

    def on_half(D: Critic, x: Tensor, fake: Tensor) -> Tensor:
        return penalty(D, x[::2], fake[::2])

    return replace(wasserstein, penalty=on_half)


def trained() -> Game:
    """The game after all its steps; in its last half both step sizes fall to 0."""
    how, path, images = SETTINGS, WORK / "game.pt", fashion_mnist()
    if images.is_stand_in:
        raise SystemExit("The generator needs the real FashionMNIST: run `gan-tutorial data` first.")
    wide = {name: partial(net, width=how["width"]) for name, net in (("G", ConvGenerator), ("D", ConvDiscriminator))}
    game = fashion_game(images, replace(conv, **wide), lr=how["lr"], seed=how["seed"])
    if path.exists() and game.load(path) != how:
        raise SystemExit(f"{path} was trained with other settings; delete it to train anew.")
    path.parent.mkdir(parents=True, exist_ok=True)
    start, first = time.perf_counter(), game.step
    for step in train(game, objective(how["penalty"]), steps=how["steps"] - first, batch_size=how["batch"], every=50):
        rest = (1 - step.n / how["steps"]) / how["falling"]
        for group in (*game.g_opt.param_groups, *game.d_opt.param_groups):
            group["lr"] = how["lr"] * min(1.0, rest)
        if step.n % EVERY == 0:
            game.save(path, how)
            left = (how["steps"] - step.n) * (time.perf_counter() - start) / (step.n - first) / 60
            print(f"step {step.n:,}: D's loss {float(step.d_loss):.2f}, {left:.0f} minutes more", flush=True)
    return game


def directions(z: Tensor, classes: Tensor, names: tuple[str, ...]) -> tuple[Tensor, list[tuple[str, str]]]:
    """Orthogonal directions along which the kinds of clothes lie farthest apart, and the kinds at their two ends.

    The principal directions of the mean latents of the ten classes, as the package's classifier sees G's pictures.
    (n, latent), (n,) -> (DIRECTIONS, latent), names
    """
    means = torch.stack([z[classes == k].mean(0) for k in range(len(names))]) - z.mean(0)
    axes = torch.linalg.svd(means, full_matrices=False).Vh[:DIRECTIONS]
    places = means @ axes.T  # (classes, DIRECTIONS)
    ends = [(names[low], names[high]) for low, high in zip(places.argmin(0), places.argmax(0), strict=True)]
    return axes, ends


@torch.no_grad()
def written(game: Game) -> stored.Stored:
    """What the page is to have: the averaged generator, its score, directions in its latents, photographs."""
    images = fashion_mnist()
    layers, tensors = stored.described(game.ema)
    G = stored.network(stored.Stored(layers, tensors, {}))  # scored is what the page has: weights of 16 bits
    torch.manual_seed(SETTINGS["seed"])
    z = torch.randn(SAMPLES, LATENT)
    samples = to_uint8(torch.cat([G(part) for part in z.split(1000)]))
    axes, ends = directions(z, score.classes(samples), images.classes)
    precision, recall = score.precision_recall(score.features(samples), score.features(images.test_images))
    (floor,) = score.floor(images).values()
    about = SETTINGS | {
        "objective": "WGAN-GP, its penalty on half of them",  # as `objective` has it
        "numbers": sum(tensor.numel() for tensor in tensors.values()),
        "samples": SAMPLES,
        "ffd": round(score.ffd(samples), 3),
        "floor": round(score.ffd(floor), 3),
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "usual": [round(float(long), 1) for long in chi(LATENT).ppf([0.025, 0.975])],  # lengths of a random z
        "directions": ends,
        "photographs": PHOTOGRAPHS,
        "torch": torch.__version__,
        "date": date.today().isoformat(),
    }
    more = {"directions": axes.half(), "photographs": images.test_images[:PHOTOGRAPHS]}
    return stored.Stored(layers, tensors | more, about)


def main() -> int:
    torch.set_num_threads(1)
    found = written(trained())
    found.save(stored.FILE)
    told = {name: value for name, value in found.about.items() if name not in SETTINGS}
    print(f"Wrote {stored.FILE.name} ({stored.FILE.stat().st_size / 1000:.0f} kB): {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
