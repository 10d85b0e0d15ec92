"""Rectangles of a level put together from tiles that the shared cache keeps.

The embedding reads tiles of another size than the file's, often overlapping: without a
cache a native tile is decoded up to four times, and once more for the canvas.
"""

from __future__ import annotations

import threading
from typing import Final

import numpy as np

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.source import Source
from napari_lookalike.core.slides.tile_cache import TileCache, TileKey
from napari_lookalike.core.slides.view_levels import of_file

_DECODING: Final = tuple(threading.Lock() for _ in range(64))
"""A tile is decoded under one of them, so that two threads don't decode the same one."""


def read_cached(
    source: Source,
    fingerprint: str,
    level: int,
    box: tuple[int, int, int, int],
    cache: TileCache,
) -> RGB:
    """Pixels of a rectangle that lies inside a level of the file.

    Parameters
    ----------
    source
        What the slide is read with.
    fingerprint
        The slide's content id.
    level
        Index into its levels.
    box
        (x, y, width, height) in pixels of that level.
    cache
        Where native tiles are kept.

    Raises
    ------
    CannotRead
        If a tile under it cannot be decoded.
    """
    x, y, width, height = box
    there = source.levels[level]
    if not keeps_tiles(source, level):
        return source.read(level, x, y, width, height)
    out = np.empty((height, width, 3), np.uint8)
    tile_w, tile_h = there.tile_width, there.tile_height
    for row in range(y // tile_h, (y + height - 1) // tile_h + 1):
        top, bottom = max(y, row * tile_h), min(y + height, (row + 1) * tile_h)
        for column in range(x // tile_w, (x + width - 1) // tile_w + 1):
            left, right = max(x, column * tile_w), min(x + width, (column + 1) * tile_w)
            tile = cached_tile(source, fingerprint, (level, column, row), cache)
            rows = slice(top - row * tile_h, bottom - row * tile_h)
            columns = slice(left - column * tile_w, right - column * tile_w)
            out[top - y : bottom - y, left - x : right - x] = tile[rows, columns]
    return out


def cached_tile(
    source: Source,
    fingerprint: str,
    place: tuple[int, int, int],
    cache: TileCache,
    *,
    keep: bool = True,
) -> RGB:
    """One native tile of a level of the file. Do not write into it.

    Parameters
    ----------
    source, fingerprint, cache
        As for `read_cached`.
    place
        Level, column and row.
    keep
        Whether it will be asked for again. If not, it is not put into the cache: its memory
        serves for the next one, which costs less than decoding into new memory, and tiles
        that are needed again stay.

    Raises
    ------
    CannotRead
        If it cannot be decoded.
    """
    level, column, row = place
    key = TileKey(fingerprint, source.backend, level, 1, column, row)
    tile = cache.get(key)
    if tile is not None:
        return tile
    return _decoded(source, key, cache) if keep else source.tile(level, column, row)


def keeps_tiles(source: Source, level: int) -> bool:
    """Whether native tiles of a level are had, and kept, one by one."""
    return source.tiled and of_file(source.levels[level])


def _decoded(source: Source, key: TileKey, cache: TileCache) -> RGB:
    with _DECODING[hash(key) % len(_DECODING)]:
        tile = cache.get(key)  # another thread may have been quicker
        if tile is None:
            tile = source.tile(key.level, key.column, key.row)
            cache.put(key, tile)
        return tile
