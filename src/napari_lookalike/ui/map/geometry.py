"""The arithmetic of the map, without Qt: what is where on the widget, and what is hit.

Data coordinates are those of the projection, y upwards; screen coordinates are widget pixels,
(x, y), y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

MAX_ZOOM = 60.0


@dataclass(frozen=True)
class View:
    """Which part of the data the widget shows.

    Parameters
    ----------
    centre
        Data coordinates in the middle of the widget.
    scale
        Widget pixels per data unit, the same in x and y: distances stay comparable.
    size
        Widget width and height, pixels.
    """

    centre: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    size: tuple[float, float] = (1.0, 1.0)

    def to_screen(self, points: NDArray[np.floating]) -> Points:
        """Data (n, 2) -> widget pixels (n, 2)."""
        data = np.asarray(points, np.float64).reshape(-1, 2)
        flip, middle = np.array([1.0, -1.0]), np.array(self.size) / 2
        return np.asarray((data - self.centre) * flip * self.scale + middle, np.float64)

    def to_data(self, x: float, y: float) -> tuple[float, float]:
        """A widget pixel -> data coordinates."""
        return (
            self.centre[0] + (x - self.size[0] / 2) / self.scale,
            self.centre[1] - (y - self.size[1] / 2) / self.scale,
        )

    def panned(self, dx: float, dy: float) -> View:
        """The view after a drag by so many widget pixels."""
        x, y = self.centre
        return replace(self, centre=(x - dx / self.scale, y + dy / self.scale))

    def zoomed(self, factor: float, x: float, y: float) -> View:
        """The view after zooming in by ``factor``; the data under (x, y) stay there."""
        data = self.to_data(x, y)
        scale = self.scale * factor
        centre = (
            data[0] - (x - self.size[0] / 2) / scale,
            data[1] + (y - self.size[1] / 2) / scale,
        )
        return replace(self, scale=scale, centre=centre)

    def resized(self, width: float, height: float) -> View:
        """The view on a widget of another size: the same data stay in the middle."""
        old, new = min(self.size), max(min(width, height), 1.0)
        return replace(self, size=(width, height), scale=self.scale * new / max(old, 1.0))


def fitted(points: NDArray[np.floating], size: tuple[float, float], margin: float = 26.0) -> View:
    """The view in which all points are seen.

    Parameters
    ----------
    points
        (n, 2), data coordinates; those that are not finite are left out.
    size
        Widget width and height, pixels.
    margin
        Pixels left free on each side.
    """
    data = np.asarray(points, np.float64).reshape(-1, 2)
    data = data[np.isfinite(data).all(axis=1)]
    width, height = max(size[0], 1.0), max(size[1], 1.0)
    if not len(data):
        return View(size=(width, height))
    low, high = data.min(axis=0), data.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    room = np.maximum(np.array([width, height]) - 2 * margin, 8.0)
    scale = float(np.min(room / span))
    if float(np.max(high - low)) < 1e-9:
        scale = 1.0
    centre = (low + high) / 2
    return View((float(centre[0]), float(centre[1])), scale, (width, height))


def nearest(screen: Points, x: float, y: float, radius: float) -> int | None:
    """Index of the point nearest to (x, y), ``None`` if none lies within ``radius`` pixels."""
    if not len(screen):
        return None
    distance = np.hypot(screen[:, 0] - x, screen[:, 1] - y)
    distance = np.where(np.isfinite(distance), distance, np.inf)
    index = int(np.argmin(distance))
    return index if distance[index] <= radius else None


def next_in_direction(screen: Points, index: int, dx: int, dy: int) -> int:
    """The nearest point that lies (mainly) in a direction, for arrow keys.

    Parameters
    ----------
    screen
        (n, 2) widget pixels.
    index
        Where we are.
    dx, dy
        One of (-1, 0), (1, 0), (0, -1), (0, 1).

    Returns
    -------
    int
        Another index, or the same where nothing lies in that direction.
    """
    offset = screen - screen[index]
    along = offset @ np.array([dx, dy], np.float64)
    across = np.abs(offset @ np.array([dy, dx], np.float64))
    cost = np.where((along > 1e-6) & np.isfinite(along), along + 2 * across, np.inf)
    cost[index] = np.inf
    best = int(np.argmin(cost))
    return best if np.isfinite(cost[best]) else index


def inside_polygon(screen: Points, polygon: Points) -> NDArray[np.bool_]:
    """Which points lie in a closed polygon (even-odd rule).

    Parameters
    ----------
    screen
        (n, 2) widget pixels.
    polygon
        (m, 2) corners; fewer than three enclose nothing.
    """
    inside = np.zeros(len(screen), bool)
    if len(polygon) < 3:
        return inside
    x, y = screen[:, 0], screen[:, 1]
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def rectangle(x1: float, y1: float, x2: float, y2: float) -> Points:
    """The four corners of a rectangle given by two opposite ones."""
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64)
