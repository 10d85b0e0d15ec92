"""Native tiles of whole files, against OpenSlide pixel by pixel."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile
from tests.core.slides.native.comparing import (
    all_tiles,
    assert_reduces,
    assert_same_as_openslide,
    native_source,
)
from tests.core.slides.native.writing import (
    TILE,
    grey_jpeg,
    noisy,
    pyramid,
    write_jpeg,
    write_jpeg2000,
    write_lossless,
    write_tiles,
)

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.openslide_source import open_openslide
from napari_lookalike.core.slides.source import CannotRead


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("rgb", "subsampling"), [(True, 0), (False, 0), (False, 1), (False, 2)])
def test_jpeg(tmp_path, rgb, subsampling, shared):
    path = write_jpeg(
        tmp_path / "a.tif", pyramid(), rgb=rgb, subsampling=subsampling, shared=shared
    )
    assert_same_as_openslide(path)
    source = native_source(path)
    assert source.reductions(0) == (2, 4, 8)
    for level in range(3):
        # 4:2:2 has chroma of unlike scale in x and y: libjpeg reduces it the more.
        assert_reduces(source, level, tolerance=2.5 if subsampling == 1 else 1.5)


@pytest.mark.parametrize("rgb", [True, False])
def test_aperio_with_shared_tables(tmp_path, rgb):
    path = write_jpeg(tmp_path / "a.svs", pyramid(), rgb=rgb, aperio=True)
    with open_slide(path) as slide:
        assert (slide.vendor, slide.backend) == ("aperio", "openslide")
        assert slide.scale.mpp == 0.5
        assert slide_info(slide)["decoder"] == "native tiles"
    assert_same_as_openslide(path)


@pytest.mark.parametrize("level", [0, 40])
@pytest.mark.parametrize("compression", [33003, 33005])
def test_aperio_jpeg_2000(tmp_path, compression, level):
    pixels = noisy(300, 280)
    path = write_jpeg2000(tmp_path / "a.svs", pixels, compression, level=level)
    assert_same_as_openslide(path)
    source = native_source(path)
    assert np.abs(source.read(0, 0, 0, 300, 280).astype(int) - pixels).mean() < 5
    assert native_source(path).reductions(0) == ()


@pytest.mark.parametrize(
    ("compression", "predictor"),
    [
        (None, False),
        ("lzw", False),
        ("lzw", True),
        ("zlib", False),
        ("zlib", True),
        ("zstd", False),
        ("zstd", True),
        ("packbits", False),
    ],
)
def test_lossless(tmp_path, compression, predictor):
    levels = pyramid()
    path = write_lossless(tmp_path / "a.tif", levels, compression, predictor=predictor)
    assert_same_as_openslide(path)
    source = native_source(path)
    assert source.reductions(0) == ()
    for index, pixels in enumerate(levels):
        assert np.array_equal(source.read(index, 0, 0, *pixels.shape[1::-1]), pixels)


@pytest.mark.parametrize(("bigtiff", "byteorder"), [(True, "<"), (True, ">")])
def test_any_kind_of_tiff(tmp_path, bigtiff, byteorder):
    path = write_lossless(
        tmp_path / "a.tif", pyramid(), "lzw", predictor=True, bigtiff=bigtiff, byteorder=byteorder
    )
    assert_same_as_openslide(path)


def test_big_endian_tiff_is_not_known_to_openslide(tmp_path):
    levels = pyramid()
    path = write_lossless(tmp_path / "a.tif", levels, "lzw", predictor=True, byteorder=">")
    with open_slide(path) as slide:
        assert slide.backend == "tifffile"
    source = native_source(path)
    for index, pixels in enumerate(levels):
        assert np.array_equal(source.read(index, 0, 0, *pixels.shape[1::-1]), pixels)


def test_grey(tmp_path):
    levels = [pixels[..., 0] for pixels in pyramid()]
    assert_same_as_openslide(write_lossless(tmp_path / "a.tif", levels, "zlib"))
    path = write_tiles(
        tmp_path / "b.tif", levels, grey_jpeg, compression=7, photometric="minisblack"
    )
    assert_same_as_openslide(path)
    assert_reduces(native_source(path), 0, tolerance=1.5)


def test_missing_tiles_are_white(tmp_path):
    missing = frozenset({1, 5, 9})
    path = write_jpeg(tmp_path / "a.tif", pyramid(1024, 768), missing=missing)
    assert_same_as_openslide(path)
    source = native_source(path)
    for reduce in (1, 2, 4, 8):
        tile = source.tile(0, 1, 0, reduce)
        assert tile.shape == (TILE // reduce, TILE // reduce, 3)
        assert (tile == 255).all()
    assert not (source.tile(0, 0, 0) == 255).all()


def test_what_openslide_makes_of_missing_tiles_in_aperio_slides(tmp_path):
    """It takes them from the finer level; and then all that lies over a gap of that level."""
    fine, coarse = noisy(1024, 768), noisy(512, 384, seed=4)
    path = write_jpeg(tmp_path / "a.svs", [fine], aperio=True, missing=frozenset({1, 5}))
    assert_same_as_openslide(path)
    path = write_jpeg(
        tmp_path / "b.svs", [fine, coarse], aperio=True, missing=frozenset({1}), gaps_from=1
    )
    assert_same_as_openslide(path)
    assert not (native_source(path).tile(1, 1, 0) == 255).all()
    path = write_jpeg(tmp_path / "c.svs", [fine, coarse], aperio=True, missing=frozenset({1}))
    with open_slide(path) as slide:
        assert "tiles are missing" in slide.properties()["lookalike.decoder"]


def test_a_table_that_is_too_short(tmp_path):
    """Tiles beyond the end of the table are missing, to OpenSlide an error."""
    path = write_lossless(tmp_path / "a.tif", [noisy(512, 512)], None)
    with tifffile.TiffFile(path) as tif:
        tags = [tif.pages[0].tags[code] for code in (324, 325)]
        at = [tag.offset + 4 for tag in tags]
    with path.open("r+b") as file:
        for place in at:
            file.seek(place)
            file.write((12).to_bytes(4, "little"))
    with open_slide(path) as slide:
        read = slide.read_level(0, 0, 0, 512, 384)
        assert np.array_equal(read, noisy(512, 512)[:384])


def test_levels_that_are_not_halves(tmp_path):
    """OpenSlide interpolates there; the check does too, and passes."""
    levels = [noisy(1501, 1203), noisy(700, 561, seed=1), noisy(301, 241, seed=2)]
    assert_same_as_openslide(write_jpeg(tmp_path / "a.tif", levels))
    assert_same_as_openslide(write_lossless(tmp_path / "b.tif", levels, "zlib"))


def test_metadata_stay_those_of_openslide(aperio_slide):
    with open_slide(aperio_slide) as slide:
        theirs = open_openslide(aperio_slide)
        assert slide.properties()["lookalike.decoder"] == "native tiles"
        assert slide.backend == "openslide"
        assert slide.vendor == theirs.vendor
        assert slide.levels[: len(theirs.levels)] == theirs.levels
        assert slide.associated_names() == theirs.associated_names()
        for name in slide.associated_names():
            assert np.array_equal(slide.associated_image(name), theirs.associated_image(name))
        for key, value in theirs.properties().items():
            assert key == "lookalike.decoder" or slide.properties()[key] == value
        with pytest.raises(KeyError):
            slide._source.associated_image("nothing")


def test_tiles_have_the_size_of_the_page(tmp_path):
    """OpenSlide does not say the tile size of every format; the page does."""
    source = native_source(write_jpeg(tmp_path / "a.tif", pyramid()))
    assert {(level.tile_width, level.tile_height) for level in source.levels} == {(TILE, TILE)}
    with pytest.raises(ValueError, match="reduce by 3"):
        source.tile(0, 0, 0, 3)
    for place in [(6, 0), (0, 4), (-1, 0)]:
        with pytest.raises(ValueError, match="no tile"):
            source.tile(0, *place)


def test_a_damaged_tile_is_an_error_and_the_rest_stays(tmp_path):
    path = write_jpeg(tmp_path / "patient.tif", [noisy(700, 500)])
    with tifffile.TiffFile(path) as tif:
        offset, count = tif.pages[0].dataoffsets[7], tif.pages[0].databytecounts[7]
    whole = native_source(path).read(0, 0, 0, 128, 128)
    with path.open("r+b") as file:
        file.seek(offset + count // 2)
        file.write(b"\xff\xd9")
    with open_slide(path) as slide:
        assert slide.properties()["lookalike.decoder"] == "native tiles"
        with pytest.raises(RegionError) as caught:
            slide.read_level(0, 128, 128, 60, 60)
        assert "patient" not in str(caught.value)
        assert np.array_equal(slide.read_level(0, 0, 0, 128, 128), whole)


def test_a_file_that_shrinks_while_it_is_seen(tmp_path):
    path = write_jpeg(tmp_path / "patient.tif", [noisy(700, 500)])
    source = native_source(path)
    os.truncate(path, path.stat().st_size // 3)
    assert source.tile(0, 0, 0).shape == (TILE, TILE, 3)
    with pytest.raises(CannotRead, match=r"^the file is cut off$"):
        source.tile(0, 5, 3)


def test_a_file_that_is_gone_or_closed(tmp_path):
    path = write_jpeg(tmp_path / "a.tif", [noisy(700, 500)])
    source = native_source(path)
    path.unlink()
    try:
        source.tile(0, 0, 0)  # Linux keeps the content while it is open
    except CannotRead as error:
        assert "a.tif" not in str(error)
    source.close()
    source.close()
    for read in (source.tile, source.reductions):
        with pytest.raises(CannotRead, match="closed"):
            read(*(0, 0, 0)[: 3 if read == source.tile else 1])
    with pytest.raises(CannotRead, match="closed"):
        source.read(0, 0, 0, 5, 5)


@pytest.mark.processes
def test_many_threads_and_a_close_between(tmp_path):
    source = native_source(write_jpeg(tmp_path / "a.tif", [noisy(1500, 1300)]))
    expected = {(c, r): tile for c, r, tile in all_tiles(source, 0)}
    places = list(expected) * 3
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: source.tile(0, *place), places))
    assert all(np.array_equal(f, expected[p]) for f, p in zip(found, places, strict=True))
    closing = threading.Timer(0.005, source.close)
    closing.start()
    try:
        for place in places * 20:
            assert np.array_equal(source.tile(0, *place), expected[place])
    except CannotRead as error:
        assert str(error) == "the slide was closed"
    closing.join()
