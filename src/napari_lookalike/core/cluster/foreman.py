"""Gives out the parts of a run, takes in the answers, and makes the feature files."""

from __future__ import annotations

import contextlib
import math
import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from napari_lookalike.core.cluster.crew import Crew, reaching
from napari_lookalike.core.cluster.dispatch import Dispatch
from napari_lookalike.core.cluster.drop import Drop, UrlDrop, make_drop
from napari_lookalike.core.cluster.report import Progress
from napari_lookalike.core.cluster.tasks import embed_part, prepare
from napari_lookalike.core.cluster.values import Answer, Order, Part, PartDone, SlidePlan
from napari_lookalike.core.embed.claim import Watch, claim
from napari_lookalike.core.embed.parts import PartStore, discard, parts_folder, seed
from napari_lookalike.core.embed.stopping import forget_to_stop, stop_is_wanted
from napari_lookalike.core.encoders import encoder_spec
from napari_lookalike.core.errors import ClusterError, FeatureError
from napari_lookalike.core.pipeline.embed_here import WAIT_S
from napari_lookalike.core.pipeline.embed_one import EXPECTED, Outcome, explained
from napari_lookalike.core.pipeline.embed_state import feature_file, standing
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project

AHEAD: Final = 2
"""Parts that a worker has: one at work, one that waits, so that it is never idle."""

_TRIES: Final = 2
"""How often a part may lose its workers: Dask itself tries it some times each time."""

_ANSWER_S: Final = 60.0
_RESCUE_S: Final = 2.0
_LAG_S: Final = 60.0
_POLL_S: Final = 0.2


@dataclass(eq=False)
class _Running:
    """A slide that is being embedded."""

    learnt: Outcome
    store: PartStore
    path: Path
    drop: Drop
    wanted: int
    names: list[str] = field(default_factory=list)
    tiles: int = 0
    error: str = ""
    rounds: int = 0
    since: float = 0.0
    stopped: bool = False


@dataclass(eq=False)
class _Out:
    """A task that is out."""

    worker: str
    slide_id: str
    part: Part | None = None
    missed: int = 0


class Foreman:
    """One run on the client's side.

    Parameters
    ----------
    client
        A `distributed.Client`.
    order
        The run.
    project
        The project.
    slide_ids
        Slides to do.
    crew
        The workers, already checked.
    """

    def __init__(
        self,
        client: Any,
        order: Order,
        project: Project,
        slide_ids: Sequence[str],
        crew: Crew,
    ) -> None:
        self._client, self._order, self._project, self._crew = client, order, project, crew
        self._stop_at = order.options.stop_at
        self._dispatch = Dispatch(slide_ids)
        self._progress = Progress(len(slide_ids))
        self._out: dict[str, _Out] = {}
        self._futures: dict[str, Any] = {}
        self._answered: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._claims: dict[str, ExitStack] = {}
        self._running: dict[str, _Running] = {}
        self._ready: list[Outcome] = []
        self._tries: Counter[str] = Counter()
        self._busy: dict[str, float] = {}
        self._watch = Watch()
        self._spec = encoder_spec(order.settings.encoder)
        self._rescued = 0.0
        client.subscribe_topic(order.run, self._progress.heard)

    def outcomes(self, job: Job) -> Iterator[Outcome]:
        """Outcomes as they come, until all slides have one."""
        while not self._dispatch.ended or self._out or self._ready or self._busy:
            self._look_at_busy()
            for worker in self._crew.look():
                self._dispatch.forget(worker)
            self._rescue()
            self._give_out()
            self._take_in()
            for slide_id in list(self._running):
                self._try_to_finish(slide_id)
            while self._ready:
                self._progress.finished += 1
                yield self._ready.pop()
            if self._crew.hopeless:
                raise self._crew.refused()
            job.step(*self._progress.step(len(self._crew.fit), len(self._crew.unfit)))

    def close(self) -> None:
        """Take back what is out, and let other programs have the slides."""
        with contextlib.suppress(ClusterError), reaching():
            self._client.unsubscribe_topic(self._order.run)
            self._client.cancel(list(self._futures.values()))
        self._futures.clear()
        for claimed in self._claims.values():
            claimed.close()

    # -- giving out ---------------------------------------------------------------

    def _give_out(self) -> None:
        has = Counter(out.worker for out in self._out.values())
        # Who prepares a slide will have enough to do with it.
        begins = {out.worker for out in self._out.values() if out.part is None}
        # Nobody is to die with a part that killed a worker before.
        alone = {out.worker for out in self._out.values() if out.part and out.part.tries}
        for worker in sorted(self._crew.fit - begins - alone):
            while has[worker] < AHEAD:
                slide_id = None if has[worker] else self._dispatch.next_slide(worker)
                if slide_id is not None:
                    if self._begin(slide_id, worker):
                        break
                    continue
                part = self._dispatch.next_part(worker, len(self._crew.fit), not has[worker])
                if part is None:
                    break
                plan = self._running[part.slide_id].store.plan
                self._submit(_Out(worker, part.slide_id, part), embed_part, plan, part.indices)
                has[worker] += 1
                if part.tries:
                    break

    def _begin(self, slide_id: str, worker: str) -> bool:
        """Have a slide prepared, if no other program is at it."""
        if slide_id not in self._claims:
            self._claims[slide_id] = stack = ExitStack()
            try:
                mine = stack.enter_context(claim(self._file(slide_id), self._watch))
                if mine and self._is_finished(slide_id):
                    return False
            except OSError as error:
                self._outcome(Outcome(slide_id, error=explained(error)))
                return False
            if not mine:
                self._claims.pop(slide_id).close()
                self._busy[slide_id] = time.monotonic() + WAIT_S
                return False
        self._submit(_Out(worker, slide_id), prepare)
        return True

    def _is_finished(self, slide_id: str) -> bool:
        """Whether another program has finished a slide meanwhile."""
        if self._order.options.again:
            discard(parts_folder(self._file(slide_id)))
            return False
        record = self._project.cohort[slide_id]
        had = standing(self._project, record, self._spec, self._order.identity).coverage
        if had < self._stop_at:
            return False
        self._outcome(Outcome(slide_id, elsewhere=True, coverage=had))
        return True

    def _file(self, slide_id: str) -> Path:
        record = self._project.cohort[slide_id]
        return feature_file(self._project, record, self._spec, self._order.identity)

    def _look_at_busy(self) -> None:
        """Slides that another program was at are tried again."""
        for slide_id in [s for s, when in self._busy.items() if when < time.monotonic()]:
            del self._busy[slide_id]
            self._dispatch.later(slide_id)

    def _submit(self, out: _Out, task: Callable[..., Any], *arguments: Any) -> None:
        key = f"{self._order.run}-{out.slide_id}-{uuid.uuid4().hex[:8]}"
        with reaching():
            future = self._client.submit(
                task,
                self._order,
                out.slide_id,
                *arguments,
                key=key,
                pure=False,
                workers=[out.worker],
                allow_other_workers=True,
            )
        self._out[key], self._futures[key] = out, future
        future.add_done_callback(self._answered.put)

    # -- taking in ----------------------------------------------------------------

    def _take_in(self) -> None:
        """Take in what has come, and wait a little if nothing has."""
        with contextlib.suppress(queue.Empty):
            self._take(self._answered.get(timeout=_POLL_S))
            while True:
                self._take(self._answered.get_nowait())

    def _take(self, future: Any) -> None:
        out = self._out.pop(future.key, None)
        if out is None:
            return
        answer = self._answer(future)
        del self._futures[future.key]
        if answer is None:
            self._without_answer(out, future)
        elif answer.unfit:
            self._crew.dismiss(answer.worker, answer.unfit)
            self._return(out)
        elif isinstance(answer, SlidePlan):
            self._prepared(out.slide_id, answer)
        elif isinstance(answer, PartDone) and out.part is not None:
            self._part_done(out.part, answer)

    def _answer(self, future: Any) -> Answer | None:
        if future.status != "finished":
            return None
        try:
            answer = future.result(timeout=_ANSWER_S)
        except (OSError, TimeoutError, CancelledError, RuntimeError):
            return None  # it died with the answer in its hands
        return answer if isinstance(answer, Answer) else None

    def _without_answer(self, out: _Out, future: Any) -> None:
        """A task that took its workers with it, or that Dask lost."""
        tries = self._tries[out.slide_id] if out.part is None else out.part.tries
        if future.status == "error" and not _killed(future):
            what = f"Embedding failed unexpectedly ({type(future.exception()).__name__})"
            self._fail(out, f"{what}. Please report it.")
        elif tries + 1 >= _TRIES:
            what = "The worker processes that embedded it ended unexpectedly (no memory, or a"
            self._fail(out, f"{what} damaged file). Exclude it, or try it alone.")
        else:
            self._return(out)

    def _return(self, out: _Out, blame: bool = True) -> None:
        if out.part is not None:
            self._dispatch.lost(out.part, blame)
        else:
            self._dispatch.again(out.slide_id)
            self._tries[out.slide_id] += blame

    def _rescue(self) -> None:
        """Take back tasks that Dask has with nobody.

        It gives the tasks of a worker that died to others; but if there is none at that
        moment, they wait for that worker's address for ever, whoever comes later.
        """
        orphans = {k: o for k, o in self._out.items() if o.worker not in self._crew.fit}
        if not orphans or not self._crew.fit or time.monotonic() - self._rescued < _RESCUE_S:
            return
        self._rescued = time.monotonic()
        with reaching():
            held = {key for keys in self._client.processing().values() for key in keys}
        for key, out in orphans.items():
            out.missed = 0 if key in held else out.missed + 1
            if out.missed > 1 and self._futures[key].status == "pending":
                with reaching():
                    self._client.cancel([self._futures.pop(key)], force=True)
                del self._out[key]
                self._return(out, blame=False)

    def _fail(self, out: _Out, error: str) -> None:
        if out.part is None:
            self._outcome(Outcome(out.slide_id, error=error))
        else:
            self._dispatch.came_back(out.part, out.worker, 0, 0.0)
            self._failed(out.slide_id, error)

    def _prepared(self, slide_id: str, prepared: SlidePlan) -> None:
        plan, learnt = prepared.plan, prepared.learnt or Outcome(slide_id)
        if plan is None:
            self._outcome(replace(learnt, error=prepared.error))
            return
        path = self._file(slide_id)
        drop = make_drop(path, self._order.url, self._project.root / "features")
        try:
            store = PartStore(parts_folder(path), plan)
            if not self._order.options.again:
                seed(store, path)
            forget_to_stop(store.folder)
            if isinstance(drop, UrlDrop) and not self._order.options.again:
                drop.fetch_left(plan)
            missing = store.missing()
        except EXPECTED as error:
            self._outcome(replace(learnt, error=explained(error)))
            return
        wanted = math.ceil(len(plan.grid) * self._stop_at - 1e-9)
        self._running[slide_id] = _Running(learnt, store, path, drop, wanted)
        missing = missing[: max(0, wanted - store.done)]
        self._progress.begin(slide_id, wanted - len(missing), wanted)
        self._dispatch.prepared(slide_id, prepared.worker, missing)

    def _part_done(self, part: Part, answer: PartDone) -> None:
        running = self._running[part.slide_id]
        self._dispatch.came_back(part, answer.worker, answer.tiles, answer.seconds)
        if answer.error:
            self._failed(part.slide_id, answer.error)
        with contextlib.suppress(OSError):  # tried again at the end of the slide
            running.drop.arrived(answer.names)
        running.names += answer.names
        running.tiles += answer.tiles
        self._progress.has(part.slide_id, running.tiles)

    # -- finishing ----------------------------------------------------------------

    def _failed(self, slide_id: str, error: str) -> None:
        running = self._running[slide_id]
        running.error = running.error or error
        self._dispatch.stop(slide_id)

    def _outcome(self, outcome: Outcome) -> None:
        self._ready.append(outcome)
        self._claims.pop(outcome.slide_id).close()
        self._progress.end(outcome.slide_id)

    def _try_to_finish(self, slide_id: str) -> None:
        running = self._running[slide_id]
        if self._is_enough(running):
            running.stopped, running.wanted = True, 0
            self._dispatch.stop(slide_id)
        if not self._dispatch.is_done(slide_id):
            return
        try:
            if not running.error and not self._all_there(slide_id, running):
                return
            if not running.error:
                running.store.finish(running.path, partial=True)
                running.drop.close(running.path)
        except EXPECTED as error:
            running.error = explained(error)
        del self._running[slide_id]
        self._dispatch.close(slide_id)
        store = running.store
        done = (
            Outcome(slide_id)
            if running.error
            else replace(running.learnt, tiles=store.done, coverage=store.coverage)
        )
        self._outcome(replace(done, error=running.error))

    def _is_enough(self, running: _Running) -> bool:
        """Whether somebody asked to stop a slide here (`stopping.ask_to_stop`)."""
        some = bool(running.names) or running.store.done > 0
        return some and not running.stopped and stop_is_wanted(running.store.folder)

    def _all_there(self, slide_id: str, running: _Running) -> bool:
        """Whether all parts are in the store; what is missing is given out again."""
        if not running.drop.arrived(running.names):
            running.since = running.since or time.monotonic()
            if time.monotonic() - running.since < _LAG_S:
                return False  # a shared folder shows some files late
        missing = running.store.missing()
        lacking = missing[: max(0, running.wanted - running.store.done)]
        if not len(lacking):
            return True
        running.rounds, running.since, running.names = running.rounds + 1, 0.0, []
        if running.rounds >= _TRIES:
            raise FeatureError(
                "Parts of its features are lost again and again.",
                "Check the folder or the place that the workers write to.",
            )
        self._dispatch.more(slide_id, lacking)
        return False


def _killed(future: Any) -> bool:
    from distributed import KilledWorker

    return isinstance(future.exception(), KilledWorker)
