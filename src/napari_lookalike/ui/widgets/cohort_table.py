"""The slides of a project as a table to fill in; several rows take a value at once."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QModelIndex, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.session.project_view import ProjectRow
from napari_lookalike.ui.text_size import scaled
from napari_lookalike.ui.widgets.table import DeclaredTableModel, TextRows
from napari_lookalike.ui.widgets.words import words

WIDEST_PX = 190
"""With text of normal size. Wider cells are cut with an ellipsis; a tooltip has all of it."""

EXTRA_PX = 10


class CohortTable(QWidget):
    """A table of `ProjectRow`, and what the chosen row's state means.

    Signals
    -------
    edit_requested(tuple, str, str)
        The user gave these slide_ids another value in a column.
    open_requested(str)
        The user wants to see this slide.
    """

    edit_requested = Signal(tuple, str, str)
    open_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = DeclaredTableModel(ProjectRow, is_faint=lambda row: row.state == "excluded")
        self.model.edit_requested.connect(self._edited)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setAccessibleName("Slides of the project")
        self.view.setToolTip(
            "Double-click or F2 changes a cell; with several rows selected, all of them."
        )
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setWordWrap(False)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        TextRows(self.view, self._fit)
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.view.doubleClicked.connect(self._double_clicked)
        self.view.selectionModel().selectionChanged.connect(self._show_state)
        self.about = words()
        self.about.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.about)

    def set_rows(self, rows: Sequence[ProjectRow]) -> None:
        """Show these rows; the selection stays with its slides."""
        rows = tuple(rows)
        if rows == self.model.rows:
            return
        others = [r.slide_id for r in rows] != [r.slide_id for r in self.model.rows]
        chosen = self.selected()
        if others:
            self.view.clearSelection()
        self.model.set_rows(rows)
        if others:
            self.select(chosen)
            self._fit()
        self._show_state()

    def _fit(self) -> None:
        # Of thousands of rows those in sight say how wide a column is.
        self.view.horizontalHeader().setResizeContentsPrecision(0)
        self.view.resizeColumnsToContents()
        for i in range(self.model.columnCount()):
            wanted = self.view.columnWidth(i) + EXTRA_PX
            self.view.setColumnWidth(i, min(wanted, int(scaled(WIDEST_PX))))

    def selected(self) -> tuple[str, ...]:
        """slide_ids of the selected rows, in the table's order."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return tuple(self.model.rows[row].slide_id for row in rows)

    def select(self, slide_ids: Sequence[str]) -> None:
        """Select these rows too; those that are not there are passed over."""
        selection = self.view.selectionModel()
        flags = selection.SelectionFlag.Select | selection.SelectionFlag.Rows
        wanted = set(slide_ids)
        for i, row in enumerate(self.model.rows if wanted else ()):
            if row.slide_id in wanted:
                selection.select(self.model.index(i, 0), flags)

    def _edited(self, row: ProjectRow, column: str, text: object) -> None:
        chosen = self.selected()
        slides = chosen if row.slide_id in chosen else (row.slide_id,)
        self.edit_requested.emit(slides, column, str(text))

    def _double_clicked(self, index: QModelIndex) -> None:
        if not self.model.columns[index.column()].metadata["editable"]:
            self.open_requested.emit(self.model.rows[index.row()].slide_id)

    def _show_state(self, *_: object) -> None:
        """Write the state out where it is a sentence: the column is too narrow for it."""
        chosen = self.selected()
        row = (
            next((r for r in self.model.rows if r.slide_id == chosen[0]), None) if chosen else None
        )
        text = "" if row is None or "." not in row.state else f"{row.slide_id}: {row.state}"
        self.about.setText(text)
        self.about.setVisible(bool(text) and len(chosen) == 1)
