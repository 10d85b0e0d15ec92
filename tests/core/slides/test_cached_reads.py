from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.cached_reads import cached_tile, read_cached
from napari_lookalike.core.slides.tile_cache import TileCache, tile_cache


class Counting:
    """A source that counts the tiles that it decodes."""

    def __init__(self, source):
        self._source, self.tiles, self.reads = source, [], 0
        self.levels, self.backend, self.tiled = source.levels, source.backend, source.tiled

    def tile(self, level, column, row, reduce=1):
        self.tiles.append((level, column, row))
        return self._source.tile(level, column, row, reduce)

    def read(self, level, x, y, width, height):
        self.reads += 1
        return self._source.read(level, x, y, width, height)


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    path = tmp_path_factory.mktemp("cached") / "a.tiff"
    with open_slide(write_pyramid(path, [texture(1001, 777)], compression="zlib")) as slide:
        yield slide


@given(
    st.tuples(st.integers(0, 1000), st.integers(1, 700)),
    st.tuples(st.integers(0, 776), st.integers(1, 600)),
)
@settings(max_examples=40, deadline=None)
def test_it_is_what_the_file_has(slide, xs, ys):
    x, y = xs[0], ys[0]
    width, height = min(xs[1], 1001 - x), min(ys[1], 777 - y)
    got = read_cached(slide._source, "f", 0, (x, y, width, height), TileCache())
    assert np.array_equal(got, texture(1001, 777)[y : y + height, x : x + width])


def test_each_tile_is_decoded_once(slide):
    source, cache = Counting(slide._source), TileCache()
    for y in range(0, 700, 100):
        for x in range(0, 900, 100):
            read_cached(source, "f", 0, (x, y, 77, 77), cache)
    assert len(source.tiles) == len(set(source.tiles)) == 12
    assert source.reads == 0


def kept_of(slide):
    """Names of its tiles in the cache that all slides share: another's thread may use it too."""
    return [kept for kept in list(tile_cache()._tiles) if kept.slide == slide.fingerprint]


def test_reads_of_the_slide_and_of_its_views_share_tiles(slide):
    tile_cache().clear()
    slide.read_level(0, 300, 300, 10, 10)
    [kept] = kept_of(slide)
    assert (kept.slide, kept.level, kept.reduce, kept.column, kept.row) == (
        slide.fingerprint,
        0,
        1,
        1,
        1,
    )


def test_strips_are_read_as_they_are(tmp_path):
    import tifffile

    path = tmp_path / "a.tif"
    tifffile.imwrite(path, texture(900, 700), rowsperstrip=16, photometric="rgb", metadata=None)
    with open_slide(path) as slide:
        source, cache = Counting(slide._source), TileCache()
        got = read_cached(source, "f", 0, (100, 50, 300, 200), cache)
        assert (len(cache), source.reads, source.tiles) == (0, 1, [])
        assert np.array_equal(got, texture(900, 700)[50:250, 100:400])


def test_a_tile_that_nobody_needs_again_is_not_kept(slide):
    source, cache = Counting(slide._source), TileCache()
    once = cached_tile(source, "f", (0, 1, 2), cache, keep=False)
    assert len(cache) == 0 and once.flags.writeable
    kept = cached_tile(source, "f", (0, 1, 2), cache)
    assert np.array_equal(once, kept) and len(cache) == 1 and source.tiles == [(0, 1, 2)] * 2
    assert cached_tile(source, "f", (0, 1, 2), cache, keep=False) is kept, "it is there"


def test_native_tiles_of_a_slide(slide):
    tile_cache().clear()
    read = slide.native_tiles(0)
    there = slide.levels[0]
    width, height = there.tile_width, there.tile_height
    assert np.array_equal(
        read(1, 1, True), texture(1001, 777)[height : 2 * height, width:][:, :width]
    )
    assert len(kept_of(slide)) == 1
    read(0, 0, False)
    assert len(kept_of(slide)) == 1


def test_levels_that_are_not_kept_by_the_tile_have_none(tmp_path):
    import tifffile

    path = tmp_path / "a.tif"
    tifffile.imwrite(path, texture(1900, 1300), rowsperstrip=16, photometric="rgb", metadata=None)
    with open_slide(path) as slide:
        assert slide.levels[-1].synthetic
        assert [slide.native_tiles(i) for i in range(len(slide.levels))] == [None] * len(
            slide.levels
        )


def test_native_tiles_of_a_slide_that_was_closed(tmp_path):
    with open_slide(write_pyramid(tmp_path / "a.tiff", [texture(600, 500)])) as slide:
        read = slide.native_tiles(0)
    with pytest.raises(RegionError, match="closed while it was read"):
        read(0, 0, True)
