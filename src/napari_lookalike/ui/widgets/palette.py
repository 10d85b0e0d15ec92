"""Colours of the application's theme, and small pictures made of the palette's colours."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer
from qtpy.QtGui import QColor, QPainter, QPainterPath, QPalette, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import QWidget

WARNING_ON_DARK, WARNING_ON_LIGHT = "#FFB454", "#A04000"
GOOD_ON_DARK, GOOD_ON_LIGHT = "#7BD3A7", "#00664B"


@dataclass(frozen=True)
class Theme:
    """The few colours that our own drawing needs.

    Parameters
    ----------
    background, text, faint
        Of the widget: its ground, its text, and lines that should stay behind.
    warning, good
        Text colours that stand out on that ground.
    """

    background: QColor
    text: QColor
    faint: QColor
    warning: QColor
    good: QColor

    @property
    def dark(self) -> bool:
        """Whether the ground is darker than the text."""
        return self.background.lightness() < self.text.lightness()


def theme_of(widget: QWidget) -> Theme:
    """The theme that the widget's palette (which follows the style sheet) stands for."""
    widget.ensurePolished()
    palette = widget.palette()
    background = palette.color(QPalette.ColorRole.Window)
    text = palette.color(QPalette.ColorRole.WindowText)
    dark = background.lightness() < text.lightness()
    return Theme(
        background,
        text,
        _mix(background, text, 0.22),
        QColor(WARNING_ON_DARK if dark else WARNING_ON_LIGHT),
        QColor(GOOD_ON_DARK if dark else GOOD_ON_LIGHT),
    )


def follow_theme(widget: QWidget, show_again: Callable[[], None]) -> None:
    """Have a widget that writes colours into texts or styles write them anew in another theme.

    Parameters
    ----------
    widget
        Whose theme is followed.
    show_again
        A method of it; called when light became dark, or dark light.
    """
    _Follow(widget, show_again)


class _Follow(QObject):
    """Hears of other style sheets, and looks at the theme when all are in place.

    While a style sheet is exchanged the palette is neither the old nor the new one.
    """

    def __init__(self, widget: QWidget, show_again: Callable[[], None]) -> None:
        super().__init__(widget)
        self._show_again = weakref.WeakMethod(show_again)
        self._dark = theme_of(widget).dark
        self._timer = QTimer(self, interval=0, singleShot=True)
        self._timer.timeout.connect(self._look)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._timer.start()
        return False

    def _look(self) -> None:
        widget, again = self.parent(), self._show_again()
        if isinstance(widget, QWidget) and again is not None:
            dark = theme_of(widget).dark
            if dark != self._dark:
                self._dark = dark
                again()


def _mix(a: QColor, b: QColor, share: float) -> QColor:
    return QColor.fromRgbF(
        a.redF() + share * (b.redF() - a.redF()),
        a.greenF() + share * (b.greenF() - a.greenF()),
        a.blueF() + share * (b.blueF() - a.blueF()),
    )


_POLYGONS: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)),
    2: ((0, -1.15), (1.08, 0.8), (-1.08, 0.8)),
    3: ((0, -1.22), (1.22, 0), (0, 1.22), (-1.22, 0)),
    4: ((0, 1.15), (1.08, -0.8), (-1.08, -0.8)),
    5: ((0, -1.1), (1.05, -0.34), (0.65, 0.89), (-0.65, 0.89), (-1.05, -0.34)),
}


def shape_path(shape: int, radius: float) -> QPainterPath:
    """The outline of a point, around (0, 0).

    Parameters
    ----------
    shape
        0 circle, 1 square, 2 triangle, 3 diamond, 4 inverted triangle, 5 pentagon; all of
        about the same area.
    radius
        Of the circle, in widget pixels.
    """
    path = QPainterPath()
    polygon = _POLYGONS.get(shape)
    if polygon is None:
        path.addEllipse(QRectF(-radius, -radius, 2 * radius, 2 * radius))
    else:
        path.addPolygon(QPolygonF([QPointF(x * radius, y * radius) for x, y in polygon]))
        path.closeSubpath()
    return path


def point_pixmap(
    colour: str | QColor, shape: int, radius: float, outline: QColor, ratio: float = 1.0
) -> QPixmap:
    """A point as a picture, drawn once and stamped many times.

    Parameters
    ----------
    colour, outline
        Of its inside and of its thin rim.
    shape, radius
        See `shape_path`.
    ratio
        Device pixels per widget pixel.
    """
    side = 2 * (radius * 1.25 + 1.5)
    pixmap = QPixmap(round(side * ratio), round(side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(side / 2, side / 2)
    painter.setPen(QPen(outline, 1.0))
    painter.setBrush(QColor(colour))
    painter.drawPath(shape_path(shape, radius))
    painter.end()
    return pixmap
