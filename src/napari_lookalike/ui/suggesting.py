"""Keeps suggestions in step with project, labels and model, beside the window's thread."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QTabBar, QWidget

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.hard_negatives.old_answers import take_over_old_file
from napari_lookalike.core.project import Project
from napari_lookalike.core.suggest.everything import Found, look
from napari_lookalike.core.suggest.review import Method
from napari_lookalike.session import suggestions
from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import report

AT_ONCE = 1000
"""Up to so many slides are looked at as soon as they are there, else when the panel is seen."""
WAIT_MS = 300
"""Several changes in a row (labels that are typed) are answered once."""


def _look(project: Project, *of: Any, method: Method) -> Found:
    """Look; and let colleagues see what older versions kept in the project's folder alone."""
    if not project.read_only:
        with suppress(LookalikeError):  # the file stays: they are taken over another time
            take_over_old_file(project)
    return look(project, *of, method=method)


class SuggestionKeeper(QObject):
    """Sees to it that `Session.suggestions` belongs to the project and the model.

    This is no view: it is the part of the program that answers a new model with its
    suggestions.

    Parameters
    ----------
    session
        The state.
    panel
        While it cannot be seen, a large project is not looked at.
    """

    def __init__(self, session: Session, panel: QWidget) -> None:
        super().__init__(panel)
        self.session, self._panel = session, panel
        self.method: Method = "entropy"
        self._background = Background(session, panel)
        self._anew = True
        self._owed = False
        self._timer = QTimer(self, interval=WAIT_MS, singleShot=True)
        self._timer.timeout.connect(self._due)
        # Of a panel that its content covers nothing is drawn but the content.
        for widget in (panel, *panel.findChildren(QTabBar)):
            widget.installEventFilter(self)
        listen(panel, [session.events.project], self._on_project)
        listen(panel, [session.events.cohort, session.events.results], self._on_change)
        self._on_project()

    @property
    def busy(self) -> bool:
        """Whether somebody looks, or is about to."""
        return self._timer.isActive() or self._background.busy

    def choose(self, method: Method) -> None:
        """How slides to review are chosen from now on."""
        if method != self.method:
            self.method = method
            self.look()

    def look(self) -> None:
        """Look again now."""
        self._timer.stop()
        self._owed = False
        session = self.session
        self._background.forget()
        suggestions.begin_looking(session, anew=self._anew)
        self._anew = False
        if session.project is None:
            return
        of = session.project, session.cohort, session.results
        work = partial(_look, *of, method=self.method)
        self._background.run(work, self._take, self._failed)

    def _on_project(self, *_: Any) -> None:
        # The model's results come after the project, in the same turn of events.
        self._anew = True
        self._background.forget()
        suggestions.begin_looking(self.session, anew=True)
        self._anew = False
        self._timer.start()

    def _on_change(self, *_: Any) -> None:
        if self.session.project is not None:
            self._timer.start()

    def _due(self) -> None:
        # Behind another's tab a panel is "visible", but nothing of it is drawn.
        unseen = self._panel.visibleRegion().isEmpty()
        self._owed = unseen and len(self.session.cohort) > AT_ONCE
        if not self._owed:
            self.look()

    def _take(self, found: Found) -> None:
        suggestions.take(self.session, found)

    def _failed(self, error: BaseException) -> None:
        suggestions.stop_looking(self.session)
        report(self.session, error)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._owed:
            self._owed = False
            QTimer.singleShot(0, self.look)  # no view is changed while it is drawn
        return False
