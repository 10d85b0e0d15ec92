"""Robustness Index: whether neighbours share the subtype, or only the centre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.heldout import Counts
from napari_lookalike.core.measures.answers import Answers, Floats
from napari_lookalike.core.measures.geometry import class_shares, neighbours
from napari_lookalike.core.measures.resampled import share_figure

MOST_NEIGHBOURS = 61
"""The largest k that is tried; the largest of PathoROB's data sets."""


def quarters(
    near: list[NDArray[np.int64]], y: NDArray[np.int64], centre: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(n, 4) neighbours of each slide: SS, SO, OS, OO.

    First letter: same or other class; second: same or other centre.
    """
    counts = np.zeros((len(y), 4))
    for i, others in enumerate(near):
        same_class, same_centre = y[others] == y[i], centre[others] == centre[i]
        np.add.at(counts[i], 2 * ~same_class + 1 * ~same_centre, 1.0)
    return counts


def best_k(z: Floats, y: NDArray[np.int64], patient: NDArray[np.int64], n_classes: int) -> int:
    """The odd k with the best balanced accuracy of a neighbours' vote; the smallest of equals.

    Slides of the same patient have no vote. PathoROB chooses k so, per data set.
    """
    most = min(MOST_NEIGHBOURS, len(y) - 1)
    near = neighbours(z, patient, most)
    scores = []
    for k in range(1, max(most, 1) + 1, 2):
        shares = class_shares([others[:k] for others in near], y, n_classes)
        voted = ~np.isnan(shares[:, 0])  # else there is no slide of another patient
        right = voted & (np.nan_to_num(shares).argmax(axis=1) == y)
        scores.append((-np.mean([right[y == c].mean() for c in np.unique(y)]), k))
    return min(scores)[1]


def robustness_figures(answers: Answers, draws: Counts) -> dict[str, Any]:
    """Both formulas of the Robustness Index over held-out slides.

    ``original = (SS + SO) / (SS + OS)``, above 1 where subtypes decide (arXiv 2501.18055);
    ``index = SO / (SO + OS)``, 0 to 1 (PathoROB, arXiv 2507.17845). Neighbours by cosine on
    slide embeddings, the query's own patient left out; only slides whose centre is known.
    PathoROB draws a subset in which subtypes and centres are balanced; here all slides
    count, so a subtype that comes from one centre only pulls the index towards 0.

    Returns
    -------
    dict
        ``k``, ``n_slides``, ``n_centres``, ``original`` and ``index`` (figures), ``counts``
        and ``note``; ``original`` and ``index`` are ``None`` where there are fewer than two
        centres, and ``note`` says why.
    """
    names = sorted({c for c in answers.centre if c})
    known = np.array([bool(c) for c in answers.centre])
    empty = {"k": None, "n_slides": int(known.sum()), "n_centres": len(names)}
    if len(names) < 2:
        why = "No slide has a centre" if not names else "All slides come from one centre"
        note = f"{why}, so robustness to the centre cannot be measured. Fill in the centres."
        return {**empty, "original": None, "index": None, "counts": None, "note": note}
    rows = np.flatnonzero(known)
    held, c = answers.held, len(answers.held.classes)
    z, y, patient = answers.embeddings[rows], held.y[rows], held.patient[rows]
    centre = np.array([names.index(answers.centre[i]) for i in rows], np.int64)
    k = best_k(z, y, patient, c)
    counts = np.zeros((len(held.y), 4))
    counts[rows] = quarters(neighbours(z, patient, k), y, centre)
    ss, so, os_, _ = counts.T
    unknown = len(held.y) - len(rows)
    note = f"{unknown} slides without a centre are left out." if unknown else ""
    return {
        **empty,
        "k": k,
        "original": share_figure(held, ss + so, ss + os_, draws),
        "index": share_figure(held, so, so + os_, draws),
        "counts": {
            name: int(v.sum()) for name, v in zip(("SS", "SO", "OS", "OO"), counts.T, strict=True)
        },
        "note": note,
    }
