"""Asks the model in use about slides that were embedded after it was trained."""

from __future__ import annotations

from functools import partial

from napari_lookalike.core.locked_test import locked_slide_ids
from napari_lookalike.core.pipeline.predict import PredictReport, predict_slides
from napari_lookalike.core.project import Project
from napari_lookalike.core.results_here import results_here
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import Session
from napari_lookalike.ui.early import LANE
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import report, reported


class Asker:
    """Sees to it that the model in use speaks of the slides in `Session.unasked`.

    While a model is on trial nobody is asked: the two models are compared on what both know.

    Parameters
    ----------
    session
        The state.
    runner
        Where the model is asked; in one lane, since what it says goes into one file.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self.session, self._runner = session, runner
        self._key: int | None = None
        events = session.events
        self._signals = (events.unasked, events.results, events.results_before)
        for signal in self._signals:
            signal.connect(self._ask)

    def close(self) -> None:
        """Stop asking."""
        for signal in self._signals:
            signal.disconnect(self._ask, missing_ok=True)
        if self._key is not None:
            self._runner.cancel(self._key)

    def _ask(self, *_: object) -> None:
        session, project = self.session, self.session.project
        if project is None or session.results is None or session.results_before is not None:
            return
        if self._key is not None or not session.unasked:
            return
        with reported(session):
            # Put away: nobody is asked, and nobody needs to be told slide by slide.
            session.unasked -= locked_slide_ids(project)
        asked = tuple(s.slide_id for s in session.cohort if s.slide_id in session.unasked)
        if self._key is not None or not asked:  # what was just taken out may have asked
            return
        version = session.results.version
        self._key = self._runner.run(
            predict_slides,
            project.root,
            version,
            asked,
            title="Predicting new slides",
            on_result=partial(self._predicted, project, version, asked),
            on_error=partial(self._failed, project, asked),
            lane=LANE,
        )

    def _predicted(
        self, project: Project, version: str, asked: tuple[str, ...], found: PredictReport
    ) -> None:
        self._key = None
        session = self.session
        same = session.project is project and session.results is not None
        if not same or session.results is None or session.results.version != version:
            self._ask()  # of another project or model meanwhile
            return
        with reported(session):
            results = results_here(project, version)
            session.unasked -= set(asked)
            shown = session.slide_id
            if shown is not None and shown in found.coverage:  # or a part passes for the whole
                session.coverage = found.coverage[shown]
            session.results = results
            said = [f"{count(len(found.predicted), 'slide')} predicted.", *found.problems]
            session.say(" ".join(said), "warning" if found.problems else "info")

    def _failed(self, project: Project, asked: tuple[str, ...], error: BaseException) -> None:
        self._key = None
        if self.session.project is project:
            self.session.unasked -= set(asked)
            report(self.session, error)
