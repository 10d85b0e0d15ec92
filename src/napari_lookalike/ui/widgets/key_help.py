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

from napari_lookalike.ui.text_size import small_text
from napari_lookalike.ui.widgets.scrolled import scrolled

Groups = Mapping[str, Sequence[tuple[str, str]]]
"""Heading -> (keys, what they do)."""
TITLE = "Keys"
NORMAL_PT, SMALL_PT = 9, 8
TRIED = ((2, NORMAL_PT), (3, NORMAL_PT), (3, SMALL_PT))
"""(columns, points of text) until all is in sight: more columns are lower, but words wrap."""
MOST = max(columns for columns, _ in TRIED)
GAP = 28
SHARE_OF_SCREEN = 0.96


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
        layout = self._rows = QVBoxLayout(self)
        self._groups = [(_table(*group), len(group[1]) + 2) for group in groups.items()]
        self._inside = QWidget()
        self._columns = [QVBoxLayout() for _ in range(MOST)]
        side_by_side = QHBoxLayout(self._inside)
        side_by_side.setSpacing(GAP)
        for column in self._columns:
            column.setSpacing(0)
            side_by_side.addLayout(column, 1)
        self.area = scrolled(self._inside, along=None)
        self.area.setAccessibleName("All keys")
        layout.addWidget(self.area, 1)
        note = QLabel("If a key does nothing, click on the slide first.")
        note.setWordWrap(True)
        layout.addWidget(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)
        self._below = (note, buttons)
        # napari's style makes the text larger once the window is shown.
        self._shown = QTimer(self, interval=0, singleShot=True)
        self._shown.timeout.connect(self._fit)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._shown.start()

    def _fit(self) -> None:
        """As large as the list, but no larger than the screen: beyond it scrolls."""
        rest = self._rest()
        bar = self.area.verticalScrollBar().sizeHint().width() + 30
        room = self._room()
        for columns, points in (*TRIED, TRIED[0]):  # it scrolls if none is low enough
            wanted = self._lay_out(columns, points)
            if columns == MOST:
                width = room.width() - bar
                wanted = QSize(width, self._inside.heightForWidth(width))
            if wanted.height() <= room.height() - rest:
                break
        self.resize((wanted + QSize(bar, rest)).boundedTo(room))

    def _room(self) -> QSize:
        """The largest that the window may be."""
        return self.screen().availableSize() * SHARE_OF_SCREEN

    def _rest(self) -> int:
        """Height of what is not the list, pixels."""
        layout = self._rows
        margins = layout.contentsMargins()
        below = sum(widget.sizeHint().height() for widget in self._below)
        return margins.top() + margins.bottom() + below + len(self._below) * layout.spacing()

    def _lay_out(self, n: int, points: float) -> QSize:
        """Put the groups in their order into so many columns, which end about alike."""
        for column in self._columns:
            while column.takeAt(0) is not None:
                pass
        every, above = sum(rows for _, rows in self._groups), 0
        for table, rows in self._groups:
            table.setWordWrap(n == MOST)
            small_text(table, points)
            middle = above + rows / 2
            self._columns[min(int(n * middle / every), n - 1)].addWidget(table)
            above += rows
        for column in self._columns:
            column.addStretch()
        layout = self._inside.layout()
        if layout is not None:  # else Qt keeps the columns as low as they were
            layout.invalidate()
            layout.activate()
        return self._inside.sizeHint()

    @classmethod
    def open_for(cls, groups: Groups, window: QWidget | None) -> KeyHelp:
        """Show the list; a second time brings the same one forward."""
        found = window.findChild(cls) if window is not None else None
        dialog = found if isinstance(found, cls) else cls(groups, window)
        dialog.show()
        dialog.raise_()
        return dialog


def _table(heading: str, rows: Sequence[tuple[str, str]]) -> QLabel:
    lines = "".join(
        f"<tr><td style='padding: 1px 14px 1px 0'><b>{escape(keys)}</b></td>"
        f"<td style='padding: 1px 0'>{escape(what)}</td></tr>"
        for keys, what in rows
    )
    label = QLabel(f"<big>{escape(heading)}</big><table>{lines}</table>")
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setAccessibleName(heading)
    return label
