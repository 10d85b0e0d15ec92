"""Adapters: small files that change an encoder's attention layers (LoRA), beside its weights.

A layer ``W`` becomes ``W + alpha / rank * B A``. An adapter is a safetensors file of the A and
B, named as the peft library names them, with what it belongs to in its header. It goes where
a weight file goes (`load_encoder`'s ``weights``); the encoder's own weights are looked for
beside it and in the usual places, and recognised by their checksum.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.checksums import remembered_checksum
from napari_lookalike.core.encoders.weights import find_weights
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch

KEY = "lookalike_adapter"
"""Name of the header's entry by which an adapter is told from weights."""

_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"
_WEIGHTS = (".safetensors", ".bin", ".pth", ".pt")


@dataclass(frozen=True)
class Adapter:
    """What an adapter says of itself.

    Parameters
    ----------
    encoder
        Name of the encoder that it belongs to.
    base_sha256
        SHA-256 of the weights that it was trained on.
    rank, alpha
        Of the low-rank change.
    """

    encoder: str
    base_sha256: str
    rank: int
    alpha: float


def read_adapter(path: Path | None) -> Adapter | None:
    """What an adapter's header says; ``None`` for anything that is no adapter."""
    if path is None or path.suffix != ".safetensors" or not path.is_file():
        return None
    import safetensors

    try:
        with safetensors.safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(KEY)
        return None if text is None else Adapter(**json.loads(text))
    except (OSError, ValueError, TypeError, safetensors.SafetensorError):
        return None  # whoever reads it as weights says what is wrong with it


def save_adapter(path: Path, about: Adapter, layers: dict[str, torch.Tensor]) -> None:
    """Write an adapter.

    Parameters
    ----------
    path
        Ends in ``.safetensors``.
    about
        Its header.
    layers
        ``<module>.lora_A.weight`` (rank, in) and ``<module>.lora_B.weight`` (out, rank).

    Raises
    ------
    EncoderError
        If it cannot be written there.
    """
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in layers.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One entry only: safetensors writes several in an order that changes from call to call,
        # and the same training must give the same file.
        save_file(tensors, path, {KEY: json.dumps(asdict(about))})
    except OSError as error:
        raise EncoderError(
            f"The adapter cannot be written ({error.strerror}).", "Choose another folder."
        ) from None


def base_weights(path: Path, about: Adapter, spec: EncoderSpec) -> Path:
    """The weights that an adapter belongs to: beside it, or where weights usually are.

    Raises
    ------
    EncoderError
        If it is another encoder's, or those weights are not here.
    """
    if about.encoder != spec.name:
        raise EncoderError(
            f"The adapter is of the encoder {about.encoder}, not of {spec.name}.",
            f"Choose the encoder {about.encoder}.",
        )
    beside = sorted(
        file for file in path.parent.iterdir() if file.suffix in _WEIGHTS and file != path
    )
    usual = find_weights(spec)
    for file in (*beside, *([] if usual is None else [usual])):
        if remembered_checksum(file) == about.base_sha256:
            return file
    raise EncoderError(
        "The weights that the adapter was trained on are not here.",
        f"Put the weights of {spec.name} into the adapter's folder. Their SHA-256 begins with "
        f"{about.base_sha256[:12]}.",
    )


def remedy_for_base(path: Path, about: Adapter, spec: EncoderSpec) -> str:
    """What is to be done before an adapter can be used; empty if it can be at once."""
    try:
        base_weights(path, about, spec)
    except EncoderError as error:
        return error.remedy
    return ""


def joined_checksum(base_sha256: str, path: Path) -> str:
    """A checksum of weights with an adapter: features of either are never mixed."""
    both = f"{base_sha256} {remembered_checksum(path)}"
    return hashlib.sha256(both.encode()).hexdigest()


def merge(network: torch.nn.Module, path: Path, about: Adapter) -> None:
    """Change a network's layers as an adapter says; it is then as fast as before.

    Raises
    ------
    EncoderError
        If the adapter's layers are not the network's.
    """
    import torch
    from safetensors.torch import load_file

    layers = load_file(path)
    modules = dict(network.named_modules())
    for name, down in layers.items():
        if not name.endswith(_DOWN):
            continue
        module = name.removesuffix(_DOWN)
        weight, up = getattr(modules.get(module), "weight", None), layers.get(module + _UP)
        if weight is None or up is None or weight.shape != (up.shape[0], down.shape[1]):
            raise EncoderError(
                f"The adapter's layer {module} does not fit the network.",
                "Choose the encoder that it was trained for.",
            )
        with torch.no_grad():
            weight += (about.alpha / about.rank * (up.float() @ down.float())).to(weight.dtype)
