"""What is known of the shipped encoder without loading it (and without torch)."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.encoders.descriptor.encoder import COARSE_DIM as DESCRIPTOR_DIM

VERSION = 1
"""Raised whenever a vector changes: a part of the identity, so old features are not mixed in."""

NETWORK_DIM = 56 + 152 + 368
"""Channels of the stages of the network whose mean responses are kept."""

DIM = DESCRIPTOR_DIM + NETWORK_DIM

FOLDER = Path(__file__).parent
WEIGHTS = FOLDER / "lookalike-base.safetensors"
"""Weights in half precision, and the scales of all features."""

PROVENANCE = FOLDER / "provenance.json"
"""Where the weights come from: command, seeds, versions, time, scores, checksum."""

LARGEST_BYTES = 8_000_000
