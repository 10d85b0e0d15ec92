"""The neighbours of the open slide, opened and decoded ahead: the next slide is there at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from qtpy.QtCore import QTimer

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.session.overlay import OverlayView, resolve_overlay
from napari_lookalike.session.session import OverlaySettings, Session
from napari_lookalike.session.slide_view import neighbour_slides
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.slide_layer import FIRST_VIEW, new_source

WAIT_MS = 300
"""The open slide comes first; whoever pages through the cohort is not slowed down."""


@dataclass(frozen=True, eq=False)
class Ready:
    """A slide that waits to be shown.

    Parameters
    ----------
    file
        What it was opened from (`file_and_scale`).
    source
        The slide, with the tiles of its first view.
    results, settings
        What its overlay was made from; results ``None`` = there was no model.
    overlay
        Its attention map, or ``None``.
    """

    file: tuple[object, ...]
    source: TileSource
    results: ModelResults | None = None
    settings: OverlaySettings | None = None
    overlay: OverlayView | None = None

    def close(self) -> None:
        """It is not wanted any more."""
        close_source(self.source)

    def overlay_of(self, results: ModelResults, settings: OverlaySettings) -> OverlayView | None:
        """The attention map, if it was made from these."""
        if self.results is not results or self.settings is None:
            return None
        made = self.settings.values, self.settings.branch
        return self.overlay if made == (settings.values, settings.branch) else None


def open_warm(project: Project, slide_id: str) -> TileSource:
    """Open a slide of a project and decode its first view. For a thread."""
    source = new_source(project.open_slide(slide_id), slide_id)
    source.warm(FIRST_VIEW)
    return source


def close_source(source: TileSource) -> None:
    """Stop asking for tiles, and close the file."""
    source.close()
    source.slide.close()


def file_and_scale(record: SlideRecord) -> tuple[object, ...]:
    """What a slide must be opened again for when it changes."""
    return record.path, record.mpp, record.mpp_source


class WarmSlides:
    """Keeps the slides before and after the open one ready.

    Parameters
    ----------
    session
        Whose cohort.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._background = Background(session)
        self._ready: dict[str, Ready] = {}
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self._neighbours)

    def take(self, record: SlideRecord) -> Ready | None:
        """A slide that is ready, from now on the caller's; ``None`` if it is not."""
        self._timer.stop()
        self._background.forget()
        found = self._ready.pop(record.slide_id, None)
        if found is None or found.file == file_and_scale(record):
            return found
        found.close()
        return None

    def neighbours_later(self) -> None:
        """Make the slides around the open one ready when it has been shown for a moment."""
        self._timer.start()

    def close(self) -> None:
        """Close what is ready."""
        self._timer.stop()
        self._background.forget()
        for ready in self._ready.values():
            ready.close()
        self._ready.clear()

    def _neighbours(self) -> None:
        project, results = self._session.project, self._session.results
        if project is None:
            return
        before, after = neighbour_slides(self._session)
        wanted = [s for s in (after, before) if s is not None and s in project.cohort]
        for slide_id in set(self._ready).difference(wanted):
            self._ready.pop(slide_id).close()
        for slide_id in wanted:
            if slide_id not in self._ready:
                embedded = slide_id in self._session.embedded
                said = (results if embedded else None), self._session.overlay
                work = partial(_get_ready, project, project.cohort[slide_id], *said)
                done = partial(self._keep, slide_id)
                self._background.run(work, done, _not_now, dropped=Ready.close)

    def _keep(self, slide_id: str, ready: Ready) -> None:
        self._ready[slide_id] = ready


def _get_ready(
    project: Project, record: SlideRecord, results: ModelResults | None, settings: OverlaySettings
) -> Ready:
    """Open a slide and make what its first view needs. For a thread."""
    source = open_warm(project, record.slide_id)
    if results is None:
        return Ready(file_and_scale(record), source)
    try:
        overlay = resolve_overlay(project, results, record.slide_id, settings)
    except LookalikeError:  # whoever goes to that slide is told then
        overlay = None
    return Ready(file_and_scale(record), source, results, settings, overlay)


def _not_now(error: BaseException) -> None:
    """Whoever goes to that slide is told then."""
