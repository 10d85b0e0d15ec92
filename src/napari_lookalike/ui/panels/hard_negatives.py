"""The look-alikes panel: the hard-negative table, its history, and what it asks of the model."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.log import LogEntry
from napari_lookalike.core.hard_negatives.outbox import table_for
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.session import marks, selection, twin
from napari_lookalike.session.agreement_view import resolve_agreement
from napari_lookalike.session.pair_view import find_mark
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_rows import history_rows
from napari_lookalike.session.table_view import model_classes, resolve_table, train_config
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.widgets.mark_table import MarkTable, TableKeys
from napari_lookalike.ui.widgets.mark_tabs import DemandTab, ExpertsTab, HistoryTab
from napari_lookalike.ui.widgets.roomy import roomy

FILES = "CSV table (*.csv);;JSON Lines, with evidence tiles (*.jsonl)"
SUFFIXES = (".csv", ".jsonl", ".ndjson")
EVENTS = (
    "project",
    "cohort",
    "marks",
    "evidence",
    "waiting",
    "expert",
    "results",
    "history_changed",
)
BUTTONS = {
    "compare": ("Compare", ""),
    "agree": ("Agree", "Agree with the selected mark of a colleague (A)."),
    "dispute": ("Dispute", "Disagree with the selected mark: it is not used until settled (D)."),
    "retire": ("Retire", ""),
    "undo": ("Undo", ""),
    "redo": ("Redo", ""),
    "read": ("Import…", "Add marks from a CSV or JSON Lines file; bad rows are named."),
    "write": ("Export…", "Write the table to a file: no patient, no file name of a slide."),
}
"""Attribute -> (text, tooltip; where it depends on what is selected it is filled in later)."""


class HardNegativesPanel(QWidget):
    """The table of look-alikes: edit, agree, undo, retire, import, export.

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
        self._background = Background(session, self)
        self._log: tuple[LogEntry, ...] = ()
        self.marks = MarkTable()
        self.table, self.model = self.marks.view, self.marks.model
        self.asked, self.history, self.experts = DemandTab(), HistoryTab(), ExpertsTab()
        self.demands = self.asked.model
        self.empty, self.summary = QLabel(), QLabel()
        made = {name: self._button(*about) for name, about in BUTTONS.items()}
        self.compare, self.agree, self.dispute = (
            made["compare"],
            made["agree"],
            made["dispute"],
        )
        self.retire, self.undo, self.redo = made["retire"], made["undo"], made["redo"]
        self.read, self.write = made["read"], made["write"]
        self._lay_out(list(made.values()))
        self._connect_widgets()
        self._following = False
        self._events = [getattr(session.events, n) for n in EVENTS]
        for event in self._events:
            event.connect(self._refresh)
        session.events.selection.connect(self._follow)
        self._refresh()

    # ---- making

    @staticmethod
    def _button(text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        return button

    def _lay_out(self, made: list[QPushButton]) -> None:
        buttons = QFlowLayout()  # a second row where the dock is too narrow for one
        buttons.setHorizontalSpacing(4)
        buttons.setVerticalSpacing(2)
        # What is done with the whole table stands below it: the row above holds what is done
        # with a mark, and fits a small window.
        for button in made:
            if button not in (self.read, self.write):
                buttons.addWidget(button)
        for label in (self.empty, self.summary):
            label.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setMargin(16)
        marked = QWidget()
        inner = QVBoxLayout(marked)
        inner.setContentsMargins(0, 2, 0, 0)
        inner.addWidget(self.marks, 1)
        inner.addWidget(self.empty, 1)
        self.tabs = QTabWidget()
        for tab, title, tip in (
            (marked, "Marks", "Every mark, one row each. Double-click a slide to open it."),
            (self.asked, "Subtype pairs", "What all marks together ask of the model."),
            (self.history, "History", "Who changed the selected mark, and how (H)."),
            (self.experts, "Experts", "How far experts agree, and what they have to settle."),
        ):
            self.tabs.setTabToolTip(self.tabs.addTab(tab, title), tip)
        layout = roomy(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(buttons)
        layout.addWidget(self.tabs, 1)
        below = QHBoxLayout()
        below.addWidget(self.summary, 1)
        below.addStretch()
        for button in (self.read, self.write):
            below.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        layout.addLayout(below)

    def _connect_widgets(self) -> None:
        self.marks.edit_requested.connect(self._edit)
        self.marks.chosen.connect(self._select)
        self.marks.opened.connect(self._open)
        self.asked.rule_chosen.connect(self._choose_rule)
        self.tabs.currentChanged.connect(self._read_log)
        for button, act in (
            (self.compare, self._compare),
            (self.agree, partial(self._act, marks.agree)),
            (self.dispute, partial(self._act, marks.dispute)),
            (self.retire, self._retire_or_restore),
            (self.undo, self._undo),
            (self.redo, self._redo),
            (self.read, self._import),
            (self.write, self._export),
        ):
            button.clicked.connect(lambda *_, act=act: act())
        for standard, act in (
            (QKeySequence.StandardKey.Undo, self._undo),
            (QKeySequence.StandardKey.Redo, self._redo),
        ):
            shortcut = QShortcut(QKeySequence(standard), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        keys = {
            Qt.Key.Key_A: self.agree.click,
            Qt.Key.Key_D: self.dispute.click,
            Qt.Key.Key_C: self.compare.click,
            Qt.Key.Key_H: self._show_history_tab,
            Qt.Key.Key_Delete: self.retire.click,
        }
        self._keys = TableKeys(self.table, keys)

    def closeEvent(self, event: QCloseEvent) -> None:
        for signal in self._events:
            signal.disconnect(self._refresh)
        self._events = []
        self.session.events.selection.disconnect(self._follow)
        self._background.forget()
        super().closeEvent(event)

    # ---- from the session to the widgets

    def _refresh(self) -> None:
        view = resolve_table(self.session)
        self.marks.set_rows(view.rows)
        project = self.session.project
        can_choose = project is not None and not project.read_only
        rule = train_config(self.session).marks_rule
        self.asked.show_demands(view.demands, rule, can_choose)
        self.marks.setVisible(not view.empty)
        self.empty.setVisible(bool(view.empty))
        self.empty.setText(view.empty)
        self.summary.setText(view.summary)
        self.summary.setVisible(bool(view.summary))
        self.write.setEnabled(bool(view.rows))
        self.read.setEnabled(project is not None)
        if self.current() is None:
            self._follow()  # a pair that was just marked is the selected row too
        self._show_undo()
        self._show_buttons()
        self._read_log()

    def _show_undo(self) -> None:
        history = self.session.history
        for button, word, text in (
            (self.undo, "Undo", history.undo_text),
            (self.redo, "Redo", history.redo_text),
        ):
            button.setEnabled(bool(text))
            button.setToolTip(f"{word}: {text}" if text else f"There is nothing to {word.lower()}.")

    def _show_buttons(self) -> None:
        mark = self.current()
        retired = mark is not None and mark.status == "retired"
        of_slides = mark is not None and mark.level == "slide"
        self.compare.setEnabled(of_slides)
        self.compare.setToolTip(
            "Show the two slides of the mark side by side, with the tiles that look alike (C)."
            if of_slides
            else "Select a mark of two slides to see them side by side."
        )
        for button, status in ((self.agree, "agreed"), (self.dispute, "disputed")):
            button.setEnabled(mark is not None and not retired and mark.status != status)
        self.retire.setEnabled(mark is not None)
        self.retire.setText("Restore" if retired else "Retire")
        self.retire.setAccessibleName("Restore the mark" if retired else "Retire the mark")
        self.retire.setToolTip(
            "Use the selected mark again (Del)."
            if retired
            else "Stop using the selected mark; it stays in the table and can be restored (Del)."
        )

    def _read_log(self, *_: object) -> None:
        """The log is read only where somebody looks at it, and not in the window's thread."""
        project = self.session.project
        if self.tabs.currentWidget() not in (self.history, self.experts):
            return
        self._background.forget()
        if project is None:
            self._show_log(())
        else:
            # A server that does not answer is not asked for this too.
            gone = bool(self.session.waiting.why)
            table = table_for(project) if gone else HardNegativeTable(project.table_place)
            self._background.run(table.log, self._show_log)

    def _show_log(self, log: tuple[LogEntry, ...]) -> None:
        self._log = log
        session, mark = self.session, self.current()
        if mark is None:
            self.history.show_history("Select a mark to see who changed it, and how.", ())
        else:
            title = f"Mark {mark.id}: {' and '.join(mark.sides)}"
            if session.waiting.why:
                title += " (only what was done on this computer: the server does not answer)"
            self.history.show_history(title, history_rows(log, mark.id))
        labels = {slide.slide_id: slide.label for slide in session.cohort}
        self.experts.show_agreement(
            resolve_agreement(session.marks, session.evidence, log, model_classes(session), labels)
        )

    def current(self) -> PairMark | None:
        """The selected mark."""
        return self.marks.current()

    def _follow(self, *_: object) -> None:
        """Two slides that are selected elsewhere select their mark's row; others none."""
        chosen, mark = self.session.selection, self.current()
        if mark is not None and (mark.level != "slide" or set(mark.sides) == set(chosen)):
            return
        found = None
        if len(chosen) == 2:
            found = find_mark(self.session.marks, *chosen, self.session.expert)
        self._following = True  # the row does not answer by selecting its slides
        try:
            if found is not None:
                self.marks.select(found.id)
            elif mark is not None:
                self.table.clearSelection()
        finally:
            self._following = False

    # ---- what the user does

    def _select(self) -> None:
        """A selected row selects its two slides, here and on the map."""
        self._show_buttons()
        self._read_log()
        mark = self.current()
        if mark is not None and mark.level == "slide" and not self._following:
            there = tuple(s for s in mark.sides if s in self.session.cohort)
            with reported(self.session):
                selection.select(self.session, there)

    def _open(self, mark: PairMark, column: str) -> None:
        """Slide A, or B if its cell was meant or A is open already."""
        if mark.level != "slide":
            return
        at_b = column.endswith("_b") or (
            not column.endswith("_a") and self.session.slide_id == mark.slide_a
        )
        with reported(self.session):
            selection.open_slide(self.session, mark.slide_b if at_b else mark.slide_a)

    def _show_history_tab(self) -> None:
        self.tabs.setCurrentWidget(self.history)

    def _compare(self) -> None:
        mark = self.current()
        if mark is not None:
            with reported(self.session):
                twin.open_twin(self.session, *mark.sides)

    def _edit(self, mark: PairMark, name: str, value: Any) -> None:
        with reported(self.session):
            marks.change(self.session, mark.id, **{name: value})

    def _act(self, act: Any) -> None:
        mark = self.current()
        if mark is not None:
            with reported(self.session):
                act(self.session, mark.id)

    def _retire_or_restore(self) -> None:
        mark = self.current()
        retired = mark is not None and mark.status == "retired"
        self._act(marks.restore if retired else marks.retire)

    def _choose_rule(self, rule: Any) -> None:
        with reported(self.session):
            marks.choose_rule(self.session, rule)
        self._refresh()

    def _undo(self) -> None:
        with reported(self.session):
            self.session.history.undo()

    def _redo(self) -> None:
        with reported(self.session):
            self.session.history.redo()

    def _import(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import look-alikes", "", _any(FILES))
        if name:
            with reported(self.session):
                marks.import_marks(self.session, Path(name))

    def _export(self) -> None:
        name, chosen = QFileDialog.getSaveFileName(
            self, "Export look-alikes", "lookalikes.csv", FILES
        )
        if name:
            path = Path(name)
            if path.suffix.lower() not in SUFFIXES:
                path = path.with_suffix(".jsonl" if "jsonl" in chosen else ".csv")
            with reported(self.session):
                marks.export_marks(self.session, path)


def _any(filters: str) -> str:
    """The same filters, all of them at once first."""
    return f"Tables of look-alikes (*.csv *.jsonl *.ndjson);;{filters}"
