"""Search, filter and order of the list of cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.session.case_filter import FILTERS, CaseFilter
from napari_lookalike.session.case_sort import SORTS
from napari_lookalike.session.session import Session


class CaseBar(QWidget):
    """What narrows and orders the list.

    Parameters
    ----------
    session
        Whose search, filter and order are shown at first.

    Signals
    -------
    changed()
        The user chose something else.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.search = _search()
        self.filter = _box(
            "Filter the cases", ((k, f.title, f.help) for k, f in FILTERS.items()), 3
        )
        self.sort = _box("Order of the cases", ((k, s.title, s.help) for k, s in SORTS.items()), 3)
        self.show_ids = QCheckBox("Ids")
        self.show_ids.setAccessibleName("Show patient ids")
        self.show_ids.setToolTip(
            "Show the patient ids of the project instead of numbers. They can identify a child."
        )
        choices = QHBoxLayout()
        choices.addWidget(self.filter, 1)
        choices.addWidget(self.sort, 1)
        choices.addWidget(self.show_ids)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.search)
        layout.addLayout(choices)
        self.search.setText(session.case_search)
        self.filter.setCurrentIndex(max(self.filter.findData(session.case_filter), 0))
        self.sort.setCurrentIndex(max(self.sort.findData(session.case_sort), 0))
        self._show_help()
        self.search.textChanged.connect(self._changed)
        self.filter.currentIndexChanged.connect(self._changed)
        self.sort.currentIndexChanged.connect(self._changed)

    @property
    def words(self) -> str:
        """What is looked for."""
        return self.search.text().strip()

    @property
    def chosen_filter(self) -> str:
        """A key of `FILTERS`, or of `column_filters`."""
        return str(self.filter.currentData())

    @property
    def chosen_sort(self) -> str:
        """A key of `SORTS`."""
        return str(self.sort.currentData())

    def show_everything(self) -> None:
        """Clear the search and the filter; the order stays."""
        self.filter.setCurrentIndex(0)
        self.search.clear()

    def show_patient_ids(self, shown: bool) -> None:
        """Tick the box without telling anybody."""
        self.show_ids.blockSignals(True)
        self.show_ids.setChecked(shown)
        self.show_ids.blockSignals(False)

    def offer_columns(self, filters: Mapping[str, CaseFilter]) -> bool:
        """Offer these filters too, by further columns of the manifest.

        Parameters
        ----------
        filters
            Key -> filter.

        Returns
        -------
        bool
            Whether the one that was chosen has gone; all slides are listed then.
        """
        box, first = self.filter, len(FILTERS)
        there = {box.itemData(i): box.itemText(i) for i in range(first + 1, box.count())}
        if there == {key: found.title for key, found in filters.items()}:
            return False
        chosen = self.chosen_filter
        with QSignalBlocker(box):
            while box.count() > first:
                box.removeItem(box.count() - 1)
            if filters:
                box.insertSeparator(first)
            for key, found in filters.items():
                _offer(box, key, found.title, found.help)
            box.setCurrentIndex(max(box.findData(chosen), 0))
        self._show_help()
        return self.chosen_filter != chosen

    def enable(self, there: bool) -> None:
        """Whether there is anything to look for."""
        for widget in (self.search, self.filter, self.sort, self.show_ids):
            widget.setEnabled(there)

    def _changed(self, *_: object) -> None:
        self._show_help()
        self.changed.emit()

    def _show_help(self) -> None:
        about = self.filter.currentData(Qt.ItemDataRole.ToolTipRole)
        self.filter.setToolTip(
            f"Which slides are listed. {about} Further columns of your manifest come last."
        )
        self.sort.setToolTip(f"Their order. {SORTS[self.chosen_sort].help}")


def _search() -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText("Search slides, subtypes, states")
    field.setClearButtonEnabled(True)
    field.setAccessibleName("Search the cases")
    field.setToolTip(
        "Words that a slide's name, label, prediction, centre, patient, state or a further column"
        " of your manifest has (Ctrl+F). In one column only: centre:Basel, subtype:medullo,"
        " or age_group:child."
    )
    return field


def _box(name: str, choices: Iterable[tuple[str, str, str]], letters: int) -> QComboBox:
    box = QComboBox()
    for key, title, about in choices:
        _offer(box, key, title, about)
    box.setAccessibleName(name)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    box.setMinimumContentsLength(letters)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _offer(box: QComboBox, key: str, title: str, about: str) -> None:
    box.addItem(title, key)
    box.setItemData(box.count() - 1, about, Qt.ItemDataRole.ToolTipRole)
