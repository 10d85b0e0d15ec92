"""Keeps vectors as they come: a part every two seconds, written beside the encoding."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.embed.parts import PartStore
from napari_lookalike.core.embed.timing import Timing

EVERY_S: Final = 2.0
"""What a killed process loses at most, and the part that is being written."""

_FIRST_SHARE: Final = 0.02
"""The first part comes with this share of the tiles already: there is an early answer."""

_LARGEST_SHARE: Final = 0.1
_LARGEST_TILES: Final = 4096
"""No part holds more than this share of the slide, or so many tiles."""


class PartWriter:
    """Collects vectors and adds them to a store in a thread of its own.

    Use it as a context: at its end, however it comes, all that was taken is in the store.

    Parameters
    ----------
    store
        Where they go.
    on_part
        Called with the coverage after a part is on the disk, from the thread that encodes.
    timing
        Gets the seconds of writing, and when the first part was there.
    """

    def __init__(
        self,
        store: PartStore,
        on_part: Callable[[float], None] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._store, self._on_part = store, on_part
        self._timing = Timing() if timing is None else timing
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="parts")
        self._taken: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        self._tiles = 0
        self._started = self._last = time.monotonic()
        self._written: Future[float] | None = None
        n = len(store.plan.grid)
        self._first = max(1, round(_FIRST_SHARE * n))
        self._largest = max(1, min(_LARGEST_TILES, round(_LARGEST_SHARE * n)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._flush()
            self._collect(wait=True, tell=error is None)
        finally:
            self._pool.shutdown(wait=True)

    def take(self, indices: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Take vectors; they are on the disk some seconds later.

        Raises
        ------
        FeatureError
            If an earlier part could not be written.
        """
        self._taken.append((indices, vectors))
        self._tiles += len(indices)
        self._collect(wait=False, tell=True)
        first = self._timing.first_part_s == 0 and self._written is None
        due = time.monotonic() - self._last >= EVERY_S
        if due or self._tiles >= (self._first if first else self._largest):
            self._flush()

    def _flush(self) -> None:
        if not self._taken:
            return
        self._collect(wait=True, tell=True)  # one part at a time: memory stays bounded
        indices = np.concatenate([i for i, _ in self._taken])
        vectors = np.concatenate([v for _, v in self._taken])
        self._taken.clear()
        self._tiles, self._last = 0, time.monotonic()
        self._written = self._pool.submit(self._write, indices, vectors)

    def _write(self, indices: NDArray[np.int64], vectors: NDArray[np.float32]) -> float:
        started = time.perf_counter()
        self._store.add(indices, vectors)
        return time.perf_counter() - started

    def _collect(self, wait: bool, tell: bool) -> None:
        """Take note of a part that is on the disk; raises what went wrong with it."""
        if self._written is None or not (wait or self._written.done()):
            return
        written, self._written = self._written, None
        self._timing.writing += written.result()
        if self._timing.first_part_s == 0:
            self._timing.first_part_s = time.monotonic() - self._started
        if tell and self._on_part is not None:
            self._on_part(self._store.coverage)
