"""How far a run is, for a person."""

from __future__ import annotations

import time
from typing import Any, Final

from napari_lookalike.core.embed.timing import Rate, duration

_SCALE: Final = 1000
_TELLS: Final = 0.02
"""From this share on, the time that is left can be told."""

_FIRST_S: Final = 5.0


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
        self._rate = Rate()
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

    def step(self, workers: int, left_out: int = 0) -> tuple[int, int, str]:
        """Arguments of `Job.step`, with so many workers at work and left out as unfit."""
        shares = [min(1.0, (a + b) / max(1, n)) for a, b, n in list(self._tiles.values())]
        done = round(_SCALE * (self.finished + sum(shares)))
        total = _SCALE * self._slides
        return (
            min(done, total),
            total,
            self._sentence(workers, left_out, done / total if total else 1.0),
        )

    def _sentence(self, workers: int, left_out: int, share: float) -> str:
        if not workers:
            return "Waiting for a worker of the cluster"
        self._rate.note(self._all)
        rate, took = self._rate.per_second, time.monotonic() - self._started
        text = f"{workers} worker{'s' if workers != 1 else ''}"
        text += f" ({left_out} left out)" if left_out else ""
        text += f": {self.finished} of {self._slides} slides, {self._all:,} tiles"
        text += f", {rate:,.0f} tiles/s" if rate else ""
        if share > _TELLS and took > _FIRST_S:
            text += f", {duration(took / share - took)} left"
        return text
