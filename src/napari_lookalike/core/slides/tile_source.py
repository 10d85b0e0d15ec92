"""What one layer shows of a slide, and what it waits for."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from napari_lookalike.core.errors import RegionError
from napari_lookalike.core.slides.base import RGB, Slide
from napari_lookalike.core.slides.batch import Batch
from napari_lookalike.core.slides.colour import ToSrgb
from napari_lookalike.core.slides.loader import Loader, Place, loader
from napari_lookalike.core.slides.prefetch import Box, look_ahead, next_view, places_in
from napari_lookalike.core.slides.stand_in import stand_in
from napari_lookalike.core.slides.tile_cache import TileCache, TileKey, tile_cache
from napari_lookalike.core.slides.view_levels import ViewLevel, view_levels
from napari_lookalike.core.slides.view_tiles import Made, ViewTiles

AHEAD_SHARE = 4
"""Tiles that may be next fill at most one part in so many of the cache at a time."""

SOON, SOON_ZOOMING = 16, 64
"""Tiles of the next view that are made at once while the view moves, or zooms (all of them
are new then): some milliseconds."""

RETRY_S = 10.0
"""A tile that could not be read is tried again when it is looked at after so long: a
network drive may be back."""

_TELL_EVERY_S = 0.15


class TileSource:
    """The engine's handle of one layer. Thread-safe.

    Parameters
    ----------
    slide
        The open slide; it must stay open as long as the layer lives.
    on_error
        Called once, from a thread of the loader, with the first error.
    cache, threads
        By default those that all layers share.
    patience_s
        Longest wait of a view for tiles that are nearly there, in seconds: less than a
        frame of the screen, so that most views are drawn once and not twice.

    Attributes
    ----------
    slide
        The open slide.
    levels
        View levels, from full size to coarse.
    thumbnail_lacks
        Whether the last thumbnail was not whole.
    on_screen
        Whether a box of a view level is what a window shows now. Such reads are answered
        at once; all others (another plugin, a script) wait for exact pixels. ``None``:
        there is no window.
    """

    def __init__(
        self,
        slide: Slide,
        *,
        on_error: Callable[[RegionError], None] | None = None,
        cache: TileCache | None = None,
        threads: Loader | None = None,
        patience_s: float = 0.015,
    ) -> None:
        self.slide = slide
        self.levels: tuple[ViewLevel, ...] = view_levels(slide.levels)
        self.on_screen: Callable[[int, Box], bool] | None = None
        self.thumbnail_lacks = False
        self._patience_s = patience_s
        self._cache = tile_cache() if cache is None else cache
        self._loader = loader() if threads is None else threads
        self._tiles = ViewTiles(slide, self._cache)
        self._on_error, self._told_error = on_error, False
        self._lock = threading.Lock()
        self._whole = threading.Condition(self._lock)
        self._view: tuple[int, Box] | None = None
        self._before: tuple[int, Box] | None = None
        self._shown: dict[Place, RGB] = {}
        self._missing: dict[TileKey, Place] = {}
        self._damaged: dict[TileKey, tuple[RGB, float]] = {}
        self._coarse_missing: set[TileKey] = set()
        self._lacking = self._prepared = self._closed = self._waiting = False
        self._told = 0.0
        self._listeners: list[Callable[[], None]] = []
        self._cache.hold(slide.fingerprint)

    # -- what the layer needs ----------------------------------------------------------

    @property
    def idle(self) -> bool:
        """False from the moment a view needs a tile that it lacks until it was shown whole."""
        return not self._lacking

    @property
    def colour_managed(self) -> bool:
        """Whether colours are turned from the slide's profile into sRGB."""
        return self._tiles.colour_managed

    @property
    def damaged(self) -> int:
        """Number of tiles that could not be decoded so far."""
        return len(self._damaged)

    def listen(self, on_more: Callable[[], None]) -> None:
        """Call ``on_more`` (from any thread) whenever there is better to show."""
        self._listeners.append(on_more)

    def set_colour_managed(self, wanted: bool) -> bool:
        """Show calibrated colours (sRGB by the embedded ICC profile), or those of the file.

        Returns
        -------
        bool
            Whether the colours are managed now: a slide without a usable profile stays
            as it is.
        """
        profile = self.slide.icc_profile() if wanted else None
        try:
            to_srgb = None if profile is None else ToSrgb(profile)
        except ValueError:
            to_srgb = None
        with self._lock:
            if (to_srgb is not None) == self.colour_managed:
                return self.colour_managed
            self._tiles = ViewTiles(self.slide, self._cache, to_srgb)
            self._shown, self._missing = {}, {}
            self._lacking = self._view is not None
            self.thumbnail_lacks = True
            self._coarse_missing = {self.key(place) for place in self._coarsest()}
        self._tell()
        return to_srgb is not None

    def moved(self) -> None:
        """The camera moved, whether or not that needs other tiles."""
        self._loader.moved(self)

    def hidden(self) -> None:
        """The layer shows nothing now: nothing is waited for."""
        with self._lock:
            self._view, self._lacking = None, False
            self._missing = {}
        self._loader.forget(self)

    def close(self) -> None:
        """Stop asking for tiles; may be called again. The slide is closed by its owner."""
        with self._lock:
            closed, self._closed = self._closed, True
            self._lacking, self._missing, self._shown = False, {}, {}
            self._listeners.clear()
            self._whole.notify_all()
        self._loader.forget(self)
        if not closed:
            self._cache.let_go(self.slide.fingerprint)

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self._closed = True
            self._cache.let_go(self.slide.fingerprint)

    # -- reading -----------------------------------------------------------------------

    def view(self, index: int, box: Box) -> dict[Place, RGB]:
        """Tiles for what is on the screen, at once: what lacks is stood in for and made.

        Parameters
        ----------
        index
            View level.
        box
            (x, y, width, height) in its pixels.

        Returns
        -------
        dict
            Tile by place (view level, column, row), each clipped to the level.
        """
        places = places_in(self.levels, index, box)
        waits = self._tiles.waits(self.levels[index])
        with self._lock:
            new = (index, box) != self._view
            if new:
                self._before, self._view = self._view, (index, box)
            found = self._found(places)
            lacking = [place for place in places if place not in found]
            self._missing = {} if waits else {self.key(place): place for place in lacking}
            self._shown, self._waiting = found, True
        if waits:
            self._prepare()
        urgent = [] if waits else [*lacking, *self._soon(index, box)]
        self._loader.want(self, urgent, self._ahead(index, box))
        found = self._wait(self._patience_s if new else 0.0, len(places))
        if index == len(self.levels) - 1:
            self.thumbnail_lacks = len(found) < len(self._coarsest())
        for place in places:
            if place not in found:
                found[place] = self._stand_in(place, waits)
        return found

    def read(self, index: int, box: Box) -> dict[Place, RGB]:
        """Tiles for an array that must be exact: waits for all of them, made in parallel."""
        places = places_in(self.levels, index, box)
        with self._lock:
            found = self._found(places)
        lacking = [place for place in places if place not in found]
        if len(lacking) == 1:
            made = self.make(lacking[0])
            self._note(self.key(lacking[0]), made)
            return {**found, lacking[0]: made.pixels}
        batch = Batch(lacking, self.key, self.make, self._note)
        self._loader.want(batch, lacking)
        return {**found, **batch.wait()}

    def thumbnail(self) -> dict[Place, RGB]:
        """Tiles of the coarsest view level, at once; stood in for where they lack."""
        places = self._coarsest()
        waits = self._tiles.waits(self.levels[-1])
        if waits:
            self._prepare()
        with self._lock:
            found = self._found(places)
            lacking = [place for place in places if place not in found]
            self._coarse_missing = set() if waits else {self.key(p) for p in lacking}
            self.thumbnail_lacks = bool(lacking)
        for place in lacking:
            found[place] = self._stand_in(place, waits)
        return found

    @property
    def thumbnail_ready(self) -> bool:
        """Whether the coarsest level can be had at once."""
        if self._tiles.waits(self.levels[-1]):
            return False
        return all(self.key(p) in self._cache for p in self._coarsest())

    def _coarsest(self) -> list[Place]:
        index = len(self.levels) - 1
        view = self.levels[index]
        return places_in(self.levels, index, (0, 0, view.width, view.height))

    def warm(self, screen_px: tuple[int, int] | None = None) -> None:
        """Make the coarsest level's tiles, and the first view's, and wait for them.

        Parameters
        ----------
        screen_px
            (width, height) of the screen that the whole slide will fill. ``None``: only
            the coarsest level, which takes milliseconds.
        """
        wanted = {len(self.levels) - 1}
        if screen_px is not None:
            full = self.levels[0]
            zoom = min(screen_px[0] / full.width, screen_px[1] / full.height)
            fitting = [i for i, v in enumerate(self.levels) if v.width >= full.width * zoom]
            wanted.add(max(fitting, default=0))
        for index in wanted:
            view = self.levels[index]
            if self._tiles.waits(view):
                self._prepare()
            elif self.slide.is_ready(view.base):
                self.read(index, (0, 0, view.width, view.height))

    def _found(self, places: Iterable[Place]) -> dict[Place, RGB]:
        """Tiles that are there: on the screen, in the cache, or known to be damaged."""
        now, found = time.monotonic(), {}
        for place in places:
            key = self.key(place)
            tile = self._cache.get(key)
            if tile is None:
                damaged = self._damaged.get(key)
                if damaged is not None and now - damaged[1] < RETRY_S:
                    tile = damaged[0]
                elif place in self._shown and damaged is None:
                    tile = self._shown[place]
            if tile is not None:
                found[place] = tile
        return found

    def _wait(self, patience_s: float, wanted: int) -> dict[Place, RGB]:
        """What is there when all is, or when patience ends."""
        until = time.monotonic() + patience_s
        with self._whole:
            while self._missing and (left := until - time.monotonic()) > 0:
                self._whole.wait(left)
            self._waiting = False
            self._lacking = len(self._shown) < wanted
            return dict(self._shown)

    def _stand_in(self, place: Place, waits: bool) -> RGB:
        view = self.levels[place[0]]
        if waits:
            return self._tiles.peek(view, *place[1:])
        with self._lock:
            damaged = self._damaged.get(self.key(place))
        if damaged is not None:  # it is being tried again
            return damaged[0]
        return stand_in(self.levels, place, lambda p: self._cache.get(self.key(p)))

    def _soon(self, index: int, box: Box) -> list[Place]:
        """The few tiles that a view in motion needs next: made at once, after its own."""
        further = next_view(self.levels, index, box, self._before)
        zooming = self._before is not None and self._before[0] != index
        most = SOON_ZOOMING if zooming else SOON
        return [place for place in further if self.lacks(place)][:most]

    def _ahead(self, index: int, box: Box) -> Iterator[Place]:
        """What may be next, the likeliest first; holds no reference to the source."""
        one = self.levels[index].tile_width * self.levels[index].tile_height * 3
        many = self._cache.limit // AHEAD_SHARE // one
        coarsest = () if self._tiles.waits(self.levels[-1]) else self._coarsest()
        likely = look_ahead(self.levels, index, box, self._before)
        return islice(chain(coarsest, likely), many)

    def lacks(self, place: Place) -> bool:
        """See `loader.Customer`."""
        key = self.key(place)
        waits = self._tiles.waits(self.levels[place[0]])
        return not waits and key not in self._cache and key not in self._damaged

    def _prepare(self) -> None:
        """Have the slide make its synthetic levels, once."""
        with self._lock:
            asked, self._prepared = self._prepared, True
        if not asked:
            self.slide.prepare(_weakly(self))

    # -- what the loader calls ---------------------------------------------------------

    def key(self, place: Place) -> TileKey:
        """See `loader.Customer`."""
        return self._tiles.key(self.levels[place[0]], place[1], place[2])

    def make(self, place: Place) -> Made:
        """See `loader.Customer`."""
        return self._tiles.make(self.levels[place[0]], place[1], place[2])

    def arrived(self, key: TileKey, made: Made) -> None:
        """See `loader.Customer`."""
        self._note(key, made)
        with self._whole:
            coarse = key in self._coarse_missing
            self._coarse_missing.discard(key)
            place = self._missing.pop(key, None)
            if place is not None:
                self._shown[place] = made.pixels
            if self._waiting and not self._missing:
                self._whole.notify_all()
            tell = self._worth_telling(place is not None, coarse)
        if tell:
            self._tell()

    def _worth_telling(self, of_view: bool, coarse: bool) -> bool:
        """Whether the layer should be drawn again: when all is there, or after a while."""
        if coarse and not self._coarse_missing:
            return True
        if not of_view or self._waiting:
            return False
        now = time.monotonic()
        if self._missing and now - self._told < _TELL_EVERY_S:
            return False
        self._told = now
        return True

    def _note(self, key: TileKey, made: Made) -> None:
        """Remember a damaged tile, and tell of the first."""
        with self._lock:
            if made.error is None:
                self._damaged.pop(key, None)
                return
            self._damaged[key] = made.pixels, time.monotonic()
            first, self._told_error = not self._told_error, True
            closed = self._closed
        if first and not closed and self._on_error is not None:
            self._on_error(made.error)

    def _tell(self) -> None:
        for on_more in tuple(self._listeners):
            on_more()


def _weakly(source: TileSource) -> Callable[[], None]:
    """Tells a source that there is more, without keeping it alive."""
    reference = weakref.ref(source)

    def more() -> None:
        alive = reference()
        if alive is not None:
            alive._tell()

    return more
