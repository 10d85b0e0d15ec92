"""What the processes of `embed_pool` do, and the shared memory by which they share slides."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from ctypes import c_long
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event, Lock
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.embed.part_writer import PartWriter
from napari_lookalike.core.embed.parts import PartStore, parts_folder, read_plan
from napari_lookalike.core.embed.prepare import Prepared, prepared_again
from napari_lookalike.core.embed.slide import count_of, fill
from napari_lookalike.core.embed.stages import encode_tiles
from napari_lookalike.core.embed.stopping import stop_is_wanted
from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.pipeline.embed_one import EmbedOptions, Outcome, embed_one
from napari_lookalike.core.pipeline.embed_state import feature_file
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.project import Project
from napari_lookalike.core.slides.base import Slide

CHUNK: Final = 64
"""Tiles that are dealt out at a time: a block of the order."""

_TILE_BYTES: Final = 64 << 20
"""Decoded native tiles that a process keeps: those of some blocks."""

_POLL_S: Final = 0.05


@dataclass(frozen=True)
class Board:
    """Shared memory: an entry per slide.

    Parameters
    ----------
    cancel
        Set when all should stop.
    lock
        Held while chunks are dealt out.
    tiles
        Tiles that are wanted; 0 until the slide's owner knows.
    had
        Of these, those that an earlier run had embedded.
    done
        Tiles embedded in this run.
    chunks, dealt
        How many pieces there are, and how many were dealt out.
    helpers
        Processes beside the owner that have chunks which are not all in the store.
    begun, over
        1 when the owner began with the slide, and when it is done with it, however that ended.
    """

    cancel: Event
    lock: Lock
    tiles: Any
    had: Any
    done: Any
    chunks: Any
    dealt: Any
    helpers: Any
    begun: Any
    over: Any

    @classmethod
    def make(cls, context: SpawnContext, slides: int) -> Board:
        """An empty one."""
        arrays = [context.RawArray(c_long, slides) for _ in range(8)]
        return cls(context.Event(), context.Lock(), *arrays)

    def deal(self, index: int) -> int | None:
        """The number of the next chunk of a slide; ``None`` if all are dealt out."""
        with self.lock:
            number = int(self.dealt[index])
            if number >= self.chunks[index] or self.over[index]:
                return None
            self.dealt[index] = number + 1
            return number

    def close(self, index: int) -> None:
        """Deal out no more of a slide."""
        with self.lock:
            self.dealt[index] = self.chunks[index]

    def join(self, index: int) -> bool:
        """Become a helper of a slide, if there is something left to deal out."""
        with self.lock:
            if self.dealt[index] >= self.chunks[index] or self.over[index]:
                return False
            self.helpers[index] += 1
            return True

    def leave(self, index: int) -> None:
        """Help no longer: all that was embedded is in the store."""
        with self.lock:
            self.helpers[index] -= 1

    def add(self, index: int, tiles: int) -> None:
        """So many more tiles are embedded."""
        with self.lock:
            self.done[index] += tiles


@dataclass(frozen=True)
class _Desk:
    project: Project
    encoder: Encoder
    options: EmbedOptions
    board: Board


_desk: _Desk | None = None


class _BoardJob(Job):
    """Cancelled by the board; its progress is counted there already."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board

    @property
    def cancelled(self) -> bool:
        return self._board.cancel.is_set()

    def step(self, done: int, total: int, what: str) -> None:
        if self.cancelled:
            raise JobCancelled(what)


def start(root: Path, options: EmbedOptions, board: Board) -> None:
    """Once per process: load the encoder, and end with the parent whatever happens."""
    global _desk
    from napari_lookalike.core.encoders import load_encoder
    from napari_lookalike.core.slides.tile_cache import tile_cache

    threading.Thread(target=_end_with_parent, daemon=True).start()
    _one_thread_each()
    tile_cache().resize(_TILE_BYTES)
    project = Project.open(root)
    settings = project.settings
    encoder = load_encoder(settings.encoder, weights=settings.weights_path)
    _desk = _Desk(project, encoder, options, board)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _one_thread_each() -> None:
    """The processes share the cores already; BLAS threads on top would only wait."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)


def ready() -> bool:
    """Whether this process was started well."""
    return _desk is not None


def _at_desk() -> _Desk:
    if _desk is None:
        raise RuntimeError("the worker was not started")
    return _desk


def work(index: int, slide_id: str) -> Outcome:
    """Embed a slide as its owner; others may help with its tiles."""
    desk = _at_desk()
    board = desk.board

    def filler(slide: Slide, prepared: Prepared, store: PartStore) -> None:
        n = len(prepared.plan.grid)
        wanted = count_of(n, desk.options.stop_at)
        board.had[index] = min(store.done, wanted)
        board.tiles[index], board.chunks[index] = wanted, -(-wanted // CHUNK)
        _share(desk, index, slide, prepared, store)
        board.close(index)
        _await_helpers(board, index)
        if not stop_is_wanted(store.folder):  # what a helper could not do, if anything
            job = _BoardJob(board)
            fill(slide, prepared, store, job=job, stop_at=desk.options.stop_at, readers=1)

    board.begun[index] = 1
    try:
        return embed_one(
            desk.project, slide_id, desk.encoder, _BoardJob(board), desk.options, filler=filler
        )
    finally:
        board.over[index] = 1


def help_others(slides: Sequence[tuple[int, str]]) -> None:
    """Take chunks of slides that others own, until there are none left."""
    desk = _at_desk()
    board, without = desk.board, set()
    while not board.cancel.is_set():
        for index, slide_id in slides:
            if index not in without and board.join(index):
                try:
                    _help(desk, index, slide_id)
                except (LookalikeError, OSError, MemoryError, RuntimeError, ValueError):
                    without.add(index)  # the owner meets the same fault, and tells of it
                finally:
                    board.leave(index)
        if all(board.over[index] for index, _ in slides):
            return
        time.sleep(_POLL_S)


def _help(desk: _Desk, index: int, slide_id: str) -> None:
    project = desk.project
    record = project.cohort[slide_id]
    path = feature_file(project, record, desk.encoder.spec, desk.encoder.identity)
    plan = read_plan(parts_folder(path))
    if plan is None:
        return
    with project.open_slide(slide_id) as slide:
        prepared = prepared_again(plan, slide, desk.encoder)
        _share(desk, index, slide, prepared, PartStore(parts_folder(path), plan))


def _share(desk: _Desk, index: int, slide: Slide, prepared: Prepared, store: PartStore) -> None:
    """Embed chunks of a slide for as long as there are some to be had."""
    board, job = desk.board, _BoardJob(desk.board)
    with PartWriter(store) as writer:
        stream = encode_tiles(
            slide, prepared.plan.grid, _dealt(board, index, store), prepared.encoder,
            colours=prepared.colours, readers=1, batch=desk.options.batch or None, job=job,
        )  # fmt: skip
        try:
            for indices, vectors in stream:
                writer.take(indices, vectors)
                board.add(index, len(indices))
                if stop_is_wanted(store.folder):
                    break
        finally:
            stream.close()


def _dealt(board: Board, index: int, store: PartStore) -> Iterator[NDArray[np.int64]]:
    """Tiles to embed, chunk by chunk; those that were there at the start are left out."""
    lacking = np.zeros(len(store.plan.grid), np.bool_)
    lacking[store.missing()] = True
    order = coarse_to_fine(store.plan.grid)
    while (number := board.deal(index)) is not None:
        chunk = order[number * CHUNK : (number + 1) * CHUNK]
        yield chunk[lacking[chunk]]


def _await_helpers(board: Board, index: int) -> None:
    while board.helpers[index] > 0:
        if board.cancel.is_set():
            raise JobCancelled("Embedding was cancelled")
        time.sleep(_POLL_S)
