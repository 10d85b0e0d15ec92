"""Cross-validation folds: stratified by subtype, a patient never split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import TrainingError


def make_folds(
    labels: Sequence[str], groups: Sequence[str], k: int, seed: int
) -> NDArray[np.int64]:
    """Fold of every slide.

    Patients are dealt out greedily, those of the rarest subtypes and with the most slides
    first, each to the fold that has least of their subtypes so far.

    Parameters
    ----------
    labels
        (n,) subtypes; empty = not labelled.
    groups
        (n,) patients.
    k
        Number of folds, >= 2.
    seed
        Of the order among equals.

    Returns
    -------
    ndarray of int64 (n,)
        0 to k - 1. A slide without label has its patient's fold if the patient has
        labelled slides, else -1: no fold's model ever sees it. Where a subtype has fewer
        than k patients some folds lack it; `fold_notes` says so.

    Raises
    ------
    TrainingError
        If fewer than two subtypes are labelled, or there are fewer patients than folds
        (label more slides, or choose fewer folds).
    """
    members = _labelled_members(labels, groups, k)
    classes = sorted({label for label in labels if label})
    table = np.zeros((len(members), len(classes)))
    for row, indices in enumerate(members.values()):
        for i in indices:
            table[row, classes.index(labels[i])] += 1
    fold_of = dict(zip(members, _deal(table, k, np.random.default_rng(seed)), strict=True))
    return np.array([fold_of.get(group, -1) for group in groups], np.int64)


def _labelled_members(labels: Sequence[str], groups: Sequence[str], k: int) -> dict[str, list[int]]:
    """Patient -> its labelled slides; raises if they cannot be cross-validated."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, (label, group) in enumerate(zip(labels, groups, strict=True)):
        if label:
            members[group].append(i)
    n_classes = len({label for label in labels if label})
    if n_classes < 2:
        found = "Only one subtype is" if n_classes else "No slide is"
        raise TrainingError(f"{found} labelled.", "Label slides of at least two subtypes.")
    if k < 2:
        raise TrainingError("Cross-validation needs at least 2 folds.", "Choose 2 or more folds.")
    if len(members) < k:
        remedy = "Label slides of more patients"
        if len(members) >= 2:
            remedy += f", or choose at most {len(members)} folds"
        raise TrainingError(
            f"There are {len(members)} labelled patients for {k} folds.", f"{remedy}."
        )
    return members


def _deal(table: NDArray[np.float64], k: int, rng: np.random.Generator) -> list[int]:
    """Fold of each patient from its slides per subtype, ``table`` (n_patients, n_classes)."""
    total = table.sum(0)
    patients_of = (table > 0).sum(0)
    rarity = np.where(table > 0, patients_of, np.inf).min(1)
    order = np.lexsort((rng.permutation(len(table)), -table.sum(1), rarity))
    counts = np.zeros((k, table.shape[1]))
    folds = np.zeros(len(table), np.int64)
    for row in order:
        # Growth of the sum of squared shares: least where the fold has least of these.
        growth = (((counts + table[row]) ** 2 - counts**2) / total).sum(1)
        sizes = counts.sum(1)
        folds[row] = np.lexsort((rng.permutation(k), sizes, growth.round(9)))[0]
        counts[folds[row]] += table[row]
    return [int(f) for f in folds]


def draw_patients(
    labels: Sequence[str], groups: Sequence[str], share: float, leave: int, rng: np.random.Generator
) -> frozenset[str]:
    """Patients to put aside, stratified by subtype.

    Of each subtype's n patients ``round(share * n)`` are drawn, at least one, but ``leave``
    stay. A patient with several subtypes counts for the rarest.

    Parameters
    ----------
    labels
        (n,) subtypes; empty = not labelled, and passed over.
    groups
        (n,) patients.
    share
        Between 0 and 1.
    leave
        So many patients of each subtype are not drawn, whatever the share.
    rng
        Source of randomness.
    """
    patients: dict[str, set[str]] = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        if label:
            patients[label].add(group)
    drawn: set[str] = set()
    counted: set[str] = set()
    for label in sorted(patients, key=lambda name: (len(patients[name]), name)):
        own = sorted(patients[label] - counted)
        counted.update(own)
        n = min(max(1, round(share * len(own))), len(own) - leave)
        if n > 0:
            drawn.update(own[i] for i in rng.permutation(len(own))[:n])
    return frozenset(drawn)


def fold_notes(
    labels: Sequence[str], groups: Sequence[str], folds: NDArray[np.int64]
) -> tuple[str, ...]:
    """What a reader of the figures must know of these folds, as sentences.

    Returns
    -------
    tuple of str
        Subtypes whose slides all lie in one fold (their held-out slides cannot be
        recognised: the model that is asked never saw the subtype), and subtypes with
        fewer patients than folds. Empty if there is nothing to say.
    """
    k = int(folds.max()) + 1
    notes = []
    for name in sorted({label for label in labels if label}):
        mine = [i for i, label in enumerate(labels) if label == name]
        n_patients = len({groups[i] for i in mine})
        if len({int(folds[i]) for i in mine}) == 1:
            notes.append(
                f"All slides of {name} are in one fold ({_patients(n_patients)}): held out, "
                "they cannot be recognised. Label slides of another patient."
            )
        elif n_patients < k:
            notes.append(f"{name} has {_patients(n_patients)} for {k} folds: some folds lack it.")
    return tuple(notes)


def _patients(n: int) -> str:
    return "1 patient" if n == 1 else f"{n} patients"
