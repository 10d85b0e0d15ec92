"""What lies in an outbox's file beside the table: what was sent, and numbers for new rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import sqlalchemy as sa

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.log import LogEntry, last_entry, read_log
from napari_lookalike.core.hard_negatives.schema import LOG, lacks

BLOCK = 2000
"""Numbers that a computer gets from the server at a time, for rows that it will make."""

Unsent = tuple[tuple[LogEntry, ...], int]
"""Entries of the log, and the number of the last one."""

STATE = sa.Table(
    "outbox",
    sa.MetaData(),
    sa.Column("name", sa.String(), primary_key=True),
    sa.Column("value", sa.Integer(), nullable=False),
)
"""``sent``: the last entry of the log that the server has. ``pairs next``, ``pairs end`` and
``evidence next``, ``evidence end``: numbers to give. ``mark 7``: what the server calls mark 7."""


def take_number(connection: sa.Connection, table: str) -> int:
    """The next number for a new row, of those that the server gave.

    Raises
    ------
    TableError
        If there is none: the server never answered, or too much was done without it.
    """
    state = read_state(connection)
    number = state.get(f"{table} next", 0)
    if not 0 < number <= state.get(f"{table} end", -1):
        raise TableError(
            "The server of the shared table has given no number for a new row, so nothing was "
            "changed.",
            "Check the network, and whether you may write to the shared table. More than "
            f"{BLOCK // 2} rows at once are brought in by `pairs import`.",
        )
    set_state(connection, {f"{table} next": number + 1})
    return number


def count_waiting(connection: sa.Connection) -> int:
    """How many entries of the log the server does not have, as far as is known here."""
    if lacks(connection, STATE):
        return 0
    sent = read_state(connection).get("sent", 0)
    later = (LOG.c.id > sent) & LOG.c.applied
    return int(connection.execute(sa.select(sa.func.count()).where(later)).scalar() or 0)


def read_unsent(connection: sa.Connection, state: dict[str, int]) -> Unsent:
    """Entries that the server does not have yet."""
    return read_log(connection, state.get("sent", 0)), last_entry(connection)


def read_state(connection: sa.Connection) -> dict[str, int]:
    """What `STATE` holds; nothing where the server never answered."""
    if lacks(connection, STATE):
        return {}
    return {name: int(value) for name, value in connection.execute(sa.select(STATE))}


def set_state(connection: sa.Connection, values: dict[str, int]) -> None:
    """Set these, and leave the others."""
    for name, value in values.items():
        connection.execute(STATE.delete().where(STATE.c.name == name))
        connection.execute(STATE.insert().values(name=name, value=value))


def fill(
    connection: sa.Connection, table: sa.Table, rows: Iterable[PairMark | EvidenceTile]
) -> None:
    """Other rows in the place of those that are there; they are the server's, so no log tells."""
    connection.execute(table.delete())
    values = [asdict(row) for row in rows]
    if values:
        connection.execute(table.insert(), values)


def reserve(connection: sa.Connection, table: sa.Table) -> tuple[int, int]:
    """First and last of a block of numbers that nobody else gets."""
    found = connection.execute(
        sa.text(
            "SELECT min(n), max(n), count(*) FROM (SELECT nextval(pg_get_serial_sequence("
            ":table, 'id')) AS n FROM generate_series(1, :block)) AS given"
        ),
        {"table": table.name, "block": BLOCK},
    ).one()
    first, end, n = (int(value) for value in found)
    # Our programs write one at a time; another one may have taken numbers in between.
    return (first, end) if end - first + 1 == n else (end, end)
