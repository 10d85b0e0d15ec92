"""Small cohorts with invented embeddings, for tests of suggestions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.results import ModelResults, SlideResult


def cohort_of(*slides: tuple[str, str, str], **changes: dict[str, object]) -> Cohort:
    """(slide_id, label, patient) -> cohort; ``s1={"excluded": True}`` changes a record."""
    return Cohort(
        tuple(
            SlideRecord(s, Path(f"{s}.tif"), patient, label, **changes.get(s, {}))
            for s, label, patient in slides
        )
    )


def results_of(classes, **said) -> ModelResults:
    """slide_id=(embedding, probabilities[, other fields of `SlideResult`])."""
    slides = {}
    for slide_id, (z, p, *more) in said.items():
        options = {"held_out": True, "fold": 0} | (more[0] if more else {})
        slides[slide_id] = SlideResult(
            slide_id,
            np.array(p, np.float32),
            np.array(z, np.float32),
            np.zeros((1, 1), np.float32),
            **options,
        )
    return ModelResults("m001", tuple(classes), slides)


def angle(degrees: float) -> tuple[float, float]:
    """A unit vector in the plane: cosines can be reckoned by hand."""
    return float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
