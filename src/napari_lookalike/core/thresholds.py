"""Decision thresholds of pairs: where, between two look-alikes, the decision flips.

A model decides where both are as likely. With one of them rare it leans to the other, and
held-out slides show by how much. Where the two subtypes of a pair lead a slide's answer, the
logarithm of the ratio of their probabilities is shifted by what was best on other patients;
their sum stays, and so do all other subtypes. So pairs don't disturb each other, and every
figure, list and file that reads probabilities follows the threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FEWEST = 5
"""Slides of either subtype from which a threshold is fitted; with fewer there is none."""
KEY = "pair_thresholds"
"""In a model's ``extras``, and so in its card."""
_SMALLEST = 1e-12


@dataclass(frozen=True)
class PairThreshold:
    """One pair's threshold.

    Parameters
    ----------
    first, second
        Subtypes.
    shift
        The first is chosen where ``ln(p_first / p_second) >= shift``; 0 is the usual decision.
    n_first, n_second
        Slides that it was fitted on.
    """

    first: str
    second: str
    shift: float
    n_first: int
    n_second: int


def fit_thresholds(
    probabilities: Floats,
    y: NDArray[np.int64],
    classes: Sequence[str],
    pairs: Iterable[tuple[str, str]],
) -> tuple[PairThreshold, ...]:
    """Thresholds that confuse the two subtypes of each pair least, on held-out slides.

    Parameters
    ----------
    probabilities
        float32 (n, n_classes) of slides that the model was not trained on.
    y
        int64 (n,) their classes.
    classes
        Class names.
    pairs
        Which pairs; one with fewer than `FEWEST` slides of a side has none.

    Returns
    -------
    tuple of PairThreshold
        Those that differ from the usual decision. Both subtypes count the same, however many
        slides they have. Of all thresholds that do as well, the middle of the widest run of
        them is taken; the usual one stays if nothing is better.
    """
    found = []
    for first, second in pairs:
        if first not in classes or second not in classes:
            continue
        a, b = classes.index(first), classes.index(second)
        counts = int((y == a).sum()), int((y == b).sum())
        if min(counts) < FEWEST:
            continue
        shift = _best(_odds(probabilities, a, b), _led(probabilities, a, b), y == a, y == b)
        if shift:
            found.append(PairThreshold(first, second, shift, *counts))
    return tuple(found)


def apply_thresholds(
    probabilities: Floats, classes: Sequence[str], thresholds: Iterable[PairThreshold]
) -> Floats:
    """Probabilities (n, n_classes) whose largest is what the thresholds decide."""
    out = np.array(probabilities, np.float64)
    for threshold in thresholds:
        if threshold.first not in classes or threshold.second not in classes:
            continue
        a, b = classes.index(threshold.first), classes.index(threshold.second)
        led = _led(probabilities, a, b)
        both = out[led, a] + out[led, b]
        share = 1.0 / (1.0 + np.exp(threshold.shift - _odds(probabilities, a, b)[led]))
        out[led, a], out[led, b] = both * share, both * (1.0 - share)
    return out.astype(np.float32)


def held_out_thresholds(
    probabilities: Floats,
    y: NDArray[np.int64],
    fold: NDArray[np.int64],
    classes: Sequence[str],
    pairs: Sequence[tuple[str, str]],
) -> tuple[Floats, dict[str, Any]]:
    """Cross-validated answers under thresholds that their own fold had no part in.

    Parameters
    ----------
    probabilities, y, classes, pairs
        As for `fit_thresholds`.
    fold
        int64 (n,) fold of each slide; its thresholds come from the other folds' slides.

    Returns
    -------
    probabilities
        float32 (n, n_classes).
    kept
        For a model's ``extras``, under `KEY`: "final" (from all slides), "folds".
    """
    out = np.array(probabilities, np.float32)
    folds: list[list[dict[str, Any]]] = []
    for i in range(int(fold.max(initial=-1)) + 1):
        mine, others = fold == i, fold != i
        fitted = fit_thresholds(probabilities[others], y[others], classes, pairs)
        out[mine] = apply_thresholds(probabilities[mine], classes, fitted)
        folds.append([asdict(t) for t in fitted])
    final = fit_thresholds(probabilities, y, classes, pairs)
    return out, {"final": [asdict(t) for t in final], "folds": folds}


def thresholds_of(extras: Mapping[str, Any], fold: int = -1) -> tuple[PairThreshold, ...]:
    """The thresholds of a model's fold network, or of the final one (-1)."""
    kept = extras.get(KEY)
    if not kept:
        return ()
    rows = kept["final"] if fold < 0 else kept["folds"][fold]
    return tuple(PairThreshold(**row) for row in rows)


def sentences(extras: Mapping[str, Any]) -> tuple[str, ...]:
    """What a person must know of the final network's thresholds; empty if there are none."""
    if KEY not in extras:
        return ()
    fitted = thresholds_of(extras)
    if not fitted:
        return ("A threshold between marked pairs was asked for; none was better than the usual.",)
    return tuple(
        f"Between {t.first} and {t.second} a threshold decides: {t.first} is chosen where it is "
        f"{np.exp(t.shift):.2g} times as likely as {t.second} or more (fitted on {t.n_first} and "
        f"{t.n_second} held-out slides). Probabilities of the two are shifted accordingly."
        for t in fitted
    )


def note_of(extras: Mapping[str, Any], fold: int, leading: tuple[str, str]) -> str:
    """That a threshold had a say in one answer, in a sentence; empty if it had none.

    Parameters
    ----------
    extras
        A model's, or its card.
    fold
        Which network answered; -1 for the final one.
    leading
        The two subtypes that lead.
    """
    for t in thresholds_of(extras, fold):
        if {t.first, t.second} == set(leading):
            return (
                f"A threshold was used between {t.first} and {t.second}: their probabilities are "
                f"shifted so that {t.first} leads where it was {np.exp(t.shift):.2g} times as "
                "likely or more."
            )
    return ""


def _odds(probabilities: Floats, a: int, b: int) -> NDArray[np.float64]:
    p = np.maximum(np.asarray(probabilities, np.float64), _SMALLEST)
    return np.asarray(np.log(p[:, a]) - np.log(p[:, b]))


def _led(probabilities: Floats, a: int, b: int) -> NDArray[np.bool_]:
    """Where a and b are the two likeliest: only there the threshold has a say."""
    rest = np.delete(probabilities, [a, b], axis=1).max(axis=1, initial=0.0)
    return np.asarray(np.minimum(probabilities[:, a], probabilities[:, b]) >= rest)


def _best(
    odds: NDArray[np.float64],
    led: NDArray[np.bool_],
    is_a: NDArray[np.bool_],
    is_b: NDArray[np.bool_],
) -> float:
    values = np.unique(odds[led & (is_a | is_b)])
    if not len(values):
        return 0.0

    def error(t: float) -> float:
        wrong_a = (led & is_a & (odds < t)).sum() / is_a.sum()
        wrong_b = (led & is_b & (odds >= t)).sum() / is_b.sum()
        return float(wrong_a + wrong_b)

    edges = np.concatenate([[values[0] - 1.0], values, [values[-1] + 1.0]])
    middles = (edges[:-1] + edges[1:]) / 2
    errors = np.array([error(float(t)) for t in middles])
    if errors.min() >= error(0.0) - 1e-12:
        return 0.0
    widths = np.where(errors <= errors.min() + 1e-12, np.diff(edges), -1.0)
    return float(middles[int(widths.argmax())])
