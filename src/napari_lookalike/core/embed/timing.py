"""Where the time goes, and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_WINDOW_S: Final = 10.0
_FIRST_S: Final = 1.0
"""Before so long a rate is not told: the first batches warm up."""


@dataclass
class Timing:
    """Seconds of the stages of embedding; filled in while it runs.

    Parameters
    ----------
    tiles
        Tiles encoded.
    seconds
        From the first tile asked for to the last vector.
    reading
        Spent by readers, summed over threads.
    waiting
        That the encoder's thread waited for tiles.
    encoding
        All else of the encoder's thread: encoding, and copying to and from a device.
    writing
        That parts took to be written (beside the others).
    first_part_s
        From the first tile asked for to the first part on the disk; 0 if there is none.
    batch
        Tiles of the largest batch.
    """

    tiles: int = 0
    seconds: float = 0.0
    reading: float = 0.0
    waiting: float = 0.0
    encoding: float = 0.0
    writing: float = 0.0
    first_part_s: float = 0.0
    batch: int = 0


class Rate:
    """Tiles per second over the last ten seconds, and the time that is left.

    Parameters
    ----------
    clock
        Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque([(clock(), 0)])

    def note(self, done: int) -> None:
        """So many tiles are done now (in this run)."""
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW_S:
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        """Tiles per second; 0 while it is too early to tell."""
        (start, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - start) if now - start >= _FIRST_S else 0.0

    def text(self, done: int, total: int) -> str:
        """Progress as a sentence: "4,200 of 10,000 tiles, 118 tiles/s, 2 min left"."""
        said = f"{done:,} of {total:,} tiles"
        rate = self.per_second
        if rate <= 0:
            return said
        speed = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
        return f"{said}, {speed} tiles/s, {duration((total - done) / rate)} left"


def duration(seconds: float) -> str:
    """A length of time for a person: "40 s", "2 min", "3 h 10 min"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes >= 600:
        return f"{round(minutes / 60)} h"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
