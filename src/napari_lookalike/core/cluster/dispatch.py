"""Who does what: slides and parts of slides to workers. No Dask in here.

A worker keeps to the slides that it began: their file is open there, and what is decoded
lies in its memory. Without one it begins a new slide; when none is left, it helps with the
slide that has most left. Parts are as long as some seconds of work, and get shorter towards
the end, so that all workers end together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cluster.values import Part

PART_S: Final = 10.0
"""Seconds that a part should take: what a dying worker loses, at most."""

FIRST_TILES: Final = 128
LEAST_TILES: Final = 64
"""A block of the visiting order: tiles that share native tiles."""
MOST_TILES: Final = 8192


@dataclass(eq=False)
class _Slide:
    left: NDArray[np.int64]
    workers: set[str] = field(default_factory=set)
    out: int = 0


class Dispatch:
    """The work of a run that is not given out yet.

    Parameters
    ----------
    slide_ids
        Slides to do, in order.
    """

    def __init__(self, slide_ids: Sequence[str]) -> None:
        self._new = deque(slide_ids)
        self._slides: dict[str, _Slide] = {}
        self._again: deque[Part] = deque()
        self._rates: dict[str, float] = {}

    def next_slide(self, worker: str) -> str | None:
        """A slide to prepare, if the worker should begin one now."""
        if not self._new or self._own(worker) is not None:
            return None
        return self._new.popleft()

    def again(self, slide_id: str) -> None:
        """A slide that was not prepared after all: next time first."""
        self._new.appendleft(slide_id)

    def later(self, slide_id: str) -> None:
        """A slide that could not be begun: after the others."""
        self._new.append(slide_id)

    def prepared(self, slide_id: str, worker: str, indices: NDArray[np.int64]) -> None:
        """A slide has these tiles to do, and that worker has it open."""
        self._slides[slide_id] = _Slide(indices, {worker})

    def next_part(self, worker: str, workers: int, idle: bool = True) -> Part | None:
        """The next part for a worker, of a cluster of so many; ``None`` if there is none.

        One that was lost before (`Part.tries`) is given to an idle worker only.
        """
        if self._again and idle:
            part = self._again.popleft()
            self._slides[part.slide_id].out += 1
            return part
        slide_id = self._own(worker)
        if slide_id is None and not self._new:
            waiting = {s: len(slide.left) for s, slide in self._slides.items() if len(slide.left)}
            slide_id = max(waiting, key=lambda s: waiting[s], default=None)
        if slide_id is None:
            return None
        slide = self._slides[slide_id]
        slide.workers.add(worker)
        slide.out += 1
        n = self._size(worker, workers, len(slide.left))
        part, slide.left = Part(slide_id, slide.left[:n]), slide.left[n:]
        return part

    def _own(self, worker: str) -> str | None:
        """The first slide with tiles left that a worker has open."""
        for slide_id, slide in self._slides.items():
            if worker in slide.workers and len(slide.left):
                return slide_id
        return None

    def _size(self, worker: str, workers: int, left: int) -> int:
        rate = self._rates.get(worker)
        wanted = FIRST_TILES if rate is None else round(rate * PART_S)
        if not self._new:  # others will help: leave them something
            wanted = min(wanted, -(-left // (2 * max(1, workers))))
        if rate is not None and rate * PART_S < LEAST_TILES:  # a large network without a GPU
            return max(1, LEAST_TILES // 4, round(rate * PART_S))
        blocks = max(1, round(wanted / LEAST_TILES))
        n = min(blocks * LEAST_TILES, MOST_TILES)
        return left if left < n + LEAST_TILES // 2 else n

    def came_back(self, part: Part, worker: str, tiles: int, seconds: float) -> None:
        """A part is done."""
        self._slides[part.slide_id].out -= 1
        if tiles >= LEAST_TILES // 4 and seconds > 0:
            rate, old = tiles / seconds, self._rates.get(worker)
            self._rates[worker] = rate if old is None else (rate + old) / 2

    def lost(self, part: Part, blame: bool = True) -> None:
        """A part has no answer: it is given out again, alone if it may be its own fault."""
        self._slides[part.slide_id].out -= 1
        self._again.append(replace(part, tries=part.tries + blame))

    def forget(self, worker: str) -> None:
        """A worker is gone."""
        self._rates.pop(worker, None)
        for slide in self._slides.values():
            slide.workers.discard(worker)

    def more(self, slide_id: str, indices: NDArray[np.int64]) -> None:
        """Tiles that turned out to be missing."""
        slide = self._slides[slide_id]
        slide.left = np.concatenate([slide.left, indices])

    def stop(self, slide_id: str) -> None:
        """Give out no more of a slide; what is out comes back."""
        slide = self._slides[slide_id]
        slide.left = slide.left[:0]
        self._again = deque(part for part in self._again if part.slide_id != slide_id)

    def is_done(self, slide_id: str) -> bool:
        """Whether nothing of a slide is left or out."""
        slide = self._slides[slide_id]
        lost = any(part.slide_id == slide_id for part in self._again)
        return not len(slide.left) and not slide.out and not lost

    def close(self, slide_id: str) -> None:
        """A slide is finished, or failed."""
        del self._slides[slide_id]

    @property
    def ended(self) -> bool:
        """Whether there is nothing left, given out or not."""
        return not self._new and not self._slides
