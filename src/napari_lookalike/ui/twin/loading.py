"""What the twin review reads in threads: two slides, their likeness, pictures of the rows."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.project import Project
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.core.twin import Comparison, SideTiles, compare_slides
from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.notify import report
from napari_lookalike.ui.twin.strip import read_pictures
from napari_lookalike.ui.warm import close_source, open_warm


class TwinLoader(QObject):
    """Reads a pair; whatever comes after another pair was asked for is dropped and closed.

    Signals
    -------
    opened(int, object)
        Slide 0 or 1 is here, a `TileSource`; it is closed by `close`.
    failed(int, str)
        It cannot be shown, and why.
    compared(object)
        The `Comparison`.
    pictured(object)
        The pictures of its rows.
    """

    opened = Signal(int, object)
    failed = Signal(int, str)
    compared = Signal(object)
    pictured = Signal(object)

    def __init__(self, session: Session, owner: QWidget) -> None:
        super().__init__(owner)
        self._session = session
        self._background = Background(session, owner)
        self._sources: list[TileSource] = []

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._background.busy

    def load(self, pair: tuple[str, str]) -> None:
        """Read two slides of the project; what was read before is closed."""
        self.close()
        project = self._session.project
        if project is None:
            return
        for i, slide_id in enumerate(pair):
            self._background.run(
                partial(_open, project, slide_id, self._session.colour_managed),
                partial(self._opened, i),
                partial(self._failed, i),
                dropped=close_source,
            )
        self.compare(pair)

    def compare(self, pair: tuple[str, str]) -> None:
        """Find the tiles that look alike (again: a slide was embedded, or the model changed)."""
        project, results = self._session.project, self._session.results
        if project is not None:
            work = partial(compare_slides, project, results, *pair)
            self._background.run(work, self._compared, partial(self._not_compared, pair))

    def close(self) -> None:
        """Let go of both slides, and of what is still being read."""
        self._background.forget()
        for source in self._sources:
            close_source(source)
        self._sources.clear()

    def _opened(self, i: int, source: TileSource) -> None:
        self._sources.append(source)
        self.opened.emit(i, source)

    def _failed(self, i: int, error: BaseException) -> None:
        if isinstance(error, LookalikeError):
            self.failed.emit(i, str(error))
        else:
            self.failed.emit(i, "It cannot be shown.")
            report(self._session, error)

    def _compared(self, found: Comparison) -> None:
        self.compared.emit(found)
        project = self._session.project
        if project is not None and found.rows:
            work = partial(read_pictures, project, found)
            self._background.run(work, self.pictured.emit, self._not_pictured)

    def _not_compared(self, pair: tuple[str, str], error: BaseException) -> None:
        """The slides are shown all the same."""
        report(self._session, error)
        a, b = (SideTiles(s, missing="Its tiles could not be compared.") for s in pair)
        self.compared.emit(Comparison(a, b))

    def _not_pictured(self, error: BaseException) -> None:
        """The rows stay without pictures; a slide that cannot be read says so in its pane."""
        if not isinstance(error, LookalikeError):
            report(self._session, error)


def _open(project: Project, slide_id: str, colour_managed: bool) -> TileSource:
    """Open a slide in the colours that the canvas shows too. For a thread."""
    source = open_warm(project, slide_id)
    if colour_managed:
        source.set_colour_managed(True)
    return source
