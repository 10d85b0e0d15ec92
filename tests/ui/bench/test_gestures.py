"""Real events move the camera, and a view counts as settled only when it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_lookalike.core.bench.trace import Step
from napari_lookalike.ui.bench.readers import Blank
from napari_lookalike.ui.bench.window import Stage
from napari_lookalike.ui.viewer_names import camera

pytestmark = pytest.mark.gui


@pytest.fixture
def stage(make_napari_viewer: Callable[..., Any]) -> Stage:
    return Stage(120.0, make_napari_viewer(show=True))


@pytest.fixture
def layer(stage: Stage) -> Any:
    levels = [Blank(8000, 8000), Blank(2000, 2000)]
    shown = stage.viewer.add_image(levels, multiscale=True, rgb=True, scale=(0.5, 0.5))
    stage.do(Step("look", 4000, 3000, 1.0), shown)
    return shown


def centre(stage: Stage) -> np.ndarray:
    return np.asarray(camera(stage.viewer).center)[-2:]


def test_look_sets_place_and_zoom_in_level_0_pixels(stage: Stage, layer: Any) -> None:
    assert centre(stage) == pytest.approx((1500, 2000))
    assert camera(stage.viewer).zoom == pytest.approx(2.0)


def test_a_drag_pulls_the_slide_by_as_many_screen_pixels(stage: Stage, layer: Any) -> None:
    before = centre(stage)
    ms, block, ok = stage.do(Step("drag", by=(-300, -200)), layer)
    assert ok
    assert centre(stage) - before == pytest.approx((100, 150), abs=1.5)
    assert ms >= 90 and 0 < block < ms  # it took its six moves, and the loop was served


def test_the_wheel_zooms_in_and_back(stage: Stage, layer: Any) -> None:
    before = camera(stage.viewer).zoom
    stage.do(Step("wheel", by=(50, 20), notches=2), layer)
    nearer = camera(stage.viewer).zoom
    stage.do(Step("wheel", by=(50, 20), notches=-2), layer)
    assert nearer > 1.3 * before
    assert camera(stage.viewer).zoom == pytest.approx(before, rel=0.01)


def test_a_source_that_is_not_idle_is_waited_for(stage: Stage, layer: Any) -> None:
    class Source:
        asked = 0

        @property
        def idle(self) -> bool:
            self.asked += 1
            return self.asked > 50

    layer.metadata["tile_source"] = source = Source()
    assert stage.timed(lambda: None, layer)[2]
    assert source.asked > 50
    layer.metadata["tile_source"] = SimpleNamespace(idle=False)
    stage._step_s = 0.5
    ms, _, ok = stage.timed(lambda: None, layer)
    assert not ok
    assert ms > 500


def test_a_block_of_the_event_loop_is_seen(stage: Stage, layer: Any) -> None:
    _, block, _ = stage.timed(lambda: time.sleep(0.25), layer)
    assert block >= 250
