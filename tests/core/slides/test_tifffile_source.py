from __future__ import annotations

import logging

import numpy as np
import pytest
import tifffile
from tests.slide_fixtures import halve, texture

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.tiff_pages import SegmentCache
from napari_lookalike.core.slides.tifffile_source import open_tifffile

PIXELS = texture(300, 220)
GREY = PIXELS[..., 1]


def whole(path):
    with open_slide(path) as slide:
        assert slide.backend == "tifffile"
        notes = " ".join(slide_info(slide)["notes"])
        return slide.read_level(0, 0, 0, *slide.size), notes


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (64, 64)])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_rgb_in_any_arrangement(tmp_path, planar, tile, compression):
    data = PIXELS if planar == "contig" else np.moveaxis(PIXELS, -1, 0)
    options = {"rowsperstrip": 37} if tile is None else {"tile": tile}
    tifffile.imwrite(
        tmp_path / "a.tif",
        data,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        metadata=None,
        **options,
    )
    source = open_tifffile(tmp_path / "a.tif")
    for x, y, width, height in [(0, 0, 300, 220), (61, 35, 70, 80), (299, 219, 1, 1)]:
        expected = PIXELS[y : y + height, x : x + width]
        assert np.array_equal(source.read(0, x, y, width, height), expected)
    source.close()


@pytest.mark.parametrize(
    ("axes", "note"),
    [
        ("ZYX", "Only the first of 4 focal planes is shown."),
        ("TYX", "Only the first of 4 time points is shown."),
        ("CYX", "Only the first of 4 channels is shown."),
        ("ZCYX", "Only the first of 2 focal planes and of 4 channels is shown."),
    ],
)
def test_the_first_plane_is_shown_and_the_rest_noted(tmp_path, axes, note):
    planes = np.stack([GREY, GREY // 2, GREY // 3, GREY // 4])
    if len(axes) == 4:
        planes = np.stack([planes, planes // 5])
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, planes, ome=True, metadata={"axes": axes}, photometric="minisblack")
    pixels, notes = whole(path)
    assert np.array_equal(pixels, np.repeat(GREY[..., None], 3, axis=-1))
    assert note in notes


@pytest.mark.parametrize("axes", ["CYX", "SYX", "YXS"])
def test_ome_colour_in_any_axis_order(tmp_path, axes):
    data = PIXELS if axes == "YXS" else np.moveaxis(PIXELS, -1, 0)
    path = tmp_path / "a.ome.tif"
    photometric = "minisblack" if axes == "CYX" else "rgb"
    tifffile.imwrite(path, data, ome=True, metadata={"axes": axes}, photometric=photometric)
    pixels, notes = whole(path)
    assert np.array_equal(pixels, PIXELS)
    assert ("red, green and blue" in notes) == (axes == "CYX")


def test_three_channels_per_focal_plane(tmp_path):
    data = np.stack([np.moveaxis(PIXELS, -1, 0), np.zeros((3, 220, 300), np.uint8)])
    for axes, stack in (("ZCYX", data), ("CZYX", data.transpose(1, 0, 2, 3))):
        path = tmp_path / f"{axes}.ome.tif"
        tifffile.imwrite(path, stack, ome=True, metadata={"axes": axes}, photometric="minisblack")
        assert np.array_equal(whole(path)[0], PIXELS)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("uint16", 100, 4000), ("int16", -500, 1500), ("float32", -1.5, 2.5), ("uint32", 7, 9**9)],
)
def test_grey_of_any_depth_from_darkest_to_brightest(tmp_path, dtype, low, high):
    ramp = np.linspace(low, high, 256).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", np.tile(ramp, (40, 1)), metadata=None)
    pixels, notes = whole(tmp_path / "a.tif")
    assert np.abs(pixels[3, :, 0].astype(int) - np.arange(256)).max() <= 1
    assert dtype in notes
    assert "as black to white" in notes


def test_not_a_number_is_black(tmp_path):
    data = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
    data[3, 3] = np.nan
    data[4, 4] = np.inf
    tifffile.imwrite(tmp_path / "a.tif", data, metadata=None)
    pixels, _ = whole(tmp_path / "a.tif")
    assert (pixels[3, 3] == 0).all()
    assert (pixels[4, 4] == 255).all()


def test_deep_colour_keeps_its_hue(tmp_path):
    deep = PIXELS.astype(np.uint16) * 16
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", metadata=None)
    pixels, notes = whole(tmp_path / "a.tif")
    assert np.abs(pixels.astype(int) - PIXELS).max() <= 1
    assert "0 to 4095" in notes


def test_min_is_white_is_turned_over(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite", metadata=None)
    assert np.array_equal(whole(tmp_path / "a.tif")[0][..., 0], 255 - GREY)


def test_a_palette_gives_its_colours(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (3, 256), np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif", GREY, photometric="palette", colormap=colours * 257, metadata=None
    )
    assert np.array_equal(whole(tmp_path / "a.tif")[0], colours.T[GREY])


def test_transparency_is_white(tmp_path):
    alpha = np.full((220, 300, 1), 255, np.uint8)
    alpha[:100] = 0
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.concatenate([PIXELS, alpha], axis=-1),
        photometric="rgb",
        extrasamples=["unassalpha"],
        metadata=None,
    )
    source = open_tifffile(tmp_path / "a.tif")
    pixels = source.read(0, 0, 0, 300, 220)
    source.close()
    assert (pixels[:100] == 255).all()
    assert np.array_equal(pixels[100:], PIXELS[100:])


def test_missing_tiles_are_white(tmp_path):
    path = tmp_path / "a.tif"
    tiles = (None if i == 1 else np.full((64, 64, 3), 50, np.uint8) for i in range(4))
    tifffile.imwrite(
        path, tiles, shape=(128, 128, 3), dtype="uint8", tile=(64, 64), photometric="rgb",
        compression="zlib", metadata=None,
    )  # fmt: skip
    source = open_tifffile(path)
    pixels = source.read(0, 0, 0, 128, 128)
    source.close()
    assert (pixels[:64, 64:] == 255).all()
    assert (pixels[64:] == 50).all()


@pytest.mark.parametrize("how", ["subifds", "pages marked", "pages not marked"])
def test_pyramids_of_every_kind(tmp_path, how):
    level0 = texture(600, 500)
    levels = [level0, halve(level0), halve(halve(level0))]
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for i, pixels in enumerate(levels):
            reduced = int(i > 0 and how != "pages not marked")
            extra = {"subifds": 2} if how == "subifds" and i == 0 else {}
            writer.write(
                pixels, tile=(128, 128), photometric="rgb", subfiletype=reduced, metadata=None,
                compression="zlib", **extra,
            )  # fmt: skip
    source = open_tifffile(tmp_path / "a.tif")
    assert [(lv.width, lv.height) for lv in source.levels] == [(600, 500), (300, 250), (150, 125)]
    assert np.array_equal(source.read(2, 10, 20, 30, 40), levels[2][20:60, 10:40])
    assert source.associated_names() == ()
    source.close()


def test_a_bad_description_is_not_logged(tmp_path, caplog):
    path = tmp_path / "patient.ome.tif"
    bad = "\n<?xml version='1.0'?><OME xmlns='http://www.openmicroscopy.org/x'></OME>"
    tifffile.imwrite(path, PIXELS, photometric="rgb", description=bad, metadata=None)
    with caplog.at_level(logging.DEBUG):
        whole(path)
    assert "patient" not in caplog.text


def test_segments_are_dropped_when_they_are_too_many():
    cache = SegmentCache(limit=250)
    for i in range(4):
        cache.put((0, i), np.zeros(100, np.uint8))
    assert cache.get((0, 0)) is None
    assert cache.get((0, 3)) is not None
    cache.put((1, 0), np.zeros(1000, np.uint8))  # larger than all of the cache: kept alone
    assert cache.get((1, 0)) is not None
    assert cache.get((0, 3)) is None
