"""x W' + b with the whole processor: what `torch.nn.Linear` computes, on some processors in half the time.

On AMD's newest processors torch leaves half of each core unused in a product of float32 matrices; another library that
torch brings along, oneDNN, does not. There, and only there, `Linear` asks that one. The results are the same within
rounding; elsewhere `Linear` is `torch.nn.Linear`.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd import Function

from gan_tutorial import machine

WORTHWHILE = 2**23  # multiplications: in a smaller product, calling from Python costs what is gained


@cache
def other_product() -> Callable[[Tensor, Tensor, Tensor | None], Tensor] | None:
    """oneDNN's x W' + b where it is the faster one, else None.

    Measured for family 26 only (Zen 5); `make bench` shows the gain.  oneDNN has no public name in torch for a product
    of float32 matrices, so a torch without this private one is served as everyone else is.
    """
    maker, family = machine.processor()
    if maker != "AuthenticAMD" or family < 26 or not torch.backends.mkldnn.is_available():
        return None
    try:
        product = torch.ops.mkldnn._linear_pointwise
    except AttributeError:
        return None
    return lambda x, W, b: product(x, W, b, "none", [], "")


class Product(Function):
    """x W' + b.  x (n, k), W (m, k), b (m,) or None -> (n, m)

    The gradients are products too: g W for x, and g' x for W.  So they are made of `product`, and a gradient penalty
    can ask for the gradient of the gradient.
    """

    @staticmethod
    def forward(ctx, x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, W)
        return other_product()(x, W, b)

    @staticmethod
    def backward(ctx, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (x, W), (for_x, for_W, for_b) = ctx.saved_tensors, ctx.needs_input_grad
        x_grad = W_grad = b_grad = None
        if for_x:
            x_grad = product(g, W.t())
        if for_W and W.is_contiguous():
            W_grad = product(g.t(), x.t())
        elif for_W:  # in memory as W itself: a sum of two layouts is slow
            W_grad = product(x.t(), g.t()).t()
        if for_b:
            b_grad = g.sum(0)
        return x_grad, W_grad, b_grad


def product(x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    """`Product`, without the book-keeping where no gradient is asked for."""
    return Product.apply(x, W, b) if torch.is_grad_enabled() else other_product()(x, W, b)


class Linear(nn.Linear):
    """`torch.nn.Linear`: the same weights, the same beginning, the same function.  (..., k) -> (..., m)"""

    def forward(self, x: Tensor) -> Tensor:
        large = x.ndim == 2 and len(x) * self.weight.numel() >= WORTHWHILE
        if large and x.device.type == "cpu" and x.dtype == self.weight.dtype == torch.float32 and _free():
            return product(x, self.weight, self.bias)
        return super().forward(x)


def _free() -> bool:
    """Whether the other product can be used: it is there, and no transform of `torch.func` looks on."""
    return other_product() is not None and not torch._C._are_functorch_transforms_active()
