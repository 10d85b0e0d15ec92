"""A part of a panel that is folded away until it is wanted."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QToolButton, QVBoxLayout, QWidget


class Fold(QWidget):
    """A title that shows and hides what lies below it.

    superqt's collapsible keeps the height that wrapped text had when it was folded.

    Parameters
    ----------
    title
        What it holds.
    content
        What is folded.
    """

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setAccessibleName(f"Show or hide: {title}")
        self.button.setToolTip(f"Show or hide: {title}")
        self.content = content
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.button)
        layout.addWidget(content)
        self.button.toggled.connect(self._show)
        self._show(False)

    def _show(self, shown: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow
        self.button.setArrowType(arrow)
        self.content.setVisible(shown)

    def open(self) -> None:
        """Show what is folded."""
        self.button.setChecked(True)
