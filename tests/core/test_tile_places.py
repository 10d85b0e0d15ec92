"""Which native tiles other tiles of a grid need too, beside a search through all of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.core.test_tile_reading import Exact, grid_over

from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.tile_places import cut_from, natives_under, tile_boxes


def searched(grid, source, some) -> tuple[set, set]:
    """(column, row) of native tiles under some tiles, and of those under any other cell."""
    edges = source.level.tile_width, source.level.tile_height
    column, row = np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[0]))
    cells = np.stack([column.ravel(), row.ravel()], axis=1)
    mine = {tuple(cell) for cell in grid.cells[some].tolist()}
    under: tuple[set, set] = (set(), set())
    for cell, (left, top, right, bottom) in zip(
        cells.tolist(), tile_boxes(grid, source, cells).tolist(), strict=True
    ):
        left, top = left - source.more, top - source.more
        right, bottom = right + source.more, bottom + source.more
        for y in range(int(top // edges[1]), int(-(-bottom // edges[1]))):
            for x in range(int(left // edges[0]), int(-(-right // edges[0]))):
                under[tuple(cell) not in mine].add((x, y))
    return under


@pytest.mark.parametrize("tile", [(128, 128), (256, 96), (60, 60)])
@pytest.mark.parametrize(
    ("px", "size", "stride"),
    [(56, 56.0, 56.0), (56, 56.03, 56.03), (64, 64.0, 64.0), (56, 112.0, 112.0),
     (56, 104.7, 104.7), (56, 56.0, 28.0), (56, 104.7, 52.35), (112, 70.0, 70.0)],
)  # fmt: skip
def test_again_is_what_a_search_finds(px, size, stride, tile):
    slide = Exact(0, (700, 600))
    slide.levels = (Level(700, 600, 1.0, 1.0, *tile),)
    grid = grid_over(slide, px, size, stride, 1.0)
    source = cut_from(slide, grid)
    column, row = grid.cells.T
    rng = np.random.default_rng(0)
    block = np.flatnonzero((column // 4 == 0) & (row // 4 == 1))
    for some in (block, block[:5], np.array([len(grid) - 1]), rng.permutation(len(grid))[:7]):
        boxes = tile_boxes(grid, source, grid.cells[some])
        natives = natives_under(grid, source, some, boxes)
        under, others = searched(grid, source, some)
        found = np.argwhere(natives.needed)[:, ::-1] + (natives.column, natives.row)
        assert {tuple(place) for place in found.tolist()} == under
        again = np.argwhere(natives.again)[:, ::-1] + (natives.column, natives.row)
        assert {tuple(place) for place in again.tolist()} & under == others & under


def test_a_block_that_ends_with_native_tiles_leaves_nothing_behind():
    slide = Exact(0, (4 * 1792, 4 * 1792))
    slide.levels = (Level(*slide.size, 1.0, 1.0, 256, 256),)
    grid = grid_over(slide, 224, 224.0, 224.0, 1.0)
    column, row = grid.cells.T
    some = np.flatnonzero((column // 8 == 1) & (row // 8 == 1))
    source = cut_from(slide, grid)
    natives = natives_under(grid, source, some, tile_boxes(grid, source, grid.cells[some]))
    assert natives.needed.shape == (7, 7) and natives.needed.all() and not natives.again.any()
    one_less = natives_under(grid, source, some[1:], tile_boxes(grid, source, grid.cells[some[1:]]))
    assert np.argwhere(one_less.again).tolist() == [[0, 0]]


def test_a_grid_of_one_tile_needs_nothing_again():
    slide = Exact(0, (700, 600))
    grid = dataclasses.replace(grid_over(slide, 700, 700.0, 700.0, 1.0), shape=(1, 1))
    grid = dataclasses.replace(grid, cells=grid.cells[:1])
    source, some = cut_from(slide, grid), np.array([0])
    natives = natives_under(grid, source, some, tile_boxes(grid, source, grid.cells[some]))
    assert natives.needed.all() and not natives.again.any()
