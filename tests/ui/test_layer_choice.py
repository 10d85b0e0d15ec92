"""A slide's layer is chosen, and map, Cases and Look-alikes follow; the rest is no choice."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from napari._qt.containers._base_item_view import index_of
from qtpy.QtCore import Qt
from tests.project_fixtures import tiny_projection

from napari_lookalike.core.slides import open_slide
from napari_lookalike.session import marks, selection
from napari_lookalike.session.opening import open_project
from napari_lookalike.ui.dropped import _show_all
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.panels.cases import CasesPanel
from napari_lookalike.ui.panels.hard_negatives import HardNegativesPanel
from napari_lookalike.ui.panels.map import MapPanel
from napari_lookalike.ui.sessions import workspace_for
from napari_lookalike.ui.slide_layer import add_slide
from napari_lookalike.ui.slide_tools import slide_tools_for

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 20_000


@pytest.fixture
def workspace(make_napari_viewer, tiny, qtbot):
    viewer = make_napari_viewer()
    workspace = workspace_for(viewer)
    open_project(workspace.session, tiny.root)
    qtbot.waitUntil(lambda: rests(workspace, "attention"), timeout=WAIT_MS)
    yield workspace
    workspace.close()


@pytest.fixture
def viewer(workspace):
    return workspace.canvas.viewer


@pytest.fixture
def session(workspace):
    return workspace.session


def rests(workspace, kind):
    """The open slide has such a layer, and nothing waits to be answered to."""
    there = our_layers(workspace.canvas.viewer, kind)
    return bool(there) and not workspace.canvas.loading and not workspace.choice._timer.isActive()


def layer(viewer, kind):
    [found] = our_layers(viewer, kind)
    return found


def choose(viewer, *layers):
    viewer.layers.selection = set(layers)


def settle(qtbot, viewer):
    """Come back when all that was told so far was answered to."""
    timer = workspace_for(viewer).choice._timer
    qtbot.waitUntil(lambda: not timer.isActive(), timeout=WAIT_MS)


def hears(session):
    heard = []
    session.events.selection.connect(heard.append)
    return heard


@pytest.fixture
def alone(viewer, session):
    """Opens a slide of the cohort by itself, as a drop does."""

    def open_(slide_id):
        slide = open_slide(session.cohort[slide_id].path, raster=True)
        return add_slide(viewer, slide, slide.name)

    yield open_
    viewer.layers.clear()


# ---- what the user chooses


def test_a_click_in_the_layer_list_selects_the_slide_everywhere(qtbot, viewer, session, workspace):
    session.projection = tiny_projection(session.results)
    session.expert = "Dr A"
    marks.mark_pair(session, "S01", "S05")
    panels = [
        kind(session, workspace.runner) for kind in (MapPanel, CasesPanel, HardNegativesPanel)
    ]
    for panel in panels:
        qtbot.addWidget(panel)
    on_map, cases, table = panels
    selection.select(session, ["S02"])
    heard = hears(session)
    rows = viewer.window._qt_viewer.layers
    place = rows.visualRect(index_of(rows.model(), layer(viewer, "slide"))).center()
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert viewer.layers.selection.active is layer(viewer, "slide")
    qtbot.waitUntil(lambda: heard == [("S01",)], timeout=WAIT_MS)
    settle(qtbot, viewer)
    assert heard == [("S01",)]
    assert on_map.scatter.scene.selected == ("S01",)
    chosen = cases.list.selectionModel().selectedIndexes()
    assert {cases.model.slide_at(index) for index in chosen} == {"S01"}
    assert table.current() is None
    for panel in panels:
        panel.close()


def test_a_layer_over_the_slide_counts_as_the_slide(qtbot, viewer, session):
    choose(viewer, layer(viewer, "slide"))
    settle(qtbot, viewer)
    session.selection = ("S02",)
    choose(viewer, layer(viewer, "attention"))
    qtbot.waitUntil(lambda: session.selection == ("S01",), timeout=WAIT_MS)


def test_a_pair_that_is_being_looked_at_stays_selected(qtbot, viewer, session):
    session.selection = ("S01", "S05")
    heard = hears(session)
    choose(viewer, layer(viewer, "slide"))
    settle(qtbot, viewer)
    assert heard == []
    assert session.selection == ("S01", "S05")


def test_a_slide_of_the_cohort_that_was_dropped_selects_its_case(qtbot, viewer, session, alone):
    session.selection = ("S02",)
    dropped = alone("S07")  # napari makes it active
    qtbot.waitUntil(lambda: session.selection == ("S07",), timeout=WAIT_MS)
    assert session.slide_id == "S01"  # the canvas keeps the slide that it shows
    choose(viewer, layer(viewer, "slide"))
    qtbot.waitUntil(lambda: session.selection == ("S01",), timeout=WAIT_MS)
    choose(viewer, dropped, layer(viewer, "attention"))
    qtbot.waitUntil(lambda: session.selection == ("S01", "S07"), timeout=WAIT_MS)


# ---- what nobody chose


def test_what_belongs_to_no_slide_of_the_cohort_says_nothing(qtbot, viewer, session, pyramid_slide):
    session.selection = ("S02",)
    heard = hears(session)
    viewer.add_points(np.zeros((1, 2)), name="S05")
    settle(qtbot, viewer)
    slide = open_slide(pyramid_slide)
    add_slide(viewer, slide, slide.name)
    settle(qtbot, viewer)
    choose(viewer)
    settle(qtbot, viewer)
    assert heard == []
    viewer.layers.clear()


def test_layers_that_the_canvas_brings_select_nothing(qtbot, viewer, session, workspace, alone):
    other = alone("S09")
    settle(qtbot, viewer)
    session.selection = ("S02", "S05")
    heard = hears(session)
    session.show_tissue = True
    session.slide_id = "S03"
    qtbot.waitUntil(lambda: rests(workspace, "attention"), timeout=WAIT_MS)
    session.embedded = session.embedded - {"S03"}
    session.embedded = session.embedded | {"S03"}
    qtbot.waitUntil(lambda: rests(workspace, "attention"), timeout=WAIT_MS)
    session.slide_id = None
    settle(qtbot, viewer)
    assert other in viewer.layers
    assert heard == []


def test_a_layer_that_napari_chooses_after_another_was_deleted_is_no_choice(qtbot, viewer, session):
    viewer.add_points(np.zeros((1, 2)))
    settle(qtbot, viewer)
    session.selection = ("S02",)
    heard = hears(session)
    viewer.layers.remove_selected()
    assert viewer.layers.selection.active is layer(viewer, "attention")
    settle(qtbot, viewer)
    assert heard == []


def test_measuring_selects_nothing(qtbot, viewer, session):
    measure = slide_tools_for(viewer).measure
    session.selection = ("S02",)
    heard = hears(session)
    measure.begin()
    settle(qtbot, viewer)
    measure.end()
    assert viewer.layers.selection.active is layer(viewer, "slide")
    settle(qtbot, viewer)
    assert heard == []


def test_of_several_dropped_slides_none_is_selected(qtbot, viewer, session):
    heard = hears(session)
    slides = [open_slide(session.cohort[s].path, raster=True) for s in ("S07", "S08")]
    _show_all(viewer, (slides, [], 2))
    settle(qtbot, viewer)
    assert heard == []
    viewer.layers.clear()


def test_a_closed_window_is_listened_to_no_longer(qtbot, workspace, viewer, session):
    session.selection = ("S02",)
    heard = hears(session)
    workspace.choice.close()
    workspace.choice.close()
    choose(viewer, layer(viewer, "slide"))
    settle(qtbot, viewer)
    assert heard == []
