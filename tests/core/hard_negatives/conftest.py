"""What tests of the table share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
import sqlalchemy as sa
from tests.postgres_fixture import PASSWORD, running_server

_numbers = count()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server for the whole run; skips where there is none."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `postgres`)")
    with running_server() as url:
        yield url


@pytest.fixture
def shared_place(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty database there; the password comes as users give it."""
    from napari_lookalike.core.hard_negatives.postgres import close_connections

    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    name = f"marks{next(_numbers)}"
    engine = sa.create_engine(
        sa.make_url(f"{server}/postgres").set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.pool.NullPool,
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    yield f"{server}/{name}"
    close_connections()
