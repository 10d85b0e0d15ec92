"""Tiles that somebody waits for, whatever the screen shows meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.loader import Place
from napari_lookalike.core.slides.tile_cache import TileKey
from napari_lookalike.core.slides.view_tiles import Made


class Batch:
    """A customer of the loader who wants some tiles once, and waits.

    Parameters
    ----------
    places
        Which tiles.
    key, make
        As those of the source that they belong to.
    note
        Told of every tile with its key.
    """

    def __init__(
        self,
        places: Iterable[Place],
        key: Callable[[Place], TileKey],
        make: Callable[[Place], Made],
        note: Callable[[TileKey, Made], None],
    ) -> None:
        self.key, self.make, self._note = key, make, note
        self._missing = {key(place): place for place in places}
        self._found: dict[Place, RGB] = {}
        self._changed = threading.Condition()

    def wait(self) -> dict[Place, RGB]:
        """All of them."""
        with self._changed:
            while self._missing:
                self._changed.wait()
        return self._found

    def lacks(self, place: Place) -> bool:
        """See `loader.Customer`: it looks ahead to nothing."""
        return False

    def arrived(self, key: TileKey, made: Made) -> None:
        """See `loader.Customer`."""
        with self._changed:
            wanted = key in self._missing
        if wanted:  # first: who waits may ask at once what is damaged
            self._note(key, made)
        with self._changed:
            place = self._missing.pop(key, None)
            if place is not None:
                self._found[place] = made.pixels
            if not self._missing:
                self._changed.notify_all()
