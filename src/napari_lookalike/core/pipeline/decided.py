"""Thresholds of the marked pairs in a training, where they are wished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.model import CrossValidation
from napari_lookalike.core.thresholds import KEY, held_out_thresholds


def decided(
    cv: CrossValidation, config: TrainConfig, pairs: Sequence[tuple[str, str]]
) -> tuple[CrossValidation, dict[str, Any]]:
    """Held-out answers under thresholds that other folds gave, and what the model keeps of them.

    Parameters
    ----------
    cv
        Held-out answers as the networks gave them.
    config
        Without ``pair_thresholds`` nothing changes.
    pairs
        The marked pairs.
    """
    if not config.pair_thresholds:
        return cv, {}
    probabilities, kept = held_out_thresholds(
        cv.probabilities, cv.y, cv.fold, cv.classes, list(pairs)
    )
    return replace(cv, probabilities=probabilities), {KEY: kept}
