"""The workspace: every panel opens from the manifest, and the layout fits small screens."""

from __future__ import annotations

import sys

import pytest
from qtpy.QtWidgets import QApplication, QDockWidget, QWidget
from tests.project_fixtures import tiny_project

from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.workspace import (
    PLACES,
    WorkspaceWidget,
    build_workspace,
    main_window,
    resize,
)

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
TITLES = [place.title for place in PLACES]


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer()
    yield viewer
    workspace_for(viewer).close()


def front(docks, *titles):
    """Which of the docks that share a tab is in front."""
    return [t for t in titles if not docks[t].visibleRegion().isEmpty()]


@pytest.mark.parametrize("name", [*TITLES, "Workspace (all panels)"])
def test_every_panel_opens_from_the_manifest(qtbot, viewer, tiny, name):
    dock, panel = viewer.window.add_plugin_dock_widget("napari-lookalike", name)
    assert isinstance(panel, QWidget)
    open_project(workspace_for(viewer).session, tiny.root)
    qtbot.waitUntil(lambda: dock.isVisibleTo(dock.window()))
    if name.startswith("Workspace"):
        assert set(panel.docks) == set(TITLES)
        assert "Research use only" in panel.findChild(QWidget, "").text()


def test_every_panel_is_docked_in_its_place(viewer):
    docks = build_workspace(viewer)
    main = main_window(docks["Cases"])
    assert list(docks) == TITLES
    for place in PLACES:
        area = main.dockWidgetArea(docks[place.title]).name.lower()
        assert area.startswith(place.area)
        if place.behind:
            assert docks[place.title] in main.tabifiedDockWidgets(docks[place.behind])
    own = [d for d in main.findChildren(QDockWidget) if "layer" in d.objectName()]
    assert own
    assert set(own) <= set(main.tabifiedDockWidgets(docks["Cases"]))


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_nothing_is_squeezed_and_the_slide_has_the_most_room(qtbot, make_napari_viewer, tiny, size):
    viewer = make_napari_viewer(show=True)
    docks = build_workspace(viewer)
    main = main_window(docks["Cases"])
    workspace = workspace_for(viewer)
    open_project(workspace.session, tiny.root)
    main.resize(*size)
    qtbot.waitUntil(lambda: workspace.canvas.overlay is not None and not workspace.canvas.loading)
    canvas = main.centralWidget()

    def fits():
        resize(main, docks)  # again, where Qt has laid out what the panels say since then
        QApplication.processEvents()
        assert (main.width(), main.height()) == size
        for title in ("Cases", "Prediction", "Top tiles", "Map", "Look-alikes"):
            dock = docks[title]
            assert dock.width() >= dock.minimumSizeHint().width(), title
            assert dock.height() >= dock.minimumSizeHint().height(), title
        assert canvas.width() > 0.38 * size[0]
        assert canvas.height() > 0.55 * size[1]
        for title in ("Cases", "Map", "Look-alikes"):
            assert canvas.width() > docks[title].width()

    qtbot.waitUntil(fits)
    workspace.close()


def test_the_tab_that_is_needed_next_is_in_front(qtbot, make_napari_viewer, tmp_path):
    viewer = make_napari_viewer(show=True)
    docks = build_workspace(viewer)
    session = workspace_for(viewer).session
    tabs = ("Look-alikes", "Teach", "Embed", "Project")
    qtbot.waitUntil(lambda: front(docks, *tabs) == ["Project"])
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    trained = tiny_project(tmp_path / "a", features=True)
    fresh = tiny_project(tmp_path / "b", results=False)
    open_project(session, trained.root)
    qtbot.waitUntil(lambda: front(docks, *tabs) == ["Look-alikes"])
    assert front(docks, "Cases") == ["Cases"]
    docks["Teach"].raise_()
    qtbot.waitUntil(lambda: front(docks, *tabs) == ["Teach"])
    session.slide_id = "S05"
    close_project(session)
    qtbot.wait(50)
    assert front(docks, *tabs) == ["Teach"]
    open_project(session, fresh.root)
    qtbot.waitUntil(lambda: front(docks, *tabs) == ["Project"])
    workspace_for(viewer).close()


def test_a_panel_that_the_user_closed_is_not_missed(qtbot, viewer, tiny):
    docks = build_workspace(viewer)
    viewer.window.remove_dock_widget(docks["Look-alikes"])
    qtbot.wait(50)
    open_project(workspace_for(viewer).session, tiny.root)
    qtbot.wait(50)
    assert workspace_for(viewer).session.slide_id == "S01"


def test_the_menus_widget_builds_all_panels_and_says_where_to_start(viewer):
    widget = WorkspaceWidget(viewer)
    assert list(widget.docks) == TITLES
    widget.deleteLater()
