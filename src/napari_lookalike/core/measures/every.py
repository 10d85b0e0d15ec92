"""All further figures of a version at once, as JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from napari_lookalike.core.heldout import figure, matthews
from napari_lookalike.core.measures.answers import Answers
from napari_lookalike.core.measures.calibration import calibration_figures
from napari_lookalike.core.measures.geometry import geometry_figures
from napari_lookalike.core.measures.ranking import auc_figures
from napari_lookalike.core.measures.robustness import robustness_figures
from napari_lookalike.core.measures.selective import selective_figures


def every_figure(
    answers: Answers, pairs: Iterable[tuple[str, str]] = (), seed: int = 0
) -> dict[str, Any]:
    """What `evaluation.evaluate` does not give.

    Parameters
    ----------
    answers
        Held-out answers.
    pairs
        Pairs of subtypes whose neighbours are looked at.
    seed
        Of the bootstrap by patient.

    Returns
    -------
    dict
        ``macro_auc``, ``per_class_auc``, ``auc_left_out``, ``mcc``, ``calibration``,
        ``selective_accuracy``, ``geometry``, ``robustness``; JSON values throughout.
    """
    held = answers.held
    draws = held.draws(seed)
    return {
        **auc_figures(answers, draws),
        "mcc": figure(matthews(held.confusion()), matthews(held.confusion(draws))),
        "calibration": calibration_figures(answers, draws),
        "selective_accuracy": selective_figures(answers, draws),
        "geometry": geometry_figures(answers, pairs, draws),
        "robustness": robustness_figures(answers, draws),
    }
