"""A tiny encoder for tests: the mean colour of a tile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.base import Encoder, EncoderSpec


class MeanColour(Encoder):
    """Three numbers a tile: its mean colour, 0 to 255."""

    def __init__(self, tile_px: int = 32, mpp: float = 0.5, dim: int = 3) -> None:
        self.spec = EncoderSpec(
            "mean-colour", "Mean colour", "builtin", tile_px=tile_px, mpp=mpp, dim=dim
        )
        self.identity = "mean-colour-1"
        self.device = "cpu"
        self.batches: list[int] = []

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(len(tiles))
        return tiles.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)
