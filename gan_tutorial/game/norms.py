"""Normalisation that does not mix the examples of a batch, and the exact norm of a layer.

Batch norm shifts and scales an example by statistics of its companions, so what becomes of it depends on them. The two
layers here take their statistics from a *reference batch* R, chosen once, instead. R has to go through the network as
well, since its features change with the weights: `WithReference` puts its rows in front of each batch.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class ReferenceNorm(nn.Module):
    """weight * (h - mean(R)) / sd(R) + bias, where R is the first m rows: an example's companions do not matter.

    (m + n, c, *space) -> the same shape; statistics per channel c, over rows and space; gradients go through them.
    Salimans et al. 2016, sec. 3.5, name it on the way to virtual batch norm.
    """

    def __init__(self, m: int, channels: int, eps: float = 1e-5):
        super().__init__()
        self.m, self.eps = m, eps
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, h: Tensor) -> Tensor:
        away, variance = self.from_R(h)
        return self.scaled(away, 0 * variance, variance)

    def from_R(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """h - mean(R), and the variance of R.  (m + n, c, *space) -> (m + n, c, *space), (1, c)"""
        R = h[: self.m].transpose(0, 1).flatten(1)
        away = h - R.mean(dim=1).view(1, -1, *[1] * (h.dim() - 2))
        return away, R.var(dim=1, correction=0)[None]

    def scaled(self, away: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        """The moments (1, c) or, one for each row, (m + n, c)."""
        space = [1] * (away.dim() - 2)
        mean, scale, bias = (
            t.unflatten(1, (-1, *space)) for t in (mean, self.weight / (variance + self.eps).sqrt(), self.bias[None])
        )
        return (away - mean) * scale + bias


class VirtualNorm(ReferenceNorm):
    """The same with the statistics of R and the example itself, m + 1 rows, for each example (Salimans et al. 2016,
    sec. 3.5). The rows of R have those of R.

    Before `weight` and `bias`, no number of a vector exceeds sqrt(m) in size, however far the example is from R; with
    reference norm there is no bound.
    """

    def forward(self, h: Tensor) -> Tensor:
        away, variance = self.from_R(h)
        flat, n = away.flatten(2) if h.dim() > 2 else away.unsqueeze(2), self.m + 1
        mean = flat.mean(dim=2) / n
        own = (self.m * variance + flat.square().mean(dim=2)) / n - mean.square()
        others = (torch.arange(len(h), device=h.device) >= self.m).unsqueeze(1)  # not those of R
        return self.scaled(away, torch.where(others, mean, 0.0), torch.where(others, own, variance))


class WithReference(nn.Module):
    """body([R; z]) without the rows of R, for a body with `ReferenceNorm` or `VirtualNorm` of m = len(R).

    `R`, a batch of latents, is kept with the weights, and never trained.  (n, *z) -> (n, *x)
    """

    def __init__(self, body: nn.Module, R: Tensor):
        super().__init__()
        self.body = body
        self.register_buffer("R", R.clone())

    def forward(self, z: Tensor) -> Tensor:
        return self.body(torch.cat([self.R.to(z.dtype), z]))[len(self.R) :]


@torch.no_grad()
def stretch(layer: Callable[[Tensor], Tensor], shape: tuple[int, ...], steps: int = 100, seed: int = 0) -> Tensor:
    """max |A v| / |v|, the spectral norm of the linear part A of `layer`, by power iteration: v <- A'A v / |A'A v|.  ()

    `shape`: of one input, (c, h, w) for a convolution; a bias does not matter, unless A v is lost in its rounding.
    Never above the truth, and near it after enough steps. For a convolution it lies between the norm of its kernel as
    a matrix (c_out, c_in k k), which is what is often divided by, and ceil(k / stride) times that norm, if one whole
    patch fits into the input.
    """
    v = torch.randn(1, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    device, dtype = next(((w.device, w.dtype) for w in getattr(layer, "parameters", list)()), (None, torch.float64))
    v, tiny = v.to(device, dtype), torch.finfo(dtype).tiny  # in place of |v| = 0, for a layer that is 0
    with torch.autocast(v.device.type, enabled=False):
        offset = layer(torch.zeros_like(v))
        for _ in range(steps):
            v = v / _norm(v).clamp(min=tiny)
            with torch.enable_grad():
                Av, back = torch.func.vjp(layer, v)
            Av = Av - offset
            (v,) = back(Av / _power(Av))  # its length does not matter, but must not grow by |A|^2
        v = v / _norm(v).clamp(min=tiny)
        return _norm(layer(v) - offset)


def _norm(t: Tensor) -> Tensor:
    """|t|, also where squares of its entries overflow, or are 0.  ()"""
    power = _power(t)
    return power * (t / power).norm()


def _power(t: Tensor) -> Tensor:
    """The largest power of two up to the largest entry, 1 for zeros: to divide by it costs no digit.  ()"""
    largest = t.abs().max()
    return torch.where(largest > 0, largest / (2 * torch.frexp(largest).mantissa), 1.0)
