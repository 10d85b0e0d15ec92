"""What evidence tiles did to a model: the same training without them, on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.comparison import compare, verdict
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.evaluation import evaluate
from napari_lookalike.core.evidence_effect import effect
from napari_lookalike.core.model import CrossValidation, MilModel
from napari_lookalike.core.pipeline.decided import decided
from napari_lookalike.core.pipeline.mark_weights import MarkWeights
from napari_lookalike.core.pipeline.training_data import TrainingData
from napari_lookalike.core.progress import Job


def without_evidence(
    data: TrainingData,
    config: TrainConfig,
    marks: MarkWeights,
    folds: NDArray[np.int64],
    start: MilModel | None,
    job: Job,
) -> CrossValidation:
    """The last stage of every fold again, from the same start, without what single tiles say."""
    from napari_lookalike.core.training import cross_validate

    return cross_validate(
        data.bags, data.classes, config, marks.fold_without_evidence, folds, job, start
    )


def note_effect(
    metrics: dict[str, Any],
    without: CrossValidation,
    config: TrainConfig,
    n_tiles: int,
    pairs: Sequence[tuple[str, str]],
) -> str:
    """Put the held-out effect of the evidence where whoever decides will read it.

    Parameters
    ----------
    metrics
        Of the model that learnt from it; gets ``evidence``, and its comparison with the former
        model (if there is one) a sentence more.
    without
        From `without_evidence`.
    config
        Of both.
    n_tiles
        How many tiles it learnt from.
    pairs
        The marked pairs.

    Returns
    -------
    str
        The sentence.
    """
    plain, _ = decided(without, config, pairs)
    compared = compare(evaluate(plain, pairs, config.seed), metrics, pairs, config.seed)
    metrics["evidence"] = effect(compared, n_tiles)
    sentence = str(metrics["evidence"]["sentence"])
    if "comparison" in metrics:
        comparison = metrics["comparison"]
        comparison["evidence"] = sentence
        comparison["verdict"] = verdict(comparison)
    return sentence
