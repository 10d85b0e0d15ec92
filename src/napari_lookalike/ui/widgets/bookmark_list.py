"""The bookmarks as a list: a click goes there, a double click changes the note."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem, QWidget

from napari_lookalike.core.bookmarks import Bookmark
from napari_lookalike.session.slide_view import BookmarkRow

NO_NOTE = "no note"
ROLE = Qt.ItemDataRole.UserRole
POWER, NOTE = 0, 1


class BookmarkList(QTreeWidget):
    """Bookmarks of the open slide, then those of others under their slide's name.

    Signals
    -------
    go_requested(object), delete_requested(object)
        The `Bookmark` to go to, or to delete.
    note_requested(object, str)
        The `Bookmark` whose note the user changed, and the new note.
    """

    go_requested = Signal(object)
    delete_requested = Signal(object)
    note_requested = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[BookmarkRow, ...] = ()
        self.setColumnCount(2)
        self.setHeaderLabels(["Zoom", "Note"])
        self.header().setStretchLastSection(True)
        self.setColumnWidth(POWER, 64)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Bookmarks")
        self.setToolTip("Places that were kept. Double-click or Enter goes there.")
        self.setMinimumHeight(64)
        self.itemClicked.connect(self._clicked)
        self.itemDoubleClicked.connect(lambda item, _c: self._edit(item))
        self.itemChanged.connect(self._changed)
        self.itemDelegate().closeEditor.connect(self._on_closed)

    def show_rows(self, rows: tuple[BookmarkRow, ...]) -> None:
        """Show these bookmarks; the chosen one stays chosen."""
        if rows == self._rows:
            return
        self._rows = rows
        chosen = self.chosen()
        with QSignalBlocker(self):
            self.clear()
            where = ""
            for row in rows:
                if row.where != where:
                    where = row.where
                    self._add_heading(where)
                item = self._add(row)
                if chosen is not None and row.bookmark.key == chosen.key:
                    self.setCurrentItem(item)

    def _add_heading(self, where: str) -> None:
        item = QTreeWidgetItem(self, [where])
        item.setFirstColumnSpanned(True)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = item.font(0)
        font.setBold(True)
        item.setFont(0, font)

    def _add(self, row: BookmarkRow) -> QTreeWidgetItem:
        item = QTreeWidgetItem(self, [row.power or "–", row.note or NO_NOTE])
        item.setData(0, ROLE, row.bookmark)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        if not row.note:
            font = item.font(NOTE)
            font.setItalic(True)
            item.setFont(NOTE, font)
        for column in (POWER, NOTE):
            # What somebody typed is no markup.
            said = "<br>".join(escape(part) for part in (row.note, row.about) if part)
            item.setToolTip(column, f"<qt>{said}</qt>")
        return item

    def chosen(self) -> Bookmark | None:
        """The bookmark that is selected."""
        item = self.currentItem()
        found = None if item is None else item.data(0, ROLE)
        return found if isinstance(found, Bookmark) else None

    def edit_note(self, key: str | None = None) -> None:
        """Let the user type the note of a bookmark, the chosen one if not given."""
        for i in range(self.topLevelItemCount()):
            item = self.topLevelItem(i)
            found = None if item is None else item.data(0, ROLE)
            if item is not None and isinstance(found, Bookmark) and found.key == key:
                self.setCurrentItem(item)
        if (item := self.currentItem()) is not None:
            self._edit(item)

    def _edit(self, item: QTreeWidgetItem) -> None:
        found = item.data(0, ROLE)
        if isinstance(found, Bookmark):
            with QSignalBlocker(self):
                item.setText(NOTE, found.note)
            self.editItem(item, NOTE)

    def _changed(self, item: QTreeWidgetItem, column: int) -> None:
        found = item.data(0, ROLE)
        if column == NOTE and isinstance(found, Bookmark):
            self.note_requested.emit(found, item.text(NOTE))

    def _on_closed(self, *_: object) -> None:
        """Show what is kept, whether the new note was taken over or not."""
        rows, self._rows = self._rows, ()
        self.show_rows(rows)

    def _clicked(self, item: QTreeWidgetItem) -> None:
        found = item.data(0, ROLE)
        if isinstance(found, Bookmark):
            self.go_requested.emit(found)

    def sizeHint(self) -> QSize:
        return QSize(240, 64)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chosen = self.chosen()
        if event.key() == Qt.Key.Key_Delete and chosen is not None:
            self.delete_requested.emit(chosen)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and chosen is not None:
            self.go_requested.emit(chosen)
        elif event.key() == Qt.Key.Key_F2:
            self.edit_note()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            super().keyPressEvent(event)
        else:
            event.ignore()  # the canvas's keys go on working
