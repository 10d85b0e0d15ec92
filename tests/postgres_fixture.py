"""A PostgreSQL server of the tests' own: started in a folder of its own, thrown away after."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

PASSWORD = "correct-horse"
OWNER = "keeper"


def programs() -> Path | None:
    """The folder with PostgreSQL's programs; Debian keeps them out of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*found, *([Path(on_path)] if on_path else [])]
    return next((p.parent for p in candidates if (p.parent / "postgres").exists()), None)


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of a server without its database, such as ``postgresql://keeper@127.0.0.1:5433``."""
    bin_ = programs()
    if bin_ is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    if os.name != "posix":
        pytest.skip("The tests start PostgreSQL on Linux and macOS only")
    user = getpass.getuser()
    if _is_root():  # PostgreSQL refuses to run as root
        import pwd  # not there on Windows

        known = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in known), "")
        if not user:
            pytest.skip("PostgreSQL refuses to run as root, and there is no other user")
    folder = Path(tempfile.mkdtemp(prefix="lookalike-pg-", dir="/tmp"))
    shutil.chown(folder, user)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    shutil.chown(secret, user)
    data = folder / "data"
    as_user = {"user": user} if _is_root() else {}
    server = None
    try:
        _run(
            [bin_ / "initdb", "-D", data, "-U", OWNER, "-A", "scram-sha-256",
             "--pwfile", secret, "-E", "UTF8", "--locale=C", "--no-sync"],
            folder, as_user,
        )  # fmt: skip
        for _ in range(5):  # another program may take a free port before the server does
            port = _free_port()
            with (folder / "server.log").open("wb") as log:
                server = subprocess.Popen(
                    [str(bin_ / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1",
                     "-k", str(folder), "-c", "fsync=off", "-c", "autovacuum=off"],
                    cwd=folder, stdout=subprocess.DEVNULL, stderr=log, **as_user,
                )  # fmt: skip
            if _answers(server, bin_, port):
                break
        else:
            raise AssertionError((folder / "server.log").read_text(errors="replace"))
        yield f"postgresql://{OWNER}@127.0.0.1:{port}"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # at once, whoever is connected
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _run(command: list[object], folder: Path, as_user: dict[str, str]) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, check=False, **as_user
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def _answers(server: subprocess.Popen[bytes], bin_: Path, port: int) -> bool:
    """Wait until the server answers; false if it has ended."""
    words = [str(bin_ / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    end = time.monotonic() + 300
    while server.poll() is None:
        if subprocess.run(words, check=False).returncode == 0:
            return server.poll() is None  # and it is not another program that answered
        assert time.monotonic() < end, "the server does not answer"
        time.sleep(0.1)
    return False


_numbers = count()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server for the whole run; skips where there is none."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `postgres`)")
    with running_server() as url:
        yield url


@pytest.fixture
def shared_place(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of an empty database there; the password comes as users give it."""
    from napari_lookalike.core.hard_negatives import outbox
    from napari_lookalike.core.hard_negatives.postgres import close_connections

    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    # What waits for a server lies in the user's folder: also for processes that a test starts,
    # where the platform reads this variable.
    own = tmp_path_factory.mktemp("own")
    monkeypatch.setenv("XDG_DATA_HOME", str(own))
    monkeypatch.setattr(outbox, "outbox_folder", lambda: own / "napari-lookalike" / "waiting")
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
