"""The map by keyboard: mark, strength, next; what the form knows more; further columns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QToolButton
from tests.project_fixtures import tiny_project, tiny_projection

from napari_lookalike.core.suggest import look
from napari_lookalike.core.suggest.textbook import FILE_NAME
from napari_lookalike.session import suggestions
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.keys import grouped
from napari_lookalike.ui.panels.map import MapPanel

pytestmark = pytest.mark.gui
BOOK = "subtype_a,subtype_b,why,test,strength,source,confirmed_by\nbeta,alpha,Blue,INI1,0.9,,\n"
KEYPAD = Qt.KeyboardModifier.KeypadModifier


class NoRunner:
    """Runs nothing: the map is there."""

    def run(self, *_args, **_more):
        return 1

    def cancel(self, _key):
        pass


@pytest.fixture
def session(tmp_path) -> Session:
    project = tiny_project(tmp_path)
    (project.root / FILE_NAME).write_text(BOOK)
    session = Session()
    open_project(session, project.root)
    session.projection = tiny_projection(session.results)
    session.expert = "Dr A"
    return session


@pytest.fixture
def panel(qtbot, session):
    panel = MapPanel(session, NoRunner())
    qtbot.addWidget(panel)
    panel.resize(431, 408)
    panel.show()
    yield panel
    panel.close()


@pytest.fixture
def pair(session) -> tuple[str, str]:
    """Two slides of different subtypes, selected."""
    first = session.cohort.slides[0]
    second = next(s for s in session.cohort if s.label not in ("", first.label))
    session.selection = (first.slide_id, second.slide_id)
    return session.selection


def test_m_asks_and_m_keeps(qtbot, panel, session, pair):
    qtbot.keyClick(panel.scatter, Qt.Key.Key_M)
    assert panel.form.isVisible()
    assert session.marks == ()
    qtbot.keyClick(panel.form.strength, Qt.Key.Key_M)
    (row,) = session.marks
    assert set(row.sides) == set(pair)
    assert not panel.form.isVisible()


def test_m_with_the_focus_on_the_map_keeps_what_is_filled_in(qtbot, panel, session, pair):
    qtbot.keyClick(panel.scatter, Qt.Key.Key_M)
    panel.form.reason.setCurrentText("both blue")
    qtbot.keyClick(panel.scatter, Qt.Key.Key_M)
    assert [row.reason for row in session.marks] == ["both blue"]


def test_digits_open_the_form_with_that_strength_and_change_it(qtbot, panel, session, pair):
    qtbot.keyClick(panel.scatter, Qt.Key.Key_4)
    assert panel.form.isVisible()
    assert panel.form.draft().strength == pytest.approx(0.8)
    qtbot.keyClick(panel.scatter, Qt.Key.Key_5, KEYPAD)
    assert panel.form.draft().strength == pytest.approx(1.0)
    qtbot.keyClick(panel.form.strength, Qt.Key.Key_2)
    qtbot.keyClick(panel.form.strength, Qt.Key.Key_Return)
    assert [row.strength for row in session.marks] == [pytest.approx(0.4)]


def test_without_a_pair_the_keys_do_nothing(qtbot, panel, session):
    for key in (Qt.Key.Key_3, Qt.Key.Key_M):
        qtbot.keyClick(panel.scatter, key)
    assert not panel.form.isVisible()
    assert session.marks == ()


def test_what_is_typed_is_no_key(qtbot, panel, session, pair):
    panel.ask()
    before = panel.form.draft().strength
    for field in (panel.form.reason.lineEdit(), panel.form.details.features):
        qtbot.keyClicks(field, "m2 n")
    draft = panel.form.draft()
    assert (draft.reason, draft.features, draft.strength) == ("m2 n", "m2 n", before)
    assert session.marks == ()


def test_escape_leaves_the_form(qtbot, panel, session, pair):
    qtbot.keyClick(panel.scatter, Qt.Key.Key_1)
    qtbot.keyClick(panel.form.strength, Qt.Key.Key_Escape)
    assert not panel.form.isVisible()
    assert session.marks == ()


def test_the_keys_are_in_the_list():
    keys = " ".join(text for text, _ in grouped(())["Map"])
    assert all(key in keys for key in ("M", "N", "1 2 3 4 5"))


# ---- what the form knows more


@pytest.mark.parametrize("level", ["slide", "subtype"])
def test_features_test_result_and_confidence_are_kept(panel, session, pair, level):
    panel.ask()
    assert not panel.form.details.isVisible()
    panel.form.more.button.click()
    assert panel.form.details.isVisible()
    if level == "subtype":
        panel.form.subtypes_button.click()
    details = panel.form.details
    details.features.setText("rosettes; tubules")
    details.test.setCurrentText("INI1 (SMARCB1)")
    details.result.setCurrentText("lost")
    details.confidence.setCurrentText("fairly sure")
    panel.form.submit()
    (row,) = session.marks
    said = (row.level, row.tags, row.test, row.test_result, row.confidence)
    assert said == (level, ("rosettes", "tubules"), "INI1 (SMARCB1)", "lost", "fairly sure")


def test_a_mark_that_says_more_is_shown_unfolded_and_can_be_changed(panel, session, pair):
    panel.ask()
    panel.form.details.test.setCurrentText("LIN28A")
    panel.form.submit()
    panel.ask()
    assert panel.form.details.isVisible()
    assert panel.form.details.test.currentText() == "LIN28A"
    panel.form.details.result.setCurrentText("positive")
    panel.form.submit()
    (row,) = session.marks
    assert (row.test, row.test_result) == ("LIN28A", "positive")


def test_a_new_mark_begins_folded_and_empty(panel, session, pair):
    panel.ask()
    panel.form.details.test.setCurrentText("LIN28A")
    panel.form.submit()
    first = session.cohort[pair[0]]
    other = next(s for s in session.cohort if s.label == first.label and s != first)
    session.selection = (other.slide_id, pair[1])
    panel.ask()
    assert not panel.form.details.isVisible()
    assert set(panel.form.details.draft().values()) == {""}


def test_the_unfolded_form_makes_a_small_panel_no_higher(panel, session, pair):
    """The window of 768 px would grow beyond its screen."""
    session.expert = ""
    panel.ask()
    panel.form.more.open()
    assert panel.minimumSizeHint().height() <= 408
    assert panel.minimumSizeHint().width() <= 380
    details = panel.form.details
    panel.layout().activate()
    assert details.test.y() == details.result.y() > details.features.y()


# ---- the next pair


def test_n_selects_one_suggested_pair_after_another(qtbot, panel, session):
    suggestions.begin_looking(session)
    suggestions.take(session, look(session.project, session.cohort, session.results))
    seen = []
    for _ in range(3):
        qtbot.keyClick(panel.scatter, Qt.Key.Key_N)
        seen.append(frozenset(session.selection))
        labels = {session.cohort[s].label for s in session.selection}
        assert len(labels) == 2
    assert len(set(seen)) == 3
    assert seen[0] == frozenset(suggestions.queue(session)[0].slides)


def test_n_leaves_the_form(qtbot, panel, session, pair):
    suggestions.begin_looking(session)
    suggestions.take(session, look(session.project, session.cohort, session.results))
    panel.ask()
    qtbot.keyClick(panel.scatter, Qt.Key.Key_N)
    assert not panel.form.isVisible()
    assert session.marks == ()


def test_n_says_when_nothing_is_suggested(qtbot, panel, session):
    qtbot.keyClick(panel.scatter, Qt.Key.Key_N)
    assert session.selection == ()
    assert "No other pair is suggested" in session.notice.text


# ---- further columns of the manifest


def offered(panel) -> list[str]:
    return [panel.colour_by.itemText(i) for i in range(panel.colour_by.count())]


def test_a_column_of_the_manifest_is_offered_and_gone_with_it(qtbot, panel, session):
    before, without = offered(panel), session.cohort
    rows = [
        replace(r, more=(("age_group", "young" if i % 2 else "old"), ("surname", "Muster")))
        for i, r in enumerate(without)
    ]
    session.cohort = without.with_records(rows)
    assert [text for text in offered(panel) if text and text not in before] == ["Age group"]
    colours = panel.scatter.scene.colours
    panel.colour_by.setCurrentIndex(panel.colour_by.findText("Age group"))
    assert panel.scatter.scene.colours != colours
    shown = {b.text().partition(" (")[0] for b in panel.legend.findChildren(QToolButton)}
    assert {"old", "young"} <= shown
    session.selection = tuple(r.slide_id for r in rows[:1])
    assert panel.colour_by.currentText() == "Age group"  # other events leave the choice
    session.cohort = without.with_records(replace(r, more=(("grade", "2"), *r.more)) for r in rows)
    assert panel.colour_by.currentText() == "Age group"  # and so does a column before it
    session.cohort = without
    assert offered(panel) == before
    assert panel.controls.by == "label"
    assert panel.scatter.scene.colours == colours
