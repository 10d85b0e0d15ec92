"""A native source beside OpenSlide's."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.native.codec import shrink
from napari_lookalike.core.slides.openslide_source import open_openslide
from napari_lookalike.core.slides.source import Source


def native_source(path) -> Source:
    """The source of a slide, which must have passed the check."""
    slide = open_slide(path)
    assert slide.properties()["lookalike.decoder"] == "native tiles"
    return slide._source


def all_tiles(source: Source, level: int):
    """Column, row and tile of every tile of a level."""
    there = source.levels[level]
    for row in range(-(-there.height // there.tile_height)):
        for column in range(-(-there.width // there.tile_width)):
            yield column, row, source.tile(level, column, row)


def assert_same_as_openslide(path, tolerance: float = 0) -> None:
    """Every tile of every level, and regions across tiles, against OpenSlide.

    A level is read from its corner: only there does OpenSlide never interpolate.
    """
    ours, theirs = native_source(path), open_openslide(path)
    assert len(ours.levels) == len(theirs.levels)
    for index, level in enumerate(ours.levels):
        whole = theirs.read(index, 0, 0, level.width, level.height)
        read = ours.read(index, 0, 0, level.width, level.height)
        assert_close(read, whole, tolerance)
        for column, row, tile in all_tiles(ours, index):
            x, y = column * level.tile_width, row * level.tile_height
            expected = whole[y : y + level.tile_height, x : x + level.tile_width]
            assert_close(tile, expected, tolerance)
        x, y = level.width // 3, level.height // 3
        part = ours.read(index, x, y, level.width // 2, level.height // 2)
        assert_close(part, whole[y : y + part.shape[0], x : x + part.shape[1]], tolerance)
    ours.close()
    theirs.close()


def assert_close(ours, theirs, tolerance: float) -> None:
    """Equal, or within a mean of so many grey levels."""
    assert ours.shape == theirs.shape
    assert ours.dtype == np.uint8
    if not tolerance:
        assert np.array_equal(ours, theirs)
    else:
        assert np.abs(ours.astype(int) - theirs).mean() <= tolerance


def assert_reduces(source: Source, level: int, tolerance: float) -> None:
    """Reduced tiles have the rounded-up size and show what the full tile shows."""
    assert source.reductions(level)
    for reduce in source.reductions(level):
        for column, row, full in all_tiles(source, level):
            small = source.tile(level, column, row, reduce)
            expected = shrink(full, reduce)
            assert small.shape == expected.shape
            assert np.abs(small.astype(int) - expected).mean() <= tolerance
