"""How far a run is, for a person."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Final

_SCALE: Final = 1000
_WINDOW_S: Final = 15.0


class Progress:
    """Tiles of a run, as workers tell of them.

    Parameters
    ----------
    slides
        How many slides it has.
    """

    def __init__(self, slides: int) -> None:
        self._slides = slides
        self._tiles: dict[str, tuple[int, int, int]] = {}
        self._all = 0
        self._times: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._started = time.monotonic()
        self.finished = 0

    def begin(self, slide_id: str, there: int, wanted: int) -> None:
        """A slide has so many tiles, of which some were there before."""
        self._tiles[slide_id] = (there, 0, wanted)

    def has(self, slide_id: str, tiles: int) -> None:
        """So many tiles of a slide are embedded in this run."""
        there, former, wanted = self._tiles.get(slide_id, (0, 0, 0))
        if wanted and tiles > former:
            self._tiles[slide_id] = (there, tiles, wanted)
            self._all += tiles - former

    def heard(self, event: tuple[float, Any]) -> None:
        """A worker's word on some tiles of a part (called from Dask's thread)."""
        _, word = event
        slide_id = str(word["slide_id"])
        _, former, _ = self._tiles.get(slide_id, (0, 0, 0))
        self.has(slide_id, former + int(word["tiles"]))

    def end(self, slide_id: str) -> None:
        """A slide is finished."""
        self._tiles.pop(slide_id, None)

    def step(self, workers: int) -> tuple[int, int, str]:
        """Arguments of `Job.step`."""
        shares = [min(1.0, (a + b) / max(1, n)) for a, b, n in list(self._tiles.values())]
        done = round(_SCALE * (self.finished + sum(shares)))
        total = _SCALE * self._slides
        return min(done, total), total, self._sentence(workers, done / total if total else 1.0)

    def _sentence(self, workers: int, share: float) -> str:
        if not workers:
            return "Waiting for a worker of the cluster"
        now = time.monotonic()
        self._times.append((now, self._all))
        while now - self._times[0][0] > _WINDOW_S:
            self._times.popleft()
        (first, had), (last, has) = self._times[0], self._times[-1]
        rate = (has - had) / (last - first) if last > first else 0.0
        text = f"{workers} worker{'s' if workers != 1 else ''}: "
        text += f"{self.finished} of {self._slides} slides, {self._all:,} tiles"
        if rate:
            text += f", {rate:,.0f} tiles/s"
        took = now - self._started
        if share > 0.02 and took > 5:
            text += f", {_left(took / share - took)}"
        return text


def _left(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"{round(seconds / 60)} min left"
    return f"{seconds / 3600:.1f} h left"
