"""Many tiles of a grid at once: each native tile under them is read once.

Tile by tile, a region is cut out of native tiles for every tile, and what lies on a border
comes up to four times. Here neighbours are read as one piece. Where a level has the scale of
the tiles and native tiles of its own, their pixels go straight to where they are wanted.
Elsewhere a picture of the piece is read first, resampled if need be, and cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.native_pieces import Natives, Target, paint
from napari_lookalike.core.slides.base import RGB, Slide
from napari_lookalike.core.slides.resample import area_resample
from napari_lookalike.core.tile_places import (
    EDGE_PX,
    Boxes,
    CutFrom,
    Ints,
    cut_from,
    natives_under,
    tile_boxes,
)
from napari_lookalike.core.tiles import TileGrid

_WORTH: Final = 0.6
"""Pieces of which less than this is covered by tiles are read tile by tile."""


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
    source = cut_from(slide, grid)
    for places, some in _pieces(grid, np.asarray(indices, np.int64), source):
        _read_piece(slide, grid, source, some, places, out)


def _pieces(grid: TileGrid, indices: Ints, source: CutFrom) -> Iterator[tuple[Ints, Ints]]:
    """Tiles that are read together: (their places in ``indices``, the tiles)."""
    down = source.level.downsample_x, source.level.downsample_y
    size = [s / d for s, d in zip(grid.size_px0, down, strict=True)]
    apart = [s / d for s, d in zip(grid.stride_px0, down, strict=True)]
    many = [_power(int((EDGE_PX - s) // a) + 1) for s, a in zip(size, apart, strict=True)]
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
    slide: Slide, grid: TileGrid, source: CutFrom, some: Ints, places: Ints, out: RGB
) -> None:
    boxes = tile_boxes(grid, source, grid.cells[some])
    read = slide.native_tiles(source.index)
    if source.same and read is not None:
        corners = boxes[:, :2].astype(np.int64).tolist()
        targets = [Target(out[i], x, y) for i, (x, y) in zip(places, corners, strict=True)]
        paint(read, source.level, natives_under(grid, source, some, boxes), targets)
        return
    x0, y0 = (int(v) for v in np.floor(boxes[:, :2].min(axis=0) + 1e-6))
    x1, y1 = (int(v) for v in np.ceil(boxes[:, 2:].max(axis=0) - 1e-6))
    covered = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).sum() / ((x1 - x0) * (y1 - y0))
    if len(some) > 1 and covered < _WORTH:
        for i, place in zip(some, places, strict=True):
            _read_piece(slide, grid, source, np.array([i]), np.array([place]), out)
        return
    more = source.more
    box = x0 - more, y0 - more, x1 + more, y1 + more
    image = _canvas(slide, source, box, natives_under(grid, source, some, boxes))
    corner = np.asarray(box[:2])
    if source.same:
        _cut(image, (boxes[:, :2] - corner).astype(np.int64), places, out)
    else:
        _resample(image, grid, some, boxes - np.tile(corner, 2), places, out)


def _canvas(slide: Slide, source: CutFrom, box: tuple[int, int, int, int], natives: Natives) -> RGB:
    """Pixels of a rectangle of the level, at least where tiles are."""
    x0, y0, x1, y1 = box
    read = slide.native_tiles(source.index)
    if read is not None:
        image = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
        if not natives.needed.all():
            image[:] = 255
        paint(read, source.level, natives, [Target(image, x0, y0)])
        return image
    width, height = source.level.tile_width, source.level.tile_height
    if natives.needed.all() or not source.tiled:
        return slide.read_level(source.index, x0, y0, x1 - x0, y1 - y0)
    out = np.full((y1 - y0, x1 - x0, 3), 255, np.uint8)
    for row, column, end in _runs(natives.needed):
        left = max(x0, (natives.column + column) * width)
        right = min(x1, (natives.column + end) * width)
        top = max(y0, (natives.row + row) * height)
        bottom = min(y1, (natives.row + row + 1) * height)
        part = slide.read_level(source.index, left, top, right - left, bottom - top)
        out[top - y0 : bottom - y0, left - x0 : right - x0] = part
    return out


def _runs(needed: NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """(row, first column, column after the last) of every run of needed tiles."""
    for row, line in enumerate(needed):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
        for start, end in edges.reshape(-1, 2).tolist():
            yield row, start, end


def _cut(image: RGB, corners: Ints, places: Ints, out: RGB) -> None:
    px = out.shape[1]
    for (x, y), place in zip(corners.tolist(), places.tolist(), strict=True):
        out[place] = image[y : y + px, x : x + px]


def _resample(
    image: RGB,
    grid: TileGrid,
    some: Ints,
    boxes: Boxes,
    places: Ints,
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
