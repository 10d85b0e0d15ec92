"""A slide's layer: exact for others, redrawn as tiles arrive, one notice for what is broken."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
import tifffile
from tests.core.slides.test_colour import swapped_profile
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.colour import ToSrgb
from napari_lookalike.core.slides.tile_cache import tile_cache
from napari_lookalike.ui import slide_layer
from napari_lookalike.ui.slide_layer import add_slide, layer_complete, source_of
from napari_lookalike.ui.viewer_names import camera

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
SIZE = 3001, 2203


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    level0 = texture(*SIZE)
    levels = [level0, np.ascontiguousarray(level0[::4, ::4])]
    return write_pyramid(tmp_path_factory.mktemp("layer") / "a.tiff", levels, compression="zlib")


@pytest.fixture
def slide(path):
    with open_slide(path) as slide:
        yield slide


def settle(app, layer, seconds=120.0):
    end = time.monotonic() + seconds
    app.processEvents()
    while not layer_complete(layer) and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.005)
    assert layer_complete(layer)


def look(viewer, app, layer, row, column, zoom):
    camera(viewer).center = (0, row * layer.scale[0], column * layer.scale[1])
    camera(viewer).zoom = zoom / layer.scale[0]
    viewer.screenshot(canvas_only=True, flash=False)
    settle(app, layer)
    return viewer.screenshot(canvas_only=True, flash=False)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_drawn_is_what_the_file_has(make_napari_viewer, qapp, slide, asynchronous):
    from napari.settings import get_settings

    get_settings().experimental.async_ = asynchronous
    viewer = make_napari_viewer(show=True)
    layer = add_slide(viewer, slide, "S1")
    for zoom, level in ((1.0, 0), (0.4, 1), (0.25, 2)):
        look(viewer, qapp, layer, 1100, 1500, zoom)
        while not layer.loaded:
            qapp.processEvents()
        shown = np.asarray(layer._slice.image.raw)
        (top, left), (bottom, right) = layer.corner_pixels[:, -2:]
        assert layer.data_level == level
        expected = np.asarray(layer.data[level][top : bottom + 1, left : right + 1])
        assert np.array_equal(shown, expected)
    assert get_settings().experimental.async_ is asynchronous  # never changed


def test_somebody_else_reads_exact_pixels_at_once(make_napari_viewer, slide):
    viewer = make_napari_viewer(show=True)
    layer = add_slide(viewer, slide, "S1")
    assert np.array_equal(layer.data[0][700:1300, 900:1900], texture(*SIZE)[700:1300, 900:1900])


def test_a_broken_tile_is_hatched_and_told_of_once_by_the_slides_name(
    make_napari_viewer, qapp, path, tmp_path, monkeypatch
):
    told = []
    monkeypatch.setattr(slide_layer, "show_warning", told.append)
    broken = tmp_path / "secret.tiff"
    broken.write_bytes(path.read_bytes())
    with tifffile.TiffFile(broken) as tif:
        offsets = tif.pages[0].dataoffsets
    with broken.open("r+b") as file:
        for tile in (4 * 12 + 5, 4 * 12 + 6):  # row 4, columns 5 and 6
            file.seek(offsets[tile])
            file.write(b"\xff" * 64)
    tile_cache().clear()  # the fingerprint is sampled: those of the whole file would serve
    viewer = make_napari_viewer(show=True)
    with open_slide(broken) as slide:
        layer = add_slide(viewer, slide, "Case 7")
        for zoom in (1.0, 0.4):
            look(viewer, qapp, layer, 1100, 1500, zoom)
            qapp.processEvents()
        assert len(told) == 1
        assert told[0].startswith("Slide Case 7: The tile in column")
        assert "secret" not in told[0]
        assert source_of(layer).damaged >= 2
        raw = np.asarray(layer._slice.image.raw).reshape(-1, 3)
        assert (raw == (150, 150, 150)).all(axis=1).sum() > 1000
        assert (raw != raw[:, :1]).any()  # the rest is there
        viewer.layers.clear()


def test_a_hidden_layer_is_no_reason_to_wait(make_napari_viewer, qapp, slide):
    viewer = make_napari_viewer(show=True)
    layer = add_slide(viewer, slide, "S1")
    layer.visible = False
    source_of(layer)._lacking = True
    source_of(layer)._tell()
    for _ in range(5):
        qapp.processEvents()
    assert layer_complete(layer)
    layer.visible = True
    look(viewer, qapp, layer, 1100, 1500, 1.0)


@pytest.mark.parametrize("zoom", [1.0, 0.1])
def test_calibrated_colours_reach_the_screen(make_napari_viewer, qapp, slide, monkeypatch, zoom):
    monkeypatch.setattr(slide, "icc_profile", swapped_profile)
    viewer = make_napari_viewer(show=True)
    layer = add_slide(viewer, slide, "S1")

    def drawn():
        look(viewer, qapp, layer, 1100, 1500, zoom)
        return np.asarray(layer._slice.image.raw)

    before = drawn()
    assert source_of(layer).set_colour_managed(True)
    after = drawn()
    height, width = min(before.shape[0], after.shape[0]), min(before.shape[1], after.shape[1])
    expected = ToSrgb(swapped_profile())(before[:height, :width])
    assert np.abs(expected.astype(int) - before[:height, :width]).mean() > 5
    assert np.array_equal(after[:height, :width], expected)
    source_of(layer).set_colour_managed(False)
    assert np.array_equal(drawn()[:height, :width], before[:height, :width])
