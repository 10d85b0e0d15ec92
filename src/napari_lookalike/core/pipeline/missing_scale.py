"""Slides that do not say how large a pixel is: the user says it for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_lookalike.core.errors import ScaleError, SlideError
from napari_lookalike.core.geometry import MPP_PLAUSIBLE_UM
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project


def give_scale(
    project: Project, mpp: float, slide_ids: Sequence[str] | None = None, job: Job = SILENT
) -> tuple[str, ...]:
    """Write down a scale for the slides that have none, as said by the user.

    Parameters
    ----------
    project
        The project.
    mpp
        µm per level-0 pixel.
    slide_ids
        Which slides are looked at; ``None`` for all that are not excluded.
    job
        Progress and cancel.

    Returns
    -------
    tuple of str
        slide_ids that got it. Slides that state a scale that can be true keep their own.

    Raises
    ------
    ScaleError
        If no microscope has such a scale.
    """
    low, high = MPP_PLAUSIBLE_UM
    if not low <= mpp <= high:
        raise ScaleError(
            f"{mpp:g} µm per pixel is no scale of a slide.",
            f"Give a number between {low:g} and {high:g}; 0.25 is usual at 40x.",
        )
    wanted = [r for r in project.cohort if slide_ids is None or r.slide_id in slide_ids]
    wanted = [r for r in wanted if r.mpp is None and not r.excluded and not r.level0_tiles]
    given = []
    for i, record in enumerate(wanted):
        job.step(i, len(wanted), f"Looking at the scale of {record.slide_id}")
        try:
            with project.open_slide(record.slide_id) as slide:
                known = slide.scale.known
        except SlideError:  # embedding it will tell why
            continue
        if not known:
            given.append(replace(record, mpp=mpp, mpp_source="user"))
    if given:
        project.save(cohort=project.cohort.with_records(given))
    return tuple(record.slide_id for record in given)
