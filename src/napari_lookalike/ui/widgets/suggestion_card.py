"""One suggestion: two slides, why they stand side by side, and what tells them apart."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from qtpy.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_lookalike.session.suggestions_view import CardView, SideView
from napari_lookalike.ui.text_size import small_text
from napari_lookalike.ui.widgets.palette import theme_of
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.slide_pictures import SlidePictures

TALL_PX = 270
"""From this height on the text stands below the pictures, which then have the whole width."""
LEAST_PX = 64


class SlidePicture(QWidget):
    """A slide's thumbnail as large as there is room, its name and its subtype.

    Signals
    -------
    opened(str)
        The user wants to see this slide.
    """

    opened = Signal(str)

    def __init__(self, pictures: SlidePictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self.side = SideView("", "")
        self.picture = _Canvas(self)
        self.name, self.label = QElidingLabel(), QElidingLabel()
        small_text(self.label, 8)
        for text in (self.name, self.label):
            text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.picture, 1)
        layout.addWidget(self.label)
        layout.addWidget(self.name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        pictures.ready.connect(self._ready)

    def show_side(self, side: SideView) -> None:
        """Show this slide."""
        self.side = side
        self.label.setText(side.label)
        self.name.setText(side.slide_id or "no slide to show")
        tip = f"{side.slide_id}, {side.label}: click to open it." if side.slide_id else side.label
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.picture.update()

    def paint_into(self, painter: QPainter, size: QSize) -> None:
        """Draw the thumbnail in the middle, or a frame where it is not there yet."""
        side = min(size.width(), size.height())
        pixmap = None
        if self.side.slide_id:
            ratio = self.devicePixelRatioF()
            pixmap = self._pictures.get(self.side.slide_id, round(side * ratio))
            if pixmap is not None:
                pixmap.setDevicePixelRatio(ratio)
        if pixmap is None:
            painter.setPen(QPen(theme_of(self).faint, 1, Qt.PenStyle.DashLine))
            painter.drawRect((size.width() - side) // 2, 0, side - 1, side - 1)
            return
        shown = pixmap.deviceIndependentSize()
        x, y = (size.width() - shown.width()) / 2, (size.height() - shown.height()) / 2
        painter.drawPixmap(round(x), round(y), pixmap)

    def _ready(self, slide_id: str) -> None:
        if slide_id == self.side.slide_id:
            self.picture.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.side.slide_id:
            self.opened.emit(self.side.slide_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.side.slide_id:
            self.opened.emit(self.side.slide_id)
        else:
            super().keyPressEvent(event)


class _Canvas(QWidget):
    def __init__(self, owner: SlidePicture) -> None:
        super().__init__(owner)
        self._owner = owner
        self.setMinimumSize(LEAST_PX, LEAST_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._owner.paint_into(painter, self.size())
        painter.end()


class SuggestionCard(QWidget):
    """Shows a `CardView`.

    Signals
    -------
    opened(str)
        The user wants to see this slide.
    """

    opened = Signal(str)

    def __init__(self, pictures: SlidePictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sides = (SlidePicture(pictures), SlidePicture(pictures))
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setAccessibleName("Why they look alike, and what tells them apart")
        scroll = scrolled(self.text)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view: CardView | None = None
        pair = QHBoxLayout()
        pair.setSpacing(6)
        for side in self.sides:
            pair.addWidget(side, 1)
            side.opened.connect(self.opened)
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self._layout.addLayout(pair, 5)
        self._layout.addWidget(scroll, 4)

    def show_card(self, view: CardView) -> None:
        """Show a suggestion."""
        if view == self._view:
            return
        self._view = view
        for widget, side in zip(self.sides, view.sides, strict=True):
            widget.show_side(side)
        self._write()

    def _write(self) -> None:
        if self._view is None:
            return
        view, theme = self._view, theme_of(self)
        said = [f"<b>{escape(view.title)}</b>"]
        if view.notes:
            said.append(f"<span style='color:{theme.warning.name()}'>{escape(view.notes)}</span>")
        if view.test:
            said.append(f"<b>Tells them apart:</b> {escape(view.test)}")
        said += [f"<b>{escape(source)}.</b> {escape(text)}" for source, text in view.reasons]
        self.text.setText("".join(f"<p style='margin:0 0 4px 0'>{line}</p>" for line in said))

    def resizeEvent(self, event: QResizeEvent) -> None:
        tall = self.height() >= TALL_PX
        directions = QBoxLayout.Direction
        self._layout.setDirection(directions.TopToBottom if tall else directions.LeftToRight)
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._write()
        super().changeEvent(event)
