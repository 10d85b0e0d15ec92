"""Encoders: tile in, feature vector out."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec
from napari_lookalike.core.encoders.catalog import DEFAULT_ENCODER, ENCODERS

__all__ = ["DEFAULT_ENCODER", "ENCODERS", "Encoder", "EncoderSpec", "load_encoder"]


def load_encoder(name: str, *, weights: Path | None = None, device: str = "auto") -> Encoder:
    """Load an encoder, ready to encode."""
    spec = ENCODERS.get(name)
    from napari_lookalike.core.encoders.descriptor.encoder import HistologyDescriptor

    return HistologyDescriptor(spec)
