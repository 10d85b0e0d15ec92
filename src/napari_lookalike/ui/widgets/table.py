"""A Qt table over a frozen dataclass whose fields declare their columns.

Each field's metadata says "title", "help", "editable" and "shown" (see
`core.hard_negatives.columns`); a new field shows up here without a change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from datetime import datetime
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QEvent,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)
from qtpy.QtGui import QColor, QFont
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
ROW_EXTRA_PX = 10
"""Room above and below the text of a row."""

_Role = Qt.ItemDataRole


class DeclaredTableModel(QAbstractTableModel):
    """Rows of one dataclass.

    Parameters
    ----------
    row_type
        The dataclass.
    is_faint
        Row -> whether it stands back (a retired mark).
    display
        Column name -> how the cell of a row is written; its value otherwise.

    Signals
    -------
    edit_requested(object, str, object)
        The user gave a cell another value: row, column name, value. The model does not
        change: whoever owns the rows decides and shows new ones.
    """

    edit_requested = Signal(object, str, object)

    def __init__(
        self,
        row_type: type[Any],
        *,
        is_faint: Callable[[Any], bool] = lambda _row: False,
        display: dict[str, Callable[[Any], str]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.columns: tuple[Field[Any], ...] = tuple(
            f for f in fields(row_type) if f.metadata.get("shown", True)
        )
        self._rows: tuple[Any, ...] = ()
        self._is_faint = is_faint
        self._display = display or {}

    @property
    def rows(self) -> tuple[Any, ...]:
        """What is shown."""
        return self._rows

    def set_rows(self, rows: Sequence[Any]) -> None:
        """Show these rows; where only cells differ, selection and scrolling stay."""
        rows = tuple(rows)
        if rows == self._rows:
            return
        if len(rows) == len(self._rows):
            self._rows = rows
            last = self.index(len(rows) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
        else:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()

    def column_of(self, name: str) -> int:
        """Where a column stands."""
        return [f.name for f in self.columns].index(name)

    # ---- what Qt asks

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        about = self.columns[section].metadata
        if role == _Role.DisplayRole:
            return about.get("title", self.columns[section].name)
        if role == _Role.ToolTipRole:
            return about.get("help", "")
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.isValid() and self.columns[index.column()].metadata.get("editable"):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], self.columns[index.column()]
        value = getattr(row, column.name)
        if role == _Role.EditRole:
            return value
        if role in (_Role.DisplayRole, _Role.AccessibleTextRole):
            return self._text(row, column.name)
        if role == _Role.ToolTipRole:
            text = self._text(row, column.name)
            edit = " Double-click to change it." if column.metadata.get("editable") else ""
            return f"{text}\n{column.metadata.get('help', '')}{edit}".strip()
        if role == _Role.ForegroundRole and self._is_faint(row):
            return QColor(150, 150, 150)
        if role == _Role.FontRole and self._is_faint(row):
            font = QFont()
            font.setItalic(True)
            return font
        return None

    def setData(self, index: Index, value: Any, role: int = _Role.EditRole) -> bool:
        if role != _Role.EditRole or not index.isValid():
            return False
        row, column = self._rows[index.row()], self.columns[index.column()]
        if value != getattr(row, column.name):
            self.edit_requested.emit(row, column.name, value)
        return True

    def _text(self, row: Any, name: str) -> str:
        if name in self._display:
            return self._display[name](row)
        value = getattr(row, name)
        return f"{value:.2f}" if isinstance(value, float) else str(value)


class TextRows(QObject):
    """Keeps the rows of a table as high as a line of its text, whatever its size.

    Parameters
    ----------
    view
        The table.
    then
        Called when the size has changed, to give the columns their width.
    """

    def __init__(self, view: QTableView, then: Callable[[], object] | None = None) -> None:
        super().__init__(view)
        self._view, self._then = view, then
        # When Qt says that the style changed, the new text has not been measured yet.
        self._later = QTimer(self, interval=0, singleShot=True)
        self._later.timeout.connect(self._changed)
        view.installEventFilter(self)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._later.start()
        return False

    def _changed(self) -> None:
        before = self._view.verticalHeader().defaultSectionSize()
        self._fit()
        if self._then is not None and self._view.verticalHeader().defaultSectionSize() != before:
            self._then()

    def _fit(self) -> None:
        height = self._view.fontMetrics().height() + ROW_EXTRA_PX
        self._view.verticalHeader().setDefaultSectionSize(height)


class ShareDelegate(QStyledItemDelegate):
    """Edits a number from 0 to 1 in steps of 0.05."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QDoubleSpinBox(parent)
        editor.setRange(0.0, 1.0)
        editor.setSingleStep(0.05)
        editor.setDecimals(2)
        editor.setFrame(False)
        # A point, as in the table and in the CSV file, whatever the computer's language.
        editor.setLocale(QLocale.c())
        editor.setAccessibleName("From 0 to 1")
        return editor


class ChoiceDelegate(QStyledItemDelegate):
    """Edits a cell by one of a few words; a word that is chosen is taken at once.

    Parameters
    ----------
    choices
        The words.
    parent
        The table.
    """

    def __init__(self, choices: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = tuple(choices)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QComboBox(parent)
        editor.addItems(self._choices)
        editor.setAccessibleName("Choose one")
        editor.activated.connect(lambda: self._take(editor))
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data(_Role.EditRole)))

    def setModelData(self, editor: QWidget, model: Any, index: Index) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText(), _Role.EditRole)

    def _take(self, editor: QComboBox) -> None:
        self.commitData.emit(editor)
        self.closeEditor.emit(editor)


def short_time(iso: str) -> str:
    """ISO 8601 in UTC -> local date and minute; the text itself if it is no time."""
    try:
        return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return iso
