"""Watches the slide on the screen while it is embedded, and asks the model about it."""

from __future__ import annotations

import time
from functools import partial

from qtpy.QtCore import QTimer

from napari_lookalike.core.early import EarlyAnswer, Said
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.pipeline.early import Glance, early_prediction, glance
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.session.embed_view import EMBEDDING
from napari_lookalike.session.opening import refresh_embedded
from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import report

LANE = "early"
"""A process of its own, started when it is first needed: the others may be busy for minutes."""
TITLE = "Early answer"
POLL_MS = 2000
REST = 8.0
"""An answer that took a second is asked for again after eight: the cores are for embedding."""


class EarlyKeeper:
    """Sees to it that `Session.early` tells what is known of the open slide.

    This is no view: it looks at the disk every two seconds, whoever embeds (this window,
    the command line, another machine). What a model says of a slide that is no longer open,
    or by a model that is no longer shown, is dropped.

    Parameters
    ----------
    session
        The state.
    runner
        Where the model is asked; one question at a time.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self.session, self._runner = session, runner
        self._background = Background(session)
        self._timer = QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.look)
        self._slide: tuple[object, object] = (None, None)
        self._reset()
        events = session.events
        self._signals = (events.project, events.slide_id, events.results)
        for signal in self._signals:
            signal.connect(self._follow)
        self._follow()

    def close(self) -> None:
        """Stop looking."""
        for signal in self._signals:
            signal.disconnect(self._follow, missing_ok=True)
        self._stop()

    def _reset(self) -> None:
        self._key: int | None = None
        self._glance = Glance()
        self._asked: tuple[int, ...] | None = None
        self._said: Said | None = None
        self._unfinished = False
        self._given_up = False
        self._rests_until = 0.0

    def _stop(self) -> None:
        self._timer.stop()
        self._background.forget()
        if self._key is not None:
            self._runner.cancel(self._key)
        self._reset()

    def _follow(self, *_: object) -> None:
        """Another slide, another model: what was said before is of no use."""
        session = self.session
        self._stop()
        session.early = None
        if (session.project, session.slide_id) != self._slide:
            self._slide = (session.project, session.slide_id)
            session.coverage = 1.0
        if session.project is not None and session.slide_id is not None:
            self._timer.start()
            self.look()

    def look(self) -> None:
        """Look at the disk, in a thread."""
        project, slide_id = self.session.project, self.session.slide_id
        if project is not None and slide_id is not None and not self._background.busy:
            work = partial(glance, project, slide_id, self._glance)
            self._background.run(work, self._seen, self._not_seen)

    def _not_seen(self, error: BaseException) -> None:
        """A share that is away for a moment: look again next time; a fault is told, once."""
        if not isinstance(error, OSError | LookalikeError):
            self._timer.stop()
            report(self.session, error)

    def _seen(self, found: Glance) -> None:
        session, before = self.session, self._glance
        self._glance = found
        session.coverage = found.coverage if found.finished else 1.0
        if found.stamp and found.coverage < 1:
            self._unfinished = True
            self._ask(found)
        elif found.finished and (self._unfinished or found.written != before.written):
            self._finished(first_look=before == Glance() and not self._unfinished)
        elif not found.finished:
            session.early = None  # also where parts were thrown away: other settings, say
            if session.results is not None and any(j.title == EMBEDDING for j in session.jobs):
                self._ask(found)  # there is nothing yet, but the model is loaded meanwhile

    def _ask(self, found: Glance) -> None:
        busy = self._key is not None or time.monotonic() < self._rests_until
        project, slide_id = self.session.project, self.session.slide_id
        if busy or self._given_up or found.stamp == self._asked:
            return
        if project is None or slide_id is None:
            return
        results = self.session.results
        version = "" if results is None else results.version
        self._asked = found.stamp
        asked = (project.root, version, slide_id)
        self._key = self._runner.run(
            early_prediction,
            *asked,
            self._said,
            title=TITLE,
            on_result=partial(self._take, asked),
            on_error=partial(self._failed, asked),
            lane=LANE,
        )

    def _is_now(self, asked: tuple[object, ...]) -> bool:
        session, results = self.session, self.session.results
        root = None if session.project is None else session.project.root
        version = "" if results is None else results.version
        return asked == (root, version, session.slide_id) and self._key is not None

    def _take(self, asked: tuple[object, ...], answer: EarlyAnswer | None) -> None:
        if not self._is_now(asked):
            return
        self._key = None
        if answer is not None:  # else it was finished meanwhile, which is seen next
            self._rests_until = time.monotonic() + REST * answer.seconds
            self._said = answer.said
            self.session.early = answer

    def _failed(self, asked: tuple[object, ...], error: BaseException) -> None:
        if not self._is_now(asked):
            return
        self._key = None
        if not isinstance(error, JobCancelled):  # it would fail every two seconds
            self._given_up = True
            report(self.session, error)

    def _finished(self, first_look: bool) -> None:
        """A feature file came: the model is to be asked about all of it."""
        session, slide_id = self.session, self.session.slide_id
        self._unfinished = False
        if slide_id is None or (first_look and slide_id in session.embedded):
            return
        refresh_embedded(session)
        if session.results is None:
            session.early = None
        session.unasked |= {slide_id}
