"""Encoders that timm builds, with weights from a local file. Nothing here uses the network."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec, check_tiles
from napari_lookalike.core.encoders.identity import remembered_checksum, timm_identity
from napari_lookalike.core.encoders.pooling import pool_tokens
from napari_lookalike.core.encoders.weights import find_weights, missing_weights
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cuda", "mps", "cpu")
_BATCH = {"cpu": 16, "mps": 32, "cuda": 128}


def build_network(spec: EncoderSpec) -> torch.nn.Module:
    """The network of a row, with random weights, on torch's current default device.

    Raises
    ------
    EncoderError
        If timm does not know the architecture or refuses the arguments: correct the row.
    """
    import timm
    import torch

    arguments = dict(spec.arguments)
    if "mlp_layer" in arguments:
        arguments["mlp_layer"] = getattr(timm.layers, arguments["mlp_layer"])
    if "act_layer" in arguments:
        arguments["act_layer"] = getattr(torch.nn, arguments["act_layer"])
    try:
        network: torch.nn.Module = timm.create_model(
            spec.architecture, pretrained=False, **arguments
        )
    except (RuntimeError, TypeError, ValueError) as error:
        raise EncoderError(
            f"timm cannot build {spec.architecture!r} for {spec.title}: {error}",
            "Check the architecture's name and arguments.",
        ) from error
    return network.eval()


def forward(network: Any, spec: EncoderSpec, images: torch.Tensor) -> torch.Tensor:
    """Images (n, 3, tile_px, tile_px), normalised, to features (n, dim)."""
    if spec.pooling == "none":
        result: torch.Tensor = network(images)
        return result
    return pool_tokens(network.forward_features(images), spec.pooling, network.num_prefix_tokens)


def choose_device(device: str) -> str:
    """The device to use: "auto" takes cuda, else mps, else cpu.

    Raises
    ------
    EncoderError
        If the device is unknown or not here: choose "auto" or "cpu".
    """
    import torch

    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, present in here.items() if present)
    if not here.get(device, False):
        raise EncoderError(
            f"The device {device!r} is not available here.",
            f"Choose auto or one of: {', '.join(name for name in here if here[name])}.",
        )
    return device


def any_timm_spec(architecture: str) -> EncoderSpec:
    """A row for any architecture of timm, with timm's own normalisation, size and pooling.

    Raises
    ------
    EncoderError
        If timm does not know the name.
    """
    import timm
    import torch

    probe = EncoderSpec(
        name=f"timm:{architecture}",
        title=architecture,
        loader="timm",
        architecture=architecture,
        arguments={"num_classes": 0},
        pooling="none",
        licence="that of the weight file",
        note="Any network of timm with weights of your own.",
    )
    with torch.device("meta"):
        network = build_network(probe)
    config: Mapping[str, Any] = timm.data.resolve_model_data_config(network)
    size = int(config["input_size"][-1])
    with torch.inference_mode():
        features = network(torch.empty(1, 3, size, size, device="meta"))
    return replace(
        probe,
        tile_px=size,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        dim=int(features.shape[-1]),
    )


def load_timm(spec: EncoderSpec, weights: Path | None, device: str = "auto") -> TimmEncoder:
    """Build the network of a row and load its weights from a local file.

    Parameters
    ----------
    spec
        The row.
    weights
        Weight file; ``None`` looks in the user's weights folder and the Hugging Face cache.
    device
        One of `DEVICES`.

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
    return TimmEncoder(spec, network, digest, chosen)


class TimmEncoder(Encoder):
    """A network in evaluation mode with its normalisation and pooling.

    Parameters
    ----------
    spec
        Its row.
    network
        The network, with its weights.
    digest
        SHA-256 of the weight file.
    device
        "cuda", "mps" or "cpu"; on cuda it computes in bfloat16.
    """

    def __init__(self, spec: EncoderSpec, network: Any, digest: str, device: str) -> None:
        import torch

        self.spec = spec
        self.device = device
        self.identity = timm_identity(spec, digest)
        self._network = network.float().to(device).eval().requires_grad_(False)
        self._batch = _BATCH[device]
        scale = 255.0
        self._mean = torch.tensor(spec.mean, device=device).view(1, 3, 1, 1) * scale
        self._std = torch.tensor(spec.std, device=device).view(1, 3, 1, 1) * scale

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles to feature vectors; see `Encoder.encode`.

        Raises
        ------
        EncoderError
            If the tiles have another shape or type, or one tile alone does not fit into the
            device's memory (use the cpu).
        """
        import torch

        check_tiles(tiles, self.spec)
        features = np.empty((len(tiles), self.spec.dim), dtype=np.float32)
        start = 0
        while start < len(tiles):
            stop = min(start + self._batch, len(tiles))
            try:
                features[start:stop] = self._encode_batch(tiles[start:stop])
            except torch.OutOfMemoryError as error:
                if self._batch == 1:
                    raise EncoderError(
                        f"{self.spec.title} does not fit into the memory of the {self.device}.",
                        "Close other programs that use it, or choose the cpu.",
                    ) from error
                self._batch //= 2
                continue
            start = stop
        return features

    def _encode_batch(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), self._precision():
            batch = torch.from_numpy(np.ascontiguousarray(tiles)).to(self.device)
            images = batch.permute(0, 3, 1, 2).float().sub_(self._mean).div_(self._std)
            features = forward(self._network, self.spec, images)
        result: NDArray[np.float32] = features.float().cpu().numpy()
        return result

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        if self.device == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()
