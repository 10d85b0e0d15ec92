"""What others do to the table: seen within seconds, without asking the window to wait."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.table import HardNegativeTable, Held
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import Session


@dataclass(frozen=True)
class News:
    """What was found at a table.

    Parameters
    ----------
    place
        Where the table lies.
    held
        Marks, evidence tiles and the number of the last change.
    """

    place: Path | str
    held: Held


def look(place: Path | str, seen: int) -> News | None:
    """What a table holds, if it changed since; for a thread, knows nothing of the session.

    Parameters
    ----------
    place
        ``Project.table_place``.
    seen
        Number of the last change that is known; -1 = none.

    Raises
    ------
    TableError
        If the table cannot be read.
    """
    table = HardNegativeTable(place, timeout_s=1.0)
    last = table.last_change()
    if last in (seen, 0):  # nothing new; or no table yet, or one that has gone
        return None
    return News(place, table.held())


def take_over(session: Session, news: News) -> bool:
    """Show what others did, and say so; whether anything is new.

    Nothing is taken over from the table of a project that was closed meanwhile.
    """
    project = session.project
    if project is None or project.table_place != news.place:
        return False
    marks, evidence, _ = news.held
    if (marks, evidence) == (session.marks, session.evidence):
        return False
    said = _told(session, marks)
    session.marks, session.evidence = marks, evidence
    if said:
        session.say(said)
    return True


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
