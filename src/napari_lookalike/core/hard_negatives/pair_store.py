"""Marks in the database: each function works in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.checks import checked
from napari_lookalike.core.hard_negatives.columns import PairMark, columns, flipped, mark_from
from napari_lookalike.core.hard_negatives.log import Act, write_log
from napari_lookalike.core.hard_negatives.schema import LOG, PAIRS, lacks, numbered

FIXED = ("id", "time", "revision")
"""Columns that no edit changes."""
_KEPT = ("reason", "features", "test", "test_result", "confidence")
"""What stands when an expert marks a pair again without a word on it."""


def read_pairs(
    connection: sa.Connection, *, experts: Collection[str] | None = None
) -> tuple[PairMark, ...]:
    """Rows in the order of their id, retired ones too.

    Parameters
    ----------
    connection
        Any.
    experts
        Whose rows; ``None`` = all.
    """
    # "*" and not our columns: an older read-only file may lack some, a newer have more.
    if lacks(connection, PAIRS):
        return ()
    if experts is None:
        found = connection.execute(_ALL)
    else:
        found = connection.execute(_OF_EXPERTS, {"experts": list(experts)})
    names = tuple(found.keys())
    return tuple(mark_from(dict(zip(names, row, strict=True))) for row in found)


_ALL = sa.text("SELECT * FROM pairs ORDER BY id")
_OF_EXPERTS = sa.text("SELECT * FROM pairs WHERE expert IN :experts ORDER BY id").bindparams(
    sa.bindparam("experts", expanding=True)
)
_ONE = sa.text("SELECT * FROM pairs WHERE id = :id")


def read_pair(connection: sa.Connection, row_id: int) -> PairMark:
    """One row.

    Raises
    ------
    TableError
        If there is none of that number.
    """
    row = connection.execute(_ONE, {"id": row_id}).mappings().first()
    if row is None:
        raise TableError(f"There is no mark number {row_id}.", "Open the table again.")
    return mark_from(dict(row))


def put_pair(
    connection: sa.Connection, rows: dict[tuple[str, ...], PairMark], mark: PairMark, act: Act
) -> PairMark:
    """Insert a mark, or update the row of the same pair by the same expert.

    Parameters
    ----------
    connection
        In a transaction that writes.
    rows
        ``PairMark.key`` -> row, as they are now; what is stored is put into it.
    mark
        A valid mark (`checks.checked`).
    act
        Who does it.
    """
    before = rows.get(mark.key)
    act = replace(act, who=act.who or mark.expert)
    if before is None:
        after = insert_pair(connection, mark, replace(act, what=act.what or "add"))
    else:
        after = marked_again(before, mark)
        if after != before:
            act = replace(act, what=act.what or "mark again")
            after = write_pair(connection, before, after, act)
    rows[mark.key] = after
    return after


def marked_again(before: PairMark, mark: PairMark) -> PairMark:
    """The row of a pair that its expert marks once more.

    What colleagues agreed on or dispute stays so, until somebody says otherwise in as many
    words; a retired mark is in use again.
    """
    turned = mark if mark.sides == before.sides else flipped(mark)
    kept = {name: getattr(turned, name) or getattr(before, name) for name in _KEPT}
    if mark.status == "proposed" and before.status in ("agreed", "disputed"):
        kept["status"] = before.status
    fixed = {name: getattr(before, name) for name in FIXED}
    return replace(turned, **kept, **fixed)


def insert_pair(
    connection: sa.Connection, mark: PairMark, act: Act, *, number: int = 0
) -> PairMark:
    """Add a row, and to the log; ``number`` 0 = the next one (`schema.numbered`)."""
    mark = replace(mark, revision=0)
    values = {k: v for k, v in asdict(mark).items() if k != "id"}
    values |= numbered(connection, PAIRS, number)
    key = connection.execute(PAIRS.insert().values(**values)).inserted_primary_key
    after = replace(mark, id=int(key[0]) if key else 0)
    write_log(connection, act, None, after)
    return after


def write_pair(
    connection: sa.Connection,
    before: PairMark,
    after: PairMark,
    act: Act,
    other: PairMark | None = None,
) -> PairMark:
    """Replace a row, and add to the log.

    Raises
    ------
    TableError
        If the row is no longer ``before``: a program that does not keep to our lock wrote.
    """
    after = replace(after, revision=before.revision + 1)
    values = {k: v for k, v in asdict(after).items() if k != "id"}
    same = (PAIRS.c.id == before.id) & (PAIRS.c.revision == before.revision)
    if connection.execute(PAIRS.update().where(same).values(**values)).rowcount != 1:
        raise TableError(
            f"Mark {before.id} was changed by somebody else just now.", "Look at it and try again."
        )
    write_log(connection, act, before, after, other)
    return after


def change_pair(
    connection: sa.Connection,
    row_id: int,
    changes: dict[str, Any],
    act: Act,
    seen: PairMark | None = None,
) -> PairMark:
    """Change columns of a row; see `HardNegativeTable.update`."""
    wrong = sorted(set(changes) - set(columns()) | set(changes) & set(FIXED))
    if wrong:
        raise TableError(
            f"The column {wrong[0]} cannot be changed.", "Retire the mark and make a new one."
        )
    before = read_pair(connection, row_id)
    after = checked(replace(before, **changes))
    if after.key != before.key:
        theirs = read_pairs(connection, experts=[after.expert])
        if any(row.key == after.key and row.id != row_id for row in theirs):
            raise TableError(
                "The same expert has already marked this pair.", "Change that mark instead."
            )
    if after == before:
        return before
    if seen is not None and lost(seen, before, after):
        return dispute(connection, before, after, act)
    return write_pair(connection, before, after, act)


def lost(seen: PairMark, now: PairMark, wanted: PairMark) -> tuple[str, ...]:
    """Columns that somebody changed meanwhile and that ``wanted`` would set otherwise.

    Parameters
    ----------
    seen
        The row as whoever wants the change saw it.
    now
        As it is.
    wanted
        As it is wanted.
    """
    if seen.revision == now.revision:
        return ()
    return tuple(
        name
        for name in columns()
        if name not in FIXED
        and getattr(seen, name) != getattr(now, name)
        and getattr(wanted, name) != getattr(now, name)
    )


def dispute(connection: sa.Connection, before: PairMark, wanted: PairMark, act: Act) -> PairMark:
    """Keep both of two edits: the row stays and is disputed, the log has the other."""
    after = replace(before, status="disputed")
    return write_pair(connection, before, after, replace(act, what="conflict"), wanted)


def status_before_retiring(connection: sa.Connection, row_id: int) -> str:
    """What a retired row was; "proposed" where the log does not say."""
    found = connection.execute(
        sa.select(LOG.c.before, LOG.c.after)
        .where((LOG.c.row == row_id) & (LOG.c.subject == "mark") & LOG.c.applied)
        .order_by(LOG.c.id.desc())
    )
    for before, after in found:
        if after and after["status"] == "retired" and before and before["status"] != "retired":
            return mark_from(before).status
    return "proposed"
