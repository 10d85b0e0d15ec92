"""The table in a SQLite file: nothing to install, one file that moves with the project."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.database import Database
from napari_lookalike.core.hard_negatives.migrate import upgrade
from napari_lookalike.core.hard_negatives.schema import is_ready

T = TypeVar("T")


class SqliteDatabase(Database):
    """A database file, made at the first write.

    Parameters
    ----------
    path
        The file; its folder must exist to write.
    timeout_s
        Seconds to wait for another program's lock.
    """

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__(make_engine(path, timeout_s))
        self._path, self._timeout_s = path, timeout_s

    @property
    def path(self) -> Path | None:
        """The file."""
        return self._path

    def exists(self) -> bool:
        """Whether the file is there."""
        return self._path.exists()

    def check_readable(self) -> None:
        """Refuse to read a table whose latest marks SQLite could not see.

        Raises
        ------
        TableError
            If the folder is read-only and the database has an unfinished side file.
        """
        side = self._path.with_name(self._path.name + "-wal")
        if not _writable(self._path) and side.exists() and side.stat().st_size:
            raise TableError(
                "The latest marks cannot be read, because the project folder is read-only.",
                "Make the folder writable, or copy the whole project elsewhere and open the copy.",
            )

    def prepare(self) -> None:
        """Make tables, triggers and columns that the file lacks."""
        if not _writable(self._path):
            raise sqlite3.OperationalError("attempt to write a readonly database")
        if self._path.exists():
            with self.engine.connect() as connection:
                if is_ready(connection):
                    return
        # WAL cannot be set inside a transaction, and SQLAlchemy opens one for any statement.
        with closing(sqlite3.connect(self._path, timeout=self._timeout_s)) as raw:
            raw.execute("PRAGMA journal_mode=WAL")
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            if not is_ready(connection):  # another program may have been faster
                upgrade(connection)

    def lock(self, connection: sa.Connection) -> None:
        """Nothing to do: the transaction began with the lock (`make_engine`)."""

    def patiently(self, work: Callable[[], T]) -> T:
        """Do it; again while another program holds the file."""
        return patiently(work, self._timeout_s)

    @contextmanager
    def errors(self) -> Iterator[None]:
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


@lru_cache(maxsize=32)  # it keeps compiled statements, which take longer than a mark
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
