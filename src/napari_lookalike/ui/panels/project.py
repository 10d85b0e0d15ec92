"""New, open, fill in: the cohort as a table, with undo."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.errors import ScaleError
from napari_lookalike.core.manifest import ManifestResult, read_manifest, scan_folder
from napari_lookalike.core.relink import relinked
from napari_lookalike.session.cohort_commands import (
    EditRecord,
    ExcludeSlide,
    RemoveSlides,
    add_new_slides,
)
from napari_lookalike.session.opening import new_project, open_project
from napari_lookalike.session.project_view import FIELD_OF, ProjectRow, resolve_project_rows
from napari_lookalike.session.selection import open_slide
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.widgets.table import DeclaredTableModel

EMPTY = (
    "No project is open. <b>New</b> makes one from a folder of slides or from a manifest; "
    "<b>Open</b> opens one that was made before."
)
EVENTS = ("project", "cohort", "embedded", "failures", "history_changed", "jobs")


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
        self._build()
        for name in EVENTS:
            getattr(session.events, name).connect(self._refresh)
        self._refresh()

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
        self.undo = self._button("Undo", "", lambda: self._history("undo"))
        self.undo.setShortcut(QKeySequence())
        self.redo = self._button("Redo", "", lambda: self._history("redo"))
        self.patients = QCheckBox("Show patient ids")
        self.patients.setToolTip("A patient id can identify a child; they are numbered otherwise")
        self.patients.toggled.connect(self._refresh)
        self.use = self._menu("Selected slides", "What to do with the selected rows")
        self._entry(self.use, "Exclude from embedding and training", partial(self._exclude, True))
        self._entry(self.use, "Include again", partial(self._exclude, False))
        self._entry(self.use, "Cut tiles in level-0 pixels (no mpp)", self._level0)
        self._entry(self.use, "Remove from the project", self._remove)
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cancel = self._button("Cancel", "Stop reading slides", self._stop)
        self._build_table()
        self._lay_out()

    def _build_table(self) -> None:
        self.model = DeclaredTableModel(ProjectRow, is_faint=lambda row: row.state == "excluded")
        self.model.edit_requested.connect(self._edit)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName("Slides of the project")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.table.doubleClicked.connect(self._double_clicked)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        for widgets in ((self.new, self.open, self.add, self.relink), (self.undo, self.redo)):
            row = QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget)
            row.addStretch()
            if widgets[0] is self.undo:
                row.addWidget(self.use)
            layout.addLayout(row)
        layout.addWidget(self.patients)
        layout.addWidget(self.hint)
        layout.addWidget(self.cancel)
        layout.addWidget(self.table, 1)

    def _button(self, text: str, tip: str, slot: object) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda *_: slot())  # type: ignore[operator]
        return button

    def _menu(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(f"{text} ▾")
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setStyleSheet("QPushButton::menu-indicator { image: none; width: 0; }")
        button.setMenu(QMenu(button))
        return button

    def _entry(self, button: QPushButton, text: str, slot: object) -> None:
        button.menu().addAction(text).triggered.connect(lambda *_: slot())  # type: ignore[operator]

    # -- showing ------------------------------------------------------------------

    def _refresh(self, *_: object) -> None:
        session = self.session
        there = session.project is not None
        for widget in (self.add, self.relink, self.use, self.patients, self.table):
            widget.setEnabled(there and self._job is None)
        rows = resolve_project_rows(
            session.cohort, session.embedded, session.failures, self.patients.isChecked()
        )
        fresh = len(rows) != len(self.model.rows)
        self.model.set_rows(rows)
        if fresh:
            self.table.resizeColumnsToContents()
        self.cancel.setVisible(self._job is not None)
        running = next((s for s in session.jobs if s.key == self._job), None)
        if running is not None:
            self.hint.setText(running.what)
            self.hint.show()
        elif not there:
            self.hint.setText(EMPTY)
        elif self.hint.text() == EMPTY:
            self.hint.clear()
        self.hint.setVisible(bool(self.hint.text()))
        for button, can, text, verb in (
            (self.undo, session.history.can_undo, session.history.undo_text, "Undo"),
            (self.redo, session.history.can_redo, session.history.redo_text, "Redo"),
        ):
            button.setEnabled(can)
            button.setToolTip(f"{verb}: {text}" if can else f"Nothing to {verb.lower()}")

    def selected(self) -> tuple[str, ...]:
        """slide_ids of the selected rows."""
        rows = {index.row() for index in self.table.selectionModel().selectedRows()}
        return tuple(self.model.rows[row].slide_id for row in sorted(rows))

    # -- what the user does -------------------------------------------------------

    def _edit(self, row: ProjectRow, column: str, text: object) -> None:
        """Set a field of the row, and of every other selected row with it."""
        value: object = str(text).strip()
        if column == "patient" and not self.patients.isChecked():
            self.session.say("Tick “Show patient ids” before you change them.", "warning")
            return
        chosen = self.selected()
        slides = chosen if row.slide_id in chosen else (row.slide_id,)
        with reported(self.session):
            if column == "mpp":
                value = _number(str(text))
            self.session.history.do(EditRecord(slides, **{FIELD_OF.get(column, column): value}))

    def _exclude(self, excluded: bool) -> None:
        if chosen := self.selected():
            with reported(self.session):
                self.session.history.do(ExcludeSlide(chosen, excluded))

    def _level0(self) -> None:
        if chosen := self.selected():
            with reported(self.session):
                self.session.history.do(EditRecord(chosen, level0_tiles=True))

    def _remove(self) -> None:
        if chosen := self.selected():
            with reported(self.session):
                self.session.history.do(RemoveSlides(chosen))

    def _history(self, verb: str) -> None:
        with reported(self.session):
            getattr(self.session.history, verb)()

    def _double_clicked(self, index: object) -> None:
        row = self.model.rows[index.row()]  # type: ignore[attr-defined]
        if not self.model.columns[index.column()].metadata["editable"]:  # type: ignore[attr-defined]
            with reported(self.session):
                open_slide(self.session, row.slide_id)

    def _folder(self, title: str) -> Path | None:
        name = QFileDialog.getExistingDirectory(self, title)
        return Path(name) if name else None

    def _manifest(self) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self, "Manifest", "", "Tables (*.csv *.tsv *.txt)")
        return Path(name) if name else None

    def _new_from_folder(self) -> None:
        source = self._folder("Folder of slides")
        if source is not None:
            self.make(source)

    def _new_from_manifest(self) -> None:
        source = self._manifest()
        if source is not None:
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
        if root is not None:
            self._read(source, partial(self._made, root))

    def _made(self, root: Path, found: ManifestResult) -> None:
        with reported(self.session):
            new_project(self.session, root, found.cohort)
            self._tell(found)

    def _open(self) -> None:
        root = self._folder("Project folder")
        if root is not None:
            with reported(self.session):
                open_project(self.session, root)
                self.hint.clear()

    def _add_folder(self) -> None:
        source = self._folder("Folder of slides")
        if source is not None:
            self._read(source, self._added)

    def _add_manifest(self) -> None:
        source = self._manifest()
        if source is not None:
            self._read(source, self._added)

    def _added(self, found: ManifestResult) -> None:
        with reported(self.session):
            already = add_new_slides(self.session, found.cohort)
            self._tell(found, f"{len(already)} were in the project already." if already else "")

    def _read(self, source: Path, done: object) -> None:
        """Read a cohort in the child process; its slides are opened one by one."""
        reader = scan_folder if source.is_dir() else read_manifest
        self._job = self.runner.run(
            reader,
            source,
            title="Reading slides",
            on_result=partial(self._finished, done),
            on_error=partial(self._failed),
        )
        self._refresh()

    def _finished(self, done: object, found: ManifestResult) -> None:
        self._job = None
        done(found)  # type: ignore[operator]
        self._refresh()

    def _failed(self, error: BaseException) -> None:
        from napari_lookalike.ui.notify import report

        self._job = None
        report(self.session, error)
        self._refresh()

    def _stop(self) -> None:
        if self._job is not None:
            self.runner.cancel(self._job)

    def _tell(self, found: ManifestResult, more: str = "") -> None:
        n = len(found.cohort)
        lines = [f"{n} slide{'' if n == 1 else 's'} read. {more}".strip()]
        if found.problems:
            lines.append(f"<b>{len(found.problems)} left out:</b>")
            lines += [str(problem) for problem in found.problems[:8]]
            if len(found.problems) > 8:
                lines.append(f"… and {len(found.problems) - 8} more.")
        self.hint.setText("<br>".join(lines))
        self.hint.show()

    def _relink(self) -> None:
        folder = self._folder("Folder that holds the slides now")
        if folder is None:
            return
        self._job = self.runner.run(
            relinked,
            self.session.cohort,
            folder,
            title="Looking for slides",
            on_result=self._relinked,
            on_error=self._failed,
        )
        self._refresh()

    def _relinked(self, found: tuple[object, ...]) -> None:
        self._job = None
        project = self.session.project
        if project is not None and found:
            with reported(self.session):
                project.save(cohort=project.cohort.with_records(found))
                self.session.cohort = project.cohort
        self.hint.setText(f"{len(found)} slides found again.")
        self.hint.show()
        self._refresh()


def _number(text: str) -> float | None:
    """An mpp as the user typed it (comma or point), or ``None`` for "as the file says"."""
    if not text.strip():
        return None
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise ScaleError(
            f"The mpp {text!r} is not a number.", "Give µm per pixel (0.25 for 40x), or nothing."
        ) from None
