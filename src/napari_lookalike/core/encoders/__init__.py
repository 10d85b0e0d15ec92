"""Encoders: tile in, feature vector out."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.devices import check_device
from napari_lookalike.core.encoders.base import Encoder, EncoderSpec
from napari_lookalike.core.encoders.catalog import DEFAULT_ENCODER, ENCODERS
from napari_lookalike.core.encoders.identity import encoder_identity
from napari_lookalike.core.encoders.imported import cannot_embed, imported_spec, is_imported
from napari_lookalike.core.encoders.slide_encoders import SLIDE, SLIDE_ENCODERS
from napari_lookalike.core.encoders.weights import HUB

__all__ = [
    "DEFAULT_ENCODER",
    "ENCODERS",
    "SLIDE_ENCODERS",
    "Encoder",
    "EncoderSpec",
    "encoder_identity",
    "encoder_spec",
    "load_encoder",
]

ANY_TIMM = "timm:"
"""``timm:<architecture>`` is any network of timm, with weights of the user's own."""

ANY_HUB = HUB
"""``hf-hub:<repository>`` is any model of the hub whose files are on this machine."""


def encoder_spec(name: str) -> EncoderSpec:
    """The row of an encoder by name, or one made for ``timm:…`` or ``hf-hub:…``.

    Raises
    ------
    EncoderError
        If there is none of that name; the message names those that are near. For
        ``hf-hub:…``, if its configuration is not on this machine: nothing is downloaded.
    """
    if is_imported(name):
        return imported_spec(name)
    if name.startswith(ANY_TIMM):
        from napari_lookalike.core.encoders.timm import any_timm_spec

        return any_timm_spec(name.removeprefix(ANY_TIMM))
    if name.startswith(ANY_HUB):
        from napari_lookalike.core.encoders.hub import hub_spec

        return hub_spec(name)
    if name.startswith(SLIDE):
        return SLIDE_ENCODERS.get(name.removeprefix(SLIDE)).file_row()
    return ENCODERS.get(name)


def load_encoder(
    name: str | EncoderSpec, *, weights: Path | None = None, device: str = "auto"
) -> Encoder:
    """Load an encoder, ready to encode. Never uses the network.

    Parameters
    ----------
    name
        A name in `ENCODERS`, ``timm:<architecture>``, ``hf-hub:<repository>``, or a row of
        one's own.
    weights
        Weight file (safetensors, or a torch file of tensors), list of its parts, or folder
        that holds it; or an adapter, as ``tune-encoder`` writes it, whose weights lie beside
        it or in the usual place; ``None`` looks in the user's weights folder and in the local
        Hugging Face cache. Not used by a built-in encoder.
    device
        "auto" (cuda, else mps, else cpu), "cuda", "mps" or "cpu". A built-in encoder computes
        on the CPU whatever is chosen.

    Raises
    ------
    EncoderError
        If the name is unknown, the weights are missing (says where to get and put them) or
        do not fit (says which keys differ, and whose file it seems to be), a library is not
        installed, its features can only be imported, or the device is not here.
    """
    spec = name if isinstance(name, EncoderSpec) else encoder_spec(name)
    if is_imported(spec.name):
        raise cannot_embed(spec)
    if spec.loader == "builtin":
        from napari_lookalike.core.encoders.builtin import load_builtin

        check_device(device)
        return load_builtin(spec)
    from napari_lookalike.core.encoders.build import load

    return load(spec, weights, device)
