"""The layout is kept for the user; the menu with its keys; text and theme."""

from __future__ import annotations

import sys
from functools import partial

import pytest
from napari.settings import get_settings
from qtpy.QtGui import QCloseEvent, QKeySequence
from qtpy.QtWidgets import (
    QDockWidget,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollArea,
    QTabBar,
    QTableView,
)

from napari_lookalike.session.expert import keep, kept
from napari_lookalike.ui.layout import NAME, layout_of
from napari_lookalike.ui.menu import PANEL_KEYS, TITLE, WINDOW_KEYS
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.text_size import NORMAL, change_text, small_text, text_points
from napari_lookalike.ui.widgets.roomy import RoomyArea
from napari_lookalike.ui.workspace import (
    NAPARIS_OWN,
    PLACES,
    build_workspace,
    main_window,
    reset_layout,
    restore_layout,
    workspace_docks,
)

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]


@pytest.fixture
def appearance():
    """napari's settings, as they were afterwards."""
    found = get_settings().appearance
    before = found.font_size, found.theme
    yield found
    found.font_size, found.theme = before


@pytest.fixture
def built(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    build_workspace(viewer)
    yield viewer  # its window alone would keep it alive beyond the test
    workspace_for(viewer).close()


def parts(viewer):
    docks = workspace_docks(viewer)
    return docks, main_window(docks["Cases"])


def menu_of(main):
    return next(m for m in main.findChildren(QMenu) if m.title() == TITLE)


def action(main, text):
    return next(a for a in menu_of(main).actions() if a.text() == text)


def test_a_closed_panel_and_a_moved_one_are_as_they_were_next_time(built):
    docks, main = parts(built)
    docks["Top tiles"].hide()
    docks["Map"].setFloating(True)
    layout_of(main).save()
    reset_layout(main, docks)
    assert not docks["Map"].isFloating()
    assert not docks["Top tiles"].isHidden()
    assert restore_layout(docks)
    assert docks["Map"].isFloating()
    assert docks["Top tiles"].isHidden()
    assert not docks["Cases"].isHidden()
    docks["Map"].setFloating(False)


def test_a_restored_layout_leaves_no_tabs_over_the_panels(qtbot, built):
    docks, main = parts(built)
    shown = partial(tab_groups, main)
    qtbot.waitUntil(lambda: frozenset({"Slide", "Prediction"}) in shown(), timeout=20_000)
    left = QTabBar(main)  # as Qt leaves one, on some restores only
    for title in ("Slide", "Prediction"):
        left.addTab(title)
    left.setGeometry(0, 10, 200, 21)
    left.show()
    assert len(shown()) > len(set(shown()))
    layout_of(main).save()
    assert restore_layout(docks)
    qtbot.waitUntil(left.isHidden, timeout=20_000)
    assert len(shown()) == len(set(shown()))
    assert frozenset({"Slide", "Prediction"}) in shown()
    assert any({"Look-alikes", "Teach", "Embed"} <= group for group in shown())


def tab_groups(main):
    """What each tab bar of the window that is in sight holds."""
    bars = [b for b in main.findChildren(QTabBar) if b.parent() is main and b.isVisible()]
    return [frozenset(b.tabText(i) for i in range(b.count())) for b in bars]


def test_the_layout_is_kept_when_the_window_is_closed(built):
    _docks, main = parts(built)
    assert kept(NAME) is None
    layout_of(main).eventFilter(main, QCloseEvent())  # the window itself is closed by its fixture
    assert kept(NAME)["panels"] == sorted(place.title for place in PLACES)


@pytest.mark.parametrize(
    "found",
    [
        None,
        "nonsense",
        {"panels": ["Cases"], "state": "AAAA", "size": [900, 700], "maximized": False},
        {"panels": sorted(p.title for p in PLACES), "state": 7, "size": [1], "maximized": False},
        {"panels": sorted(p.title for p in PLACES), "state": "?", "size": [9, 9], "maximized": 1},
    ],
)
def test_a_layout_of_other_panels_or_a_damaged_one_is_passed_over(built, found):
    docks, main = parts(built)
    if found is not None:
        keep(NAME, found)
    assert not restore_layout(docks)
    assert not docks["Map"].isFloating()
    assert layout_of(main) is not None


def test_what_needs_much_room_scrolls_and_does_not_make_the_window_larger(built):
    docks, main = parts(built)
    for title in ("Prediction", "Map", "Look-alikes", "Suggestions", "Versions", "Project"):
        assert docks[title].findChild(RoomyArea) is not None, title
    own = [d for d in main.findChildren(QDockWidget) if d.objectName() in NAPARIS_OWN]
    assert len(own) == len(NAPARIS_OWN)
    for dock in own:
        assert isinstance(dock.widget(), QScrollArea)
    reset_layout(main, docks)  # a second time changes nothing
    for dock in own:
        assert not isinstance(dock.widget().widget(), QScrollArea)


def test_reset_brings_everything_back(qtbot, built):
    docks, main = parts(built)
    docks["Teach"].hide()
    docks["Map"].setFloating(True)
    action(main, "Reset layout").trigger()
    for place in PLACES:
        assert not docks[place.title].isFloating()
        assert not docks[place.title].isHidden()
        assert main.dockWidgetArea(docks[place.title]).name.lower().startswith(place.area)
        if place.behind:
            assert docks[place.title] in main.tabifiedDockWidgets(docks[place.behind])
    reset_layout(main, docks)  # a second time changes nothing
    assert docks["Teach"] in main.tabifiedDockWidgets(docks["Look-alikes"])


def test_every_panel_has_a_key_that_brings_it_forward(qtbot, built):
    docks, main = parts(built)
    assert set(PANEL_KEYS) >= set(docks)
    for title in docks:
        assert action(main, title).shortcut() == QKeySequence(PANEL_KEYS[title])
    for title in ("Cases", "Slide", "Project"):
        docks[title].hide()
        action(main, title).trigger()
        assert docks[title].isVisible(), title


def test_every_key_of_the_menu_is_in_the_list_of_keys(built):
    _docks, main = parts(built)
    listed = {QKeySequence(keys).toString() for keys, _what, _group in WINDOW_KEYS}
    ours = [a.shortcut().toString() for a in menu_of(main).actions() if a.shortcut().toString()]
    assert set(ours) <= listed
    assert len(set(ours)) == len(ours)
    others = {
        s.toString()
        for a in main.findChildren(type(menu_of(main).actions()[0]))
        if a.parent() is not menu_of(main)
        for s in a.shortcuts()
    }
    assert not set(ours) & others


def test_text_grows_in_all_panels_and_comes_back(built, appearance):
    docks, main = parts(built)
    label, small = QLabel("text", docks["Cases"].widget()), QLabel("small", docks["Map"].widget())
    field = docks["Cases"].widget().findChild(QLineEdit)  # napari sizes labels and buttons only
    table = docks["Project"].widget().findChild(QTableView)
    small_text(small, 8)
    action(main, "Normal text").trigger()
    label.ensurePolished()
    small.ensurePolished()
    rest = [w.fontInfo().pointSizeF() for w in (field, table)]
    before = label.fontInfo().pointSizeF(), small.fontInfo().pointSizeF()
    for _ in range(4):
        action(main, "Larger text").trigger()
    assert text_points() == NORMAL + 4
    label.ensurePolished()
    small.ensurePolished()
    after = label.fontInfo().pointSizeF(), small.fontInfo().pointSizeF()
    assert after[0] > 1.3 * before[0]
    assert after[1] > 1.3 * before[1]
    for widget, was in zip((field, table), rest, strict=True):
        assert widget.fontInfo().pointSizeF() > 1.3 * was
    action(main, "Smaller text").trigger()
    assert text_points() == NORMAL + 3
    action(main, "Normal text").trigger()
    assert text_points() == NORMAL


def test_text_has_limits(appearance):
    for _ in range(40):
        change_text(1)
    assert text_points() == 20
    for _ in range(40):
        change_text(-1)
    assert text_points() == 7


def test_light_and_dark(built, appearance):
    _docks, main = parts(built)
    appearance.theme = "dark"
    action(main, "Light or dark").trigger()
    assert appearance.theme == "light"
    action(main, "Light or dark").trigger()
    assert appearance.theme == "dark"
