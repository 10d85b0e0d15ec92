"""The decision log: every change of the table, in order, never rewritten."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any, Literal

import sqlalchemy as sa

from napari_lookalike.core.hard_negatives.answers import Decision
from napari_lookalike.core.hard_negatives.checks import now
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.schema import LOG, lacks

Subject = Literal["mark", "evidence", "answer"]
Row = PairMark | EvidenceTile | Decision


@dataclass(frozen=True)
class LogEntry:
    """One change of the table.

    Parameters
    ----------
    time
        ISO 8601 in UTC.
    who
        Who did it, empty if not stated.
    what
        "add", "mark again", "edit", "retire", "restore", "import", "merge", "conflict", or
        of an evidence tile "point", "point again", "second opinion" and so on; of an answer
        to a suggestion "accept", "reject", "later", "withdraw".
    row
        Number of the mark, of the evidence tile, or of the answer.
    before, after
        The row's columns before and after; ``None`` where there was no row. The
        fingerprints of the slides are among them.
    subject
        What ``row`` counts: "mark", "evidence" or "answer".
    model_version
        The model that was on the screen; empty if none.
    other
        Columns that somebody wanted and that lost a conflict; ``None`` elsewhere.
    applied
        Whether the row was given ``after``. ``False``: history that came with another
        table, kept for the record.
    deed
        A name that no other change has, on whichever computer it was made; empty in logs
        of before there were any.
    """

    time: str
    who: str
    what: str
    row: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    subject: Subject = "mark"
    model_version: str = ""
    other: dict[str, Any] | None = None
    applied: bool = True
    deed: str = ""


@dataclass(frozen=True)
class Act:
    """Who does something to the table.

    Parameters
    ----------
    who
        A name; empty if not stated.
    what
        The word for the log.
    model_version
        The model that is on the screen.
    time
        When it was done, ISO 8601 in UTC; empty = now.
    deed
        What `LogEntry` calls so, of something that was done elsewhere; empty = something new.
    """

    who: str = ""
    what: str = ""
    model_version: str = ""
    time: str = ""
    deed: str = ""


def write_log(
    connection: sa.Connection,
    act: Act,
    before: Row | None,
    after: Row,
    other: Row | None = None,
) -> None:
    """Note a change, in the transaction that makes it.

    Parameters
    ----------
    connection
        In a transaction that writes.
    act
        Who does what.
    before, after
        The row as it was and is.
    other
        What somebody wanted instead, in a conflict.
    """
    subject: Subject = "evidence" if isinstance(after, EvidenceTile) else "mark"
    if isinstance(after, Decision):
        subject = "answer"
    of_row = "" if isinstance(after, EvidenceTile) else after.model_version
    connection.execute(
        LOG.insert().values(
            time=act.time or now(),
            who=act.who,
            what=act.what,
            row=after.id,
            before=asdict(before) if before else None,
            after=asdict(after),
            subject=subject,
            model_version=act.model_version or of_row,
            other=asdict(other) if other else None,
            applied=True,
            deed=act.deed or uuid.uuid4().hex,
        )
    )


def read_log(connection: sa.Connection, after: int = 0) -> tuple[LogEntry, ...]:
    """Entries in order, from the one that follows number ``after``.

    Parameters
    ----------
    connection
        Any.
    after
        Number of the last entry that is known.
    """
    inspector = sa.inspect(connection)
    if not inspector.has_table(LOG.name):
        return ()
    there = {c["name"] for c in inspector.get_columns(LOG.name)}  # an older file has fewer
    names = [c for c in LOG.columns if c.name != "id" and c.name in there]
    found = connection.execute(sa.select(*names).where(LOG.c.id > after).order_by(LOG.c.id))
    return tuple(LogEntry(**row) for row in found.mappings())


def last_entry(connection: sa.Connection) -> int:
    """Number of the last entry; 0 where nothing was done yet."""
    if lacks(connection, LOG):
        return 0
    return int(connection.execute(sa.select(sa.func.max(LOG.c.id))).scalar() or 0)
