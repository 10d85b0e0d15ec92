"""What others do to the table: seen within seconds, without asking the window to wait."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.hard_negatives.answers import Decision
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.old_answers import with_old_file
from napari_lookalike.core.hard_negatives.outbox import Outbox
from napari_lookalike.core.hard_negatives.table import HardNegativeTable, Held
from napari_lookalike.core.project import Project
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import Session, Waiting

SLOW = "Its server has not answered yet."


@dataclass(frozen=True)
class News:
    """What was found at a table.

    Parameters
    ----------
    place
        Where the table lies.
    held
        Marks, evidence tiles and the number of the last change.
    disputed
        Numbers of marks that a colleague had changed at the same time as this session.
    waiting
        How many changes a server has yet to get.
    answers
        Answers to suggestions, oldest first.
    """

    place: Path | str
    held: Held
    disputed: tuple[int, ...] = ()
    waiting: int = 0
    answers: tuple[Decision, ...] = ()


def look(place: Path | str, seen: int) -> News | None:
    """What a table holds, if it changed since; for a thread, knows nothing of the session.

    What waits for the server of a shared table is sent first.

    Parameters
    ----------
    place
        ``Project.table_place``.
    seen
        Number of the last change that is known; -1 = none.

    Raises
    ------
    TableError
        If the table cannot be read, or what waits cannot be sent.
    """
    if isinstance(place, str):
        synced = Outbox(place).sync(seen)
        if synced is None:
            return None
        return News(place, synced.held, synced.disputed, synced.waiting, synced.answers)
    table = HardNegativeTable(place, timeout_s=1.0)
    last = table.last_change()
    if last in (seen, 0):  # nothing new; or no table yet, or one that has gone
        return None
    held = table.held()  # before the answers: what comes in between is asked for again
    return News(place, held, answers=table.answers())


def take_over(session: Session, news: News) -> bool:
    """Show what others did, and say so; whether anything is new.

    Nothing is taken over from the table of a project that was closed meanwhile.
    """
    project = session.project
    if project is None or project.table_place != news.place:
        return False
    marks, evidence, _ = news.held
    arrived(session, news.waiting)
    if news.disputed:
        session.say(said_disputed(news.disputed[0]), "warning")
    answers = _with_old(project, news.answers)
    known = session.suggestions.decisions
    if (marks, evidence, answers) == (session.marks, session.evidence, known):
        return False
    said = " ".join(part for part in (_told(session, marks), _rejected(session, answers)) if part)
    session.marks, session.evidence = marks, evidence
    if answers != known:
        session.suggestions = replace(session.suggestions, decisions=answers)
    if said and not news.disputed:
        session.say(said)
    return True


def arrived(session: Session, waiting: int = 0) -> None:
    """Note that the server answered; say so where the user was told that something waits."""
    if session.waiting.why and not waiting:
        session.say("The server of the shared table has everything now.")
    session.waiting = Waiting(waiting)


def delayed(session: Session, why: str) -> bool:
    """Note why changes wait, and say so the first time; whether any do.

    Parameters
    ----------
    session
        The state.
    why
        The reason, as a sentence.
    """
    n = session.waiting.n
    if not n:
        return False
    told = bool(session.waiting.why)
    session.waiting = Waiting(n, why)
    if not told:
        session.say(said_waiting(session.waiting), "warning")
    return True


def said_waiting(waiting: Waiting) -> str:
    """That changes wait, and what to do; empty where none do, or they are on their way."""
    if not waiting.n or not waiting.why:
        return ""
    one = waiting.n == 1
    return (
        f"{count(waiting.n, 'change')} {'waits' if one else 'wait'} for the shared table. "
        f"{waiting.why} {'It is' if one else 'They are'} kept on this computer and sent as soon "
        "as that is over, also after a restart: you can go on."
    )


def said_disputed(mark_id: int) -> str:
    """That a colleague was faster."""
    return (
        f"A colleague changed mark {mark_id} at the same time. Both versions are kept and "
        "the mark is disputed, so it is not used: look at its history, then set its status."
    )


def _with_old(project: Project, answers: tuple[Decision, ...]) -> tuple[Decision, ...]:
    """With those that older versions kept in a file, where it can be read."""
    with suppress(ProjectError):  # said when the project was opened
        return with_old_file(project.root, answers)
    return answers


def _rejected(session: Session, answers: tuple[Decision, ...]) -> str:
    """What colleagues rejected since; empty if nothing."""
    there = session.suggestions
    if there.found is None and not there.looking:
        return ""  # nobody has read yet what was answered before
    known = {answer.deed for answer in there.decisions}
    new = [
        answer
        for answer in answers
        if answer.what == "reject" and answer.who != session.expert and answer.deed not in known
    ]
    if not new:
        return ""
    if len(new) > 1:
        return f"Colleagues rejected {count(len(new), 'suggestion')}."
    return f"{new[0].who or 'Somebody'} rejected {new[0].a} and {new[0].b}."


def _told(session: Session, marks: tuple[PairMark, ...]) -> str:
    known = {mark.id: mark for mark in session.marks}
    new = [mark for mark in marks if mark.id not in known]
    changed = [mark for mark in marks if mark.id in known and known[mark.id] != mark]
    who = sorted({mark.expert for mark in new if mark.expert and mark.expert != session.expert})
    parts = []
    if new:
        parts.append(f"{count(len(new), 'mark')} came in" + (f" from {', '.join(who)}" * bool(who)))
    if changed:
        were = "was" if len(changed) == 1 else "were"
        parts.append(f"{count(len(changed), 'mark')} {were} changed by others")
    return f"{', '.join(parts)}." if parts else ""
