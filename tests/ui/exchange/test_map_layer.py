from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.project_fixtures import tiny_grid

from napari_lookalike.core.interop.maps import StoredMap, save_map
from napari_lookalike.core.project import Project
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.selection import open_slide
from napari_lookalike.session.session import ShownMap
from napari_lookalike.ui.canvas import our_layers
from napari_lookalike.ui.exchange.map_layer import map_layer_for
from napari_lookalike.ui.sessions import workspace_for


def test_a_map_lies_on_the_slides_that_have_it(
    make_napari_viewer: Callable[..., Any], qtbot: Any, tiny: Project, tmp_path: Path
) -> None:
    values = np.arange(48, dtype=np.float32)[:, None] / 47
    save_map(tiny.root, StoredMap("S01", "w", "WSInfer", ("Tumor",), values, tiny_grid()))
    viewer = make_napari_viewer()
    map_layer_for(viewer)
    session = workspace_for(viewer).session
    open_project(session, tiny.root)
    session.shown_map = ShownMap("w", "Tumor")
    qtbot.waitUntil(lambda: bool(our_layers(viewer, "imported map")), timeout=20_000)
    layer = our_layers(viewer, "imported map")[0]
    assert np.array_equal(layer.data, values.reshape(6, 8))
    assert tuple(layer.scale[-2:]) == (16.0, 16.0)  # 32 level-0 pixels of 0.5 µm
    assert session.notice is not None
    assert "not this project's model" in session.notice.text
    open_slide(session, "S02")
    qtbot.waitUntil(lambda: bool(our_layers(viewer, "slide")), timeout=20_000)
    qtbot.wait(300)
    assert not our_layers(viewer, "imported map")
    open_slide(session, "S01")
    qtbot.waitUntil(lambda: bool(our_layers(viewer, "imported map")), timeout=20_000)
    session.shown_map = None
    assert not our_layers(viewer, "imported map")
