"""Looks every other second whether somebody else changed the marks, in a thread."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_watch import News, look, take_over
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.notify import report

EVERY_MS = 2000

Shown = tuple[tuple[PairMark, ...], tuple[EvidenceTile, ...]]


class TableWatch(QObject):
    """Keeps a session's marks as they are in the table, whoever changes them.

    A table that cannot be read is told once, and again after it could be read.

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
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.look)
        session.events.project.connect(self._on_project)
        self._on_project()

    def _on_project(self, *_: object) -> None:
        self._background.forget()
        self._seen, self._told = -1, False
        if self._session.project is None:
            self._timer.stop()
        else:
            self._timer.start()

    def look(self) -> None:
        """Ask once; nothing if the last answer is still under way."""
        project = self._session.project
        if project is None or self._background.busy:
            return
        shown = self._session.marks, self._session.evidence
        self._background.run(
            partial(look, project.table_place, self._seen),
            partial(self._answer, shown),
            self._failed,
        )

    def _answer(self, shown: Shown, news: News | None) -> None:
        self._told = False
        now = self._session.marks, self._session.evidence
        if news is None or now[0] is not shown[0] or now[1] is not shown[1]:
            return  # what was edited here meanwhile may be newer than the answer
        self._seen = news.held[2]
        take_over(self._session, news)

    def _failed(self, error: Any) -> None:
        if not self._told:
            self._told = True
            report(self._session, error)

    def close(self) -> None:
        """Ask no more."""
        self._timer.stop()
        self._background.forget()
        self._session.events.project.disconnect(self._on_project, missing_ok=True)
