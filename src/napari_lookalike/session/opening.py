"""Opening, making and closing a project. What is broken is said; the rest opens."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.bookmarks import Bookmark, read_bookmarks
from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, load_results
from napari_lookalike.core.settings import ProjectSettings
from napari_lookalike.session.expert import kept_expert
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import OverlaySettings, Session


def open_project(session: Session, root: Path | str) -> Project:
    """Open a project and show its first slide.

    Damaged results, a damaged table, missing slides or a read-only folder do not stop
    it: each becomes a part of the session's notice.

    Parameters
    ----------
    session
        The state; what it had open is closed first.
    root
        The project folder, or the ``project.json`` in it.

    Raises
    ------
    ProjectError
        If it is no project or cannot be read; what was open stays open.
    """
    project = Project.open(root)
    _show(session, project)
    return project


def new_project(
    session: Session, root: Path | str, cohort: Cohort, settings: ProjectSettings | None = None
) -> Project:
    """Make a project and open it.

    Raises
    ------
    ProjectError
        If it cannot be made there; what was open stays open.
    """
    project = Project.create(root, cohort, settings)
    _show(session, project)
    return project


def close_project(session: Session) -> None:
    """Close what is open; everything is on the disk already."""
    session.twin = None
    session.slide_id = None
    session.selection = ()
    session.focus = None
    session.tissue = None
    session.overlay = OverlaySettings()
    session.shown_map = None
    session.show_patient_ids = False
    session.projection_before = session.projection = None
    session.early, session.coverage, session.unasked = None, 1.0, frozenset()
    session.results_before = session.results = None
    session.marks, session.evidence = (), ()
    session.bookmarks = _of_single_slides(session)
    session.embedded, session.failures = frozenset(), {}
    session.cohort = Cohort()
    session.project = None
    session.history.clear()


def _show(session: Session, project: Project) -> None:
    said = [project.warning] if project.warning else []
    marks = _marks(project, said)
    results = _results(project, said)
    bookmarks = _bookmarks(project, said)
    close_project(session)
    session.expert = session.expert or kept_expert()
    session.project = project
    session.cohort = project.cohort
    session.marks, session.evidence = marks
    session.bookmarks = (*bookmarks, *_of_single_slides(session))
    refresh_embedded(session)
    session.results = results
    missing = project.missing()
    if missing:
        where = "is not where it was" if len(missing) == 1 else "are not where they were"
        said.append(f"{count(len(missing), 'slide')} {where}: use Relink.")
    if project.read_only:
        said.append("The project folder is read-only: you can look, but nothing can be kept.")
    first = next((s for s in project.cohort if not s.excluded and s.slide_id not in missing), None)
    if first is not None:
        session.slide_id = first.slide_id
    if said:
        session.say(" ".join(said), "warning")


def _of_single_slides(session: Session) -> tuple[Bookmark, ...]:
    """Bookmarks of slides that were opened by themselves: they outlast a project."""
    return tuple(b for b in session.bookmarks if not b.of_project)


def _bookmarks(project: Project, said: list[str]) -> tuple[Bookmark, ...]:
    try:
        return read_bookmarks(project.root)
    except LookalikeError as error:
        said.append(f"The bookmarks cannot be shown: {error}")
        return ()


def _marks(
    project: Project, said: list[str]
) -> tuple[tuple[PairMark, ...], tuple[EvidenceTile, ...]]:
    try:
        table = HardNegativeTable(project.table_path)
        return table.rows(), table.evidence()
    except LookalikeError as error:
        said.append(f"The look-alikes cannot be shown: {error}")
        return (), ()


def _results(project: Project, said: list[str]) -> ModelResults | None:
    version = project.current_version
    if version is None:
        return None
    try:
        return load_results(project.version_dir(version))
    except LookalikeError as error:
        said.append(f"Model {version} cannot be shown: {error}")
        return None


def refresh_embedded(session: Session) -> None:
    """Look on the disk which slides have features by the project's encoder."""
    project = session.project
    if project is None:
        return
    try:
        there = {s.slide_id for s in project.cohort if project.features_path(s.slide_id).exists()}
    except LookalikeError:  # the encoder's weights are gone, say: the Embed panel tells why
        there = set()
    session.embedded = frozenset(there)


def refresh_project(session: Session) -> None:
    """Take over what a job in another process wrote into the project."""
    if session.project is not None:
        session.project.reload()
        session.cohort = session.project.cohort
        refresh_embedded(session)
