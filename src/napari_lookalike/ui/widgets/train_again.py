"""Training a version once more, and what came of it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lookalike.core.pipeline.reproduce import Reproduction, reproduce_version
from napari_lookalike.core.project import Project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import report
from napari_lookalike.ui.widgets.palette import theme_of
from napari_lookalike.ui.widgets.progress_row import ProgressRow
from napari_lookalike.ui.widgets.words import words


class TrainAgain(QWidget):
    """Runs `reproduce_version` in the background and tells its verdict; nothing is written.

    Parameters
    ----------
    session
        Where the job is shown and its end is told.
    runner
        Runs it.

    Signals
    -------
    ended()
        It is over, well or not.
    """

    ended = Signal()

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self._session, self._runner = session, runner
        self._key: int | None = None
        self.text, self.progress = words(), ProgressRow()
        self.text.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addWidget(self.progress)
        self.progress.cancel_requested.connect(self._cancel)
        listen(self, [session.events.jobs], self._show_progress)

    @property
    def busy(self) -> bool:
        """Whether one runs."""
        return self._key is not None

    def start(self, project: Project, version: str) -> None:
        """Train a version again; nothing if one runs."""
        if self.busy:
            return
        self.forget()
        self._key = self._runner.run(
            reproduce_version,
            project.root,
            version,
            title=f"Training {version} again",
            on_result=self._show,
            on_error=self._failed,
        )
        self._show_progress()

    def forget(self) -> None:
        """Another version is chosen: the last verdict is not about it."""
        self.text.hide()

    def _show(self, found: Reproduction) -> None:
        self._key = None
        table = f"Marks then: {found.marks} (table {found.table_version})."
        self.text.setText("\n".join([found.verdict, table, *found.changed]))
        theme = theme_of(self)
        self.text.setStyleSheet(f"color: {(theme.good if found.same else theme.warning).name()};")
        self.text.show()
        self._session.say(found.verdict, "info" if found.same else "warning")
        self.ended.emit()

    def _failed(self, error: BaseException) -> None:
        self._key = None
        report(self._session, error)
        self.ended.emit()

    def _cancel(self) -> None:
        if self._key is not None:
            self._runner.cancel(self._key)

    def _show_progress(self, *_: object) -> None:
        mine = (job for job in self._session.jobs if job.key == self._key)
        self.progress.show_status(next(mine, None))
