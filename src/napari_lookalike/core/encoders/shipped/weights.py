"""The weight file of the shipped encoder: half precision, with the scales of the features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.shipped.facts import DIM
from napari_lookalike.core.errors import EncoderError

_MEAN, _STD = "features.mean", "features.std"


@dataclass(frozen=True, eq=False)
class Weights:
    """What the file holds.

    Parameters
    ----------
    network
        State of the network, float32 tensors.
    mean, std
        float32 (DIM,), of all features over drawn tiles.
    """

    network: dict[str, Any]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]


def write_weights(path: Path, weights: Weights) -> None:
    """Write the file; the network in half precision, the scales in full."""
    import torch
    from safetensors.torch import save_file

    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in weights.network.items()
    }
    tensors[_MEAN] = torch.from_numpy(weights.mean)
    tensors[_STD] = torch.from_numpy(weights.std)
    save_file(tensors, path)


def read_weights(path: Path) -> Weights:
    """Read the file.

    Raises
    ------
    EncoderError
        If it is missing or damaged: install the plugin again.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    remedy = "Install the plugin again: the file is a part of it."
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise EncoderError(f"{path.name} cannot be read ({error}).", remedy) from error
    mean, std = tensors.pop(_MEAN, None), tensors.pop(_STD, None)
    if mean is None or std is None or mean.shape != (DIM,) or std.shape != (DIM,):
        raise EncoderError(f"{path.name} does not belong to this version.", remedy)
    network = {n: v.float() if v.is_floating_point() else v for n, v in tensors.items()}
    return Weights(network, mean.numpy(), std.numpy())
