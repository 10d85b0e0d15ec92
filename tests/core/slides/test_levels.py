"""Every back end's slide keeps the contract of `Slide`."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_lookalike.core.errors import RegionError, SlideError
from napari_lookalike.core.geometry import Region, Scale
from napari_lookalike.core.slides import SLIDE_FORMATS, Level, open_slide
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.openslide_source import open_openslide
from napari_lookalike.core.slides.slide import PyramidSlide, level_for
from napari_lookalike.core.slides.tifffile_source import open_tifffile


def by(opener, path):
    return PyramidSlide(opener(path), path, Scale(), "0" * 32, (open_slide, (path,)))


@pytest.fixture(params=["openslide", "tifffile"])
def slide(request, pyramid_slide):
    with by(SLIDE_FORMATS.get(request.param).open, pyramid_slide) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(pyramid_slide):
    with tifffile.TiffFile(pyramid_slide) as tif:
        return [page.asarray() for page in tif.pages]


def test_downsamples_are_exact(slide):
    assert slide.size == (1501, 1203)
    for level in slide.levels:
        assert level.downsample_x == 1501 / level.width
        assert level.downsample_y == 1203 / level.height


def test_the_levels_are_those_of_the_file(slide, pages):
    sizes = [(level.height, level.width) for level in slide.levels]
    assert sizes == [page.shape[:2] for page in pages]
    assert not any(level.synthetic for level in slide.levels)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_pixels_lie_where_tifffile_has_them(slide, pages, level):
    height, width = pages[level].shape[:2]
    for x, y in [(0.3, 0.3), (0.5, 0.47), (0.37, 0.55)]:
        x, y = round(x * width), round(y * height)
        got = slide.read_level(level, x, y, 80, 70).astype(int)
        misfit = {
            (dx, dy): np.abs(got - pages[level][y + dy : y + dy + 70, x + dx : x + dx + 80]).mean()
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
        }
        assert min(misfit, key=misfit.get) == (0, 0)
        # OpenSlide starts at whole level-0 pixels, so up to half of one may be missing.
        assert misfit[0, 0] < 0.7 * min(v for k, v in misfit.items() if k != (0, 0))


def test_level_0_is_decoded_alike(slide, pages):
    got = slide.read_level(0, 0, 0, 1501, 1203)
    assert np.abs(got.astype(int) - pages[0]).max() <= 3


def test_white_outside(slide):
    inside = slide.read_level(0, 0, 0, 30, 20)
    got = slide.read_level(0, -10, -5, 40, 25)
    assert got.shape == (25, 40, 3)
    assert (got[:5] == 255).all()
    assert (got[:, :10] == 255).all()
    assert np.array_equal(got[5:, 10:], inside)
    assert (slide.read_level(1, 5000, 5000, 3, 2) == 255).all()
    assert (slide.read_level(0, 1490, 0, 30, 2)[:, 11:] == 255).all()


def test_regions_agree_whatever_the_level(slide, pages):
    """A region read from level 0 by a plain mean, and as the slide reads it."""
    region = Region(400.0, 300.0, 512.0, 384.0)
    plain = pages[0][300:684, 400:912].reshape(96, 4, 128, 4, 3).mean(axis=(1, 3))
    got = slide.read_region(region, (128, 96))
    assert np.abs(got - plain).mean() < 2.5


def test_regions_between_pixels(slide, pages):
    whole = pages[0].astype(float)
    expected = (whole[50:60, 40:60] + whole[50:60, 41:61]) / 2
    got = slide.read_region(Region(40.5, 50, 20, 10), (20, 10))
    assert np.abs(got - expected).max() <= 3.1


def test_a_thumbnail_shows_the_whole_slide(slide):
    thumbnail = slide.thumbnail(200)
    assert thumbnail.shape == (160, 200, 3)
    assert (thumbnail[:5, :5] > 235).all()
    assert thumbnail[80, 100].min() < 200


def test_reading_from_many_threads(slide, pages):
    places = [(x, y) for x in range(0, 1400, 200) for y in range(0, 1100, 200)]

    def right(place):
        x, y = place
        got = slide.read_level(0, x, y, 100, 100).astype(int)
        return np.abs(got - pages[0][y : y + 100, x : x + 100]).max() <= 3

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, places))


def test_reading_after_closing_is_an_error_of_ours(slide):
    slide.close()
    slide.close()
    with pytest.raises(RegionError, match="closed"):
        slide.read_level(0, 700, 700, 10, 10)


def test_a_slide_survives_pickling(pyramid_slide):
    with open_slide(pyramid_slide, mpp=0.3, mpp_source="manifest") as slide:
        again = pickle.loads(pickle.dumps(slide))
        with again:
            assert again.scale == slide.scale
            assert again.fingerprint == slide.fingerprint
            assert np.array_equal(again.thumbnail(64), slide.thumbnail(64))
        with copy.copy(slide) as twin:
            assert twin.levels == slide.levels


def test_the_coarsest_level_that_is_fine_enough():
    levels = (Level(4000, 4000, 1, 1), Level(1999, 1999, 4000 / 1999, 4000 / 1999))
    levels += (replace(levels[0], width=1000, downsample_x=4, downsample_y=4),)
    region = Region(0, 0, 400, 400)
    assert level_for(levels, region, (400, 400)) == 0
    assert level_for(levels, region, (200, 200)) == 1  # 2.001 serves a request for 2
    assert level_for(levels, region, (150, 150)) == 1
    assert level_for(levels, region, (100, 100)) == 2
    assert level_for(levels, region, (800, 800)) == 0
    assert level_for(levels, region, (100, 400)) == 0


def test_associated_images_by_both_back_ends(aperio_slide):
    for opener in (open_openslide, open_tifffile):
        with by(opener, aperio_slide) as slide:
            assert set(slide.associated_names()) == {"label", "macro", "thumbnail"}
            thumbnail = slide.associated_image("thumbnail")
            assert thumbnail.shape == (200, 275, 3)
            with pytest.raises(SlideError, match="label"):
                slide.associated_image("nothing")


def test_info_names_neither_file_nor_folder(aperio_slide):
    with open_slide(aperio_slide) as slide:
        info = slide_info(slide)
    assert info["mpp_xy"] == [0.5, 0.5]
    assert info["size"] == [1100, 800]
    assert [level["synthetic"] for level in info["levels"]] == [False, True]
    assert info["associated"] == ["label", "macro", "thumbnail"]
    text = str(info)
    assert aperio_slide.name not in text
    assert str(aperio_slide.parent) not in text
