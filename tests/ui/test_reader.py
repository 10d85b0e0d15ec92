from __future__ import annotations

import sys
import time

import numpy as np
import pytest
from PIL import Image
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.errors import UnreadableSlide
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.pyramid import LevelArray
from napari_lookalike.ui import reader
from napari_lookalike.ui.slide_layer import KEY, bind, layer_complete, slide_layer_data


def test_it_returns_early_for_what_it_cannot_read(tmp_path, pyramid_slide, monkeypatch):
    def never(*_args, **_kwargs):
        raise AssertionError("get_reader must not open the slide")

    monkeypatch.setattr(reader, "open_slide", never)
    (tmp_path / "a.svs").write_text("not a slide")
    Image.fromarray(texture(40, 30)).save(tmp_path / "a.png")
    Image.fromarray(texture(40, 30)).save(tmp_path / "a.jpg")
    for path in (
        tmp_path / "a.svs",
        tmp_path / "a.png",
        tmp_path / "a.jpg",
        tmp_path / "none.tif",
        tmp_path,
    ):
        assert reader.get_reader(str(path)) is None
    assert reader.get_reader([str(pyramid_slide)] * 2) is None
    assert reader.get_reader(str(pyramid_slide)) is not None
    assert reader.get_reader([str(pyramid_slide)]) is not None
    assert reader.get_raster_reader(str(tmp_path / "a.png")) is not None
    assert reader.get_raster_reader(str(pyramid_slide)) is None


def read(path):
    found = reader.get_reader(str(path))
    assert found is not None
    return found(str(path))


def test_layer_data_in_micrometres_without_names(pyramid_slide):
    [(levels, kwargs, kind)] = read(pyramid_slide)
    slide = kwargs["metadata"]["tile_source"].slide
    assert kind == "image"
    assert all(isinstance(level, LevelArray) for level in levels)
    assert [level.shape for level in levels] == [(1203, 1501, 3), (601, 750, 3), (300, 375, 3)]
    assert kwargs["scale"] == (pytest.approx(0.5), pytest.approx(0.5))
    assert kwargs["units"] == ("um", "um")
    assert kwargs["rgb"] is True
    assert kwargs["name"] == slide.fingerprint[:8]
    assert kwargs["metadata"][KEY]["kind"] == "slide"
    assert kwargs["metadata"][KEY]["mpp_source"] == "tiff-tag"
    assert pyramid_slide.name not in str(kwargs)
    assert str(pyramid_slide.parent) not in str(kwargs)
    slide.close()


def test_rows_are_scaled_by_y(pyramid_slide):
    with open_slide(pyramid_slide, mpp=(0.25, 0.5)) as slide:
        assert slide_layer_data(slide, "S1")[1]["scale"] == (0.5, 0.25)


def test_without_mpp_it_is_shown_in_pixels(no_mpp_slide):
    [(_, kwargs, _)] = read(no_mpp_slide)
    assert kwargs["scale"] == (1.0, 1.0)
    assert kwargs["units"] == ("pixel", "pixel")
    kwargs["metadata"]["tile_source"].slide.close()


def test_an_unreadable_slide_is_an_error_with_a_reason(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0" + b"\1" * 64)
    with pytest.raises(UnreadableSlide, match=r"OpenSlide: .*; tifffile: "):
        read(tmp_path / "a.tif")


def wait_for(app, condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)
    assert condition()


@pytest.fixture
def model(qapp):
    from napari.components import ViewerModel

    viewer = ViewerModel()
    yield viewer
    viewer.layers.clear()


def test_coarse_levels_appear_when_they_are_made(model, qapp, single_level_slide):
    with open_slide(single_level_slide) as slide:
        levels, kwargs = slide_layer_data(slide, "S1")
        layer = model.add_image(levels, **kwargs)
        bind(layer, model)
        wait_for(qapp, lambda: layer_complete(layer))
        expected = slide.read_level(2, 0, 0, 577, 426)
        shown = np.asarray(layer._level_materializer(2)).astype(int)
        # Made from the finer pixels in steps of two, not in one by 2305 / 577.
        assert np.abs(shown - expected).mean() < 2
        assert layer.extent.world[1] == pytest.approx([1700 * 0.5, 2304 * 0.5])
        model.layers.clear()


def test_a_layer_that_is_gone_is_not_refreshed(model, qapp, tmp_path):
    path = write_pyramid(tmp_path / "a.tiff", [texture(1500, 1200)], mpp=None)
    with open_slide(path) as slide:
        levels, kwargs = slide_layer_data(slide, "S1")
        layer = model.add_image(levels, **kwargs)
        bind(layer, model)
        model.layers.clear()
        del layer
        slide.read_level(1, 0, 0, 1, 1)
        for _ in range(5):
            qapp.processEvents()


@pytest.mark.gui
@pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use")
def test_the_window_survives_a_bad_slide_and_shows_a_good_one(
    make_napari_viewer, qapp, single_level_slide, tmp_path
):
    viewer = make_napari_viewer()
    (tmp_path / "bad.tif").write_bytes(b"II*\0" + b"\1" * 64)
    with pytest.raises(UnreadableSlide):
        viewer.open(tmp_path / "bad.tif", plugin="napari-lookalike")
    [layer] = viewer.open(single_level_slide, plugin="napari-lookalike")
    slide = layer.metadata["tile_source"].slide
    wait_for(qapp, lambda: layer_complete(layer))
    assert layer.name == slide.name
    # What napari says under the mouse and over the layer's name; bound when events are served.
    wait_for(qapp, lambda: layer.source.path is None)
    said = f"{layer.get_status((0.0, 0.0), world=True)} {layer.get_source_str()}"
    assert single_level_slide.name not in said
    viewer.layers.clear()
    slide.close()
