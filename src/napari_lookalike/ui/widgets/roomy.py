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
        self._least = least
        without_frame(self)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.content = QWidget()
        self.content.installEventFilter(self)
        self.setWidget(self.content)

    def minimumSizeHint(self) -> QSize:
        needs = self.content.minimumSizeHint()
        return QSize(needs.width(), min(needs.height(), self._least))

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
        """No line of text is squeezed: they need more height where they are narrow."""
        layout = self.content.layout()
        width = self.viewport().width()
        needs = layout.minimumHeightForWidth(width) if layout.hasHeightForWidth() else 0
        if needs != self.content.minimumHeight():
            self.content.setMinimumHeight(needs)


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
