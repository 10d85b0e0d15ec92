"""Our keys take none of napari's, whichever of its registries they are in."""

from __future__ import annotations

import sys

import napari
import pytest
from app_model.types import KeyBinding
from napari import layers
from napari._app_model import get_app_model
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLabel

from napari_lookalike.ui.keys import ELSEWHERE, grouped, shown
from napari_lookalike.ui.menu import WINDOW_KEYS
from napari_lookalike.ui.panels.cases import NEXT_KEY, PREVIOUS_KEY, REVIEW_KEY
from napari_lookalike.ui.panels.suggestions import ANYWHERE
from napari_lookalike.ui.sessions import session_for
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.widgets.key_help import KeyHelp

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]


def normal(keys):
    return str(KeyBinding.from_str(str(keys).replace("Cmd", "Ctrl")))


def naparis_own(viewer):
    """Every key that napari binds: shortcuts, class keymaps, menus."""
    found = {normal(k) for keys in get_settings().shortcuts.shortcuts.values() for k in keys}
    kinds = [getattr(layers, name) for name in layers.__all__]
    for kind in (napari.Viewer, *(k for k in kinds if hasattr(k, "class_keymap"))):
        found |= {normal(k) for k in kind.class_keymap if k is not ...}
    for rule in get_app_model().keybindings:
        found.add(normal(rule.keybinding))
    for action in viewer.window._qt_window.findChildren(type(viewer.window.file_menu.actions()[0])):
        found |= {normal(s.toString()) for s in action.shortcuts() if s.toString()}
    return found


def test_none_of_naparis_keys_is_taken(make_napari_viewer):
    viewer = make_napari_viewer()
    own = naparis_own(viewer)
    assert {"Ctrl+G", "Ctrl+O", "V", "1", "Ctrl+Y"} <= own  # the registries are really read
    ours = [key.keys for key in slide_tools_for(viewer).keys]
    assert [k for k in ours if normal(k) in own] == []
    assert len({normal(k) for k in ours}) == len(ours)


def test_keys_of_panels_clash_neither_with_naparis_nor_with_ours(make_napari_viewer):
    viewer = make_napari_viewer()
    own = naparis_own(viewer)
    ours = {normal(key.keys) for key in slide_tools_for(viewer).keys}
    panels = {"PageDown": NEXT_KEY, "PageUp": PREVIOUS_KEY, "Ctrl+Enter": REVIEW_KEY}
    assert not {normal(k) for k in panels} & own
    assert {normal("PageDown"), normal("PageUp")} <= ours  # the same two mean the same
    assert normal("Ctrl+Enter") not in ours
    far = {normal(k) for k in ANYWHERE.values()}
    assert not far & (own | ours | {normal(k) for k, *_ in WINDOW_KEYS})
    assert len(far) == len(ANYWHERE)
    listed = {
        k for text, *_ in ELSEWHERE if text.startswith("Alt+Shift+") for k in text[10:].split(", ")
    }
    assert {k.rpartition("+")[2] for k in far} == listed


def test_keys_are_bound_once(make_napari_viewer):
    viewer = make_napari_viewer()
    tools = slide_tools_for(viewer)
    bound = dict(viewer.keymap)
    assert len(bound) == len(tools.keys)
    assert slide_tools_for(viewer) is tools
    assert dict(viewer.keymap) == bound


def test_help_lists_every_key_and_opens_once(qtbot, make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    tools = slide_tools_for(viewer)
    canvas = viewer.window._qt_viewer.canvas.native
    QTest.keyClick(canvas, Qt.Key.Key_F1)
    QTest.keyClick(canvas, Qt.Key.Key_F1)
    [dialog] = viewer.window._qt_window.findChildren(KeyHelp)
    text = " ".join(label.text() for label in dialog.findChildren(QLabel))
    for key in tools.keys:
        assert shown(key.keys) in text
        assert key.title in text
    listed = [entry for rows in grouped(tools.keys).values() for entry in rows]
    assert len(listed) == len(tools.keys) + len(ELSEWHERE)
    room = dialog.screen().availableSize()
    assert dialog.width() <= room.width() and dialog.height() <= room.height()
    assert dialog.minimumSizeHint().height() < 500  # a small screen scrolls, and shows Close
    dialog.close()


def test_without_a_slide_a_key_says_what_is_missing(make_napari_viewer):
    viewer = make_napari_viewer()
    session = session_for(viewer)
    for key in slide_tools_for(viewer).keys:
        if key.keys.startswith(("Ctrl+1", "Ctrl+7", "Home", "Shift+M", "Shift+B", "Shift+J")):
            session.notice = None
            key.act()
            assert "Open a slide" in session.notice.text, key.keys
    session.notice = None
    next(k for k in slide_tools_for(viewer).keys if k.keys == "PageDown").act()
    assert "no project is open" in session.notice.text
