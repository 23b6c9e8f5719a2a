"""The score: how far samples are from FashionMNIST, in the features of a small classifier of our own.

There is no single good measure.  FFD, the Fréchet distance in these features, is what we compare by.  Its unit is one
percent of the data's total variance.  It is not FID, whose features are another network's; read it beside its floor and
`baselines`.  KID, precision and recall, the histogram of classes and the nearest training images see some of what FFD
does not.

Samples are uint8 (n, 28, 28) or floats in [-1, 1] (n, 1, 28, 28) everywhere, tensors or arrays.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from gan_tutorial.clothes import classifier
from gan_tutorial.clothes.data import Images, fashion_mnist, to_uint8, to_unit
from gan_tutorial.truth.distances import distances

FEWEST = 100  # samples: fewer do not even fill the 64 dimensions of the features
WELL_OUTSIDE = 2.0  # beyond this a float was never meant to be in [-1, 1], noise or not


@torch.no_grad()
def features(samples: Tensor) -> Tensor:
    """What the classifier's last layer sees.  n samples -> (n, 64) float64, on the CPU"""
    return _apply("features", samples).double()


@torch.no_grad()
def classes(samples: Tensor) -> Tensor:
    """The class of each sample, as the classifier sees it.  n samples -> (n,) int64"""
    return _apply("forward", samples).argmax(1)


def class_histogram(samples: Tensor) -> Tensor:
    """The share of each of the ten classes; the data have a tenth of each.  n samples -> (10,)"""
    return classes(samples).bincount(minlength=10) / len(samples)


def ffd(samples: Tensor, real: Tensor | None = None) -> float:
    """Fréchet distance between samples and real images in `features`: smaller is better, 0 for the same cloud.

    `real`: images to compare with; the test images if not given.  It is biased upwards by about 1/n: compare equal
    numbers of samples, 10,000 where it matters.
    """
    return frechet(features(samples), _test_features() if real is None else features(real))


# ---- Distances between two clouds of features -------------------------------------------------------------------


def frechet(a: Tensor, b: Tensor) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)): squared W2 of two Gaussians with the clouds' means and covariances.

    (n, d), (m, d) float64.  Dowson & Landau 1982; Heusel et al. 2017, eq. 6.  Raises ValueError for fewer than 100.
    """
    a, b = _clouds(a, b, FEWEST, "a covariance")
    S1, S2 = (torch.atleast_2d(cloud.T.cov()) for cloud in (a, b))
    w, V = torch.linalg.eigh(S1)
    root = V * w.clamp(min=0).sqrt() @ V.T
    # S1 S2 has the eigenvalues of the symmetric root S2 root, whose square roots are safe to take
    cross = torch.linalg.eigvalsh(root @ S2 @ root).clamp(min=0).sqrt().sum()
    found = float((a.mean(0) - b.mean(0)).square().sum() + S1.trace() + S2.trace() - 2 * cross)
    return max(found, 0.0)  # rounding can take it below


def kid(a: Tensor, b: Tensor) -> float:
    """E k(a, a') + E k(b, b') - 2 E k(a, b), k(x, y) = (x.y / d + 1)^3: unbiased, so 0 on average for equal laws.

    (n, d), (m, d) float64.  Bińkowski et al. 2018, sec. 4.  Raises ValueError for fewer than 2.
    """
    a, b = _clouds(a, b, 2, "an unbiased KID")

    def mean(x: Tensor, y: Tensor, same: bool) -> Tensor:
        total = torch.zeros((), dtype=x.dtype)
        for part in x.split(1000):  # never all n x m numbers at once
            total += (part @ y.T / x.shape[1] + 1).pow(3).sum()
        if not same:
            return total / (len(x) * len(y))
        return (total - (x.square().sum(1) / x.shape[1] + 1).pow(3).sum()) / (len(x) * (len(x) - 1))

    return float(mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False))


def precision_recall(samples: Tensor, real: Tensor, k: int = 3) -> tuple[float, float]:
    """The share of samples among the data, and the share of data among the samples.  (n, d), (m, d) float64

    "Among" a cloud: within the distance that one of its points has to its k-th neighbour (Kynkäänniemi et al. 2019).
    Raises ValueError for k < 1, and for fewer than k + 1.
    """
    samples, real = _with_neighbours(samples, real, k)

    def share_inside(points: Tensor, cloud: Tensor, reach: Tensor) -> float:
        inside = [(distances(part, cloud) <= reach).any(dim=1) for part in points.split(1000)]
        return float(torch.cat(inside).double().mean())

    return share_inside(samples, real, _reach(real, k)), share_inside(real, samples, _reach(samples, k))


def density_coverage(samples: Tensor, real: Tensor, k: int = 5) -> tuple[float, float]:
    """How many of the data's balls hold a sample, divided by k, on average; the share of the balls that hold one.

    (n, d), (m, d) float64.  The ball of a datum reaches to its k-th neighbour among the data (Naeem et al. 2020, eq. 5,
    6).  For equal distributions density is 1 on average, and coverage 1 - prod_{i=1..k} (m - i) / (m + n - i) (theirs,
    lemma 2).  Raises ValueError for k < 1, and for fewer than k + 1.
    """
    samples, real = _with_neighbours(samples, real, k)
    inside, held = 0, []
    for part, reach in zip(real.split(1000), _reach(real, k).split(1000), strict=True):
        holds = (distances(part, samples) <= reach[:, None]).sum(dim=1)
        inside += int(holds.sum())
        held.append(holds > 0)
    return inside / (k * len(samples)), float(torch.cat(held).double().mean())


def _reach(cloud: Tensor, k: int) -> Tensor:
    """How far each point has to its k-th neighbour.  (n, d) -> (n,)"""
    rows = [distances(part, cloud).kthvalue(k + 1, dim=1).values for part in cloud.split(1000)]
    return torch.cat(rows)  # k + 1: the nearest is the point itself


def nearest(samples: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """The distance to the nearest of `images`, and its row: root mean square over pixels, 0 to 255.  -> (n,), (n,)"""
    # cdist is fast because it multiplies matrices; around 0 its products are whole numbers below 2^24, exact in float32
    x, images = _bytes(samples).flatten(1).float() - 128, _bytes(images).flatten(1)
    best, row = torch.full((len(x),), torch.inf), torch.zeros(len(x), dtype=torch.int64)
    for start in range(0, len(images), 5000):
        distance, at = torch.cdist(x, images[start : start + 5000].float() - 128).min(dim=1)
        closer = distance < best
        best, row = torch.where(closer, distance, best), torch.where(closer, at + start, row)
    return (x + 128 - images[row]).square().mean(dim=1).sqrt(), row


# ---- All of it --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """What `score` says about samples: numbers, each to be read beside that of real images."""

    ffd: float
    kid: float
    precision: float
    recall: float
    histogram: tuple[float, ...]  # shares of the ten classes
    nearest: float  # median distance to the nearest training image, in grey levels per pixel


def score(samples: Tensor, images: Images, held_out: bool = False) -> Report:
    """Everything at once, against the test images; against the held-out training images to choose settings by.

    Whoever chooses by the images that the result is reported on reports a number that is too good.
    """
    samples = _bytes(samples)
    _enough(len(samples), FEWEST, "a covariance")  # before the minute that all of it takes
    seen, real = features(samples), features(reference(images, held_out))
    precision, recall = precision_recall(seen, real)
    distance, _ = nearest(samples[:1000], images.train_images[: classifier.SEEN])
    histogram = tuple(class_histogram(samples).tolist())
    return Report(frechet(seen, real), kid(seen, real), precision, recall, histogram, float(distance.median()))


def reference(images: Images, held_out: bool = False) -> Tensor:
    """The real images that samples are compared with: 10,000 that the classifier has never seen.  uint8"""
    return images.train_images[classifier.SEEN :] if held_out else images.test_images


def floor(images: Images, n: int = 10_000, seed: int = 0) -> dict[str, Tensor]:
    """n training images: nothing that is made can be expected to score better.  -> by name, uint8"""
    rng = torch.Generator().manual_seed(seed)
    x = images.train_images[: classifier.SEEN].cpu()
    return {"training images (the floor)": x[torch.randint(len(x), (n,), generator=rng)]}


def baselines(images: Images, n: int = 10_000, seed: int = 0) -> dict[str, Tensor]:
    """The floor, and what can be had without a GAN: simple "samplers" to read a score beside.  -> by name, uint8"""
    found = floor(images, n, seed)
    (real,) = found.values()
    rng = torch.Generator().manual_seed(seed + 1)
    x = images.train_images[: classifier.SEEN].cpu()
    labels = images.train_labels[: classifier.SEEN].cpu()
    no_shirts = x[labels != 6]
    flat = to_unit(x[:10_000]).flatten(1)
    mean, (_, S, V) = flat.mean(0), torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    z = torch.randn(n, 64, generator=rng) * S[:64] / (len(flat) - 1) ** 0.5
    gaussian = (z @ V[:64] + mean).reshape(n, 1, 28, 28)
    noise = torch.randn(n, 1, 28, 28, generator=rng)
    return found | {
        "training images without shirts": no_shirts[torch.randint(len(no_shirts), (n,), generator=rng)],
        "100 training images, repeated": real[:100].repeat(-(-n // 100), 1, 1)[:n],
        "training images with noise (sd 0.3)": to_uint8(to_unit(real) + 0.3 * noise),
        "training images, blurred": to_uint8(torch.nn.functional.avg_pool2d(to_unit(real), 3, 1, 1)),
        "a Gaussian in the first 64 principal components": to_uint8(gaussian),
        "noise": to_uint8(noise),
    }


# ---- Parts ------------------------------------------------------------------------------------------------------


def _bytes(samples: Tensor) -> Tensor:
    """Samples as they would be stored: uint8 (n, 28, 28), on the CPU.  ValueError for anything else, or for none.

    Warns about floats of which none is negative: they are more likely in [0, 1] than of a G without any black.
    """
    samples = torch.as_tensor(samples)
    if not len(samples):
        raise ValueError("There are no samples; give at least one.")
    if samples.dtype == torch.uint8 and samples.dim() == 3 and samples.shape[1:] == (28, 28):
        return samples.cpu()
    if samples.is_floating_point() and samples.dim() == 4 and samples.shape[1:] == (1, 28, 28):
        low, high = samples.detach().aminmax()  # NaN where there is one
        if not (low.isfinite() and high.isfinite()):
            raise ValueError("There are NaN or infinite values among the samples; they cannot be scored.")
        if max(-low, high) > WELL_OUTSIDE:
            raise ValueError(
                f"Samples as floats should be in [-1, 1], but these go from {low:g} to {high:g}: pictures in [0, 255] "
                "belong into uint8, others have to be brought back to [-1, 1] first."
            )
        if low >= 0:
            warnings.warn(
                f"No value of these samples is negative (they go from {low:g} to {high:g}), as if they were in "
                "[0, 1]; they are scored as floats in [-1, 1], 0 is grey. If they are in [0, 1], score 2 * x - 1.",
                stacklevel=3,
            )
        return to_uint8(samples).cpu()  # what is stored is what is scored
    raise ValueError(
        f"Samples should be uint8 of shape (n, 28, 28), or floats in [-1, 1] of shape (n, 1, 28, 28); these are "
        f"{samples.dtype} of shape {tuple(samples.shape)}."
    )


def _clouds(a: Tensor, b: Tensor, fewest: int, what: str) -> tuple[Tensor, Tensor]:
    """Two clouds of features in float64.  ValueError if they are none, differ in dimension or are too few."""
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    if not (a.dim() == b.dim() == 2 and a.shape[1] == b.shape[1]):
        raise ValueError(
            f"Two clouds of features are compared, (n, d) and (m, d), but the shapes are {tuple(a.shape)} and "
            f"{tuple(b.shape)}; of pictures, take `features` first."
        )
    for cloud in (a, b):
        _enough(len(cloud), fewest, what)
        if not cloud.isfinite().all():
            raise ValueError("There are NaN or infinite values among the features; they cannot be compared.")
    return a.detach().double(), b.detach().double()


def _with_neighbours(samples: Tensor, real: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Two clouds in each of which a point has a k-th neighbour."""
    if k < 1:
        raise ValueError(f"The nearest neighbour is number 1, but number {k} is asked for.")
    return _clouds(samples, real, k + 1, f"a neighbour number {k}")


def _enough(n: int, fewest: int, what: str) -> None:
    if n < fewest:
        raise ValueError(f"{n} samples are too few for {what}; give at least {fewest}.")


def _apply(method: str, samples: Tensor) -> Tensor:
    part = getattr(_classifier(), method)
    with torch.autocast("cpu", enabled=False):  # in half precision its features are others, and the cache keeps them
        return torch.cat([part(to_unit(x)) for x in _bytes(samples).split(100)])  # so few stay in the cache


@cache
def _classifier() -> classifier.Classifier:
    return classifier.load()


@cache
def _test_features() -> Tensor:
    return features(fashion_mnist().test_images)
