"""Where a project and its slides come from: folders and manifests, read beside the window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.manifest import ManifestResult, read_manifest, scan_folder
from napari_lookalike.core.project_file import FILE_NAME
from napari_lookalike.core.relink import relinked
from napari_lookalike.session.cohort_commands import RelinkSlides, add_new_slides
from napari_lookalike.session.needs import count
from napari_lookalike.session.opening import Opened, new_project, read_project, show_project
from napari_lookalike.session.selection import open_slide
from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import report, reported

NEXT = "Next: give each slide its subtype in the table, then go to <b>Embed</b>."
OPENING = "Opening the project …"

TOLD = 8
"""Problems of a manifest or folder that are written out."""


class ProjectSources(QObject):
    """Makes and opens projects, adds slides, finds those that were moved.

    Parameters
    ----------
    session, runner
        Of the viewer.
    parent
        The panel that dialogs belong to.

    Signals
    -------
    changed()
        Something began or ended to be read.
    said(str)
        What to tell beside the buttons; empty = nothing.
    """

    changed = Signal()
    said = Signal(str)

    def __init__(self, session: Session, runner: JobRunner, parent: QWidget) -> None:
        super().__init__(parent)
        self.session, self.runner, self._panel = session, runner, parent
        self.job: int | None = None
        self._opening = False
        self._background = Background(session, parent)

    @property
    def busy(self) -> bool:
        """Whether a project is being opened, or slides are being read."""
        return self._opening or self.job is not None

    def _folder(self, title: str) -> Path | None:
        name = QFileDialog.getExistingDirectory(self._panel, title)
        return Path(name) if name else None

    def _manifest(self) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(
            self._panel, "Manifest", "", "Tables (*.csv *.tsv *.txt)"
        )
        return Path(name) if name else None

    def new_from_folder(self) -> None:
        """Ask for a folder of slides and make a project of it."""
        if (source := self._folder("Folder of slides")) is not None:
            self.make(source)

    def new_from_manifest(self) -> None:
        """Ask for a manifest and make a project of it."""
        if (source := self._manifest()) is not None:
            self.make(source)

    def make(self, source: Path, root: Path | None = None) -> None:
        """Make a project from a folder of slides or a manifest.

        Parameters
        ----------
        source
            The folder or the manifest.
        root
            Where the project goes; asked for if not given.
        """
        root = root or self._folder("Folder for the new project (empty, or a new one)")
        if root is None:
            return
        with reported(self.session):  # before every slide is read in vain
            if (root / FILE_NAME).exists():
                raise ProjectError("There is a project in this folder already.", "Open it instead.")
            self._read(source, partial(self._made, root))

    def _made(self, root: Path, found: ManifestResult) -> None:
        new_project(self.session, root, found.cohort)
        self._tell(found, NEXT)

    def open(self) -> None:
        """Ask for a project folder and open it."""
        if (root := self._folder("Project folder")) is not None:
            self.open_root(root)

    def open_root(self, root: Path) -> None:
        """Open a project: read in a thread, since it may have ten thousand slides."""
        self._opening = True
        self._told(OPENING)
        self._background.run(partial(read_project, root), self._opened, self._not_opened)

    def _opened(self, found: Opened) -> None:
        self._opening = False
        show_project(self.session, found)
        self._told("")

    def _not_opened(self, error: BaseException) -> None:
        self._opening = False
        self._told("")
        report(self.session, error)

    def add_folder(self) -> None:
        """Ask for a folder of slides and add them."""
        if (source := self._folder("Folder of slides")) is not None:
            self._read(source, self._added)

    def add_manifest(self) -> None:
        """Ask for a manifest and add its slides."""
        if (source := self._manifest()) is not None:
            self._read(source, self._added)

    def _added(self, found: ManifestResult) -> None:
        n = len(add_new_slides(self.session, found.cohort))
        self._tell(found, f"{count(n, 'slide')} of them were here already." if n else "")

    def _read(self, source: Path, done: Callable[[ManifestResult], None]) -> None:
        """Read a cohort in the child process; its slides are opened one by one."""
        reader = scan_folder if source.is_dir() else read_manifest
        self._start(reader, source, title="Reading slides", done=done)

    def _start(
        self, function: Callable[..., Any], *args: Any, title: str, done: Callable[[Any], None]
    ) -> None:
        self.job = self.runner.run(
            function,
            *args,
            title=title,
            on_result=partial(self._finished, done),
            on_error=self._failed,
        )
        self.changed.emit()

    def _finished(self, done: Callable[[Any], None], found: Any) -> None:
        self.job = None
        self._told("")
        with reported(self.session):
            done(found)

    def _failed(self, error: BaseException) -> None:
        self.job = None
        self._told("")
        report(self.session, error)

    def stop(self) -> None:
        """Stop what is being read."""
        if self.job is not None:
            self.runner.cancel(self.job)

    def _tell(self, found: ManifestResult, more: str) -> None:
        lines = [f"{count(len(found.cohort), 'slide')} read. {more}".strip()]
        if found.problems:
            lines.append(f"<b>{len(found.problems)} left out:</b>")
            lines += [str(problem) for problem in found.problems[:TOLD]]
            if len(found.problems) > TOLD:
                lines.append(f"… and {len(found.problems) - TOLD} more.")
        if found.note:
            lines.append(escape(found.note))
        self._told("<br>".join(lines))

    def relink(self) -> None:
        """Ask where the slides are now, and find them by their content."""
        if (folder := self._folder("Folder that holds the slides now")) is not None:
            self._start(
                relinked,
                self.session.cohort,
                folder,
                title="Looking for slides",
                done=self._relinked,
            )

    def _relinked(self, found: tuple[SlideRecord, ...]) -> None:
        lost = len(self.session.missing)
        if found:
            self.session.history.do(RelinkSlides({r.slide_id: r.path for r in found}))
        self._told(f"{count(len(found), 'slide')} found again, of {lost} that were missing.")
        if self.session.slide_id is None and found:
            open_slide(self.session, found[0].slide_id)

    def _told(self, text: str) -> None:
        self.said.emit(text)
        self.changed.emit()
