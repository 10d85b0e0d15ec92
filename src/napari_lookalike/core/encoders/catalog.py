"""The catalogue: one row per encoder."""

from __future__ import annotations

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.registry import Registry

DEFAULT_ENCODER = "histology-descriptor"

ENCODERS: Registry[EncoderSpec] = Registry("encoder", EncoderError)

ENCODERS.register(
    DEFAULT_ENCODER,
    EncoderSpec(
        name=DEFAULT_ENCODER,
        title="Histology descriptor",
        loader="builtin",
        tile_px=224,
        mpp=0.5,
        pooling="none",
        dim=622,
        licence="BSD-3-Clause",
        note=(
            "Ships with the plugin and needs no download. Fine within one laboratory; weak "
            "across sites and stains. For work across sites use a foundation model."
        ),
        verified=True,
    ),
)
