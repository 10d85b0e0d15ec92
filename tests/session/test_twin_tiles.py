"""The tile under a place."""

from __future__ import annotations

import numpy as np
from tests.project_fixtures import tiny_grid

from napari_lookalike.core.geometry import Region
from napari_lookalike.core.tiles import TileGrid
from napari_lookalike.session.twin_tiles import EDGE_PX0, TilesOfSlide

SIZE = (256, 192)


def test_the_tile_that_covers_the_place():
    tiles = TilesOfSlide(tiny_grid(), SIZE, (0.5, 0.5))
    assert tiles.at(70.0, 40.0) == Region(64.0, 32.0, 32.0, 32.0)
    assert tiles.at(64.0, 32.0) == Region(64.0, 32.0, 32.0, 32.0)
    assert tiles.at(95.9, 63.9) == Region(64.0, 32.0, 32.0, 32.0)
    assert tiles.analysed


def test_beyond_the_slide_there_is_none():
    tiles = TilesOfSlide(tiny_grid(), SIZE, (0.5, 0.5))
    assert tiles.at(-1.0, 5.0) is None
    assert tiles.at(256.0, 5.0) is None


def test_glass_that_was_not_analysed_has_none():
    grid = tiny_grid()
    some = TileGrid(
        grid.cells[grid.cells[:, 0] < 4],
        grid.shape,
        grid.origin_px0,
        grid.stride_px0,
        grid.size_px0,
        32,
        0.5,
        SIZE,
    )
    tiles = TilesOfSlide(some, SIZE, (0.5, 0.5))
    assert tiles.at(100.0, 10.0) is not None
    assert tiles.at(130.0, 10.0) is None


def test_on_a_finer_grid_the_nearest_tile_that_covers_the_place():
    """Imported tiles lie on a grid three times finer than themselves."""
    cells = np.array([[0, 0], [4, 0]], np.int32)
    grid = TileGrid(cells, (3, 9), (0.0, 0.0), (10.0, 10.0), (30.0, 30.0), 30, 0.5, SIZE)
    tiles = TilesOfSlide(grid, SIZE, None)
    assert tiles.at(2.0, 2.0) == Region(0.0, 0.0, 30.0, 30.0)
    assert tiles.at(45.0, 2.0) == Region(40.0, 0.0, 30.0, 30.0)
    assert tiles.at(35.0, 2.0) is None
    assert tiles.at(100.0, 2.0) is None


def test_every_tile_is_found_under_its_middle():
    grid = tiny_grid()
    tiles = TilesOfSlide(grid, SIZE, (0.5, 0.5))
    for i, (x, y) in enumerate(grid.corners_px0 + 16.0):
        assert tiles.at(x, y) == grid.region(i)


def test_a_slide_without_features_has_squares_of_a_size_in_um():
    tiles = TilesOfSlide(None, (4000, 3000), (0.5, 0.25))
    assert tiles.at(230.0, 10.0) == Region(224.0, 0.0, 224.0, 448.0)
    assert not tiles.analysed
    bare = TilesOfSlide(None, (4000, 3000), None)
    assert bare.at(10.0, 10.0) == Region(0.0, 0.0, EDGE_PX0, EDGE_PX0)


def test_a_step_leads_to_the_next_tile():
    tiles = TilesOfSlide(tiny_grid(), SIZE, (0.5, 0.5))
    here = tiles.at(70.0, 40.0)
    assert tiles.step(here, 1, 0) == Region(96.0, 32.0, 32.0, 32.0)
    assert tiles.step(here, 0, -1) == Region(64.0, 0.0, 32.0, 32.0)
    assert tiles.step(Region(0.0, 0.0, 32.0, 32.0), -1, 0) is None
