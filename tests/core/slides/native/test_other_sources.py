"""Native tiles and colour profiles of the sources that are not OpenSlide's."""

from __future__ import annotations

import numpy as np
import openslide
import pytest
import tifffile
from PIL import Image, ImageCms
from tests.core.slides.native.comparing import all_tiles, assert_reduces
from tests.core.slides.native.writing import (
    jpeg,
    noisy,
    pyramid,
    to_ycbcr,
    write_jpeg,
    write_lossless,
    write_tiles,
)

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.native import jpeg as jpeg_module
from napari_lookalike.core.slides.openslide_source import open_openslide
from napari_lookalike.core.slides.raster_source import open_raster
from napari_lookalike.core.slides.source import CannotRead
from napari_lookalike.core.slides.tifffile_source import open_tifffile

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def assert_native(path):
    source = open_tifffile(path)
    assert source.properties()["lookalike.decoder"] == "native tiles"
    with tifffile.TiffFile(path) as tif:
        for index, level in enumerate(tif.series[0].levels):
            pixels = level.asarray()
            if pixels.ndim == 2:
                pixels = np.repeat(pixels[..., None], 3, axis=2)
            assert np.array_equal(source.read(index, 0, 0, *pixels.shape[1::-1]), pixels)
            for column, row, tile in all_tiles(source, index):
                expected = pixels[row * 128 : row * 128 + 128, column * 128 : column * 128 + 128]
                assert np.array_equal(tile, expected)
    return source


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd", "packbits", "jpeg2000"])
def test_tiffs_by_tifffile_in_every_codec(tmp_path, compression):
    source = assert_native(write_lossless(tmp_path / "a.tif", pyramid(), compression))
    with pytest.raises(ValueError, match="reduce by 2"):
        source.tile(0, 0, 0, 2)
    source.close()


@pytest.mark.parametrize("rgb", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_jpeg_by_tifffile(tmp_path, rgb, shared):
    source = assert_native(write_jpeg(tmp_path / "a.tif", pyramid(), rgb=rgb, shared=shared))
    assert_reduces(source, 0, tolerance=1.5)
    source.close()
    for use in (source.tile, source.read):
        with pytest.raises(CannotRead, match="closed"):
            use(*(0,) * (3 if use == source.tile else 5))


def test_what_openslide_refuses_is_fast_too(tmp_path):
    """JPEG 2000 that is not Aperio's."""
    path = write_lossless(tmp_path / "a.tif", pyramid(), "jpeg2000")
    with open_slide(path) as slide:
        assert slide.backend == "tifffile"
        assert slide.properties()["lookalike.decoder"] == "native tiles"


def test_missing_tiles(tmp_path):
    path = write_jpeg(tmp_path / "a.tif", [noisy(700, 500)], missing=frozenset({1}))
    source = open_tifffile(path)
    assert source.properties()["lookalike.decoder"] == "native tiles"
    for reduce in (1, 2, 8):
        assert source.tile(0, 1, 0, reduce).shape == (128 // reduce, 128 // reduce, 3)
        assert (source.tile(0, 1, 0, reduce) == 255).all()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "not in tiles"),
        ({"tile": (128, 128), "planarconfig": "separate"}, "do not lie together"),
        ({"tile": (128, 128), "dtype": np.uint16}, "not 8-bit"),
        ({"tile": (128, 128), "photometric": "miniswhite"}, None),
    ],
)
def test_all_else_goes_the_long_way(tmp_path, options, reason):
    pixels = noisy(300, 200)
    data = pixels.astype(options.pop("dtype", np.uint8))
    if options.get("planarconfig") == "separate":
        data = np.moveaxis(data, -1, 0)
    if options.get("photometric") == "miniswhite":
        data = data[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", data, metadata=None, **{"photometric": "rgb", **options})
    source = open_tifffile(tmp_path / "a.tif")
    decoder = source.properties()["lookalike.decoder"]
    assert decoder == "native tiles" if reason is None else reason in decoder
    level = source.levels[0]
    slowly = source._slowly(0, 0, 0, 300, 200)
    assert np.array_equal(source.read(0, 0, 0, 300, 200), slowly)
    for column, row, tile in all_tiles(source, 0):
        x, y = column * level.tile_width, row * level.tile_height
        assert np.array_equal(tile, slowly[y : y + level.tile_height, x : x + level.tile_width])
    assert (source.reductions(0) == ()) or reason is None


def test_a_difference_from_tifffile_leaves_it_to_tifffile(tmp_path, monkeypatch):
    path = write_jpeg(tmp_path / "a.tif", pyramid())
    other = jpeg_module.adobe_marker
    monkeypatch.setattr(jpeg_module, "adobe_marker", lambda transform: other(1 - transform))
    source = open_tifffile(path)
    assert source.properties()["lookalike.decoder"].startswith("tifffile (level 0 differs by")
    expected = source._slowly(0, 0, 0, 700, 500)
    assert np.array_equal(source.read(0, 0, 0, 700, 500), expected)


def test_tiles_are_not_kept_twice(tmp_path):
    """The cache of all slides holds tiles; the reader's own holds strips only."""
    pixels = noisy(300, 200).astype(np.uint16)
    for name, options, kept in [("a", {"tile": (128, 128)}, 0), ("b", {"rowsperstrip": 50}, 4)]:
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, **options)
        source = open_tifffile(path)
        source.read(0, 0, 0, 300, 200)
        assert len(source._shared[0]._items) == kept


def test_a_jpeg_that_asks_for_gigabytes_on_the_long_way(tmp_path):
    """Four samples: not decoded directly."""

    def encode(tile):
        data = jpeg(tile[..., :3])
        at = data.index(b"\xff\xc0")
        return data[: at + 5] + b"\xff\xff\xff\xff" + data[at + 9 :]

    path = write_tiles(
        tmp_path / "a.tif", [to_ycbcr(noisy(200, 150))], encode, compression=7, predictor=None
    )
    source = open_tifffile(path)
    with pytest.raises(CannotRead, match="another size"):
        source._slowly(0, 0, 0, 100, 100)
    with pytest.raises(CannotRead, match="another size"):
        source.read(0, 0, 0, 100, 100)


def test_a_strip_or_tile_of_gigabytes_is_refused(tmp_path):
    path = write_lossless(tmp_path / "a.tif", [noisy(256, 256)], "zlib")
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        at = {code: page.tags[code].valueoffset for code in (322, 323)}
    with path.open("r+b") as file:
        for place in at.values():
            file.seek(place)
            file.write((40000).to_bytes(2, "little"))
    with pytest.raises(CannotRead, match="too large to decode"):
        open_tifffile(path)


def test_colour_profiles(tmp_path):
    pixels = noisy(300, 200)
    tagged = tmp_path / "a.tif"
    options = {"photometric": "rgb", "metadata": None, "tile": (128, 128)}
    tifffile.imwrite(tagged, pixels, iccprofile=PROFILE, compression="zlib", **options)
    plain = tmp_path / "b.tif"
    tifffile.imwrite(plain, pixels, compression="zlib", **options)
    for open_it in (open_openslide, open_tifffile):
        assert open_it(tagged).icc_profile() == PROFILE
        assert open_it(plain).icc_profile() is None
    with open_slide(tagged) as slide:
        assert slide.icc_profile() == PROFILE


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_colour_profiles_of_photographs(tmp_path, name):
    image = Image.fromarray(noisy(60, 40))
    image.save(tmp_path / name, icc_profile=PROFILE)
    assert open_raster(tmp_path / name).icc_profile() == PROFILE
    image.save(tmp_path / name)
    assert open_raster(tmp_path / name).icc_profile() is None


def test_the_profile_of_cmyk_is_not_one_for_rgb(tmp_path):
    Image.fromarray(noisy(60, 40)).convert("CMYK").save(tmp_path / "a.jpg", icc_profile=PROFILE)
    assert open_raster(tmp_path / "a.jpg").icc_profile() is None


@pytest.mark.shared
def test_the_profile_of_a_dicom_slide(shared):
    source = open_openslide(shared / "data/wsi/napari-wsi/CMU-1-Small-Region-dicom")
    profile = source.icc_profile()
    assert profile is not None
    assert profile[36:40] == b"acsp"
    source.close()
    assert source.icc_profile() is None


@pytest.mark.parametrize("part", ["properties", "associated_images", "level_dimensions"])
def test_a_header_on_which_openslide_stumbles_is_a_reason(tmp_path, monkeypatch, part):
    """Found by damaging real files: a property that is listed, but cannot be had."""
    path = write_lossless(tmp_path / "patient.tif", pyramid(), "zlib")

    def stumble(_):
        raise KeyError

    monkeypatch.setattr(openslide.OpenSlide, part, property(stumble))
    with pytest.raises(CannotRead, match="structure is damaged"):
        open_openslide(path)
    with open_slide(path) as slide:
        assert slide.backend == "tifffile"
