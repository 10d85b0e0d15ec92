"""Decoded tiles that all windows and layers share, and the threads that decode them."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from napari_lookalike.core.slides.base import RGB

DEFAULT_BYTES = 512 << 20


class TileCache:
    """Least recently used tiles, bounded in bytes. Thread-safe.

    Parameters
    ----------
    limit
        Most bytes of pixels that are kept.
    """

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        self._lock = threading.Lock()
        self._limit, self._bytes = limit, 0
        self._tiles: OrderedDict[Hashable, RGB] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Bytes of pixels that are kept now."""
        return self._bytes

    @property
    def limit(self) -> int:
        """Most bytes of pixels that are kept."""
        return self._limit

    def resize(self, limit: int) -> None:
        """Change the bound, and drop what no longer fits."""
        with self._lock:
            self._limit = limit
            self._shrink()

    def get(self, key: Hashable) -> RGB | None:
        """A tile, if it is kept. Do not write into it."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def put(self, key: Hashable, tile: RGB) -> None:
        """Keep a tile."""
        tile.flags.writeable = False
        with self._lock:
            old = self._tiles.pop(key, None)
            self._bytes += tile.nbytes - (0 if old is None else old.nbytes)
            self._tiles[key] = tile
            self._shrink()

    def clear(self) -> None:
        """Forget all tiles."""
        with self._lock:
            self._tiles.clear()
            self._bytes = 0

    def _shrink(self) -> None:
        while self._bytes > self._limit and self._tiles:
            self._bytes -= self._tiles.popitem(last=False)[1].nbytes

    def __len__(self) -> int:
        return len(self._tiles)


@cache
def tile_cache() -> TileCache:
    """The cache of this process, made when first asked for."""
    return TileCache()


@cache
def decode_pool() -> ThreadPoolExecutor:
    """The threads that decode tiles; decoders release the interpreter's lock."""
    return ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="tiles")
