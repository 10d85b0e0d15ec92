"""Many points as one picture: which category dominates where, and how many there are.

A picture covers the whole map at one zoom level and is binned once; moving the map only
moves the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.ui.map.geometry import View
from napari_lookalike.ui.map.scene import Dots

CELL_PX = 3.0
"""About so many widget pixels a cell; between 0.7 and 1.4 of it, as the levels are steps."""
MOST_CELLS = 2048
"""Along one side: a picture of at most 16 MB."""
FAINTEST = 0.28
KEPT = 6


@dataclass(frozen=True, eq=False)
class Density:
    """A picture of the points, and where it lies.

    Parameters
    ----------
    rgba
        uint8 (rows, columns, 4), not premultiplied; the first row is the top.
    low, high
        Data coordinates of its lower left and upper right corner.
    """

    rgba: NDArray[np.uint8]
    low: tuple[float, float]
    high: tuple[float, float]


def level_of(scale: float) -> int:
    """Zoom level of a scale (widget pixels per data unit): one per doubling."""
    return round(math.log2(max(scale, 1e-12)))


def bin_density(dots: Dots, level: int) -> Density | None:
    """The picture at one zoom level; ``None`` without points.

    The colour of a cell is that of its most frequent category (of two equally frequent
    ones, the rarer one on the whole map, which would else vanish). Its opacity grows with
    the logarithm of the count.
    """
    points = np.asarray(dots.places.points, np.float64)
    rows = np.flatnonzero(dots.shown & np.isfinite(points).all(axis=1))
    if not len(rows):
        return None
    points, of = points[rows], np.asarray(dots.of)[rows]
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    cell = max(CELL_PX / 2.0**level, float(span.max()) / (MOST_CELLS - 1))
    columns, lines = (int(n) for n in np.floor(span / cell).astype(int) + 1)
    at = np.floor((points - low) / cell).astype(np.int64)
    place = at[:, 1] * columns + at[:, 0]
    cells, counts, winners = _dominating(place, of, len(dots.palette))
    rgba = np.zeros((lines * columns, 4), np.uint8)
    rgba[cells, :3] = dots.rgb[winners]
    most = max(float(np.percentile(counts, 99.0)), 2.0)
    strength = np.minimum(np.log1p(counts) / np.log1p(most), 1.0)
    rgba[cells, 3] = np.round(255 * (FAINTEST + (1 - FAINTEST) * strength))
    picture = rgba.reshape(lines, columns, 4)[::-1]
    end = low + cell * np.array([columns, lines])
    return Density(
        np.ascontiguousarray(picture),
        (float(low[0]), float(low[1])),
        (float(end[0]), float(end[1])),
    )


def _dominating(
    place: NDArray[np.int64], of: NDArray[np.integer], n_categories: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cells that hold points, how many, and their most frequent category."""
    both, counts = np.unique(place * n_categories + of, return_counts=True)
    cell, category = both // n_categories, both % n_categories
    overall = np.bincount(of, minlength=n_categories)
    order = np.lexsort((-overall[category], counts, cell))
    last = np.append(cell[order][1:] != cell[order][:-1], True)
    cells = cell[order][last]
    total = np.bincount(np.searchsorted(cells, cell), weights=counts, minlength=len(cells))
    return cells, total.astype(np.int64), category[order][last]


class DensityCache:
    """The pictures of one set of points, by zoom level; the last few are kept."""

    def __init__(self) -> None:
        self._dots: Dots | None = None
        self._kept: dict[int, Density | None] = {}

    def get(self, dots: Dots, view: View) -> Density | None:
        """The picture for a view."""
        if dots is not self._dots:
            self._dots, self._kept = dots, {}
        level = level_of(view.scale)
        if level not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[level] = bin_density(dots, level)
        return self._kept[level]
