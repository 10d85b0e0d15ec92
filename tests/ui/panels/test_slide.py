"""The Slide panel in a real viewer, as a pathologist uses it."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

from napari_lookalike.core.bookmarks import read_bookmarks
from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.tile_cache import tile_cache
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.power import NO_MPP
from napari_lookalike.session.slide_view import NO_ICC, NO_LABEL, NO_SLIDE
from napari_lookalike.session.tile_memory import MIB
from napari_lookalike.ui.commands import slide_panel
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.panels.slide import SlidePanel
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.slide_layer import add_slide
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.widgets.label_pictures import SHOW
from napari_lookalike.ui.widgets.overview import FAILED

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 30_000
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def opened(qtbot, make_napari_viewer, tiny, aperio_slide):
    """A project with one more slide, S99, that has a label and a macro image."""
    label = SlideRecord("S99", aperio_slide, patient_id="PAT-99", label="alpha")
    tiny.save(cohort=tiny.cohort.with_added((label,)))
    viewer = make_napari_viewer(show=True)
    workspace = workspace_for(viewer)
    panel = slide_panel(viewer)
    viewer.window.add_dock_widget(panel, name="Slide", area="left")
    open_project(workspace.session, tiny.root)
    shown(qtbot, viewer, "S01")
    yield viewer, panel, workspace.session
    workspace.close()


def shown(qtbot, viewer, slide_id):
    """Wait until a slide is on the canvas and the panel knows it."""
    controls = slide_tools_for(viewer).controls
    panel = viewer.window._qt_window.findChild(SlidePanel)
    qtbot.waitUntil(
        lambda: (
            bool(our_layers(viewer, "slide"))
            and controls.facts is not None
            and controls.facts.name == slide_id
            and controls.facts.of_project
            and controls._told == controls.facts
            and slide_id in panel.title.text()
        ),
        timeout=WAIT_MS,
    )


def press(button):
    QTest.mouseClick(button, LEFT)


def rows(panel):
    return [
        (item.text(0), item.text(1))
        for item in map(panel.bookmarks.topLevelItem, range(panel.bookmarks.topLevelItemCount()))
    ]


def test_it_follows_the_slide_and_the_zoom(qtbot, opened):
    viewer, panel, session = opened
    assert "S01" in panel.title.text()
    press(panel.powers[10])
    assert panel.readout.text() == "<b>10x</b> · 1.00 µm per screen pixel"
    assert panel.scanned.text() == "Scanned at 20x, 0.5 µm per pixel"
    assert panel.powers[10].isChecked()
    assert not panel.powers[20].isChecked()
    press(panel.powers[40])
    assert "enlarged 2.0 times" in panel.remark.text()
    assert panel.remark.isVisibleTo(panel)
    session.slide_id = "S02"
    shown(qtbot, viewer, "S02")
    assert "S02" in panel.title.text()
    viewer.layers.clear()
    qtbot.waitUntil(lambda: panel.title.text() == NO_SLIDE)
    assert not panel.powers[10].isEnabled()
    assert not panel.add.isEnabled()


def test_the_overview_moves_the_view_and_follows_it(qtbot, opened):
    viewer, panel, _ = opened
    controls = slide_tools_for(viewer).controls
    qtbot.waitUntil(lambda: panel.overview._picture is not None, timeout=WAIT_MS)
    press(panel.powers[40])
    before = panel.overview.field_rect()
    place = panel.overview.to_widget(64, 150).toPoint()
    QTest.mouseClick(panel.overview, LEFT, pos=QPoint(place))
    x, y = controls.field().centre_px0
    assert abs(x - 64) < 256 / panel.overview.width() + 2
    assert abs(y - 150) < 192 / panel.overview.height() + 2
    assert panel.overview.field_rect() != before


def test_buttons_turn_and_the_panel_says_so(opened):
    viewer, panel, _ = opened
    controls = slide_tools_for(viewer).controls
    press(panel.turns[1])
    assert "Turned 90° right" in panel.scanned.text()
    press(panel.turns[2])
    assert controls.orientation.is_mirrored
    press(panel.turns[4])
    assert controls.orientation.words == ""


def test_a_bookmark_is_set_noted_visited_deleted_and_brought_back(qtbot, opened):
    viewer, panel, session = opened
    tools = slide_tools_for(viewer)
    session.expert = "Dr A"
    tools.controls.look_at(60, 70, 0.5)
    press(panel.add)
    editor = panel.bookmarks.findChild(QLineEdit)
    QTest.keyClicks(editor, "Mitosis?")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.bookmarks[0].note != "", timeout=WAIT_MS)
    [kept] = read_bookmarks(session.project.root)
    assert (kept.slide_id, kept.note, kept.expert) == ("S01", "Mitosis?", "Dr A")
    assert rows(panel) == [("40x", "Mitosis?")]
    tools.show_all()
    item = panel.bookmarks.topLevelItem(0)
    QTest.mouseClick(
        panel.bookmarks.viewport(), LEFT, pos=panel.bookmarks.visualItemRect(item).center()
    )
    assert tools.controls.field().centre_px0 == pytest.approx((60, 70))
    assert tools.controls.field().downsample == pytest.approx(0.5)
    session.slide_id = "S05"
    shown(qtbot, viewer, "S05")
    assert rows(panel) == []
    panel.every.setChecked(True)
    assert [text for _, text in rows(panel)] == ["", "Mitosis?"]
    panel.bookmarks.go_requested.emit(session.bookmarks[0])
    shown(qtbot, viewer, "S01")
    qtbot.waitUntil(
        lambda: tools.controls.field().centre_px0 == pytest.approx((60, 70)), timeout=WAIT_MS
    )
    assert tools.controls.field().downsample == pytest.approx(0.5)
    panel.bookmarks.setCurrentItem(panel.bookmarks.topLevelItem(0))
    press(panel.delete)
    assert read_bookmarks(session.project.root) == ()
    assert rows(panel) == []
    press(panel.undo)
    assert read_bookmarks(session.project.root) == (kept,)
    assert rows(panel) == [("40x", "Mitosis?")]


def test_escape_leaves_a_note_as_it_was(opened):
    _, panel, session = opened
    press(panel.add)
    editor = panel.bookmarks.findChild(QLineEdit)
    QTest.keyClicks(editor, "x")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert session.bookmarks[0].note == ""
    assert [text for _, text in rows(panel)] == ["no note"]


def test_keys_set_bookmarks_and_go_round_them(opened):
    viewer, panel, session = opened
    tools = slide_tools_for(viewer)
    canvas = viewer.window._qt_viewer.canvas.native
    shift = Qt.KeyboardModifier.ShiftModifier
    for place in ((50, 60), (200, 90)):
        tools.controls.look_at(*place, 0.5)
        QTest.keyClick(canvas, Qt.Key.Key_B, shift)
    assert len(rows(panel)) == len(session.bookmarks) == 2
    QTest.keyClick(canvas, Qt.Key.Key_J, shift)
    assert tools.controls.field().centre_px0 == pytest.approx((50, 60))
    QTest.keyClick(canvas, Qt.Key.Key_J, shift)
    assert tools.controls.field().centre_px0 == pytest.approx((200, 90))


def test_a_read_only_project_says_that_bookmarks_cannot_be_kept(opened):
    _, panel, session = opened
    session.project.read_only = True
    press(panel.add)
    assert "read-only" in session.notice.text
    assert rows(panel) == []


def test_next_and_previous_by_key_with_and_without_cases(qtbot, opened):
    viewer, _, session = opened
    canvas = viewer.window._qt_viewer.canvas.native
    QTest.keyClick(canvas, Qt.Key.Key_PageDown)
    assert session.slide_id == "S02"
    QTest.keyClick(canvas, Qt.Key.Key_PageUp)
    QTest.keyClick(canvas, Qt.Key.Key_PageUp)
    assert session.slide_id == "S01"
    session.case_search = "S05"
    QTest.keyClick(canvas, Qt.Key.Key_PageDown)
    assert session.slide_id == "S05"
    shown(qtbot, viewer, "S05")


def test_label_and_macro_are_shown_when_asked_for_and_here_only(qtbot, opened):
    viewer, panel, session = opened
    assert not panel.label.isEnabled()
    assert panel.label.toolTip() == NO_LABEL
    session.slide_id = "S99"
    shown(qtbot, viewer, "S99")
    assert panel.label.isEnabled()
    assert panel.label.warning.isHidden()
    assert panel.label._pictures.count() == 0
    press(panel.label.button)
    assert "can identify a patient" in panel.label.warning.text()
    assert panel.label.warning.isVisibleTo(panel)
    qtbot.waitUntil(lambda: panel.label._pictures.count() == 4, timeout=WAIT_MS)
    kinds = {layer.metadata["napari-lookalike"]["kind"] for layer in viewer.layers}
    assert kinds == {"slide"}
    session.slide_id = "S01"
    shown(qtbot, viewer, "S01")
    assert panel.label.warning.isHidden()
    assert panel.label._pictures.count() == 0
    assert panel.label.button.text() == SHOW


def test_pictures_that_come_late_are_not_shown(qtbot, opened):
    viewer, panel, session = opened
    session.slide_id = "S99"
    shown(qtbot, viewer, "S99")
    press(panel.label.button)
    press(panel.label.button)  # changed their mind
    qtbot.waitUntil(lambda: not panel._background.busy)
    assert panel.label._pictures.count() == 0


def test_colours_are_switched_where_the_file_has_a_profile(qtbot, opened, monkeypatch):
    viewer, panel, session = opened
    assert not panel.colours.isEnabled()
    assert panel.colours.toolTip() == NO_ICC
    facts = slide_tools_for(viewer).controls.facts
    monkeypatch.setattr(
        type(slide_tools_for(viewer).controls), "facts", replace(facts, has_profile=True)
    )
    panel._show()
    assert panel.colours.isEnabled()
    panel.colours.click()
    assert session.colour_managed
    panel.colours.click()
    assert not session.colour_managed


def test_memory_for_tiles_is_asked_for_and_kept(opened, monkeypatch, own_user_file):
    _, panel, _ = opened
    before = tile_cache().limit
    monkeypatch.setattr(
        "napari_lookalike.ui.panels.slide.QInputDialog.getInt", lambda *_: (640, True)
    )
    [action] = panel.more.menu().actions()
    action.trigger()
    assert tile_cache().limit == 640 * MIB
    assert "640" in own_user_file.read_text()
    tile_cache().resize(before)


def test_without_mpp_the_powers_are_off_and_say_why(qtbot, make_napari_viewer, no_mpp_slide):
    viewer = make_napari_viewer()
    panel = slide_panel(viewer)
    qtbot.addWidget(panel)
    with open_slide(no_mpp_slide) as slide:
        add_slide(viewer, slide, slide.name)
        qtbot.waitUntil(lambda: panel.powers[10].toolTip() == NO_MPP)
        assert not panel.powers[10].isEnabled()
        assert panel.remark.text() == NO_MPP
        assert panel.fit.isEnabled()
        press(panel.add)
        assert "until the window is closed" in panel.kept.text()
        assert [zoom for zoom, _ in rows(panel)] == ["–"]
        viewer.layers.clear()


def test_measuring_shows_in_the_panel(opened):
    viewer, panel, _ = opened
    press(panel.measure)
    assert panel.measure.isChecked()
    assert "Esc ends" in panel.lengths.text()
    slide_tools_for(viewer).measure.end()
    assert not panel.measure.isChecked()
    assert not panel.lengths.isVisibleTo(panel)


def test_an_overview_that_cannot_be_read_is_said(qtbot, opened, monkeypatch):
    viewer, panel, session = opened

    def torn(_slide):
        raise RegionError("The tile in column 4 cannot be decoded.", "")

    monkeypatch.setattr("napari_lookalike.ui.panels.slide._thumbnail", torn)
    session.slide_id = "S02"
    shown(qtbot, viewer, "S02")
    qtbot.waitUntil(lambda: panel.overview.words == FAILED, timeout=WAIT_MS)
