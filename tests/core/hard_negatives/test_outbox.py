"""What is done while a server is slow, or gone, is on this computer's disk and gets there."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.postgres_fixture import running_server

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import (
    EvidenceTile,
    HardNegativeTable,
    PairMark,
    differences,
    outbox,
    postgres,
)
from napari_lookalike.core.hard_negatives.outbox import Outbox
from napari_lookalike.core.hard_negatives.outbox_file import BLOCK

pytestmark = pytest.mark.processes

MARK = PairMark(
    slide_a="S1", slide_b="S2", subtype_a="medulloblastoma", subtype_b="ATRT", expert="Dr A"
)
TILE = EvidenceTile(mark=1, slide_id="S1", x=64, size=32, expert="Dr A")


@contextmanager
def another_computer(monkeypatch, name="other"):
    """Within it, this is a computer with a folder of its own."""
    with monkeypatch.context() as patch:
        patch.setattr(outbox.platform, "node", lambda: name)
        yield


@pytest.fixture
def own(shared_place):
    table = Outbox(shared_place)
    table.sync()
    return table


@pytest.fixture
def server_table(shared_place):
    return HardNegativeTable(shared_place, timeout_s=20)


def test_a_mark_is_here_at_once_and_there_when_it_was_sent(own, server_table):
    mark = own.add(MARK)
    own.add_evidence(replace(TILE, mark=mark.id))
    assert own.waiting() == 2
    assert server_table.rows() == ()
    done = own.sync()
    assert (done.sent, done.waiting) == (2, 0)
    assert server_table.held()[:2] == own.held()[:2] == done.held[:2]
    assert own.rows()[0].id == mark.id  # the number stays: it came from the server before
    assert own.sync(done.held[2]) is None
    assert differences(server_table) == ()


def test_nothing_is_sent_twice_if_the_answer_is_lost(own, server_table, monkeypatch):
    own.add(MARK)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "set_state", lambda *_: (_ for _ in ()).throw(TableError("killed")))
        with pytest.raises(TableError, match="killed"):
            own.sync()
    assert own.waiting() == 1
    assert len(server_table.log()) == 1  # it got there all the same
    own.sync()
    assert (own.waiting(), len(server_table.log())) == (0, 1)


def test_what_others_do_comes_in_and_both_of_two_edits_are_kept(
    own, shared_place, server_table, monkeypatch
):
    mark = own.add(MARK)
    own.sync()
    with another_computer(monkeypatch):
        theirs = Outbox(shared_place)
        assert theirs.sync().held[0] == own.rows()
        first = theirs.add(replace(MARK, slide_b="S3", expert="Dr B"))
        theirs.update(mark.id, by="Dr B", seen=theirs.rows()[0], reason="theirs")
        theirs.sync()
    own.update(mark.id, by="Dr A", seen=mark, reason="mine")
    done = own.sync()
    assert done.disputed == (mark.id,)
    row, other = done.held[0]
    assert (row.reason, row.status, other.id) == ("theirs", "disputed", first.id)
    assert server_table.log()[-1].other["reason"] == "mine"
    assert differences(server_table) == ()


def test_what_is_done_while_the_answer_comes_is_neither_lost_nor_hidden(own, monkeypatch):
    own.add(MARK)
    plain = HardNegativeTable.held

    def meanwhile(table):
        if not isinstance(table, Outbox) and own.waiting() == 0:
            own.add(replace(MARK, slide_b="S3"))
        return plain(table)

    with monkeypatch.context() as patch:
        patch.setattr(HardNegativeTable, "held", meanwhile)
        done = own.sync()
    assert [m.slide_b for m in done.held[0]] == ["S2", "S3"]
    assert (done.held[2], done.waiting) == (-1, 1)
    assert own.sync().waiting == 0


def test_a_server_that_accepts_and_says_nothing_keeps_nobody_waiting(own, monkeypatch):
    place = own.address
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hung = Outbox(f"postgresql://keeper@127.0.0.1:{silent.getsockname()[1]}/marks")
        hung.path.parent.mkdir(parents=True, exist_ok=True)
        own.path.rename(hung.path)  # what this computer knew before the server hung
        monkeypatch.setattr(postgres, "CONNECT_S", 2)
        hung.add(MARK)
        assert len(hung.rows()) == 1
        with pytest.raises(TableError, match="cannot be reached"):
            hung.sync()
        assert hung.waiting() == 1
    assert place != hung.address


def test_a_server_that_stops_in_the_middle_gets_everything_when_it_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setenv("PGPASSWORD", "correct-horse")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with running_server() as url:
        own = Outbox(f"{url}/postgres")
        own.sync()
        own.add(MARK)
        own.sync()
        pids = processes(own.address)
        for pid in pids:
            with suppress(ProcessLookupError):  # one whose connection was just closed
                os.kill(pid, signal.SIGSTOP)
        try:
            own.add(replace(MARK, slide_b="S3"))
            with monkeypatch.context() as patch, pytest.raises(TableError, match="be reached"):
                patch.setattr(postgres, "ANSWER_S", 1.0)
                patch.setattr(postgres, "CONNECT_S", 2)
                own.sync()
            own.retire(own.rows()[0].id, by="Dr A")
            assert own.waiting() == 2
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        own.sync()
        server = HardNegativeTable(own.address)
        assert [(m.slide_b, m.status) for m in server.rows()] == [
            ("S2", "retired"),
            ("S3", "proposed"),
        ]
        assert len(server.log()) == 3
        postgres.close_connections()
    own.add(replace(MARK, slide_b="S4"))  # the server is gone
    with pytest.raises(TableError, match="cannot be reached"):
        own.sync()
    assert own.waiting() == 1


def processes(place):
    """The server's processes: ours to stop, since the test started it."""
    with postgres.PostgresDatabase(postgres.parsed_url(place), 5.0).engine.connect() as c:
        (folder,) = c.exec_driver_sql("SHOW data_directory").one()
    first = int((Path(folder) / "postmaster.pid").read_text().split()[0])
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=True
    )
    return [first, *(int(line) for line in found.stdout.split())]


def test_a_mark_survives_a_kill_and_is_sent_at_the_next_start(own, server_table):
    code = f"""
        import os, signal
        from napari_lookalike.core.hard_negatives import PairMark
        from napari_lookalike.core.hard_negatives.outbox import Outbox
        Outbox({own.address!r}).add(PairMark(slide_a="S1", slide_b="S2", expert="Dr A"))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    again = Outbox(own.address)
    assert again.waiting() == 1
    again.sync()
    assert [m.slide_b for m in server_table.rows()] == ["S2"]


def test_two_windows_of_one_computer_lose_nothing(own, server_table, monkeypatch):
    monkeypatch.setattr(outbox, "_LOCK_S", 60.0)

    def work(name):
        table = Outbox(own.address)
        for i in range(5):
            table.add(replace(MARK, slide_b=f"{name}{i}"))
            table.sync()

    threads = [threading.Thread(target=work, args=(name,)) for name in "XY"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own.sync()
    assert len({m.slide_b for m in server_table.rows()}) == 10
    assert len(server_table.log()) == 10
    assert own.held()[:2] == server_table.held()[:2]


def test_before_the_server_ever_answered_nothing_can_be_marked(shared_place):
    table = Outbox(shared_place.replace("marks", "nowhere_marks"))
    assert not table.known
    assert (table.waiting(), table.held()) == (0, ((), (), 0))
    with pytest.raises(TableError, match="has not let"):
        table.check_writable()


def test_numbers_run_out_and_come_again(own):
    own.add_all([replace(MARK, slide_b=f"T{i}") for i in range(BLOCK)])
    with pytest.raises(TableError, match="no number"):
        own.add(replace(MARK, slide_b="T-one-more"))
    assert own.waiting() == BLOCK
    own.sync()
    assert own.add(replace(MARK, slide_b="T-one-more")).id > BLOCK
