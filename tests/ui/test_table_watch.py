"""Marks of another window appear in this one."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.postgres_fixture import server, shared_place  # noqa: F401 - fixtures
from tests.project_fixtures import tiny_project

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable, postgres
from napari_lookalike.core.hard_negatives.share import share
from napari_lookalike.session import evidence, marks
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_view import resolve_table
from napari_lookalike.ui import table_watch
from napari_lookalike.ui.table_watch import TableWatch

WAIT_MS = 30_000


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    session = Session()
    open_project(session, tiny_project(tmp_path, results=False).root)
    session.expert = "Dr A"
    marks.mark_pair(session, "S01", "S05")
    return session


@pytest.fixture
def watch(qtbot, session, monkeypatch):
    monkeypatch.setattr(table_watch, "EVERY_MS", 20)
    watch = TableWatch(session)
    yield watch
    watch.close()


def test_a_mark_of_another_window_appears(qtbot, session, watch):
    other = HardNegativeTable(session.project.table_place)
    other.add(replace(session.marks[0], expert="Dr B"))
    qtbot.waitUntil(lambda: len(session.marks) == 2, timeout=WAIT_MS)
    assert "from Dr B" in session.notice.text
    other.retire(2, by="Dr B")
    qtbot.waitUntil(lambda: session.marks[1].status == "retired", timeout=WAIT_MS)


def test_an_answer_from_before_an_edit_is_dropped(session, watch):
    news = table_watch.look(session.project.table_place, -1)
    shown = session.marks, session.evidence
    marks.mark_pair(session, "S02", "S06")
    watch._answer(shown, news)
    assert len(session.marks) == 2


def test_a_table_that_cannot_be_read_is_told_once(qtbot, session, watch, monkeypatch):
    told = []
    monkeypatch.setattr(table_watch, "report", lambda _, error: told.append(error))
    asked = []

    def broken(place, seen):
        asked.append(seen)
        raise TableError("The server of the shared table cannot be reached.")

    monkeypatch.setattr(table_watch, "look", broken)
    qtbot.waitUntil(lambda: len(asked) > 3, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(told) == 1, timeout=WAIT_MS)
    assert len(told) == 1


def test_nothing_is_asked_without_a_project(session, watch):
    close_project(session)
    assert not watch._timer.isActive()


def test_two_windows_on_a_server_see_each_others_marks(
    qtbot,
    session,
    watch,
    tmp_path,
    shared_place,  # noqa: F811
):
    share(session.project, shared_place)
    project = tiny_project(tmp_path / "second", results=False)
    share(project, shared_place)
    second = Session()
    open_project(second, project.root)
    second.expert = "Dr B"
    other = TableWatch(second)
    assert [m.expert for m in second.marks] == ["Dr A"]
    marks.agree(second, 1)
    qtbot.waitUntil(lambda: session.marks[0].status == "agreed", timeout=WAIT_MS)
    evidence.point_at(session, EvidenceTile(mark=1, slide_id="S01", size=9))
    qtbot.waitUntil(lambda: len(second.evidence) == 1, timeout=WAIT_MS)
    # Both change the strength before they see each other's: neither is lost.
    closed(qtbot, watch)
    closed(qtbot, other)
    marks.change(session, 1, strength=0.3)
    marks.change(second, 1, strength=0.7)
    (row,) = second.marks
    assert (row.strength, row.status) == (0.3, "disputed")
    assert "Both versions are kept" in second.notice.text
    second.history.undo()
    assert second.waiting.n == 3
    table_watch.look(shared_place, -1)
    assert HardNegativeTable(shared_place).log()[-1].who == "Dr B"
    assert HardNegativeTable(shared_place).rows() == second.marks


@pytest.fixture
def shared_session(session, watch, shared_place):  # noqa: F811
    """With marks on a server, of which this computer knows."""
    watch.close()
    share(session.project, shared_place)
    open_project(session, session.project.root)
    return session


@contextmanager
def silent_server():
    """The address of a server that accepts and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"127.0.0.1:{silent.getsockname()[1]}"


def hung(session, monkeypatch, host):
    """The session's server is another one now, which does not answer; then it is undone."""
    real = postgres._made
    monkeypatch.setattr(postgres, "_made", lambda url, ms: real(_at(url, host), ms))
    postgres.close_connections()


def closed(qtbot, watch):
    """No thread of it holds a connection any more."""
    watch.close()
    qtbot.waitUntil(lambda: not watch._background.busy, timeout=WAIT_MS)


def said(session):
    return session.notice.text if session.notice is not None else ""


def _at(url, host):
    name, _, port = host.partition(":")
    return url.set(host=name, port=int(port))


def test_a_server_that_says_nothing_loses_no_mark_and_holds_nobody_up(
    qtbot,
    shared_session,
    shared_place,  # noqa: F811
    monkeypatch,
):
    session = shared_session
    with silent_server() as host, monkeypatch.context() as patch:
        hung(session, patch, host)
        patch.setattr(postgres, "CONNECT_S", 300)  # nobody waits for it
        patch.setattr(table_watch, "EVERY_MS", 20)
        watch = TableWatch(session)
        marks.mark_pair(session, "S02", "S06")
        marks.change(session, 1, reason="pale")
        assert [m.reason for m in session.marks] == ["pale", ""]
        assert session.waiting.n == 2
        qtbot.waitUntil(lambda: "2 changes wait" in said(session), timeout=WAIT_MS)
        assert "not answered yet" in resolve_table(session).summary
        session.history.undo()
        assert session.waiting.n == 3
    closed(qtbot, watch)
    postgres.close_connections()
    assert len(HardNegativeTable(shared_place).rows()) == 1
    again = Session()  # the program was ended meanwhile
    open_project(again, session.project.root)
    watch = TableWatch(again)
    qtbot.waitUntil(lambda: again.waiting.n == 0, timeout=WAIT_MS)
    closed(qtbot, watch)
    rows = HardNegativeTable(shared_place).rows()
    assert [m.reason for m in rows] == ["", ""]
    assert again.marks == rows


def test_a_project_whose_server_is_gone_opens_with_what_was_known(
    qtbot,
    shared_session,
    shared_place,  # noqa: F811
    monkeypatch,
):
    session = shared_session
    with monkeypatch.context() as patch:
        hung(session, patch, "127.0.0.1:1")
        again = Session()
        open_project(again, session.project.root)
        again.expert = "Dr A"
        assert again.marks == session.marks
        assert "as this computer knew them last" in again.notice.text
        watch = TableWatch(again)
        marks.mark_pair(again, "S02", "S06")
        qtbot.waitUntil(lambda: bool(again.waiting.why), timeout=WAIT_MS)
        assert "cannot be reached" in again.waiting.why
        assert "1 change waits" in again.notice.text
    postgres.close_connections()
    watch.look()
    qtbot.waitUntil(lambda: again.waiting.n == 0, timeout=WAIT_MS)
    assert "has everything now" in again.notice.text
    closed(qtbot, watch)
    assert HardNegativeTable(shared_place).rows() == again.marks


def test_a_quarrel_is_told_when_the_server_knows_of_it(
    qtbot,
    shared_session,
    shared_place,  # noqa: F811
):
    session = shared_session
    HardNegativeTable(shared_place).update(1, by="Dr B", strength=0.7)
    marks.change(session, 1, strength=0.3)
    watch = TableWatch(session)
    qtbot.waitUntil(lambda: session.marks[0].status == "disputed", timeout=WAIT_MS)
    closed(qtbot, watch)
    assert session.marks[0].strength == 0.7
    assert "Both versions are kept" in session.notice.text
