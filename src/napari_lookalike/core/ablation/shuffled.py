"""The same marks on other pairs: what an expert's table must beat."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from napari_lookalike.core.hard_negatives.columns import PairMark

MOST_TRIED = 5040
"""Permutations of the subtypes that are tried for a shuffled table: all of seven subtypes."""


def shuffled_rows(
    rows: Sequence[PairMark],
    marked: Sequence[tuple[str, str]],
    slides_of: Mapping[str, Sequence[str]],
    label_of: Mapping[str, str],
    seed: int,
) -> tuple[tuple[PairMark, ...], str]:
    """The same marks on other pairs: as many, as strong, of the same kinds.

    The subtypes change places by a permutation that leaves as few marked pairs as possible
    where they were; a mark of two slides moves to random slides of the new subtypes.

    Parameters
    ----------
    rows
        Active rows of the table.
    marked
        The pairs of subtypes that they mark.
    slides_of
        Subtype -> slides that may be drawn.
    label_of
        slide_id -> subtype now.
    seed
        Of the choice.

    Returns
    -------
    tuple of PairMark
        Empty if every permutation marks the very same pairs.
    str
        What is to be known of it, as a sentence; may be empty.
    """
    classes = sorted(slides_of)
    rng = np.random.default_rng(seed)
    wanted = {frozenset(pair) for pair in marked}
    best: list[dict[str, str]] = []
    least = len(wanted)
    for order in _orders(classes, rng):
        new = dict(zip(classes, order, strict=True))
        kept = len({frozenset((new[a], new[b])) for a, b in marked} & wanted)
        if kept < least:
            best, least = [], kept
        if kept == least:
            best.append(new)
    if not wanted or least == len(wanted):
        return (), "There is no other pair to mark, so a shuffled table would be the same table."
    new = best[int(rng.integers(len(best)))]
    moved = [m for row in rows for m in _moved(row, new, slides_of, label_of, rng)]
    note = f"{least} of the {len(wanted)} pairs stay marked in the shuffled table." if least else ""
    return tuple(moved), note


def _orders(classes: Sequence[str], rng: np.random.Generator) -> Iterator[Sequence[str]]:
    if math.factorial(min(len(classes), 12)) <= MOST_TRIED:
        yield from permutations(classes)
        return
    for _ in range(MOST_TRIED):
        yield [classes[i] for i in rng.permutation(len(classes))]


def _moved(
    row: PairMark,
    new: Mapping[str, str],
    slides_of: Mapping[str, Sequence[str]],
    label_of: Mapping[str, str],
    rng: np.random.Generator,
) -> Iterator[PairMark]:
    if row.level == "subtype":
        if row.subtype_a in new and row.subtype_b in new:
            yield replace(row, subtype_a=new[row.subtype_a], subtype_b=new[row.subtype_b])
        return
    labels = [label_of.get(s, "") for s in row.sides]
    if labels[0] != labels[1] and all(label in new for label in labels):
        a, b = (str(rng.choice(list(slides_of[new[label]]))) for label in labels)
        yield replace(row, slide_a=a, slide_b=b, subtype_a=new[labels[0]], subtype_b=new[labels[1]])
