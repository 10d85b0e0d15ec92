from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_lookalike.core.project import Project
from napari_lookalike.session.opening import open_project
from napari_lookalike.ui import commands
from napari_lookalike.ui.exchange.export_dialog import ExportDialog
from napari_lookalike.ui.exchange.import_dialog import ImportDialog
from napari_lookalike.ui.sessions import workspace_for


def test_the_menus_commands_open_the_dialogs(
    make_napari_viewer: Callable[..., Any], qtbot: Any, tiny: Project
) -> None:
    viewer = make_napari_viewer()
    open_project(workspace_for(viewer).session, tiny.root)
    commands.import_features(viewer)
    window = viewer.window._qt_window
    dialog = window.findChild(ImportDialog)
    assert dialog is not None
    assert dialog.isVisible()
    assert dialog.folder.isEnabled()
    dialog.close()
    commands.export(viewer)
    other = window.findChild(ExportDialog)
    assert other is not None
    assert other.isVisible()
    other.close()
