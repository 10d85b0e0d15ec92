"""The threads that make tiles, and in which order.

Every layer has a list of wishes, replaced as a whole whenever its view changes: what the
former view wanted and nobody began is dropped. Tiles that are on the screen come before
tiles that may be next.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Protocol

from napari_lookalike.core.slides.tile_cache import TileKey
from napari_lookalike.core.slides.view_tiles import Made

Place = tuple[int, int, int]
"""(view level, column, row)."""


MOST_THREADS = 8
"""Decoding uses a core each; on a slow disk they wait, and two wait shorter than one."""

CALM_S, CALM_FEW_CORES_S = 0.04, 0.15
"""Nothing is made ahead until a view has stood for so long: drawing it needs the processor."""

MANY_CORES = 4
"""From so many cores on, a view may move within what is drawn while others are made ahead."""


class Customer(Protocol):
    """Who wants tiles."""

    def key(self, place: Place) -> TileKey:
        """The name that equal tiles of all customers share."""

    def lacks(self, place: Place) -> bool:
        """Whether a tile that may be next is worth making."""

    def make(self, place: Place) -> Made:
        """Make a tile; in a thread of the loader. Does not raise."""

    def arrived(self, key: TileKey, made: Made) -> None:
        """A tile was made, by whomever it was wanted; in a thread of the loader."""


class _Wishes:
    """What one customer wants."""

    def __init__(self, customer: Customer) -> None:
        self.customer = weakref.ref(customer)
        self.urgent: deque[Place] = deque()
        self.later: Iterator[Place] | None = None
        self.later_from = 0.0

    def pop(self, customer: Customer, ahead: bool) -> Place | None:
        """The next wish of a kind."""
        if not ahead:
            return self.urgent.popleft() if self.urgent else None
        if self.later is None or time.monotonic() < self.later_from:
            return None
        found = next((place for place in self.later if customer.lacks(place)), None)
        if found is None:
            self.later = None
        return found


class Loader:
    """Makes tiles in threads, which start when the first tile is wanted.

    Parameters
    ----------
    threads
        How many. At most half of them, and at least one, work on what may be next.
    """

    def __init__(self, threads: int) -> None:
        self._threads, self._started = threads, False
        self._most_ahead = max(1, threads // 2)
        few = (os.cpu_count() or 1) < MANY_CORES
        self._calm_s, self._few_cores = CALM_FEW_CORES_S if few else CALM_S, few
        self._pool: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._wishes: list[_Wishes] = []
        self._running: set[TileKey] = set()
        self._looking_ahead = 0
        self._turn = 0
        self._stopped = False

    def want(
        self, customer: Customer, urgent: Iterable[Place], later: Iterable[Place] = ()
    ) -> None:
        """Replace a customer's wishes.

        Parameters
        ----------
        customer
            Whose.
        urgent
            What is on the screen, in the order in which it is made.
        later
            What may be next. Asked one by one when nobody has urgent wishes; must not
            hold the customer alive.
        """
        with self._changed:
            self._start()
            wishes = self._of(customer)
            wishes.urgent, wishes.later = deque(urgent), iter(later)
            wishes.later_from = time.monotonic() + self._calm_s
            self._changed.notify_all()

    def moved(self, customer: Customer) -> None:
        """The view moved within what is drawn: with few cores, drawing it comes first."""
        if self._few_cores:
            with self._changed:
                self._of(customer).later_from = time.monotonic() + self._calm_s

    def forget(self, customer: Customer) -> None:
        """Drop all wishes of a customer."""
        with self._changed:
            self._wishes = [w for w in self._wishes if w.customer() not in (customer, None)]

    @property
    def calm(self) -> bool:
        """Whether nobody waits for anything on the screen."""
        return not any(w.urgent for w in self._wishes)

    def stop(self) -> None:
        """End the threads after the tiles that they are making; nobody is told of those."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._pool:  # files are closed next
            thread.join(1.0)

    def _of(self, customer: Customer) -> _Wishes:
        for wishes in self._wishes:
            if wishes.customer() is customer:
                return wishes
        self._wishes = [w for w in self._wishes if w.customer() is not None]
        self._wishes.append(_Wishes(customer))
        return self._wishes[-1]

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        for _ in range(self._threads):
            thread = threading.Thread(target=self._work, daemon=True, name="tiles")
            self._pool.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                found = self._next()
                while found is None and not self._stopped:
                    self._changed.wait(self._until_later())
                    found = self._next()
                if self._stopped or found is None:
                    return
                customer, place, key, ahead = found
            try:
                made = customer.make(place)
            finally:
                with self._changed:
                    self._running.discard(key)
                    self._looking_ahead -= ahead
            if not self._stopped:
                self._tell(key, made)
            del customer, found, made  # an idle thread keeps no slide open

    def _until_later(self) -> float | None:
        """Seconds until something may be made ahead; ``None`` if nothing is to be."""
        if self._looking_ahead >= self._most_ahead:
            return None
        times = [w.later_from for w in self._wishes if w.later is not None]
        return max(0.001, min(times) - time.monotonic()) if times else None

    def _tell(self, key: TileKey, made: Made) -> None:
        for wishes in tuple(self._wishes):
            customer = wishes.customer()
            if customer is not None:
                customer.arrived(key, made)

    def _next(self) -> tuple[Customer, Place, TileKey, bool] | None:
        """The next tile to make: what is on a screen first, customers in turn."""
        found = self._pick(ahead=False)
        if found is None and self._looking_ahead < self._most_ahead:
            found = self._pick(ahead=True)
        return found

    def _pick(self, ahead: bool) -> tuple[Customer, Place, TileKey, bool] | None:
        self._turn += 1
        for i in range(len(self._wishes)):
            wishes = self._wishes[(self._turn + i) % len(self._wishes)]
            customer = wishes.customer()
            while customer is not None and (place := wishes.pop(customer, ahead)) is not None:
                key = customer.key(place)
                if key in self._running:  # another thread makes it, and will tell
                    continue
                self._running.add(key)
                self._looking_ahead += ahead
                return customer, place, key, ahead
        return None


@cache
def loader() -> Loader:
    """The loader of this process, made when first asked for."""
    made = Loader(min(MOST_THREADS, max(2, os.cpu_count() or 1)))
    atexit.register(made.stop)
    return made
