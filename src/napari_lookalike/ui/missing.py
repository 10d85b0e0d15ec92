"""Looks up which slide files are gone, in a thread: they may lie on a slow network disk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import QObject

from napari_lookalike.core.project import Project
from napari_lookalike.session.opening import say_missing
from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background


class MissingFiles(QObject):
    """Keeps ``session.missing`` up to date, and says once per project what is missing.

    Parameters
    ----------
    session
        The state of one viewer.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._background = Background(session)
        self._told: Project | None = None
        self._paths: list[Path] = []
        session.events.cohort.connect(self.look)
        self.look()

    @property
    def busy(self) -> bool:
        """Whether files are being looked up."""
        return self._background.busy

    def look(self, *_: object) -> None:
        """Look again if slides or their files are others; earlier answers are dropped."""
        project = self._session.project
        paths = [record.path for record in self._session.cohort]
        if paths == self._paths and project is self._told:
            return  # a subtype was changed, say
        self._paths = paths
        self._background.forget()
        if project is None:
            self._found(None, ())
            return
        self._background.run(project.missing, partial(self._found, project))

    def _found(self, project: Project | None, missing: tuple[str, ...]) -> None:
        session = self._session
        if frozenset(missing) != session.missing:
            session.missing = frozenset(missing)
        if project is not None and project is not self._told:
            self._told = project
            say_missing(session)

    def close(self) -> None:
        """Look no more."""
        self._session.events.cohort.disconnect(self.look, missing_ok=True)
        self._background.forget()
