"""Two lists of the panel Suggestions: confused pairs, and slides to review next."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QBrush
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.suggest.review import METHODS
from napari_lookalike.session.suggestions_view import PairRow, SlideRow
from napari_lookalike.ui.widgets.palette import theme_of

ROLE = Qt.ItemDataRole.UserRole


def _tree(name: str, tip: str, titles: tuple[str, ...]) -> QTreeWidget:
    tree = QTreeWidget()
    tree.setHeaderLabels(list(titles))
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setAccessibleName(name)
    tree.setToolTip(tip)
    tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    return tree


class PairList(QWidget):
    """Confused pairs of subtypes; a click brings the suggestion.

    Signals
    -------
    chosen(str, str)
        The user wants this pair's suggestion.
    """

    chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[PairRow, ...] = ()
        self.tree = _tree(
            "Pairs of subtypes that the model confuses",
            "Click a pair, or press Enter on it, to get its suggestion.",
            ("Pair", "Confused", "Looked at"),
        )
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for i in (1, 2):
            header.setSectionResizeMode(i, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.itemClicked.connect(self._choose)
        self.tree.itemActivated.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.addWidget(self.tree)

    def show_rows(self, rows: tuple[PairRow, ...]) -> None:
        """Show these pairs."""
        if rows == self._rows:
            return
        self._rows = rows
        self.tree.clear()
        for row in rows:
            item = QTreeWidgetItem([f"{row.a} / {row.b}", row.confused, row.standing])
            item.setData(0, ROLE, (row.a, row.b))
            tip = f"{row.a} and {row.b}: {row.confused} slides confused, {row.standing}."
            for i in range(3):
                item.setToolTip(i, tip)
            self.tree.addTopLevelItem(item)
        self._colour()

    def _colour(self) -> None:
        """Open pairs stand out, on light and on dark."""
        colour = QBrush(theme_of(self).warning)
        for i, row in enumerate(self._rows):
            item = self.tree.topLevelItem(i)
            if row.open and item is not None:
                item.setForeground(2, colour)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._colour()
        super().changeEvent(event)

    def _choose(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        a, b = item.data(0, ROLE)
        self.chosen.emit(a, b)


class ReviewList(QWidget):
    """Slides to look at next, and below them those that are set apart, each with why.

    Signals
    -------
    opened(str)
        The user wants to see this slide.
    method_chosen(str)
        How slides are to be chosen ("entropy" or "kmeans").
    """

    opened = Signal(str)
    method_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.method = QComboBox()
        for key, title in METHODS.items():
            self.method.addItem(title, key)
        self.method.setAccessibleName("How slides are chosen")
        self.method.setToolTip(
            "Slides near their subtype's mean of which the model is least sure, with chance for "
            "variety; or slides that stand for groups of similar ones."
        )
        self.method.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.method.setMinimumContentsLength(18)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.tree = _tree(
            "Slides to review next",
            "Click a slide, or press Enter on it, to open it. Ctrl+Enter in Cases marks it "
            "reviewed.",
            ("Slide", "Subtype", "Why"),
        )
        self.tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.tree.header().setStretchLastSection(True)
        self.why = QLabel()
        self.why.setWordWrap(True)
        self.why.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.tree.itemClicked.connect(self._open)
        self.tree.itemActivated.connect(self._open)
        self.tree.currentItemChanged.connect(self._tell)
        self.method.activated.connect(lambda _i: self.method_chosen.emit(self.method.currentData()))
        top = QHBoxLayout()
        top.addWidget(self.note, 1)
        top.addWidget(self.method)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(top)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.why)
        self.why.hide()
        self._rows: tuple[SlideRow, ...] = ()

    def show_rows(self, rows: tuple[SlideRow, ...], note: str, method: str) -> None:
        """Show these slides."""
        self.note.setText(note)
        self.method.setCurrentIndex(self.method.findData(method))
        self.method.setEnabled(bool(rows))
        if rows == self._rows:
            return
        self._rows = rows
        self.tree.clear()
        self.why.hide()
        for row in rows:
            why = f"Set apart: {row.why}" if row.apart else row.why
            item = QTreeWidgetItem([row.slide_id, row.label, why])
            item.setData(0, ROLE, row.slide_id)
            for i in range(3):
                item.setToolTip(i, why)
                if row.apart:
                    font = item.font(i)
                    font.setItalic(True)
                    item.setFont(i, font)
            self.tree.addTopLevelItem(item)
        for i in (0, 1):
            self.tree.resizeColumnToContents(i)
        first = self.tree.topLevelItem(0)
        if first is not None:
            self.tree.setCurrentItem(first)  # says why, and opens nothing

    def _open(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        self.opened.emit(item.data(0, ROLE))

    def _tell(self, item: QTreeWidgetItem | None, *_: object) -> None:
        self.why.setVisible(item is not None)
        self.why.setText(item.text(2) if item is not None else "")
