"""Pairs that a cross-validated model confuses: of patients that it never saw."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.suggest.material import Ints, Material
from napari_lookalike.core.suggest.nearest import Nearest
from napari_lookalike.core.suggest.types import Hint


def confusion_matrix(material: Material) -> Ints:
    """(n_classes, n_classes) held-out slides by label (row) and by what was said (column)."""
    n_classes = len(material.classes)
    matrix = np.zeros((n_classes, n_classes), np.int64)
    rows = np.flatnonzero(material.held_out & (material.y >= 0))
    if len(rows):
        np.add.at(matrix, (material.y[rows], material.p[rows].argmax(axis=1)), 1)
    return matrix


def confused_subtypes(material: Material) -> list[Hint]:
    """One hint per pair of subtypes that was confused at all.

    The value is twice the share of the two subtypes' slides that were taken for the other
    one, at most 1: half of them is as bad as drawing lots.
    """
    matrix, found = confusion_matrix(material), []
    for a in range(len(matrix)):
        for b in range(a + 1, len(matrix)):
            n, of = int(matrix[a, b] + matrix[b, a]), int(matrix[a].sum() + matrix[b].sum())
            if not n:
                continue
            names = material.classes[a], material.classes[b]
            said = "was" if n == 1 else "were"
            text = (
                f"{n} of {of} slides of the two {said} taken for the other one by a model "
                "that never saw their patient."
            )
            value = min(1.0, 2.0 * n / of)
            found.append(Hint("subtype", *names, names, "confusion", value, text))
    return found


def confused_slides(material: Material, nearest: Nearest) -> list[Hint]:
    """One hint per wrong slide: with the slide of the subtype it was taken for that is nearest.

    The value is the probability that the model gave to the wrong subtype.
    """
    if not len(material):
        return []
    said = material.p.argmax(axis=1)
    found = []
    wrong = material.held_out & (material.y >= 0) & (said != material.y)
    for i in np.flatnonzero(wrong):
        b = int(said[i])
        j = int(nearest.row[i, b])
        if j < 0:
            continue
        me, other = material.slide_ids[i], material.slide_ids[j]
        names = material.classes[material.y[i]], material.classes[b]
        text = (
            f"{me} was taken for {names[1]} (probability {material.p[i, b]:.2f}) by a model that "
            f"never saw its patient; of those slides, {other} is the nearest."
        )
        value = float(material.p[i, b])
        found.append(Hint("slide", me, other, names, "confusion", value, text))
    return found
