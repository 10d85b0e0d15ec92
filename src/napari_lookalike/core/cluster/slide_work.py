"""One slide, or some of its tiles, on the desk of a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cluster.desk import Desk, OpenSlide
from napari_lookalike.core.cluster.values import SlidePlan
from napari_lookalike.core.embed.parts import parts_folder
from napari_lookalike.core.embed.plan import Plan
from napari_lookalike.core.embed.prepare import prepare_slide, prepared_again
from napari_lookalike.core.embed.stages import encode_tiles
from napari_lookalike.core.errors import LookalikeError, SlideError
from napari_lookalike.core.feature_folder import stained_identity
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.stain import H_AND_E, guess_stain

Vectors = tuple[NDArray[np.int64], NDArray[np.float32]]

EXPECTED: Final = (
    LookalikeError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
    ArithmeticError,
    LookupError,
)
"""What a slide, a decoder or a network may raise without stopping the others."""

_KEEP_EVERY_S: Final = 5.0
"""A part of a slide takes about twice as long: few files, and early answers all the same."""


def features_path(project: Project, plan: Plan) -> Path:
    """Where the features of a plan come to lie."""
    grid = plan.grid
    return project.features_dir(plan.encoder, grid.tile_px, grid.mpp) / f"{plan.slide_id}.h5"


def plan_of(desk: Desk, slide_id: str, job: Job) -> SlidePlan:
    """Open a slide, and lay down all that decides its features."""
    record, settings = desk.project.cohort[slide_id], desk.order.settings
    slide = desk.project.open_slide(slide_id)
    try:
        stain, reason = record.stain, f"its stain is {record.stain} and not H&E"
        if not stain:
            guess = guess_stain(slide)
            stain, reason = guess.name, f"it does not look like H&E: {guess.reason}"
        if stain != H_AND_E and not settings.other_stains:
            remedy = "Set its stain to H&E, or allow other stains in this project."
            words = f"Not embedded, as {reason.rstrip('.')}. {remedy}"
            slide.close()
            return SlidePlan(reason=words, fingerprint=slide.fingerprint, stain=stain)
        opened = _planned(desk, slide_id, slide, record.level0_tiles, job)
    except BaseException:
        slide.close()
        raise
    desk.keep(slide_id, opened)
    return SlidePlan(plan=opened.prepared.plan, fingerprint=slide.fingerprint, stain=stain)


def _planned(desk: Desk, slide_id: str, slide: Slide, level0_tiles: bool, job: Job) -> OpenSlide:
    settings, spec = desk.order.settings, desk.encoder.spec
    stain = settings.stain_normalisation
    folder = desk.project.features_dir(
        stained_identity(desk.encoder.identity, stain),
        spec.tile_px,
        None if level0_tiles else spec.mpp,
    )
    prepared = prepare_slide(
        slide,
        slide_id,
        desk.encoder,
        tissue=settings.tissue,
        level0_tiles=level0_tiles,
        stain=stain,
        store=parts_folder(folder / f"{slide_id}.h5"),
        job=job,
    )
    return OpenSlide(slide, prepared)


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
        batch=desk.order.batch or None,
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


def explained(error: BaseException) -> str:
    """An error as a sentence that names no file."""
    if isinstance(error, LookalikeError):
        return f"{error.what} {error.remedy}".strip()
    if isinstance(error, MemoryError):
        return "There is not enough memory for it."
    if isinstance(error, OSError):
        return f"It cannot be read ({error.strerror or type(error).__name__})."
    return f"Embedding failed unexpectedly ({type(error).__name__}). Please report it."
