"""Answers in the database: each function works in a transaction of the caller's."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import asdict, replace

import sqlalchemy as sa

from napari_lookalike.core.hard_negatives.answers import Decision, checked_answer, decision_from
from napari_lookalike.core.hard_negatives.log import Act, write_log
from napari_lookalike.core.hard_negatives.schema import ANSWERS, lacks


def read_answers(connection: sa.Connection) -> tuple[Decision, ...]:
    """All answers, oldest first; those of one second in the order in which they came."""
    if lacks(connection, ANSWERS):
        return ()
    found = (decision_from(dict(row)) for row in connection.execute(_ALL).mappings())
    return tuple(decision for decision in found if decision is not None)


# "*" and not our columns: a newer file may have more.
_ALL = sa.text("SELECT * FROM answers ORDER BY time, id")


def put_answer(connection: sa.Connection, decision: Decision, act: Act) -> Decision:
    """Store a new answer.

    Parameters
    ----------
    connection
        In a transaction that writes.
    decision
        The answer; an empty time becomes the present, and an empty name a new one.
    act
        Who does it.

    Raises
    ------
    TableError
        If it is not valid (see `answers.checked_answer`).
    """
    decision = checked_answer(decision)
    # What is said later holds, also where a computer's clock was set back in between.
    time = max(decision.time, _last_time(connection, decision))
    return insert_answer(connection, replace(decision, time=time), act)


def _last_time(connection: sa.Connection, decision: Decision) -> str:
    """When the same expert answered the same pair last; empty if never."""
    c, a, b = ANSWERS.c, decision.a, decision.b
    same = ((c.a == a) & (c.b == b)) | ((c.a == b) & (c.b == a))
    of = (c.who == decision.who) & (c.level == decision.level) & same
    return str(connection.execute(sa.select(sa.func.max(c.time)).where(of)).scalar() or "")


def insert_answer(connection: sa.Connection, decision: Decision, act: Act) -> Decision:
    """Add a row as it is, and to the log."""
    decision = replace(decision, deed=decision.deed or uuid.uuid4().hex)
    number = _insert(connection, decision)
    stored = replace(decision, id=number)
    act = replace(act, who=act.who or decision.who, what=act.what or decision.what)
    write_log(connection, act, None, stored)
    return stored


def put_missing(
    connection: sa.Connection, decisions: Iterable[Decision], act: Act | None
) -> dict[str, int]:
    """Store those answers that the table does not have.

    Parameters
    ----------
    connection
        In a transaction that writes.
    decisions
        Answers that have names.
    act
        Who does it, for the log; ``None`` = no log tells: they are a server's.

    Returns
    -------
    dict
        Name -> number of the row, of those that were stored.
    """
    known = set(connection.execute(sa.select(ANSWERS.c.deed)).scalars())
    stored: dict[str, int] = {}
    for decision in decisions:
        if decision.deed in known:
            continue
        known.add(decision.deed)
        if act is None:
            stored[decision.deed] = _insert(connection, decision)
        else:
            stored[decision.deed] = insert_answer(connection, decision, act).id
    return stored


def numbers_of(connection: sa.Connection) -> dict[str, int]:
    """Name of each answer -> its row."""
    found = connection.execute(sa.select(ANSWERS.c.deed, ANSWERS.c.id))
    return {str(deed): int(number) for deed, number in found}


def _insert(connection: sa.Connection, decision: Decision) -> int:
    values = {k: v for k, v in asdict(decision).items() if k != "id"}
    values["reasons"] = ";".join(decision.reasons)
    key = connection.execute(ANSWERS.insert().values(**values)).inserted_primary_key
    return int(key[0]) if key else 0
