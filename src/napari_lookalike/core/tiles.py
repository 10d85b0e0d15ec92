"""The tile grid: where tiles lie on a slide, in micrometres and not in levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TileGrid:
    """Tiles that hold tissue, on a regular grid over the slide.

    Parameters
    ----------
    cells
        int32 (n_tiles, 2): (column, row) of each tile in the grid.
    shape
        (rows, columns) of the whole grid.
    origin_px0
        (x, y) of the top-left corner of cell (0, 0), level-0 pixels.
    stride_px0
        (x, y) distance between neighbouring tiles in level-0 pixels; need not be whole.
    size_px0
        (width, height) of a tile in level-0 pixels; need not be whole.
    tile_px
        Edge of a tile after resampling, in pixels, as the encoder sees it.
    mpp
        µm per pixel of the resampled tile; ``None`` for "tiles in level-0 pixels".
    slide_size
        (width, height) of level 0 in pixels.
    """

    cells: NDArray[np.int32]
    shape: tuple[int, int]
    origin_px0: tuple[float, float]
    stride_px0: tuple[float, float]
    size_px0: tuple[float, float]
    tile_px: int
    mpp: float | None
    slide_size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def corners_px0(self) -> NDArray[np.float64]:
        """(n_tiles, 2) exact (x, y) of each tile's top-left corner, level-0 pixels."""
        return np.asarray(self.origin_px0) + self.cells * np.asarray(self.stride_px0)

    @property
    def coords(self) -> NDArray[np.int64]:
        """(n_tiles, 2) the same rounded down, as TRIDENT and CLAM store them."""
        return np.floor(self.corners_px0).astype(np.int64)
