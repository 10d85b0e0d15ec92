"""The whole slide, small, with the field that the canvas shows; click or drag to move it."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QTransform
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lookalike.core.geometry import Region
from napari_lookalike.session.orientation import UPRIGHT, Orientation
from napari_lookalike.ui.widgets.palette import theme_of

HALO, LINE = QColor(255, 255, 255, 230), QColor(16, 48, 255)
SMALLEST = 9.0
"""Edge of the drawn field, widget pixels: a field at 40x would be a dot."""
WAITING, NOTHING = "Reading the overview…", "No slide is open."
FAILED = "The overview cannot be read."


class Overview(QWidget):
    """A thumbnail that lies as the slide lies on the canvas.

    Signals
    -------
    move_requested(float, float)
        The user wants to see this place: (x, y) in level-0 pixels.
    """

    move_requested = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: QPixmap | None = None
        self._shown: QPixmap | None = None
        self._failed = False
        self._size_px0 = (0, 0)
        self._field: Region | None = None
        self._orientation = UPRIGHT
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(84)
        self.setAccessibleName("Overview of the slide")
        self.setToolTip("The whole slide; the frame is what you see. Click or drag to move it.")

    def show_slide(self, size_px0: tuple[int, int]) -> None:
        """Another slide; its picture comes later. (0, 0) = none."""
        self._size_px0, self._picture, self._field = size_px0, None, None
        self._shown, self._failed = None, False
        self.setCursor(Qt.CursorShape.CrossCursor if size_px0[0] else Qt.CursorShape.ArrowCursor)
        self.update()

    def show_picture(self, picture: QPixmap) -> None:
        """The thumbnail of the slide, as it was scanned."""
        self._picture, self._shown = picture, None
        self.update()

    def show_failure(self) -> None:
        """There will be no thumbnail: part of the file is damaged, or gone."""
        self._failed = True
        self.update()

    @property
    def words(self) -> str:
        """What stands in the place of the picture; empty if it is there."""
        if self._picture is not None:
            return ""
        if not self._size_px0[0]:
            return NOTHING
        return FAILED if self._failed else WAITING

    def show_field(self, field: Region | None, orientation: Orientation) -> None:
        """What the canvas shows, level-0 pixels, and how the slide lies on it."""
        if orientation != self._orientation:
            self._orientation, self._shown = orientation, None
        self._field = field
        self.update()

    # -- geometry -----------------------------------------------------------------

    def _frame(self) -> QRectF:
        """Where the slide is drawn, widget pixels."""
        width, height = self._size_px0
        if self._orientation.transposed:
            width, height = height, width
        if not width or not height:
            return QRectF()
        scale = min(self.width() / width, self.height() / height)
        w, h = width * scale, height * scale
        return QRectF((self.width() - w) / 2, (self.height() - h) / 2, w, h)

    def to_widget(self, x_px0: float, y_px0: float) -> QPointF:
        """Where a place of the slide is drawn."""
        width, height = self._size_px0
        u, v = self._orientation.to_screen(x_px0 / width - 0.5, y_px0 / height - 0.5)
        frame = self._frame()
        return QPointF(
            frame.center().x() + u * frame.width(), frame.center().y() + v * frame.height()
        )

    def to_slide(self, at: QPointF) -> tuple[float, float]:
        """The place of the slide that is drawn there, kept within the slide."""
        frame, (width, height) = self._frame(), self._size_px0
        u = (at.x() - frame.center().x()) / frame.width()
        v = (at.y() - frame.center().y()) / frame.height()
        x, y = self._orientation.to_slide(u, v)
        return min(max(x + 0.5, 0.0), 1.0) * width, min(max(y + 0.5, 0.0), 1.0) * height

    def field_rect(self) -> QRectF | None:
        """The frame that stands for the field, widget pixels."""
        field = self._field
        if field is None or not self._size_px0[0]:
            return None
        a = self.to_widget(field.x, field.y)
        b = self.to_widget(field.x + field.width, field.y + field.height)
        rect = QRectF(a, b).normalized()
        centre = rect.center()
        rect.setSize(rect.size().expandedTo(QSize(round(SMALLEST), round(SMALLEST)).toSizeF()))
        rect.moveCenter(centre)
        return rect

    # -- drawing ------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        frame, theme = self._frame(), theme_of(self)
        if self._picture is None:
            painter.setPen(theme.text)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.words)
            if not self._failed:
                return
            painter.drawRect(frame.adjusted(1, 1, -1, -1))  # one can move about all the same
        else:
            if self._shown is None:
                self._shown = self._picture.transformed(_transform(self._orientation))
            painter.drawPixmap(frame, self._shown, QRectF(self._shown.rect()))
        field = self.field_rect()
        if field is not None:
            painter.setClipRect(self.rect())
            for colour, width in ((HALO, 4.0), (LINE, 2.0)):
                pen = QPen(colour, width)
                pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
                painter.setPen(pen)
                painter.drawRect(field.intersected(QRectF(self.rect()).adjusted(1, 1, -1, -1)))

    def sizeHint(self) -> QSize:
        return QSize(260, 84)

    # -- the mouse ----------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._move(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._move(event)

    def _move(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._size_px0[0]:
            self.move_requested.emit(*self.to_slide(event.position()))


def _transform(orientation: Orientation) -> QTransform:
    """From a picture as it was scanned to how it lies on the screen."""
    (a, b), (c, d) = orientation.to_screen(1, 0), orientation.to_screen(0, 1)
    return QTransform(a, b, c, d, 0, 0)
