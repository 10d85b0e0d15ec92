"""One slide, or some of its tiles, on the desk of a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cluster.desk import Desk, OpenSlide
from napari_lookalike.core.cluster.values import SlidePlan
from napari_lookalike.core.embed.parts import parts_folder
from napari_lookalike.core.embed.plan import Plan
from napari_lookalike.core.embed.prepare import prepare_slide, prepared_again
from napari_lookalike.core.embed.stages import encode_tiles
from napari_lookalike.core.errors import SlideError
from napari_lookalike.core.pipeline.embed_one import judged
from napari_lookalike.core.progress import Job
from napari_lookalike.core.stain import H_AND_E

Vectors = tuple[NDArray[np.int64], NDArray[np.float32]]

_KEEP_EVERY_S: Final = 5.0
"""A part of a slide takes about twice as long: few files, and early answers all the same."""


def plan_of(desk: Desk, slide_id: str, job: Job) -> SlidePlan:
    """Open a slide, and lay down all that decides its features."""
    record, settings = desk.project.cohort[slide_id], desk.order.settings
    slide = desk.project.open_slide(slide_id)
    try:
        learnt = judged(slide, record, settings)
        if learnt.reason:
            slide.close()
            return SlidePlan(learnt=learnt)
        prepared = prepare_slide(
            slide,
            slide_id,
            desk.encoder,
            tissue=settings.tissue,
            level0_tiles=record.level0_tiles,
            stain=settings.stain_normalisation,
            h_and_e=learnt.stain == H_AND_E,
            store=parts_folder(desk.feature_file(slide_id)),
            job=job,
        )
    except BaseException:
        slide.close()
        raise
    desk.keep(slide_id, OpenSlide(slide, prepared))
    return SlidePlan(plan=prepared.plan, learnt=learnt)


def vectors(
    desk: Desk, slide_id: str, plan: Plan, indices: NDArray[np.int64], job: Job
) -> Iterator[Vectors]:
    """Vectors of some tiles, some seconds' worth at a time."""
    if not len(indices):
        return
    opened = desk.opened(slide_id) or _reopened(desk, slide_id, plan)
    if opened.prepared.plan.digest != plan.digest:  # prepared again after a worker had died
        opened = _reopened(desk, slide_id, plan)
    stream = encode_tiles(
        opened.slide,
        plan.grid,
        indices,
        opened.prepared.encoder,
        colours=opened.prepared.colours,
        batch=desk.order.options.batch or None,
        job=job,
    )
    kept: list[Vectors] = []
    since = time.monotonic()
    try:
        for chosen, found in stream:
            kept.append((chosen, np.array(found)))
            if time.monotonic() - since > _KEEP_EVERY_S:
                yield _joined(kept)
                kept, since = [], time.monotonic()
        if kept:
            yield _joined(kept)
    finally:
        stream.close()


def _joined(kept: list[Vectors]) -> Vectors:
    indices, found = zip(*kept, strict=True)
    return np.concatenate(indices), np.concatenate(found)


def _reopened(desk: Desk, slide_id: str, plan: Plan) -> OpenSlide:
    """A slide that another worker has prepared."""
    slide = desk.project.open_slide(slide_id)
    try:
        if slide.fingerprint != plan.fingerprint:
            raise SlideError("One worker reads another file than the others.", "Mount one folder.")
        prepared = prepared_again(plan, slide, desk.encoder)
    except BaseException:
        slide.close()
        raise
    return desk.keep(slide_id, OpenSlide(slide, prepared))
