"""Evidence tiles in the database: each function works in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.checks import checked_tile
from napari_lookalike.core.hard_negatives.columns import types_of
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.log import Act, write_log
from napari_lookalike.core.hard_negatives.pair_store import read_pair
from napari_lookalike.core.hard_negatives.schema import EVIDENCE, lacks, numbered

FIXED = ("id", "mark", "slide_id", "x", "y", "size", "expert", "time", "fingerprint")
"""Columns of a tile that no edit changes: another place is another tile."""
SAYS = ("", "confirmed", "disputed")


def read_evidence(connection: sa.Connection, mark: int | None = None) -> tuple[EvidenceTile, ...]:
    """Tiles of one mark, or all, in the order of their id; retired ones too."""
    if lacks(connection, EVIDENCE):
        return ()
    found = connection.execute(_ALL if mark is None else _OF_MARK, {"mark": mark})
    names = tuple(found.keys())
    return tuple(tile_from(dict(zip(names, row, strict=True))) for row in found)


_ALL = sa.text("SELECT * FROM evidence ORDER BY id")
_OF_MARK = sa.text("SELECT * FROM evidence WHERE mark = :mark ORDER BY id")


def tile_from(values: Mapping[str, Any]) -> EvidenceTile:
    """A tile from stored values: unknown columns are passed over, missing ones get defaults."""
    types = _types()
    return EvidenceTile(**{k: types[k](v) for k, v in values.items() if k in types})


@cache  # asked for every row that is read
def _types() -> dict[str, type]:
    return types_of(EvidenceTile)


def put_evidence(connection: sa.Connection, tile: EvidenceTile, act: Act) -> EvidenceTile:
    """Store a tile; the same place by the same expert again changes the row that is there.

    Parameters
    ----------
    connection
        In a transaction that writes.
    tile
        The tile; its id is ignored, an empty time becomes the present.
    act
        Who does it.
    """
    tile = checked_tile(tile)
    _check_mark(tile, connection)
    act = replace(act, who=act.who or tile.expert)
    there = read_evidence(connection, mark=tile.mark)
    before = next((t for t in there if place_of(t) == place_of(tile)), None)
    if before is None:
        return insert_evidence(connection, tile, replace(act, what=act.what or "point"))
    after = replace(tile, id=before.id, time=before.time)
    if after.kind == before.kind:  # said again: what a second expert said of it still holds
        after = replace(after, second_expert=before.second_expert, second_says=before.second_says)
    if after != before:
        write_evidence(connection, before, after, replace(act, what=act.what or "point again"))
    return after


def place_of(tile: EvidenceTile) -> tuple[int, str, int, int, int, str]:
    """The same for the same place of the same mark by the same expert."""
    return tile.mark, tile.slide_id, tile.x, tile.y, tile.size, tile.expert


def insert_evidence(
    connection: sa.Connection, tile: EvidenceTile, act: Act, *, number: int = 0
) -> EvidenceTile:
    """Add a row, and to the log; ``number`` 0 = the next one (`schema.numbered`)."""
    values = {k: v for k, v in asdict(tile).items() if k != "id"}
    values |= numbered(connection, EVIDENCE, number)
    key = connection.execute(EVIDENCE.insert().values(**values)).inserted_primary_key
    after = replace(tile, id=int(key[0]) if key else 0)
    write_log(connection, act, None, after)
    return after


def write_evidence(
    connection: sa.Connection,
    before: EvidenceTile,
    after: EvidenceTile,
    act: Act,
    other: EvidenceTile | None = None,
) -> None:
    """Replace a row, and add to the log."""
    values = {k: v for k, v in asdict(after).items() if k != "id"}
    connection.execute(EVIDENCE.update().where(EVIDENCE.c.id == before.id).values(**values))
    write_log(connection, act, before, after, other)


def change_evidence(
    connection: sa.Connection, tile_id: int, changes: dict[str, Any], act: Act
) -> EvidenceTile:
    """Change columns of a tile.

    Raises
    ------
    TableError
        If there is no such tile or column, or the new row is not valid.
    """
    known = {f.name for f in fields(EvidenceTile)}
    wrong = sorted(set(changes) - known | set(changes) & set(FIXED))
    if wrong:
        raise TableError(
            f"{wrong[0]} of an evidence tile cannot be changed.",
            "Take the tile back and point at another.",
        )
    before = next((t for t in read_evidence(connection) if t.id == tile_id), None)
    if before is None:
        raise TableError(f"There is no evidence tile number {tile_id}.", "Open the table again.")
    after = checked_tile(replace(before, **changes))
    if after != before:
        write_evidence(connection, before, after, act)
    return after


def _check_mark(tile: EvidenceTile, connection: sa.Connection) -> None:
    try:
        mark = read_pair(connection, tile.mark)
    except TableError as error:
        raise TableError(error.what, "Mark the pair first.") from error
    if mark.level == "slide" and tile.slide_id not in mark.sides:
        raise TableError(
            f"The tile is on a slide that mark {mark.id} does not join.",
            "Point at a tile of one of its two slides.",
            tile.slide_id,
        )
