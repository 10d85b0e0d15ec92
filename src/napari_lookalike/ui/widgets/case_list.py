"""The list of cases: patients as headings, slides as rows; thousands of them scroll well."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import Any

from qtpy.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QStringListModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QKeyEvent, QMouseEvent
from qtpy.QtWidgets import QAbstractItemView, QListView, QStyledItemDelegate, QWidget

from napari_lookalike.core.signed import probability
from napari_lookalike.session.case_filter import REVIEWED
from napari_lookalike.session.case_rows import NO_PATIENT, CaseGroup, CaseRow

Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole

ITEM = int(_Role.UserRole)
"""Role of the `CaseGroup` or `CaseRow` itself."""
OPEN = ITEM + 1
"""Role: whether the slide is on the canvas."""
LETTER = ITEM + 2
"""Role: "A" or "B" where two or more slides are selected and it is one of the first two."""


def state_words(row: CaseRow) -> str:
    """The state in as few words as a row has room for; the reason is in the tooltip."""
    state = row.state.partition(":")[0]
    if row.review != REVIEWED:
        return state
    return REVIEWED if state == "embedded" else f"{REVIEWED}, {state}"


def said_words(row: CaseRow) -> str:
    """The prediction with its probability and its verdict, in words."""
    if row.probability is None:
        return "no prediction"
    verdict = f", {row.verdict}" if row.verdict else ""
    return f"predicted {row.prediction} {percent(row.probability)}{verdict}"


def percent(p: float) -> str:
    """A probability for a person; "100 %" would claim a certainty that no model has."""
    return probability(p).replace("over ", ">").replace("under ", "<")


def facts(row: CaseRow) -> tuple[str, ...]:
    """All that is known of a slide, one sentence each; never the patient id."""
    said = said_words(row)
    lines = [
        row.slide_id,
        row.label or "not labelled",
        said + (f", {row.seen}" if row.seen else ""),
    ]
    if row.unlike:
        lines.append("unlike anything in the training set")
    lines.append(row.state)
    if row.review:
        lines.append(row.review)
    if row.site:
        lines.append(f"centre {row.site}".replace("centre centre", "centre"))
    if row.marks:
        lines.append(
            "in 1 look-alike pair" if row.marks == 1 else f"in {row.marks} look-alike pairs"
        )
    return tuple(lines)


class CaseModel(QStringListModel):
    """Patients and their slides, one below the other.

    The strings are empty, and only their number matters: Qt counts the rows twice for each of
    them whenever it lays out the list, and does so itself in half the time.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: tuple[CaseGroup | CaseRow, ...] = ()
        self._row_of: dict[str, int] = {}
        self._heading: list[bool] = []
        self._open: str | None = None
        self._selected: tuple[str, ...] = ()
        self.by_patient = True
        """Whether patients are headings; if not, each row says its patient."""

    def show_groups(self, groups: Sequence[CaseGroup]) -> bool:
        """Show these; whether rows came or went (else only their texts changed)."""
        items = tuple(_flat(groups))
        if items == self._items:
            return False
        self.by_patient = not items or isinstance(items[0], CaseGroup)
        same_rows = len(items) == len(self._items) and all(
            _key(a) == _key(b) for a, b in zip(items, self._items, strict=True)
        )
        if same_rows:
            self._items = items
            self.dataChanged.emit(self.index(0), self.index(len(items) - 1))
            return False
        self._items = items
        self._row_of = {i.slide_id: n for n, i in enumerate(items) if isinstance(i, CaseRow)}
        self._heading = [isinstance(i, CaseGroup) for i in items]
        self.setStringList([""] * len(items))  # tells the view, which asks for all of it
        return True

    def show_state(self, opened: str | None, selected: tuple[str, ...]) -> None:
        """Which slide is open, and which are selected, in order.

        Does not emit ``dataChanged``: it makes a list view lay out all its rows anew.
        `CaseList.show_selection` draws instead.
        """
        self._open, self._selected = opened, selected

    def index_of(self, slide_id: str) -> QModelIndex:
        """Where a slide stands; not valid if it is not listed."""
        row = self._row_of.get(slide_id)
        return QModelIndex() if row is None else self.index(row)

    def slide_at(self, index: Index) -> str | None:
        """The slide of a row; ``None`` for a heading."""
        item = self._items[index.row()] if index.isValid() else None
        return item.slide_id if isinstance(item, CaseRow) else None

    def is_heading(self, row: int) -> bool:
        """Whether a row is a patient and not a slide. Asked for every row at each layout."""
        return self._heading[row]

    def between(self, a: int, b: int) -> tuple[str, ...]:
        """The slides from one row to another, both included, beginning at ``a``."""
        step = 1 if b >= a else -1
        rows = (self._items[i] for i in range(a, b + step, step))
        return tuple(item.slide_id for item in rows if isinstance(item, CaseRow))

    @property
    def slide_ids(self) -> tuple[str, ...]:
        """The listed slides, in order."""
        return tuple(self._row_of)

    # ---- what Qt asks

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        enabled = Qt.ItemFlag.ItemIsEnabled
        if self.slide_at(index) is None:
            return enabled
        return enabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role == ITEM:
            return item
        if role in (_Role.DisplayRole, _Role.AccessibleTextRole):
            return item.title if isinstance(item, CaseGroup) else ", ".join(facts(item))
        if role == _Role.ToolTipRole:
            lines = (item.title,) if isinstance(item, CaseGroup) else facts(item)
            return f"<qt>{'<br>'.join(escape(line) for line in lines)}</qt>"
        slide_id = self.slide_at(index)
        if role == OPEN:
            return slide_id is not None and slide_id == self._open
        if role == LETTER:
            pair = self._selected[:2] if len(self._selected) > 1 else ()
            return "AB"[pair.index(slide_id)] if slide_id in pair else ""
        return None


class MeasuredDelegate(QStyledItemDelegate):
    """Draws rows of a few heights, which are worked out before each layout."""

    def measure(self) -> None:
        """Work out the heights for the font of now."""


class CaseList(QListView):
    """Shows a `CaseModel`; what is selected is decided by its owner, never by Qt.

    A plain click asks to open a slide, Ctrl-click to add it to the selection or take it
    out, Shift-click to select a range; the arrow keys ask for the next or previous slide.

    Signals
    -------
    open_requested(str), toggle_requested(str)
        For one slide.
    range_requested(object)
        A tuple of slide_ids.
    step_requested(int)
        1 = next slide, -1 = previous.
    menu_requested(str, QPoint)
        Right click on a slide; where, on the screen.
    """

    open_requested = Signal(str)
    toggle_requested = Signal(str)
    range_requested = Signal(object)
    step_requested = Signal(int)
    menu_requested = Signal(str, QPoint)

    def __init__(self, model: CaseModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cases = model
        self.setModel(model)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.setAccessibleName("Slides by patient")
        self.setToolTip(
            "Click opens a slide; Ctrl-click or Space selects it too; Shift-click selects a range."
        )
        self._pressed: str | None = None
        self._anchor = ""

    def doItemsLayout(self) -> None:
        """Place all rows: measured once before, since thousands of them ask."""
        delegate = self.itemDelegate()
        if isinstance(delegate, MeasuredDelegate):
            delegate.measure()
        super().doItemsLayout()

    def show_selection(self, opened: str | None, selected: Collection[str]) -> None:
        """Mirror the session's selection, for drawing and for screen readers."""
        wanted = QItemSelection()
        for slide_id in selected:
            index = self.cases.index_of(slide_id)
            if index.isValid():
                wanted.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(wanted, flags.ClearAndSelect)
        index = self.cases.index_of(opened or "")
        self.selectionModel().setCurrentIndex(index, flags.NoUpdate)
        self.viewport().update()

    def reveal(self, slide_id: str | None) -> None:
        """Scroll as little as needed to show a slide, with its patient's heading if near."""
        index = self.cases.index_of(slide_id or "")
        if not index.isValid():
            return
        heading = self.cases.index(index.row() - 1)
        if heading.isValid() and self.cases.slide_at(heading) is None:
            self.scrollTo(heading)
        self.scrollTo(index)

    # ---- what the user does

    def selectionCommand(self, index: Index, event: object = None) -> Any:
        """Qt itself selects nothing: the session does, and the list mirrors it."""
        return QItemSelectionModel.SelectionFlag.NoUpdate

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self.cases.slide_at(self.indexAt(event.position().toPoint()))
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        slide_id, pressed = self.cases.slide_at(index), self._pressed
        self._pressed = None
        if slide_id is None or slide_id != pressed:
            return
        if event.button() == Qt.MouseButton.RightButton:
            self.menu_requested.emit(slide_id, event.globalPosition().toPoint())
        elif event.button() == Qt.MouseButton.LeftButton:
            self._clicked(slide_id, index.row(), event.modifiers())

    def _clicked(self, slide_id: str, row: int, modifiers: Qt.KeyboardModifier) -> None:
        anchor = self.cases.index_of(self._anchor)
        if modifiers & Qt.KeyboardModifier.ShiftModifier and anchor.isValid():
            self.range_requested.emit(self.cases.between(anchor.row(), row))
            return
        self._anchor = slide_id
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.toggle_requested.emit(slide_id)
        else:
            self.open_requested.emit(slide_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        if event.key() in steps and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.step_requested.emit(steps[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            slide_id = self.cases.slide_at(self.currentIndex())
            if slide_id is not None:
                self.toggle_requested.emit(slide_id)
        else:
            super().keyPressEvent(event)


def _flat(groups: Sequence[CaseGroup]) -> list[CaseGroup | CaseRow]:
    items: list[CaseGroup | CaseRow] = []
    heading = ""
    for group in groups:
        # Slides without a patient are cases of their own; one heading is enough for them.
        # A list that is not by patient has none.
        if group.title and (group.title != NO_PATIENT or group.title != heading):
            items.append(group)
        heading = group.title
        items.extend(group.rows)
    return items


def _key(item: CaseGroup | CaseRow) -> str:
    return item.title if isinstance(item, CaseGroup) else item.slide_id
