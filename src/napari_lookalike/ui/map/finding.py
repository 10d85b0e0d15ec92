"""Which points of a scene lie where on the widget; those that are filtered out are not found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.ui.map.geometry import (
    Points,
    View,
    inside_polygon,
    nearest,
    next_in_direction,
)
from napari_lookalike.ui.map.scene import Scene


def hit(scene: Scene, view: View, x: float, y: float, reach: float) -> int | None:
    """Row of the point nearest to a widget pixel, ``None`` if none lies within ``reach``."""
    middle = np.array([x, y])
    rows = _between(scene, view, middle - reach, middle + reach)
    found = nearest(view.to_screen(scene.points[rows]), x, y, reach)
    return None if found is None else int(rows[found])


def enclosed(scene: Scene, view: View, polygon: Points) -> NDArray[np.int64]:
    """Rows of the points in a polygon (m, 2) of widget pixels; fewer than three enclose none."""
    if len(polygon) < 3:
        return np.empty(0, np.int64)
    rows = _between(scene, view, polygon.min(axis=0), polygon.max(axis=0))
    return rows[inside_polygon(view.to_screen(scene.points[rows]), polygon)]


def neighbour(scene: Scene, view: View, row: int, dx: int, dy: int) -> int:
    """Row of the next point in a direction of `geometry.next_in_direction`."""
    screen = view.to_screen(scene.points)
    out = ~scene.dots.shown
    out[row] = False
    screen[out] = np.nan
    return next_in_direction(screen, row, dx, dy)


def _between(scene: Scene, view: View, corner: Points, other: Points) -> NDArray[np.int64]:
    """Rows of the points between two widget pixels (upper left, lower right)."""
    left, top = view.to_data(float(corner[0]), float(corner[1]))
    right, bottom = view.to_data(float(other[0]), float(other[1]))
    rows = scene.dots.places.grid.inside((left, bottom), (right, top))
    return rows[scene.dots.shown[rows]]
