"""What runs in the workers. Every task answers; what it raises would be logged by Dask."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_lookalike import __version__
from napari_lookalike.core.cluster import slide_work
from napari_lookalike.core.cluster.desk import Desk, desk_for, is_stopped
from napari_lookalike.core.cluster.drop import check_url, make_drop
from napari_lookalike.core.cluster.values import Answer, Order, PartDone, SlidePlan
from napari_lookalike.core.embed.plan import Plan
from napari_lookalike.core.errors import (
    ClusterError,
    EncoderError,
    LookalikeError,
    ProjectError,
    SlideError,
)
from napari_lookalike.core.pipeline.embed_one import EXPECTED, explained
from napari_lookalike.core.progress import Job, JobCancelled

A = TypeVar("A", bound=Answer)


def check(order: Order, slide_id: str, fingerprint: str) -> str:
    """Whether this worker can do the work of a run.

    Parameters
    ----------
    order
        The run.
    slide_id, fingerprint
        A slide of it and its content; empty if the client cannot read one itself.

    Returns
    -------
    str
        Why not, as a sentence or two; empty if it can.
    """
    if __version__ != order.version:
        return (
            f"It has napari-lookalike {__version__}, not {order.version}. Install the "
            "same version on all machines."
        )
    try:
        desk = desk_for(order)
        if order.url:
            check_url(order.url)
        if slide_id:
            with desk.project.open_slide(slide_id) as slide:
                if slide.fingerprint != fingerprint:
                    return f"Slide {slide_id} is another file there. Mount the same folder."
    except ProjectError as error:
        return f"It cannot read the project ({error.what.rstrip('.')}). Mount its folder there."
    except SlideError as error:
        return (
            f"It cannot read slide {slide_id} ({error.what.rstrip('.')}). Mount its folder there."
        )
    except (EncoderError, ClusterError) as error:
        return f"{error.what} {error.remedy}".strip()
    except (OSError, MemoryError, RuntimeError, ValueError) as error:
        return f"It could not load the encoder ({type(error).__name__})."
    return ""


def prepare(order: Order, slide_id: str) -> SlidePlan:
    """Tissue, tiles and stain of a slide; it stays open for its parts."""
    return _answered(SlidePlan, lambda: _prepare(_desk(order), slide_id))


def embed_part(order: Order, slide_id: str, plan: Plan, indices: NDArray[np.int64]) -> PartDone:
    """Embed some tiles of a slide.

    Parameters
    ----------
    order
        The run.
    slide_id
        The slide.
    plan
        From `prepare`. It comes with every part: as a result that Dask keeps, it would be
        computed again whenever the worker that has it dies.
    indices
        int64 (n,): which tiles.
    """
    return _answered(PartDone, lambda: _embed(_desk(order), slide_id, plan, indices))


class _Unfit(Exception):
    """The worker cannot work for a run, as a sentence."""


def _desk(order: Order) -> Desk:
    try:
        return desk_for(order)
    except LookalikeError as error:
        raise _Unfit(f"{error.what} {error.remedy}".strip()) from None


def _answered(kind: type[A], work: Callable[[], A]) -> A:
    """An answer, whatever happens."""
    try:
        answer = work()
    except JobCancelled:
        answer = kind(stopped=True)
    except _Unfit as why:
        answer = kind(unfit=str(why))
    except EXPECTED as error:
        answer = kind(error=explained(error))
    return replace(answer, worker=_address())


def _address() -> str:
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:  # no worker: a test
        return ""


def _prepare(desk: Desk, slide_id: str) -> SlidePlan:
    job = _RunJob(desk.order.run)
    with desk.work:
        prepared = slide_work.plan_of(desk, slide_id, job)
    if prepared.plan is not None:
        with contextlib.suppress(LookalikeError, OSError):  # it is made again when asked for
            desk.project.thumbnail(slide_id)
    return prepared


def _embed(desk: Desk, slide_id: str, plan: Plan, indices: NDArray[np.int64]) -> PartDone:
    order = desk.order
    drop = make_drop(desk.feature_file(slide_id), order.url, desk.project.root / "features")
    job = _RunJob(order.run)
    with desk.work:
        started = time.perf_counter()
        names = []
        done = 0
        for chosen, vectors in slide_work.vectors(desk, slide_id, plan, indices, job):
            names.append(drop.put(plan, chosen, vectors))
            done += len(chosen)
            _tell(order, slide_id, len(chosen))
        seconds = time.perf_counter() - started
    return PartDone(tiles=done, names=tuple(names), seconds=seconds)


class _RunJob(Job):
    """Cancel by the run's name; progress to whoever listens on the cluster."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    @property
    def cancelled(self) -> bool:
        return is_stopped(self._run)

    def step(self, done: int, total: int, what: str) -> None:
        if self.cancelled:
            raise JobCancelled(what)


def _tell(order: Order, slide_id: str, tiles: int) -> None:
    """Progress within a part, to the client if it listens."""
    from distributed import get_worker

    with contextlib.suppress(ValueError):  # not in a worker: a test
        get_worker().log_event(order.run, {"slide_id": slide_id, "tiles": tiles})
