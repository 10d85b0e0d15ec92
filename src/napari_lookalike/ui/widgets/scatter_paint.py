"""How the map is drawn: a frozen scene in, pixels out. Knows nothing of mouse or session."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QLineF, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen, QPixmap, QPolygonF

from napari_lookalike.ui.widgets.palette import Theme, point_pixmap
from napari_lookalike.ui.widgets.plot_geometry import Points, View

MANY_POINTS = 4000
"""Above this many, points are plain dots, without outline and shape."""


@dataclass(frozen=True)
class PairLine:
    """A line between two marked slides.

    Parameters
    ----------
    a, b
        Keys of the two points.
    strength
        0 to 1: how thick it is.
    dashed
        Whether it stands for all slides of the two's subtypes.
    """

    a: str
    b: str
    strength: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """All that the map shows.

    Parameters
    ----------
    keys
        One name per point.
    points
        (n, 2) data coordinates.
    colours
        "#RRGGBB" per point.
    shapes
        Shape number per point (`palette.shape_path`); all circles if empty.
    before
        (n, 2) where each point was before; NaN where it was nowhere; ``None`` = do not show.
    lines
        Marked pairs.
    selected
        Keys that are ringed; the first two are lettered A and B.
    current
        Key of the slide on the canvas.
    dimmed
        Points that should stand back (another category is emphasised).
    """

    keys: tuple[str, ...] = ()
    points: NDArray[np.floating] = field(default_factory=lambda: np.empty((0, 2)))
    colours: tuple[str, ...] = ()
    shapes: tuple[int, ...] = ()
    before: NDArray[np.floating] | None = None
    lines: tuple[PairLine, ...] = ()
    selected: tuple[str, ...] = ()
    current: str | None = None
    dimmed: frozenset[str] = frozenset()

    @cached_property
    def index(self) -> dict[str, int]:
        """Key -> row of ``points``."""
        return {key: i for i, key in enumerate(self.keys)}

    @property
    def extent(self) -> NDArray[np.floating]:
        """All coordinates that a fitted view must hold."""
        return self.points if self.before is None else np.concatenate([self.points, self.before])

    def radius(self) -> float:
        """Of a point, widget pixels: smaller where there are many."""
        n = len(self.keys)
        return 6.5 if n <= 150 else 5.0 if n <= 600 else 3.6 if n <= MANY_POINTS else 2.0


@lru_cache(maxsize=256)
def _stamp(colour: str, shape: int, radius: float, rim: str, ratio: float) -> QPixmap:
    return point_pixmap(colour, shape, radius, QColor(rim), ratio)


def paint_scene(painter: QPainter, scene: Scene, view: View, theme: Theme, ratio: float) -> None:
    """Draw movement, lines, points: all that does not follow the pointer."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    screen = view.to_screen(scene.points)
    if scene.before is not None:
        _paint_movement(painter, view.to_screen(scene.before), screen, theme)
    _paint_lines(painter, scene, screen, theme)
    if len(scene.keys) > MANY_POINTS:
        _paint_dots(painter, scene, screen, view, ratio)
    else:
        _paint_stamps(painter, scene, screen, view, theme, ratio)


def _paint_stamps(
    painter: QPainter, scene: Scene, screen: Points, view: View, theme: Theme, ratio: float
) -> None:
    radius, width, height = scene.radius(), view.size[0], view.size[1]
    rim = "#16171C" if theme.dark else "#FFFFFF"
    shapes = scene.shapes or (0,) * len(scene.keys)
    for dimmed in (True, False):
        painter.setOpacity(0.18 if dimmed else 1.0)
        for key, (x, y), colour, shape in zip(
            scene.keys, screen.tolist(), scene.colours, shapes, strict=True
        ):
            seen = -20 <= x <= width + 20 and -20 <= y <= height + 20
            if seen and (key in scene.dimmed) is dimmed:
                stamp = _stamp(colour, shape, radius, rim, ratio)
                half = stamp.width() / stamp.devicePixelRatio() / 2
                painter.drawPixmap(QPointF(x - half, y - half), stamp)
    painter.setOpacity(1.0)


def _paint_dots(painter: QPainter, scene: Scene, screen: Points, view: View, ratio: float) -> None:
    """Square dots, written into an image at once: 100,000 of them in some milliseconds."""
    width, height = (max(1, round(side * ratio)) for side in view.size)
    pixels = np.zeros((height, width, 4), np.uint8)
    names, of = np.unique(np.array(scene.colours), return_inverse=True)
    colours = [QColor(name) for name in names.tolist()]
    rgb = np.array([(c.red(), c.green(), c.blue()) for c in colours], np.uint8)
    faint = np.array([key in scene.dimmed for key in scene.keys])
    rgba = np.column_stack([rgb[of], np.where(faint, 45, 230).astype(np.uint8)])
    inside = np.isfinite(screen.sum(axis=1))
    # Dimmed points first, so that the others lie above them.
    order = np.argsort(~faint, kind="stable")
    order = order[inside[order]]
    place = np.round(screen[order] * ratio).astype(np.int64)
    reach = max(1, round(scene.radius() * ratio))
    for dy in range(-reach, reach):
        for dx in range(-reach, reach):
            x, y = place[:, 0] + dx, place[:, 1] + dy
            seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            pixels[y[seen], x[seen]] = rgba[order[seen]]
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(0, 0), image)


def _paint_lines(painter: QPainter, scene: Scene, screen: Points, theme: Theme) -> None:
    for line in scene.lines:
        a, b = scene.index.get(line.a), scene.index.get(line.b)
        if a is None or b is None:
            continue
        path = QLineF(QPointF(*screen[a].tolist()), QPointF(*screen[b].tolist()))
        painter.setPen(QPen(theme.background, 3.5 + 2.0 * line.strength))
        painter.drawLine(path)
        style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(theme.text, 1.0 + 1.8 * line.strength, style))
        painter.drawLine(path)


def _paint_movement(painter: QPainter, before: Points, after: Points, theme: Theme) -> None:
    """Ghost dots where slides were, and an arrow from each to where it is."""
    arrow = QColor(theme.text)
    arrow.setAlpha(110)
    for (x0, y0), (x1, y1) in zip(before.tolist(), after.tolist(), strict=True):
        if not np.isfinite([x0, y0, x1, y1]).all():
            continue
        painter.setPen(QPen(arrow, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x0, y0), 3.0, 3.0)
        line = QLineF(x0, y0, x1, y1)
        if line.length() > 14:
            line.setLength(line.length() - 8)
            painter.drawLine(line)
            _arrow_head(painter, line, arrow)


def _arrow_head(painter: QPainter, line: QLineF, colour: QColor) -> None:
    left, right = QLineF(line.p2(), line.p1()), QLineF(line.p2(), line.p1())
    left.setLength(6)
    right.setLength(6)
    left.setAngle(left.angle() + 24)
    right.setAngle(right.angle() - 24)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([line.p2(), left.p2(), right.p2()]))


def paint_marks(painter: QPainter, scene: Scene, view: View, theme: Theme) -> None:
    """Draw what sits on top: the open slide's ring, selection rings and their letters."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    screen = view.to_screen(scene.points)
    radius = scene.radius()
    current = scene.index.get(scene.current or "")
    if current is not None:
        painter.setPen(QPen(theme.text, 1.5, Qt.PenStyle.DotLine))
        painter.drawEllipse(QPointF(*screen[current].tolist()), radius + 8, radius + 8)
    letters = "AB" if len(scene.selected) <= 2 else ""
    for order, key in enumerate(scene.selected):
        row = scene.index.get(key)
        if row is not None:
            x, y = screen[row].tolist()
            painter.setPen(QPen(theme.background, 4.0))
            painter.drawEllipse(QPointF(x, y), radius + 4, radius + 4)
            painter.setPen(QPen(theme.text, 2.2))
            painter.drawEllipse(QPointF(x, y), radius + 4, radius + 4)
            if letters:
                _paint_letter(painter, letters[order], x, y, radius, view, theme)


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
