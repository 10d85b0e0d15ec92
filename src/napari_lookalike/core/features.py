"""Features of one slide: one HDF5 file per slide and encoder, complete or absent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.tiles import TileGrid


@dataclass(frozen=True, eq=False)
class Features:
    """All instances of one slide.

    Parameters
    ----------
    slide_id
        The slide.
    fingerprint
        Its content id when it was embedded.
    instances
        float32 (n_tiles, dim).
    grid
        Where each instance lies; same order.
    encoder
        `Encoder.identity` of what made them.
    """

    slide_id: str
    fingerprint: str
    instances: NDArray[np.float32]
    grid: TileGrid
    encoder: str
