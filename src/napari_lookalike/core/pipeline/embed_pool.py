"""Several processes that share the cores: for the encoder that ships, on the CPU.

Each process takes a slide (its owner: finds the tissue, makes the feature file). When no
slide is left to begin, it helps with those that others have begun. The tiles of a slide are
dealt out block by block from a counter in shared memory; who did what is of no importance,
since all write parts into the same store.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Final

from napari_lookalike.core.embed.stages import cores
from napari_lookalike.core.embed.timing import Rate, duration
from napari_lookalike.core.pipeline.embed_here import in_this_process
from napari_lookalike.core.pipeline.embed_one import EmbedOptions, Outcome
from napari_lookalike.core.pipeline.embed_worker import Board, help_others, ready, start, work
from napari_lookalike.core.processes import WorkerPool
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project

__all__ = ["MAX_WORKERS", "cores", "in_processes"]

MAX_WORKERS: Final = 16
"""Each holds a slide and some batches of tiles in memory."""

_POLL_S: Final = 0.1
_STEPS: Final = 1000


def in_processes(
    root: Path,
    todo: Sequence[str],
    workers: int,
    job: Job,
    options: EmbedOptions | None = None,
) -> Iterator[Outcome]:
    """Embed slides, several at a time and several processes to a slide.

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
    options
        How; the defaults if ``None``.
    """
    options = options or EmbedOptions()
    job.step(0, 0, "Starting to embed")
    new, suspects, busy = list(enumerate(todo)), [], []
    while new:
        with _pool(root, len(todo), workers, options) as pool:
            if not _starts(pool):
                yield from in_this_process(Project.open(root), [s for _, s in new], job, options)
                return
            for outcome in _collect(pool, new, workers, job):
                new = [item for item in new if item[1] != outcome.slide_id]
                if outcome.busy:
                    busy.append(outcome.slide_id)
                else:
                    yield outcome
            # a process died, and took the whole pool with it: one of these killed it
            died = [item for item in new if pool.board.begun[item[0]]] or new[:1]
            suspects += died
            new = [item for item in new if item not in died]
    for item in suspects:
        with _pool(root, len(todo), 1, options) as alone:
            outcome = next(_collect(alone, [item], 1, job), _died(item[1]))
        if outcome.busy:
            busy.append(item[1])
        else:
            yield outcome
    if busy:  # other programs were at these; they are finished there, or here
        yield from in_this_process(Project.open(root), busy, job, options)


def _starts(pool: _Pool) -> bool:
    try:
        return pool.executor.submit(ready).result()
    except BrokenProcessPool:
        return False


def _died(slide_id: str) -> Outcome:
    what = "The process that embedded it ended unexpectedly (no memory, or a damaged file)"
    return Outcome(slide_id, error=f"{what}. Exclude it, or try it alone.")


@dataclass(frozen=True)
class _Pool:
    executor: WorkerPool
    board: Board
    rate: Rate = field(default_factory=Rate)


@contextmanager
def _pool(root: Path, slides: int, workers: int, options: EmbedOptions) -> Iterator[_Pool]:
    context: SpawnContext = multiprocessing.get_context("spawn")
    board = Board.make(context, slides)
    executor = WorkerPool(workers, initializer=start, initargs=(root, options, board))
    try:
        yield _Pool(executor, board)
    finally:
        board.cancel.set()  # after an error or a cancel, workers stop at their next batch
        executor.shutdown(wait=True, cancel_futures=True)


def _collect(
    pool: _Pool, todo: Sequence[tuple[int, str]], workers: int, job: Job
) -> Iterator[Outcome]:
    """Outcomes as they come; ends early, without an error, if a process died."""
    try:
        waiting: set[Future[Outcome]] = {pool.executor.submit(work, *item) for item in todo}
        helpers = [pool.executor.submit(help_others, list(todo)) for _ in range(workers - 1)]
    except BrokenProcessPool:
        return
    total = len(pool.board.tiles)
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
        _say(pool, done, total, workers, job)
    for helper in helpers:
        helper.cancel()


def _say(pool: _Pool, done: int, total: int, workers: int, job: Job) -> None:
    board = pool.board
    shares = [1.0 if board.over[i] else _share_of(board, i) for i in range(total)]
    embedded, known = sum(board.done), [t for t in board.tiles if t]
    pool.rate.note(embedded)
    text = f"{done} of {total} slides done" if total > 1 else "Embedding"
    if known:
        rate = pool.rate.per_second
        text += f", {embedded:,} tiles"
        if rate > 0:
            # slides that nobody looked at yet are taken to be as large as the others
            unseen = total - sum(board.begun)
            left = sum(known) - sum(board.had) - embedded + unseen * sum(known) / len(known)
            text += f", {rate:.0f} tiles/s, {duration(max(0.0, left) / rate)} left"
        text += f", on {workers} processes of the CPU" if workers > 1 else ", on the CPU"
    job.step(round(_STEPS * sum(shares)), _STEPS * total, text)


def _share_of(board: Board, index: int) -> float:
    there, wanted = board.had[index] + board.done[index], board.tiles[index]
    return min(1.0, there / wanted) if wanted else 0.0
