"""What is painted above the dots: lines, arrows, rings, letters and thumbnails."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QLineF, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from napari_lookalike.ui.map.geometry import Points, View
from napari_lookalike.ui.map.scene import Scene
from napari_lookalike.ui.widgets.palette import Theme, shape_path

PICTURE_PX = 52
"""Longer edge of a thumbnail on the map."""
FRAME_PX = 2.5
MOST_RINGS = 300
"""More selected slides get a halo each, painted at once."""
MOST_HALOS = 20_000
MOST_ARROWS = 3000
"""Longest first; more say nothing, and take long to paint."""

PictureOf = Callable[[str], QPixmap | None]


def paint_below(painter: QPainter, scene: Scene, view: View, theme: Theme, radius: float) -> None:
    """Draw what lies under the dots: movement, lines of pairs, halos of many selected slides."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if scene.before is not None:
        _paint_movement(painter, scene, view, theme)
    _paint_lines(painter, scene, view, theme)
    if len(scene.selected) > MOST_RINGS:
        _paint_halos(painter, scene, view, theme, radius)


def _paint_halos(painter: QPainter, scene: Scene, view: View, theme: Theme, radius: float) -> None:
    index = scene.index
    rows = [index[key] for key in scene.selected if key in index][:MOST_HALOS]
    screen = view.to_screen(scene.points[rows])
    seen = ((screen >= -10) & (screen <= np.array(view.size) + 10)).all(axis=1)
    dots = QPolygonF([QPointF(x, y) for x, y in screen[seen].tolist()])
    pen = QPen(theme.text, 2 * radius + 4)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.drawPoints(dots)


def _paint_lines(painter: QPainter, scene: Scene, view: View, theme: Theme) -> None:
    for line in scene.lines:
        a, b = scene.index.get(line.a), scene.index.get(line.b)
        if a is None or b is None:
            continue
        (x0, y0), (x1, y1) = view.to_screen(scene.points[[a, b]]).tolist()
        path = QLineF(x0, y0, x1, y1)
        painter.setPen(QPen(theme.background, 3.5 + 2.0 * line.strength))
        painter.drawLine(path)
        style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(theme.text, 1.0 + 1.8 * line.strength, style))
        painter.drawLine(path)


def _paint_movement(painter: QPainter, scene: Scene, view: View, theme: Theme) -> None:
    """Ghost dots where slides were, and an arrow from each to where it is."""
    colour = QColor(theme.text)
    colour.setAlpha(110)
    for x0, y0, x1, y1 in _movements(scene, view).tolist():
        painter.setPen(QPen(colour, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x0, y0), 3.0, 3.0)
        line = QLineF(x0, y0, x1, y1)
        if line.length() > 14:
            line.setLength(line.length() - 8)
            painter.drawLine(line)
            _arrow_head(painter, line, colour)


def _movements(scene: Scene, view: View) -> Points:
    """(m, 4) from and to, widget pixels: those in view, the longest if they are too many."""
    before = view.to_screen(np.asarray(scene.before))
    both = np.concatenate([before, view.to_screen(scene.points)], axis=1)
    both = both[np.isfinite(both).all(axis=1) & scene.dots.shown]
    size = np.array(view.size)
    seen = [((both[:, i : i + 2] >= 0) & (both[:, i : i + 2] <= size)).all(axis=1) for i in (0, 2)]
    both = both[seen[0] | seen[1]]
    if len(both) > MOST_ARROWS:
        length = np.hypot(both[:, 2] - both[:, 0], both[:, 3] - both[:, 1])
        both = both[np.argsort(-length, kind="stable")[:MOST_ARROWS]]
    return np.asarray(both, np.float64)


def _arrow_head(painter: QPainter, line: QLineF, colour: QColor) -> None:
    left, right = QLineF(line.p2(), line.p1()), QLineF(line.p2(), line.p1())
    left.setLength(6)
    right.setLength(6)
    left.setAngle(left.angle() + 24)
    right.setAngle(right.angle() - 24)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([line.p2(), left.p2(), right.p2()]))


def paint_above(painter: QPainter, scene: Scene, view: View, theme: Theme, radius: float) -> None:
    """Draw what lies on the dots: the open slide's ring, selection rings and their letters."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    current = scene.index.get(scene.current or "")
    if current is not None:
        x, y = view.to_screen(scene.points[[current]])[0].tolist()
        painter.setPen(QPen(theme.text, 1.5, Qt.PenStyle.DotLine))
        painter.drawEllipse(QPointF(x, y), radius + 8, radius + 8)
    if len(scene.selected) > MOST_RINGS:
        return
    letters = "AB" if len(scene.selected) <= 2 else ""
    for order, key in enumerate(scene.selected):
        row = scene.index.get(key)
        if row is not None:
            x, y = view.to_screen(scene.points[[row]])[0].tolist()
            painter.setPen(QPen(theme.background, 4.0))
            painter.drawEllipse(QPointF(x, y), radius + 4, radius + 4)
            painter.setPen(QPen(theme.text, 2.2))
            painter.drawEllipse(QPointF(x, y), radius + 4, radius + 4)
            if letters:
                _paint_letter(painter, letters[order], x, y, radius, view, theme)


def paint_pictures(
    painter: QPainter,
    scene: Scene,
    rows: NDArray[np.int64],
    view: View,
    theme: Theme,
    picture_of: PictureOf,
) -> None:
    """Draw thumbnails in place of dots, framed in the colour and marked with the shape.

    Where two would lie on one another the second stays a dot; the open and the selected
    slides come first.
    """
    first = {k: i for i, k in enumerate((scene.current or "", *scene.selected))}
    order = sorted(rows.tolist(), key=lambda row: first.get(scene.keys[row], len(first)))
    taken: list[QRectF] = []
    for row in order:
        picture = picture_of(scene.keys[row]) if scene.dots.shown[row] else None
        if picture is None:
            continue
        x, y = view.to_screen(scene.points[[row]])[0].tolist()
        ratio = picture.devicePixelRatio()
        width, height = picture.width() / ratio, picture.height() / ratio
        place = QRectF(x - width / 2, y - height / 2, width, height)
        if any(place.intersects(other) for other in taken):
            continue
        taken.append(place)
        _paint_picture(painter, picture, place, scene, row, theme)


def _paint_picture(
    painter: QPainter, picture: QPixmap, place: QRectF, scene: Scene, row: int, theme: Theme
) -> None:
    colour = QColor(scene.dots.palette[scene.dots.of[row]])
    painter.drawPixmap(place.topLeft(), picture)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, FRAME_PX))
    painter.drawRect(place)
    key = scene.keys[row]
    if key == scene.current or key in scene.selected:
        painter.setPen(QPen(theme.text, 2.0))
        painter.drawRect(place.adjusted(-3, -3, 3, 3))
    shape = int(scene.dots.shapes[row]) if len(scene.dots.shapes) else 0
    painter.save()
    painter.translate(place.topLeft() + QPointF(2, 2))
    painter.setPen(QPen(theme.background, 1.0))
    painter.setBrush(colour)
    painter.drawPath(shape_path(shape, 5.0))
    painter.restore()


def _paint_letter(
    painter: QPainter, letter: str, x: float, y: float, radius: float, view: View, theme: Theme
) -> None:
    """A letter on a small plate beside the point, kept inside the widget."""
    font = painter.font()
    font.setBold(True)
    painter.setFont(font)
    size = QFontMetricsF(font).boundingRect(letter).height() + 5
    left = x + radius + 6 if x + radius + 6 + size <= view.size[0] else x - radius - 6 - size
    top = min(max(y - size - 2, 1.0), view.size[1] - size - 1)
    plate = QRectF(left, top, size, size)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.text)
    painter.drawRoundedRect(plate, 3, 3)
    painter.setPen(theme.background)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, letter)
