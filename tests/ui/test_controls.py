"""Every control of every panel says what it is: a tooltip for the eye, a name for a reader."""

from __future__ import annotations

import sys

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)

from napari_lookalike.session.opening import open_project
from napari_lookalike.ui.exchange.export_dialog import ExportDialog
from napari_lookalike.ui.exchange.import_dialog import ImportDialog
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.workspace import build_workspace, workspace_docks

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
KINDS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)
INSIDE = (QAbstractSpinBox, QComboBox, QLineEdit, QTabBar, QAbstractItemView, QDialogButtonBox)
"""What Qt makes inside of a control speaks through the control."""


def controls(panel):
    for widget in panel.findChildren(QWidget):
        if not isinstance(widget, KINDS) or isinstance(widget, QScrollBar | QHeaderView):
            continue
        inside, parent = False, widget.parentWidget()
        while parent is not None and parent is not panel:
            inside = inside or isinstance(parent, INSIDE)
            parent = parent.parentWidget()
        if not inside:
            yield widget


def tab_order(panel):
    """What the Tab key comes to inside of a panel."""
    found, at = [], panel.nextInFocusChain()
    while at is not None and at is not panel:
        if panel.isAncestorOf(at) and at.focusPolicy() & Qt.FocusPolicy.TabFocus:
            found.append(at)
        at = at.nextInFocusChain()
    return found


def said(widget):
    text = widget.text() if isinstance(widget, QAbstractButton | QLineEdit) else ""
    return f"{type(widget).__name__} {text!r} {widget.accessibleName()!r}"


@pytest.fixture
def viewer(qtbot, make_napari_viewer, tiny):
    viewer = make_napari_viewer()
    build_workspace(viewer)
    workspace = workspace_for(viewer)
    open_project(workspace.session, tiny.root)
    qtbot.waitUntil(lambda: not workspace.canvas.loading, timeout=60_000)
    yield viewer
    workspace.close()


def test_every_control_has_a_tooltip_and_a_name(viewer):
    lacking = []
    for title, dock in workspace_docks(viewer).items():
        found = list(controls(dock.widget()))
        for widget in found:
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            if not widget.toolTip():
                lacking.append(f"{title}: no tooltip: {said(widget)}")
            # A button that waits for its text is hidden until it has one.
            waits = isinstance(widget, QAbstractButton) and not text and widget.isHidden()
            if not (widget.accessibleName() or len(text) > 1 or waits):
                lacking.append(f"{title}: no name: {said(widget)}")
    assert not lacking, "\n".join(lacking)


def test_every_control_can_be_reached_with_the_tab_key(viewer):
    lacking = []
    for title, dock in workspace_docks(viewer).items():
        panel = dock.widget()
        reached = set(map(id, tab_order(panel)))
        for widget in controls(panel):
            own = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            if not own or id(widget) not in reached:
                lacking.append(f"{title}: {said(widget)}")
    assert not lacking, "\n".join(lacking)


@pytest.mark.parametrize("kind", [ImportDialog, ExportDialog])
def test_every_control_of_a_dialog_has_a_tooltip_and_a_name(viewer, kind):
    workspace = workspace_for(viewer)
    dialog = kind(workspace.session, workspace.runner)
    found = list(controls(dialog))
    assert len(found) > 5
    lacking = []
    for widget in found:
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        if not widget.toolTip() or not (widget.accessibleName() or len(text) > 1):
            lacking.append(said(widget))
    dialog.close()
    assert not lacking, "\n".join(lacking)
