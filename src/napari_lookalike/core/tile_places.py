"""Where tiles of a grid lie on the level that they are read from, and on its native tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.geometry import Region
from napari_lookalike.core.native_pieces import Natives
from napari_lookalike.core.slides.base import Level, Slide
from napari_lookalike.core.slides.slide import level_for
from napari_lookalike.core.tiles import TileGrid, same_level

EDGE_PX: Final = 2048
"""Longest edge of what is read at once, in pixels of the level: 12 MB."""

Ints = NDArray[np.int64]
Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class CutFrom:
    """Which level tiles are cut from.

    Parameters
    ----------
    index
        Into `Slide.levels`.
    level
        That level.
    same
        Whether its pixels are taken as they are.
    """

    index: int
    level: Level
    same: bool

    @property
    def more(self) -> int:
        """Pixels around a tile that are read too: linear interpolation may need one."""
        return 0 if self.same else 1

    @property
    def tiled(self) -> bool:
        """Whether the file's own tiles are so small that some of them can be left out."""
        return max(self.level.tile_width, self.level.tile_height) <= EDGE_PX


def cut_from(slide: Slide, grid: TileGrid) -> CutFrom:
    """The level that has the scale of a grid's tiles, else the coarsest that is fine enough.

    Parameters
    ----------
    slide, grid
        The slide, and the grid that was made for it.
    """
    index = same_level(slide, grid)
    if index is not None:
        return CutFrom(index, slide.levels[index], True)
    index = level_for(slide.levels, Region(0, 0, *grid.size_px0), (grid.tile_px, grid.tile_px))
    return CutFrom(index, slide.levels[index], False)


def tile_boxes(grid: TileGrid, source: CutFrom, cells: NDArray[np.integer]) -> Boxes:
    """Where tiles lie on the level.

    Parameters
    ----------
    grid, source
        The grid, and what its tiles are cut from.
    cells
        (n, 2) column and row in the grid; there need be no tile.

    Returns
    -------
    ndarray of float64 (n, 4)
        Left, top, right, bottom in pixels of the level; whole numbers where pixels are taken
        as they are.
    """
    down = np.array([source.level.downsample_x, source.level.downsample_y])
    corners = np.asarray(grid.origin_px0) + cells * np.asarray(grid.stride_px0)
    first = corners / down
    if source.same:  # whole pixels, as they are
        first = np.rint(first)
        return np.concatenate([first, first + grid.tile_px], axis=1)
    last = (corners + np.asarray(grid.size_px0)) / down
    return np.concatenate([first, last], axis=1)


def natives_under(grid: TileGrid, source: CutFrom, some: Ints, boxes: Boxes) -> Natives:
    """The native tiles under tiles, and which of them other tiles of the grid may need too.

    Parameters
    ----------
    grid, source
        The grid, and what its tiles are cut from.
    some
        Which tiles; at least one.
    boxes
        Theirs, from `tile_boxes`.

    Returns
    -------
    Natives
        ``again`` is true under all other cells of the grid, with tissue or without.
    """
    edges = np.array([source.level.tile_width, source.level.tile_height])
    low, high = _pixels(boxes, source.more)
    low, high = low // edges, -(-high // edges)
    corner, end = low.min(axis=0), high.max(axis=0)
    needed = np.zeros((end - corner)[::-1], np.bool_)
    for (left, top), (right, bottom) in zip(
        (low - corner).tolist(), (high - corner).tolist(), strict=True
    ):
        needed[top:bottom, left:right] = True
    again = _again(grid, source, grid.cells[some].astype(np.int64), corner, end)
    return Natives(int(corner[0]), int(corner[1]), needed, again)


def _again(
    grid: TileGrid, source: CutFrom, cells: Ints, corner: Ints, end: Ints
) -> NDArray[np.bool_]:
    """Which native tiles of a rectangle lie under cells of the grid other than these."""
    edges = np.array([source.level.tile_width, source.level.tile_height])
    down = np.array([source.level.downsample_x, source.level.downsample_y])
    reach = (edges + 2 + np.asarray(grid.size_px0) / down) / (np.asarray(grid.stride_px0) / down)
    around = int(np.ceil(reach.max())) + 1
    first = cells.min(axis=0) - around
    lines = first + np.arange(int(np.ptp(cells, axis=0).max()) + 2 * around + 1)[:, None]
    there = (lines >= 0) & (lines < np.array(grid.shape[::-1]))
    others = there[:, None, 1] & there[None, :, 0]
    others[tuple((cells - first).T[::-1])] = False
    low, high = _pixels(tile_boxes(grid, source, lines), source.more)
    over = []  # (native tiles, lines of cells) for columns, then rows: which lie on which
    for axis in (0, 1):
        start = np.arange(corner[axis], end[axis])[:, None] * edges[axis]
        over.append((low[:, axis] < start + edges[axis]) & (high[:, axis] > start))
    return np.asarray(over[1].astype(np.float32) @ others @ over[0].T > 0)


def _pixels(boxes: Boxes, more: int) -> tuple[Ints, Ints]:
    """(n, 2) first pixels (x, y) of boxes and of what follows them, with ``more`` around."""
    low = np.floor(boxes[:, :2] - more + 1e-6).astype(np.int64)
    return low, np.ceil(boxes[:, 2:] + more - 1e-6).astype(np.int64)
