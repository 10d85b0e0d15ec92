"""Points sorted into cells once, so that a part of the plane is looked up without all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

PER_CELL = 4
MOST_CELLS = 512
"""Along one side."""


class PointGrid:
    """An index of points in the plane.

    Parameters
    ----------
    points
        (n, 2) data coordinates; those that are not finite are in no cell.
    """

    def __init__(self, points: NDArray[np.floating]) -> None:
        data = np.asarray(points, np.float64).reshape(-1, 2)
        self._points = data
        rows = np.flatnonzero(np.isfinite(data).all(axis=1))
        self._side = int(np.clip(np.sqrt(len(rows) / PER_CELL), 1, MOST_CELLS))
        low = data[rows].min(axis=0) if len(rows) else np.zeros(2)
        high = data[rows].max(axis=0) if len(rows) else np.ones(2)
        self._low, self._cell = low, np.maximum(high - low, 1e-12) / self._side
        column, line = self._cells(data[rows]).T
        cell = line * self._side + column
        order = np.argsort(cell, kind="stable")
        self._rows: Rows = rows[order].astype(np.int64)
        self._starts = np.searchsorted(cell[order], np.arange(self._side**2 + 1))

    def _cells(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        cells = np.floor((points - self._low) / self._cell)
        return np.asarray(np.clip(cells, 0, self._side - 1), np.int64)

    def _spans(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.int64]:
        """(lines, 2) where the rows of each line of cells begin and end."""
        first, last = self._cells(np.stack([low, high]))
        lines = np.arange(first[1], last[1] + 1) * self._side
        return np.stack([self._starts[lines + first[0]], self._starts[lines + last[0] + 1]], axis=1)

    def about(self, low: tuple[float, float], high: tuple[float, float]) -> int:
        """How many points lie in a rectangle, and in the cells that it cuts."""
        spans = self._spans(np.asarray(low, np.float64), np.asarray(high, np.float64))
        return int((spans[:, 1] - spans[:, 0]).sum())

    def inside(self, low: tuple[float, float], high: tuple[float, float]) -> Rows:
        """Rows of the points in a rectangle (edges count), ascending."""
        least, most = np.asarray(low, np.float64), np.asarray(high, np.float64)
        spans = [self._rows[a:b] for a, b in self._spans(least, most).tolist() if b > a]
        if not spans:
            return np.empty(0, np.int64)
        rows = np.concatenate(spans)
        there = self._points[rows]
        rows = rows[((there >= least) & (there <= most)).all(axis=1)]
        return np.sort(rows)
