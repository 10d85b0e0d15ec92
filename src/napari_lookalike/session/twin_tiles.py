"""Which tile of a slide lies under a place: the one that a key speaks of. Pure."""

from __future__ import annotations

from math import floor

import numpy as np

from napari_lookalike.core.geometry import Region
from napari_lookalike.core.tiles import TileGrid

EDGE_UM, EDGE_PX0 = 112.0, 256.0
"""Edge of a tile on a slide without features: what most encoders see (224 px at 0.5 µm), or
level-0 pixels where the scale is not known."""


class TilesOfSlide:
    """The tiles that can be pointed at.

    Parameters
    ----------
    grid
        The slide's analysed tiles; ``None``: it has no features, and squares are laid over it.
    size_px0
        (width, height) of the slide, level-0 pixels.
    mpp
        µm per level-0 pixel (x, y); ``None`` if not known.
    """

    def __init__(
        self, grid: TileGrid | None, size_px0: tuple[int, int], mpp: tuple[float, float] | None
    ) -> None:
        self._grid, self._size = grid, size_px0
        self._edge = (EDGE_UM / mpp[0], EDGE_UM / mpp[1]) if mpp else (EDGE_PX0, EDGE_PX0)
        cells = [] if grid is None else grid.cells.tolist()
        self._index = {(column, row): i for i, (column, row) in enumerate(cells)}
        self._corners = None if grid is None else grid.corners_px0

    @property
    def analysed(self) -> bool:
        """Whether these are the tiles that a model learns from."""
        return self._grid is not None

    def at(self, x_px0: float, y_px0: float) -> Region | None:
        """The tile under a place, level-0 pixels; ``None`` where nothing was analysed."""
        width, height = self._size
        if not (0 <= x_px0 < width and 0 <= y_px0 < height):
            return None
        if self._grid is None:
            column, row = floor(x_px0 / self._edge[0]), floor(y_px0 / self._edge[1])
            return Region(column * self._edge[0], row * self._edge[1], *self._edge)
        index = self._of_grid(self._grid, x_px0, y_px0)
        return None if index is None else self._grid.region(index)

    def step(self, region: Region, columns: int, rows: int) -> Region | None:
        """The tile so many tiles right of and below another; ``None`` if there is none."""
        x = region.x + (columns + 0.5) * region.width
        y = region.y + (rows + 0.5) * region.height
        return self.at(x, y)

    def _of_grid(self, grid: TileGrid, x: float, y: float) -> int | None:
        """The tile whose centre is nearest, among those that cover the place."""
        cell = tuple(
            floor((at - origin - size / 2) / stride + 0.5)
            for at, origin, size, stride in zip(
                (x, y), grid.origin_px0, grid.size_px0, grid.stride_px0, strict=True
            )
        )
        found = self._index.get((cell[0], cell[1]))
        if found is not None and _covers(grid.region(found), x, y):
            return found
        if self._corners is None or grid.stride_px0[0] >= grid.size_px0[0]:
            return None
        # Tiles overlap, or lie on a finer grid: any of several may cover the place.
        middle = self._corners + np.asarray(grid.size_px0) / 2
        off = np.abs(middle - (x, y)).max(axis=1)
        nearest = int(off.argmin()) if len(off) else -1
        return nearest if nearest >= 0 and _covers(grid.region(nearest), x, y) else None


def _covers(region: Region, x: float, y: float) -> bool:
    return region.x <= x < region.x + region.width and region.y <= y < region.y + region.height
