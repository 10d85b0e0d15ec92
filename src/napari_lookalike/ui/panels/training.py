"""The teach panel: fine-tune from the marks, see before and after, keep or roll back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.config import LossName
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.results_here import results_here
from napari_lookalike.core.version_compare import VersionComparison, compare_versions
from napari_lookalike.session import selection, trial
from napari_lookalike.session.live_map import LiveFollower
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_view import marked_subtypes, train_config
from napari_lookalike.session.teach_view import TeachView, resolve_teach
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import report, reported, root_cause
from napari_lookalike.ui.widgets.comparison import ComparisonView
from napari_lookalike.ui.widgets.progress_row import ProgressRow
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.train_form import TrainForm
from napari_lookalike.ui.widgets.words import words

EVENTS = ("project", "cohort", "marks", "results", "results_before")
FIRST_LOSS: LossName = "supcon"
TIP = "Runs in the background; you can go on working (Alt+T)."
LATER_LOSS: LossName = "expert"
"""A first model is contrastive; a fine-tuned one is steered by the table."""


class TrainingPanel(QWidget):
    """Trains a first model, fine-tunes it with the marked pairs, compares the two.

    Parameters
    ----------
    session
        The state of this viewer.
    runner
        Its jobs.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self.session, self.runner = session, runner
        self._background = Background(session, self)
        self._live = LiveFollower(session)
        self._key: int | None = None
        self._trained: Project | None = None
        self._project: Project | None = None
        self.model, self.used, self.hint = words(), words(), words()
        self.problem = words()
        self.problem.hide()
        self.outcome = ComparisonView()
        self.research = words("Research use only. Figures are of held-out slides.")
        self.start = self._button("Fine-tune with these pairs", "")
        self.keep = self._button("Keep the new model", "Use the new model from now on (Alt+K).")
        self.roll_back = self._button("Roll back", "Go back to the former model (Alt+B).")
        self.advanced = self._make_advanced()
        self.form = TrainForm()
        self.progress = ProgressRow(keeps=True)
        self.scratch = self._button(
            "Train a new model from scratch", "Train with the head chosen here, without marks."
        )
        self._lay_out()
        self._connect_widgets()
        self._events = [getattr(session.events, name) for name in EVENTS]
        for event in self._events:
            event.connect(self._refresh)
        session.events.jobs.connect(self._show_progress)
        self._refresh()

    # ---- making

    @staticmethod
    def _button(text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        return button

    @staticmethod
    def _make_advanced() -> QToolButton:
        button = QToolButton()
        button.setText("Advanced")
        button.setCheckable(True)
        button.setArrowType(Qt.ArrowType.RightArrow)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setAutoRaise(True)
        button.setToolTip("Settings of the training. The defaults are a good start.")
        button.setAccessibleName("Show the advanced settings")
        return button

    def _lay_out(self) -> None:
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(5)
        self.settings = QWidget()
        settings = QVBoxLayout(self.settings)
        settings.setContentsMargins(12, 0, 0, 0)
        settings.addWidget(self.form)
        settings.addWidget(self.scratch)
        for widget in (self.model, self.outcome, self.used, self.start, self.hint, self.problem,
                       self.progress, self.advanced, self.settings, self.research):  # fmt: skip
            layout.addWidget(widget)
        layout.addStretch(1)
        self.settings.hide()
        area = scrolled(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area, 1)
        # Outside the scrolling part: the choice is always in sight.
        self.choice = QWidget()
        choice = QHBoxLayout(self.choice)
        choice.setContentsMargins(6, 2, 6, 4)
        choice.addWidget(self.keep, 1)
        choice.addWidget(self.roll_back, 1)
        outer.addWidget(self.choice)

    def _connect_widgets(self) -> None:
        for key, button in (("T", self.start), ("K", self.keep), ("B", self.roll_back)):
            shortcut = QShortcut(QKeySequence(f"Alt+{key}"), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(button.click)
        self.start.clicked.connect(self.train)
        self.scratch.clicked.connect(partial(self.train, from_scratch=True))
        self.keep.clicked.connect(self._keep)
        self.roll_back.clicked.connect(self._roll_back)
        self.outcome.open_requested.connect(self._open)
        self.progress.cancel_requested.connect(self._cancel)
        self.progress.finish_requested.connect(self._finish)
        self.advanced.toggled.connect(self._show_advanced)

    def closeEvent(self, event: QCloseEvent) -> None:
        for signal in self._events:
            signal.disconnect(self._refresh)
        if self._events:
            self.session.events.jobs.disconnect(self._show_progress)
        self._events = []
        self._background.forget()
        super().closeEvent(event)

    # ---- from the session to the widgets

    @property
    def busy(self) -> bool:
        """Whether a training runs, or its model is being read."""
        return self._key is not None or self._trained is not None

    def _refresh(self) -> None:
        if self.session.project is not self._project:
            self._project = self.session.project
            self._tell_problem(None)
            self.form.set_config(train_config(self.session))
        self.form.set_subtypes(self.session.cohort.classes)
        view = resolve_teach(self.session)
        self.model.setText(view.model)
        self.used.setText(view.used)
        self.used.setVisible(bool(view.used) and not view.on_trial)
        self.start.setText(view.action)
        self.start.setAccessibleName(view.action)
        self.start.setEnabled(not view.obstacle and not self.busy)
        self.start.setToolTip(view.obstacle or TIP)
        self.start.setVisible(not view.on_trial)
        self.hint.setText(view.obstacle)
        self.hint.setVisible(bool(view.obstacle) and not view.on_trial)
        self.scratch.setVisible(view.fine_tune)
        self.scratch.setEnabled(
            self.session.project is not None and not view.on_trial and not self.busy
        )
        self._show_outcome(view)
        self._show_progress()

    def _show_outcome(self, view: TeachView) -> None:
        self.outcome.show_view(view.outcome)
        self.choice.setVisible(view.on_trial)

    def _show_progress(self) -> None:
        mine = (job for job in self.session.jobs if job.key == self._key)
        self.progress.show_status(next(mine, None))

    def _show_advanced(self, on: bool) -> None:
        self.settings.setVisible(on)
        self.advanced.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)

    # ---- what the user does

    def train(self, *_: object, from_scratch: bool = False) -> None:
        """Start a training with the settings shown; nothing if one runs or cannot."""
        project, results = self.session.project, self.session.results
        if project is None or self.busy:
            return
        self._tell_problem(None)
        first = results is None or from_scratch
        with reported(self.session):
            config = replace(self.form.config(), loss=FIRST_LOSS if first else LATER_LOSS)
            if config != project.settings.train:
                project.save(settings=replace(project.settings, train=config))
            self._key = self.runner.run(
                train_project,
                project.root,
                config,
                title="Training" if first else "Fine-tuning",
                on_result=partial(self._read, project),
                on_error=self._failed,
                on_value=partial(self._learning, project),
                start_from=None if results is None or first else results.version,
            )
        self._refresh()

    def _cancel(self) -> None:
        if self._key is not None:
            self.runner.cancel(self._key)

    def _finish(self) -> None:
        if self._key is not None:
            self.runner.end_early(self._key)

    def _learning(self, project: Project, frame: object) -> None:
        """Move the map, unless another project was opened meanwhile."""
        if project is self.session.project:
            self._live.take(frame)

    def _failed(self, error: BaseException) -> None:
        self._key = self._trained = None
        self._live.end()
        report(self.session, error)
        self._tell_problem(root_cause(error))
        self._refresh()

    def _tell_problem(self, error: BaseException | None) -> None:
        """Why the last training gave no model: a notice is gone before it is read."""
        told = isinstance(error, LookalikeError) and not isinstance(error, JobCancelled)
        self.problem.setText(f"No new model: {error}" if told else "")
        self.problem.setVisible(told)

    def _read(self, project: Project, version: str) -> None:
        """Read the new version's results beside the window, then show them."""
        self._key, self._trained = None, project
        pairs = marked_subtypes(self.session)
        load = partial(_load, project, version, self.session.results, pairs)
        self._background.run(load, partial(self._show_new, project), self._failed)
        self._refresh()

    def _show_new(
        self, project: Project, new: tuple[ModelResults, VersionComparison | None]
    ) -> None:
        self._trained = None
        if project is self.session.project:
            with reported(self.session):
                trial.show_new_model(self.session, *new)
        # Only now: the map goes from what it showed last to the new one.
        self._live.end()
        self._refresh()

    def _open(self, slide_id: str) -> None:
        with reported(self.session):
            selection.open_slide(self.session, slide_id)

    def _keep(self) -> None:
        with reported(self.session):
            trial.keep(self.session)

    def _roll_back(self) -> None:
        with reported(self.session):
            trial.roll_back(self.session)


def _load(
    project: Project,
    version: str,
    former: ModelResults | None,
    pairs: tuple[tuple[str, str], ...],
) -> tuple[ModelResults, VersionComparison | None]:
    """A version's results, and the two side by side."""
    results = results_here(project, version)
    return results, compare_versions(former, results, pairs) if former is not None else None
