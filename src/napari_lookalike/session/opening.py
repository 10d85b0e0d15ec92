"""Opening, making and closing a project. What is broken is said; the rest opens."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from napari_lookalike.core.bookmarks import Bookmark, read_bookmarks
from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import LookalikeError, TableError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.outbox import Outbox, table_for
from napari_lookalike.core.project import Project
from napari_lookalike.core.projection import project as project_map
from napari_lookalike.core.results import ModelResults, Projection
from napari_lookalike.core.results_here import left_out_sentence, results_here
from napari_lookalike.core.settings import ProjectSettings
from napari_lookalike.session.case_rows import CaseGroup, CaseMemory
from napari_lookalike.session.case_view import remember_cases, resolve_cases
from napari_lookalike.session.evidence import said_unchecked
from napari_lookalike.session.expert import kept_expert
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import OverlaySettings, Session, Waiting
from napari_lookalike.session.suggested import Suggested

ANSWER_S = 2.0
"""How long opening waits for the server of a shared table, of which something is known here."""


@dataclass(frozen=True, eq=False)
class Opened:
    """All that is read of a project before it is shown.

    Parameters
    ----------
    project
        The open folder.
    marks, evidence, bookmarks, results, embedded
        As the session has them.
    projection
        The first map of the results.
    first
        slide_id of the first slide that can be shown; ``None`` if there is none.
    said
        What was found broken, as sentences.
    cases
        The rows of the list of cases, made where nobody waits for them.
    memory
        What the next resolving of them can take over.
    waiting
        How many changes of the marks the server of a shared table has yet to get.
    """

    project: Project
    marks: tuple[PairMark, ...] = ()
    evidence: tuple[EvidenceTile, ...] = ()
    bookmarks: tuple[Bookmark, ...] = ()
    results: ModelResults | None = None
    projection: Projection | None = None
    embedded: frozenset[str] = frozenset()
    first: str | None = None
    said: tuple[str, ...] = ()
    cases: tuple[CaseGroup, ...] = ()
    memory: CaseMemory = field(default_factory=CaseMemory)
    waiting: int = 0


def open_project(session: Session, root: Path | str) -> Project:
    """Open a project and show its first slide.

    Damaged results, a damaged table or a read-only folder do not stop it: each becomes a
    part of the session's notice. `read_project` and `show_project` are its two halves; the
    first needs no window and may run in a thread.

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
    opened = read_project(root)
    show_project(session, opened)
    return opened.project


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
    show_project(session, _read(project))
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
    session.projection_before = session.projection = session.live = None
    session.early, session.coverage, session.unasked = None, 1.0, frozenset()
    session.results_before = session.results = None
    session.marks, session.evidence, session.waiting = (), (), Waiting()
    session.bookmarks = _of_single_slides(session)
    session.embedded, session.failures = frozenset(), {}
    session.missing = frozenset()
    session.suggestions, session.proposal = Suggested(), None
    session.cohort = Cohort()
    session.project = None
    session.history.clear()


def read_project(root: Path | str) -> Opened:
    """Read a project with all that its panels show, but no slide file.

    Raises
    ------
    ProjectError
        If it is no project or cannot be read.
    """
    return _read(Project.open(root))


def _read(project: Project) -> Opened:
    said = [project.warning] if project.warning else []
    marks, evidence, waiting = _marks(project, said)
    results, bookmarks = _results(project, said), _bookmarks(project, said)
    embedded = _embedded(project)
    if project.read_only:
        said.append("The project folder is read-only: you can look, but nothing can be kept.")
    # One slide is asked for, or a few: whether thousands are there is looked up later.
    first = next((s.slide_id for s in project.cohort if not s.excluded and s.is_there), None)
    memory = CaseMemory()
    cases = resolve_cases(project.cohort, results, marks, embedded=embedded, memory=memory)
    memory.listed(cases)
    return Opened(
        project,
        marks,
        evidence,
        bookmarks,
        results,
        project_map(results, "pca") if results is not None and results.slides else None,
        embedded,
        first,
        tuple(said),
        cases,
        memory,
        waiting,
    )


def show_project(session: Session, opened: Opened) -> None:
    """Show what `read_project` read; what the session had open is closed first."""
    project = opened.project
    close_project(session)
    session.expert = session.expert or kept_expert()
    session.project = project
    session.cohort = project.cohort
    session.marks, session.evidence = opened.marks, opened.evidence
    session.waiting = Waiting(opened.waiting)
    session.bookmarks = (*opened.bookmarks, *_of_single_slides(session))
    session.embedded = opened.embedded
    # The map before its results: whoever draws it has nothing left to compute.
    session.projection = opened.projection
    session.results = opened.results
    if opened.results is not None and not project.read_only:
        # It spoke of other slides under their names: it is asked about these.
        session.unasked = frozenset(opened.results.left_out) & opened.embedded
    remember_cases(session, opened.cases, opened.memory)
    if opened.first is not None:
        session.slide_id = opened.first
    said = (*opened.said, *said_unchecked(session))
    if said:
        session.say(" ".join(said), "warning")


def say_missing(session: Session) -> None:
    """Say how many slides are not where they were (``session.missing``), if any."""
    missing = session.missing
    if missing:
        where = "is not where it was" if len(missing) == 1 else "are not where they were"
        session.say(f"{count(len(missing), 'slide')} {where}: use Relink.", "warning")


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
) -> tuple[tuple[PairMark, ...], tuple[EvidenceTile, ...], int]:
    """Marks, evidence tiles, and how many changes wait for a server."""
    try:
        table = table_for(project)
        if isinstance(table, Outbox):
            _ask_server(table, said)
            marks, evidence, _ = table.held()
            return marks, evidence, table.waiting()
        return table.rows(), table.evidence(), 0
    except LookalikeError as error:
        said.append(f"The look-alikes cannot be shown: {error}")
        return (), (), 0


def _ask_server(table: Outbox, said: list[str]) -> None:
    """What others did, if the server answers soon; else what this computer knew last will do.

    Raises
    ------
    TableError
        If nothing is known here, and the server does not answer.
    """
    if not table.known:
        table.sync()
        return
    failed: list[TableError] = []

    def ask() -> None:
        try:
            table.sync()
        except TableError as error:
            failed.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_S)
    if thread.is_alive() or failed:
        why = failed[0].what if failed else "The server of the shared table does not answer."
        said.append(
            f"{why} Its marks are shown as this computer knew them last. You can go on: what you "
            "mark is kept here and sent later."
        )


def _results(project: Project, said: list[str]) -> ModelResults | None:
    version = project.current_version
    if version is None:
        return None
    try:
        results = results_here(project, version)
    except LookalikeError as error:
        said.append(f"Model {version} cannot be shown: {error}")
        return None
    if results.left_out:
        said.append(left_out_sentence(results))
    return results


def refresh_embedded(session: Session) -> None:
    """Look on the disk which slides have features by the project's encoder."""
    if session.project is not None:
        session.embedded = _embedded(session.project)


def _embedded(project: Project) -> frozenset[str]:
    try:
        return project.embedded()
    except LookalikeError:  # the encoder's weights are gone, say: the Embed panel tells why
        return frozenset()


def refresh_project(session: Session) -> None:
    """Take over what a job in another process wrote into the project."""
    if session.project is not None:
        session.project.reload()
        session.cohort = session.project.cohort
        refresh_embedded(session)
