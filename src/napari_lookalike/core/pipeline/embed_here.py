"""Slides one after another in this process: networks, which use all cores or a GPU."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from napari_lookalike.core.devices import device_title
from napari_lookalike.core.embed.claim import Watch
from napari_lookalike.core.embed.timing import duration
from napari_lookalike.core.pipeline.embed_one import EmbedOptions, Outcome, embed_one
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project

WAIT_S: Final = 1.0
"""A slide that another process embeds is looked at again so often."""

_EARLY_S, _EARLY = 10.0, 0.02
"""Before so long, or with so little done, nobody can tell how long the cohort will take."""


def in_this_process(
    project: Project, todo: Sequence[str], job: Job, options: EmbedOptions | None = None
) -> Iterator[Outcome]:
    """Embed slides one after another; threads read ahead.

    Slides that another process is at come last. They are waited for, and taken over if that
    process ends without finishing them.

    Parameters
    ----------
    project
        The project.
    todo
        slide_ids.
    job
        Progress and cancel.
    options
        How; the defaults if ``None``.
    """
    from napari_lookalike.core.encoders import load_encoder

    options, settings = options or EmbedOptions(), project.settings
    job.step(0, 0, f"Loading the encoder {settings.encoder}")
    encoder = load_encoder(settings.encoder, weights=settings.weights_path, device=options.device)
    if options.compiled:
        encoder.compile()
    left, watch, busy = deque(todo), Watch(), 0
    cohort = CohortJob(job, len(todo), f", on {device_title(encoder.device)}")
    while left:
        slide_id = left.popleft()
        number = cohort.done + 1
        outcome = embed_one(
            project, slide_id, encoder, cohort.slide(number, busy > 0), options, watch=watch
        )
        if not outcome.busy:
            busy = 0
            cohort.done += 1
            yield outcome
            continue
        left.append(slide_id)
        busy += 1
        if busy >= len(left):  # others are at all that is left
            wait_for_others(slide_id, cohort)
            busy = 0


def wait_for_others(slide_id: str, cohort: CohortJob) -> None:
    """Some time passes; the job can be cancelled meanwhile."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        cohort.say(f"Waiting for {slide_id}, which another program embeds")
        time.sleep(0.05)


class CohortJob:
    """Progress over slides: which one, and how long all will take.

    Parameters
    ----------
    job
        Progress and cancel of the whole.
    slides
        How many there are to do.
    where
        What each step ends with: the device.

    Attributes
    ----------
    done
        Slides that are finished.
    """

    def __init__(self, job: Job, slides: int, where: str = "") -> None:
        self._job, self._slides, self._where = job, slides, where
        self._started = time.monotonic()
        self.done = 0

    def slide(self, number: int, again: bool = False) -> Job:
        """The job of the next slide, the ``number``-th of all."""
        name = f"Slide {number} of {self._slides}, " if self._slides > 1 and not again else ""
        whole = self

        class One(Job):
            @property
            def cancelled(self) -> bool:
                return whole._job.cancelled

            def step(self, done: int, total: int, what: str) -> None:
                what = f"{name}{what}{whole._where if total else ''}"
                whole.say(what, done / total if total else 0.0)

        return One()

    def say(self, what: str, part: float = 0.0) -> None:
        """Pass a step on; raises `JobCancelled` if the whole was cancelled."""
        share = (self.done + part) / self._slides
        passed = time.monotonic() - self._started
        if self._slides > 1 and passed > _EARLY_S and share > _EARLY:
            what = f"{what}; all slides: {duration(passed / share * (1 - share))} left"
        self._job.step(round(1000 * (self.done + part)), 1000 * self._slides, what)
