"""Gives out the parts of a run, takes in the answers, and makes the feature files."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from napari_lookalike.core.cluster.crew import Crew
from napari_lookalike.core.cluster.dispatch import Dispatch
from napari_lookalike.core.cluster.drop import make_drop
from napari_lookalike.core.cluster.errands import Errand, Errands
from napari_lookalike.core.cluster.report import Progress
from napari_lookalike.core.cluster.slide_in_hand import SlideInHand
from napari_lookalike.core.cluster.tasks import embed_part, prepare
from napari_lookalike.core.cluster.values import Answer, Order, Part, PartDone, SlidePlan
from napari_lookalike.core.embed.claim import Watch, claim
from napari_lookalike.core.embed.parts import discard, parts_folder
from napari_lookalike.core.encoders import encoder_spec
from napari_lookalike.core.pipeline.embed_here import WAIT_S
from napari_lookalike.core.pipeline.embed_one import EXPECTED, Outcome, explained
from napari_lookalike.core.pipeline.embed_state import feature_file, standing
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project

AHEAD: Final = 2
"""Parts that a worker has: one at work, one that waits, so that it is never idle."""

_TRIES: Final = 2
"""How often a part may lose its workers: Dask itself tries it some times each time."""


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
        self._order, self._project, self._crew = order, project, crew
        self._stop_at = order.options.stop_at
        self._dispatch = Dispatch(slide_ids)
        self._progress = Progress(len(slide_ids))
        self._errands = Errands(client, order)
        self._claims: dict[str, ExitStack] = {}
        self._in_hand: dict[str, SlideInHand] = {}
        self._ready: list[Outcome] = []
        self._tries: Counter[str] = Counter()
        self._busy: dict[str, float] = {}
        self._watch = Watch()
        self._spec = encoder_spec(order.settings.encoder)
        client.subscribe_topic(order.run, self._progress.heard)

    def outcomes(self, job: Job) -> Iterator[Outcome]:
        """Outcomes as they come, until all slides have one."""
        while not self._dispatch.ended or self._errands or self._ready or self._busy:
            self._look_at_busy()
            for worker in self._crew.look():
                self._dispatch.forget(worker)
            for errand in self._errands.forgotten(self._crew.fit):
                self._return(errand, blame=False)
            self._give_out()
            for answered in self._errands.answered():
                self._take(*answered)
            for slide_id in list(self._in_hand):
                self._try_to_finish(slide_id)
            while self._ready:
                self._progress.finished += 1
                yield self._ready.pop()
            if self._crew.hopeless:
                raise self._crew.refused()
            job.step(*self._progress.step(len(self._crew.fit), len(self._crew.unfit)))

    def close(self) -> None:
        """Take back what is out, and let other programs have the slides."""
        self._errands.close()
        for claimed in self._claims.values():
            claimed.close()

    # -- giving out ---------------------------------------------------------------

    def _give_out(self) -> None:
        has = Counter(errand.worker for errand in self._errands)
        # Who prepares a slide will have enough to do with it.
        begins = {errand.worker for errand in self._errands if errand.part is None}
        # Nobody is to die with a part that killed a worker before.
        alone = {e.worker for e in self._errands if e.part and e.part.tries}
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
                plan = self._in_hand[part.slide_id].store.plan
                errand = Errand(worker, part.slide_id, part)
                self._errands.submit(errand, embed_part, plan, part.indices)
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
        self._errands.submit(Errand(worker, slide_id), prepare)
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

    # -- taking in ----------------------------------------------------------------

    def _take(self, out: Errand, answer: Answer | None, future: Any) -> None:
        if answer is None:
            self._without_answer(out, future)
        elif answer.unfit:
            self._crew.dismiss(answer.worker, answer.unfit)
            self._return(out)
        elif isinstance(answer, SlidePlan):
            self._prepared(out.slide_id, answer)
        elif isinstance(answer, PartDone) and out.part is not None:
            self._part_done(out.part, answer)

    def _without_answer(self, out: Errand, future: Any) -> None:
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

    def _return(self, out: Errand, blame: bool = True) -> None:
        if out.part is not None:
            self._dispatch.lost(out.part, blame)
        else:
            self._dispatch.again(out.slide_id)
            self._tries[out.slide_id] += blame

    def _fail(self, out: Errand, error: str) -> None:
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
            slide = SlideInHand.begin(learnt, plan, path, drop, self._order.options)
            missing = slide.missing()
        except EXPECTED as error:
            self._outcome(replace(learnt, error=explained(error)))
            return
        self._in_hand[slide_id] = slide
        self._progress.begin(slide_id, slide.wanted - len(missing), slide.wanted)
        self._dispatch.prepared(slide_id, prepared.worker, missing)

    def _part_done(self, part: Part, answer: PartDone) -> None:
        slide = self._in_hand[part.slide_id]
        self._dispatch.came_back(part, answer.worker, answer.tiles, answer.seconds)
        if answer.error:
            self._failed(part.slide_id, answer.error)
        slide.take(answer)
        self._progress.has(part.slide_id, slide.tiles)

    # -- finishing ----------------------------------------------------------------

    def _failed(self, slide_id: str, error: str) -> None:
        slide = self._in_hand[slide_id]
        slide.error = slide.error or error
        self._dispatch.stop(slide_id)

    def _outcome(self, outcome: Outcome) -> None:
        self._ready.append(outcome)
        self._claims.pop(outcome.slide_id).close()
        self._progress.end(outcome.slide_id)

    def _try_to_finish(self, slide_id: str) -> None:
        slide = self._in_hand[slide_id]
        if slide.is_enough():
            slide.stopped, slide.wanted = True, 0
            self._dispatch.stop(slide_id)
        if not self._dispatch.is_done(slide_id):
            return
        try:
            if not slide.error:
                lost = slide.lost()
                if lost is None:
                    return
                if len(lost):
                    self._dispatch.more(slide_id, lost)
                    return
                slide.finish()
        except EXPECTED as error:
            slide.error = explained(error)
        del self._in_hand[slide_id]
        self._dispatch.close(slide_id)
        self._outcome(slide.outcome(slide_id))


def _killed(future: Any) -> bool:
    from distributed import KilledWorker

    return isinstance(future.exception(), KilledWorker)
