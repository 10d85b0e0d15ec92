"""Where a table lies: a SQLite file of one project, or a PostgreSQL server for several people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from napari_lookalike.core.errors import TableError

T = TypeVar("T")


class Database(ABC):
    """One database; any thread may use it, each with a connection of its own for a moment.

    Parameters
    ----------
    engine
        How to connect.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._prepared = False

    @property
    @abstractmethod
    def path(self) -> Path | None:
        """The file; ``None`` on a server."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is something to read."""

    @abstractmethod
    def prepare(self) -> None:
        """Make it ready to be written: tables, triggers, and columns that it lacks."""

    @abstractmethod
    def errors(self) -> AbstractContextManager[None]:
        """Turn the database's errors into `TableError` sentences with a remedy."""

    @abstractmethod
    def check_readable(self) -> None:
        """Refuse to read what would be out of date."""

    def patiently(self, work: Callable[[], T]) -> T:
        """Do what begins a transaction; again where that may help."""
        return work()

    def read(self, reader: Callable[[sa.Connection], T], nothing: T) -> T:
        """What a function reads in one transaction; ``nothing`` where there is no database.

        Raises
        ------
        TableError
            If it is locked, damaged or out of reach.
        """
        with self.errors():
            if not self.exists():
                return nothing
            self.check_readable()

            def work() -> T:
                with self.engine.connect() as connection:
                    return reader(connection)

            return self.patiently(work)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that writes; nobody else writes meanwhile.

        Raises
        ------
        TableError
            If it is locked, read-only, full or out of reach.
        """
        with self.errors():
            if not self._prepared or not self.exists():
                self.patiently(self.prepare)
                self._prepared = True
            connection, transaction = self.patiently(self._begin)
            with connection, transaction:
                yield connection

    def _begin(self) -> tuple[sa.Connection, sa.RootTransaction]:
        connection = self.engine.connect().execution_options(writes=True)
        try:
            transaction = connection.begin()
            self.lock(connection)
            return connection, transaction
        except BaseException:
            connection.close()
            raise

    @abstractmethod
    def lock(self, connection: sa.Connection) -> None:
        """Wait until nobody else writes."""


def open_database(place: Path | str, timeout_s: float) -> Database:
    """The database at a path, or at a URL such as ``postgresql://server/marks``.

    Parameters
    ----------
    place
        Where.
    timeout_s
        Seconds to wait while somebody else writes.

    Raises
    ------
    TableError
        If it is the URL of another kind of server, or psycopg is missing.
    """
    from napari_lookalike.core.hard_negatives.sqlite import SqliteDatabase

    if isinstance(place, Path) or "://" not in place:
        return SqliteDatabase(Path(place), timeout_s)
    from napari_lookalike.core.hard_negatives.postgres import PostgresDatabase, parsed_url

    return PostgresDatabase(parsed_url(place), timeout_s)


def without_password(place: Path | str) -> str:
    """A place as it may be shown and kept: no password; of a path only its last part.

    Raises
    ------
    TableError
        If it is the URL of another kind of server.
    """
    if isinstance(place, Path) or "://" not in place:
        return Path(place).name
    from napari_lookalike.core.hard_negatives.postgres import parsed_url, shown

    return shown(parsed_url(place))


def refuse_password(place: str) -> None:
    """Refuse a URL that holds a password: it would be kept in a file that others read.

    Raises
    ------
    TableError
        If it does.
    """
    from napari_lookalike.core.hard_negatives.postgres import parsed_url

    url = parsed_url(place)
    if url.password is not None or "password" in url.query:
        raise TableError(
            "The address of the shared table holds a password, and a project keeps none.",
            "Leave it out, and put it into your own .pgpass file or into PGPASSWORD.",
        )
