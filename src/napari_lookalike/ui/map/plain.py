"""Dots drawn without OpenGL: where there is none, the map is slower and otherwise the same."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF
from qtpy.QtGui import QColor, QImage, QPainter, QPixmap

from napari_lookalike.ui.map.geometry import View
from napari_lookalike.ui.map.scene import Dots
from napari_lookalike.ui.widgets.palette import point_pixmap

MANY = 4000
"""More are square dots, written into the picture at once."""


@lru_cache(maxsize=256)
def _stamp(colour: str, shape: int, radius: float, rim: str, ratio: float) -> QPixmap:
    return point_pixmap(colour, shape, radius, QColor(rim), ratio)


def draw_plain(
    dots: Dots,
    rows: NDArray[np.int64] | None,
    view: View,
    radius: float,
    ratio: float,
    rim: QColor | None,
) -> QImage:
    """A picture of the dots, device pixels; see `gl.GlDots.draw`."""
    width, height = (max(1, round(side * ratio)) for side in view.size)
    image = QImage(width, height, QImage.Format.Format_RGBA8888)
    image.fill(QColor(0, 0, 0, 0))
    rows = np.arange(len(dots.of)) if rows is None else rows
    rows = rows[np.isfinite(dots.places.points[rows]).all(axis=1)]
    if len(rows) > MANY:
        image = _squares(image, dots, rows, view, radius, ratio)
    image.setDevicePixelRatio(ratio)
    if len(rows) <= MANY:
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for on, opacity in ((False, 0.18), (True, 1.0)):
            painter.setOpacity(opacity)
            edge = (rim or QColor("#16171C")).name()
            _stamps(painter, dots, rows[dots.shown[rows] == on], view, (radius, ratio, edge))
        painter.end()
    return image


def _stamps(
    painter: QPainter,
    dots: Dots,
    rows: NDArray[np.int64],
    view: View,
    look: tuple[float, float, str],
) -> None:
    radius, ratio, rim = look
    screen = view.to_screen(dots.places.points[rows])
    shapes = dots.shapes if len(dots.shapes) else np.zeros(len(dots.of), int)
    for row, (x, y) in zip(rows.tolist(), screen.tolist(), strict=True):
        stamp = _stamp(dots.palette[dots.of[row]], int(shapes[row]), radius, rim, ratio)
        half = stamp.width() / stamp.devicePixelRatio() / 2
        painter.drawPixmap(QPointF(x - half, y - half), stamp)


def _squares(
    image: QImage, dots: Dots, rows: NDArray[np.int64], view: View, radius: float, ratio: float
) -> QImage:
    width, height = image.width(), image.height()
    pixels = np.zeros((height, width, 4), np.uint8)
    # Those that stand back first, so that the others lie above them.
    rows = rows[np.argsort(dots.shown[rows], kind="stable")]
    place = np.round(view.to_screen(dots.places.points[rows]) * ratio).astype(np.int64)
    opacity = np.where(dots.shown[rows], 230, 45).astype(np.uint8)
    rgba = np.column_stack([dots.rgb[dots.of[rows]], opacity])
    reach = max(1, round(radius * ratio))
    for dy in range(-reach, reach):
        for dx in range(-reach, reach):
            x, y = place[:, 0] + dx, place[:, 1] + dy
            seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            pixels[y[seen], x[seen]] = rgba[seen]
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
