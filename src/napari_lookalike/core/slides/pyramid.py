"""One level of a slide as the array that napari reads from."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides.base import RGB, Level, Slide
from napari_lookalike.core.slides.indexing import (
    Key,
    as_slices,
    chunk_edge,
    positions_of,
    three_parts,
    tile_spans,
)
from napari_lookalike.core.slides.tile_cache import TileCache, decode_pool, tile_cache

MAX_ARRAY_PX = 1 << 24
"""A level with more pixels than this is not turned into an array as a whole."""

_TELL_EVERY_S = 0.3
_Place = tuple[int, int]


class LevelArray:
    """A level as a lazy uint8 array (height, width, 3), read tile by tile.

    Decoded tiles are kept in a cache that all levels of all slides share. Reading never
    raises: a tile that cannot be decoded is shown hatched, and told once.

    Parameters
    ----------
    slide
        The open slide.
    level
        Index into its levels.
    budget_s
        Longest time that one read may take, in seconds. What is not decoded by then is
        stood in for by the coarsest level, decoded in the background and announced to
        the listeners. ``None``: reads wait for all of their tiles.
    on_error
        Called once, with the first error; from whatever thread decodes.
    cache
        Where decoded tiles are kept; by default the one that all share.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(
        self,
        slide: Slide,
        level: int,
        *,
        budget_s: float | None = None,
        on_error: Callable[[RegionError], None] | None = None,
        cache: TileCache | None = None,
    ) -> None:
        self.slide, self.level = slide, level
        self._info = slide.levels[level]
        self._tile = chunk_edge(self._info.tile_width), chunk_edge(self._info.tile_height)
        self._budget, self._on_error = budget_s, on_error
        self._cache = tile_cache() if cache is None else cache
        self._lock = threading.Lock()
        self._failed: set[_Place] = set()
        self._pending: dict[_Place, Future[RGB]] = {}
        self._listeners: list[Callable[[], None]] = []
        self._asked = False
        self._told = 0.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, 3)."""
        return self._info.height, self._info.width, 3

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._info.height * self._info.width * 3

    @property
    def chunks(self) -> tuple[int, int, int]:
        """Shape of the pieces that are read at once, as zarr gives it."""
        return self._tile[1], self._tile[0], 3

    @property
    def complete(self) -> bool:
        """Whether nothing that was read is still being made in the background."""
        with self._lock:
            return not self._pending and self.slide.is_ready(self.level)

    def listen(self, on_ready: Callable[[], None]) -> None:
        """Call ``on_ready`` (from any thread) whenever there is better to read."""
        self._listeners.append(on_ready)

    def __repr__(self) -> str:
        return f"LevelArray({self.slide.name}, level {self.level}, shape {self.shape})"

    def __len__(self) -> int:
        return self._info.height

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self._info.height * self._info.width > MAX_ARRAY_PX:
            raise ValueError(
                f"Level {self.level} of slide {self.slide.name} is too large to be read as a"
                " whole. Read a part of it, or use a coarser level."
            )
        pixels = self[:, :]
        return pixels if dtype is None else pixels.astype(dtype)

    def __getitem__(self, key: Key | tuple[Key, ...]) -> NDArray[np.uint8]:
        """Read with integers and slices, as from a numpy array."""
        rows, columns, channels = three_parts(key)
        ys, drop_y = positions_of(rows, self.shape[0])
        xs, drop_x = positions_of(columns, self.shape[1])
        out = np.empty((len(ys), len(xs), 3), np.uint8)
        spans_y, spans_x = tile_spans(ys, self._tile[1]), tile_spans(xs, self._tile[0])
        tiles = self._tiles([(ty, tx) for ty, _ in spans_y for tx, _ in spans_x])
        for ty, at_y in spans_y:
            for tx, at_x in spans_x:
                inside = (ys[at_y] - ty * self._tile[1])[:, None], xs[at_x] - tx * self._tile[0]
                out[at_y, at_x] = tiles[ty, tx][as_slices(*inside)]
        return out[(0 if drop_y else slice(None)), (0 if drop_x else slice(None)), channels]

    def _tiles(self, places: list[_Place]) -> dict[_Place, RGB]:
        """The tiles at those places, or what stands in for them."""
        found: dict[_Place, RGB] = {}
        self._take_back(places)
        if not self.slide.is_ready(self.level):
            self._ask()
            return {place: self._peek(place) for place in places}
        missing = []
        for place in places:
            tile = self._hatched(place) if place in self._failed else self._cached(place)
            if tile is None:
                missing.append(place)
            else:
                found[place] = tile
        if len(missing) == 1 and self._budget is None:
            found[missing[0]] = self._decode(missing[0])
        elif missing:
            found.update(self._decode_many(missing))
        return found

    def _decode_many(self, places: list[_Place]) -> dict[_Place, RGB]:
        """Decode in parallel, as long as the budget lasts."""
        futures = self._submit(places)
        done, _ = wait(futures.values(), timeout=self._budget)
        tiles = {p: f.result() for p, f in futures.items() if f in done and not f.cancelled()}
        late = [place for place in places if place not in tiles]
        with self._lock:
            self._pending |= {p: futures[p] for p in late if not futures[p].done()}
        for place in late:
            tile = self._cached(place)
            tiles[place] = self._stand_in(place) if tile is None else tile
            futures[place].add_done_callback(self._arrived(place))
        return tiles

    def _take_back(self, places: list[_Place]) -> None:
        """Do not decode what the view has left before its turn came."""
        with self._lock:
            for place in set(self._pending).difference(places):
                if self._pending[place].cancel():
                    del self._pending[place]

    def _submit(self, places: list[_Place]) -> dict[_Place, Future[RGB]]:
        """Tasks for tiles, also for those that are under way already."""
        with self._lock:
            running = {p: f for p, f in self._pending.items() if p in places}
        pool = decode_pool()
        return {p: running.get(p) or pool.submit(self._decode, p) for p in places}

    def _arrived(self, place: _Place) -> Callable[[Future[RGB]], None]:
        """A callback that holds no array: layers that are gone need no refresh."""
        me = weakref.ref(self)

        def tell(future: Future[RGB]) -> None:
            array = me()
            if array is not None and not future.cancelled():
                array._one_less(place)

        return tell

    def _one_less(self, place: _Place) -> None:
        now = time.monotonic()
        with self._lock:
            self._pending.pop(place, None)
            if self._pending and now - self._told < _TELL_EVERY_S:
                return
            self._told = now
        self._tell()

    def _tell(self) -> None:
        for on_ready in tuple(self._listeners):
            on_ready()

    def _ask(self) -> None:
        """Have the slide make its synthetic levels, once."""
        with self._lock:
            asked, self._asked = self._asked, True
        if asked:
            return
        me = weakref.ref(self)

        def more() -> None:
            array = me()
            if array is not None:
                array._tell()

        self.slide.prepare(more)

    def _id(self, place: _Place) -> tuple[str, str, int, _Place]:
        return self.slide.fingerprint, self.slide.backend, self.level, place

    def _cached(self, place: _Place) -> RGB | None:
        return self._cache.get(self._id(place))

    def _decode(self, place: _Place) -> RGB:
        try:
            tile = self.slide.read_level(self.level, *self._box(place))
        except RegionError as error:
            return self._fail(place, error)
        self._cache.put(self._id(place), tile)
        return tile

    def _fail(self, place: _Place, error: RegionError) -> RGB:
        with self._lock:
            first = not self._failed
            self._failed.add(place)
        if first and self._on_error is not None:
            self._on_error(error)
        return self._hatched(place)

    def _peek(self, place: _Place) -> RGB:
        try:
            return self.slide.peek_level(self.level, *self._box(place))
        except RegionError as error:
            return self._fail(place, error)

    def _box(self, place: _Place) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a tile; smaller at the right and lower edges."""
        width, height = self._tile
        x, y = place[1] * width, place[0] * height
        return x, y, min(width, self._info.width - x), min(height, self._info.height - y)

    def _hatched(self, place: _Place) -> RGB:
        """Grey stripes: this part cannot be read."""
        _, _, width, height = self._box(place)
        stripes = (np.add.outer(np.arange(height), np.arange(width)) // 12) % 2
        return np.repeat(np.where(stripes, 200, 150).astype(np.uint8)[..., None], 3, axis=-1)

    def _stand_in(self, place: _Place) -> RGB:
        """The coarsest level, enlarged to a tile."""
        x, y, width, height = self._box(place)
        coarse, last = self._coarsest()
        factor_x, factor_y = (
            self._info.downsample_x / last.downsample_x,
            self._info.downsample_y / last.downsample_y,
        )
        columns = np.minimum(((x + np.arange(width) + 0.5) * factor_x).astype(int), last.width - 1)
        rows = np.minimum(((y + np.arange(height) + 0.5) * factor_y).astype(int), last.height - 1)
        few = coarse[rows[0] : rows[-1] + 1].take(columns, axis=1)
        return np.asarray(few.take(rows - rows[0], axis=0), np.uint8)

    def _coarsest(self) -> tuple[RGB, Level]:
        index = len(self.slide.levels) - 1
        last = self.slide.levels[index]
        key = (self.slide.fingerprint, self.slide.backend, "coarsest")
        kept = self._cache.get(key)
        if kept is None:
            try:
                kept = self.slide.peek_level(index, 0, 0, last.width, last.height)
            except RegionError:
                kept = np.full((last.height, last.width, 3), 236, np.uint8)
            if self.slide.is_ready(index):
                self._cache.put(key, kept)
        return kept, last
