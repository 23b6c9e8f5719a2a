"""A generator in a small file, as torch writes it and a page reads it.

The file is a safetensors file: eight bytes that say how long the header is, the header (JSON: of each tensor its kind,
shape and place), the tensors.  The header's meta data are JSON in strings: "layers", the architecture, which is written
down nowhere else; and "about", what a reader is to know of the training.  Weights are float16.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_tutorial.clothes.files import intact
from gan_tutorial.disk import in_one_stroke
from gan_tutorial.game.networks import Maps

FILE = Path(__file__).parent / "generator.safetensors"
KINDS = {"F16": np.float16, "U8": np.uint8}


@dataclass(frozen=True)
class Stored:
    """What lies in the file."""

    layers: list[dict[str, Any]]  # "layer": torch's name; its numbers; and where it has any, its tensors by name
    tensors: dict[str, Tensor]
    about: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write the file in one stroke."""
        header: dict[str, Any] = {
            "__metadata__": {"layers": json.dumps(self.layers), "about": json.dumps(self.about, ensure_ascii=False)}
        }
        content = b""
        for name, tensor in self.tensors.items():
            kind = "U8" if tensor.dtype == torch.uint8 else "F16"
            data = tensor.detach().cpu().numpy().astype(KINDS[kind]).tobytes()
            ends = [len(content), len(content) + len(data)]
            header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": ends}
            content += data
        text = json.dumps(header, ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)  # as the format wants it, the tensors begin at a multiple of eight
        with in_one_stroke(path) as file:
            file.write(len(text).to_bytes(8, "little") + text + content)


def load(path: Path = FILE) -> Stored:
    """Read the file.  Raises CorruptData if it is damaged."""
    with intact(path, "make generator"):
        content = path.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        told = header.pop("__metadata__")
        tensors = {}
        for name, entry in header.items():
            first, last = (start + end for end in entry["data_offsets"])
            array = np.frombuffer(content[first:last], KINDS[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(array.copy())
        return Stored(json.loads(told["layers"]), tensors, json.loads(told["about"]))


# ---- The layers: what is kept of each, and how torch builds it again ----


def _norm(layer: nn.BatchNorm2d) -> dict[str, Tensor]:
    """After training, batch norm is a number for each channel to multiply with, and one to add."""
    scale = layer.weight / (layer.running_var + layer.eps).sqrt()
    return {"weight": scale, "bias": layer.bias - scale * layer.running_mean}


def _weights(layer: nn.Module) -> dict[str, Tensor]:
    return {"weight": layer.weight, "bias": layer.bias}


def _square(layer: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, int]:
    """The numbers of a convolution that is the same in both directions."""
    plain = layer.groups == 1 and layer.dilation == (1, 1) and getattr(layer, "output_padding", (0, 0)) == (0, 0)
    if not plain or len({*layer.stride}) > 1 or len({*layer.padding}) > 1:
        raise ValueError(f"{layer} is more than a page can compute.")
    return {"stride": layer.stride[0], "padding": layer.padding[0]}


WRITTEN: dict[type[nn.Module], Callable[[Any], tuple[dict[str, int], dict[str, Tensor]]]] = {
    nn.Linear: lambda layer: ({}, _weights(layer)),
    Maps: lambda layer: ({"size": layer.size}, {}),
    nn.BatchNorm2d: lambda layer: ({}, _norm(layer)),
    nn.ReLU: lambda layer: ({}, {}),
    nn.ConvTranspose2d: lambda layer: (_square(layer), _weights(layer)),
    nn.Conv2d: lambda layer: (_square(layer), _weights(layer)),
    nn.PixelShuffle: lambda layer: ({"factor": layer.upscale_factor}, {}),
    nn.Tanh: lambda layer: ({}, {}),
}
BUILT: dict[str, Callable[..., nn.Module]] = {
    "Linear": lambda weight, bias: nn.Linear(*reversed(weight.shape)),
    "Maps": Maps,
    "BatchNorm2d": lambda weight, bias: nn.BatchNorm2d(len(weight), eps=0.0),
    "ReLU": nn.ReLU,
    "ConvTranspose2d": lambda weight, bias, **how: nn.ConvTranspose2d(*weight.shape[:2], weight.shape[2:], **how),
    "Conv2d": lambda weight, bias, **how: nn.Conv2d(*reversed(weight.shape[:2]), weight.shape[2:], **how),
    "PixelShuffle": lambda factor: nn.PixelShuffle(factor),
    "Tanh": nn.Tanh,
}


def described(G: nn.Module) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """The layers of a generator and their tensors.  Raises ValueError for a layer that a page cannot compute."""
    layers, tensors = [], {}
    for layer in G.modules():
        if any(layer.children()):
            continue
        if type(layer) not in WRITTEN:
            raise ValueError(f"A page cannot compute the layer {layer}.")
        numbers, own = WRITTEN[type(layer)](layer)
        names = {name: f"{len(layers)}.{name}" for name in own}
        layers.append({"layer": type(layer).__name__, **numbers, **names})
        tensors |= {names[name]: tensor.detach().half() for name, tensor in own.items()}
    return layers, tensors


def network(stored: Stored) -> nn.Sequential:
    """The generator in torch again, from its file.  (n, latent) -> (n, 1, 28, 28)"""
    built = []
    for entry in stored.layers:
        entry = dict(entry)
        own = {name: stored.tensors[entry.pop(name)].float() for name in ("weight", "bias") if name in entry}
        layer = BUILT[entry.pop("layer")](**own, **entry)
        layer.load_state_dict(own, strict=False)  # a batch norm keeps mean 0 and variance 1
        built.append(layer)
    return nn.Sequential(*built).requires_grad_(False).eval()
