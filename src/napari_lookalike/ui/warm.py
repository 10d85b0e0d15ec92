"""The neighbours of the open slide, opened and decoded ahead: the next slide is there at once."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QTimer

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.project import Project
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.session.session import Session
from napari_lookalike.session.slide_view import neighbour_slides
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.slide_layer import FIRST_VIEW, new_source

WAIT_MS = 300
"""The open slide comes first; whoever leafs through the cohort is not slowed down."""


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
        self._ready: dict[str, tuple[tuple[object, ...], TileSource]] = {}
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self._neighbours)

    def take(self, record: SlideRecord) -> TileSource | None:
        """A slide that is ready, from now on the caller's; ``None`` if it is not."""
        self._timer.stop()
        self._background.forget()
        found = self._ready.pop(record.slide_id, None)
        if found is None:
            return None
        if found[0] == file_and_scale(record):
            return found[1]
        close_source(found[1])
        return None

    def neighbours_later(self) -> None:
        """Make the slides around the open one ready when it has been shown for a moment."""
        self._timer.start()

    def close(self) -> None:
        """Close what is ready."""
        self._timer.stop()
        self._background.forget()
        for _, source in self._ready.values():
            close_source(source)
        self._ready.clear()

    def _neighbours(self) -> None:
        project = self._session.project
        if project is None:
            return
        before, after = neighbour_slides(self._session)
        wanted = [s for s in (after, before) if s is not None and s in project.cohort]
        for slide_id in set(self._ready).difference(wanted):
            close_source(self._ready.pop(slide_id)[1])
        for slide_id in wanted:
            if slide_id not in self._ready:
                work = partial(open_warm, project, slide_id)
                done = partial(self._keep, project.cohort[slide_id])
                self._background.run(work, done, _not_now, dropped=close_source)

    def _keep(self, record: SlideRecord, source: TileSource) -> None:
        self._ready[record.slide_id] = file_and_scale(record), source


def _not_now(error: BaseException) -> None:
    """Whoever goes to that slide is told then."""
