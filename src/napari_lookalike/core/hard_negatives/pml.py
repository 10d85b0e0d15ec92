"""Marked pairs as index tuples for pytorch-metric-learning.

Its losses take ``indices_tuple=(a1, p, a2, n)``: positive pairs (a1[i], p[i]) and negative
pairs (a2[j], n[j]) as positions in a batch of embeddings. Here the batch is the cohort.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.weights import Rule, weights_for
from napari_lookalike.core.hard_negatives.words import write_whole


@dataclass(frozen=True, eq=False)
class PmlPairs:
    """Pairs of slides by their position.

    Parameters
    ----------
    slide_ids
        The slides, in the order that the embeddings must have.
    classes
        Class names.
    labels
        int64 (n_slides,) index into ``classes``.
    a1, p
        int64 (n_positive,) every ordered pair of two slides of one subtype.
    a2, n
        int64 (n_negative,) every ordered pair of two slides that the marks join.
    strength
        float32 (n_negative,) of each negative pair, above 0 and up to 1.
    """

    slide_ids: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    a1: NDArray[np.int64]
    p: NDArray[np.int64]
    a2: NDArray[np.int64]
    n: NDArray[np.int64]
    strength: NDArray[np.float32]


def pml_pairs(
    rows: Iterable[PairMark],
    cohort: Cohort,
    *,
    without_slides: Collection[str] = (),
    rule: Rule = "max",
) -> PmlPairs:
    """What the marks of a table say of the slides of a cohort.

    Parameters
    ----------
    rows
        Rows of the table.
    cohort
        Slides with their present labels; those without one, and excluded ones, are left out.
    without_slides
        slide_ids that must not be learnt from: the locked test set.
    rule
        How several marks of a pair count, see `weights.aggregate`.

    Returns
    -------
    PmlPairs
        A mark of two slides overrides that of their subtypes.
    """
    hidden = frozenset(without_slides)
    patients = {cohort[s].group for s in hidden}
    slides = [s for s in cohort if s.label and not s.excluded and s.group not in patients]
    weights = weights_for(rows, cohort, cohort.classes, without_patients=patients, rule=rule)
    labels = np.array([cohort.classes.index(s.label) for s in slides], np.int64)
    h = weights.class_strength[labels[:, None], labels[None, :]].copy()
    place = {s.slide_id: i for i, s in enumerate(slides)}
    for (a, b), strength in weights.slide_strength.items():
        h[place[a], place[b]] = h[place[b], place[a]] = strength
    same = labels[:, None] == labels[None, :]
    a1, p = np.nonzero(same & ~np.eye(len(slides), dtype=bool))
    a2, n = np.nonzero((h > 0) & ~same)
    return PmlPairs(
        tuple(s.slide_id for s in slides), cohort.classes, labels, a1, p, a2, n,
        h[a2, n].astype(np.float32),
    )  # fmt: skip


def export_pml(pairs: PmlPairs, path: Path) -> int:
    """Write the pairs as a NumPy archive, which `numpy.load` reads without pickle.

    Returns
    -------
    int
        Number of negative pairs, each counted once.

    Raises
    ------
    TableError
        If nothing is marked, or the file cannot be written.
    """
    if not len(pairs.n):
        raise TableError(
            "No mark joins two slides of the cohort that may be learnt from.",
            "Mark look-alikes first.",
        )

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez_compressed(
                file,
                slide_ids=np.array(pairs.slide_ids),
                classes=np.array(pairs.classes),
                labels=pairs.labels,
                a1=pairs.a1,
                p=pairs.p,
                a2=pairs.a2,
                n=pairs.n,
                strength=pairs.strength,
            )

    write_whole(path, write, "The file")
    return len(pairs.n) // 2
