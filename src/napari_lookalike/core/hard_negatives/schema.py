"""What the database holds: its columns follow from dataclasses, nothing is named twice."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import TypeEngine

from napari_lookalike.core.hard_negatives.columns import PairMark, types_of
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile

HEAD = "0004"
"""The migration that this program needs (`migrations/versions`)."""

METADATA = sa.MetaData()

_SQL_TYPES: dict[type, TypeEngine[Any]] = {
    int: sa.Integer(),
    float: sa.Float(),
    bool: sa.Boolean(),
    str: sa.String(),
}


def declared_columns(row: type[Any]) -> list[sa.Column[Any]]:
    """One database column per field of a dataclass, with its default.

    The default lies in the database too, so that an older program can still add rows
    to a newer file, and a new column can be added to a file that has rows.
    """
    types = types_of(row)
    made: list[sa.Column[Any]] = [sa.Column("id", sa.Integer(), primary_key=True)]
    for f in fields(row):
        if f.name != "id":
            made.append(
                sa.Column(
                    f.name,
                    _SQL_TYPES[types[f.name]],
                    nullable=False,
                    server_default=sa.text(_literal(f.default)),
                )
            )
    return made


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


PAIRS = sa.Table("pairs", METADATA, *declared_columns(PairMark), sqlite_autoincrement=True)
EVIDENCE = sa.Table(
    "evidence", METADATA, *declared_columns(EvidenceTile), sqlite_autoincrement=True
)

LOG = sa.Table(
    "log",
    METADATA,
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("time", sa.String(), nullable=False),
    sa.Column("who", sa.String(), nullable=False),
    sa.Column("what", sa.String(), nullable=False),
    sa.Column("row", sa.Integer(), nullable=False),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    sa.Column("subject", sa.String(), nullable=False, server_default="mark"),
    sa.Column("model_version", sa.String(), nullable=False, server_default=""),
    sa.Column("other", sa.JSON(none_as_null=True)),
    sa.Column("applied", sa.Boolean(), nullable=False, server_default=sa.true()),
    sa.Column("deed", sa.String(), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

ANSWERS = sa.Table(
    "answers",
    METADATA,
    sa.Column("id", sa.Integer(), primary_key=True),
    *(sa.Column(name, sa.String(), nullable=False) for name in ("what", "level", "a", "b")),
    *(
        sa.Column(name, sa.String(), nullable=False, server_default="")
        for name in (
            "who", "time", "fingerprint_a", "fingerprint_b", "model_version", "reasons", "note",
        )
    ),
    sa.Column("deed", sa.String(), nullable=False, unique=True),
    sqlite_autoincrement=True,
)  # fmt: skip
"""Answers to suggestions (`answers.Decision`); ``reasons`` are joined by semicolons."""


def is_ready(connection: sa.Connection) -> bool:
    """Whether the database has all that this program writes."""
    inspector = sa.inspect(connection)
    if not inspector.has_table("alembic_version"):
        return False
    versions = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars()
    return HEAD in tuple(versions) and not missing_columns(connection)


def lacks(connection: sa.Connection, table: sa.Table) -> bool:
    """Whether a table is not there, as in an older file that was never written since."""
    # Marks, tiles and log are there on a server, or it is not read (`Database.exists`); answers
    # are not until somebody who owns the tables writes with this program.
    asked = connection.dialect.name == "sqlite" or table is ANSWERS
    return asked and not sa.inspect(connection).has_table(table.name)


def numbered(connection: sa.Connection, table: sa.Table, number: int = 0) -> dict[str, int]:
    """The ``id`` of a new row, where the database does not give it by itself.

    Parameters
    ----------
    connection
        Where its option ``number`` is set, it is asked: a function of the connection and
        the table's name (`outbox_file.take_number`).
    table
        The table.
    number
        The number, if it is known already; 0 = not.
    """
    take = connection.get_execution_options().get("number")
    if not number and take is not None:
        number = take(connection, table.name)
    return {"id": number} if number else {}


def missing_columns(connection: sa.Connection) -> list[sa.Column[Any]]:
    """Columns that dataclasses declare and the database lacks."""
    inspector = sa.inspect(connection)
    lacking: list[sa.Column[Any]] = []
    for table in METADATA.sorted_tables:
        there = {c["name"] for c in inspector.get_columns(table.name)}
        lacking += [column for column in table.columns if column.name not in there]
    return lacking


def add_declared_columns(connection: sa.Connection) -> None:
    """Add columns that a dataclass got after the last migration, with their defaults."""
    for column in missing_columns(connection):
        ddl = str(CreateColumn(column).compile(dialect=connection.dialect))
        connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {ddl}")
