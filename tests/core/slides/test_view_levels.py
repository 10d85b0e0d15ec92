from __future__ import annotations

from itertools import pairwise

import pytest

from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.slides.synthetic import synthetic_levels
from napari_lookalike.core.slides.view_levels import MAX_STEP, view_levels


def pyramid(width, height, factors, tile=256):
    levels = []
    for factor in factors:
        w, h = round(width / factor), round(height / factor)
        levels.append(Level(w, h, width / w, height / h, tile, tile))
    return tuple(levels)


@pytest.mark.parametrize(
    ("factors", "reduce"),
    [
        ((1, 2, 4), (1, 1, 1)),
        ((1, 4, 16), (1, 2, 1, 2, 1)),
        ((1, 16), (1, 2, 4, 8, 1)),
        ((1, 3), (1, 2, 1)),
        ((1, 2.0004), (1, 1)),
    ],
)
def test_in_between_levels(factors, reduce):
    views = view_levels(pyramid(61440, 51200, factors))
    assert tuple(v.reduce for v in views) == reduce
    for fine, coarse in pairwise(views):
        assert 1 < fine.width / coarse.width <= MAX_STEP
        assert 1 < fine.height / coarse.height <= MAX_STEP


def test_sizes_are_rounded_up_so_that_no_pixel_is_lost():
    [_, between, _] = view_levels(pyramid(1001, 777, (1, 4)))
    assert (between.width, between.height) == (501, 389)
    assert (between.columns, between.rows) == (2, 2)
    assert between.box(1, 1) == (256, 256, 245, 133)


def test_synthetic_levels_are_levels_of_the_view():
    native = pyramid(30001, 20001, (1,))
    levels = (*native, *synthetic_levels(native))
    views = view_levels(levels)
    assert len(views) == len(levels)
    for view, level in zip(views, levels, strict=True):
        assert (view.width, view.height) == (level.width, level.height)
        assert view.base == 0
    assert [v.stored for v in views] == [None, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("tile", "reduce", "native", "edge"),
    [(256, 2, True, 256), (240, 8, True, 240), (250, 4, False, 512), (64, 2, False, 512)],
)
def test_tiles_are_the_files_where_they_fit(tile, reduce, native, edge):
    views = view_levels(pyramid(40000, 40000, (1, 16), tile))
    view = next(v for v in views if v.reduce == reduce)
    assert (view.native, view.tile_width) == (native, edge)


def test_strips_are_no_tiles():
    [view] = view_levels((Level(900, 700, 1, 1, 900, 16),))
    assert not view.native
    assert (view.tile_width, view.tile_height) == (512, 512)
