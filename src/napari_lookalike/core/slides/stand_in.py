"""What is shown of a tile that is not there yet: a coarser level, enlarged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.synthetic import PLACEHOLDER
from napari_lookalike.core.slides.view_levels import ViewLevel

Place = tuple[int, int, int]
"""(view level, column, row)."""

MOST_TILES = 16
"""Coarser tiles under one tile; there are more only where tiles are tiny."""


def stand_in(levels: Sequence[ViewLevel], place: Place, get: Callable[[Place], RGB | None]) -> RGB:
    """The next coarser level that is there, nearest pixels; light grey if none is.

    Parameters
    ----------
    levels
        View levels.
    place
        The tile that lacks.
    get
        A tile that is there, or ``None``.

    Returns
    -------
    ndarray of uint8 (height, width, 3)
    """
    view = levels[place[0]]
    x, y, width, height = view.box(place[1], place[2])
    for index in range(place[0] + 1, len(levels)):
        coarse = levels[index]
        xs = _positions(x, width, view.width, coarse.width)
        ys = _positions(y, height, view.height, coarse.height)
        found = _pixels(coarse, index, xs, ys, get)
        if found is not None:
            return found
    return np.full((height, width, 3), PLACEHOLDER, np.uint8)


def _positions(start: int, count: int, fine: int, coarse: int) -> NDArray[np.int64]:
    """Pixels of the coarse axis whose place is that of pixels of the fine one."""
    centres = (start + np.arange(count) + 0.5) * (coarse / fine)
    return np.minimum(centres.astype(np.int64), coarse - 1)


def _pixels(
    view: ViewLevel,
    index: int,
    xs: NDArray[np.int64],
    ys: NDArray[np.int64],
    get: Callable[[Place], RGB | None],
) -> RGB | None:
    """Pixels of a level at columns ``xs`` and rows ``ys``, if all their tiles are there."""
    columns = range(int(xs[0]) // view.tile_width, int(xs[-1]) // view.tile_width + 1)
    rows = range(int(ys[0]) // view.tile_height, int(ys[-1]) // view.tile_height + 1)
    if len(columns) * len(rows) > MOST_TILES:
        return None
    bands = []
    for row in rows:
        tiles = [get((index, column, row)) for column in columns]
        there = [tile for tile in tiles if tile is not None]
        if len(there) < len(tiles):
            return None
        bands.append(there[0] if len(there) == 1 else np.concatenate(there, axis=1))
    image = bands[0] if len(bands) == 1 else np.concatenate(bands)
    left, top = columns[0] * view.tile_width, rows[0] * view.tile_height
    few = image[int(ys[0]) - top : int(ys[-1]) - top + 1].take(xs - left, axis=1)
    return np.asarray(few.take(ys - ys[0], axis=0), np.uint8)
