"""The marks as a table that can be searched, filtered, sorted and edited in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtCore import QEvent, QModelIndex, QObject, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.hard_negatives.columns import CONFIDENCE, STATES, PairMark
from napari_lookalike.session.table_rows import STATUS_FILTERS, MarkRow, filtered
from napari_lookalike.ui.text_size import scaled
from napari_lookalike.ui.widgets.table import (
    ChoiceDelegate,
    DeclaredTableModel,
    ShareDelegate,
    TextRows,
    short_time,
)

FIRST = ("id", "slide_a", "slide_b", "strength", "status", "tiles", "reason")
"""What stands on the left, so that a narrow dock shows it; the others follow as declared."""
WIDEST = {"slide_a": 170, "slide_b": 170, "reason": 170, "features": 150, "test": 120}
"""Pixels that a column gets at most, with text of normal size; a tooltip has the whole text."""
CHOICES = {"status": STATES, "confidence": CONFIDENCE}


class MarkTable(QWidget):
    """Rows of the hard-negative table.

    Signals
    -------
    edit_requested(object, str, object)
        The user gave a cell another value: mark, column, value.
    chosen()
        Another row is selected, or none.
    opened(object, str)
        A row was double-clicked where nothing is edited: mark, column.
    """

    edit_requested = Signal(object, str, object)
    chosen = Signal()
    opened = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[MarkRow, ...] = ()
        self.model = DeclaredTableModel(
            MarkRow,
            is_faint=lambda mark: not mark.active,
            display={
                "time": lambda mark: short_time(mark.time),
                "slide_a": lambda mark: mark.slide_a or f"any {mark.subtype_a}",
                "slide_b": lambda mark: mark.slide_b or f"any {mark.subtype_b}",
            },
            parent=self,
        )
        self.search, self.status = self._make_search(), self._make_status()
        self.found = QLabel()
        self.view = self._make_view()
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.search, 1)
        row.addWidget(self.status)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.found)
        self.search.textChanged.connect(self._show)
        self.status.currentIndexChanged.connect(self._show)
        self.model.edit_requested.connect(self.edit_requested)
        self.view.doubleClicked.connect(self._open)
        self.view.selectionModel().selectionChanged.connect(self.chosen)
        self.model.modelReset.connect(self.chosen)

    # ---- making

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText("Search: slide, subtype, words, expert")
        search.setClearButtonEnabled(True)
        search.setAccessibleName("Search the marks")
        search.setToolTip("Show marks in which all these words occur, in any column (Ctrl+F).")
        return search

    def _make_status(self) -> QComboBox:
        status = QComboBox()
        for key, (text, _) in STATUS_FILTERS.items():
            status.addItem(text, key)
        status.setAccessibleName("Which marks are shown")
        status.setToolTip(
            "Show only marks of one status. Proposed and agreed ones are in use; disputed and"
            " retired ones are kept and not used."
        )
        return status

    def _make_view(self) -> QTableView:
        view = QTableView()
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(Qt.ItemDataRole.EditRole)
        self._sorted.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        view.setModel(self._sorted)
        view.setSortingEnabled(True)
        view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.verticalHeader().hide()
        TextRows(view, self._fit_columns)
        view.setWordWrap(False)
        view.setAccessibleName("Look-alikes: one row per marked pair")
        view.setToolTip("One row per marked pair. Double-click or F2 changes a cell.")
        view.setItemDelegateForColumn(self.model.column_of("strength"), ShareDelegate(view))
        for name, choices in CHOICES.items():
            view.setItemDelegateForColumn(self.model.column_of(name), ChoiceDelegate(choices, view))
        header = view.horizontalHeader()
        header.setSectionsMovable(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for place, name in enumerate(FIRST):
            header.moveSection(header.visualIndex(self.model.column_of(name)), place)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self._find)
        return view

    # ---- using

    def set_rows(self, rows: tuple[MarkRow, ...]) -> None:
        """Show these rows, as far as the search and the filter let them through."""
        fresh = len(rows) != len(self._all)
        self._all = rows
        self._show()
        if fresh:
            self._fit_columns()

    def _show(self, *_: object) -> None:
        kept = self.current()
        shown = filtered(self._all, self.search.text(), self.status.currentData())
        self.model.set_rows(shown)
        hidden = len(self._all) - len(shown)
        self.found.setText(f"{len(shown)} of {len(self._all)} marks are shown.")
        self.found.setVisible(hidden > 0)
        if kept is not None and self.current() is None:
            self.select(kept.id)

    def select(self, mark_id: int) -> None:
        """Select the row of a mark, if it is shown."""
        for i, row in enumerate(self.model.rows):
            if row.id == mark_id:
                index = self._sorted.mapFromSource(self.model.index(i, 0))
                self.view.selectRow(index.row())

    def _fit_columns(self) -> None:
        self.view.resizeColumnsToContents()
        for i, column in enumerate(self.model.columns):
            wanted = self.view.columnWidth(i) + 10
            widest = WIDEST.get(column.name)
            width = wanted if widest is None else min(wanted, int(scaled(widest)))
            self.view.setColumnWidth(i, width)

    def _find(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def current(self) -> PairMark | None:
        """The selected mark."""
        chosen = self.view.selectionModel().selectedRows()
        return self._mark_at(chosen[0]) if chosen else None

    def _mark_at(self, index: QModelIndex) -> PairMark | None:
        row = self._sorted.mapToSource(index).row()
        mark: PairMark | None = self.model.rows[row] if 0 <= row < len(self.model.rows) else None
        return mark

    def _open(self, index: QModelIndex) -> None:
        mark, column = self._mark_at(index), self.model.columns[index.column()]
        if mark is not None and not column.metadata.get("editable"):
            self.opened.emit(mark, column.name)


class TableKeys(QObject):
    """Plain keys while a table has the focus; an editor of a cell has its own.

    Parameters
    ----------
    table
        The table.
    acts
        Key -> what it does.
    """

    def __init__(self, table: QWidget, acts: Mapping[Qt.Key, Callable[[], object]]) -> None:
        super().__init__(table)
        self._acts = dict(acts)
        table.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return False
        act = self._acts.get(Qt.Key(event.key()))
        if act is None:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # ours, and nobody's shortcut
            return True
        if event.type() == QEvent.Type.KeyPress:
            act()
            return True
        return False


def no_edit_table(model: Any, name: str) -> QTableView:
    """A table to read: wrapped lines, no selection, the last column wide."""
    table = QTableView()
    table.setModel(model)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.setWordWrap(True)
    table.setTextElideMode(Qt.TextElideMode.ElideNone)
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.setAccessibleName(name)
    table.setToolTip(name)
    return table
