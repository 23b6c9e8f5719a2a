"""Two saved states, compared to the last bit."""

import torch


def tensors(state):
    """Every tensor and number of a nested state, in a fixed order."""
    if isinstance(state, dict):
        return [t for key in state for t in tensors(state[key])]
    if isinstance(state, (list, tuple)):
        return [t for part in state for t in tensors(part)]
    return [torch.as_tensor(state)] if isinstance(state, (torch.Tensor, int, float)) else []


def same(a, b):
    a, b = tensors(a), tensors(b)
    return len(a) == len(b) > 20 and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
