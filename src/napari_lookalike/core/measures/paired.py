"""An exact test between two models: whose answer is whose, patient by patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.heldout import Counts, HeldOut

Statistic = Callable[[Counts], Counts]

MOST_EXACT = 12
"""So many patients with different answers are enumerated (4,096 exchanges); more are drawn."""

DRAWN = 9_999


def permutation_test(
    before: HeldOut, after: HeldOut, statistic: Statistic, seed: int = 0
) -> dict[str, Any]:
    """Whether two models differ, by exchanging their answers for whole patients.

    If the models were alike, it would not matter which of the two a patient's answers came
    from. The statistic's difference is computed for every exchange (for drawn ones where
    there are more than ``2 ** MOST_EXACT``), and ``p`` is the share of exchanges with a
    difference at least as large, to either side.

    Parameters
    ----------
    before, after
        The same slides in the same order (as in `comparison.compare`).
    statistic
        Confusion matrices (m, n_classes, n_classes) -> values (m,).
    seed
        Of the drawn exchanges.

    Returns
    -------
    dict
        ``p`` (``None`` where the statistic does not exist), ``exchanges``, ``patients``
        (whose answers differ) and ``kind``: "exact" or "drawn".

    References
    ----------
    Good, "Permutation, Parametric and Bootstrap Tests of Hypotheses", 2005; a drawn test
    counts the observed exchange too (Phipson and Smyth 2010, so that p is never 0).
    """
    c = len(after.classes)
    one, two = _by_patient(before), _by_patient(after)
    differ = np.flatnonzero((one != two).any(axis=1))
    signs, kind = _exchanges(len(differ), seed)
    change = two[differ] - one[differ]
    moved = signs @ change
    was = (one.sum(0) + moved).reshape(-1, c, c)
    now = (two.sum(0) - moved).reshape(-1, c, c)
    observed = float(_difference(statistic, one.sum(0), two.sum(0), c))
    there = {"exchanges": len(signs), "patients": len(differ), "kind": kind}
    if np.isnan(observed):
        return {"p": None, **there}
    found = statistic(now) - statistic(was)
    as_large = int((np.abs(found) >= abs(observed) - 1e-12).sum())
    p = as_large / len(signs) if kind == "exact" else (as_large + 1) / (len(signs) + 1)
    return {"p": p, **there}


def _difference(statistic: Statistic, one: Counts, two: Counts, c: int) -> float:
    was, now = statistic(one.reshape(1, c, c)), statistic(two.reshape(1, c, c))
    return float((now - was)[0])


def _by_patient(held: HeldOut) -> Counts:
    """(n_patients, n_classes ** 2) confusion counts of each patient."""
    c = len(held.classes)
    n = int(held.patient.max()) + 1 if len(held.patient) else 0
    counts = np.zeros((n, c * c))
    np.add.at(counts, (held.patient, held.y * c + held.predicted), 1.0)
    return counts


def _exchanges(n: int, seed: int) -> tuple[NDArray[np.float64], str]:
    """(exchanges, n) 1 where the two models' answers change places."""
    if n <= MOST_EXACT:
        numbers = np.arange(2**n)[:, None]
        return ((numbers >> np.arange(n)) & 1).astype(np.float64), "exact"
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, (DRAWN, n)).astype(np.float64), "drawn"
