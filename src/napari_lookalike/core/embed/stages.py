"""Reading, encoding and keeping at the same time, with bounded memory and a clean end.

::

    reader threads -> ring of batch buffers -> encoder (this thread, and its device) -> vectors

Readers write tiles straight into the buffer of their batch, so nothing is copied in between.
There are few buffers: readers wait when the encoder is slow. Whatever ends the loop (an error
in a reader or in the encoder, a cancelled job, a caller that wants no more), the readers have
ended when it is left, so the slide can be closed.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.embed.timing import Timing
from napari_lookalike.core.encoders.base import Colours, Encoder
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.progress import SILENT, Job, JobCancelled
from napari_lookalike.core.slides.base import RGB, Slide
from napari_lookalike.core.tile_reading import read_tiles_into
from napari_lookalike.core.tiles import TileGrid

AHEAD: Final = 2
"""Batches that are read or being read while the encoder has another."""

_HELD: Final = 2
"""Batches that the encoder may hold (see `Encoder.stream`), besides the one it takes."""

_BATCH_BYTES: Final = 96 << 20
"""Largest batch buffer: six of them are what reading holds at most."""

_UNIT: Final = 32
"""Tiles that one thread reads at a time: half a block."""

_MOST_READERS: Final = 16
_POLL_S: Final = 0.1

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float32]


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_readers(device: str) -> int:
    """Threads that read: all cores beside a GPU; beside a CPU encoder few, which keep up."""
    here = cores()
    if device == "cpu":
        return max(1, min(4, here // 2))
    return max(2, min(_MOST_READERS, here - 1))


def encode_tiles(
    slide: Slide,
    grid: TileGrid,
    indices: Sequence[int] | _Ints | Iterator[_Ints],
    encoder: Encoder,
    *,
    colours: Colours | None = None,
    readers: int | None = None,
    batch: int | None = None,
    timing: Timing | None = None,
    job: Job = SILENT,
) -> Generator[tuple[_Ints, _Floats], None, None]:
    """Encode tiles of a slide, in the order asked for.

    Parameters
    ----------
    slide
        An open slide; must stay open until the iterator has ended or was closed.
    grid
        Its tile grid.
    indices
        Which tiles; or an iterator of some at a time, asked for more shortly before the
        readers need them: workers that share a slide each take the next ones.
    encoder
        A loaded encoder.
    colours
        Applied to tiles first: a stain normalisation.
    readers
        Threads that read; ``None`` for as many as suit the encoder's device.
    batch
        Tiles that the encoder gets at once; ``None`` asks the encoder.
    timing
        Filled in while it runs.
    job
        Its cancel is seen also while tiles are waited for.

    Yields
    ------
    indices : ndarray of int64 (n,)
    vectors : ndarray of float32 (n, dim)

    Raises
    ------
    RegionError
        If the file's data cannot be decoded somewhere.
    EncoderError
        If the encoder's output has another shape than its spec says.
    JobCancelled
        If the job was cancelled.
    """
    timing = Timing() if timing is None else timing
    started, before, idle = time.perf_counter(), timing.seconds, 0.0
    if isinstance(indices, Iterator):
        pieces, most = indices, len(grid)
    else:
        pieces, most = iter([np.asarray(indices, np.int64)]), len(indices)
    size = _batch_size(grid, batch or encoder.best_batch(), most)
    timing.batch = max(timing.batch, size)
    readers = readers or default_readers(encoder.device)
    source = _Batches(slide, grid, _batches(pieces, size), size, readers, job, encoder.buffer)
    given: deque[_Ints] = deque()

    def pixels() -> Iterator[RGB]:
        for taken in source:
            given.append(taken.indices)
            yield taken.pixels

    stream = encoder.stream(pixels(), colours)
    try:
        for vectors in stream:
            some = given.popleft()
            _check(vectors, len(some), encoder)
            source.add_to(timing)
            timing.tiles += len(some)
            timing.seconds = before + time.perf_counter() - started - idle
            timing.encoding = timing.seconds - timing.waiting
            gave = time.perf_counter()
            yield some, vectors
            idle += time.perf_counter() - gave
    finally:
        if isinstance(stream, Generator):
            stream.close()
        source.close()


def embed_grid(slide: Slide, grid: TileGrid, encoder: Encoder) -> _Floats:
    """Vectors of all tiles of a grid.

    Parameters
    ----------
    slide, grid, encoder
        As for `encode_tiles`.

    Returns
    -------
    ndarray of float32 (n_tiles, dim)
        In the order of the grid.
    """
    out = np.empty((len(grid), encoder.spec.dim), np.float32)
    for some, vectors in encode_tiles(slide, grid, coarse_to_fine(grid), encoder):
        out[some] = vectors
    return out


def _batch_size(grid: TileGrid, wanted: int, tiles: int) -> int:
    room = _BATCH_BYTES // (3 * grid.tile_px**2)
    return max(1, min(wanted, room, tiles))


def _batches(pieces: Iterator[_Ints], size: int) -> Iterator[_Ints]:
    """Pieces cut into batches; none of them is empty."""
    for piece in pieces:
        for start in range(0, len(piece), size):
            yield piece[start : start + size]


def _check(vectors: _Floats, count: int, encoder: Encoder) -> None:
    if vectors.shape != (count, encoder.spec.dim):
        raise EncoderError(
            f"The encoder gave an array of {vectors.shape} for {count} tiles, "
            f"where {encoder.spec.dim} numbers a tile were to come.",
            "Check that its weights belong to this encoder.",
        )


@dataclass
class _Batch:
    indices: _Ints
    pixels: RGB
    work: list[Future[float]] = field(default_factory=list)


class _Batches:
    """Batches of tiles in order, read ahead by threads into a ring of buffers."""

    def __init__(
        self,
        slide: Slide,
        grid: TileGrid,
        parts: Iterator[_Ints],
        size: int,
        readers: int,
        job: Job,
        buffer: Callable[[tuple[int, int, int, int]], RGB],
    ) -> None:
        self._slide, self._grid, self._job = slide, grid, job
        self._parts = parts
        self._shape = (size, grid.tile_px, grid.tile_px, 3)
        self._make, self._ring = buffer, deque[RGB]()
        self._under_way: deque[_Batch] = deque()
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="tiles")
        self._unit = max(1, min(_UNIT, -(-size // readers)))
        self.reading = self.waiting = 0.0

    def __iter__(self) -> Iterator[_Batch]:
        for _ in range(AHEAD):
            self._begin()
        while self._under_way:
            batch = self._under_way.popleft()
            self._begin()
            started = time.perf_counter()
            self._await(batch)
            self.waiting += time.perf_counter() - started
            yield batch

    def _begin(self) -> None:
        """Have the next batch read."""
        indices = next(self._parts, None)
        if indices is None:
            return
        buffer = self._free()
        batch = _Batch(indices, buffer[: len(indices)])
        for start in range(0, len(indices), self._unit):
            part = slice(start, start + self._unit)
            work = self._pool.submit(self._read, indices[part], batch.pixels[part])
            batch.work.append(work)
        self._under_way.append(batch)

    def _free(self) -> RGB:
        """The next buffer of the ring: its turn comes when the encoder has let go of it."""
        if len(self._ring) < AHEAD + _HELD + 1:
            self._ring.append(self._make(self._shape))
        else:
            self._ring.rotate(-1)
        return self._ring[-1]

    def _read(self, some: _Ints, out: RGB) -> float:
        started = time.perf_counter()
        if not self._job.cancelled:
            read_tiles_into(self._slide, self._grid, some.tolist(), out)
        return time.perf_counter() - started

    def _await(self, batch: _Batch) -> None:
        left = set(batch.work)
        while left:
            done, left = wait(left, timeout=_POLL_S)
            self.reading += sum(work.result() for work in done)
            if self._job.cancelled:
                raise JobCancelled("Embedding was cancelled")

    def add_to(self, timing: Timing) -> None:
        """Move the seconds that were counted so far."""
        timing.reading += self.reading
        timing.waiting += self.waiting
        self.reading = self.waiting = 0.0

    def close(self) -> None:
        """Wait for the readers: the slide must not be closed while a thread reads from it."""
        self._pool.shutdown(wait=True, cancel_futures=True)
