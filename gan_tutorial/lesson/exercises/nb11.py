"""The exercises of notebook 11: the Fréchet distance on the line, an unbiased kernel distance, a test for copies."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gan_tutorial.lesson.exercises import Exercise, Property, is_not, register


def frechet_line(m1: float, s1: float, m2: float, s2: float) -> float:
    """(m1 - m2)^2 + (s1 - s2)^2: squared W2 of N(m1, s1^2) and N(m2, s2^2)  (Dowson & Landau 1982)."""
    return (m1 - m2) ** 2 + (s1 - s2) ** 2


def kernel_distance(Kaa: Tensor, Kbb: Tensor, Kab: Tensor) -> Tensor:
    """mean of Kaa off its diagonal + the same of Kbb - 2 mean Kab  (Gretton et al. 2012, eq. 3).

    (n, n), (m, m), (n, m) -> ()
    """
    n, m = Kab.shape
    within_a = (Kaa.sum() - Kaa.trace()) / (n * (n - 1))
    within_b = (Kbb.sum() - Kbb.trace()) / (m * (m - 1))
    return within_a + within_b - 2 * Kab.mean()


def closer_to_training(x: Tensor, train: Tensor, unseen: Tensor) -> Tensor:
    """The share of the x whose nearest neighbour in `train` is nearer than that in `unseen`.

    (n, d), (m, d), (m, d) -> ()
    """
    to_train = torch.cdist(x, train).min(dim=1).values
    to_unseen = torch.cdist(x, unseen).min(dim=1).values
    return (to_train < to_unseen).double().mean()


def _line(*numbers: float) -> Callable:
    return lambda answer: answer(*numbers)


register(
    Exercise(
        id="11.1",
        reference=frechet_line,
        properties=(
            is_not(
                "root",
                lambda m1, s1, m2, s2: frechet_line(m1, s1, m2, s2) ** 0.5,
                _line(0.0, 1.0, 3.0, 5.0),
                "This is the distance; FFD and FID are its square, so leave the root out.",
            ),
            Property(
                "shift",
                _line(0.0, 1.0, 3.0, 1.0),
                "For a mere shift, from mean 0 to mean 3, every grain moves by 3, so the mean square is 9; yours says "
                "{got}.",
            ),
            is_not(
                "variances",
                lambda m1, s1, m2, s2: (m1 - m2) ** 2 + (s1**2 - s2**2) ** 2,
                _line(0.0, 1.0, 0.0, 3.0),
                "You subtract the variances; a grain at m1 + s1 z goes to m2 + s2 z, so it is the standard deviations "
                "that are subtracted.",
            ),
            is_not(
                "no partner",
                lambda m1, s1, m2, s2: (m1 - m2) ** 2 + s1**2 + s2**2,
                _line(0.0, 1.0, 0.0, 3.0),
                "This is for partners drawn at random; here each grain goes with the z it came from, which leaves "
                "(s1 - s2)^2 in place of s1^2 + s2^2.",
            ),
            Property(
                "spread",
                _line(1.0, 1.0, 1.0, 3.0),
                "With equal means and standard deviations 1 and 3, a grain at 1 + z goes to 1 + 3 z: it moves by 2 z, "
                "mean square {expected}; yours says {got}.",
            ),
            Property(
                "both", _line(-0.5, 2.0, 1.5, 0.5), "For N(-0.5, 2²) and N(1.5, 0.5²) it is {expected}, not {got}."
            ),
        ),
        hints=(
            "Write a grain of the first pile as m1 + s1 z with z ~ N(0, 1). Where does it go, in order, on the second?",
            "It goes to m2 + s2 z, with the same z. Square the way it goes, and take the mean: E z = 0, E z² = 1.",
            "E ((m1 - m2) + (s1 - s2) z)² has two squares; the mixed term is 0 on average.",
        ),
        praise="Two squares: how far the means are apart, and how far the spreads.",
    )
)


# ---- 11.2 -------------------------------------------------------------------------------------------------------


def _kernels(n: int, m: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(k, 3, generator=rng, dtype=torch.float64) for k in (n, m))
    b = b + 0.5
    return tuple((x @ y.T / 3 + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))


def _on(n: int, m: int) -> Callable:
    return lambda answer: answer(*_kernels(n, m))


def _with_diagonal(Kaa: Tensor, Kbb: Tensor, Kab: Tensor) -> Tensor:
    return Kaa.mean() + Kbb.mean() - 2 * Kab.mean()


def _divided_by_all(Kaa: Tensor, Kbb: Tensor, Kab: Tensor) -> Tensor:
    a, b = (K - torch.diag(K.diagonal()) for K in (Kaa, Kbb))
    return a.mean() + b.mean() - 2 * Kab.mean()


def _one_of_the_mixed(Kaa: Tensor, Kbb: Tensor, Kab: Tensor) -> Tensor:
    return kernel_distance(Kaa, Kbb, Kab) + Kab.mean()


def _all_equal(answer: Callable) -> Any:
    return answer(*(torch.ones(4, 4, dtype=torch.float64) for _ in range(3)))  # an answer may change one in place


register(
    Exercise(
        id="11.2",
        reference=kernel_distance,
        properties=(
            Property(
                "number",
                lambda answer: tuple(torch.as_tensor(_on(4, 5)(answer)).shape),
                "One number is asked for, and what comes back has shape {got}.",
            ),
            is_not(
                "diagonal",
                _with_diagonal,
                _on(5, 7),
                "You keep the diagonals: there each point is compared with itself, which makes two equal distributions "
                "look different. Leave them out.",
            ),
            is_not(
                "pairs",
                _divided_by_all,
                _on(5, 7),
                "The diagonal is out of the sum, but still in the count: without it there are n(n - 1) pairs, not n².",
            ),
            is_not(
                "twice",
                _one_of_the_mixed,
                _on(5, 7),
                "The mixed term comes twice: it is -2 times the mean of Kab, as in (a - b)² = a² + b² - 2ab.",
            ),
            is_not(
                "sign",
                lambda Kaa, Kbb, Kab: -kernel_distance(Kaa, Kbb, Kab),
                _on(5, 7),
                "The sign is turned: likeness within the two sets counts up, likeness across counts down.",
            ),
            Property(
                "equal",
                _all_equal,
                "Where every kernel value is 1, likeness within and across are the same, and the distance is 0, not "
                "{got}. Are these means, not sums?",
            ),
            Property(
                "sizes",
                _on(5, 7),
                "For 5 points and 7 it should be {expected}, and yours is {got}: each set has its own number of pairs.",
            ),
        ),
        hints=(
            "Three means: over pairs within a, within b, and across. Which entries of Kaa are no pairs?",
            "`Kaa.sum() - Kaa.trace()` leaves the diagonal out. How many entries are left?",
            "(Kaa.sum() - Kaa.trace()) / (n * (n - 1)), the same for b with m, minus 2 * Kab.mean().",
        ),
        praise="No point is compared with itself, so two sets from one distribution are at 0 on average.",
    )
)


# ---- 11.3 -------------------------------------------------------------------------------------------------------

# On the line: samples, training and unseen points; three of the four samples are nearer to training.
X = torch.tensor([[0.0], [1.0], [5.0], [9.0]], dtype=torch.float64)
TRAIN = torch.tensor([[0.1], [5.2], [8.9]], dtype=torch.float64)
UNSEEN = torch.tensor([[0.9], [6.0], [30.0]], dtype=torch.float64)


def _small(answer: Callable) -> Any:
    return answer(X, TRAIN, UNSEEN)


def _large(answer: Callable) -> Any:
    rng = torch.Generator().manual_seed(1)
    x, a, b = (torch.randn(k, 4, generator=rng, dtype=torch.float64) for k in (300, 50, 50))
    return answer(x, a + 0.3, b)


def _mean_distance(x: Tensor, train: Tensor, unseen: Tensor) -> Tensor:
    return (torch.cdist(x, train).mean(dim=1) < torch.cdist(x, unseen).mean(dim=1)).double().mean()


def _other_way(x: Tensor, train: Tensor, unseen: Tensor) -> Tensor:
    return (torch.cdist(train, x).min(dim=1).values < torch.cdist(unseen, x).min(dim=1).values).double().mean()


def _farthest(x: Tensor, train: Tensor, unseen: Tensor) -> Tensor:
    return (torch.cdist(x, train).max(dim=1).values < torch.cdist(x, unseen).max(dim=1).values).double().mean()


register(
    Exercise(
        id="11.3",
        reference=closer_to_training,
        properties=(
            Property(
                "number",
                lambda answer: torch.as_tensor(_small(answer)).numel(),
                "One number is asked for, the share; there are {got} of them. Take the mean.",
            ),
            Property(
                "share",
                lambda answer: 0 <= float(_small(answer)) <= 1,
                "A share lies between 0 and 1: the mean of True and False (as floats), not a count or a distance.",
                expected=True,
            ),
            is_not(
                "turned",
                lambda *clouds: 1 - closer_to_training(*clouds),
                _large,
                "This is the share that is closer to the *unseen* pictures: the comparison is turned.",
            ),
            is_not(
                "mean distance",
                _mean_distance,
                _large,
                "You compare mean distances to all pictures; a copy shows only in the distance to the nearest one.",
            ),
            is_not(
                "farthest",
                _farthest,
                _large,
                "This takes the farthest picture; a copy shows in the nearest one, so take the minimum.",
            ),
            is_not(
                "other way",
                _other_way,
                _large,
                "For each training picture you look for the nearest sample; the question is asked for each sample.",
            ),
            Property(
                "small",
                _small,
                "Samples at 0, 1, 5, 9; training at 0.1, 5.2, 8.9; unseen at 0.9, 6, 30: three of four are closer to "
                "training, but yours says {got}.",
            ),
            Property("large", _large, "On 300 points of four numbers the share is {expected}, and yours says {got}."),
        ),
        hints=(
            "For each sample: how far is the nearest training picture, and how far the nearest unseen one?",
            "`torch.cdist(x, train)` has all distances, (n, m); `.min(dim=1).values` is the nearest for each sample.",
            "(to_train < to_unseen).double().mean(), with both made by cdist and min.",
        ),
        praise="One half for pictures that owe nothing to the training set in particular; more for copies.",
    )
)
