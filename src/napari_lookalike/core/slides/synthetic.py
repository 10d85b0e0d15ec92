"""Coarse levels for files that have none, made in the background.

Every synthetic level halves the one before, until the longer edge is at most 1024 px.
Levels that fit into memory are kept; finer ones (only in very large files) are
computed from the file whenever they are read, so they cost nothing until then. Those of
large images are kept on disk too (`level_store`).
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import numpy as np

from napari_lookalike.core.slides.base import RGB, Level
from napari_lookalike.core.slides.level_store import WORTH_PX, load_levels, save_levels
from napari_lookalike.core.slides.loader import loader
from napari_lookalike.core.slides.resample import area_resample
from napari_lookalike.core.slides.source import CannotRead, Source

COARSEST_PX = 1024
"""The last level's longer edge is at most this."""

KEPT_BYTES = 192 << 20
"""Memory for the kept levels of one slide."""

PLACEHOLDER = 236
"""Light grey: not computed yet."""

_BLOCK_PX = 2048
_TELL_EVERY_S = 0.5
_GIVE_WAY_S = 0.5  # per block: it goes on even if somebody never stops moving
_running: weakref.WeakSet[SyntheticLevels] = weakref.WeakSet()


def synthetic_levels(native: tuple[Level, ...]) -> tuple[Level, ...]:
    """The levels to add after those of the file (none if the last is small enough)."""
    first, last = native[0], native[-1]
    width, height, added = last.width, last.height, []
    while max(width, height) > COARSEST_PX:
        width, height = (width + 1) // 2, (height + 1) // 2
        scale = first.width / width, first.height / height
        added.append(Level(width, height, *scale, 256, 256, synthetic=True))
    return tuple(added)


class SyntheticLevels:
    """Pixels of the synthetic levels of one slide.

    Parameters
    ----------
    source
        Where the last level of the file is read from.
    levels
        The synthetic levels.
    kept_bytes
        Levels are kept from the coarsest on while they fit into this.
    fingerprint
        The slide's content id, under which they are kept on disk; empty: they are not.
    """

    def __init__(
        self,
        source: Source,
        levels: tuple[Level, ...],
        kept_bytes: int = KEPT_BYTES,
        fingerprint: str = "",
    ) -> None:
        self._source, self._levels = source, levels
        self._base_index, self._base = len(source.levels) - 1, source.levels[-1]
        self._first_kept = _first_kept(levels, kept_bytes)
        self._kept: list[RGB] = []
        self._lock = threading.Lock()
        self._started = False
        self._done, self._stop = threading.Event(), threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._told = 0.0
        self._failed_blocks = self._blocks_done = 0
        self._reason = ""
        large = self._base.width * self._base.height >= WORTH_PX
        self._store_as = fingerprint if large else ""
        self._load()

    def _load(self) -> None:
        """Take what another day has computed."""
        shapes = [(level.height, level.width) for level in self._levels[self._first_kept :]]
        found = load_levels(self._store_as, shapes) if self._store_as else None
        if found is not None:
            self._kept, self._started = found, True
            self._done.set()

    @property
    def ready(self) -> bool:
        """Whether the kept levels are computed."""
        return self._done.is_set()

    @property
    def note(self) -> str:
        """What could not be decoded, as a sentence; empty if all was."""
        if not self._failed_blocks:
            return ""
        return f"{self._failed_blocks} blocks could not be decoded: {self._reason}."

    def is_ready(self, index: int) -> bool:
        """Whether a level's pixels can be had without waiting for all of the image."""
        return self.ready or (index < self._first_kept and self._source.warm)

    def start(self, on_progress: Callable[[], None] | None = None) -> None:
        """Compute the kept levels in the background.

        Parameters
        ----------
        on_progress
            Called from a working thread whenever there is more to show, at most twice a
            second, and when all is done (at once, if it is done already).
        """
        with self._lock:
            if on_progress is not None and not self.ready:
                self._listeners.append(on_progress)
            begin, self._started = not self._started, True
        if self.ready and on_progress is not None:
            on_progress()
        if begin:
            self._begin()

    def stop(self) -> None:
        """Give up computing: the slide is closed."""
        self._stop.set()
        self._done.set()

    def read(self, index: int, x: int, y: int, width: int, height: int) -> RGB:
        """Pixels of a rectangle inside a level; waits until they are computed.

        Raises
        ------
        CannotRead
            If nothing of the file could be decoded.
        """
        if index < self._first_kept:
            return self._from_base(index, x, y, width, height)
        self.start()
        self._done.wait()
        if self._stop.is_set() or (self._failed_blocks and not self._blocks_done):
            raise CannotRead(self._reason or "the slide was closed")
        return self.peek(index, x, y, width, height)

    def peek(self, index: int, x: int, y: int, width: int, height: int) -> RGB:
        """The same without waiting: light grey where nothing is computed yet."""
        if index < self._first_kept or not self._kept:
            return np.full((height, width, 3), PLACEHOLDER, np.uint8)
        return self._kept[index - self._first_kept][y : y + height, x : x + width].copy()

    def _from_base(self, index: int, x: int, y: int, width: int, height: int) -> RGB:
        """Compute a rectangle of a level from the last level of the file."""
        level, base = self._levels[index], self._base
        factor_x, factor_y = base.width / level.width, base.height / level.height
        left, top = x * factor_x, y * factor_y
        right, bottom = (x + width) * factor_x, (y + height) * factor_y
        x0, y0 = int(left + 1e-6), int(top + 1e-6)
        x1 = min(base.width, int(np.ceil(right - 1e-6)))
        y1 = min(base.height, int(np.ceil(bottom - 1e-6)))
        image = self._source.read(self._base_index, x0, y0, x1 - x0, y1 - y0)
        box = (left - x0, top - y0, right - x0, bottom - y0)
        return area_resample(image, box, (width, height))

    def _begin(self) -> None:
        kept = self._levels[self._first_kept :]
        self._kept = [np.full((lv.height, lv.width, 3), PLACEHOLDER, np.uint8) for lv in kept]
        _running.add(self)
        blocks, lock = self._blocks(), threading.Lock()
        workers = [
            threading.Thread(target=self._work, args=(blocks, lock), daemon=True, name="levels")
            for _ in range(min(4, os.cpu_count() or 1))
        ]
        for worker in workers:
            worker.start()
        threading.Thread(target=self._finish, args=(workers,), daemon=True, name="levels").start()

    def _blocks(self) -> Iterator[tuple[int, int, int, int]]:
        """Rectangles of the finest kept level that cover it, in the order of the file."""
        level, base = self._levels[self._first_kept], self._base
        strips = base.tile_width >= base.width
        width = level.width if strips else _BLOCK_PX * level.width // base.width
        height = max(1, min(_BLOCK_PX, _BLOCK_PX**2 // base.width if strips else _BLOCK_PX))
        height = max(1, height * level.height // base.height)
        for y in range(0, level.height, height):
            for x in range(0, level.width, max(1, width)):
                yield x, y, min(width, level.width - x), min(height, level.height - y)

    def _work(self, blocks: Iterator[tuple[int, int, int, int]], lock: threading.Lock) -> None:
        while not self._stop.is_set():
            self._give_way()
            with lock:
                block = next(blocks, None)
            if block is None:
                return
            x, y, width, height = block
            try:
                pixels = self._from_base(self._first_kept, *block)
                self._blocks_done += 1
            except CannotRead as error:
                self._reason = str(error)
                self._failed_blocks += 1
                pixels = np.full((height, width, 3), 255, np.uint8)
            self._kept[0][y : y + height, x : x + width] = pixels
            self._preview(x, y, pixels)
            self._tell()

    def _give_way(self) -> None:
        """What is on the screen comes first."""
        until = time.monotonic() + _GIVE_WAY_S
        while not loader().calm and time.monotonic() < until and not self._stop.is_set():
            time.sleep(0.005)

    def _preview(self, x: int, y: int, pixels: RGB) -> None:
        """Put every n-th pixel into the coarser levels, until they are computed."""
        fine = self._kept[0]
        for coarse in self._kept[1:]:
            fx, fy = fine.shape[1] / coarse.shape[1], fine.shape[0] / coarse.shape[0]
            xs = np.arange(int(np.ceil(x / fx)), min(coarse.shape[1], (x + pixels.shape[1]) / fx))
            ys = np.arange(int(np.ceil(y / fy)), min(coarse.shape[0], (y + pixels.shape[0]) / fy))
            columns = np.clip((xs * fx).astype(int) - x, 0, pixels.shape[1] - 1)
            rows = np.clip((ys * fy).astype(int) - y, 0, pixels.shape[0] - 1)
            coarse[np.ix_(ys.astype(int), xs.astype(int))] = pixels[np.ix_(rows, columns)]

    def _finish(self, workers: list[threading.Thread]) -> None:
        for worker in workers:
            worker.join()
        for fine, coarse in zip(self._kept, self._kept[1:], strict=False):
            if self._stop.is_set():
                return
            _halve(fine, coarse)
        if self._store_as and not self._failed_blocks:
            self._kept = save_levels(self._store_as, self._kept) or self._kept
        with self._lock:
            self._done.set()
            listeners, self._listeners = self._listeners, []
        for tell in listeners:
            tell()

    def _tell(self) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._told < _TELL_EVERY_S:
                return
            self._told, listeners = now, list(self._listeners)
        for tell in listeners:
            tell()


def _first_kept(levels: tuple[Level, ...], limit: int) -> int:
    """Index of the finest level that is kept; at least the coarsest is."""
    total, first = 0, len(levels) - 1
    for index in reversed(range(len(levels))):
        total += levels[index].width * levels[index].height * 3
        if total > limit:
            break
        first = index
    return first


def _halve(fine: RGB, coarse: RGB, rows: int = 512) -> None:
    """Fill a level from the finer one, some rows at a time to spare memory."""
    factor = fine.shape[0] / coarse.shape[0]
    for y in range(0, coarse.shape[0], rows):
        stop = min(coarse.shape[0], y + rows)
        y0, y1 = int(y * factor), min(fine.shape[0], int(np.ceil(stop * factor)))
        box = (0.0, y * factor - y0, float(fine.shape[1]), stop * factor - y0)
        coarse[y:stop] = area_resample(fine[y0:y1], box, (coarse.shape[1], stop - y))


@atexit.register
def _stop_all() -> None:
    """Let no thread decode while the interpreter goes down."""
    for levels in list(_running):
        levels.stop()
    deadline = time.monotonic() + 2.0
    for thread in threading.enumerate():
        if thread.name == "levels" and thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
