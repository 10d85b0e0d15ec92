"""New, open, fill in: the cohort as a table, with undo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.manifest import ManifestResult, read_manifest, scan_folder
from napari_lookalike.core.project_file import FILE_NAME
from napari_lookalike.core.relink import relinked
from napari_lookalike.session.cohort_commands import (
    EditRecord,
    ExcludeSlide,
    RelinkSlides,
    RemoveSlides,
    add_new_slides,
)
from napari_lookalike.session.needs import count
from napari_lookalike.session.opening import new_project, open_project
from napari_lookalike.session.project_view import changed_fields, resolve_project_rows
from napari_lookalike.session.selection import open_slide
from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.exchange.menu import ExchangeButton
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import report, reported
from napari_lookalike.ui.widgets.cohort_table import CohortTable

EMPTY = (
    "No project is open. <b>New</b> makes one from a folder of slides or from a manifest; "
    "<b>Open</b> opens one that was made before."
)
NEXT = "Next: give each slide its subtype in the table, then go to <b>Embed</b>."
SET = {"label": "subtype", "patient": "patient", "site": "centre", "mpp": "mpp", "stain": "stain"}
"""Columns that can be set for several slides at once -> what they are called."""

TOLD = 8
"""Problems of a manifest or folder that are written out."""


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
        self._job: int | None = None
        self._missing: frozenset[str] = frozenset()
        self._background = Background(session, self)
        self._build()
        events = session.events
        listen(self, [events.project], self._on_project)
        listen(self, [events.cohort], self._on_cohort)
        listen(self, [events.embedded, events.failures, events.show_patient_ids], self._show_rows)
        listen(self, [events.history_changed], self._show_history)
        listen(self, [events.jobs], self._show_job)
        self._on_project()

    # -- making -------------------------------------------------------------------

    def _build(self) -> None:
        self.new = self._menu("New", "Make a project")
        self._entry(self.new, "From a folder of slides…", self._new_from_folder)
        self._entry(self.new, "From a manifest (CSV)…", self._new_from_manifest)
        self.open = self._button("Open…", "Open a project folder", self._open)
        self.add = self._menu("Add", "Add slides to this project")
        self._entry(self.add, "A folder of slides…", self._add_folder)
        self._entry(self.add, "A manifest (CSV)…", self._add_manifest)
        self.relink = self._button(
            "Relink…", "Find slides that were moved, by their content", self._relink
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
        self.cancel = self._button("Cancel", "Stop reading slides", self._stop)
        self.table = CohortTable()
        self.table.edit_requested.connect(self._edit)
        self.table.open_requested.connect(self._open_slide)
        self._lay_out()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        project, edits, reading = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for button in (self.new, self.open, self.add, self.relink, self.exchange):
            project.addWidget(button)
        project.addStretch()
        edit_row: tuple[QWidget, ...] = (self.undo, self.redo, self.patients)
        for widget in edit_row:
            edits.addWidget(widget)
        edits.addStretch()
        edits.addWidget(self.use)
        reading.addWidget(self.hint, 1)
        reading.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignTop)
        for row in (project, edits, reading):
            layout.addLayout(row)
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
        self.hint.setText("" if self.session.project is not None else EMPTY)
        self._on_cohort()
        self._show_history()
        self._show_job()

    def _on_cohort(self, *_: object) -> None:
        """Show the slides; whether their files are there is looked up in the background."""
        self._background.forget()
        self._show_rows()
        if self.session.project is not None:
            self._background.run(self.session.project.missing, self._found_missing)

    def _found_missing(self, missing: tuple[str, ...]) -> None:
        self._missing = frozenset(missing)
        self._show_rows()

    def _show_rows(self, *_: object) -> None:
        session = self.session
        self.patients.setChecked(session.show_patient_ids)
        rows = resolve_project_rows(
            session.cohort,
            session.embedded,
            session.failures,
            session.show_patient_ids,
            self._missing,
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
        there, idle = self.session.project is not None, self._job is None
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
        self.cancel.setVisible(not idle)
        running = next((s for s in self.session.jobs if s.key == self._job), None)
        if running is not None:
            part = f" ({running.done} of {running.total})" if running.total else ""
            self.hint.setText(f"{running.what}{part}")
        self.hint.setVisible(bool(self.hint.text()))

    def _show_patients(self, wanted: bool) -> None:
        self.session.show_patient_ids = wanted

    def _say(self, text: str) -> None:
        self.hint.setText(text)
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

    # -- new, open, add -----------------------------------------------------------

    def _folder(self, title: str) -> Path | None:
        name = QFileDialog.getExistingDirectory(self, title)
        return Path(name) if name else None

    def _manifest(self) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self, "Manifest", "", "Tables (*.csv *.tsv *.txt)")
        return Path(name) if name else None

    def _new_from_folder(self) -> None:
        if (source := self._folder("Folder of slides")) is not None:
            self.make(source)

    def _new_from_manifest(self) -> None:
        if (source := self._manifest()) is not None:
            self.make(source)

    def make(self, source: Path, root: Path | None = None) -> None:
        """Make a project from a folder of slides or a manifest.

        Parameters
        ----------
        source
            The folder or the manifest.
        root
            Where the project goes; asked for if not given.
        """
        root = root or self._folder("Folder for the new project (empty, or a new one)")
        if root is None:
            return
        with reported(self.session):  # before every slide is read in vain
            if (root / FILE_NAME).exists():
                raise ProjectError("There is a project in this folder already.", "Open it instead.")
            self._read(source, partial(self._made, root))

    def _made(self, root: Path, found: ManifestResult) -> None:
        new_project(self.session, root, found.cohort)
        self._tell(found, NEXT)

    def _open(self) -> None:
        if (root := self._folder("Project folder")) is not None:
            with reported(self.session):
                open_project(self.session, root)

    def _add_folder(self) -> None:
        if (source := self._folder("Folder of slides")) is not None:
            self._read(source, self._added)

    def _add_manifest(self) -> None:
        if (source := self._manifest()) is not None:
            self._read(source, self._added)

    def _added(self, found: ManifestResult) -> None:
        n = len(add_new_slides(self.session, found.cohort))
        self._tell(found, f"{count(n, 'slide')} of them were here already." if n else "")

    def _read(self, source: Path, done: Callable[[ManifestResult], None]) -> None:
        """Read a cohort in the child process; its slides are opened one by one."""
        reader = scan_folder if source.is_dir() else read_manifest
        self._start(reader, source, title="Reading slides", done=done)

    def _start(
        self, function: Callable[..., Any], *args: Any, title: str, done: Callable[[Any], None]
    ) -> None:
        self._job = self.runner.run(
            function,
            *args,
            title=title,
            on_result=partial(self._finished, done),
            on_error=self._failed,
        )
        self._show_job()

    def _finished(self, done: Callable[[Any], None], found: Any) -> None:
        self._job = None
        self._say("")
        with reported(self.session):
            done(found)

    def _failed(self, error: BaseException) -> None:
        self._job = None
        self._say("" if self.session.project is not None else EMPTY)
        report(self.session, error)

    def _stop(self) -> None:
        if self._job is not None:
            self.runner.cancel(self._job)

    def _tell(self, found: ManifestResult, more: str) -> None:
        lines = [f"{count(len(found.cohort), 'slide')} read. {more}".strip()]
        if found.problems:
            lines.append(f"<b>{len(found.problems)} left out:</b>")
            lines += [str(problem) for problem in found.problems[:TOLD]]
            if len(found.problems) > TOLD:
                lines.append(f"… and {len(found.problems) - TOLD} more.")
        self._say("<br>".join(lines))

    # -- slides that were moved ---------------------------------------------------

    def _relink(self) -> None:
        if (folder := self._folder("Folder that holds the slides now")) is not None:
            self._start(
                relinked,
                self.session.cohort,
                folder,
                title="Looking for slides",
                done=self._relinked,
            )

    def _relinked(self, found: tuple[SlideRecord, ...]) -> None:
        lost = len(self._missing)
        if found:
            self.session.history.do(RelinkSlides({r.slide_id: r.path for r in found}))
        self._say(f"{count(len(found), 'slide')} found again, of {lost} that were missing.")
        if self.session.slide_id is None and found:
            open_slide(self.session, found[0].slide_id)
