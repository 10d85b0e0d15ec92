"""What stands beside the marks: what they ask for together, their history, several experts."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.session.agreement_view import RULES, AgreementView, OpenPoint
from napari_lookalike.session.table_rows import HistoryRow
from napari_lookalike.session.table_view import Demand
from napari_lookalike.ui.widgets.mark_table import no_edit_table
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.table import DeclaredTableModel, short_time
from napari_lookalike.ui.widgets.words import words

RULE_NAMES = {
    "max": "the strongest",
    "mean": "their mean",
    "agreed": "agreed ones only",
    "share": "mean over all experts",
}
"""Rule -> what a list of rules says; `RULES` says it in full."""
TABLE_PX = 110
"""Height of what is to settle, at the least."""


class DemandTab(QWidget):
    """What the marks together ask of each pair of subtypes, and by which rule.

    Signals
    -------
    rule_chosen(str)
        The user wants several marks to count otherwise.
    """

    rule_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = DeclaredTableModel(Demand, parent=self)
        self.table = no_edit_table(self.model, "What the marks ask of the model, per subtype pair")
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.rule = QComboBox()
        for key, text in RULE_NAMES.items():
            self.rule.addItem(text, key)
        self.rule.setAccessibleName("How several marks of one pair count")
        label = QLabel("Of several marks:")
        label.setBuddy(self.rule)
        row = QHBoxLayout()
        row.addWidget(label)
        row.addWidget(self.rule, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        self.rule.activated.connect(lambda: self.rule_chosen.emit(self.rule.currentData()))

    def show_demands(self, demands: tuple[Demand, ...], rule: str, can_choose: bool) -> None:
        """Show what is asked for, by this rule."""
        self.model.set_rows(demands)
        self.rule.setCurrentIndex(self.rule.findData(rule))
        self.rule.setEnabled(can_choose)
        said = "; ".join(f"{name}: {RULES[key]}" for key, name in RULE_NAMES.items())  # type: ignore[index]
        self.rule.setToolTip(f"How several experts' marks of one pair become one. {said}.")


class HistoryTab(QWidget):
    """Who changed the selected mark, when, and what it was before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = words()
        self.model = DeclaredTableModel(
            HistoryRow, display={"time": lambda row: short_time(row.time)}, parent=self
        )
        self.table = no_edit_table(self.model, "Changes of the selected mark, the last first")
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(self.model.column_of("what"), QHeaderView.ResizeMode.Stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.addWidget(self.title)
        layout.addWidget(self.table, 1)

    def show_history(self, title: str, rows: tuple[HistoryRow, ...]) -> None:
        """Show the changes of one mark."""
        self.title.setText(title)
        self.model.set_rows(rows)
        self.table.setVisible(bool(rows))


class ExpertsTab(QWidget):
    """How far several experts agree, and what they have yet to settle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence, self.meaning, self.settled = words(), words(), words()
        self.settled.setText("Nothing is to settle.")
        self.model = DeclaredTableModel(OpenPoint, parent=self)
        self.table = no_edit_table(self.model, "What the experts have yet to settle")
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 2, 0, 0)
        for widget in (self.sentence, self.meaning, self.settled):
            column.addWidget(widget)
        column.addWidget(self.table, 1)
        column.addStretch(0)
        self.table.setMinimumHeight(TABLE_PX)
        # A low dock scrolls: it would squeeze the sentences, which are cut then.
        area = scrolled(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def show_agreement(self, view: AgreementView) -> None:
        """Show what several experts agree on."""
        self.sentence.setText(view.sentence)
        self.meaning.setText(view.meaning)
        self.meaning.setVisible(bool(view.meaning))
        self.model.set_rows(view.points)
        self.table.setVisible(bool(view.points))
        self.settled.setVisible(bool(view.sentence) and not view.points)
