"""The list of model versions, newest first."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from napari_lookalike.session.versions_view import VersionRow
from napari_lookalike.ui.widgets.palette import theme_of

COLUMNS = ("Version", "Trained", "From", "Marks", "Accuracy")
NAME = Qt.ItemDataRole.UserRole
ROWS_SHOWN = 4


class VersionList(QTreeWidget):
    """One line a version; the whole of it in the tooltip.

    Signals
    -------
    chosen(str)
        The user points at this version.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setColumnCount(len(COLUMNS))
        self.setHeaderLabels(list(COLUMNS))
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setAccessibleName("Model versions, newest first")
        self.setToolTip("Choose a version with a click or the arrow keys to compare it below.")
        self.headerItem().setToolTip(3, "Marked look-alikes that it was trained beside.")
        self.headerItem().setToolTip(4, "Held-out balanced accuracy with its 95 % interval.")
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.currentItemChanged.connect(self._choose)

    def show_rows(self, rows: tuple[VersionRow, ...], chosen: str) -> None:
        """Show these versions, with one of them pointed at."""
        with QSignalBlocker(self):
            self.clear()
            for row in rows:
                item = self._item(row)
                self.addTopLevelItem(item)
                if row.version == chosen:
                    self.setCurrentItem(item)
        line = self.sizeHintForRow(0) if rows else self.fontMetrics().height() + 3
        head = self.header().sizeHint().height() + 2 * self.frameWidth() + 2
        # No higher than its rows: what lies below, the comparison, needs the room.
        self.setMaximumHeight(line * min(max(len(rows), 2), ROWS_SHOWN) + head)
        self.setMinimumHeight(2 * line + head)

    def _item(self, row: VersionRow) -> QTreeWidgetItem:
        name = f"{row.version} ({row.state})" if row.state else row.version
        texts = [name, row.trained, row.parent, row.marks.split(" ")[0], row.figure]
        if row.problem:
            texts = [name, "damaged", "", "", ""]
        item = QTreeWidgetItem(texts)
        item.setData(0, NAME, row.version)
        for column in range(len(COLUMNS)):
            item.setToolTip(column, row.details)
            if row.problem:
                item.setForeground(column, theme_of(self).warning)
        if row.state:
            font = QFont(self.font())
            font.setBold(True)
            item.setFont(0, font)
        return item

    def _choose(self, item: QTreeWidgetItem | None, *_: object) -> None:
        if item is not None:
            self.chosen.emit(item.data(0, NAME))
