"""The look-alikes panel: edit in place, undo, retire, open, import, export."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFileDialog

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.project import Project
from napari_lookalike.session import evidence, marks
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session, Waiting
from napari_lookalike.ui.panels.hard_negatives import HardNegativesPanel

LABELS = {"s1": "alpha", "s2": "beta", "s3": "alpha", "s4": "gamma"}
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    records = tuple(
        SlideRecord(s, tmp_path / f"{s}.tif", f"PATIENT-{s}", label) for s, label in LABELS.items()
    )
    Project.create(tmp_path / "project", Cohort(records))
    session = Session()
    open_project(session, tmp_path / "project")
    return session


@pytest.fixture
def panel(qtbot, session):
    panel = HardNegativesPanel(session, None)
    qtbot.addWidget(panel)
    panel.resize(390, 300)
    panel.show()
    yield panel
    panel.close()


@pytest.fixture
def two_marks(session):
    marks.set_expert(session, "Dr A")
    marks.mark_slides(session, "s1", "s2", 0.5, "both blue")
    marks.mark_slides(session, "s3", "s4", 0.75, "")


def cell(panel, row, name):
    return panel.table.model().index(row, panel.model.column_of(name))


def double_click(qtbot, panel, row, name):
    at = panel.table.visualRect(cell(panel, row, name)).center()
    qtbot.mouseClick(panel.table.viewport(), LEFT, pos=at)
    qtbot.mouseDClick(panel.table.viewport(), LEFT, pos=at)


def test_an_empty_table_says_how_to_begin(panel):
    assert panel.empty.isVisible()
    assert "Ctrl-click two slides" in panel.empty.text()
    assert not panel.table.isVisible()
    assert not panel.write.isEnabled()


def test_marks_are_rows(panel, two_marks):
    assert panel.table.isVisible()
    assert panel.table.model().rowCount() == 2
    assert cell(panel, 0, "slide_a").data() == "s1"
    assert cell(panel, 0, "reason").data() == "both blue"
    assert "2 active marks on 2 subtype pairs" in panel.summary.text()


def test_what_the_marks_ask_for_is_added_up(panel, two_marks):
    (first, second) = panel.demands.rows
    assert (first.pair, first.weight) == ("alpha / gamma", 0.75)
    assert second.pair == "alpha / beta"
    assert 0 < second.margin < first.margin


def test_a_row_selects_its_slides_for_all_panels(qtbot, panel, session, two_marks):
    at = panel.table.visualRect(cell(panel, 1, "slide_a")).center()
    qtbot.mouseClick(panel.table.viewport(), LEFT, pos=at)
    assert session.selection == ("s3", "s4")


def test_a_double_click_opens_a_then_b(qtbot, panel, session, two_marks):
    double_click(qtbot, panel, 0, "id")
    assert session.slide_id == "s1"
    double_click(qtbot, panel, 0, "id")
    assert session.slide_id == "s2"
    double_click(qtbot, panel, 0, "slide_a")
    assert session.slide_id == "s1"


def test_the_strength_is_edited_in_place_and_stored(qtbot, panel, session, two_marks):
    panel.table.edit(cell(panel, 0, "strength"))
    editor = panel.table.findChild(QDoubleSpinBox)
    editor.setValue(0.9)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.marks[0].strength == 0.9)
    assert HardNegativeTable(session.project.table_path).rows()[0].strength == 0.9
    assert cell(panel, 0, "strength").data() == "0.90"


def test_undo_and_redo_name_what_they_do(qtbot, panel, session, two_marks):
    panel.model.setData(panel.model.index(0, panel.model.column_of("reason")), "both spindly")
    assert session.marks[0].reason == "both spindly"
    assert panel.undo.isEnabled()
    assert panel.undo.toolTip().startswith("Undo: ")
    qtbot.mouseClick(panel.undo, LEFT)
    assert session.marks[0].reason == "both blue"
    qtbot.mouseClick(panel.redo, LEFT)
    assert session.marks[0].reason == "both spindly"
    assert not panel.redo.isEnabled()


def test_retire_and_restore(qtbot, panel, session, two_marks):
    panel.table.selectRow(0)
    qtbot.mouseClick(panel.retire, LEFT)
    assert not session.marks[0].active
    assert len(session.marks) == 2
    assert panel.retire.text() == "Restore"
    assert [d.pair for d in panel.demands.rows] == ["alpha / gamma"]
    qtbot.mouseClick(panel.retire, LEFT)
    assert session.marks[0].active


def test_a_sorted_table_still_edits_the_right_row(qtbot, panel, session, two_marks):
    panel.table.sortByColumn(panel.model.column_of("strength"), Qt.SortOrder.DescendingOrder)
    assert cell(panel, 0, "slide_a").data() == "s3"
    panel.table.model().setData(cell(panel, 0, "reason"), "necrosis")
    assert [m.reason for m in session.marks] == ["both blue", "necrosis"]


def test_export_and_import(qtbot, panel, session, two_marks, tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))
    qtbot.mouseClick(panel.write, LEFT)
    text = path.read_text(encoding="utf-8")
    assert "both blue" in text
    assert "PATIENT" not in text
    assert ".tif" not in text
    for _ in range(2):
        qtbot.mouseClick(panel.undo, LEFT)
    active = [m for m in session.marks if m.active]
    assert active == []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
    qtbot.mouseClick(panel.read, LEFT)
    assert sorted(m.slide_a for m in session.marks if m.active) == ["s1", "s3"]


def test_a_wrong_file_is_a_sentence(qtbot, panel, session, tmp_path, monkeypatch):
    path = tmp_path / "wrong.csv"
    path.write_text("colour,shape\nred,round\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
    qtbot.mouseClick(panel.read, LEFT)
    assert session.notice is not None
    assert session.notice.kind in ("warning", "error")
    assert str(path) not in session.notice.text


def test_a_cancelled_dialog_does_nothing(qtbot, panel, session, two_marks, monkeypatch):
    for name in ("getSaveFileName", "getOpenFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *a, **k: ("", ""))
    before = session.marks
    qtbot.mouseClick(panel.write, LEFT)
    qtbot.mouseClick(panel.read, LEFT)
    assert session.marks == before


def test_a_mark_of_subtypes_names_them(panel, session):
    marks.set_expert(session, "Dr A")
    marks.mark_slides(session, "s1", "s2", 1.0, "", level="subtype")
    assert cell(panel, 0, "slide_a").data() in ("any alpha", "any beta")


def test_everything_fits_a_narrow_dock(panel, two_marks):
    assert panel.minimumSizeHint().width() <= 380
    for button in (panel.undo, panel.redo, panel.retire, panel.read, panel.write):
        assert button.width() >= button.minimumSizeHint().width()
        assert button.accessibleName()
        assert button.toolTip()


def test_a_closed_panel_lets_go_of_the_session(panel, session):
    panel.close()
    marks.set_expert(session, "Dr A")
    marks.mark_slides(session, "s1", "s2", 0.5, "")
    assert panel.table.model().rowCount() == 0


@pytest.fixture
def by_two(session, two_marks):
    """Marks of two experts; the second is at the window."""
    table = HardNegativeTable(session.project.table_path)
    table.add(replace(session.marks[0], expert="Dr Zed", strength=1.0))
    session.marks = table.rows()
    session.expert = "Dr Zed"


def wait_for_log(qtbot, panel, tab):
    panel.tabs.setCurrentWidget(tab)
    qtbot.waitUntil(lambda: not panel._background.busy, timeout=20_000)


def test_search_and_status_show_some_rows_and_keep_the_choice(qtbot, panel, session, by_two):
    panel.marks.select(3)
    panel.marks.search.setText("dr zed")
    assert [row.id for row in panel.model.rows] == [3]
    assert panel.current().id == 3
    assert panel.marks.found.text() == "1 of 3 marks are shown."
    panel.marks.search.clear()
    assert not panel.marks.found.isVisible()
    marks.dispute(session, 1)
    panel.marks.status.setCurrentIndex(panel.marks.status.findData("disputed"))
    assert [row.id for row in panel.model.rows] == [1]


def test_a_colleague_agrees_by_key_and_undoes_it(qtbot, panel, session, by_two):
    panel.marks.select(1)
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_A)
    assert session.marks[0].status == "agreed"
    assert not panel.agree.isEnabled()
    qtbot.mouseClick(panel.dispute, LEFT)
    assert session.marks[0].status == "disputed"
    assert cell(panel, 0, "status").data() == "disputed"
    qtbot.mouseClick(panel.undo, LEFT)
    qtbot.mouseClick(panel.undo, LEFT)
    assert session.marks[0].status == "proposed"
    panel.marks.select(3)
    qtbot.mouseClick(panel.agree, LEFT)
    assert "your own mark" in session.notice.text


def test_status_and_confidence_are_chosen_from_a_list(qtbot, panel, session, two_marks):
    for name, word in (("confidence", "sure"), ("status", "disputed")):
        panel.table.edit(cell(panel, 0, name))
        editor = panel.table.viewport().findChild(QComboBox)
        editor.setCurrentText(word)
        editor.activated.emit(editor.currentIndex())
        assert getattr(session.marks[0], name) == word
        qtbot.waitUntil(lambda: panel.table.viewport().findChild(QComboBox) is None)
    assert HardNegativeTable(session.project.table_path).rows()[0].confidence == "sure"


def test_the_history_of_the_chosen_row_is_shown(qtbot, panel, session, two_marks):
    marks.change(session, 1, strength=0.9)
    panel.marks.select(1)
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_H)
    assert panel.tabs.currentWidget() is panel.history
    wait_for_log(qtbot, panel, panel.history)
    assert panel.history.title.text() == "Mark 1: s1 and s2"
    assert "strength 0.50 → 0.90" in panel.history.model.rows[0].what
    panel.marks.select(2)
    wait_for_log(qtbot, panel, panel.history)
    assert len(panel.history.model.rows) == 1


def test_while_a_server_is_gone_its_log_is_not_asked_for_and_that_is_said(
    qtbot, panel, session, two_marks, monkeypatch
):
    monkeypatch.setattr(type(session.project), "table_place", "postgresql://127.0.0.1:1/marks")
    session.waiting = Waiting(1, "The server of the shared table cannot be reached.")
    assert "1 change waits" in panel.summary.text()
    panel.marks.select(1)
    panel.tabs.setCurrentWidget(panel.history)
    wait_for_log(qtbot, panel, panel.history)
    assert "only what was done on this computer" in panel.history.title.text()
    assert panel.history.model.rows


def test_several_experts_see_what_is_to_settle(qtbot, panel, session, by_two):
    wait_for_log(qtbot, panel, panel.experts)
    assert panel.experts.sentence.text().startswith("2 experts on 3 subtype pairs")
    (point,) = panel.experts.model.rows
    assert "1.00 by Dr Zed and 0.50 by Dr A" in point.what
    marks.retire(session, 3)
    wait_for_log(qtbot, panel, panel.experts)
    assert not panel.experts.table.isVisible()


def test_the_rule_is_chosen_where_the_sums_are(qtbot, panel, session, by_two):
    box = panel.asked.rule
    box.setCurrentIndex(box.findData("mean"))
    box.activated.emit(box.currentIndex())
    assert {d.pair: d.weight for d in panel.demands.rows}["alpha / beta"] == 0.75
    assert "mean" in panel.summary.text()
    qtbot.mouseClick(panel.undo, LEFT)
    assert box.currentData() == "max"
    assert box.toolTip()


def test_tiles_are_counted(panel, session, two_marks):
    evidence.point_at(session, EvidenceTile(mark=2, slide_id="s3", size=32))
    assert [cell(panel, i, "tiles").data() for i in (0, 1)] == ["0", "1"]


def test_json_lines_go_out(qtbot, panel, session, two_marks, tmp_path, monkeypatch):
    path = tmp_path / "out"
    chosen = "JSON Lines, with evidence tiles (*.jsonl)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), chosen))
    qtbot.mouseClick(panel.write, LEFT)
    assert path.with_suffix(".jsonl").read_text(encoding="utf-8").count("\n") == 3


def test_the_pair_that_was_just_marked_is_the_selected_row(panel, session, two_marks):
    session.selection = ("s1", "s4")
    assert panel.current() is None
    marks.mark_slides(session, "s1", "s4", 0.5, "")
    assert panel.current().sides == ("s1", "s4")
    assert session.selection == ("s1", "s4")
    assert panel.compare.isEnabled()


def test_what_is_done_with_the_whole_table_stands_below_it(panel, two_marks):
    below = panel.tabs.mapTo(panel, panel.tabs.rect().bottomLeft()).y()
    for button in (panel.read, panel.write):
        assert button.mapTo(panel, button.rect().topLeft()).y() > below
    for button in (panel.compare, panel.agree, panel.retire, panel.undo):
        assert button.mapTo(panel, button.rect().bottomLeft()).y() < below


def test_two_slides_selected_elsewhere_select_their_row_without_an_echo(panel, session, two_marks):
    heard = []
    session.events.selection.connect(heard.append)
    session.selection = ("s4", "s3")  # in the other order than the mark has them
    assert panel.current().sides == ("s3", "s4")
    assert panel.retire.isEnabled()
    session.selection = ("s1", "s2")
    assert set(panel.current().sides) == {"s1", "s2"}
    session.selection = ("s1",)
    assert panel.current() is None
    assert heard == [("s4", "s3"), ("s1", "s2"), ("s1",)]
