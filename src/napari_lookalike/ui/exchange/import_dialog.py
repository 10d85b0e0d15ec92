"""Import features: choose, look at what was inferred, then say yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.interop.raw import ImportOptions
from napari_lookalike.core.interop.report import ImportReport
from napari_lookalike.session.exchange_view import (
    FactRow,
    SlideRow,
    resolve_report,
    slides_to_ask,
)
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.opening import refresh_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.exchange.import_form import ImportForm
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import report as tell
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.widgets.progress_row import ProgressRow
from napari_lookalike.ui.widgets.table import DeclaredTableModel
from napari_lookalike.ui.widgets.words import words

INTRO = (
    "Features that another program computed (TRIDENT, CLAM, STAMP, Slideflow, plain arrays), "
    "or its maps (WSInfer, QuPath). You see what was found before anything is written."
)
SIZE = (860, 620)
SLIDES = "Slides"
FILES = "Features and maps (*.h5 *.pt *.npy *.npz *.csv *.geojson)"


class ImportDialog(QDialog):
    """Brings in what another program made of the project's slides.

    Parameters
    ----------
    session, runner
        Of the viewer.
    """

    def __init__(self, session: Session, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.runner = session, runner
        self.source: Path | None = None
        self.report: ImportReport | None = None
        self._job: int | None = None
        self.setWindowTitle("Import features")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*SIZE)
        self._build()
        listen(self, [session.events.jobs], self._show_job)
        listen(self, [session.events.project], self._on_project)
        self._show_report()

    def _build(self) -> None:
        self.folder = _button("Folder…", "The folder of the other program", self._choose_folder)
        self.file = _button("File…", "One file of the other program", self._choose_file)
        self.where = words("Choose a folder or a file.")
        self.form = ImportForm()
        self.form.changed.connect(self._stale)
        self.check = _button("Look again", "Read the files; nothing is written", self.look)
        self.progress = ProgressRow()
        self.progress.cancel.setToolTip("Stop. What is imported already stays.")
        self.progress.cancel_requested.connect(self._cancel)
        self.summary, self.doubts = words(), words()
        self.doubts.setObjectName("doubts")
        self.doubts.setStyleSheet("QLabel { font-weight: bold; }")
        self.facts = _table(FactRow, "What was inferred")
        self.slides = _table(SlideRow, "Slides of this import")
        self.tabs = QTabWidget()
        self.tabs.addTab(self.facts, "What was inferred")
        self.tabs.addTab(self.slides, SLIDES)
        self.go = _button("Import", "Write the features into the project", self.bring_in)
        self.done_button = _button(
            "Close", "Close this window; what is imported stays.", self.close
        )
        top, buttons = QHBoxLayout(), QHBoxLayout()
        for widget in (self.folder, self.file):
            top.addWidget(widget)
        top.addWidget(self.where, 1)
        buttons.addWidget(self.check)
        buttons.addStretch()
        buttons.addWidget(self.go)
        buttons.addWidget(self.done_button)
        layout = QVBoxLayout(self)
        layout.addWidget(words(INTRO))
        layout.addLayout(top)
        layout.addWidget(self.form)
        layout.addWidget(self.progress)
        layout.addWidget(self.summary)
        layout.addWidget(self.doubts)
        layout.addWidget(self.tabs, 1)
        layout.addStretch(0)  # while there are no tabs, the rest stays together at the top
        layout.addLayout(buttons)

    # -- choosing -----------------------------------------------------------------

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder of the other program")
        if name:
            self.choose(Path(name))

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "File of the other program", "", FILES)
        if name:
            self.choose(Path(name))

    def choose(self, source: Path) -> None:
        """Take this file or folder, and look at it."""
        self.source = source
        self.where.setText(str(source))
        self.look()

    def look(self) -> None:
        """Read the files and show what was inferred."""
        self._start(replace(self.form.options(), check=True), "Looking at the files")

    def bring_in(self) -> None:
        """Import what the report says."""
        with reported(self.session):
            writable_project_of(self.session)
            self._start(self.form.options(), "Importing")

    def _start(self, options: ImportOptions, title: str) -> None:
        from napari_lookalike.core.interop.importing import import_source

        project = self.session.project
        if project is None or self.source is None or self._job is not None:
            return
        self._job = self.runner.run(
            import_source,
            project.root,
            self.source,
            options,
            title=title,
            on_result=partial(self._if_alive, self._reported),
            on_error=partial(self._if_alive, self._failed),
        )
        self._show_job()

    # -- answers ------------------------------------------------------------------

    def _if_alive(self, slot: Callable[[Any], None], answer: Any) -> None:
        """The job goes on when the dialog is closed; its answer then has nobody to tell."""
        try:
            self.isVisible()
        except RuntimeError:
            refresh_project(self.session)
            return
        slot(answer)

    def _reported(self, report: ImportReport) -> None:
        self._job = None
        self.report = report
        if report.written:
            refresh_project(self.session)
            # The encoder may be another one now: panels that show the settings look again.
            self.session.events.cohort.emit(self.session.cohort, self.session.cohort)
            self.session.unasked |= slides_to_ask(self.session, report)
            self.session.say(resolve_report(report).summary)
        self._show_report()
        self._show_job()

    def _failed(self, error: BaseException) -> None:
        self._job = None
        self.report = None
        self._show_report()
        self.summary.setText(str(error))
        self._show_job()
        tell(self.session, error)

    def _stale(self) -> None:
        """The user changed an answer: what was read no longer says what would be written."""
        self.report = None
        self._show_report()
        if self.source is not None:
            self.summary.setText("Press “Look again” to see what this makes of the files.")

    def _on_project(self, *_: object) -> None:
        self._stale()

    def _cancel(self) -> None:
        if self._job is not None:
            self.runner.cancel(self._job)

    # -- showing ------------------------------------------------------------------

    def _show_report(self) -> None:
        self.tabs.setVisible(self.report is not None)
        view = resolve_report(self.report) if self.report is not None else None
        self.summary.setText(view.summary if view else "")
        self.doubts.setText(view.doubts if view else "")
        self.doubts.setVisible(bool(view and view.doubts))
        _rows(self.facts, view.facts if view else ())
        _rows(self.slides, view.slides if view else ())
        self.tabs.setTabText(1, f"{SLIDES} ({len(view.slides)})" if view else SLIDES)
        self.go.setText((view.button if view else "") or "Import")
        self._enable()

    def _show_job(self, *_: object) -> None:
        running = next((s for s in self.session.jobs if s.key == self._job), None)
        self.progress.show_status(running if self._job is not None else None)
        self._enable()

    def _enable(self) -> None:
        idle = self._job is None and self.session.project is not None
        ready = self.report is not None and bool(resolve_report(self.report).button)
        for widget in (self.folder, self.file, self.form):
            widget.setEnabled(idle)
        self.check.setEnabled(idle and self.source is not None)
        self.go.setEnabled(idle and ready)


def _button(text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    button.clicked.connect(lambda *_: slot())
    return button


def _table(kind: type[Any], name: str) -> QTableView:
    table = QTableView()
    faint = (lambda row: row.state == "left out") if kind is SlideRow else (lambda _row: False)
    table.setModel(DeclaredTableModel(kind, is_faint=faint, parent=table))
    table.setAccessibleName(name)
    table.setToolTip(name)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setStretchLastSection(True)
    table.setWordWrap(True)
    return table


def _rows(table: QTableView, rows: tuple[Any, ...]) -> None:
    model = table.model()
    assert isinstance(model, DeclaredTableModel)
    model.set_rows(rows)
    for column in range(model.columnCount() - 1):
        table.resizeColumnToContents(column)
        table.setColumnWidth(column, min(table.columnWidth(column) + 6, 220))
