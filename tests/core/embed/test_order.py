"""The order of tiles: all of them once, spread from the first, cheap to read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_lookalike.core.embed.order import _hilbert, block_edge, coarse_to_fine
from napari_lookalike.core.tiles import TileGrid


def grid_of(cells: np.ndarray) -> TileGrid:
    cells = np.asarray(cells, np.int32).reshape(-1, 2)
    shape = (int(cells[:, 1].max(initial=0)) + 1, int(cells[:, 0].max(initial=0)) + 1)
    size = (224.0 * shape[1], 224.0 * shape[0])
    return TileGrid(
        cells, shape, (0.0, 0.0), (224.0, 224.0), (224.0, 224.0), 224, 0.5,
        (int(size[0]), int(size[1])),
    )  # fmt: skip


def full(columns: int, rows: int) -> TileGrid:
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    return grid_of(np.stack([column.ravel(), row.ravel()], axis=1))


def ragged(seed: int, n: int) -> TileGrid:
    """Pieces of tissue of odd shapes."""
    rng = np.random.default_rng(seed)
    edge = max(4, round(math.sqrt(2.5 * n)))
    field = rng.normal(size=(edge, edge))
    for axis in (0, 1):
        for _ in range(3):
            field = (field + np.roll(field, 1, axis) + np.roll(field, -1, axis)) / 3
    row, column = np.nonzero(field > np.quantile(field, 1 - n / edge**2))
    return grid_of(np.stack([column, row], axis=1))


GRIDS = [full(1, 1), full(3, 2), full(40, 30), full(120, 84), full(200, 3), ragged(0, 400),
         ragged(1, 9000), grid_of(np.zeros((0, 2)))]  # fmt: skip


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: f"{len(g)}")
def test_every_tile_comes_once_and_always_in_the_same_order(grid: TileGrid) -> None:
    order = coarse_to_fine(grid)
    assert order.dtype == np.int64 and sorted(order) == list(range(len(grid)))
    np.testing.assert_array_equal(order, coarse_to_fine(grid))


@pytest.mark.parametrize("grid", [full(120, 84), ragged(1, 9000), ragged(2, 700)])
@pytest.mark.parametrize("share", [0.01, 0.03, 0.1, 0.25, 0.5])
def test_every_beginning_is_spread_over_the_tissue(grid: TileGrid, share: float) -> None:
    order = coarse_to_fine(grid)
    n = max(4, round(share * len(grid)))
    seen = grid.cells[order[:n]].astype(float)
    gaps, _ = cKDTree(seen).query(grid.cells.astype(float))
    # tiles come in blocks: so many of them, were they a square lattice over the tissue
    blocks = n / 4 if share <= 0.03 else max(len(grid) / 30, n / block_edge(len(grid)) ** 2)
    apart = math.sqrt(len(grid) / blocks)
    assert np.quantile(gaps, 0.95) < 1.6 * apart + 1
    # and no part of the tissue is forgotten: the middle of what is seen is that of all
    middle = np.abs(seen.mean(axis=0) - grid.cells.mean(axis=0))
    assert (middle < 0.15 * np.ptp(grid.cells, axis=0)).all()


def test_hilbert_neighbours_are_neighbours() -> None:
    x, y = (a.ravel() for a in np.meshgrid(np.arange(16), np.arange(16)))
    along = _hilbert(x, y, 4)
    assert sorted(along) == list(range(256))
    way = np.argsort(along)
    steps = np.abs(np.diff(x[way])) + np.abs(np.diff(y[way]))
    assert steps.max() == 1


def native_decodes(grid: TileGrid, order: np.ndarray, scale: float, keep: int) -> float:
    """Native tiles of 256 px that a cache of ``keep`` of them decodes, by how many there are."""
    from collections import OrderedDict

    cache: OrderedDict[tuple[int, int], None] = OrderedDict()
    decoded, every = 0, set()
    for column, row in grid.cells[order].tolist():
        x0, y0 = (int(v * 224 * scale) // 256 for v in (column, row))
        x1, y1 = (int((v + 1) * 224 * scale - 1) // 256 for v in (column, row))
        for key in ((x, y) for y in range(y0, y1 + 1) for x in range(x0, x1 + 1)):
            every.add(key)
            if key in cache:
                cache.move_to_end(key)
                continue
            decoded += 1
            cache[key] = None
            if len(cache) > keep:
                cache.popitem(last=False)
    return decoded / len(every)


@pytest.mark.parametrize("scale", [1.0, 1.1, 2.0])
def test_native_tiles_are_decoded_about_once(scale: float) -> None:
    """Row by row decodes once too, but shows the top of the slide alone for minutes."""
    grid = ragged(1, 9000)
    order = coarse_to_fine(grid)
    assert native_decodes(grid, order, scale, keep=2600) < 1.15  # 512 MB
    assert native_decodes(grid, np.random.default_rng(0).permutation(order), scale, 2600) > 1.6
