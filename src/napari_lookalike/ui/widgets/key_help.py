"""The list of keys, in a small window that stays open beside the slide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.ui.widgets.scrolled import scrolled

Groups = Mapping[str, Sequence[tuple[str, str]]]
"""Heading -> (keys, what they do)."""
TITLE = "Keys"
COLUMNS = 2
SHARE_OF_SCREEN = 0.9


class KeyHelp(QDialog):
    """Keys by what they are for.

    Parameters
    ----------
    groups
        What is listed.
    parent
        The window.
    """

    def __init__(self, groups: Groups, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(TITLE)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QVBoxLayout(self)
        inside = QWidget()
        inside.setLayout(_columns(groups))
        self._inside = inside
        self.area = scrolled(inside, along=None)
        self.area.setAccessibleName("All keys")
        layout.addWidget(self.area, 1)
        note = QLabel("If a key does nothing, click on the slide first.")
        note.setWordWrap(True)
        layout.addWidget(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)
        # napari's style makes the text larger once the window is shown.
        self._shown = QTimer(self, interval=0, singleShot=True)
        self._shown.timeout.connect(self._fit)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._shown.start()

    def _fit(self) -> None:
        """As large as the list, but no larger than the screen: beyond it scrolls."""
        layout = self._inside.layout()
        if layout is not None:  # else Qt keeps the columns as low as they were
            layout.invalidate()
            layout.activate()
        wanted = self._inside.sizeHint()
        bar = self.area.verticalScrollBar().sizeHint().width()
        rest = self.sizeHint().height() - self.area.sizeHint().height()
        room = self.screen().availableSize() * SHARE_OF_SCREEN
        self.resize(QSize(wanted.width() + bar + 30, wanted.height() + rest + 8).boundedTo(room))

    @classmethod
    def open_for(cls, groups: Groups, window: QWidget | None) -> KeyHelp:
        """Show the list; a second time brings the same one forward."""
        found = window.findChild(cls) if window is not None else None
        dialog = found if isinstance(found, cls) else cls(groups, window)
        dialog.show()
        dialog.raise_()
        return dialog


def _columns(groups: Groups) -> QHBoxLayout:
    """The groups in their order, down one column and then the next, which end about alike."""
    every = sum(len(rows) + 2 for rows in groups.values())
    columns = [QVBoxLayout() for _ in range(COLUMNS)]
    above = 0
    for heading, rows in groups.items():
        middle = above + (len(rows) + 2) / 2
        columns[min(int(COLUMNS * middle / every), COLUMNS - 1)].addWidget(_table(heading, rows))
        above += len(rows) + 2
    layout = QHBoxLayout()
    layout.setSpacing(28)
    for column in columns:
        column.addStretch()
        layout.addLayout(column)
    return layout


def _table(heading: str, rows: Sequence[tuple[str, str]]) -> QLabel:
    lines = "".join(
        f"<tr><td style='padding: 2px 14px 2px 0'><b>{escape(keys)}</b></td>"
        f"<td style='padding: 2px 0'>{escape(what)}</td></tr>"
        for keys, what in rows
    )
    label = QLabel(f"<p><big>{escape(heading)}</big></p><table>{lines}</table>")
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setAccessibleName(heading)
    return label
