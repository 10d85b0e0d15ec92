"""Looks every other second whether somebody else changed the marks, in a thread.

Where the marks lie on a server, what was done here is sent there first, and at once.
"""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QObject, QTimer

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.hard_negatives.answers import Decision
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.session.session import Session, Waiting
from napari_lookalike.session.table_watch import SLOW, News, arrived, delayed, look, take_over
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.notify import report

EVERY_MS = 2000
PATIENCE = 2
"""After so many looks that had to wait for an answer, the user is told that changes wait."""

Shown = tuple[tuple[PairMark, ...], tuple[EvidenceTile, ...], tuple[Decision, ...]]


class TableWatch(QObject):
    """Keeps a session's marks as they are in the table, whoever changes them.

    A table that cannot be read is told once, and again after it could be read; so is that
    changes wait for a server.

    Parameters
    ----------
    session
        The state of one viewer.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._background = Background(session)
        self._seen = -1
        self._told = False
        self._skipped = 0
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._soon = QTimer(self, interval=0, singleShot=True)
        self._soon.timeout.connect(self.look)
        session.events.project.connect(self._on_project)
        session.events.waiting.connect(self._on_waiting)
        self._on_project()

    def _on_project(self, *_: object) -> None:
        self._background.forget()
        self._seen, self._told, self._skipped = -1, False, 0
        if self._session.project is None:
            self._timer.stop()
        else:
            self._timer.start()

    def _on_waiting(self, now: Waiting, before: Waiting) -> None:
        """Something was done here: it is sent before anybody has to wait for it."""
        if now.n > before.n:
            self._soon.start()

    def look(self) -> None:
        """Ask once; nothing if the last answer is still under way."""
        project = self._session.project
        if project is None:
            return
        if self._background.busy:
            self._skipped += 1
            if self._skipped >= PATIENCE:
                delayed(self._session, SLOW)
            return
        self._skipped = 0
        shown = self._held()
        self._background.run(
            partial(look, project.table_place, self._seen),
            partial(self._answer, shown),
            self._failed,
        )

    def _held(self) -> Shown:
        session = self._session
        return session.marks, session.evidence, session.suggestions.decisions

    def _answer(self, shown: Shown, news: News | None) -> None:
        self._told = False
        if any(now is not then for now, then in zip(self._held(), shown, strict=True)):
            # What was edited here meanwhile may be newer than the answer, and is to be sent.
            if self._session.waiting.n:
                self._soon.start()
        elif news is None:
            arrived(self._session)
        else:
            self._seen = news.held[2]
            take_over(self._session, news)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, LookalikeError) and delayed(self._session, error.what):
            self._told = True
        elif not self._told:
            self._told = True
            report(self._session, error)

    def close(self) -> None:
        """Ask no more."""
        self._timer.stop()
        self._soon.stop()
        self._background.forget()
        self._session.events.project.disconnect(self._on_project, missing_ok=True)
        self._session.events.waiting.disconnect(self._on_waiting, missing_ok=True)
