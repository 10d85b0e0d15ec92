"""The list of keys, in a small window that stays open beside the slide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

Groups = Mapping[str, Sequence[tuple[str, str]]]
"""Heading -> (keys, what they do)."""
TITLE = "Keys"
COLUMNS = 2


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
        grid = QGridLayout()
        grid.setHorizontalSpacing(28)
        heights = [0] * COLUMNS
        columns = [QVBoxLayout() for _ in range(COLUMNS)]
        for heading, rows in groups.items():
            shortest = heights.index(min(heights))
            columns[shortest].addWidget(_table(heading, rows))
            heights[shortest] += len(rows) + 2
        for i, column in enumerate(columns):
            column.addStretch()
            grid.addLayout(column, 0, i)
        layout.addLayout(grid)
        note = QLabel("If a key does nothing, click on the slide first.")
        note.setWordWrap(True)
        layout.addWidget(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)

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
        f"<tr><td style='padding: 2px 14px 2px 0'><b>{escape(keys)}</b></td>"
        f"<td style='padding: 2px 0'>{escape(what)}</td></tr>"
        for keys, what in rows
    )
    label = QLabel(f"<p><big>{escape(heading)}</big></p><table>{lines}</table>")
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setAccessibleName(heading)
    return label
