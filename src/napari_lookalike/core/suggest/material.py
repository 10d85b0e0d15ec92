"""The slides that may be suggested, as arrays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.results import ModelResults

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Material:
    """One row per slide that a model has spoken of.

    Parameters
    ----------
    slide_ids
        (n,).
    classes
        The model's classes.
    y
        int (n,) label as a class; -1 where it has none, or one that the model does not know.
    group
        int (n,) patient; slides with the same content count as one patient's.
    z
        float32 (n, embed_dim) slide embeddings of length 1.
    p
        float32 (n, n_classes) probabilities.
    held_out
        bool (n,) said by a network that never saw the patient.
    unlike
        float32 (n,) see `SlideResult.unlike`.
    reviewed
        bool (n,) an expert called the slide reviewed.
    """

    slide_ids: tuple[str, ...]
    classes: tuple[str, ...]
    y: Ints
    group: Ints
    z: Floats
    p: Floats
    held_out: NDArray[np.bool_]
    unlike: Floats
    reviewed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.slide_ids)


def usable(cohort: Cohort, locked: Collection[str] = ()) -> tuple[SlideRecord, ...]:
    """Slides that may be suggested: not excluded, and not in the locked test set."""
    away = frozenset(locked)
    return tuple(s for s in cohort if not s.excluded and s.slide_id not in away)


def gather(cohort: Cohort, results: ModelResults, locked: Collection[str] = ()) -> Material:
    """The rows of a cohort.

    Parameters
    ----------
    cohort
        Slides with labels and patients.
    results
        What the model in use says of them.
    locked
        slide_ids of the locked test set, which nobody is to look at.
    """
    records = [s for s in usable(cohort, locked) if s.slide_id in results.slides]
    said = [results.slides[s.slide_id] for s in records]
    place = {name: i for i, name in enumerate(results.classes)}
    n, n_classes = len(records), len(results.classes)
    dim = len(said[0].embedding) if said else 0
    z = np.array([s.embedding for s in said], np.float32).reshape(n, dim)
    # A slide without direction (all zeros) stays zero, and is near nothing.
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return Material(
        tuple(s.slide_id for s in records),
        results.classes,
        np.array([place.get(s.label, -1) for s in records], np.int64),
        _groups(records),
        np.divide(z, length, out=np.zeros_like(z), where=length > 0),
        np.array([s.probabilities for s in said], np.float32).reshape(n, n_classes),
        np.array([s.held_out for s in said], bool),
        np.array([s.unlike for s in said], np.float32),
        np.array([s.state == "reviewed" for s in records], bool),
    )


def _groups(records: list[SlideRecord]) -> Ints:
    """Number of each slide's patient; a copy of a slide belongs to the first one's patient."""
    by_content: dict[str, str] = {}
    numbers: dict[str, int] = {}
    found = []
    for record in records:
        group = record.group
        if record.fingerprint:
            group = by_content.setdefault(record.fingerprint, group)
        found.append(numbers.setdefault(group, len(numbers)))
    return np.array(found, np.int64)
