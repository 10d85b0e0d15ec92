"""Figures of a cross-validated model.

All of them come from held-out slides: each predicted by the fold's model that never saw
its patient. Intervals are 95 % percentile intervals over 1000 resamples of *patients*
(slides of one patient stay together). They say how much the figure would move with other
patients, not with another training run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from napari_lookalike.core.comparison import compare
from napari_lookalike.core.heldout import (
    HeldOut,
    accuracy,
    balanced_accuracy,
    figure,
    known_pairs,
    macro_f1,
    matthews,
    pair_confusion,
    pair_name,
    recalls,
)
from napari_lookalike.core.model import CrossValidation

__all__ = ["compare", "evaluate", "most_confused", "pair_figures", "pair_name"]

ClassPair = tuple[str, str]


def evaluate(cv: CrossValidation, pairs: Iterable[ClassPair] = (), seed: int = 0) -> dict[str, Any]:
    """Figures of a cross-validation, as JSON values.

    Parameters
    ----------
    cv
        The held-out predictions (`model.CrossValidation`).
    pairs
        Pairs of subtypes to look at; pairs of which a side is not a class are passed over.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``balanced_accuracy``, ``macro_f1``, ``accuracy``, ``mcc``: a figure each;
        ``per_class_recall``: class -> figure and ``n``;
        ``confusion_matrix``: rows are true classes; ``classes``; ``n_slides``,
        ``n_patients``;
        ``pairs``: "A | B" -> see `pair_figures`;
        ``slides``: the predictions themselves, from which `compare` and `pair_figures`
        compute later. A figure is ``{"value", "low", "high"}``.
    """
    held = HeldOut.of(cv)
    draws = held.draws(seed)
    one, many = held.confusion(), held.confusion(draws)
    recall_one, recall_many = recalls(one), recalls(many)
    per_class = {
        name: {**figure(recall_one[:, i], recall_many[:, i]), "n": int((held.y == i).sum())}
        for i, name in enumerate(held.classes)
    }
    stored = {
        **held.to_json(),
        "probabilities": np.asarray(cv.probabilities, np.float64).round(8).tolist(),
        "fold": np.asarray(cv.fold).tolist(),
    }
    return {
        "classes": list(held.classes),
        "n_slides": len(held.y),
        "n_patients": draws.shape[1],
        "balanced_accuracy": figure(balanced_accuracy(one), balanced_accuracy(many)),
        "macro_f1": figure(macro_f1(one), macro_f1(many)),
        "accuracy": figure(accuracy(one), accuracy(many)),
        "mcc": figure(matthews(one), matthews(many)),
        "per_class_recall": per_class,
        "confusion_matrix": one[0].astype(int).tolist(),
        "pairs": pair_figures({"slides": stored}, pairs, seed),
        "slides": stored,
    }


def pair_figures(
    metrics: Mapping[str, Any], pairs: Iterable[ClassPair], seed: int = 0
) -> dict[str, Any]:
    """Figures of pairs of subtypes, also of pairs that were marked after the training.

    Parameters
    ----------
    metrics
        From `evaluate`, in memory or read from a version's folder.
    pairs
        Pairs of subtypes.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        "A | B" -> ``confusion`` (figure: share of the held-out slides of the two that are
        predicted as the other one), ``margin`` (figure, in cosine: how much nearer a
        slide lies to its own class's training mean than to the other's), ``n_a``, ``n_b``
        (slides, in the order of the key) and ``confused`` (slide_ids).
    """
    held = HeldOut.from_json(metrics["slides"])
    draws = held.draws(seed)
    one, many = held.confusion(), held.confusion(draws)
    found: dict[str, Any] = {}
    for name, pair in known_pairs(held, pairs).items():
        a, b = pair
        swapped = ((held.y == a) & (held.predicted == b)) | ((held.y == b) & (held.predicted == a))
        found[name] = {
            "confusion": figure(pair_confusion(one, [pair]), pair_confusion(many, [pair])),
            "margin": figure(held.margin(pair), held.margin(pair, draws)),
            "n_a": int((held.y == a).sum()),
            "n_b": int((held.y == b).sum()),
            "confused": [held.slide_ids[i] for i in np.flatnonzero(swapped)],
        }
    return found


def most_confused(metrics: Mapping[str, Any], k: int = 3) -> tuple[ClassPair, ...]:
    """The pairs of subtypes that the model confuses most often, most confused first.

    Parameters
    ----------
    metrics
        From `evaluate`.
    k
        How many at most; pairs never confused do not count.
    """
    classes = metrics["classes"]
    matrix = np.asarray(metrics["confusion_matrix"], np.float64)[None]
    shares: list[tuple[float, ClassPair]] = []
    for i in range(len(classes)):
        for j in range(i + 1, len(classes)):
            share = float(pair_confusion(matrix, [(i, j)])[0])
            if share > 0:  # False for NaN too
                shares.append((-share, (classes[i], classes[j])))
    return tuple(pair for _, pair in sorted(shares)[:k])
