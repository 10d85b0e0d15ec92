"""On the canvas: early attention refines in its layer, the coverage is tinted, both end."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.project_fixtures import TILE_PX0, tiny_grid
from tests.session.test_early_view import SOME, early

from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import OverlaySettings
from napari_lookalike.ui.overlay_layers import our_layers
from napari_lookalike.ui.sessions import workspace_for

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
MPP = 0.5


@pytest.fixture
def workspace(qtbot, make_napari_viewer, tiny):
    """A window with S01 open, whose features are not there."""
    tiny.features_path("S01").unlink()
    workspace = workspace_for(make_napari_viewer())
    workspace.early.close()  # the tests tell early answers themselves
    open_project(workspace.session, tiny.root)
    qtbot.waitUntil(
        lambda: workspace.canvas.slide is not None and not workspace.canvas.loading, timeout=20_000
    )
    yield workspace
    workspace.close()


def test_an_early_map_refines_in_its_layer_and_ends(qtbot, workspace):
    session, viewer = workspace.session, workspace.canvas.viewer
    assert our_layers(viewer, "attention") == []
    session.early = early(session)
    [layer] = our_layers(viewer, "attention")
    assert "25 %" in layer.name
    assert layer.data.shape == tiny_grid().shape
    assert np.isfinite(layer.data).sum() == len(SOME)
    # every tile over its own pixels, as with the map of all tiles
    assert tuple(layer.scale) == (TILE_PX0 * MPP, TILE_PX0 * MPP)
    assert viewer.layers.selection.active is layer
    layer.opacity = 0.8
    session.early = early(session, coverage=0.5)
    [same] = our_layers(viewer, "attention")
    assert same is layer
    assert "50 %" in layer.name
    assert layer.opacity == 0.8  # what the user did to it stays
    assert "Early, from 50 %" in layer.metadata["napari-lookalike"]["legend"]
    session.overlay = OverlaySettings(values="logits")
    drawn = layer.data[np.isfinite(layer.data)]
    assert drawn.min() == pytest.approx(-1)
    session.early = None
    qtbot.waitUntil(lambda: our_layers(viewer, "attention") == [])


def test_without_a_model_the_tiles_that_are_done_are_tinted(qtbot, workspace):
    session, viewer = workspace.session, workspace.canvas.viewer
    session.results = None
    session.early = early(session, version="", with_result=False)
    [layer] = our_layers(viewer, "coverage")
    assert np.nansum(layer.data) == len(SOME)
    assert viewer.layers.selection.active in our_layers(viewer, "slide")
    found = replace(session.early, coverage=0.5, grid=tiny_grid())
    session.early = found
    assert our_layers(viewer, "coverage") == [layer]
    assert np.nansum(layer.data) == 48
    session.early = None
    assert our_layers(viewer, "coverage") == []


def test_another_slide_takes_it_away(qtbot, workspace):
    session, viewer = workspace.session, workspace.canvas.viewer
    session.early = early(session)
    session.slide_id = "S02"
    assert not [
        layer
        for layer in our_layers(viewer, "attention")
        if layer.metadata["napari-lookalike"].get("early")
    ]
    qtbot.waitUntil(
        lambda: not workspace.canvas.loading and bool(our_layers(viewer, "attention")),
        timeout=20_000,
    )
    session.early = early(session, slide_id="S01")  # too late
    [layer] = our_layers(viewer, "attention")
    assert "S02" in layer.name
