"""The look-alikes panel: the hard-negative table, and what it asks of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtGui import QCloseEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.session import marks, selection, twin
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_view import Demand, resolve_table
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.widgets.table import DeclaredTableModel, ShareDelegate, short_time

CSV = "CSV table (*.csv)"
EVENTS = ("project", "cohort", "marks", "expert", "results", "history_changed")
FIRST = ("id", "slide_a", "slide_b", "strength", "reason")
"""What stands on the left, so that a narrow dock shows it; the others follow as declared."""
WIDTHS = {
    "id": 32,
    "slide_a": 88,
    "slide_b": 88,
    "level": 64,
    "strength": 72,
    "reason": 170,
    "status": 66,
}
"""Column widths in pixels where the contents should not decide."""


class HardNegativesPanel(QWidget):
    """The table of look-alikes: edit, undo, retire, import, export.

    Parameters
    ----------
    session
        The state of this viewer.
    runner
        Its jobs; the table needs none.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self.session, self.runner = session, runner
        self.model = DeclaredTableModel(
            PairMark,
            is_faint=lambda mark: not mark.active,
            display={
                "time": lambda mark: short_time(mark.time),
                "slide_a": lambda mark: mark.slide_a or f"any {mark.subtype_a}",
                "slide_b": lambda mark: mark.slide_b or f"any {mark.subtype_b}",
            },
            parent=self,
        )
        self.table = self._make_table()
        self.demands = DeclaredTableModel(Demand, parent=self)
        self.demand_table = self._make_demand_table()
        self.empty, self.summary = QLabel(), QLabel()
        self.undo = self._button("Undo", "Take the last change of the table or the cohort back.")
        self.redo = self._button("Redo", "Make the change again that was taken back.")
        self.retire = self._button("Retire", "Stop using the selected mark; it stays in the table.")
        self.compare = self._button("Compare", "Show the two slides of the mark side by side.")
        self.read = self._button("Import…", "Add marks from a CSV file; bad rows are named.")
        self.write = self._button(
            "Export…", "Write the table to a CSV file: no patient, no file name."
        )
        self._lay_out()
        self._connect_widgets()
        self._events = [getattr(session.events, n) for n in EVENTS if hasattr(session.events, n)]
        for event in self._events:
            event.connect(self._refresh)
        self._refresh()

    # ---- making

    @staticmethod
    def _button(text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        return button

    def _make_table(self) -> QTableView:
        table = QTableView()
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(Qt.ItemDataRole.EditRole)
        table.setModel(self._sorted)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(24)
        table.setWordWrap(False)
        table.setAccessibleName("Look-alikes: one row per marked pair")
        table.setItemDelegateForColumn(self.model.column_of("strength"), ShareDelegate(table))
        header = table.horizontalHeader()
        header.setSectionsMovable(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for place, name in enumerate(FIRST):
            header.moveSection(header.visualIndex(self.model.column_of(name)), place)
        return table

    def _make_demand_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.demands)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.verticalHeader().hide()
        table.setWordWrap(True)
        table.setTextElideMode(Qt.TextElideMode.ElideNone)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.setAccessibleName("What the marks ask of the model, per subtype pair")
        return table

    def _lay_out(self) -> None:
        buttons = QFlowLayout()  # a second row where the dock is too narrow for one
        buttons.setHorizontalSpacing(4)
        buttons.setVerticalSpacing(2)
        for button in (self.compare, self.undo, self.redo, self.retire, self.read, self.write):
            buttons.addWidget(button)
        for label in (self.empty, self.summary):
            label.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setMargin(16)
        marked = QWidget()
        inner = QVBoxLayout(marked)
        inner.setContentsMargins(0, 2, 0, 0)
        inner.addWidget(self.table, 1)
        inner.addWidget(self.empty, 1)
        self.tabs = QTabWidget()
        self.tabs.addTab(marked, "Marks")
        self.tabs.addTab(self.demand_table, "Subtype pairs")
        self.tabs.setTabToolTip(0, "Every mark, one row each. Double-click a slide to open it.")
        self.tabs.setTabToolTip(1, "What all marks together ask of the model, per subtype pair.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(buttons)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.summary)

    def _connect_widgets(self) -> None:
        self.model.edit_requested.connect(self._edit)
        self.undo.clicked.connect(self._undo)
        self.redo.clicked.connect(self._redo)
        self.compare.clicked.connect(self._compare)
        self.retire.clicked.connect(self._retire_or_restore)
        self.read.clicked.connect(self._import)
        self.write.clicked.connect(self._export)
        self.table.doubleClicked.connect(self._open)
        self.table.selectionModel().selectionChanged.connect(self._select)
        for keys, act in ((QKeySequence.StandardKey.Undo, self._undo),
                          (QKeySequence.StandardKey.Redo, self._redo)):  # fmt: skip
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def closeEvent(self, event: QCloseEvent) -> None:
        for signal in self._events:
            signal.disconnect(self._refresh)
        self._events = []
        super().closeEvent(event)

    # ---- from the session to the widgets

    def _refresh(self) -> None:
        view = resolve_table(self.session)
        fresh = len(view.rows) != len(self.model.rows)
        self.model.set_rows(view.rows)
        self.demands.set_rows(view.demands)
        if fresh:
            self._fit_columns()
        self.table.setVisible(not view.empty)
        self.empty.setVisible(bool(view.empty))
        self.empty.setText(view.empty)
        self.summary.setText(view.summary)
        self.summary.setVisible(bool(view.summary))
        self.write.setEnabled(bool(view.rows))
        self.read.setEnabled(self.session.project is not None)
        self._show_history()
        self._show_retire()

    def _fit_columns(self) -> None:
        self.table.resizeColumnsToContents()
        for i, column in enumerate(self.model.columns):
            width = WIDTHS.get(column.name, self.table.columnWidth(i) + 10)
            self.table.setColumnWidth(i, width)

    def _show_history(self) -> None:
        history = self.session.history
        for button, word, text in (
            (self.undo, "Undo", history.undo_text),
            (self.redo, "Redo", history.redo_text),
        ):
            button.setEnabled(bool(text))
            button.setToolTip(f"{word}: {text}" if text else f"There is nothing to {word.lower()}.")

    def _show_retire(self) -> None:
        mark = self.current()
        retired = mark is not None and not mark.active
        of_slides = mark is not None and mark.level == "slide"
        self.compare.setEnabled(of_slides)
        self.compare.setToolTip(
            "Show the two slides of the mark side by side, with the tiles that look alike."
            if of_slides
            else "Select a mark of two slides to see them side by side."
        )
        self.retire.setEnabled(mark is not None)
        self.retire.setText("Restore" if retired else "Retire")
        self.retire.setAccessibleName("Restore the mark" if retired else "Retire the mark")
        self.retire.setToolTip(
            "Use the selected mark again."
            if retired
            else "Stop using the selected mark; it stays in the table and can be restored."
        )

    def current(self) -> PairMark | None:
        """The selected mark."""
        chosen = self.table.selectionModel().selectedRows()
        return self._mark_at(chosen[0]) if chosen else None

    def _mark_at(self, index: QModelIndex) -> PairMark | None:
        row = self._sorted.mapToSource(index).row()
        mark: PairMark | None = self.model.rows[row] if 0 <= row < len(self.model.rows) else None
        return mark

    # ---- what the user does

    def _select(self, *_: object) -> None:
        """A selected row selects its two slides, here and on the map."""
        self._show_retire()
        mark = self.current()
        if mark is not None and mark.level == "slide":
            there = tuple(s for s in mark.sides if s in self.session.cohort)
            with reported(self.session):
                selection.select(self.session, there)

    def _open(self, index: QModelIndex) -> None:
        """Slide A, or B if its cell was meant or A is open already."""
        mark = self._mark_at(index)
        column = self.model.columns[index.column()]
        if mark is None or column.metadata.get("editable") or mark.level != "slide":
            return
        at_b = column.name.endswith("_b") or (
            not column.name.endswith("_a") and self.session.slide_id == mark.slide_a
        )
        with reported(self.session):
            selection.open_slide(self.session, mark.slide_b if at_b else mark.slide_a)

    def _compare(self) -> None:
        mark = self.current()
        if mark is not None:
            with reported(self.session):
                twin.open_twin(self.session, *mark.sides)

    def _edit(self, mark: PairMark, name: str, value: Any) -> None:
        with reported(self.session):
            marks.change(self.session, mark.id, **{name: value})

    def _retire_or_restore(self) -> None:
        mark = self.current()
        if mark is not None:
            with reported(self.session):
                (marks.retire if mark.active else marks.restore)(self.session, mark.id)

    def _undo(self) -> None:
        with reported(self.session):
            self.session.history.undo()

    def _redo(self) -> None:
        with reported(self.session):
            self.session.history.redo()

    def _import(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import look-alikes", "", CSV)
        if name:
            with reported(self.session):
                marks.import_marks(self.session, Path(name))

    def _export(self) -> None:
        start = "lookalikes.csv"
        name, _ = QFileDialog.getSaveFileName(self, "Export look-alikes", start, CSV)
        if name:
            with reported(self.session):
                marks.export_marks(self.session, Path(name).with_suffix(".csv"))
