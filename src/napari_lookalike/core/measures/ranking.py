"""Area under the ROC curve: how often a slide of a class gets more of its probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_lookalike.core.heldout import Counts, figure, mean_there, ratio
from napari_lookalike.core.measures.answers import Answers
from napari_lookalike.core.measures.resampled import slide_weights


def class_aucs(answers: Answers, draws: Counts | None = None) -> Counts:
    """(resamples, n_classes) one-against-the-rest AUC of every class.

    The share of pairs (a slide of the class, a slide of another) in which the first has
    the higher probability of the class; ties count half (Mann-Whitney). NaN where a class
    or its rest has no slide.
    """
    weights = slide_weights(answers.held, draws)
    columns = [_auc(answers, c, weights) for c in range(len(answers.held.classes))]
    return np.stack(columns, axis=1)


def _auc(answers: Answers, c: int, weights: Counts) -> Counts:
    own = answers.held.y == c
    score = answers.probabilities[:, c]
    higher = score[own][:, None] - score[~own][None, :]
    wins = (higher > 0) + 0.5 * (higher == 0)
    won = np.einsum("rn,rn->r", weights[:, own] @ wins, weights[:, ~own])
    return ratio(won, weights[:, own].sum(1) * weights[:, ~own].sum(1))


def auc_figures(answers: Answers, draws: Counts) -> dict[str, Any]:
    """Macro AUC over the classes that have one, AUC by class, and the classes left out."""
    one, many = class_aucs(answers), class_aucs(answers, draws)
    names = answers.held.classes
    return {
        "macro_auc": figure(mean_there(one), mean_there(many)),
        "per_class_auc": {n: figure(one[:, i], many[:, i]) for i, n in enumerate(names)},
        "auc_left_out": [n for i, n in enumerate(names) if np.isnan(one[0, i])],
    }
