"""Decoded tiles that all open slides, their layers and the embedding share."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from functools import cache
from typing import NamedTuple

from napari_lookalike.core.slides.base import RGB

DEFAULT_BYTES = 512 << 20

PINNED_SHARE = 4
"""Pinned tiles take at most one part in so many of the cache."""


class TileKey(NamedTuple):
    """What a decoded tile is a tile of.

    Parameters
    ----------
    slide
        Fingerprint of the slide's content.
    reader
        What decoded it: two readers need not agree in every pixel.
    level
        Index into `Slide.levels`.
    reduce
        How much smaller than the level it is, in both axes.
    column, row
        Which tile of that grid.
    colour
        Colours as in the file (empty), or what they were turned into.
    """

    slide: str
    reader: str
    level: int
    reduce: int
    column: int
    row: int
    colour: str = ""


class TileCache:
    """Least recently used tiles, bounded in bytes. Thread-safe.

    Tiles of coarse levels can be pinned: they stand in for all that is not decoded yet,
    so they stay as long as somebody shows their slide (`hold`).

    Parameters
    ----------
    limit
        Most bytes of pixels that are kept.
    """

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        self._lock = threading.Lock()
        self._limit, self._bytes, self._pinned_bytes = limit, 0, 0
        self._tiles: OrderedDict[TileKey, RGB] = OrderedDict()
        self._pinned: dict[TileKey, RGB] = {}
        self._holders: Counter[str] = Counter()
        self._leaving: deque[str] = deque()

    @property
    def nbytes(self) -> int:
        """Bytes of pixels that are kept now."""
        return self._bytes + self._pinned_bytes

    @property
    def limit(self) -> int:
        """Most bytes of pixels that are kept."""
        return self._limit

    def resize(self, limit: int) -> None:
        """Change the bound, and drop what no longer fits."""
        with self._lock:
            self._limit = limit
            self._release()
            self._shrink()

    def get(self, key: TileKey) -> RGB | None:
        """A tile, if it is kept. Do not write into it."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is None:
                return self._pinned.get(key)
            self._tiles.move_to_end(key)
            return tile

    def __contains__(self, key: TileKey) -> bool:
        """Whether a tile is kept; asking does not make it younger."""
        return key in self._tiles or key in self._pinned

    def put(self, key: TileKey, tile: RGB, *, pin: bool = False) -> None:
        """Keep a tile.

        Parameters
        ----------
        key
            Its name.
        tile
            Its pixels; they become read-only.
        pin
            Keep it while its slide is held, if there is room for pinned tiles.
        """
        tile.flags.writeable = False
        with self._lock:
            self._release()
            self._drop(key)
            room = self._pinned_bytes + tile.nbytes <= self._limit // PINNED_SHARE
            if pin and room and self._holders[key.slide]:
                self._pinned[key] = tile
                self._pinned_bytes += tile.nbytes
            else:
                self._tiles[key] = tile
                self._bytes += tile.nbytes
            self._shrink()

    def hold(self, slide: str) -> None:
        """Somebody shows this slide: its pinned tiles stay."""
        with self._lock:
            self._release()
            self._holders[slide] += 1

    def let_go(self, slide: str) -> None:
        """The opposite of `hold`; when nobody is left, its tiles are as any others.

        Takes no lock, so that it may be called while Python collects garbage; it has its
        effect with the next tile.
        """
        self._leaving.append(slide)

    def _release(self) -> None:
        while self._leaving:
            slide = self._leaving.popleft()
            self._holders[slide] -= 1
            if self._holders[slide] > 0:
                continue
            del self._holders[slide]
            for key in [k for k in self._pinned if k.slide == slide]:
                tile = self._pinned.pop(key)
                self._pinned_bytes -= tile.nbytes
                self._tiles[key] = tile
                self._bytes += tile.nbytes

    def clear(self) -> None:
        """Forget all tiles."""
        with self._lock:
            self._tiles.clear()
            self._pinned.clear()
            self._bytes = self._pinned_bytes = 0

    def _drop(self, key: TileKey) -> None:
        old = self._tiles.pop(key, None)
        if old is not None:
            self._bytes -= old.nbytes
        old = self._pinned.pop(key, None)
        if old is not None:
            self._pinned_bytes -= old.nbytes

    def _shrink(self) -> None:
        while self.nbytes > self._limit and self._tiles:
            self._bytes -= self._tiles.popitem(last=False)[1].nbytes
        while self.nbytes > self._limit and self._pinned:  # the limit was lowered
            self._drop(next(iter(self._pinned)))

    def __len__(self) -> int:
        return len(self._tiles) + len(self._pinned)


@cache
def tile_cache() -> TileCache:
    """The cache of this process, made when first asked for."""
    return TileCache()
