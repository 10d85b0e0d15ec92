"""The tile grid: where tiles lie on a slide, in micrometres and not in levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import LookalikeError, ScaleError
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.slides.base import RGB, Slide

if TYPE_CHECKING:  # its image libraries are not needed to look at a grid
    from napari_lookalike.core.tissue import TissueMask

SAME_SCALE: Final = 1e-3
"""A level this near to the wanted scale (relative) is read as it is: over a tile of
224 px that is less than a quarter of a pixel."""

_EPSILON: Final = 1e-9


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
        corners = np.asarray(self.origin_px0) + self.cells * np.asarray(self.stride_px0)
        return np.asarray(corners, dtype=np.float64)

    @property
    def coords(self) -> NDArray[np.int64]:
        """(n_tiles, 2) the same rounded down, as TRIDENT and CLAM store them."""
        return np.floor(self.corners_px0).astype(np.int64)

    @property
    def tile_mode(self) -> str:
        """Either "mpp", or "level0" for tiles in level-0 pixels; the two are never mixed."""
        return "level0" if self.mpp is None else "mpp"

    def region(self, i: int) -> Region:
        """Where tile ``i`` lies on the slide, exactly."""
        x, y = (
            origin + float(cell) * stride
            for origin, cell, stride in zip(
                self.origin_px0, self.cells[i], self.stride_px0, strict=True
            )
        )
        return Region(x, y, *self.size_px0)


def make_grid(
    slide: Slide,
    tissue: TissueMask,
    *,
    tile_px: int,
    mpp: float | None,
    min_tissue: float = 0.4,
    overlap: float = 0.0,
    max_pen: float = 0.1,
) -> TileGrid:
    """Lay a grid over a slide and keep the tiles that hold tissue.

    Parameters
    ----------
    slide
        An open slide.
    tissue
        Its tissue mask.
    tile_px
        Edge of a tile after resampling, in pixels.
    mpp
        µm per pixel after resampling. ``None``: tiles in level-0 pixels, for slides
        whose scale nobody knows.
    min_tissue
        Share of a tile's whole area that must be tissue.
    overlap
        Overlap of neighbouring tiles in pixels of the resampled tile.
    max_pen
        Share of a tile's whole area that may be pen.

    Returns
    -------
    TileGrid
        Row by row from the top, each row from the left. A tile at the right or lower
        edge may reach beyond the slide; there it is white.

    Raises
    ------
    ScaleError
        If ``mpp`` is given and the slide's own is not known: give the slide's mpp, or
        choose tiles in level-0 pixels.
    """
    if tile_px < 1 or not 0 <= overlap < tile_px:
        raise LookalikeError(
            f"Tiles of {tile_px} px with an overlap of {overlap:g} px cannot be laid out.",
            "Choose an overlap smaller than the tile.",
        )
    factor = check_scale(slide, mpp)
    size = (tile_px * factor[0], tile_px * factor[1])
    step = 1 - overlap / tile_px
    stride = (size[0] * step, size[1] * step)
    columns, rows = (
        _count(edge, a, b) for edge, a, b in zip(slide.size, size, stride, strict=True)
    )
    down = tissue.downsample_xy
    share = _shares(tissue.mask, down, (columns, rows), stride, size)
    pen = _shares(tissue.pen, down, (columns, rows), stride, size)
    row, column = np.nonzero((share >= min_tissue - _EPSILON) & (pen <= max_pen + _EPSILON))
    return TileGrid(
        cells=np.stack([column, row], axis=1).astype(np.int32),
        shape=(rows, columns),
        origin_px0=(0.0, 0.0),
        stride_px0=stride,
        size_px0=size,
        tile_px=tile_px,
        mpp=mpp,
        slide_size=slide.size,
    )


def read_tile(slide: Slide, grid: TileGrid, i: int) -> RGB:
    """Pixels of one tile.

    Parameters
    ----------
    slide
        The slide that the grid was made for.
    grid
        The tile grid.
    i
        Index of the tile.

    Returns
    -------
    ndarray of uint8 (tile_px, tile_px, 3)
        White beyond the slide. If a level has the tile's own scale, its pixels are
        taken as they are, at the nearest whole pixel of that level.

    Raises
    ------
    RegionError
        If the file's data cannot be decoded there.
    """
    region, px = grid.region(i), grid.tile_px
    level = same_level(slide, grid)
    if level is None:
        return slide.read_region(region, (px, px))
    found = slide.levels[level]
    x, y = round(region.x / found.downsample_x), round(region.y / found.downsample_y)
    return slide.read_level(level, x, y, px, px)


def read_tiles(slide: Slide, grid: TileGrid, indices: Sequence[int]) -> RGB:
    """Pixels of several tiles; neighbours together, which is faster than one by one.

    Parameters
    ----------
    slide, grid
        As for `read_tile`.
    indices
        Which tiles, in which order.

    Returns
    -------
    ndarray of uint8 (n, tile_px, tile_px, 3)
    """
    from napari_lookalike.core.tile_reading import read_tiles_into

    out = np.empty((len(indices), grid.tile_px, grid.tile_px, 3), dtype=np.uint8)
    read_tiles_into(slide, grid, indices, out)
    return out


def check_scale(slide: Slide, mpp: float | None) -> tuple[float, float]:
    """Level-0 pixels per pixel (x, y) of an image of the slide at ``mpp``.

    Parameters
    ----------
    slide
        An open slide.
    mpp
        µm per pixel wanted; ``None`` for level-0 pixels, which any slide has.

    Raises
    ------
    ScaleError
        If ``mpp`` is given and the slide's own is not known.
    """
    if mpp is None:
        return 1.0, 1.0
    scale = slide.scale
    if scale.mpp_x is None or scale.mpp_y is None:
        raise ScaleError(
            scale.reason or "The slide does not say how many micrometres a pixel has.",
            "Give its mpp, or choose tiles in level-0 pixels for it.",
            slide.name,
        )
    return mpp / scale.mpp_x, mpp / scale.mpp_y


def _count(edge: int, size: float, stride: float) -> int:
    """Tiles in a row so that the last one reaches the edge."""
    return max(1, math.ceil((edge - size) / stride - _EPSILON) + 1)


def same_level(slide: Slide, grid: TileGrid) -> int | None:
    """Index of the level that has the scale of the tiles; ``None`` if there is none."""
    wanted = [edge / grid.tile_px for edge in grid.size_px0]
    for i, level in enumerate(slide.levels):
        off_x = level.downsample_x / wanted[0] - 1
        off_y = level.downsample_y / wanted[1] - 1
        if max(abs(off_x), abs(off_y)) <= SAME_SCALE and not level.synthetic:
            return i
    return None


def _shares(
    mask: NDArray[np.bool_],
    downsample_xy: tuple[float, float],
    counts: tuple[int, int],
    stride: tuple[float, float],
    size: tuple[float, float],
) -> NDArray[np.float64]:
    """Share of each cell's area where the mask is set, (rows, columns).

    Exact also where cells cut through mask pixels: the integral of the mask over a
    rectangle is linear in each edge within a pixel, so the summed-area table is read
    between its nodes.
    """
    if not mask.any():
        return np.zeros((counts[1], counts[0]))
    left = np.arange(counts[0], dtype=np.float64) * (stride[0] / downsample_xy[0])
    top = np.arange(counts[1], dtype=np.float64) * (stride[1] / downsample_xy[1])
    width, height = size[0] / downsample_xy[0], size[1] / downsample_xy[1]
    across = np.pad(np.cumsum(mask, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    columns = _between(across, left + width) - _between(across, left)
    down = np.pad(np.cumsum(columns, axis=0), ((1, 0), (0, 0))).T
    rows = _between(down, top + height) - _between(down, top)
    return np.asarray(rows.T / (width * height))


def _between(table: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of a table at fractional places, held constant beyond its ends."""
    last = table.shape[1] - 1
    place = np.clip(at, 0, last)
    low = np.minimum(place.astype(np.intp), max(last - 1, 0))
    part = place - low
    high = np.minimum(low + 1, last)
    return np.asarray(table[:, low] * (1 - part) + table[:, high] * part)
