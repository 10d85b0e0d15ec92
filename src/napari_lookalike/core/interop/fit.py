"""From a list of places to a regular grid, and by how much tiles had to move for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDED = 1.5
"""Level-0 pixels that coordinates may be off a grid because they were rounded."""

DIVIDED = (1, 3, 9)
"""Odd, so that a tile covers whole cells of a finer grid around its own."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A grid for tiles.

    Parameters
    ----------
    cells
        int32 (n_tiles, 2), (column, row).
    shape
        (rows, columns).
    origin_px0, stride_px0
        As in `TileGrid`.
    divided
        Cells of the grid along the distance between two tiles: 1 where all tiles lie on
        one grid; 3 or 9 where a finer grid was needed (CLAM lays one grid per contour).
    off_px0
        The farthest that a tile lies from its cell, level-0 pixels.
    """

    cells: NDArray[np.int32]
    shape: tuple[int, int]
    origin_px0: tuple[float, float]
    stride_px0: tuple[float, float]
    divided: int
    off_px0: float


def fit_grid(corners: NDArray[np.float64], stride: tuple[float, float]) -> Fit:
    """Lay a grid under tiles.

    Parameters
    ----------
    corners
        (n_tiles, 2) (x, y) of top-left corners, level-0 pixels, possibly rounded.
    stride
        (x, y) distance of neighbours, level-0 pixels, as far as it is known.

    Returns
    -------
    Fit
        The coarsest of the grids tried on which no tile moves by more than 1.5 pixels; if
        none is, the finest (a tile moves by an eighteenth of the distance at most).
    """
    origin = corners.min(axis=0)
    exact = _refined(corners - origin, stride)
    for divided in DIVIDED:
        step = np.asarray(exact) / divided
        cells = np.rint((corners - origin) / step)
        off = float(np.abs(origin + cells * step - corners).max())
        if off <= ROUNDED:
            break
    reach = (divided - 1) // 2  # a tile covers so many cells beyond its own
    whole = cells.astype(np.int32) + reach
    start = origin - reach * step
    rows, columns = int(whole[:, 1].max()) + reach + 1, int(whole[:, 0].max()) + reach + 1
    return Fit(
        cells=whole,
        shape=(rows, columns),
        origin_px0=(float(start[0]), float(start[1])),
        stride_px0=(float(step[0]), float(step[1])),
        divided=divided,
        off_px0=off,
    )


def _refined(offsets: NDArray[np.float64], stride: tuple[float, float]) -> tuple[float, float]:
    """The stride from the span of the coordinates, which is a whole number of strides.

    A stated stride was often rounded down to whole pixels; over the whole span that
    would add up.
    """
    span = offsets.max(axis=0)
    axis = int(np.argmax(span))
    steps = round(span[axis] / stride[axis])
    if not steps or abs(span[axis] / steps - stride[axis]) >= 1.0:
        return stride
    factor = float(span[axis] / steps / stride[axis])
    return stride[0] * factor, stride[1] * factor


def usual_step(values: NDArray[np.float64]) -> float | None:
    """The distance that neighbouring places usually have, or ``None`` if there is one place.

    Parameters
    ----------
    values
        (n_tiles, 2) places.

    Returns
    -------
    float or None
        The most frequent distance between neighbours along a row or a column.
    """
    steps: list[NDArray[np.float64]] = []
    for along, across in ((0, 1), (1, 0)):
        order = np.lexsort((values[:, along], values[:, across]))
        ordered = values[order]
        same = np.diff(ordered[:, across]) == 0
        gaps = np.diff(ordered[:, along])[same]
        steps.append(gaps[gaps > 0])
    found = np.concatenate(steps)
    if not len(found):
        return None
    sizes, counts = np.unique(np.rint(found * 4) / 4, return_counts=True)
    return float(sizes[np.argmax(counts)])
