"""Many tiles of a grid at once: each native tile under them is put together once.

Tile by tile, a region is cut out of native tiles for every tile, and what lies on a border
comes up to four times. Here neighbours are read as one piece and cut afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.geometry import Region
from napari_lookalike.core.slides.base import RGB, Level, Slide
from napari_lookalike.core.slides.resample import area_resample
from napari_lookalike.core.slides.slide import level_for
from napari_lookalike.core.tiles import TileGrid, same_level

_EDGE_PX: Final = 2048
"""Longest edge of a piece in pixels of the level: 12 MB."""

_WORTH: Final = 0.6
"""Pieces of which less than this is covered by tiles are read tile by tile."""

_Ints = NDArray[np.int64]


def read_tiles_into(slide: Slide, grid: TileGrid, indices: Sequence[int], out: RGB) -> None:
    """Read tiles into an array.

    Parameters
    ----------
    slide
        The slide that the grid was made for.
    grid
        The tile grid.
    indices
        Which tiles.
    out
        uint8 (n, tile_px, tile_px, 3): where to, in their order.

    Raises
    ------
    RegionError
        If the file's data cannot be decoded there.
    """
    source = _source(slide, grid)
    for places, some in _pieces(grid, np.asarray(indices, np.int64), source):
        _read_piece(slide, grid, source, some, places, out)


@dataclass(frozen=True)
class _Source:
    """Which level tiles are cut from, and whether its pixels are taken as they are."""

    index: int
    level: Level
    same: bool

    @property
    def tiled(self) -> bool:
        """Whether the file's own tiles are so small that some of them can be left out."""
        return max(self.level.tile_width, self.level.tile_height) <= _EDGE_PX


def _source(slide: Slide, grid: TileGrid) -> _Source:
    index = same_level(slide, grid)
    if index is not None:
        return _Source(index, slide.levels[index], True)
    index = level_for(slide.levels, Region(0, 0, *grid.size_px0), (grid.tile_px, grid.tile_px))
    return _Source(index, slide.levels[index], False)


def _pieces(grid: TileGrid, indices: _Ints, source: _Source) -> Iterator[tuple[_Ints, _Ints]]:
    """Tiles that are read together: (their places in ``indices``, the tiles)."""
    down = source.level.downsample_x, source.level.downsample_y
    size = [s / d for s, d in zip(grid.size_px0, down, strict=True)]
    apart = [s / d for s, d in zip(grid.stride_px0, down, strict=True)]
    many = [_power(int((_EDGE_PX - s) // a) + 1) for s, a in zip(size, apart, strict=True)]
    piece = grid.cells[indices].astype(np.int64) // np.asarray(many)
    # what follows each other in the order asked for is kept together, so blocks stay blocks
    keys = (piece[:, 1] << 32) | piece[:, 0]
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    for places in np.split(order, cuts):
        if len(places):
            yield places, indices[places]


def _power(number: int) -> int:
    """The largest power of two up to a number: pieces then fit the blocks of the order."""
    return 1 << (max(1, number).bit_length() - 1)


def _read_piece(
    slide: Slide, grid: TileGrid, source: _Source, some: _Ints, places: _Ints, out: RGB
) -> None:
    boxes = _boxes(grid, source, some)
    x0, y0 = (int(v) for v in np.floor(boxes[:, :2].min(axis=0) + 1e-6))
    x1, y1 = (int(v) for v in np.ceil(boxes[:, 2:].max(axis=0) - 1e-6))
    covered = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).sum() / ((x1 - x0) * (y1 - y0))
    if len(some) > 1 and covered < _WORTH:
        for i, place in zip(some, places, strict=True):
            _read_piece(slide, grid, source, np.array([i]), np.array([place]), out)
        return
    more = 0 if source.same else 1  # linear interpolation may need one pixel more
    box = x0 - more, y0 - more, x1 + more, y1 + more
    image = _canvas(slide, source, box, boxes, more)
    corner = np.asarray(box[:2])
    if source.same:
        _cut(image, (boxes[:, :2] - corner).astype(np.int64), places, out)
    else:
        _resample(image, grid, some, boxes - np.tile(corner, 2), places, out)


def _boxes(grid: TileGrid, source: _Source, some: _Ints) -> NDArray[np.float64]:
    """(n, 4) left, top, right, bottom of tiles in pixels of the level."""
    down = np.array([source.level.downsample_x, source.level.downsample_y])
    corners = np.asarray(grid.origin_px0) + grid.cells[some] * np.asarray(grid.stride_px0)
    first = corners / down
    if source.same:  # whole pixels, as they are
        first = np.rint(first)
        return np.concatenate([first, first + grid.tile_px], axis=1)
    last = (corners + np.asarray(grid.size_px0)) / down
    return np.concatenate([first, last], axis=1)


def _canvas(
    slide: Slide,
    source: _Source,
    box: tuple[int, int, int, int],
    boxes: NDArray[np.float64],
    more: int,
) -> RGB:
    """Pixels of a rectangle of the level, at least where tiles are."""
    x0, y0, x1, y1 = box
    width, height = source.level.tile_width, source.level.tile_height
    needed = _native(boxes, more, (x0, y0), (x1, y1), (width, height))
    if needed is None or needed.all() or not source.tiled:
        return slide.read_level(source.index, x0, y0, x1 - x0, y1 - y0)
    out = np.full((y1 - y0, x1 - x0, 3), 255, np.uint8)
    for row, column, end in _runs(needed):
        left, right = max(x0, (x0 // width + column) * width), min(x1, (x0 // width + end) * width)
        top = max(y0, (y0 // height + row) * height)
        bottom = min(y1, (y0 // height + row + 1) * height)
        part = slide.read_level(source.index, left, top, right - left, bottom - top)
        out[top - y0 : bottom - y0, left - x0 : right - x0] = part
    return out


def _native(
    boxes: NDArray[np.float64],
    more: int,
    first: tuple[int, int],
    last: tuple[int, int],
    tile: tuple[int, int],
) -> NDArray[np.bool_] | None:
    """Which native tiles of a rectangle lie under tiles: bool (rows, columns)."""
    corner = np.array([first[0] // tile[0], first[1] // tile[1]])
    end = np.array([-(-last[0] // tile[0]), -(-last[1] // tile[1])])
    columns, rows = (int(v) for v in end - corner)
    if rows * columns <= 1:
        return None
    needed = np.zeros((rows, columns), np.bool_)
    low = np.floor(boxes[:, :2] - more + 1e-6).astype(np.int64) // tile - corner
    high = -(-np.ceil(boxes[:, 2:] + more - 1e-6).astype(np.int64) // np.array(tile)) - corner
    for (left, top), (right, bottom) in zip(low.tolist(), high.tolist(), strict=True):
        needed[max(0, top) : bottom, max(0, left) : right] = True
    return needed


def _runs(needed: NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """(row, first column, column after the last) of every run of needed tiles."""
    for row, line in enumerate(needed):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
        for start, end in edges.reshape(-1, 2).tolist():
            yield row, start, end


def _cut(image: RGB, corners: _Ints, places: _Ints, out: RGB) -> None:
    px = out.shape[1]
    for (x, y), place in zip(corners.tolist(), places.tolist(), strict=True):
        out[place] = image[y : y + px, x : x + px]


def _resample(
    image: RGB,
    grid: TileGrid,
    some: _Ints,
    boxes: NDArray[np.float64],
    places: _Ints,
    out: RGB,
) -> None:
    """Tiles of another scale. Neighbours that touch are resampled as one picture."""
    px, cells = grid.tile_px, grid.cells[some].astype(np.int64)
    first, last = cells.min(axis=0), cells.max(axis=0)
    columns, rows = (int(v) for v in last - first + 1)
    touch = grid.stride_px0 == grid.size_px0
    if not touch or len(some) < _WORTH * columns * rows:
        for box, place in zip(boxes.tolist(), places.tolist(), strict=True):
            out[place] = area_resample(image, tuple(box), (px, px))
        return
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    picture = area_resample(
        image, (float(left), float(top), float(right), float(bottom)), (columns * px, rows * px)
    )
    _cut(picture, (cells - first) * px, places, out)
