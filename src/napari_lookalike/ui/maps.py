"""Keeps the map in step with the model: PCA at once, UMAP from a job when it is ready."""

from __future__ import annotations

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.core.projection import project
from napari_lookalike.core.results import ModelResults, Projection
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import report

LANE = "map"
TITLE = "Computing the map"


class MapKeeper:
    """Sees to it that `Session.projection` belongs to `Session.results`.

    This is no view: it is the part of the program that answers a new model with its map.

    Parameters
    ----------
    session
        The state.
    runner
        Where UMAP is computed; its first run compiles for about ten seconds.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self.session, self._runner = session, runner
        self._key: int | None = None
        self._wanted = ""
        session.events.results.connect(self._follow)
        self._follow()

    @property
    def computing(self) -> str:
        """Which map is being computed; empty if none is."""
        return "UMAP" if self._key is not None else ""

    def close(self) -> None:
        """Stop following."""
        self.session.events.results.disconnect(self._follow)
        self._stop()

    def _follow(self) -> None:
        results, shown = self.session.results, self.session.projection
        if results is None or not results.slides:
            self._stop()
            return
        if shown is not None and shown.version == results.version and shown.method == "umap":
            self._stop()
            return
        if self._key is not None and self._wanted == results.version:
            return
        self._stop()
        self._start(results)

    def _start(self, results: ModelResults) -> None:
        former = self.session.projection_before
        shown = self.session.projection
        self._wanted = results.version
        self._key = self._runner.run(
            project,
            results,
            "umap",
            title=TITLE,
            on_result=lambda p, version=results.version: self._take(version, p),
            on_error=lambda e, version=results.version: self._failed(version, e),
            lane=LANE,
            align_to=former,
        )
        if shown is None or shown.version != results.version:
            self.session.projection = project(results, "pca", align_to=former)

    def _stop(self) -> None:
        if self._key is not None:
            self._runner.cancel(self._key)
        self._key, self._wanted = None, ""

    def _take(self, version: str, projection: Projection) -> None:
        if version == self._wanted:
            self._key, self._wanted = None, ""
            self.session.projection = projection

    def _failed(self, version: str, error: BaseException) -> None:
        if version != self._wanted:
            return
        self._key, self._wanted = None, ""
        if isinstance(error, JobCancelled):
            return
        if isinstance(error, LookalikeError):
            self.session.say(f"The map stays a PCA: {error}", "warning")
        else:
            report(self.session, error)
