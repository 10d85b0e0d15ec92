"""Pairs that lie near each other in the space of slide embeddings."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from napari_lookalike.core.suggest.material import Floats, Ints, Material
from napari_lookalike.core.suggest.nearest import Nearest
from napari_lookalike.core.suggest.types import Hint

PER_PAIR = 10
"""At most so many slide pairs per source and pair of subtypes: more are never shown."""
BETWEEN_BITS = 0.9
"""From this entropy on, a slide counts as lying between two subtypes: 68 % for the one."""


def near_subtypes(material: Material, nearest: Nearest) -> list[Hint]:
    """One hint per pair of subtypes whose slides are each other's nearest neighbours.

    The value is twice the share of the two subtypes' slides whose nearest slide of another
    patient has the other label, at most 1.
    """
    first = _nearest_class(material, nearest)
    found = []
    for a, b in combinations(range(len(material.classes)), 2):
        of = int(((material.y == a) | (material.y == b)).sum())
        crossing = ((material.y == a) & (first == b)) | ((material.y == b) & (first == a))
        n = int(crossing.sum())
        if not n:
            continue
        names = material.classes[a], material.classes[b]
        text = (
            f"For {n} of {of} slides of the two, the nearest slide of another patient "
            "has the other label."
        )
        value = min(1.0, 2.0 * n / of)
        found.append(Hint("subtype", *names, names, "neighbours", value, text))
    return found


def near_slides(material: Material, nearest: Nearest, tau: float) -> list[Hint]:
    """Per pair of subtypes the slides that lie nearest to the other one.

    With s the cosine to the nearest slide of the other subtype and s' that to the nearest
    slide of the same subtype (both of other patients), the value is
    ``1 / (1 + exp((s' - s) / tau))``: a half where both are as near.
    """
    own = np.full(len(material), -np.inf, np.float32)
    known = np.flatnonzero(material.y >= 0)
    own[known] = nearest.similarity[known, material.y[known]]
    found: list[Hint] = []
    for a in range(len(material.classes)):
        rows = np.flatnonzero(material.y == a)
        for b in range(len(material.classes)):
            there = rows[nearest.row[rows, b] >= 0] if b != a else rows[:0]
            if not len(there):
                continue
            s = nearest.similarity[there, b].astype(np.float64)
            # A patient alone in a subtype has no slide to compare with: neither near nor far.
            mine = np.where(np.isfinite(own[there]), own[there], s).astype(np.float64)
            value = 1.0 / (1.0 + np.exp(np.clip((mine - s) / tau, -50.0, 50.0)))
            for k in np.argsort(-value, kind="stable")[:PER_PAIR]:
                i = int(there[k])
                found.append(_near(material, i, int(nearest.row[i, b]), float(value[k]), s[k]))
    return _once(found)


def _near(material: Material, i: int, j: int, value: float, cosine: float) -> Hint:
    me, other = material.slide_ids[i], material.slide_ids[j]
    names = material.classes[material.y[i]], material.classes[material.y[j]]
    nearer = "nearer than any" if value > 0.5 else "nearly as near as the nearest"
    if value < 0.3:
        text = f"Of the two subtypes, {me} and {other} lie nearest (cosine {cosine:.2f})."
    else:
        text = (
            f"{other} is {nearer} slide of {me}'s own subtype from another patient "
            f"(cosine {cosine:.2f})."
        )
    return Hint("slide", me, other, names, "neighbours", value, text)


def between_subtypes(material: Material, entropy: Floats, pair: Ints) -> list[Hint]:
    """One hint per pair of subtypes that slides lie between.

    The value is twice the number of slides whose entropy between the two is at least
    `BETWEEN_BITS`, over the slides of the two, at most 1. Slides without a label count too.
    """
    found = []
    low, high = pair.min(axis=1), pair.max(axis=1)
    between = (low >= 0) & (entropy >= BETWEEN_BITS)
    for a, b in combinations(range(len(material.classes)), 2):
        n = int((between & (low == a) & (high == b)).sum())
        of = int(((material.y == a) | (material.y == b)).sum())
        if not n or not of:
            continue
        names = material.classes[a], material.classes[b]
        text = (
            f"{n} slide{'' if n == 1 else 's'} {'lies' if n == 1 else 'lie'} between the two: "
            "about as near to the mean of the one as of the other."
        )
        value = min(1.0, 2.0 * n / of)
        found.append(Hint("subtype", *names, names, "entropy", value, text))
    return found


def between_slides(material: Material, nearest: Nearest, entropy: Floats, pair: Ints) -> list[Hint]:
    """Slides that lie between their own subtype and another, with the nearest slide of that.

    The value is the entropy in bits (see `prototypes.pair_entropy`).
    """
    found: list[Hint] = []
    own = (pair == material.y[:, None]) & (material.y[:, None] >= 0)
    other = np.where(own[:, 0], pair[:, 1], pair[:, 0])
    rows = np.flatnonzero(own.any(axis=1) & (other >= 0))
    kept: dict[tuple[int, int], int] = {}
    for i in rows[np.argsort(-entropy[rows], kind="stable")]:
        a, b = int(material.y[i]), int(other[i])
        j = int(nearest.row[i, b])
        if j < 0 or kept.get((a, b), 0) >= PER_PAIR or entropy[i] < BETWEEN_BITS:
            continue
        kept[a, b] = kept.get((a, b), 0) + 1
        me, partner = material.slide_ids[i], material.slide_ids[j]
        names = material.classes[a], material.classes[b]
        text = (
            f"{me} lies between {names[0]} and {names[1]} (entropy {entropy[i]:.2f} of 1 bit); "
            f"of {names[1]}, {partner} is the nearest."
        )
        found.append(Hint("slide", me, partner, names, "entropy", float(entropy[i]), text))
    return _once(found)


def _nearest_class(material: Material, nearest: Nearest) -> Ints:
    """Class of the nearest labelled slide of another patient; -1 where there is none."""
    if not nearest.similarity.size:
        return np.full(len(material), -1, np.int64)
    best = nearest.similarity.argmax(axis=1)
    there = np.isfinite(nearest.similarity.max(axis=1))
    return np.where(there, best, -1).astype(np.int64)


def _once(hints: list[Hint]) -> list[Hint]:
    """Of a pair that was found from both its sides, the stronger hint."""
    best: dict[tuple[str, str, str], Hint] = {}
    for hint in hints:
        if hint.key not in best or hint.value > best[hint.key].value:
            best[hint.key] = hint
    return list(best.values())
