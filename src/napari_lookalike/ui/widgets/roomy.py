"""A panel whose content scrolls where its dock is lower than the content needs."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from napari_lookalike.ui.widgets.scrolled import without_frame

LEAST_PX = 170


class RoomyArea(QScrollArea):
    """Holds all of a panel, as high as the panel or as high as it needs to be.

    Qt makes a window as high as the panels of its highest column need, beyond the screen if
    need be: with large text that is more than a small screen has.

    Parameters
    ----------
    least
        Pixels of height below which the panel scrolls before it makes the window higher.
    """

    def __init__(self, least: int) -> None:
        super().__init__()
        self._least, self._needed = least, 0
        without_frame(self)
        # Qt would make it as high as it likes to be, and not as high as it needs to be.
        self.setWidgetResizable(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.content = QWidget()
        self.content.installEventFilter(self)
        self.setWidget(self.content)

    def minimumSizeHint(self) -> QSize:
        width, bar = self.content.minimumSizeHint().width(), 0
        if self._needed > self._least:  # the bar may be seen, and cuts no width
            bar = self.verticalScrollBar().sizeHint().width()
        return QSize(width + bar, min(self._needed, self._least))

    def sizeHint(self) -> QSize:
        return self.content.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.content and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        room = self.maximumViewportSize()
        needed = self._needs(room.width())
        if needed > room.height():
            narrow = room.width() - self.verticalScrollBar().sizeHint().width()
            needed = self._needs(narrow)
            self.content.resize(narrow, max(needed, room.height()))
        else:
            self.content.resize(room)
        if needed != self._needed:
            self._needed = needed
            self.updateGeometry()

    def _needs(self, width: int) -> int:
        """Height with no line of text squeezed: they need more where they are narrow."""
        layout, least = self.content.layout(), self.content.minimumSizeHint().height()
        if layout is None or not layout.hasHeightForWidth():
            return least
        return max(least, layout.minimumHeightForWidth(width))


def roomy(panel: QWidget, least: int = LEAST_PX) -> QVBoxLayout:
    """Give a panel a `RoomyArea` that fills it; returns the layout of what it holds.

    Parameters
    ----------
    panel
        Without a layout.
    least
        See `RoomyArea`.
    """
    area = RoomyArea(least)
    whole = QVBoxLayout(panel)
    whole.setContentsMargins(0, 0, 0, 0)
    whole.addWidget(area)
    return QVBoxLayout(area.content)
