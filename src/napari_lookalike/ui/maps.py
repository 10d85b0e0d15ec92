"""Keeps the map in step with the model: PCA at once, UMAP from a job when it is ready."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.pipeline.maps import map_project
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.core.projection import project
from napari_lookalike.core.results import ModelResults, Projection
from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import report

LANE = "map"
TITLE = "Computing the map"
AT_ONCE = 5e9
"""Multiplications of a PCA that the window waits for: about a fifth of a second."""


class MapKeeper:
    """Sees to it that `Session.projection` belongs to `Session.results`.

    This is no view: it is the part of the program that answers a new model with its map.
    A map that the project keeps is read; else UMAP is computed, whose first run compiles
    for about ten seconds. Slides that came since are placed on the map that is shown.

    Parameters
    ----------
    session
        The state.
    runner
        Where UMAP is computed.
    on_change
        Called when `computing` changed while the session did not.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.session, self._runner, self._on_change = session, runner, on_change
        self._key: int | None = None
        self._wanted = ""
        self._background = Background(session)
        session.events.results.connect(self._follow)
        self._follow()

    @property
    def computing(self) -> str:
        """Which map of the model shown is being computed; empty if none is."""
        results = self.session.results
        own = results is not None and self._wanted == results.version
        return "UMAP" if own and self._key is not None else ""

    def close(self) -> None:
        """Stop following."""
        self.session.events.results.disconnect(self._follow)
        self._background.forget()
        self._stop()

    def _follow(self) -> None:
        results, shown = self.session.results, self.session.projection
        if results is None or not results.slides:
            self._stop()
            return
        if _is_of(shown, results) and shown is not None and shown.method == "umap":
            self._stop()
            return
        if self._wanted != results.version:
            self._stop()
            self._ask(results.version)
        if _is_of(shown, results) or _lacks_new_slides(shown, results):
            return  # the job places the new slides on what is shown
        pca = partial(project, results, "pca", align_to=self.session.projection_before)
        self._background.forget()
        if _work(results) > AT_ONCE:
            self._background.run(pca, partial(self._take_pca, results))
        else:
            self.session.projection = pca()

    def _take_pca(self, results: ModelResults, projection: Projection) -> None:
        shown = self.session.projection
        if results is self.session.results and not _is_of(shown, results):
            self.session.projection = projection

    def _ask(self, version: str) -> None:
        """Have the UMAP of a version computed, or read if the project keeps it."""
        opened = self.session.project
        if opened is None:
            return
        self._wanted = version
        self._key = self._runner.run(
            map_project,
            opened.root,
            version,
            title=TITLE,
            on_result=partial(self._take, version),
            on_error=partial(self._failed, version),
            lane=LANE,
        )

    def _stop(self) -> None:
        if self._key is not None:
            self._runner.cancel(self._key)
        self._key, self._wanted = None, ""

    def _take(self, version: str, projection: Projection) -> None:
        if version != self._wanted:
            return
        self._key, self._wanted = None, ""
        if _is_of(projection, self.session.results):
            self.session.projection = projection
        elif _is_of(projection, self.session.results_before):
            self.session.projection_before = projection
        self._ask_for_former(projection.method)

    def _ask_for_former(self, method: str) -> None:
        """Before and after can be laid over each other only if both are maps of one kind."""
        before, former = self.session.projection_before, self.session.results_before
        if former is not None and (before is None or before.method != method):
            self._ask(former.version)

    def _failed(self, version: str, error: BaseException) -> None:
        if version != self._wanted:
            return
        self._key, self._wanted = None, ""
        if isinstance(error, JobCancelled):
            pass  # by the user, or because another model is shown: the map stays as it is
        elif isinstance(error, LookalikeError):
            self.session.say(f"The map stays a PCA: {error}", "warning")
        else:
            report(self.session, error)
        self._on_change()


def _is_of(projection: Projection | None, results: ModelResults | None) -> bool:
    """Whether the map shows these results: same version, same slides."""
    if projection is None or results is None:
        return False
    return projection.version == results.version and len(projection.slide_ids) == len(
        results.slides
    )


def _work(results: ModelResults) -> float:
    """Multiplications that a PCA of these results takes, about."""
    n = len(results.slides)
    dim = len(next(iter(results.slides.values())).embedding) if n else 0
    return float(n) * dim * min(n, dim)


def _lacks_new_slides(projection: Projection | None, results: ModelResults) -> bool:
    """Whether the map is a UMAP of these results but for slides that came since."""
    if projection is None or projection.method != "umap":
        return False
    return projection.version == results.version and all(
        slide_id in results.slides for slide_id in projection.slide_ids
    )
