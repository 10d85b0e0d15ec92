"""Many tiles at once are the same as one by one, and no native tile is decoded twice."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.core.array_slide import ArraySlide

from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.slides.base import RGB, Level, NativeTile
from napari_lookalike.core.slides.cached_reads import cached_tile, read_cached
from napari_lookalike.core.slides.resample import area_resample
from napari_lookalike.core.slides.source import Source, StatedScale
from napari_lookalike.core.slides.tile_cache import TileCache
from napari_lookalike.core.tiles import TileGrid, read_tile, read_tiles


class Exact(ArraySlide):
    """Regions resampled as those of real slides are."""

    def __init__(self, seed: int, size: tuple[int, int] = (1500, 1100)) -> None:
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 255, (size[1] // 10, size[0] // 10, 3), np.uint8)
        super().__init__(np.kron(coarse, np.ones((10, 10, 1), np.uint8)), 0.5)
        width, height = self.size
        self.levels = (Level(width, height, 1.0, 1.0, 128, 128),)
        self.read_px = 0

    def read_level(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        self.read_px += width * height
        return super().read_level(level, x, y, width, height)

    def read_region(self, region: Region, size: tuple[int, int]) -> RGB:
        left, top = int(np.floor(region.x)) - 1, int(np.floor(region.y)) - 1
        right = int(np.ceil(region.x + region.width)) + 1
        bottom = int(np.ceil(region.y + region.height)) + 1
        image = self.read_level(0, left, top, right - left, bottom - top)
        x, y = region.x - left, region.y - top
        return area_resample(image, (x, y, x + region.width, y + region.height), size)


class Native(Exact):
    """The same, with native tiles that are had one by one."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.decoded: Counter[tuple[int, int]] = Counter()
        self.kept: set[tuple[int, int]] = set()

    def native_tiles(self, level: int) -> NativeTile:
        return self.native

    def native(self, column: int, row: int, keep: bool) -> RGB:
        self.decoded[column, row] += 1
        if keep:
            self.kept.add((column, row))
        x, y = column * 128, row * 128
        tile = self.pixels[y : y + 128, x : x + 128].copy()
        assert tile.size, "there is no such tile"
        tile.flags.writeable = False
        return tile


def grid_over(slide: ArraySlide, px: int, size: float, stride: float, share: float) -> TileGrid:
    columns, rows = (int((edge + stride) // stride) for edge in slide.size)
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    cells = np.stack([column.ravel(), row.ravel()], axis=1).astype(np.int32)
    keep = np.random.default_rng(5).random(len(cells)) < share
    return TileGrid(
        cells[keep], (rows, columns), (0.0, 0.0), (stride,) * 2, (size,) * 2, px, 0.5, slide.size
    )  # fmt: skip


@pytest.mark.parametrize("kind", [Exact, Native])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.05])
@pytest.mark.parametrize(
    ("px", "size", "stride"),
    [(56, 56.0, 56.0), (56, 56.03, 56.03), (56, 112.0, 112.0), (56, 104.7, 104.7),
     (56, 56.0, 28.0), (56, 104.7, 52.35), (112, 70.0, 70.0)],
)  # fmt: skip
def test_together_as_one_by_one(
    px: int, size: float, stride: float, share: float, kind: type[Exact]
) -> None:
    slide = kind(0)
    grid = grid_over(slide, px, size, stride, share)
    some = coarse_to_fine(grid)[:300]
    together = read_tiles(slide, grid, some.tolist())
    single = np.stack([read_tile(slide, grid, int(i)) for i in some])
    difference = np.abs(together.astype(int) - single)
    assert difference.max() <= 1 and difference.mean() < 1e-3
    if size == px:
        np.testing.assert_array_equal(together, single)


def test_tiles_that_hold_no_tissue_are_not_read() -> None:
    slide = Exact(0)
    full = grid_over(slide, 56, 112.0, 112.0, 1.0)
    corners = dataclasses.replace(full, cells=full.cells[[0, -1, 7]])
    read_tiles(slide, corners, range(3))
    assert slide.read_px < 3 * (4 * 128) ** 2


def test_native_tiles_go_straight_to_where_they_are_wanted() -> None:
    """Each is asked for once in a piece, and no picture of the piece is read."""
    slide = Native(0)
    grid = grid_over(slide, 64, 64.0, 64.0, 1.0)
    read_tiles(slide, grid, range(len(grid)))
    assert slide.read_px == 0 and set(slide.decoded.values()) == {1}
    assert len(slide.decoded) == 12 * 9 and not slide.kept, "no other tile needs them"
    slide = Native(0)
    read_tiles(slide, grid, range(len(grid) // 2 - 3))  # ends within a row of native tiles
    assert slide.kept and {row for _, row in slide.kept} == {4}


class Counting(Source):
    """A file of native tiles that counts what it decodes, slowly enough for threads to meet."""

    backend, vendor, tiled = "counting", "test", True

    def __init__(self, edge: int) -> None:
        self.levels = (Level(edge, edge, 1.0, 1.0, 128, 128),)
        self.decoded: Counter[tuple[int, int]] = Counter()

    def read(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        raise AssertionError("a tile is decoded whole")

    def tile(self, level: int, column: int, row: int, reduce: int = 1) -> RGB:
        self.decoded[column, row] += 1
        threading.Event().wait(0.001)
        edge = self.levels[0].width
        size = min(128, edge - column * 128), min(128, edge - row * 128)
        return np.full((size[1], size[0], 3), (column * 16 + row) % 256, np.uint8)

    def stated_scale(self) -> StatedScale:
        return StatedScale()

    def associated_names(self) -> tuple[str, ...]:
        return ()

    def associated_image(self, name: str) -> RGB:
        raise KeyError(name)

    def properties(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        return


class OverSource(Exact):
    """A slide over a source, with a cache of its own."""

    def __init__(self, source: Source) -> None:
        super().__init__(1, (source.levels[0].width, source.levels[0].height))
        self.source, self.cache = source, TileCache(64 << 20)
        self.levels = source.levels

    def read_level(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        out = np.full((height, width, 3), 255, np.uint8)
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = (min(a + b, self.size[0]) for a, b in ((x, width), (y, height)))
        if x1 > x0 and y1 > y0:
            box = x0, y0, x1 - x0, y1 - y0
            out[y0 - y : y1 - y, x0 - x : x1 - x] = read_cached(
                self.source, "f", level, box, self.cache
            )
        return out


class ByTile(OverSource):
    """The same, which gives its native tiles one by one."""

    def native_tiles(self, level: int) -> NativeTile:
        def read(column: int, row: int, keep: bool) -> RGB:
            place = level, column, row
            return cached_tile(self.source, "f", place, self.cache, keep=keep)

        return read


@pytest.mark.parametrize("kind", [OverSource, ByTile])
def test_threads_decode_every_native_tile_once_though_tiles_overlap(
    kind: type[OverSource],
) -> None:
    source = Counting(1280)
    slide = kind(source)
    grid = grid_over(slide, 100, 100.0, 50.0, 1.0)
    order = coarse_to_fine(grid)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda some: read_tiles(slide, grid, some), np.array_split(order, 40)))
    assert len(source.decoded) == 100 and set(source.decoded.values()) == {1}
