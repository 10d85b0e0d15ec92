"""The versions panel: every model of the project, two side by side, use one, train one again."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QCloseEvent, QKeySequence, QShortcut, QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.results_here import results_here
from napari_lookalike.core.version_compare import VersionComparison, compare_versions
from napari_lookalike.core.version_list import VersionFacts, list_versions
from napari_lookalike.session import selection, trial
from napari_lookalike.session.compare_view import resolve_compare
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_view import marked_subtypes
from napari_lookalike.session.versions_view import (
    VersionsView,
    default_against,
    resolve_versions,
)
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import report, reported
from napari_lookalike.ui.widgets.comparison import ComparisonView
from napari_lookalike.ui.widgets.roomy import roomy
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.train_again import TrainAgain
from napari_lookalike.ui.widgets.version_list import VersionList
from napari_lookalike.ui.widgets.words import words

EVENTS = ("project", "results", "results_before")
USE, TRY, AGAIN = "Use this version", "Try it", "Train again"
KEYS = {USE: "Alt+U", TRY: "Alt+T", AGAIN: "Alt+G"}
TIPS = {
    USE: f"Put it in use at once ({KEYS[USE]}). Undo takes it back.",
    TRY: "Show map and predictions before and after; then keep it or roll back in Teach "
    f"({KEYS[TRY]}).",
    AGAIN: "Train it once more from what it noted, and see whether the same comes out "
    f"({KEYS[AGAIN]}). Nothing is written.",
}

Loaded = tuple[ModelResults, VersionComparison | None]


class VersionsPanel(QWidget):
    """Lists the models of the project and compares any two of them.

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
        self._reader, self._comparer = Background(session, self), Background(session, self)
        self._found: tuple[VersionFacts, ...] = ()
        self._chosen = ""
        self._project: Project | None = None
        self._stale = True
        self.empty, self.state = words(), words()
        self.list = VersionList()
        self.against = QComboBox()
        self.against.setToolTip("The version that the chosen one is compared with.")
        self.against.setAccessibleName("Compare with")
        self.comparison = ComparisonView()
        self.use, self.try_, self.again = (self._button(t) for t in (USE, TRY, AGAIN))
        self.trained_again = TrainAgain(session, runner)
        self.research = words("Research use only. Figures are of held-out slides.")
        self._lay_out()
        self._connect_widgets()
        self._events = [getattr(session.events, name) for name in EVENTS]
        for event in self._events:
            event.connect(self._reload)
        session.events.jobs.connect(self._refresh_buttons)
        self._refresh()

    # ---- making

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        shortcut = QShortcut(QKeySequence(KEYS[text]), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(button.click)
        return button

    def _lay_out(self) -> None:
        inside = QWidget()
        below = QVBoxLayout(inside)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(5)
        for widget in (self.trained_again, self.state, self.comparison, self.research):
            below.addWidget(widget)
        below.addStretch(1)
        area = scrolled(inside)
        area.setMinimumHeight(40)
        label = QLabel("Compare with")
        label.setBuddy(self.against)
        self.choice = QWidget()
        row = QHBoxLayout(self.choice)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label)
        row.addWidget(self.against, 1)
        buttons = QFlowLayout()  # a second row where the dock is too narrow for one
        buttons.setHorizontalSpacing(4)
        buttons.setVerticalSpacing(2)
        for button in (self.use, self.try_, self.again):
            buttons.addWidget(button)
        layout = roomy(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        for part in (self.empty, self.list, self.choice):
            layout.addWidget(part)
        layout.addWidget(area, 1)
        layout.addLayout(buttons)

    def _connect_widgets(self) -> None:
        self.list.chosen.connect(self._choose)
        self.against.activated.connect(self._compare)
        self.comparison.open_requested.connect(self._open)
        self.use.clicked.connect(partial(self._load, self._use))
        self.try_.clicked.connect(partial(self._load, self._try))
        self.again.clicked.connect(self._train_again)
        self.trained_again.ended.connect(self._refresh_buttons)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._reload()

    def closeEvent(self, event: QCloseEvent) -> None:
        for signal in self._events:
            signal.disconnect(self._reload)
        if self._events:
            self.session.events.jobs.disconnect(self._refresh_buttons)
        self._events = []
        self._reader.forget()
        self._comparer.forget()
        super().closeEvent(event)

    # ---- from the disk and the session to the widgets

    def _reload(self) -> None:
        """Read the list again; only while it is seen, since files are read."""
        self._reader.forget()
        self._comparer.forget()
        project, self._stale = self.session.project, not self.isVisible()
        if project is not self._project:
            self._project = project
            self._take(())
        if project is None or self._stale:
            self._refresh_buttons()
            return
        self._reader.run(partial(list_versions, project), self._take)

    def _take(self, found: tuple[VersionFacts, ...]) -> None:
        self._found = found
        names = [f.version for f in reversed(found)]
        if self._chosen not in names:
            self._chosen = names[0] if names else ""
            self.trained_again.forget()
        self._refresh()
        self._offer()
        self._compare()

    def _refresh(self) -> None:
        view = self._refresh_buttons()
        self.empty.setText(view.empty)
        self.empty.setVisible(bool(view.empty))
        for widget in (self.list, self.choice, self.use, self.try_, self.again):
            widget.setVisible(not view.empty)
        self.list.show_rows(view.rows, self._chosen)

    def _refresh_buttons(self, *_: object) -> VersionsView:
        view = resolve_versions(self.session, self._found, self._chosen)
        running = "One training again runs." if self.trained_again.busy else ""
        for button, obstacle in (
            (self.use, view.can_use),
            (self.try_, view.can_try),
            (self.again, view.can_reproduce or running),
        ):
            button.setEnabled(not obstacle)
            button.setToolTip(obstacle or TIPS[button.text()])
        return view

    def _offer(self) -> None:
        """List what the chosen version can be compared with."""
        current = self.session.project.current_version if self.session.project else None
        wanted = default_against(self._found, self._chosen, current or "")
        with QSignalBlocker(self.against):
            self.against.clear()
            for facts in reversed(self._found):
                if facts.version != self._chosen and not facts.problem:
                    self.against.addItem(facts.version)
            self.against.setCurrentIndex(self.against.findText(wanted))
        self.choice.setVisible(self.against.count() > 0)

    def _compare(self, *_: object) -> None:
        self._comparer.forget()
        before = self.against.currentText()
        facts = next((f for f in self._found if f.version == self._chosen), None)
        if self.session.project is None or facts is None or facts.problem or not before:
            self._tell(self._alone(facts))
            return
        self._tell(f"Comparing {before} with {self._chosen}…")
        work = partial(_compared, self.session, self.session.project, before, self._chosen)
        self._comparer.run(work, self._show, self._cannot)

    @staticmethod
    def _alone(facts: VersionFacts | None) -> str:
        if facts is None:
            return ""
        return facts.problem or "The only version: there is nothing to compare it with yet."

    def _tell(self, sentence: str) -> None:
        self.comparison.show_view(None)
        self.state.setText(sentence)
        self.state.setVisible(bool(sentence))

    def _show(self, found: VersionComparison) -> None:
        self.state.setText(f"From {found.before} to {found.after}, on slides that both held out:")
        self.state.setVisible(True)
        self.comparison.show_view(resolve_compare(found))

    def _cannot(self, error: BaseException) -> None:
        self._tell("The two versions could not be compared.")
        report(self.session, error)

    # ---- what the user does

    def _choose(self, version: str) -> None:
        self._chosen = version
        self.trained_again.forget()
        self._refresh_buttons()
        self._offer()
        self._compare()

    def _open(self, slide_id: str) -> None:
        with reported(self.session):
            selection.open_slide(self.session, slide_id)

    def _load(self, then: object, *_: object) -> None:
        """Read the chosen version beside the window, then do something with it."""
        project, former = self.session.project, self.session.results
        if project is None or not callable(then):
            return
        pairs = marked_subtypes(self.session)
        work = partial(_loaded, project, self._chosen, former, pairs)
        self._reader.run(work, partial(then, project))

    def _use(self, project: Project, loaded: Loaded) -> None:
        if project is self.session.project:
            with reported(self.session):
                trial.use_version(self.session, loaded[0])

    def _try(self, project: Project, loaded: Loaded) -> None:
        if project is self.session.project:
            with reported(self.session):
                trial.try_version(self.session, *loaded)
                self.session.say(
                    f"Model {loaded[0].version} is on trial: keep it or roll back in Teach."
                )

    def _train_again(self) -> None:
        project = self.session.project
        if project is not None:
            self.trained_again.start(project, self._chosen)
            self._refresh_buttons()


def _results(session: Session, project: Project, version: str) -> ModelResults:
    """What a version says, from the session if that shows it."""
    for shown in (session.results, session.results_before):
        if shown is not None and shown.version == version and session.project is project:
            return shown
    return results_here(project, version)


def _compared(session: Session, project: Project, before: str, after: str) -> VersionComparison:
    old, new = (_results(session, project, v) for v in (before, after))
    return compare_versions(old, new, marked_subtypes(session))


def _loaded(
    project: Project,
    version: str,
    former: ModelResults | None,
    pairs: tuple[tuple[str, str], ...],
) -> Loaded:
    results = results_here(project, version)
    if former is None or former.version == version:
        return results, None
    return results, compare_versions(former, results, pairs)
