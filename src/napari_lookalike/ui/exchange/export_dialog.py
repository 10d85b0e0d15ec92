"""Export: what, of which slides, where to; and what in it could point to a patient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.interop.formats import EXPORTERS
from napari_lookalike.core.interop.outgoing import Exported, ExportOptions
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import report as tell
from napari_lookalike.ui.widgets.progress_row import ProgressRow
from napari_lookalike.ui.widgets.words import words

RESEARCH = "Research use only: not for diagnosis."
WITH_PATIENTS = ("csv", "h5ad")
WITH_ATTENTION = ("tiff",)
TOLD = 6


class ExportDialog(QDialog):
    """Writes what other programs read.

    Parameters
    ----------
    session, runner
        Of the viewer.
    """

    def __init__(self, session: Session, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.runner = session, runner
        self.out: Path | None = None
        self._job: int | None = None
        self.setWindowTitle("Export")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 420)
        self._build()
        listen(self, [session.events.jobs], self._show_job)
        listen(self, [session.events.project, session.events.slide_id], self._show)
        self._show()

    def _build(self) -> None:
        self.kind, self.slides, self.values = QComboBox(), QComboBox(), QComboBox()
        for entry in EXPORTERS:
            self.kind.addItem(entry.item.title, entry.name)
        self.slides.addItem("All slides that are not excluded", "all")
        self.slides.addItem("The slide on the screen", "one")
        self.values.addItem("Weights (softmax; a slide's tiles share 1)", "weights")
        self.values.addItem("Raw logits (before softmax)", "logits")
        for box, name, tip in (
            (self.kind, "What", "What is written, and for which program."),
            (self.slides, "Slides", "Which slides are written."),
            (self.values, "Attention as", "In which numbers attention is written."),
        ):
            box.setAccessibleName(name)
            box.setToolTip(tip)
        self.about, self.identity, self.answer = words(), words(), words()
        self.patients = QCheckBox("Write patient ids in clear")
        self.patients.setToolTip("They can identify a child. Otherwise patients are numbered.")
        self.replace = QCheckBox("Write over what is in the folder")
        self.replace.setToolTip("Otherwise nothing is written where files of that name are.")
        self.folder = QPushButton("Folder…")
        self.folder.setAutoDefault(False)
        self.folder.setToolTip("Choose where to write: an empty folder, or a new one.")
        self.folder.clicked.connect(lambda *_: self._choose())
        self.where = words("Choose an empty folder.")
        self.progress = ProgressRow()
        self.progress.cancel.setToolTip("Stop. Files that are written stay.")
        self.progress.cancel_requested.connect(self._cancel)
        self.go, self.done_button = QPushButton("Export"), QPushButton("Close")
        self.go.setToolTip("Write the files into the folder.")
        self.done_button.setToolTip("Close this window; what is written stays.")
        self.go.clicked.connect(lambda *_: self.write())
        self.done_button.clicked.connect(lambda *_: self.close())
        for box in (self.kind, self.slides):
            box.currentIndexChanged.connect(lambda *_: self._show())
        self.patients.toggled.connect(lambda *_: self._show())
        self._lay_out()

    def _lay_out(self) -> None:
        form, place, buttons = QFormLayout(), QHBoxLayout(), QHBoxLayout()
        place.addWidget(self.folder)
        place.addWidget(self.where, 1)
        form.addRow("What", self.kind)
        form.addRow("", self.about)
        form.addRow("Slides", self.slides)
        form.addRow("Attention as", self.values)
        form.addRow("Where to", place)
        form.addRow("", self.replace)
        form.addRow("Identity", self.identity)
        form.addRow("", self.patients)
        buttons.addWidget(words(RESEARCH), 1)
        buttons.addWidget(self.go)
        buttons.addWidget(self.done_button)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.progress)
        layout.addWidget(self.answer)
        layout.addStretch()
        layout.addLayout(buttons)

    def _choose(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder for the export (empty, or new)")
        if name:
            self.choose(Path(name))

    def choose(self, out: Path) -> None:
        """Take this folder."""
        self.out = out
        self.where.setText(str(out))
        self._show()

    def options(self) -> ExportOptions:
        """What was chosen."""
        one = self.slides.currentData() == "one" and self.session.slide_id is not None
        kind = self.kind.currentData()
        return ExportOptions(
            slide_ids=(str(self.session.slide_id),) if one else None,
            patient_ids=self.patients.isChecked() and kind in WITH_PATIENTS,
            values=self.values.currentData() if kind in WITH_ATTENTION else "weights",
            replace=self.replace.isChecked(),
        )

    def write(self) -> None:
        """Export as chosen."""
        from napari_lookalike.core.interop.exporting import export

        project = self.session.project
        if project is None or self.out is None or self._job is not None:
            return
        self.answer.setText("")
        self._job = self.runner.run(
            export,
            project.root,
            self.kind.currentData(),
            self.out,
            self.options(),
            title="Exporting",
            on_result=partial(self._if_alive, self._written),
            on_error=partial(self._if_alive, self._failed),
        )
        self._show_job()

    def _if_alive(self, slot: Callable[[Any], None], answer: Any) -> None:
        try:
            self.isVisible()
        except RuntimeError:  # closed meanwhile
            return
        slot(answer)

    def _written(self, done: Exported) -> None:
        self._job = None
        lines = [f"{count(len(done.done), 'slide')} exported to {count(done.files, 'file')}."]
        lines += [f"{s}: {why}" for s, why in list(done.problems.items())[:TOLD]]
        if len(done.problems) > TOLD:
            lines.append(f"… and {len(done.problems) - TOLD} more slides were left out.")
        if done.partial:
            lines.append(f"Embedded in part only: {', '.join(list(done.partial)[:TOLD])}.")
        self.answer.setText("\n".join(lines))
        self._show_job()

    def _failed(self, error: BaseException) -> None:
        self._job = None
        self.answer.setText(str(error))
        self._show_job()
        tell(self.session, error)

    def _cancel(self) -> None:
        if self._job is not None:
            self.runner.cancel(self._job)

    def _show(self, *_: object) -> None:
        kind = self.kind.currentData()
        exporter, obstacle = EXPORTERS.get(kind), EXPORTERS.why_not(kind)
        files = exporter.files.replace("`", "")
        text = f"{files}\nOpens in: {exporter.opens_in}."
        self.about.setText(f"{text}\nNot here: {obstacle}." if obstacle else text)
        identity = f"Contains {exporter.identity}."
        if kind in WITH_PATIENTS and self.patients.isChecked():
            identity = identity.replace("patients are numbered", "PATIENT IDS IN CLEAR")
        self.identity.setText(identity)
        if kind not in WITH_PATIENTS:
            self.patients.setChecked(False)
        self.patients.setEnabled(kind in WITH_PATIENTS)
        self.values.setEnabled(kind in WITH_ATTENTION)
        self._enable()

    def _show_job(self, *_: object) -> None:
        running = next((s for s in self.session.jobs if s.key == self._job), None)
        self.progress.show_status(running if self._job is not None else None)
        self._enable()

    def _enable(self) -> None:
        idle = self._job is None and self.session.project is not None
        can = EXPORTERS.why_not(self.kind.currentData()) is None
        self.go.setEnabled(idle and can and self.out is not None)
        for widget in (self.kind, self.slides, self.folder, self.replace):
            widget.setEnabled(idle)
