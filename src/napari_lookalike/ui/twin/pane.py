"""One of the two slides: pan, zoom, and the tile that the keys speak of."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QPointF, QSize, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lookalike.core.geometry import Region
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.session.twin_field import Field, whole
from napari_lookalike.ui.twin.marks_paint import COLOURS, Frame, paint_frames, paint_legend
from napari_lookalike.ui.twin.picture import paint_slide

WHEEL = 1.2
"""Zoom of one notch of the wheel."""

CLICK_PX = 4
"""The pointer may move so far and it is still a click."""

OUTSIDE = QColor(96, 96, 96)


@dataclass(frozen=True)
class Zoom:
    """The user zooms: by which factor, and about which place from the pane's centre."""

    factor: float
    anchor: tuple[float, float] = (0.0, 0.0)


class SlidePane(QWidget):
    """A slide, drawn by Qt from the tiles of the slide engine.

    Signals
    -------
    pan_requested(float, float)
        The user wants to move the view by so many screen pixels.
    zoom_requested(object)
        A `Zoom`.
    pointed(float, float)
        The pointer is at this place, level-0 pixels.
    clicked(float, float)
        The user clicked there.
    menu_requested(object)
        The user asks, at this place of the screen, what can be said of the tile there.
    """

    pan_requested = Signal(float, float)
    zoom_requested = Signal(object)
    pointed = Signal(float, float)
    clicked = Signal(float, float)
    menu_requested = Signal(object)
    _more = Signal()

    def __init__(self, letter: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.letter = letter
        self.source: TileSource | None = None
        self.field: Field | None = None
        self.frames: tuple[Frame, ...] = ()
        self.message = ""
        self.meant = False
        self._drawn: QPixmap | None = None
        self._pressed: QPointF | None = None
        self._last: QPointF | None = None
        self._dragged = False
        self.setMouseTracking(True)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(f"Slide {letter}")
        self._more.connect(self._redraw, Qt.ConnectionType.QueuedConnection)

    # -- what is shown ------------------------------------------------------------

    @property
    def extent(self) -> tuple[int, int]:
        """(width, height), screen pixels."""
        return self.width(), self.height()

    @property
    def complete(self) -> bool:
        """Whether all that is shown is decoded."""
        return self.source is not None and self._drawn is not None and self.source.idle

    def show_source(self, source: TileSource) -> None:
        """Show a slide whole; what was shown before is the caller's to close."""
        self.source, self._drawn = source, None
        scale = source.slide.scale
        known = (scale.mpp_x, scale.mpp_y) if scale.mpp_x and scale.mpp_y else None
        self.field = whole(source.slide.size, known, self.extent)
        source.listen(self._tell)
        self.update()

    def clear(self, message: str = "") -> None:
        """Show no slide, and say why."""
        self.source = self.field = self._drawn = None
        self.frames, self.message = (), message
        self.update()

    def set_field(self, field: Field | None) -> None:
        """Show another part."""
        if field is not None and field != self.field:
            self.field, self._drawn = field, None
            self.update()

    def set_frames(self, frames: tuple[Frame, ...]) -> None:
        """Draw these frames over the slide."""
        if frames != self.frames:
            self.frames = frames
            self.update()

    def set_meant(self, meant: bool) -> None:
        """Whether the keys speak of this slide, which a line round the pane shows."""
        if meant != self.meant:
            self.meant = meant
            self.update()

    def place_at(self, at: QPointF) -> tuple[float, float] | None:
        """The place of the slide under a point of the pane, level-0 pixels."""
        if self.field is None:
            return None
        return self.field.place(at.x() - self.width() / 2, at.y() - self.height() / 2)

    def point_of(self, x_px0: float, y_px0: float) -> QPointF:
        """Where a place of the slide is drawn."""
        if self.field is None:
            return QPointF()
        dx, dy = self.field.offset(x_px0, y_px0)
        return QPointF(self.width() / 2 + dx, self.height() / 2 + dy)

    def shows(self, region: Region) -> bool:
        """Whether the middle of a region is in sight."""
        middle = self.point_of(region.x + region.width / 2, region.y + region.height / 2)
        return self.field is not None and self.rect().contains(middle.toPoint())

    def _tell(self) -> None:
        """From a thread of the engine: there is more to show."""
        with contextlib.suppress(RuntimeError):  # Qt has gone before the thread
            self._more.emit()

    def _redraw(self) -> None:
        self._drawn = None
        self.update()

    # -- drawing ------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.source is None or self.field is None:
            painter.fillRect(self.rect(), OUTSIDE)
            painter.setPen(QColor(255, 255, 255))
            room = self.rect().adjusted(24, 24, -24, -24)
            wrapped = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, int(wrapped), self.message)
            return
        if self._drawn is None:
            self._drawn = self._picture(self.source, self.field)
        painter.drawPixmap(0, 0, self._drawn)
        paint_frames(painter, self.frames, self.point_of)
        paint_legend(painter, self.field, self.rect())
        if self.meant:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(COLOURS["current"]), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _picture(self, source: TileSource, field: Field) -> QPixmap:
        """The slide without frames; kept, so that moving the pointer draws no slide anew."""
        ratio = self.devicePixelRatioF()
        drawn = QPixmap(QSize(round(self.width() * ratio), round(self.height() * ratio)))
        drawn.setDevicePixelRatio(ratio)
        drawn.fill(OUTSIDE)
        painter = QPainter(drawn)
        paint_slide(painter, source, field, self.extent, ratio)
        painter.end()
        return drawn

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._drawn = None
        super().resizeEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        if self.source is not None:
            self.source.hidden()
        super().hideEvent(event)

    # -- the mouse ----------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self._last = event.position()
            self._dragged = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._pressed is None or self._last is None:
            self._point(at)
            return
        if (at - self._pressed).manhattanLength() > CLICK_PX:
            self._dragged = True
        if self._dragged:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.pan_requested.emit(self._last.x() - at.x(), self._last.y() - at.y())
            self._last = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        dragged, self._pressed, self._last = self._dragged, None, None
        self.setCursor(Qt.CursorShape.CrossCursor)
        place = self.place_at(event.position())
        if place is not None and not dragged:
            self.clicked.emit(*place)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._point(event.position())
        super().enterEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if notches and self.field is not None:
            if self.source is not None:
                self.source.moved()
            at = event.position()
            anchor = at.x() - self.width() / 2, at.y() - self.height() / 2
            self.zoom_requested.emit(Zoom(WHEEL**-notches, anchor))
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._point(QPointF(event.pos()))
        self.menu_requested.emit(event.globalPos())

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self.update()
        super().changeEvent(event)

    def _point(self, at: QPointF) -> None:
        place = self.place_at(at)
        if place is not None:
            self.pointed.emit(*place)
