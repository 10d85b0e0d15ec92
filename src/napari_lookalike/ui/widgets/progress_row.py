"""A progress bar with its text and a button to stop, for one job."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_lookalike.session.session import JobStatus


class ProgressRow(QWidget):
    """Shows a job's status; hidden where there is none.

    Parameters
    ----------
    keeps
        Whether the job can end early and keep what it has: there is a button for that.

    Signals
    -------
    cancel_requested()
        The user wants the job to stop.
    finish_requested()
        The user wants it to end early and keep what it has.
    """

    cancel_requested = Signal()
    finish_requested = Signal()

    def __init__(self, parent: QWidget | None = None, *, keeps: bool = False) -> None:
        super().__init__(parent)
        self.bar, self.text = QProgressBar(), QLabel()
        self.bar.setTextVisible(True)
        self.bar.setAccessibleName("Progress")
        self.text.setWordWrap(True)
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop. The model in use stays as it is.")
        self.cancel.setAccessibleName("Cancel this job")
        self.cancel.clicked.connect(self._ask_to_cancel)
        self.finish = QPushButton("Stop and keep")
        self.finish.setToolTip(
            "End after this pass, and show what was learnt so far. You then keep it or not."
        )
        self.finish.setAccessibleName("Stop and keep what was learnt")
        self.finish.clicked.connect(self._ask_to_finish)
        self.finish.setVisible(keeps)
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.finish)
        row.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.text)
        self.hide()

    def show_status(self, status: JobStatus | None) -> None:
        """Show how far a job is; ``None`` hides the row."""
        self.setVisible(status is not None)
        if status is None:
            self.cancel.setEnabled(True)
            self.cancel.setText("Cancel")
            self.finish.setEnabled(True)
            return
        self.bar.setRange(0, status.total)
        self.bar.setValue(min(status.done, status.total))
        self.text.setText(f"{status.title}: {status.what}" if status.what else status.title)

    def _ask_to_finish(self) -> None:
        self.finish.setEnabled(False)
        self.finish_requested.emit()

    def _ask_to_cancel(self) -> None:
        self.finish.setEnabled(False)
        self.cancel.setEnabled(False)
        self.cancel.setText("Stopping…")
        self.cancel_requested.emit()
