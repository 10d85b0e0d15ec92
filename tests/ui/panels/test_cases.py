"""The cases panel as a pathologist uses it: look, search, filter, open, select, review."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QWidget
from tests.project_fixtures import FIRST, tiny_project

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.session.slide_view import listed_slides
from napari_lookalike.ui.missing import MissingFiles
from napari_lookalike.ui.panels.cases import NEXT_KEY, PREVIOUS_KEY, REVIEW_KEY, CasesPanel
from napari_lookalike.ui.widgets.case_list import ITEM, LETTER, OPEN, percent, said_words

LEFT = Qt.MouseButton.LeftButton
PLAIN = Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    tiny_project(tmp_path)
    session = Session()
    open_project(session, tmp_path / "project")
    return session


@pytest.fixture
def panel(qtbot, session):
    panel = shown(qtbot, CasesPanel(session, None))
    yield panel
    panel.close()


def shown(qtbot, panel):
    qtbot.addWidget(panel)
    panel.resize(300, 345)
    panel.show()
    return panel


def click(qtbot, panel, slide_id, modifier=PLAIN):
    index = panel.model.index_of(slide_id)
    panel.list.scrollTo(index)
    at = panel.list.visualRect(index).center()
    qtbot.mouseClick(panel.list.viewport(), LEFT, modifier, at)


def row(panel, slide_id):
    return panel.model.data(panel.model.index_of(slide_id), ITEM)


def headings(panel):
    rows = range(panel.model.rowCount())
    items = (panel.model.index(i) for i in rows)
    return [i.data() for i in items if panel.model.slide_at(i) is None]


def all_that_is_said(panel):
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
    rows = range(panel.model.rowCount())
    return " ".join(str(panel.model.index(i).data(role)) for i in rows for role in roles)


# ---- looking


def test_an_empty_session_says_what_to_do(qtbot):
    panel = shown(qtbot, CasesPanel(Session(), None))
    assert panel.empty.isVisible()
    assert "in Project" in panel.empty.text()
    assert not panel.show_all.isVisible()
    for widget in (panel.next, panel.previous, panel.reviewed, panel.search, panel.filter):
        assert not widget.isEnabled()


def test_a_project_without_slides_says_what_to_do(qtbot, tmp_path):
    Project.create(tmp_path / "project", Cohort())
    session = Session()
    open_project(session, tmp_path / "project")
    panel = shown(qtbot, CasesPanel(session, None))
    assert panel.empty.isVisible()
    assert "no slides yet" in panel.empty.text()


def test_the_cohort_is_listed_by_patient(panel, session):
    assert headings(panel)[:2] == ["Patient 1", "Patient 2"]
    assert len(headings(panel)) == 12
    assert panel.model.slide_ids == tuple(s.slide_id for s in session.cohort)
    assert panel.count.text() == "24 slides"


def test_patient_ids_are_shown_only_if_asked_for(qtbot, panel, session):
    assert "PAT-" not in all_that_is_said(panel)
    panel.search.setText("PAT-03")
    assert panel.model.slide_ids == ()
    panel.search.clear()
    qtbot.mouseClick(panel.show_ids, LEFT, pos=QPoint(8, panel.show_ids.height() // 2))
    assert headings(panel)[0] == "Patient PAT-01"
    assert session.show_patient_ids
    panel.search.setText("PAT-03")
    assert panel.model.slide_ids == ("S05", "S06")


def test_patient_ids_are_hidden_again_in_the_next_project(panel, session, tmp_path):
    panel.show_ids.click()
    open_project(session, tmp_path / "project")
    assert not panel.show_ids.isChecked()
    assert "PAT-" not in all_that_is_said(panel)


def test_a_row_says_right_or_wrong_in_words(panel, session):
    wrong = next(s for s in panel.model.slide_ids if row(panel, s).verdict == "wrong")
    text = panel.model.index_of(wrong).data()
    assert "wrong" in text
    assert row(panel, wrong).prediction in text
    right = next(s for s in panel.model.slide_ids if row(panel, s).verdict == "correct")
    assert "correct" in panel.model.index_of(right).data()


def test_why_a_slide_failed_is_in_the_tooltip(qtbot, panel, session):
    session.failures = {"S02": "No tissue was found. Lower the <saturation> threshold."}
    qtbot.waitUntil(lambda: row(panel, "S02").state.startswith("failed"))
    tip = panel.model.index_of("S02").data(Qt.ItemDataRole.ToolTipRole)
    assert "No tissue was found. Lower the &lt;saturation&gt;" in tip


def test_embedding_many_slides_is_followed_without_a_storm(qtbot, panel, session, monkeypatch):
    asked = []
    monkeypatch.setattr(panel, "_show_rows", lambda: asked.append(1))
    for record in session.cohort:
        session.embedded = session.embedded | {record.slide_id}
    assert asked == []
    qtbot.waitUntil(lambda: asked == [1])


def test_a_missing_file_is_said(qtbot, session, tmp_path):
    session.cohort["S03"].path.unlink()
    panel = shown(qtbot, CasesPanel(session, None))
    missing = MissingFiles(session)
    qtbot.waitUntil(lambda: row(panel, "S03").state == "file missing")
    assert row(panel, "S04").state == "not embedded"
    assert "1 slide is not where it was" in session.notice.text
    missing.close()


def test_thumbnails_arrive_later(qtbot, panel):
    # Nothing is read in the window's thread; what is in sight comes by itself.
    qtbot.waitUntil(lambda: panel._pictures.get("S01", 40) is not None, timeout=10_000)


def test_slides_without_patients_share_one_heading(qtbot, tmp_path):
    records = tuple(SlideRecord(f"N{i}", tmp_path / f"{i}.svs", label="x") for i in range(3))
    Project.create(tmp_path / "project", Cohort(records))
    session = Session()
    open_project(session, tmp_path / "project")
    panel = shown(qtbot, CasesPanel(session, None))
    assert headings(panel) == ["Patient not given"]
    assert panel.model.slide_ids == ("N0", "N1", "N2")


def test_no_probability_reads_as_certain(panel):
    assert percent(1.0) == percent(0.996) == ">99 %"
    assert percent(0.994) == "99 %"
    sure = replace(row(panel, "S01"), probability=1.0)
    assert "100" not in said_words(sure)


# ---- searching


def test_search_narrows_the_list(qtbot, panel):
    qtbot.keyClicks(panel.search, "gamma")
    assert panel.model.slide_ids == ("S17", "S18", "S19", "S20")
    assert panel.count.text() == "4 of 24"
    qtbot.keyClicks(panel.search, " S18")
    assert panel.model.slide_ids == ("S18",)


def test_nothing_found_offers_the_way_back(qtbot, panel):
    panel.filter.setCurrentIndex(panel.filter.findData("wrong"))
    qtbot.keyClicks(panel.search, "nothing like it")
    assert panel.empty.isVisible()
    assert "No slide matches" in panel.empty.text()
    qtbot.mouseClick(panel.show_all, LEFT)
    assert len(panel.model.slide_ids) == 24
    assert panel.list.isVisible()


def test_filters(panel, session):
    def with_filter(key):
        panel.filter.setCurrentIndex(panel.filter.findData(key))
        return panel.model.slide_ids

    session.embedded = frozenset({"S01", "S02"})
    panel._refresh()
    results, cohort = session.results, session.cohort
    said = {s: results.classes[int(r.ranking[0])] for s, r in results.slides.items()}
    assert with_filter("wrong") == tuple(s for s in said if said[s] != cohort[s].label) != ()
    assert with_filter("unlike") == ("S24",)
    assert with_filter("not_reviewed") == panel._order
    assert with_filter("not_embedded") == panel._order[2:]
    assert with_filter("not_labelled") == with_filter("marked") == ()
    assert panel.filter.toolTip()
    assert len(with_filter("all")) == 24


# ---- opening and selecting


def test_a_click_opens_the_slide(qtbot, panel, session):
    click(qtbot, panel, "S05")
    assert session.slide_id == "S05"
    assert session.selection == ("S05",)
    assert panel.model.index_of("S05").data(OPEN)
    assert not panel.model.index_of("S01").data(OPEN)


def test_ctrl_click_makes_a_pair_and_opens_nothing(qtbot, panel, session):
    click(qtbot, panel, "S02")
    click(qtbot, panel, "S06", CTRL)
    assert session.selection == ("S02", "S06")
    assert session.slide_id == "S02"
    assert panel.model.index_of("S02").data(LETTER) == "A"
    assert panel.model.index_of("S06").data(LETTER) == "B"
    click(qtbot, panel, "S02", CTRL)
    assert session.selection == ("S06",)


def test_both_of_a_pair_can_be_looked_at(qtbot, panel, session):
    click(qtbot, panel, "S02")
    click(qtbot, panel, "S06", CTRL)
    click(qtbot, panel, "S06")
    assert session.slide_id == "S06"
    assert session.selection == ("S02", "S06")


def test_shift_click_selects_a_range(qtbot, panel, session):
    click(qtbot, panel, "S02")
    click(qtbot, panel, "S05", SHIFT)
    assert session.selection == ("S02", "S03", "S04", "S05")
    assert session.slide_id == "S02"


def test_a_click_on_a_patient_does_nothing(qtbot, panel, session):
    click(qtbot, panel, "S02")
    at = panel.list.visualRect(panel.model.index(0)).center()
    qtbot.mouseClick(panel.list.viewport(), LEFT, PLAIN, at)
    assert session.slide_id == "S02"


def test_the_selection_of_other_panels_is_shown_without_an_echo(qtbot, panel, session):
    heard = []
    session.events.selection.connect(heard.append)
    session.selection = ("S03", "S20")
    assert heard == [("S03", "S20")]
    assert {i.data(ITEM).slide_id for i in panel.list.selectedIndexes()} == {"S03", "S20"}


def test_a_slide_opened_elsewhere_comes_into_sight(panel, session):
    session.slide_id = "S24"
    place = panel.list.visualRect(panel.model.index_of("S24"))
    assert panel.list.viewport().rect().contains(place)


# ---- next and previous


def test_next_and_previous_buttons(qtbot, panel, session):
    click(qtbot, panel, "S02")
    qtbot.mouseClick(panel.next, LEFT)
    assert (session.slide_id, session.selection) == ("S03", ("S03",))
    qtbot.mouseClick(panel.previous, LEFT)
    qtbot.mouseClick(panel.previous, LEFT)
    qtbot.mouseClick(panel.previous, LEFT)
    assert session.slide_id == "S01"


def test_arrow_keys_go_through_the_list(qtbot, panel, session):
    click(qtbot, panel, "S02")
    qtbot.keyClick(panel.list, Qt.Key.Key_Down)
    assert session.slide_id == "S03"
    qtbot.keyClick(panel.list, Qt.Key.Key_Up)
    assert session.slide_id == "S02"


def shortcut(panel, keys):
    wanted = QKeySequence(keys)
    return next(s for s in panel.findChildren(QShortcut) if s.key() == wanted)


def test_keys_work_wherever_the_focus_is(qtbot, session):
    window = QWidget()
    qtbot.addWidget(window)
    elsewhere = QWidget(window)
    elsewhere.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    panel = CasesPanel(session, None)
    panel.setParent(window)
    window.resize(400, 400)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: window.isActiveWindow())
    elsewhere.setFocus()
    first = session.slide_id
    qtbot.keyClick(elsewhere, Qt.Key.Key_PageDown)
    assert session.slide_id == "S02" != first
    qtbot.keyClick(elsewhere, Qt.Key.Key_PageUp)
    assert session.slide_id == first
    qtbot.keyClick(elsewhere, Qt.Key.Key_Return, CTRL)
    assert session.cohort[first].state == "reviewed"
    panel.close()


def test_napari_does_not_use_our_keys():
    from napari.settings import get_settings

    bindings = get_settings().shortcuts.shortcuts.values()
    used = {QKeySequence(str(key)).toString() for keys in bindings for key in keys}
    assert used
    for keys in (NEXT_KEY, PREVIOUS_KEY, REVIEW_KEY):
        assert QKeySequence(keys).toString() not in used


def test_next_follows_the_search(qtbot, panel, session):
    click(qtbot, panel, "S01")
    panel.search.setText("gamma")
    qtbot.mouseClick(panel.next, LEFT)
    assert session.slide_id == "S17"
    qtbot.mouseClick(panel.next, LEFT)
    assert session.slide_id == "S18"


# ---- reviewed


def test_reviewed_is_kept_and_can_be_undone(qtbot, panel, session):
    click(qtbot, panel, "S04")
    qtbot.mouseClick(panel.reviewed, LEFT)
    assert session.cohort["S04"].state == "reviewed"
    assert Project.open(session.project.root).cohort["S04"].state == "reviewed"
    assert panel.reviewed.isChecked()
    assert "✓" in panel.reviewed.text()
    shortcut(panel, QKeySequence.StandardKey.Undo).activated.emit()
    assert session.cohort["S04"].state == ""
    assert not panel.reviewed.isChecked()
    shortcut(panel, QKeySequence.StandardKey.Redo).activated.emit()
    assert panel.reviewed.isChecked()
    qtbot.mouseClick(panel.reviewed, LEFT)
    assert session.cohort["S04"].state == ""


def test_reading_through_what_is_not_reviewed_goes_forward(qtbot, panel, session):
    panel.filter.setCurrentIndex(panel.filter.findData("not_reviewed"))
    click(qtbot, panel, "S05")
    qtbot.mouseClick(panel.reviewed, LEFT)
    assert "S05" not in panel.model.slide_ids
    qtbot.mouseClick(panel.next, LEFT)
    assert session.slide_id == "S06"


def test_the_menu_marks_the_whole_selection(qtbot, panel, session):
    click(qtbot, panel, "S02")
    click(qtbot, panel, "S06", CTRL)
    menu = panel.make_menu("S06")
    action = next(a for a in menu.actions() if a.text() == "Mark 2 slides as reviewed")
    action.trigger()
    assert [s.slide_id for s in session.cohort if s.state == "reviewed"] == ["S02", "S06"]
    assert session.history.undo_text == "Set review state of 2 slides"
    menu.deleteLater()


def test_a_read_only_project_says_why_nothing_can_be_marked(qtbot, session):
    session.project.read_only = True
    panel = shown(qtbot, CasesPanel(session, None))
    assert not panel.reviewed.isEnabled()
    assert "read-only" in panel.reviewed.toolTip()


# ---- the panel itself


def test_a_model_that_comes_later_is_shown(panel, session):
    results = session.results
    session.results = None
    assert row(panel, "S01").probability is None
    session.results = load_results(session.project.version_dir(FIRST))
    assert row(panel, "S01").prediction == results.classes[int(results.slides["S01"].ranking[0])]


def test_everything_fits_a_narrow_dock(panel):
    assert panel.minimumSizeHint().width() <= 270
    panel.resize(270, 345)
    for widget in (panel.search, panel.filter, panel.show_ids, panel.reviewed):
        assert widget.width() >= widget.minimumSizeHint().width()
        assert widget.mapTo(panel, QPoint(widget.width(), 0)).x() <= panel.width()
    assert panel.list.height() > 2 * panel.list.visualRect(panel.model.index(1)).height()


def test_controls_have_names_and_tips(panel):
    controls = (panel.search, panel.filter, panel.reviewed, panel.next, panel.previous)
    for widget in (*controls, panel.show_all):
        assert widget.accessibleName()
        assert widget.toolTip()


def test_a_closed_panel_lets_go_of_the_session(panel, session):
    panel.close()
    session.slide_id = "S09"
    assert not panel.model.index_of("S09").data(OPEN)


# ---- further columns of the manifest


def with_columns(session):
    """Half of the slides are of children; their surnames are never shown."""
    ages = ("child", "adult")
    session.cohort = session.cohort.with_records(
        replace(r, more=(("age_group", ages[i % 2]), ("surname", "Muster")))
        for i, r in enumerate(session.cohort)
    )
    return tuple(s.slide_id for i, s in enumerate(session.cohort) if i % 2 == 0)


def offered(panel):
    return [panel.filter.itemText(i) for i in range(panel.filter.count())]


def test_a_value_of_a_column_filters_and_next_goes_by_it(qtbot, panel, session):
    before = offered(panel)
    children = with_columns(session)
    assert [t for t in offered(panel) if t and t not in before] == [
        "Age group: adult",
        "Age group: child",
    ]
    panel.filter.setCurrentIndex(panel.filter.findText("Age group: child"))
    assert panel.model.slide_ids == children
    assert "“Age group: child”" in panel.filter.toolTip()
    assert "Muster" not in all_that_is_said(panel)
    session.slide_id = children[0]
    qtbot.mouseClick(panel.next, LEFT)
    assert session.slide_id == children[1]
    assert listed_slides(session) == children


def test_a_column_is_looked_for_by_its_name(panel, session):
    children = with_columns(session)
    panel.search.setText("age_group:child")
    assert panel.model.slide_ids == children
    panel.search.setText("surname:muster")
    assert panel.model.slide_ids == ()


def test_when_the_column_goes_all_slides_are_listed_again(panel, session):
    without, before = session.cohort, offered(panel)
    with_columns(session)
    panel.filter.setCurrentIndex(panel.filter.findText("Age group: child"))
    session.cohort = without
    assert offered(panel) == before
    assert session.case_filter == panel.bar.chosen_filter == "all"
    assert len(panel.model.slide_ids) == len(without)


def test_the_chosen_value_stays_chosen_when_slides_change(panel, session):
    with_columns(session)
    panel.filter.setCurrentIndex(panel.filter.findText("Age group: child"))
    first = session.cohort.slides[0]
    session.cohort = session.cohort.with_record(replace(first, state="reviewed"))
    assert panel.filter.currentText() == "Age group: child"
