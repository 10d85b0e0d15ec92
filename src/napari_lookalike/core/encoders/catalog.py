"""The catalogue: one row per encoder. What ships with us stands here, the rest in ``rows``."""

from __future__ import annotations

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.builtin import DESCRIPTOR, SHIPPED
from napari_lookalike.core.encoders.rows import ROWS
from napari_lookalike.core.encoders.weights import why_not
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.registry import Registry

DEFAULT_ENCODER = SHIPPED

ENCODERS: Registry[EncoderSpec] = Registry("encoder", EncoderError)


def _add(spec: EncoderSpec) -> None:
    ENCODERS.register(spec.name, spec, lambda: why_not(spec))


_add(
    EncoderSpec(
        name=SHIPPED,
        title="Lookalike base",
        loader="builtin",
        tile_px=224,
        mpp=0.5,
        pooling="none",
        dim=1102,
        licence="BSD-3-Clause",
        note=(
            "Ships with the plugin and needs no download: a descriptor and a small network that "
            "saw drawn tissue only. Fine within one laboratory; weak across sites and stains. "
            "Across sites, a foundation model is recommended."
        ),
        verified=True,
    )
)
_add(
    EncoderSpec(
        name=DESCRIPTOR,
        title="Histology descriptor",
        loader="builtin",
        tile_px=224,
        mpp=0.5,
        pooling="none",
        dim=586,
        licence="BSD-3-Clause",
        note="The encoder that shipped before; kept for projects that use it.",
        verified=True,
    )
)
for _spec in ROWS:
    _add(_spec)
