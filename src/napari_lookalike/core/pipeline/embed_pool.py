"""Who embeds the slides: this process, or several that share the cores."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from ctypes import c_double
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.pipeline.embed import Outcome, embed_one
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.project import Project

MAX_WORKERS: Final = 16
"""Each holds a slide and some batches of tiles in memory."""

_TILE_BYTES: Final = 64 << 20
"""Decoded native tiles that a process keeps: some rows of a slide, which it reads in order."""

_POLL_S: Final = 0.1
_STEPS: Final = 1000


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_this_process(project: Project, todo: Sequence[str], job: Job) -> Iterator[Outcome]:
    """Embed slides one after another; threads read ahead.

    Parameters
    ----------
    project
        The project.
    todo
        slide_ids.
    job
        Progress and cancel.
    """
    from napari_lookalike.core.encoders import load_encoder

    settings = project.settings
    job.step(0, 0, f"Loading the encoder {settings.encoder}")
    encoder = load_encoder(settings.encoder, weights=settings.weights_path)
    for i, slide_id in enumerate(todo):
        part = job.part(i, len(todo), f"Slide {i + 1} of {len(todo)}: ")
        yield embed_one(project, slide_id, encoder, part, readers=max(2, min(cores(), 8)))


def in_processes(root: Path, todo: Sequence[str], workers: int, job: Job) -> Iterator[Outcome]:
    """Embed several slides at a time, each in a process that keeps its encoder.

    A slide that kills its process (a decoder's crash, no memory) is tried once more by
    itself, then reported; the others go on. Where no process can be started (a script
    without a ``__main__`` guard), this one does the work.

    Parameters
    ----------
    root
        The project's folder.
    todo
        slide_ids.
    workers
        Processes, at least 1.
    job
        Progress and cancel.
    """
    job.step(0, 0, "Starting to embed")
    left = list(todo)
    with _pool(root, len(todo), workers) as pool:
        try:
            pool.executor.submit(_ready).result()
        except BrokenProcessPool:
            yield from in_this_process(Project.open(root), todo, job)
            return
        for outcome in _collect(pool, list(enumerate(todo)), job):
            left.remove(outcome.slide_id)
            yield outcome
    for slide_id in left:  # a process died, and took the whole pool with it
        i = todo.index(slide_id)
        with _pool(root, len(todo), 1) as pool:
            outcome = next(_collect(pool, [(i, slide_id)], job), _died(slide_id))
        yield outcome


def _died(slide_id: str) -> Outcome:
    what = "The process that embedded it ended unexpectedly (no memory, or a damaged file)"
    return Outcome(slide_id, error=f"{what}. Exclude it, or try it alone.")


@dataclass(frozen=True)
class _Pool:
    executor: ProcessPoolExecutor
    cancel: Event
    fractions: Any


@contextmanager
def _pool(root: Path, slides: int, workers: int) -> Iterator[_Pool]:
    context: SpawnContext = multiprocessing.get_context("spawn")
    cancel, fractions = context.Event(), context.RawArray(c_double, slides)
    executor = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start, initargs=(root, cancel, fractions)
    )
    try:
        yield _Pool(executor, cancel, fractions)
    finally:
        cancel.set()  # after an error or a cancel, workers stop at their next batch
        executor.shutdown(wait=True, cancel_futures=True)


def _collect(pool: _Pool, todo: Sequence[tuple[int, str]], job: Job) -> Iterator[Outcome]:
    """Outcomes as they come; ends early, without an error, if a process died."""
    try:
        waiting: set[Future[Outcome]] = {pool.executor.submit(_work, *item) for item in todo}
    except BrokenProcessPool:
        return
    total = len(pool.fractions)
    done = total - len(todo)
    while waiting:
        finished, waiting = wait(waiting, timeout=_POLL_S, return_when=FIRST_COMPLETED)
        for future in finished:
            try:
                outcome = future.result()
            except BrokenProcessPool:
                return
            done += 1
            yield outcome
        steps = round(_STEPS * sum(pool.fractions))
        job.step(steps, _STEPS * total, f"Embedding slides: {done} of {total} done")


# -- in the worker processes ------------------------------------------------------


@dataclass(frozen=True)
class _Desk:
    project: Project
    encoder: Encoder
    cancel: Event
    fractions: Any


_desk: _Desk | None = None


class _SharedJob(Job):
    """Progress into shared memory, cancel from a shared event."""

    def __init__(self, desk: _Desk, index: int) -> None:
        super().__init__()
        self._desk, self._index = desk, index

    @property
    def cancelled(self) -> bool:
        return self._desk.cancel.is_set()

    def step(self, done: int, total: int, what: str) -> None:
        if self.cancelled:
            raise JobCancelled(what)
        self._desk.fractions[self._index] = done / total if total else 0.0


def _start(root: Path, cancel: Event, fractions: Any) -> None:
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
    _desk = _Desk(project, encoder, cancel, fractions)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _one_thread_each() -> None:
    """The processes share the cores already; BLAS threads on top would only wait."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)


def _ready() -> bool:
    return _desk is not None


def _work(index: int, slide_id: str) -> Outcome:
    if _desk is None:
        raise RuntimeError("the worker was not started")
    outcome = embed_one(_desk.project, slide_id, _desk.encoder, _SharedJob(_desk, index), readers=1)
    _desk.fractions[index] = 1.0
    return outcome
