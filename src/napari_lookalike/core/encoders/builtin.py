"""Encoders that ship with us: how each is loaded, and what its features are called."""

from __future__ import annotations

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec
from napari_lookalike.core.errors import EncoderError

SHIPPED, DESCRIPTOR = "lookalike-base", "histology-descriptor"


def builtin_identity(spec: EncoderSpec) -> str:
    """`Encoder.identity` of a built-in encoder, without loading it.

    Raises
    ------
    EncoderError
        If there is no built-in encoder of that name.
    """
    if spec.name == SHIPPED:
        from napari_lookalike.core.encoders.shipped.facts import VERSION

        return f"{SHIPPED}-v{VERSION}"
    if spec.name == DESCRIPTOR:
        from napari_lookalike.core.encoders.descriptor.encoder import VERSION as OLD_VERSION

        return f"{DESCRIPTOR}-v{OLD_VERSION}"
    raise EncoderError(f"No encoder {spec.name!r} ships with the plugin.")


def load_builtin(spec: EncoderSpec) -> Encoder:
    """A built-in encoder, ready to encode.

    Raises
    ------
    EncoderError
        If there is none of that name, or its weight file is missing or damaged (install the
        plugin again).
    """
    if spec.name == SHIPPED:
        from napari_lookalike.core.encoders.shipped.encoder import ShippedEncoder

        return ShippedEncoder(spec)
    if spec.name == DESCRIPTOR:
        from napari_lookalike.core.encoders.descriptor.encoder import HistologyDescriptor

        return HistologyDescriptor(spec)
    raise EncoderError(f"No encoder {spec.name!r} ships with the plugin.")
