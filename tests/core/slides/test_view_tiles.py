"""Tiles of every view level, and that the same place shows at the same place on all of them."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.pyramid import level_arrays
from napari_lookalike.core.slides.tile_cache import TileCache
from napari_lookalike.core.slides.view_levels import view_levels
from napari_lookalike.core.slides.view_tiles import ViewTiles, halved


def whole(slide, index, cache=None):
    """A view level put together from its tiles, and the views."""
    views = view_levels(slide.levels)
    tiles = ViewTiles(slide, cache or TileCache())
    view = views[index]
    out = np.zeros((view.height, view.width, 3), np.uint8)
    for row in range(view.rows):
        for column in range(view.columns):
            x, y, width, height = view.box(column, row)
            out[y : y + height, x : x + width] = tiles.make(view, column, row).pixels
    return out


def box_mean(image, factor):
    """The plain mean of factor x factor pixels; the rest at the edges by what is there."""
    height, width = -(-image.shape[0] // factor), -(-image.shape[1] // factor)
    out = np.zeros((height, width, 3))
    for y in range(height):
        for x in range(width):
            part = image[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
            out[y, x] = part.mean(axis=(0, 1))
    return out


@pytest.mark.parametrize(("compression", "tile"), [("zlib", 256), ("zlib", 240), ("jpeg", 256)])
def test_in_between_levels_are_the_mean_of_the_finer_pixels(tmp_path, compression, tile):
    level0 = texture(1001, 777)
    levels = [level0, np.ascontiguousarray(level0[::8, ::8])]
    path = write_pyramid(tmp_path / "a.tiff", levels, compression=compression, tile=tile)
    with open_slide(path) as slide:
        full = whole(slide, 0)
        for index, factor in ((1, 2), (2, 4)):
            got, expected = whole(slide, index), box_mean(full, factor)
            assert got.shape == expected.shape
            error = np.abs(got - expected)
            # Lossless: rounding at each halving. JPEG is decoded smaller by its own rule.
            assert error.max() <= 2 if compression == "zlib" else error.mean() < 1.5


def test_strips_have_in_between_levels_too(tmp_path):
    path = tmp_path / "strips.tif"
    level0 = texture(2101, 1301)
    tifffile.imwrite(path, level0, rowsperstrip=16, photometric="rgb", metadata=None)
    with open_slide(path) as slide:
        got = whole(slide, 1)
        assert np.abs(got - box_mean(level0, 2)).max() <= 1


SPOTS = [(100.0, 80.0), (777.0, 333.0), (1290.0, 900.0), (50.0, 1000.0)]
"""(x, y) of marks in level-0 pixels, corners at whole numbers."""


def spotted(width, height):
    """Black discs on white, drawn with soft edges so that their centres can be measured."""
    ys, xs = np.mgrid[:height, :width] + 0.5
    image = np.full((height, width), 255.0)
    for x, y in SPOTS:
        image -= 255 * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * 9.0**2))
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def centre_of(dark, near, reach):
    x, y = near
    top, left = max(0, int(y - reach)), max(0, int(x - reach))
    part = dark[top : int(y + reach) + 1, left : int(x + reach) + 1]
    ys, xs = np.mgrid[: part.shape[0], : part.shape[1]] + 0.5
    return (xs * part).sum() / part.sum() + left, (ys * part).sum() / part.sum() + top


def area_level(image, factor):
    """A coarser level whose factor is no whole number, as a scanner makes it."""
    from PIL import Image

    size = round(image.shape[1] / factor), round(image.shape[0] / factor)
    resized = Image.fromarray(image).resize(size, Image.Resampling.BOX)
    return np.asarray(resized)


@pytest.mark.parametrize("factors", [(1, 4, 16), (1, 3.7), (1,)])
def test_a_mark_is_at_the_same_place_on_every_level(tmp_path, factors):
    """napari draws pixel i of a level over [i, i + 1) * shape0 / shape, from the corner."""
    level0 = spotted(1401, 1103)
    levels = [level0 if f == 1 else area_level(level0, f) for f in factors]
    path = write_pyramid(tmp_path / "a.tiff", levels, compression="zlib")
    with open_slide(path) as slide:
        slide.read_level(len(slide.levels) - 1, 0, 0, 1, 1)  # synthetic levels are there
        arrays = level_arrays(slide)
        assert len(arrays) > 1
        for array in arrays:
            dark = 255.0 - np.asarray(array)[..., 0]
            down_x, down_y = 1401 / array.shape[1], 1103 / array.shape[0]
            for x, y in SPOTS:
                near = x / down_x, y / down_y
                found = centre_of(dark, near, max(4, 40 / down_x))
                # Sizes that are rounded up shift the far edge by less than half a pixel.
                assert abs(found[0] * down_x - x) <= 0.5 * down_x
                assert abs(found[1] * down_y - y) <= 0.5 * down_y


def test_a_damaged_part_is_hatched_alone(tmp_path):
    level0 = texture(1100, 800)
    path = write_pyramid(
        tmp_path / "a.tiff", [level0, np.ascontiguousarray(level0[::4, ::4])], compression="zlib"
    )
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[0].dataoffsets[1]
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 64)
    with open_slide(path) as slide:
        views, cache = view_levels(slide.levels), TileCache()
        made = ViewTiles(slide, cache).make(views[1], 0, 0)
        assert made.error is not None
        assert path.name not in str(made.error)
        good = box_mean(level0[:256, :256], 2)
        assert np.abs(made.pixels[:128, :128] - good).max() <= 1
        hatched = made.pixels[:128, 128:256].astype(int)
        assert np.ptp(hatched, axis=-1).max() == 0  # grey
        assert {150, 200} <= set(np.unique(hatched))
        assert ViewTiles(slide, cache).key(views[1], 0, 0) not in cache


def test_halving_rounds_sizes_up():
    assert halved(np.zeros((5, 7, 3), np.uint8)).shape == (3, 4, 3)


def test_whatever_a_codec_raises_ends_a_tile_and_no_thread(pyramid_slide, monkeypatch):
    class Fault(Exception):
        pass

    def fault(*_args):
        raise Fault(f"in {pyramid_slide}")

    with open_slide(pyramid_slide) as slide:
        monkeypatch.setattr(slide, "tile", fault)
        made = ViewTiles(slide, TileCache()).make(view_levels(slide.levels)[0], 0, 0)
    assert made.error is not None
    assert pyramid_slide.name not in str(made.error)
    assert set(np.unique(made.pixels)) == {150, 200}


def test_a_slide_that_was_closed_is_hatched(tmp_path):
    level0 = texture(1100, 800)
    path = write_pyramid(tmp_path / "a.tiff", [level0, np.ascontiguousarray(level0[::4, ::4])])
    slide = open_slide(path)
    views = view_levels(slide.levels)
    slide.close()
    for view in views:
        assert ViewTiles(slide, TileCache()).make(view, 0, 0).error is not None
