"""Whether "80 %" is right in eight of ten cases, before and after temperature scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.heldout import Counts, figure, ratio
from napari_lookalike.core.measures.answers import Answers, Floats
from napari_lookalike.core.measures.resampled import mean_figure

BINS = 10
"""Equal widths of the predicted class's probability: (0, 0.1], (0.1, 0.2], ..."""

FLOOR = 1e-8
"""Probabilities below are raised to it: an impossible answer costs much, not everything."""

LEAST_SLIDES = 10
"""A temperature is fitted to so many slides at least."""

_BOUNDS = (np.log(0.05), np.log(20.0))


def bin_of(confidence: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """Bin of each confidence in (0, 1]; edges belong to the bin below them."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def _bin_totals(answers: Answers, draws: Counts | None, bins: int) -> Counts:
    """(resamples, 3, bins): slides, summed confidence, correct slides."""
    n, index = len(answers.confidence), bin_of(answers.confidence, bins)
    cells = np.zeros((n, 3, bins))
    rows = np.arange(n)
    cells[rows, 0, index] = 1.0
    cells[rows, 1, index] = answers.confidence
    cells[rows, 2, index] = answers.correct
    return answers.held.total(cells.reshape(n, -1), draws).reshape(-1, 3, bins)


def calibration_error(answers: Answers, draws: Counts | None = None, bins: int = BINS) -> Counts:
    """(resamples,) expected calibration error.

    ``sum_b n_b / n * |accuracy_b - confidence_b|`` over bins of equal width.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, eq. 3.
    """
    count, confidence, correct = np.moveaxis(_bin_totals(answers, draws, bins), 1, 0)
    return ratio(np.abs(correct - confidence).sum(axis=1), count.sum(axis=1))


def brier(answers: Answers) -> Floats:
    """(n,) ``sum_c (p_c - [y = c])^2`` of each slide, 0 (right and sure) to 2."""
    truth = np.eye(len(answers.held.classes))[answers.held.y]
    return np.asarray(((answers.probabilities - truth) ** 2).sum(axis=1))


def log_loss(answers: Answers) -> Floats:
    """(n,) ``-ln p`` of each slide's true class."""
    own = answers.probabilities[np.arange(len(answers.held.y)), answers.held.y]
    return np.asarray(-np.log(np.maximum(own, FLOOR)))


def reliability(answers: Answers, bins: int = BINS) -> list[dict[str, Any]]:
    """Of each bin: its edges, ``n``, mean ``confidence`` and ``accuracy`` (None if empty)."""
    count, confidence, correct = _bin_totals(answers, None, bins)[0]
    found = []
    for i in range(bins):
        n = int(count[i])
        found.append(
            {
                "low": i / bins,
                "high": (i + 1) / bins,
                "n": n,
                "confidence": float(confidence[i] / n) if n else None,
                "accuracy": float(correct[i] / n) if n else None,
            }
        )
    return found


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """``softmax(ln p / T)``: above 1 less sure, below 1 surer; the ranking stays."""
    scaled = np.log(np.maximum(probabilities, FLOOR)) / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Floats, y: NDArray[np.int64]) -> float:
    """The temperature with the least mean log loss, between 0.05 and 20."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(y))

    def loss(log_t: float) -> float:
        own = tempered(probabilities, float(np.exp(log_t)))[rows, y]
        return float(-np.log(np.maximum(own, 1e-300)).mean())

    found = minimize_scalar(loss, bounds=_BOUNDS, method="bounded", options={"xatol": 1e-5})
    return float(np.exp(found.x))


def cross_fitted(answers: Answers) -> tuple[Answers, dict[int, float]]:
    """Every fold tempered with what the *other* folds' held-out answers ask for.

    Returns
    -------
    Answers
        With tempered probabilities. A fold whose others have fewer than `LEAST_SLIDES`
        slides stays as it is.
    dict
        Fold -> temperature.
    """
    p = answers.probabilities.copy()
    temperatures: dict[int, float] = {}
    for fold in np.unique(answers.fold):
        here = answers.fold == fold
        if int((~here).sum()) < LEAST_SLIDES:
            continue
        t = fit_temperature(answers.probabilities[~here], answers.held.y[~here])
        p[here] = tempered(answers.probabilities[here], t)
        temperatures[int(fold)] = t
    return answers.with_probabilities(p), temperatures


def calibration_figures(answers: Answers, draws: Counts) -> dict[str, Any]:
    """ECE, Brier score and log loss with reliability bins, before and after scaling."""
    after, temperatures = cross_fitted(answers)
    one_fold = len(np.unique(answers.fold)) < 2
    why = "There is one fold only" if one_fold else "There are too few slides"
    note = "" if temperatures else f"{why}, so no temperature was fitted."
    return {
        "bins": BINS,
        "before": _figures(answers, draws),
        "after": _figures(after, draws) if temperatures else None,
        "temperature_of_fold": {str(f): round(t, 4) for f, t in temperatures.items()},
        "note": note,
    }


def _figures(answers: Answers, draws: Counts) -> dict[str, Any]:
    one, many = calibration_error(answers), calibration_error(answers, draws)
    return {
        "ece": figure(one, many),
        "brier": mean_figure(answers.held, brier(answers), draws),
        "log_loss": mean_figure(answers.held, log_loss(answers), draws),
        "reliability": reliability(answers),
    }
