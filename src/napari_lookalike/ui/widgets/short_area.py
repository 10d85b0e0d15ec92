"""An area that is as high as what it holds, and scrolls where there is no room for it."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QScrollArea, QSizePolicy, QWidget

from napari_lookalike.ui.widgets.scrolled import without_frame


class ShortArea(QScrollArea):
    """A scroll area whose size hint follows its content (Qt's own remembers the first one).

    Parameters
    ----------
    content
        What it holds; its width is never cut.
    least
        Pixels of height that are left where there is no room.
    """

    def __init__(self, content: QWidget, least: int) -> None:
        super().__init__()
        self._content, self._least = content, least
        without_frame(self)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)

    def sizeHint(self) -> QSize:
        # napari's style gives a border to areas that have none.
        frame = 2 * self.frameWidth()
        return self._content.sizeHint() + QSize(frame, frame)

    def minimumSizeHint(self) -> QSize:
        frame = 2 * self.frameWidth()
        inner = self._content.minimumSizeHint() + QSize(frame, frame)
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(inner.width() + bar, min(inner.height(), self._least))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.updateGeometry()  # of what changed while it was hidden nobody was told

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)
