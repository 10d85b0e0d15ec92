"""Bags of tens of thousands of instances, asked piece by piece.

The first layer of a bag of 100,000 instances of 1,536 numbers is 79 billion multiplications;
standardised at once it would also be 600 MB of numbers that are read and written three times.
In pieces they stay in the processor's cache. On a CPU the layers run in oneDNN, in single
precision: on some processors it is twice as fast as the library that torch calls by itself,
and the numbers differ in the seventh digit only, as between two computers.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

LARGE = 8_192
"""Bags of more instances are asked in pieces; smaller ones as they always were."""
PIECE = 512


def in_pieces(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """``function`` of rows (n, ...), which it takes one by one, ``PIECE`` at a time."""
    return torch.cat([function(piece) for piece in torch.split(rows, PIECE)])


def quick_linear(layer: nn.Linear, like: Tensor) -> Callable[[Tensor], Tensor]:
    """A linear layer for evaluation, by the fastest way for numbers like these.

    Parameters
    ----------
    layer
        In evaluation, without gradients.
    like
        Of the type and device that it is to be called with.
    """
    weight = layer.weight
    plain = like.device.type != "cpu" or like.dtype is not torch.float32
    one_dnn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if plain or weight.dtype is not torch.float32 or not one_dnn:
        return layer
    bias = layer.bias if layer.bias is not None else weight.new_zeros(len(weight))
    packed, offset = weight.detach().to_mkldnn(), bias.detach().to_mkldnn()

    def run(rows: Tensor) -> Tensor:
        answer: Tensor = nn.functional.linear(rows.to_mkldnn(), packed, offset).to_dense()
        return answer

    return run


def quick_layers(layers: nn.Sequential, like: Tensor) -> Callable[[Tensor], Tensor]:
    """The layers before pooling, for evaluation: `quick_linear` for each linear one."""
    steps: list[Callable[[Tensor], Tensor]] = [
        quick_linear(layer, like) if isinstance(layer, nn.Linear) else layer for layer in layers
    ]

    def run(rows: Tensor) -> Tensor:
        for step in steps:
            rows = step(rows)
        return rows

    return run
