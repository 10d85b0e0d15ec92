"""From a row to a network, and from images to vectors. Nothing here uses the internet."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lookalike.core.encoders.adapter import merge, read_adapter
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.beside import with_facts_beside
from napari_lookalike.core.encoders.identity import weights_in_use
from napari_lookalike.core.encoders.network import NetworkEncoder, choose_device
from napari_lookalike.core.encoders.pooling import pool_tokens
from napari_lookalike.core.encoders.report import KeyReport
from napari_lookalike.core.encoders.weights import import_only, missing_library
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

    from napari_lookalike.core.encoders.files import State

log = logging.getLogger("napari_lookalike")

LOADERS = ("timm", "transformers", "open_clip", "own")
"""Loaders of networks; the others ("builtin", "import") have none that takes a file."""


def build_network(spec: EncoderSpec) -> torch.nn.Module:
    """The network of a row, with random weights, on torch's current default device.

    Raises
    ------
    EncoderError
        If the loader does not know the architecture or refuses the arguments: correct the
        row; or if the library that builds it is not installed.
    """
    obstacle = import_only(spec) or missing_library(spec)
    if obstacle is not None:
        raise EncoderError(obstacle)
    if spec.loader not in LOADERS:
        raise EncoderError(f"{spec.title} has no network that takes a weight file.")
    # A module for each loader, imported only when needed: each imports its library.
    loader = import_module(f"{__package__}.{spec.loader}")
    network: torch.nn.Module = loader.build(spec)
    return network.eval()


def forward(network: Any, spec: EncoderSpec, images: torch.Tensor) -> torch.Tensor:
    """Images (n, 3, network_px, network_px), normalised, to features (n, dim)."""
    if spec.pooling == "none":
        result: torch.Tensor = network(images)
        return result
    if spec.loader == "transformers":
        from napari_lookalike.core.encoders.transformers import prefix, tokens

        return pool_tokens(tokens(network, spec, images), spec.pooling, prefix(network))
    return pool_tokens(network.forward_features(images), spec.pooling, network.num_prefix_tokens)


def fitted(spec: EncoderSpec, state: State) -> tuple[torch.nn.Module, KeyReport]:
    """The network of a row with the tensors of a file, and what of the file fits.

    Returns
    -------
    network, report
        If the report is not ok, the network is not to be used.
    """
    import torch

    if spec.loader == "transformers":
        from napari_lookalike.core.encoders.transformers import fitted as by_transformers

        return by_transformers(spec, state)
    from napari_lookalike.core.encoders.fitting import fit_state

    # Built without memory and given the file's tensors: no time is lost on drawing random
    # weights, which takes longer than reading the real ones.
    with torch.device("meta"):
        network = build_network(spec)
    report = fit_state(network, state, spec)
    if report.ok and any(buffer.is_meta for buffer in network.buffers()):
        # Some architectures compute buffers that no weight file holds.
        network = build_network(spec)
        report = fit_state(network, state, spec)
    return network, report


def load(spec: EncoderSpec, weights: Path | None, device: str = "auto") -> NetworkEncoder:
    """Build the network of a row and load its weights from local files.

    Parameters
    ----------
    spec
        The row.
    weights
        Weight file, or a folder that holds it; ``None`` looks in the user's weights folder
        and the Hugging Face cache.
    device
        One of `network.DEVICES`.

    Raises
    ------
    EncoderError
        If no weights are here (says where to get and put them), or they do not fit (says
        which keys differ, and which encoder the file seems to be).
    """
    from napari_lookalike.core.encoders.files import read_state
    from napari_lookalike.core.encoders.likely import wrong_file

    chosen = choose_device(device)
    path, digest = weights_in_use(spec, weights)
    spec = with_facts_beside(spec, path)
    state = read_state(path)
    network, report = fitted(spec, state)
    if not report.ok:
        raise wrong_file(spec, state, report)
    adapter = read_adapter(weights)
    if adapter is not None and weights is not None:
        merge(network, weights, adapter)
    log.info(
        "%s: all %d tensors fit, %d left out; SHA-256 %s",
        spec.title,
        report.fitting,
        report.left_out,
        digest,
    )
    return NetworkEncoder(spec, network, digest, chosen)
