"""What an edit needs of the session before it can be made."""

from __future__ import annotations

from collections.abc import Sequence

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.project import Project
from napari_lookalike.session.session import Session

ROWS_TOLD = 5


def open_project_of(session: Session) -> Project:
    """The open project.

    Raises
    ------
    ProjectError
        If none is open.
    """
    if session.project is None:
        raise ProjectError("No project is open.", "Open one, or make a new one, in Project.")
    return session.project


def writable_project_of(session: Session) -> Project:
    """The open project, if it can be changed.

    Raises
    ------
    ProjectError
        If none is open, or its folder is read-only.
    """
    project = open_project_of(session)
    project.check_writable()
    return project


def count(n: int, what: str) -> str:
    """A number and its noun: "1 slide" or "3 slides"."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def rows_left_out(problems: Sequence[tuple[int, str]]) -> str:
    """What to tell of rows of a file that were wrong: the first of them, each with its line.

    Parameters
    ----------
    problems
        (line of the file, sentence).

    Returns
    -------
    str
        Empty where all rows were right.
    """
    if not problems:
        return ""
    told = [f"line {line}: {sentence}" for line, sentence in problems[:ROWS_TOLD]]
    more = len(problems) - len(told)
    return "\n".join(
        [f"{count(len(problems), 'row')} left out; {told[0]}", *told[1:]]
        + ([f"… and {more} more."] if more else [])
    )
