"""Distributions whose truth is known: every one has a sampler, most have an exact log-density.

On the line: `Normal`, `Uniform`, `Mixture`.
In the plane: `Gaussian2d`, `Ring`, `Grid`, `Spots`, `Segment`, `SwissRoll`, `TwoMoons`, `Lines`.
`sample(n)` gives float32 of shape (n,) or (n, 2); `log_prob(x)` keeps the type of x, in the plane at least float32, and
is differentiable.
Divergences between densities of the line are in `divergences`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gan_tutorial.truth.distances import distances
from gan_tutorial.truth.quadrature import panels

LOG_2_PI = math.log(2 * math.pi)
Device = torch.device | str | None


class Density(Protocol):
    """A distribution of the line with a density: what quadrature needs to know of it."""

    mean: float | Tensor
    sd: float | Tensor

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """n independent draws, (n,), float32."""

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), -inf where there is no mass.  (...) -> (...)"""

    def cdf(self, x: Tensor) -> Tensor:
        """P(X <= x).  (...) -> (...)"""

    def knots(self) -> list[float]:
        """Points between which the density is smooth; hardly any mass is outside them."""


@dataclass(frozen=True)
class Normal:
    """N(mean, sd^2).  mean and sd may be tensors that require a gradient: log_prob and sample pass it on."""

    mean: float | Tensor = 0.0
    sd: float | Tensor = 1.0

    def __post_init__(self) -> None:
        if not _number(self.sd) > 0:
            raise ValueError(f"A Normal needs sd > 0, but sd is {_number(self.sd):g}.")

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """mean + sd * e with e ~ N(0, 1): differentiable in mean and sd.  -> (n,)"""
        return self.mean + self.sd * _randn(n, generator=generator, device=device)

    def log_prob(self, x: Tensor) -> Tensor:
        """-((x - mean) / sd)^2 / 2 - log sd - log(2 pi) / 2.  (...) -> (...)"""
        x = _real(x)
        sd = torch.as_tensor(self.sd, dtype=x.dtype)
        return -0.5 * ((x - self.mean) / sd).square() - sd.log() - 0.5 * LOG_2_PI

    def cdf(self, x: Tensor) -> Tensor:
        """Phi((x - mean) / sd).  (...) -> (...)"""
        # erfc keeps its digits in the lower tail, where ndtr rounds to 0
        return torch.special.erfc((self.mean - _real(x)) / (self.sd * math.sqrt(2))) / 2

    def knots(self) -> list[float]:
        """Every half standard deviation, up to ten: beyond is 1.5e-23 of the mass."""
        mean, sd = _number(self.mean), _number(self.sd)
        return [mean + sd * k / 2 for k in range(-20, 21)]


@dataclass(frozen=True)
class Uniform:
    """Constant density 1 / (high - low) on [low, high], none outside."""

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(
                f"A Uniform needs low < high, but low is {self.low:g} and high is {self.high:g}."
            )

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def sd(self) -> float:
        return (self.high - self.low) / math.sqrt(12)

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """-> (n,)"""
        return self.low + (self.high - self.low) * _rand(n, generator=generator, device=device)

    def log_prob(self, x: Tensor) -> Tensor:
        """-log(high - low) inside, -inf outside.  (...) -> (...)"""
        x = _real(x)
        inside = (x >= self.low) & (x <= self.high)
        return torch.full_like(x, -math.log(self.high - self.low)).masked_fill(~inside, -torch.inf)

    def cdf(self, x: Tensor) -> Tensor:
        """(x - low) / (high - low), kept in [0, 1].  (...) -> (...)"""
        return ((_real(x) - self.low) / (self.high - self.low)).clamp(0, 1)

    def knots(self) -> list[float]:
        return [self.low + (self.high - self.low) * k / 8 for k in range(9)]


@dataclass(frozen=True)
class Mixture:
    """sum_i weights[i] * parts[i]: choose a part, then draw from it.  The parts are densities of the line."""

    weights: Sequence[float]
    parts: Sequence[Density]

    def __post_init__(self) -> None:
        if not 0 < len(self.weights) == len(self.parts):
            counts = f"{len(self.weights)} weights and {len(self.parts)} parts"
            raise ValueError(f"A Mixture needs a part, and one weight per part, but has {counts}.")
        if not (min(self.weights) >= 0 and abs(sum(self.weights) - 1) <= 1e-6):
            raise ValueError(
                f"The weights of a Mixture must be >= 0 and sum to 1, but are {list(self.weights)}."
            )

    @property
    def mean(self) -> float | Tensor:
        return sum(w * part.mean for w, part in zip(self.weights, self.parts, strict=True))

    @property
    def sd(self) -> float | Tensor:
        # variance of the mixture = mean of the variances + variance of the means
        squares = [part.sd**2 + (part.mean - self.mean) ** 2 for part in self.parts]
        return sum(w * s for w, s in zip(self.weights, squares, strict=True)) ** 0.5

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """-> (n,)"""
        u = _rand(n, generator=generator, device=device)
        x, below = torch.zeros_like(u), 0.0
        for i, (w, part) in enumerate(zip(self.weights, self.parts, strict=True)):
            chosen = u >= below if i == len(self.parts) - 1 else (u >= below) & (u < below + w)
            x, below = torch.where(chosen, part.sample(n, generator, device), x), below + w
        return x

    def log_prob(self, x: Tensor) -> Tensor:
        """logsumexp_i(log weights[i] + log parts[i](x)).  (...) -> (...)"""
        pairs = zip(self.weights, self.parts, strict=True)
        return torch.stack([part.log_prob(x) + math.log(w) for w, part in pairs if w > 0]).logsumexp(0)

    def cdf(self, x: Tensor) -> Tensor:
        return sum(w * part.cdf(x) for w, part in zip(self.weights, self.parts, strict=True))

    def knots(self) -> list[float]:
        return sorted({k for part in self.parts for k in part.knots()})


@dataclass(frozen=True)
class Gaussian2d:
    """A Gaussian of the plane with standard deviations sd and correlation between its coordinates."""

    mean: tuple[float, float] = (0.0, 0.0)
    sd: tuple[float, float] = (1.0, 1.0)
    correlation: float = 0.0

    def __post_init__(self) -> None:
        if not (min(self.sd) > 0 and abs(self.correlation) < 1):
            values = f"sd is {self.sd} and correlation is {self.correlation}"
            raise ValueError(f"A Gaussian2d needs sd > 0 and |correlation| < 1, but {values}.")

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """-> (n, 2)"""
        a, b = _randn(n, 2, generator=generator, device=device).unbind(1)
        b = self.correlation * a + math.sqrt(1 - self.correlation**2) * b
        return torch.stack([self.mean[0] + self.sd[0] * a, self.mean[1] + self.sd[1] * b], 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """(..., 2) -> (...)"""
        x, rest = _plane(x), 1 - self.correlation**2
        a, b = (x[..., 0] - self.mean[0]) / self.sd[0], (x[..., 1] - self.mean[1]) / self.sd[1]
        square = (a.square() - 2 * self.correlation * a * b + b.square()) / rest
        return -0.5 * square - math.log(self.sd[0] * self.sd[1] * math.sqrt(rest)) - LOG_2_PI


class Modes:
    """Equal round Gaussians around `centers` (k, 2): what `Ring`, `Grid` and `Spots` share."""

    sd: float
    centers: Tensor

    def _check(self, modes: int) -> None:
        if not (modes >= 1 and self.sd >= 0):
            raise ValueError(f"There must be at least one mode, and sd >= 0, but this is {self}.")

    def log_prob(self, x: Tensor) -> Tensor:
        """log of the mean over the k modes of N(center, sd^2).  (..., 2) -> (...)

        Needs sd > 0: of points there is no density in the plane.
        """
        if not self.sd > 0:
            raise ValueError(f"{self} has no density: its modes are points. Give it sd > 0.")
        x = _plane(x)
        squares = (x[..., None, :] - self.centers.to(x)).square().sum(-1)  # (..., k)
        return (
            (-0.5 * squares / self.sd**2).logsumexp(-1) - math.log(len(self.centers) * self.sd**2) - LOG_2_PI
        )

    def mode_counts(self, samples: Tensor, within: float = 3.0) -> Tensor:
        """How many samples lie within `within` sd of each centre.  (n, 2) -> (k,)

        Of a perfect sample 1 - exp(-within^2 / 2) do: 98.889 % for 3 sd, not the 99.7 % of the line.
        """
        samples = _plane(samples)
        distance, nearest = distances(samples, self.centers.to(samples)).min(1)
        return torch.bincount(nearest[distance <= within * self.sd], minlength=len(self.centers))

    def modes_hit(self, samples: Tensor, within: float = 3.0) -> int:
        """Number of modes with at least one sample within `within` sd of the centre.  (n, 2) -> int"""
        return int((self.mode_counts(samples, within) > 0).sum())


@dataclass(frozen=True)
class Ring(Modes):
    """`modes` Gaussians evenly on a circle (Metz et al. 2017, appendix A: 8 modes, radius 2, sd 0.02)."""

    modes: int = 8
    radius: float = 2.0
    sd: float = 0.02

    def __post_init__(self) -> None:
        self._check(self.modes)

    @property
    def centers(self) -> Tensor:
        """(modes, 2)"""
        return self._place(torch.arange(self.modes))

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """-> (n, 2)"""
        noise = _randn(n, 2, generator=generator, device=device)
        mode = torch.randint(self.modes, (n,), generator=generator, device=noise.device)
        return self._place(mode) + self.sd * noise

    def _place(self, mode: Tensor) -> Tensor:
        # k / modes never reaches 1: linspace(0, 2 pi, modes) would put the last mode on the first
        angle = 2 * math.pi * mode / self.modes
        return self.radius * torch.stack([angle.cos(), angle.sin()], 1)


@dataclass(frozen=True)
class Grid(Modes):
    """side x side Gaussians on a square lattice around 0 (WGAN-GP experiments: 25, step 2, sd 0.05)."""

    side: int = 5
    step: float = 2.0
    sd: float = 0.05

    def __post_init__(self) -> None:
        self._check(self.side)

    @property
    def centers(self) -> Tensor:
        """(side * side, 2)"""
        index = torch.arange(self.side)
        return self._place(torch.cartesian_prod(index, index))

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """-> (n, 2)"""
        noise = _randn(n, 2, generator=generator, device=device)
        mode = torch.randint(self.side, (n, 2), generator=generator, device=noise.device)
        return self._place(mode) + self.sd * noise

    def _place(self, mode: Tensor) -> Tensor:
        return self.step * (mode - (self.side - 1) / 2)


@dataclass(frozen=True)
class Spots(Modes):
    """Equal round Gaussians around the points that are given: three regions, or a drawing."""

    places: tuple[tuple[float, float], ...] = ((-0.9, -0.6), (0.9, -0.6), (0.0, 0.9))
    sd: float = 0.15

    def __post_init__(self) -> None:
        if not self.places:
            raise ValueError("There is no spot: give at least one place (x, y).")
        self._check(len(self.places))

    @property
    def centers(self) -> Tensor:
        """(len(places), 2)"""
        return torch.tensor(self.places, dtype=torch.float32)

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """-> (n, 2)"""
        noise = _randn(n, 2, generator=generator, device=device)
        spot = torch.randint(len(self.places), (n,), generator=generator, device=noise.device)
        return self.centers.to(noise)[spot] + self.sd * noise


class Curve:
    """Points `curve(t)`, t uniform in [0, 1], plus Gaussian noise: what `Segment`, `SwissRoll` and `TwoMoons` share."""

    noise: float
    speed: float  # the largest |d curve / dt|: how finely log_prob has to cut the curve

    def curve(self, t: Tensor) -> Tensor:
        """(...) -> (..., 2)"""
        raise NotImplementedError

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """-> (n, 2)"""
        t = _rand(n, generator=generator, device=device)
        return self.curve(t) + self.noise * _randn(n, 2, generator=generator, device=t.device)

    def log_prob(self, x: Tensor) -> Tensor:
        """log of the integral over t of N(x; curve(t), noise^2), by quadrature.  (n, 2) -> (n,)

        Exact to about 1e-8 in float64, and far from the curve to 1e-8 of itself.  Needs noise > 0: without noise there
        is no density in the plane.
        """
        if not self.noise > 0:
            raise ValueError(f"{self} has no density: its points are on a curve. Give it noise > 0.")
        x = _plane(x)
        half = math.ceil(self.speed / self.noise / 4)  # pieces, each at most two noises long; a cut at t = 0.5
        cuts = {i / half / 2 for i in range(half)}
        # Seen from k noises beyond an end the integrand falls like e^(-k s), s noises from there: finer pieces there.
        cuts |= {cut / half / 2 for k in range(1, 7) for cut in (2**-k, half - 2**-k)}
        edges = sorted(cuts | {cut + 0.5 for cut in cuts} | {1.0})
        t, weight = (v.to(x) for v in panels(edges, order=8))
        along, log_weight = self.curve(t), weight.log()

        def part(x: Tensor) -> Tensor:
            squares = (x[:, None, :] - along).square().sum(-1)
            return (log_weight - 0.5 * squares / self.noise**2).logsumexp(1)

        # in parts, because all distances at once may not fit into memory
        logs = torch.cat([part(some) for some in x.split(max(1, 2_000_000 // len(t)))])
        return logs - 2 * math.log(self.noise) - LOG_2_PI


@dataclass(frozen=True)
class Segment(Curve):
    """A straight line from `start` to `end`, + noise."""

    start: tuple[float, float] = (-1.0, -0.6)
    end: tuple[float, float] = (1.0, 0.6)
    noise: float = 0.05

    @property
    def speed(self) -> float:
        return math.dist(self.start, self.end)

    def curve(self, t: Tensor) -> Tensor:
        ends = zip(self.start, self.end, strict=True)
        return torch.stack([a + (b - a) * t for a, b in ends], -1)


@dataclass(frozen=True)
class SwissRoll(Curve):
    """(a cos a, a sin a) + noise with a uniform in [1.5 pi, 4.5 pi].

    The WGAN-GP experiments have noise 0.25 and divide by 7.5: `as_data(SwissRoll(), scale=1 / 7.5)`.
    """

    noise: float = 0.25
    speed = 3 * math.pi * math.hypot(1, 4.5 * math.pi)

    def curve(self, t: Tensor) -> Tensor:
        angle = 1.5 * math.pi * (1 + 2 * t)
        return torch.stack([angle * angle.cos(), angle * angle.sin()], -1)


@dataclass(frozen=True)
class TwoMoons(Curve):
    """Two interlocking half circles of radius 1, around (0, 0) and (1, 0.5), + noise."""

    noise: float = 0.1
    speed = 2 * math.pi

    def curve(self, t: Tensor) -> Tensor:
        lower = t >= 0.5
        angle = 2 * math.pi * (t - 0.5 * lower)  # once along each half circle
        upper_moon = torch.stack([angle.cos(), angle.sin()], -1)
        lower_moon = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], -1)
        return torch.where(lower[..., None], lower_moon, upper_moon)


@dataclass(frozen=True)
class Lines:
    """Uniform on parallel segments: (offset, u) with u uniform in [0, 1], all turned by `angle` around 0.

    Two such distributions with different offsets have disjoint supports, and no density in the plane:
    JS = log 2 whatever their distance, W1 = |difference of the offsets| (Arjovsky et al. 2017, example 1).
    """

    offsets: Sequence[float] = (0.0,)
    angle: float = 0.0  # in radians

    def sample(self, n: int, generator: torch.Generator | None = None, device: Device = None) -> Tensor:
        """-> (n, 2)"""
        u, choice = _rand(n, 2, generator=generator, device=device).unbind(1)
        line = (choice * len(self.offsets)).long()
        x = sum(offset * (line == i) for i, offset in enumerate(self.offsets))
        c, s = math.cos(self.angle), math.sin(self.angle)
        return torch.stack([c * x - s * u, s * x + c * u], 1)


@dataclass(frozen=True)
class Latent:
    """The usual latent: latent(n) gives n standard normal vectors.  n -> (n, dim)"""

    dim: int
    device: Device = None

    def __call__(self, n: int) -> Tensor:
        return torch.randn(n, self.dim, device=self.device)


def as_data(
    density, scale: float = 1.0, shape: Sequence[int] | None = None, device: Device = None
) -> Callable[[int], tuple[Tensor]]:
    """A density as the data of a game: n -> (x,) with x = scale * sample.

    x has shape (n, 1) on the line and (n, 2) in the plane, or (n, *shape).  Samples of G live on the same
    scale: divide them by `scale` before they meet `log_prob` or `modes_hit`.
    """

    def data(n: int) -> tuple[Tensor]:
        x = scale * density.sample(n, device=device)
        return (x.reshape(n, -1) if shape is None else x.reshape(n, *shape),)

    return data


def _real(x) -> Tensor:
    """x as a floating-point tensor; numbers and arrays are welcome."""
    x = torch.as_tensor(x)
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())


def _plane(x) -> Tensor:
    """Points of the plane in at least float32: half precision moves centres and curves.  (..., 2)"""
    x = _real(x)
    if x.shape[-1:] != (2,):
        raise ValueError(f"Points of the plane have shape (..., 2), but these have {tuple(x.shape)}.")
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _number(x: float | Tensor) -> float:
    return float(x.detach()) if isinstance(x, Tensor) else float(x)


def _randn(*shape: int, generator: torch.Generator | None, device: Device) -> Tensor:
    return torch.randn(*shape, generator=generator, device=_device(generator, device))


def _rand(*shape: int, generator: torch.Generator | None, device: Device) -> Tensor:
    return torch.rand(*shape, generator=generator, device=_device(generator, device))


def _device(generator: torch.Generator | None, device: Device) -> Device:
    return generator.device if device is None and generator is not None else device
