"""The same pan over the same points: by our map, and by matplotlib in a Qt window."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lookalike.session.colours import PALETTE
from napari_lookalike.ui.map.gl import shared_dots
from napari_lookalike.ui.map.scatter import Scatter
from napari_lookalike.ui.map.scene import Dots, Places, Scene

SIDE_PX = 600
STEP_PX = 3
NEAR = 24.0
"""Zoom of the view "in"."""
DOT_PX = 4.0
"""Across a dot, of both."""


def opengl_renderer() -> str:
    """What draws for us; empty = not OpenGL."""
    found = shared_dots()
    return "" if found is None else found.renderer


class OursPan:
    """Our map, moved by mouse events.

    Parameters
    ----------
    points, of
        (n, 2), and (n,) the category of each.
    """

    def __init__(self, points: NDArray[np.float64], of: NDArray[np.int64]) -> None:
        self._map = Scatter()
        self._map.resize(SIDE_PX, SIDE_PX)
        self._map.show()
        keys = tuple(f"S{i}" for i in range(len(points)))
        self._map.show_scene(Scene(Dots(Places(keys, points), of, PALETTE)))
        QApplication.processEvents()

    @property
    def detail(self) -> str:
        """What was drawn last."""
        return self._map.painter.detail

    def pan(self, view: str, steps: int) -> list[float]:
        """Drag the map; ms of each frame, from the event until it is painted."""
        plot, middle = self._map, QPoint(SIDE_PX // 2, SIDE_PX // 2)
        plot.painter.every_dot = view == "dots"
        plot.reset_view()
        if view == "in":
            plot.zoom(NEAR)
        plot.repaint()
        QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=middle)
        at = middle + QPoint(8, 0)
        QTest.mouseMove(plot, at)  # beyond what counts as a click
        QApplication.processEvents()
        times = []
        for _ in range(steps):
            at += QPoint(STEP_PX, 0)
            start = time.perf_counter()
            _move(plot, at)
            plot.repaint()
            times.append((time.perf_counter() - start) * 1e3)
        QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=at)
        return times

    def close(self) -> None:
        """Close its window."""
        self._map.close()


def _move(widget: Any, at: QPoint) -> None:
    """A move with the button held, delivered at once."""
    from qtpy.QtCore import QEvent, QPointF
    from qtpy.QtGui import QMouseEvent

    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    place = QPointF(at)
    event = QMouseEvent(QEvent.Type.MouseMove, place, widget.mapToGlobal(place), left, left, none)
    QApplication.sendEvent(widget, event)


class PeerPan:
    """A scatter plot by matplotlib (Agg in a Qt widget), its limits moved.

    Parameters
    ----------
    points, of
        As of `OursPan`.
    """

    def __init__(self, points: NDArray[np.float64], of: NDArray[np.int64]) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(SIDE_PX / 100, SIDE_PX / 100), dpi=100)
        self._canvas = FigureCanvasQTAgg(figure)
        self._canvas.resize(SIDE_PX, SIDE_PX)
        self._axes = figure.add_axes((0, 0, 1, 1))
        colours = np.array([_rgb(PALETTE[c]) for c in range(12)])[of]
        # Its size is the square of the diameter in points of 1/72 inch.
        size = (DOT_PX * 72 / 100) ** 2
        self._axes.scatter(points[:, 0], points[:, 1], c=colours, s=size, linewidths=0)
        self._low, self._high = points.min(axis=0), points.max(axis=0)
        self._canvas.show()
        QApplication.processEvents()

    def pan(self, view: str, steps: int) -> list[float]:
        """Move the limits; ms of each frame, until it is painted."""
        zoom = NEAR if view == "in" else 1.0
        middle, half = (self._low + self._high) / 2, (self._high - self._low) / 2 / zoom
        self._axes.set_ylim(middle[1] - half[1], middle[1] + half[1])
        times = []
        for i in range(steps + 1):
            shift = i * STEP_PX / SIDE_PX * 2 * half[0]
            start = time.perf_counter()
            self._axes.set_xlim(middle[0] - half[0] - shift, middle[0] + half[0] - shift)
            self._canvas.draw()
            self._canvas.repaint()
            times.append((time.perf_counter() - start) * 1e3)
        return times[1:]  # the first one also sets another zoom

    def close(self) -> None:
        """Close its window."""
        self._canvas.close()


def _rgb(colour: str) -> tuple[float, float, float]:
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return r, g, b
