"""Products of float32 matrices by the quicker of two libraries that torch brings, where both are equally exact.

torch hands them to MKL or another BLAS, unless `torch.backends.mkldnn.matmul.fp32_precision` allows less than float32:
then to oneDNN, which on AMD's Zen 5 keeps float32 all the same and is twice as fast, and which on other processors
really rounds to bfloat16. What this one does is seen best by looking.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

SHAPE = (64, 512, 1024)  # of the product that is looked at: a batch of 64 in a layer of the picture networks
WIDE = 2**17  # entries: a smaller matrix gains nothing, in any batch that we use
EXACT = 1e-6  # relative error: float32 has about 3e-7 here, bfloat16 3e-3
WORTHWHILE = 1.5  # times as fast: a gain of less is not told from noise on a busy machine, in each process alike
TURNS = 15


class Found(NamedTuple):
    """What a look at this processor found, with as many threads as torch has then."""

    error: float  # relative, of oneDNN's product against float64; infinite where this torch has no switch
    gain: float  # time of torch's own product / time of oneDNN's

    @property
    def worthwhile(self) -> bool:
        """Whether the switch gives float32 still, and sooner."""
        return self.error < EXACT and self.gain > WORTHWHILE


def _backend():
    """Where the switch is, or None: torch has it from 2.9 on, and only where oneDNN was built in."""
    found = getattr(torch.backends.mkldnn, "matmul", None)
    return found if hasattr(found, "fp32_precision") and torch.backends.mkldnn.is_available() else None


@contextmanager
def _switched() -> Iterator[None]:
    backend = _backend()
    before = backend.fp32_precision
    backend.fp32_precision = "bf16"
    try:
        yield
    finally:
        backend.fp32_precision = before


@cache
def look() -> Found:
    """Both products, some times in turn: how exact oneDNN's is, and how much faster. Takes some 40 ms, once."""
    if _backend() is None:
        return Found(float("inf"), 0.0)
    n, k, m = SHAPE
    generator = torch.Generator().manual_seed(0)
    x, W = torch.randn(n, k, generator=generator), torch.randn(m, k, generator=generator)

    def seconds() -> float:
        start = time.perf_counter()
        torch.mm(x, W.t())
        return time.perf_counter() - start

    own, other = [], []
    with torch.no_grad():
        for _ in range(TURNS):
            own.append(seconds())
            with _switched():
                other.append(seconds())
        with _switched():
            error = relative_error(torch.mm(x, W.t()), x, W)
    return Found(error, min(own) / min(other))  # the first of each warms up; a busy machine only ever makes them longer


def relative_error(product: Tensor, x: Tensor, W: Tensor) -> float:
    """|product - x W'| / |x W'|, with the truth in float64.  (n, m), (n, k), (m, k)"""
    truth = x.double() @ W.double().t()
    return float((product - truth).norm() / truth.norm())


def wide(*nets: nn.Module) -> bool:
    """Whether they multiply float32 matrices on the CPU that are large enough to gain."""
    weights = (w for net in nets for w in net.parameters() if w.dim() == 2)
    return any(w.numel() >= WIDE and w.dtype == torch.float32 and w.device.type == "cpu" for w in weights)


_chosen: bool | None = None  # by `choosing`, for this process


@contextmanager
def choosing(quicker: bool) -> Iterator[None]:
    """Inside, `quickest` takes oneDNN or not as is said here, not as it finds; never where it would not be exact.

    The two round differently: a training that goes on, or that several processes share, keeps to one of them.
    """
    global _chosen
    before, _chosen = _chosen, quicker and look().error < EXACT
    try:
        yield
    finally:
        _chosen = before


@contextmanager
def quickest(wanted: bool) -> Iterator[None]:
    """Inside, products go the quicker way if it is `wanted` and this processor has one; outside, as torch has them."""
    if wanted and (look().worthwhile if _chosen is None else _chosen):
        with _switched():
            yield
    else:
        yield
