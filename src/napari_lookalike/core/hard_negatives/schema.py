"""The database behind the table: its columns follow from dataclasses, nothing is named twice."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import TypeEngine

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.columns import PairMark, types_of
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile

METADATA = sa.MetaData()
T = TypeVar("T")


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
        return str(int(value))
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
    sqlite_autoincrement=True,
)

# The log only grows: not even a slip of ours may rewrite what an expert did.
_APPEND_ONLY = tuple(
    f"CREATE TRIGGER IF NOT EXISTS log_no_{verb.lower()} BEFORE {verb} ON log "
    "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)


def make_engine(path: Path, timeout_s: float) -> sa.Engine:
    """An engine that keeps no connection open between uses, so that files can be moved.

    Parameters
    ----------
    path
        The database file; its folder must exist to write.
    timeout_s
        Seconds to wait for another program's lock.
    """

    def connect() -> sqlite3.Connection:
        mode = "rwc" if _writable(path) else "ro&immutable=1"
        uri = f"{_uri(path)}?mode={mode}"
        # isolation_level=None: SQLAlchemy's begin event below opens the transactions.
        connection = sqlite3.connect(
            uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    engine = sa.create_engine(
        "sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True
    )

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _uri(path: Path) -> str:
    """The path as SQLite's URI; on Windows also of a network share (four slashes)."""
    text = quote(path.absolute().as_posix(), safe="/:")
    return f"file://{text}" if text.startswith("/") else f"file:///{text}"


def _writable(path: Path) -> bool:
    """Whether SQLite could write here: it needs its side files in the folder."""
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def check_readable(path: Path) -> None:
    """Refuse to read a table whose latest marks SQLite could not see.

    Raises
    ------
    TableError
        If the folder is read-only and the database has an unfinished side file.
    """
    side = path.with_name(path.name + "-wal")
    if not _writable(path) and side.exists() and side.stat().st_size:
        raise TableError(
            "The latest marks cannot be read, because the project folder is read-only.",
            "Make the folder writable, or copy the whole project elsewhere and open the copy.",
        )


def prepare(path: Path, engine: sa.Engine, timeout_s: float) -> None:
    """Make the file ready to be written: tables, triggers, and columns that it lacks."""
    if not _writable(path):
        raise sqlite3.OperationalError("attempt to write a readonly database")
    # WAL cannot be set inside a transaction, and SQLAlchemy opens one for any statement.
    with closing(sqlite3.connect(path, timeout=timeout_s)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        METADATA.create_all(connection)
        for statement in _APPEND_ONLY:
            connection.exec_driver_sql(statement)
        for table in METADATA.sorted_tables:
            _add_columns(connection, table)


def _add_columns(connection: sa.Connection, table: sa.Table) -> None:
    there = {c["name"] for c in sa.inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in there:
            ddl = str(CreateColumn(column).compile(dialect=connection.dialect))
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {ddl}")


def patiently(work: Callable[[], T], timeout_s: float) -> T:
    """Do something that begins a transaction; again while another program holds the file.

    SQLite's own timeout does not cover every case: a connection that is the last to close,
    or the first to turn write-ahead logging on, locks the file for a moment in a way that
    sends others off at once.

    Parameters
    ----------
    work
        What to do; it has changed nothing when it fails because of a lock.
    timeout_s
        For how many seconds to try.
    """
    until = time.monotonic() + timeout_s
    while True:
        try:
            return work()
        except (DBAPIError, sqlite3.OperationalError) as error:
            reason = str(error.orig if isinstance(error, DBAPIError) else error)
            if not _is_busy(reason) or time.monotonic() >= until:
                raise
            time.sleep(random.uniform(0.005, 0.03))  # not in step with the others


def _is_busy(reason: str) -> bool:
    return "locked" in reason.lower() or "busy" in reason.lower()


@contextmanager
def as_table_errors() -> Iterator[None]:
    """Turn SQLite's errors into sentences with a remedy.

    Raises
    ------
    TableError
        If the database is locked, read-only, on a full disk, or damaged.
    """
    try:
        yield
    except DBAPIError as error:
        raise _explained(str(error.orig)) from error
    except (sqlite3.Error, OSError) as error:
        raise _explained(str(error)) from error


_NOT_WRITABLE = ("readonly", "read-only", "unable to open", "permission", "not a dir")


def _explained(reason: str) -> TableError:
    reason = reason.lower()
    if _is_busy(reason):
        return TableError(
            "The hard-negative table is in use by another program.",
            "Close the other program, or wait, and try again; nothing was changed.",
        )
    if any(s in reason for s in _NOT_WRITABLE):
        return TableError(
            "The hard-negative table cannot be written here.",
            "Make the project folder writable, or copy the project to a place of your own.",
        )
    if "full" in reason:
        return TableError(
            "The disk is full, so the mark was not kept.", "Free some space and mark again."
        )
    return TableError(
        "The hard-negative table is damaged or is not one of ours.",
        "Restore it from a backup, or from an exported CSV file into a new project.",
    )
