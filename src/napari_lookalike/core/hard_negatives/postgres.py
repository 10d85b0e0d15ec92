"""The table on a PostgreSQL server: the same code, a few differences in dialect.

The password is never ours: libpq reads it from the user's ``.pgpass``, from ``PGPASSWORD``
or from a service file. What the server says is never passed on word by word, since it names
hosts and users.
"""

from __future__ import annotations

import atexit
import contextlib
import socket
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.database import Database
from napari_lookalike.core.hard_negatives.migrate import upgrade
from napari_lookalike.core.hard_negatives.schema import EVIDENCE, is_ready

DRIVER = "postgresql+psycopg"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('napari_lookalike.' || current_schema()))"
CONNECT_S = 5
READ_MS = 20_000
ANSWER_S = 25.0
"""Seconds for one answer, after which the connection is given up. The server ends a statement
after `READ_MS` itself; one that is frozen, or whose cable was pulled, would never say so."""


def parsed_url(text: str) -> sa.URL:
    """A server's address.

    Parameters
    ----------
    text
        Such as ``postgresql://anna@server/marks``; ``postgres://`` is understood too.

    Raises
    ------
    TableError
        If it is no such address, or psycopg is not installed.
    """
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise _no_address() from None
    if url.drivername.partition("+")[0] not in ("postgresql", "postgres") or not url.database:
        raise _no_address()
    if find_spec("psycopg") is None:
        raise TableError(
            "A shared table needs the library psycopg, which is not installed.",
            'Install it: pip install "napari-lookalike[postgres]".',
        )
    return url.set(drivername=DRIVER)


def _no_address() -> TableError:
    return TableError(
        "This is not the address of a shared table.",
        "Write it like postgresql://user@server/database.",
    )


class PostgresDatabase(Database):
    """A database on a PostgreSQL server.

    Parameters
    ----------
    url
        From `parsed_url`.
    timeout_s
        Seconds to wait while somebody else writes.
    """

    def __init__(self, url: sa.URL, timeout_s: float) -> None:
        super().__init__(_engine(url, round(timeout_s * 1000)))

    @property
    def path(self) -> Path | None:
        """There is no file."""
        return None

    def exists(self) -> bool:
        """Whether the server has our tables, if only as an older program made them."""
        if not self._prepared:
            self._prepared = self.engine in _ready
        if self._prepared:
            return True
        with self.engine.connect() as connection:
            self._prepared = is_ready(connection)
            older = not self._prepared and sa.inspect(connection).has_table(EVIDENCE.name)
        if self._prepared:
            _ready.add(self.engine)
        return self._prepared or older

    def check_readable(self) -> None:
        """Nothing to do: the server always gives what is there."""

    def prepare(self) -> None:
        """Make tables, triggers and columns that are not there; one window at a time."""
        with self.engine.connect() as connection, connection.begin():
            self.lock(connection)
            if not is_ready(connection):
                upgrade(connection)

    def lock(self, connection: sa.Connection) -> None:
        """Wait for whoever writes: marks are few, and their log then has one order."""
        connection.exec_driver_sql(_LOCK)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the server's errors into sentences with a remedy.

        Raises
        ------
        TableError
            If it is out of reach, busy, full, or lets this user not in or not write.
        """
        try:
            yield
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None) or ""
            raise _explained(state, str(error.orig).lower()) from None
        except SQLAlchemyError:
            raise _explained("", "") from None


_engines: dict[tuple[sa.URL, int], sa.Engine] = {}
_ready: weakref.WeakSet[sa.Engine] = weakref.WeakSet()
"""Of servers that have our tables: to look again at each use would double the way there."""
_making = threading.Lock()


def _engine(url: sa.URL, lock_ms: int) -> sa.Engine:
    """Connections are kept open between uses: a new one takes longer than a mark."""
    with _making:
        if not _engines:
            atexit.register(close_connections)
        if (url, lock_ms) not in _engines:
            _engines[url, lock_ms] = _made(url, lock_ms)
        return _engines[url, lock_ms]


def _made(url: sa.URL, lock_ms: int) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=2,
        max_overflow=20,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_S,
            "application_name": "napari-lookalike",
            "options": f"-c lock_timeout={lock_ms} -c statement_timeout={max(READ_MS, lock_ms)}",
        },
    )

    @sa.event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, given: Any, named: Any) -> Any:
        return _connection_class().connect(*given, **named)

    return engine


@cache
def _connection_class() -> Any:
    """Psycopg's connection, whose answers do not take forever."""
    import psycopg

    class Bounded(psycopg.Connection[Any]):
        """Ends itself if the server does not answer."""

        def wait(self, *args: Any, **kwargs: Any) -> Any:
            timer = threading.Timer(ANSWER_S, self._give_up)
            timer.daemon = True
            timer.start()
            try:
                return super().wait(*args, **kwargs)
            finally:
                timer.cancel()

        def _give_up(self) -> None:
            # Whoever waits on it gets an end of file, in whatever thread: "cannot be reached".
            with contextlib.suppress(OSError, psycopg.Error):
                end = socket.socket(fileno=self.pgconn.socket)
                try:
                    end.shutdown(socket.SHUT_RDWR)
                finally:
                    end.detach()

    return Bounded


def close_connections() -> None:
    """Close all connections to servers that are not in use; the next use opens new ones."""
    with _making:
        for engine in _engines.values():
            engine.dispose()
        _engines.clear()


def shown(url: sa.URL) -> str:
    """An address without its password."""
    query = {k: v for k, v in url.query.items() if k != "password"}
    return sa.URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, query
    ).render_as_string()


def _explained(state: str, reason: str) -> TableError:
    if state == "55P03":
        return TableError(
            "Somebody else is writing to the shared table.", "Try again; nothing was changed."
        )
    if state.startswith("28") or "password" in reason or "authentication" in reason:
        return TableError(
            "The server of the shared table does not let you in.",
            "Ask who runs it for an account; put its password into your .pgpass file.",
        )
    if state == "3D000" or ("database" in reason and "does not exist" in reason):
        return TableError(
            "The server has no such database.", "Ask who runs it to make one, or correct its name."
        )
    if state == "42501" or state == "25006":
        return TableError(
            "You may not write to the shared table.", "Ask who runs the server for the right to."
        )
    if state.startswith("53"):
        return TableError(
            "The server of the shared table is full or overloaded, so the mark was not kept.",
            "Tell who runs it, and mark again.",
        )
    if not state or state.startswith(("08", "57")):
        return TableError(
            "The server of the shared table cannot be reached.",
            "Check the network and try again; nothing was changed.",
        )
    return TableError(
        f"The shared table cannot be used (PostgreSQL says {state}).",
        "Tell who runs the server.",
    )
