"""How much of a score is due to the number of samples: `python benchmarks/score_bias.py` draws results/score_bias.png.

Samples without any fault (training images, which the law of the test images shares up to the choice of photographs) and
samples of a poor sampler (the same with one class missing), n at a time, ten draws each.
"""

from __future__ import annotations

import json
from datetime import date

import matplotlib.pyplot as plt
import torch
from bench import RESULTS

from gan_tutorial.clothes import classifier, score
from gan_tutorial.clothes.data import fashion_mnist
from gan_tutorial.lesson.figures import COLORS, use_style

SIZES = (200, 500, 1000, 2000, 5000, 10_000, 20_000)
DRAWS = 10


def main() -> None:
    images = fashion_mnist()
    x, labels = images.train_images[: classifier.SEEN], images.train_labels[: classifier.SEEN]
    real, seen = score.features(images.test_images), score.features(x)
    torch.manual_seed(0)
    clouds = {"training images": seen, "training images without shirts": seen[labels != 6]}
    table = {
        name: {
            measure.__name__: [
                [measure(cloud[torch.randperm(len(cloud))[:n]], real) for _ in range(DRAWS)] for n in SIZES
            ]
            for measure in (score.frechet, score.kid)
        }
        for name, cloud in clouds.items()
    }
    about = {"torch": torch.__version__, "date": date.today().isoformat(), "sizes": SIZES, "draws": DRAWS}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "score_bias.json").write_text(json.dumps(about | {"scores": table}) + "\n")
    draw(table)


def draw(table: dict) -> None:
    """Median and the middle 80 % of the draws over the number of samples."""
    use_style()
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for ax, measure, title in zip(axes, ("frechet", "kid"), ("FFD", "KID"), strict=True):
        for (name, scores), color, marker in zip(table.items(), ("data", "model"), "os", strict=True):
            values = torch.tensor(scores[measure])  # (sizes, draws)
            low, middle, high = values.quantile(torch.tensor([0.1, 0.5, 0.9]), dim=1)
            ax.fill_between(SIZES, low, high, color=COLORS[color], alpha=0.2, linewidth=0)
            ax.plot(SIZES, middle, color=COLORS[color], marker=marker, label=name)
        ax.set(xscale="log", xlabel="number of samples", title=title)
    axes[0].set_yscale("log")
    axes[1].axhline(0, color=COLORS["guide"], linestyle=":")
    axes[0].legend()
    fig.savefig(RESULTS / "score_bias.png", dpi=110)


if __name__ == "__main__":
    main()
