"""What the canvas shows against what should be seen: exact, and sharp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.slide_fixtures import halve, write_pyramid

from napari_lookalike.core.bench.replay import FLOOR
from napari_lookalike.core.bench.trace import Step
from napari_lookalike.core.slides.source import CannotRead
from napari_lookalike.ui.bench.readers import open_layer
from napari_lookalike.ui.bench.truth import Truth
from napari_lookalike.ui.bench.window import Stage

pytestmark = pytest.mark.gui

STEPS = [
    Step("look", 1000, 800, 0.9),
    Step("look", 700, 900, 0.41),
    Step("look", 1000, 800, 0.2),
    Step("look", 1000, 800, 0.11),
]


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grain of every size: any shift is seen."""
    rng = np.random.default_rng(0)
    grains = [
        np.kron(rng.normal(scale=35, size=(1600 // n, 2000 // n, 3)), np.ones((n, n, 1)))
        for n in (1, 4, 8, 16, 40)
    ]
    level0 = np.clip(128 + sum(grains), 0, 255).astype(np.uint8)
    levels = [level0, halve(halve(level0))]
    return write_pyramid(tmp_path_factory.mktemp("truth") / "slide.tif", levels, compression="zlib")


@pytest.fixture(scope="module")
def levels(slide: Path) -> list[np.ndarray]:
    with tifffile.TiffFile(slide) as tif:
        return [page.asarray() for page in tif.pages]


@pytest.fixture
def stage(make_napari_viewer: Callable[..., Any]) -> Stage:
    return Stage(120.0, make_napari_viewer(show=True))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.zoom}")
def test_the_right_pixels_are_recognised_and_a_shift_is_not(
    stage: Stage, slide: Path, levels: list[np.ndarray], step: Step
) -> None:
    layer = stage.viewer.add_image(levels, multiscale=True, rgb=True)
    stage.do(step, layer)
    truth = Truth(slide)
    assert truth.error(stage, layer) < 0.5
    assert layer.visible and len(stage.viewer.layers) == 1
    layer.translate = (3 / step.zoom, 0)  # three screen pixels
    stage.rest(0.1)
    assert truth.error(stage, layer) > 3  # the smallest covers a tenth of the canvas


def test_an_empty_view_is_wrong(stage: Stage, slide: Path) -> None:
    layer = open_layer(stage.viewer, FLOOR, slide)
    stage.do(STEPS[0], layer)
    assert Truth(slide).error(stage, layer) > 6


def test_a_coarser_level_is_wrong(stage: Stage, slide: Path, levels: list[np.ndarray]) -> None:
    coarse = levels[1]
    enlarged = np.repeat(np.repeat(coarse, 4, axis=0), 4, axis=1)
    layer = stage.viewer.add_image([enlarged, coarse], multiscale=True, rgb=True)
    stage.do(STEPS[0], layer)
    assert Truth(slide).error(stage, layer) > 6


def test_what_openslide_cannot_read_is_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "SMITH.svs"
    path.write_text("none")
    with pytest.raises(CannotRead) as caught:
        Truth(path)
    assert "SMITH" not in str(caught.value)
