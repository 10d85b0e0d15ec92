"""Marks of another window appear in this one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.postgres_fixture import server, shared_place  # noqa: F401 - fixtures
from tests.project_fixtures import tiny_project

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable
from napari_lookalike.core.hard_negatives.share import share
from napari_lookalike.session import evidence, marks
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.session import Session
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
    watch.close()
    other.close()
    marks.change(session, 1, strength=0.3)
    marks.change(second, 1, strength=0.7)
    (row,) = second.marks
    assert (row.strength, row.status) == (0.3, "disputed")
    assert "Both versions are kept" in second.notice.text
    second.history.undo()
    assert HardNegativeTable(shared_place).log()[-1].who == "Dr B"
