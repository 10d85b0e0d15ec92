"""Accuracy of the slides that the model is surest of: what it would cost to leave some out."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_lookalike.core.heldout import Counts, figure, ratio
from napari_lookalike.core.measures.answers import Answers
from napari_lookalike.core.measures.resampled import slide_weights

COVERAGES = tuple(round(0.05 * i, 2) for i in range(2, 21))
"""Shares of the slides that are answered, 0.1 to 1."""


def selective_accuracy(answers: Answers, draws: Counts | None = None) -> Counts:
    """(resamples, coverages) accuracy of the surest slides.

    At a coverage c the slides with the highest confidence are taken until they are at
    least a share c of all; slides with the same confidence are taken together.
    """
    order = np.argsort(-answers.confidence, kind="stable")
    confidence = answers.confidence[order]
    ends = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True))
    weights = slide_weights(answers.held, draws)[:, order]
    taken = np.cumsum(weights, axis=1)[:, ends]
    right = np.cumsum(weights * answers.correct[order], axis=1)[:, ends]
    rows = np.arange(len(taken))
    columns = []
    for coverage in COVERAGES:
        enough = taken >= coverage * taken[:, -1:] - 1e-9
        first = enough.argmax(axis=1)
        columns.append(ratio(right[rows, first], taken[rows, first]))
    return np.stack(columns, axis=1)


def selective_figures(answers: Answers, draws: Counts) -> list[dict[str, Any]]:
    """Of each coverage the accuracy with its interval, and the confidence it needs."""
    one, many = selective_accuracy(answers), selective_accuracy(answers, draws)
    ranked = np.sort(answers.confidence)[::-1]
    found = []
    for i, coverage in enumerate(COVERAGES):
        last = max(0, int(np.ceil(coverage * len(ranked) - 1e-9)) - 1)
        threshold = round(float(ranked[last]), 6)
        accuracy = figure(one[:, i], many[:, i])
        found.append({"coverage": coverage, "confidence": threshold, "accuracy": accuracy})
    return found
