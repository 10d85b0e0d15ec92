"""What a model says of every slide, as columns: the list of cases reads thousands at once."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.prediction import case_probabilities
from napari_lookalike.core.results import ModelResults


@dataclass(frozen=True, eq=False)
class Said:
    """One model version's answers.

    Parameters
    ----------
    row_of
        slide_id -> row of the columns.
    first
        Most probable subtype of each slide.
    probability
        Of that subtype, 0 to 1.
    margin
        Probability of the first subtype minus that of the second.
    held_out, unlike
        See `core.results.SlideResult`.
    probabilities
        float (n_slides, n_classes).
    classes
        Their names.
    """

    row_of: dict[str, int]
    first: list[str]
    probability: list[float]
    margin: list[float]
    held_out: list[bool]
    unlike: list[bool]
    probabilities: NDArray[np.float64]
    classes: tuple[str, ...]

    def cases(self, rows: Sequence[Sequence[int]]) -> list[tuple[str, float | None]]:
        """(first subtype, probability) of cases; ("", None) where nothing is said.

        Parameters
        ----------
        rows
            For each case the rows of its slides.
        """
        known = [i for i, slides in enumerate(rows) if slides]
        found: list[tuple[str, float | None]] = [("", None)] * len(rows)
        if not known:
            return found
        case = np.repeat(np.arange(len(known)), [len(rows[i]) for i in known])
        flat = np.fromiter((r for i in known for r in rows[i]), np.intp, len(case))
        together = case_probabilities(self.probabilities[flat], case)
        top = together.argmax(axis=1)
        best = together[np.arange(len(top)), top].tolist()
        for i, t, p in zip(known, top.tolist(), best, strict=True):
            found[i] = (self.classes[t], p)
        return found


_made: weakref.WeakKeyDictionary[ModelResults, Said] = weakref.WeakKeyDictionary()


def said_of(results: ModelResults) -> Said:
    """The columns of some results; made once for each, since they are never changed."""
    found = _made.get(results)
    if found is None:
        found = _made[results] = _columns(results)
    return found


def _columns(results: ModelResults) -> Said:
    slides = list(results.slides.values())
    p = np.zeros((0, len(results.classes)))
    if slides:
        p = np.stack([s.probabilities for s in slides]).astype(np.float64)
    first = p.argmax(axis=1) if p.size else np.zeros(0, np.intp)
    ordered = np.sort(p, axis=1)[:, ::-1]
    best = ordered[:, 0] if p.size else np.zeros(0)
    second = ordered[:, 1] if p.shape[1] > 1 else np.zeros(len(p))
    return Said(
        {s.slide_id: i for i, s in enumerate(slides)},
        [results.classes[i] for i in first.tolist()],
        best.tolist(),
        (best - second).tolist(),
        [s.held_out for s in slides],
        [s.is_unlike for s in slides],
        p,
        results.classes,
    )
