"""Gathers everything that speaks for a pair, from all sources that need no expert."""

from __future__ import annotations

from collections.abc import Collection

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.suggest.confused import confused_slides, confused_subtypes
from napari_lookalike.core.suggest.likeness import (
    between_slides,
    between_subtypes,
    near_slides,
    near_subtypes,
)
from napari_lookalike.core.suggest.material import Material, gather, usable
from napari_lookalike.core.suggest.nearest import Nearest, nearest_of_each_class
from napari_lookalike.core.suggest.prototypes import pair_entropy, prototype_similarity
from napari_lookalike.core.suggest.textbook import Textbook
from napari_lookalike.core.suggest.types import Hint, Hints

TAU = 0.1
"""Temperature of likeness, as in the loss (`TrainConfig.tau`)."""


def find_hints(
    cohort: Cohort,
    results: ModelResults | None,
    textbook: Textbook,
    *,
    locked: Collection[str] = (),
    tau: float = TAU,
) -> Hints:
    """Everything that speaks for a pair, of two slides or of two subtypes.

    Only slides with different labels and of different patients are paired. Without a model
    the textbook is the only source.

    Parameters
    ----------
    cohort
        Slides with labels and patients; excluded ones are passed over.
    results
        What the model in use says of them, or ``None``.
    textbook
        Textbook look-alikes.
    locked
        slide_ids of the locked test set, which nobody is to look at.
    tau
        Temperature of likeness.
    """
    labels: dict[str, str] = {}
    for record in usable(cohort, locked):
        if record.label:
            labels.setdefault(record.label, record.slide_id)
    examples: dict[tuple[str, str], tuple[str, str]] = {}
    found: list[Hint] = []
    if results is not None and results.slides:
        material = gather(cohort, results, locked)
        nearest = nearest_of_each_class(material)
        entropy, pair = pair_entropy(prototype_similarity(material), tau)
        examples = _nearest_examples(material, nearest)
        found = [
            *confused_subtypes(material),
            *confused_slides(material, nearest),
            *near_subtypes(material, nearest),
            *near_slides(material, nearest, tau),
            *between_subtypes(material, entropy, pair),
            *between_slides(material, nearest, entropy, pair),
        ]
    found += textbook.hints(sorted(labels))
    for hint in found:
        if hint.level == "subtype":
            first, second = sorted(hint.subtypes)
            examples.setdefault((first, second), (labels.get(first, ""), labels.get(second, "")))
    return Hints(
        tuple(found), tuple(examples.items()), results.version if results is not None else ""
    )


def _nearest_examples(
    material: Material, nearest: Nearest
) -> dict[tuple[str, str], tuple[str, str]]:
    """Sorted pair of subtypes -> its two slides that lie nearest to each other."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    best: dict[tuple[str, str], float] = {}
    for a, name in enumerate(material.classes):
        rows = (material.y == a).nonzero()[0]
        for b, other in enumerate(material.classes):
            if a == b or not len(rows):
                continue
            i = int(rows[nearest.similarity[rows, b].argmax()])
            j, value = int(nearest.row[i, b]), float(nearest.similarity[i, b])
            key = (name, other) if name < other else (other, name)
            if j < 0 or value <= best.get(key, -2.0):
                continue
            sides = material.slide_ids[i], material.slide_ids[j]
            best[key] = value
            found[key] = sides if name < other else (sides[1], sides[0])
    return found
