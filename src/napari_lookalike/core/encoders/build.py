"""From a row to a network, and from images to vectors. Nothing here uses the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.identity import remembered_checksum
from napari_lookalike.core.encoders.network import NetworkEncoder, choose_device
from napari_lookalike.core.encoders.pooling import pool_tokens
from napari_lookalike.core.encoders.weights import find_weights, missing_weights

if TYPE_CHECKING:
    import torch


def build_network(spec: EncoderSpec) -> torch.nn.Module:
    """The network of a row, with random weights, on torch's current default device.

    Raises
    ------
    EncoderError
        If the loader does not know the architecture or refuses the arguments: correct the
        row; or if the library that builds it is not installed.
    """
    from napari_lookalike.core.encoders import timm

    return timm.build(spec).eval()


def forward(network: Any, spec: EncoderSpec, images: torch.Tensor) -> torch.Tensor:
    """Images (n, 3, network_px, network_px), normalised, to features (n, dim)."""
    if spec.pooling == "none":
        result: torch.Tensor = network(images)
        return result
    return pool_tokens(network.forward_features(images), spec.pooling, network.num_prefix_tokens)


def load(spec: EncoderSpec, weights: Path | None, device: str = "auto") -> NetworkEncoder:
    """Build the network of a row and load its weights from local files.

    Parameters
    ----------
    spec
        The row.
    weights
        Weight file; ``None`` looks in the user's weights folder and the Hugging Face cache.
    device
        One of `network.DEVICES`.

    Raises
    ------
    EncoderError
        If no weights are here (says where to get and put them), or they do not fit.
    """
    import torch

    from napari_lookalike.core.encoders.state import fit_state, read_state

    chosen = choose_device(device)
    path = weights if weights is not None else find_weights(spec)
    if path is None:
        raise missing_weights(spec)
    digest = remembered_checksum(path)
    state = read_state(path)
    # Built without memory and given the file's tensors: no time is lost on drawing random
    # weights, which takes longer than reading the real ones.
    with torch.device("meta"):
        network = build_network(spec)
    fit_state(network, state, spec)
    if any(buffer.is_meta for buffer in network.buffers()):
        # Some architectures compute buffers that no weight file holds.
        network = build_network(spec)
        fit_state(network, state, spec)
    return NetworkEncoder(spec, network, digest, chosen)
