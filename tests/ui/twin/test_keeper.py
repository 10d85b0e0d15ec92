"""The twin review over napari's own window: it opens, covers, and goes without a trace."""

from __future__ import annotations

import sys

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit
from tests.project_fixtures import tiny_project

from napari_lookalike.core.suggest import read_decisions
from napari_lookalike.session import suggestions, twin
from napari_lookalike.session.marks import mark_pair, set_expert
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.selection import select
from napari_lookalike.ui.commands import hard_negatives_panel, map_panel, suggestions_panel
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.viewer_names import canvas_of

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT = 30_000
ALT_SHIFT = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def opened(make_napari_viewer, tmp_path, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1200, 700)
    workspace = workspace_for(viewer)
    open_project(workspace.session, tiny_project(tmp_path, features=True).root)
    set_expert(workspace.session, "Dr A")
    qtbot.waitUntil(lambda: not workspace.canvas.loading, timeout=WAIT)
    return viewer, workspace


def begin(qtbot, workspace, a="S01", b="S05"):
    twin.open_twin(workspace.session, a, b)
    review = workspace.twin.review
    qtbot.waitUntil(lambda: not review.loading, timeout=WAIT)
    return review


def test_it_lies_over_everything_but_menu_and_status_bar(opened, qtbot):
    viewer, workspace = opened
    review = begin(qtbot, workspace)
    window = viewer.window._qt_window
    assert review.parent() is window
    assert review.width() == window.width()
    assert review.geometry().top() >= window.menuBar().geometry().bottom()
    assert review.geometry().bottom() <= window.statusBar().geometry().top()
    middle = window.rect().center()
    found = window.childAt(middle)
    assert found is review or review.isAncestorOf(found)
    window.resize(1000, 640)
    qtbot.waitUntil(lambda: review.width() == window.width(), timeout=WAIT)


def test_escape_goes_back_and_the_files_are_closed(opened, qtbot, monkeypatch):
    viewer, workspace = opened
    review = begin(qtbot, workspace)
    closed = []
    for pane in review.panes.panes:
        slide = pane.source.slide
        monkeypatch.setattr(slide, "close", lambda s=slide, c=slide.close: (closed.append(s), c()))
    QTest.keyClick(review, Qt.Key.Key_Escape)
    assert workspace.twin.review is None
    assert workspace.session.twin is None
    assert len(closed) == 2
    assert viewer.layers  # the canvas is as it was


def test_again_and_again(opened, qtbot):
    _, workspace = opened
    for pair in (("S01", "S05"), ("S02", "S06"), ("S01", "S05")):
        review = begin(qtbot, workspace, *pair)
        assert review.panes.titles[0].text().startswith(f"A: {pair[0]}")
        twin.close_twin(workspace.session)
    begin(qtbot, workspace)
    other = begin(qtbot, workspace, "S03", "S07")  # without closing between
    assert other.panes.titles[1].text().startswith("B: S07")


def test_closing_the_project_or_the_window_closes_it(opened, qtbot):
    viewer, workspace = opened
    begin(qtbot, workspace)
    close_project(workspace.session)
    assert workspace.twin.review is None
    viewer.close()


def test_the_window_is_closed_while_slides_are_compared(opened, qtbot):
    viewer, workspace = opened
    begin(qtbot, workspace)
    viewer.close()
    workspace.close()
    assert workspace.twin.review is None


def test_the_window_is_closed_while_slides_are_being_opened(opened):
    viewer, workspace = opened
    twin.open_twin(workspace.session, "S01", "S05")
    workspace.close()
    viewer.close()


def test_napari_hears_no_letter_of_ours(opened, qtbot):
    viewer, workspace = opened
    review = begin(qtbot, workspace)
    heard = []
    viewer.bind_key("Shift-D", lambda _: heard.append("Shift-D"))
    viewer.bind_key("F6", lambda _: heard.append("F6"))
    mode = viewer.layers[0].mode
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_F6, Qt.Key.Key_L, Qt.Key.Key_V):
        QTest.keyClick(review, key)
    QTest.keyClick(review, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    assert heard == []
    assert viewer.layers[0].mode == mode
    assert viewer.layers[0].visible


def test_two_selected_slides_are_compared_by_key(opened, qtbot):
    viewer, workspace = opened
    tools = slide_tools_for(viewer)
    select(workspace.session, ("S02",))
    tools.compare()
    assert workspace.twin.review is None
    assert "Two slides" in workspace.session.notice.text
    select(workspace.session, ("S02", "S06"))
    tools.compare()
    assert workspace.session.twin == ("S02", "S06")


def test_from_the_table(opened, qtbot):
    viewer, workspace = opened
    panel = hard_negatives_panel(viewer)
    viewer.window.add_dock_widget(panel)
    mark_pair(workspace.session, "S02", "S06")
    panel.table.selectRow(0)
    assert panel.compare.isEnabled()
    qtbot.mouseClick(panel.compare, Qt.MouseButton.LeftButton)
    assert workspace.session.twin == ("S02", "S06")


def test_from_the_map(opened, qtbot):
    viewer, workspace = opened
    panel = map_panel(viewer)
    viewer.window.add_dock_widget(panel)
    select(workspace.session, ("S02", "S06"))
    qtbot.mouseClick(panel.strip.compare, Qt.MouseButton.LeftButton)
    assert workspace.session.twin == ("S02", "S06")


# ---- where the keys go


def focus():
    return QApplication.focusWidget()


def press(key, held=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(focus(), key, held)


@pytest.fixture
def suggesting(opened, qtbot):
    """The panel Suggestions in its dock, with a card, and the focus."""
    viewer, workspace = opened
    panel = suggestions_panel(viewer)
    dock = viewer.window.add_dock_widget(panel, name="Suggestions")
    window = viewer.window._qt_window
    window.activateWindow()
    dock.raise_()
    qtbot.waitUntil(lambda: workspace.session.suggestions.found is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: not panel.card.visibleRegion().isEmpty(), timeout=WAIT)
    panel.setFocus()
    qtbot.waitUntil(panel.hasFocus, timeout=WAIT)
    return viewer, workspace, panel


def test_from_suggestions_and_back_by_keys_alone(suggesting, qtbot):
    _, workspace, panel = suggesting
    session, shown = workspace.session, suggestions.current(workspace.session)
    press(Qt.Key.Key_C)
    review = workspace.twin.review
    assert focus() is review  # not the form of the panel, which lies below
    qtbot.waitUntil(lambda: not review.loading, timeout=WAIT)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_D):
        press(key)  # the next row, slide A: diagnostic
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_S)
    press(Qt.Key.Key_2)
    press(Qt.Key.Key_Tab)
    QTest.keyClicks(focus(), "m5 blue")  # typed, and no keys
    for _ in review.form.fields():  # from each field Esc leads back to where keys work
        press(Qt.Key.Key_Escape)
        assert focus() is review
        press(Qt.Key.Key_Tab)
    press(Qt.Key.Key_Escape)
    press(Qt.Key.Key_M)
    assert review.checking.running
    press(Qt.Key.Key_Return)
    press(Qt.Key.Key_Return)
    (mark,) = [m for m in session.marks if m.active]
    assert (mark.strength, mark.reason) == (0.4, "m5 blue")
    assert {t.kind for t in session.evidence} == {"diagnostic", "look-alike"}
    (kept,) = read_decisions(session.project.root)
    assert (kept.what, kept.key) == ("accept", shown.key)
    press(Qt.Key.Key_Escape)
    assert workspace.twin.review is None
    assert focus() is panel
    now = suggestions.current(session)
    press(Qt.Key.Key_N)
    assert suggestions.current(session) != now


def test_after_leaving_the_keys_of_the_canvas_work_again(opened, qtbot):
    viewer, workspace = opened
    canvas = canvas_of(viewer)
    viewer.window._qt_window.activateWindow()
    canvas.setFocus()
    qtbot.waitUntil(canvas.hasFocus, timeout=WAIT)
    begin(qtbot, workspace)
    press(Qt.Key.Key_Escape)
    assert focus() is canvas


def test_from_the_map_and_back_by_keys(opened, qtbot):
    viewer, workspace = opened
    panel = map_panel(viewer)
    viewer.window.add_dock_widget(panel)
    viewer.window._qt_window.activateWindow()
    panel.scatter.setFocus()
    qtbot.waitUntil(panel.scatter.hasFocus, timeout=WAIT)
    press(Qt.Key.Key_C)  # nothing is selected: it says what is missing
    assert "Two slides" in workspace.session.notice.text
    select(workspace.session, ("S02", "S06"))
    press(Qt.Key.Key_C)
    assert workspace.session.twin == ("S02", "S06")
    assert focus() is workspace.twin.review
    press(Qt.Key.Key_Escape)
    assert focus() is panel.scatter


def test_if_what_had_the_focus_has_gone_the_canvas_gets_it(opened, qtbot):
    viewer, workspace = opened
    viewer.window._qt_window.activateWindow()
    field = QLineEdit(viewer.window._qt_window)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus, timeout=WAIT)
    begin(qtbot, workspace)
    field.hide()
    press(Qt.Key.Key_Escape)
    assert focus() is canvas_of(viewer)


def test_suggestions_are_answered_from_the_canvas(suggesting, qtbot):
    viewer, workspace, panel = suggesting
    session, held = workspace.session, ALT_SHIFT
    canvas_of(viewer).setFocus()
    first, second = (s.key for s in suggestions.queue(session)[:2])
    press(Qt.Key.Key_N, held)
    assert suggestions.current(session).key == second
    press(Qt.Key.Key_B, held)
    assert suggestions.current(session).key == first
    press(Qt.Key.Key_X, held)
    press(Qt.Key.Key_L, held)
    assert [d.what for d in read_decisions(session.project.root)] == ["reject", "later"]
    assert focus() is canvas_of(viewer)  # it goes on from there
    press(Qt.Key.Key_A, held)
    assert session.proposal is not None
    assert panel.form.isAncestorOf(focus())
    press(Qt.Key.Key_Escape)
    canvas_of(viewer).setFocus()
    press(Qt.Key.Key_V, held)
    assert session.twin == session.proposal.slides
    press(Qt.Key.Key_X, held)  # below the review nothing is answered
    assert len(read_decisions(session.project.root)) == 2
    press(Qt.Key.Key_Escape)
    assert focus() is canvas_of(viewer)


def test_nothing_that_cannot_be_seen_is_answered_and_no_field_is_disturbed(suggesting, qtbot):
    viewer, workspace, panel = suggesting
    session = workspace.session
    key = suggestions.current(session).key
    panel.tabs.setCurrentIndex(1)
    canvas_of(viewer).setFocus()
    press(Qt.Key.Key_X, ALT_SHIFT)
    panel.tabs.setCurrentIndex(0)
    field = QLineEdit(viewer.window._qt_window)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus, timeout=WAIT)
    press(Qt.Key.Key_X, ALT_SHIFT)
    assert suggestions.current(session).key == key
    assert read_decisions(session.project.root) == ()
