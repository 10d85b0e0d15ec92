"""New, open, fill in: the cohort as a table, with undo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QWidget,
)
from superqt import QFlowLayout

from napari_lookalike.session.cohort_commands import (
    EditRecord,
    ExcludeSlide,
    RemoveSlides,
)
from napari_lookalike.session.needs import count
from napari_lookalike.session.project_view import changed_fields, resolve_project_rows
from napari_lookalike.session.selection import open_slide
from napari_lookalike.session.session import Session
from napari_lookalike.ui.exchange.menu import ExchangeButton
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.project.sources import ProjectSources
from napari_lookalike.ui.soon import Soon
from napari_lookalike.ui.widgets.cohort_table import CohortTable
from napari_lookalike.ui.widgets.roomy import roomy

EMPTY = (
    "No project is open. <b>New</b> makes one from a folder of slides or from a manifest; "
    "<b>Open</b> opens one that was made before."
)
SET = {"label": "subtype", "patient": "patient", "site": "centre", "mpp": "mpp", "stain": "stain"}
"""Columns that can be set for several slides at once -> what they are called."""

ROWS = ("cohort", "embedded", "failures", "missing", "show_patient_ids")
"""Events after which rows are shown anew."""

AFTER_MS = 300
"""How much later than Cases a large table is shown: by then the tab that is needed next is in
front, and if that is another one, the table waits until it is looked at."""


class ProjectPanel(QWidget):
    """The project's slides as a table to fill in.

    Parameters
    ----------
    session, runner
        Of the viewer.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self.session, self.runner = session, runner
        self.sources = ProjectSources(session, runner, self)
        self._soon = Soon(self, self._show_rows, lambda: len(session.cohort), AFTER_MS)
        self._build()
        events = session.events
        listen(self, [events.project], self._on_project)
        rows = [getattr(events, name) for name in ROWS]
        listen(self, rows, self._rows_changed)
        listen(self, [events.history_changed], self._show_history)
        listen(self, [events.jobs], self._show_job)
        self._on_project()

    # -- making -------------------------------------------------------------------

    def _build(self) -> None:
        self.new = self._menu("New", "Make a project")
        self._entry(self.new, "From a folder of slides…", self.sources.new_from_folder)
        self._entry(self.new, "From a manifest (CSV)…", self.sources.new_from_manifest)
        self.open = self._button("Open…", "Open a project folder", self.sources.open)
        self.add = self._menu("Add", "Add slides to this project")
        self._entry(self.add, "A folder of slides…", self.sources.add_folder)
        self._entry(self.add, "A manifest (CSV)…", self.sources.add_manifest)
        self.relink = self._button(
            "Relink…", "Find slides that were moved, by their content", self.sources.relink
        )
        self.exchange = ExchangeButton(self.session, self.runner)
        self.undo = self._button("Undo", "", partial(self._history, "undo"))
        self.redo = self._button("Redo", "", partial(self._history, "redo"))
        self.patients = QCheckBox("Patient ids")
        self.patients.setAccessibleName("Show patient ids")
        self.patients.setToolTip(
            "Show patient ids: they can identify a child, so patients are numbered otherwise"
        )
        self.patients.toggled.connect(self._show_patients)
        self.use = self._menu("Selected slides", "What to do with the selected rows")
        for column, name in SET.items():
            self._entry(self.use, f"Set {name}…", partial(self._set, column))
        self.use.menu().addSeparator()
        self._entry(self.use, "Exclude from embedding and training", partial(self._exclude, True))
        self._entry(self.use, "Include again", partial(self._exclude, False))
        self._entry(self.use, "Cut tiles in level-0 pixels (no mpp)", self._level0)
        self._entry(self.use, "Remove from the project", self._remove)
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cancel = self._button("Cancel", "Stop reading slides", self.sources.stop)
        self.table = CohortTable()
        self.table.edit_requested.connect(self._edit)
        self.table.open_requested.connect(self._open_slide)
        self.sources.said.connect(self._say)
        self.sources.changed.connect(self._show_job)
        self._lay_out()

    def _lay_out(self) -> None:
        layout = roomy(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        project, edits, reading = QFlowLayout(), QFlowLayout(), QHBoxLayout()
        for flow in (project, edits):  # a second line where the dock is too narrow for one
            flow.setHorizontalSpacing(4)
            flow.setVerticalSpacing(2)
        for button in (self.new, self.open, self.add, self.relink, self.exchange):
            project.addWidget(button)
        edit_row: tuple[QWidget, ...] = (self.undo, self.redo, self.patients, self.use)
        for widget in edit_row:
            edits.addWidget(widget)
        reading.addWidget(self.hint, 1)
        reading.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignTop)
        for line in (project, edits, reading):
            layout.addLayout(line)
        layout.addWidget(self.table, 1)

    def _button(self, text: str, tip: str, slot: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda *_: slot())
        return button

    def _menu(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(f"{text} ▾")
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setStyleSheet("QPushButton::menu-indicator { image: none; width: 0; }")
        button.setMenu(QMenu(button))
        return button

    def _entry(self, button: QPushButton, text: str, slot: Callable[[], None]) -> None:
        button.menu().addAction(text).triggered.connect(lambda *_: slot())

    # -- showing ------------------------------------------------------------------

    def _on_project(self, *_: object) -> None:
        self._say("")
        self._rows_changed()
        self._show_history()

    def _rows_changed(self, *_: object) -> None:
        self._soon()

    def _show_rows(self) -> None:
        session = self.session
        self.patients.setChecked(session.show_patient_ids)
        rows = resolve_project_rows(
            session.cohort,
            session.embedded,
            session.failures,
            session.show_patient_ids,
            session.missing,
        )
        self.table.set_rows(rows)

    def _show_history(self, *_: object) -> None:
        history = self.session.history
        for button, can, text, verb in (
            (self.undo, history.can_undo, history.undo_text, "Undo"),
            (self.redo, history.can_redo, history.redo_text, "Redo"),
        ):
            button.setEnabled(can)
            button.setToolTip(f"{verb}: {text}" if can else f"Nothing to {verb.lower()}")

    def _show_job(self, *_: object) -> None:
        there, idle = self.session.project is not None, not self.sources.busy
        for starts in (self.new, self.open):
            starts.setEnabled(idle)
        needing: tuple[QWidget, ...] = (
            self.add,
            self.relink,
            self.exchange,
            self.use,
            self.table,
        )
        for widget in needing:
            widget.setEnabled(there and idle)
        self.patients.setEnabled(there)
        self.cancel.setVisible(self.sources.job is not None)
        running = next((s for s in self.session.jobs if s.key == self.sources.job), None)
        if running is not None:
            part = f" ({running.done} of {running.total})" if running.total else ""
            self.hint.setText(f"{running.what}{part}")
        self.hint.setVisible(bool(self.hint.text()))

    def _show_patients(self, wanted: bool) -> None:
        self.session.show_patient_ids = wanted

    def _say(self, text: str) -> None:
        self.hint.setText(text if text or self.session.project is not None else EMPTY)
        self._show_job()

    # -- editing ------------------------------------------------------------------

    def _edit(self, slides: tuple[str, ...], column: str, text: str) -> None:
        """Set a column of these slides; what was found wrong with them may be mended now."""
        if column == "patient" and not self.session.show_patient_ids:
            self.session.say("Tick “Patient ids” before you change them.", "warning")
            return
        with reported(self.session):
            self.session.history.do(EditRecord(slides, **changed_fields(column, text)))
            self._mended(slides)

    def _mended(self, slides: tuple[str, ...]) -> None:
        failures = self.session.failures
        self.session.failures = {s: why for s, why in failures.items() if s not in slides}

    def _set(self, column: str) -> None:
        """Ask for a value and give it to the selected slides."""
        chosen = self._chosen()
        if not chosen:
            return
        there = {getattr(row, column) for row in self.table.model.rows} - {""}
        known = sorted(there) if column in ("label", "site", "stain") else []
        text, go_on = QInputDialog.getItem(
            self,
            f"Set {SET[column]}",
            f"{SET[column].capitalize()} of {count(len(chosen), 'slide')}:",
            ["", *known],
            0,
            True,
        )
        if go_on:
            self._edit(chosen, column, text)

    def _chosen(self) -> tuple[str, ...]:
        chosen = self.table.selected()
        if not chosen:
            self.session.say("Select one or more rows of the table first.")
        return chosen

    def _exclude(self, excluded: bool) -> None:
        if chosen := self._chosen():
            with reported(self.session):
                self.session.history.do(ExcludeSlide(chosen, excluded))

    def _level0(self) -> None:
        if chosen := self._chosen():
            with reported(self.session):
                self.session.history.do(EditRecord(chosen, level0_tiles=True))
                self._mended(chosen)

    def _remove(self) -> None:
        if chosen := self._chosen():
            with reported(self.session):
                self.session.history.do(RemoveSlides(chosen))

    def _history(self, verb: str) -> None:
        with reported(self.session):
            getattr(self.session.history, verb)()

    def _open_slide(self, slide_id: str) -> None:
        with reported(self.session):
            open_slide(self.session, slide_id)

    def make(self, source: Path, root: Path | None = None) -> None:
        """Make a project from a folder of slides or a manifest; see `ProjectSources.make`."""
        self.sources.make(source, root)
