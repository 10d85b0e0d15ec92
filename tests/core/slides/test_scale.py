from __future__ import annotations

import math

import pytest
import tifffile
from tests.slide_fixtures import texture, write_aperio, write_pyramid

from napari_lookalike.core.errors import ScaleError
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.scale import judge
from napari_lookalike.core.slides.source import StatedScale


@pytest.mark.parametrize("dpi", [72, 96, 300])
def test_screen_and_print_settings_are_no_scale(dpi):
    scale = judge(StatedScale(25400 / dpi, 25400 / dpi, "tiff-tag", f"{dpi} dpi"))
    assert (scale.mpp, scale.source, scale.raw) == (None, "unknown", f"{dpi} dpi")
    assert f"{dpi} dpi" in scale.reason


def test_72_dpi_is_recognised_when_written_in_rounded_centimetres():
    assert "72 dpi" in judge(StatedScale(10_000 / 28.34, 10_000 / 28.34, "tiff-tag")).reason


@pytest.mark.parametrize("mpp", [0.0, 0.049, 20.1, 1000.0, -0.5, math.nan, math.inf])
def test_implausible_values_are_not_used(mpp):
    scale = judge(StatedScale(0.5, mpp, "property", "as stated"))
    assert not scale.known
    assert scale.raw == "as stated"
    assert "outside" in scale.reason


@pytest.mark.parametrize("mpp", [0.05, 0.25, 20.0])
def test_plausible_values_are_used_for_each_axis(mpp):
    scale = judge(StatedScale(mpp, 0.5, "property"))
    assert (scale.mpp_x, scale.mpp_y, scale.source) == (mpp, 0.5, "property")


def test_one_axis_alone_is_not_enough():
    assert not judge(StatedScale(0.5, None, "property", "x only")).known


def test_a_tag_is_told_from_a_property(tmp_path, pyramid_slide):
    with open_slide(pyramid_slide) as slide:
        assert (slide.scale.mpp, slide.scale.source) == (pytest.approx(0.5), "tiff-tag")
    aperio = write_aperio(tmp_path / "a.svs", texture(300, 280), mpp=0.25)
    with open_slide(aperio) as slide:
        assert (slide.scale.mpp, slide.scale.source) == (0.25, "property")


def test_a_given_value_overrides_and_keeps_what_the_file_says(pyramid_slide):
    with open_slide(pyramid_slide, mpp=0.3, mpp_source="manifest") as slide:
        assert (slide.scale.mpp, slide.scale.source) == (0.3, "manifest")
        assert "20000" in slide.scale.raw
    with open_slide(pyramid_slide, mpp=(0.3, 0.4)) as slide:
        assert (slide.scale.mpp_x, slide.scale.mpp_y, slide.scale.source) == (0.3, 0.4, "user")


@pytest.mark.parametrize("mpp", [0.0, 0.01, 40.0, math.nan])
def test_a_given_value_must_be_plausible(no_mpp_slide, mpp):
    with pytest.raises(ScaleError, match=r"0\.05 to 20"):
        open_slide(no_mpp_slide, mpp=mpp)


def test_without_a_statement_nothing_is_guessed(no_mpp_slide):
    with open_slide(no_mpp_slide) as slide:
        assert slide.scale.mpp is None
        assert slide.scale.source == "unknown"


def test_a_false_tag_of_a_real_file_is_kept_as_raw(tmp_path):
    path = write_pyramid(tmp_path / "a.tiff", [texture(300, 280)], mpp=25400 / 72)
    with open_slide(path) as slide:
        assert slide.scale.mpp is None
        assert "72 dpi" in slide.scale.reason
        assert "28.34" in slide.scale.raw


@pytest.mark.parametrize(("unit", "factor"), [("µm", 1), ("nm", 1000), ("mm", 0.001), (None, 1)])
def test_ome_physical_size_with_its_unit(tmp_path, unit, factor):
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.4 * factor, "PhysicalSizeY": 0.5 * factor}
    if unit:
        metadata |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, texture(200, 150), ome=True, photometric="rgb", metadata=metadata)
    with open_slide(path) as slide:
        assert slide.backend == "tifffile"
        assert slide.scale.mpp_x == pytest.approx(0.4)
        assert slide.scale.mpp_y == pytest.approx(0.5)
        assert slide.scale.source == "property"


def test_ome_size_in_pixels_is_no_scale(tmp_path):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.4, "PhysicalSizeXUnit": "pixel"}
    tifffile.imwrite(path, texture(200, 150), ome=True, photometric="rgb", metadata=metadata)
    with open_slide(path) as slide:
        assert slide.scale.mpp is None
