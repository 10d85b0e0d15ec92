"""Training and cross-validation of MIL models.

Two stages: from scratch with cross-entropy (`TrainConfig.epochs`), then, from that
model, fine-tuning with the loss that the configuration names
(`TrainConfig.finetune_epochs`). `train` does one stage for the final network and for
every fold's, which is what a model version needs::

    model, cv = train(bags, classes, ce, weights, weights_of_fold, folds, source=source)
    tuned, cv = train(bags, classes, expert, weights, weights_of_fold, folds,
                      source=source, start=model)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.mil.checks import check_start, labelled_bags
from napari_lookalike.core.mil.fold_networks import FoldNetworks, head_arguments
from napari_lookalike.core.mil.networks import NetworkInTraining, trained
from napari_lookalike.core.mil.rounds import Share, in_rounds
from napari_lookalike.core.model import (
    CrossValidation,
    FeatureSource,
    MilModel,
    Network,
    check_source,
)
from napari_lookalike.core.predictor import Predictor, predict
from napari_lookalike.core.progress import SILENT, Job

__all__ = [
    "CrossValidation",
    "MilModel",
    "Predictor",
    "cross_validate",
    "fit",
    "predict",
    "train",
]


def train(
    bags: Sequence[Bag],
    classes: tuple[str, ...],
    config: TrainConfig,
    weights: PairWeights,
    weights_of_fold: Callable[[int], PairWeights],
    folds: NDArray[np.int64],
    *,
    source: FeatureSource,
    job: Job = SILENT,
    start: MilModel | None = None,
) -> tuple[MilModel, CrossValidation]:
    """One stage for the final network and every fold's: what `fit` and `cross_validate` give.

    Parameters and errors are theirs. The model that comes back holds its fold networks. They
    take turns, an epoch each. Where the job is asked to finish (`Job.finish`), all end after
    the same epoch: the figures are then those of that many passes, which the model's
    configuration holds as ``stop_after``.
    """
    data = FoldNetworks.of(bags, classes, config, folds, start)
    job_of = partial(Share, job, parts=data.k + 1)
    # Others are looked at by their fold's network, which never sees their patients.
    new = [bag for bag in bags if bag.slide_id not in data.fold_of]
    learning = [
        _final(bags, classes, config, weights, job_of(0, "Final model: "), start, source, new),
        *(
            data.network(i, weights_of_fold(i), job_of(i + 1, f"Fold {i + 1} of {data.k}: "))
            for i in range(data.k)
        ),
    ]
    stopped_after = in_rounds(learning, job)
    if stopped_after:
        config = replace(config, stop_after=stopped_after)
    final = _model(learning[0].finish(), classes, config, weights, start, source)
    # One after the other: a network's slides are asked as soon as it is done.
    cv = data.judge((network.finish() for network in learning[1:]), job, final)
    return final.with_folds(cv), cv


def fit(
    bags: Sequence[Bag],
    classes: tuple[str, ...],
    config: TrainConfig,
    weights: PairWeights,
    job: Job = SILENT,
    start: MilModel | None = None,
    *,
    source: FeatureSource,
) -> MilModel:
    """Train the final network on every labelled bag.

    Parameters
    ----------
    bags
        Bags; those without label are ignored.
    classes
        Class names; at least two must be labelled.
    config
        How to train. From scratch its loss must be "ce".
    weights
        The marks: they steer the batches, and the loss if it is "expert".
    job
        Steps once per epoch.
    start
        Fine-tune from this model's final network; ``None``: from scratch.
    source
        Which features the bags hold.

    Raises
    ------
    TrainingError
        If these bags cannot be trained on; it says why and what to do.
    ModelError
        If ``start`` was trained on other features.
    JobCancelled
        If the job was cancelled; nothing is kept.
    """
    network = trained(_final(bags, classes, config, weights, job, start, source))
    return _model(network, classes, config, weights, start, source)


def _final(
    bags: Sequence[Bag],
    classes: tuple[str, ...],
    config: TrainConfig,
    weights: PairWeights,
    job: Job,
    start: MilModel | None,
    source: FeatureSource,
    look_at: Sequence[Bag] | None = None,
) -> NetworkInTraining:
    """The network that learns from every labelled bag."""
    labelled = labelled_bags(bags, classes, source.dim)
    check_start(classes, config, start)
    if start is not None:
        check_source(start, source)
    arguments = head_arguments(source.dim, classes, config, start)
    begin = start.final if start else None
    look_at = bags if look_at is None else look_at
    return NetworkInTraining(labelled, classes, config, arguments, weights, begin, job, look_at)


def _model(
    network: Network,
    classes: tuple[str, ...],
    config: TrainConfig,
    weights: PairWeights,
    start: MilModel | None,
    source: FeatureSource,
) -> MilModel:
    return MilModel(
        head=config.head,
        head_arguments=head_arguments(source.dim, classes, config, start),
        classes=tuple(classes),
        source=source,
        config=config,
        final=network,
        table_version=weights.table_version,
        stage="start" if start is None else "fine-tuned",
        seeds={"initial weights, batches and dropout": config.seed},
    )


def cross_validate(
    bags: Sequence[Bag],
    classes: tuple[str, ...],
    config: TrainConfig,
    weights_of_fold: Callable[[int], PairWeights],
    folds: NDArray[np.int64],
    job: Job = SILENT,
    start: MilModel | None = None,
    *,
    final: MilModel | None = None,
) -> CrossValidation:
    """Train a network per fold without that fold's patients, and ask it about them.

    Parameters
    ----------
    bags, classes, config, job
        As for `fit`.
    weights_of_fold
        Fold -> the marks that its training may see (none that touch a held-out patient).
    folds
        int64 (n_bags,) from `make_folds`; -1 = in no fold.
    start
        Fine-tune: network i starts from ``start``'s fold network i. Its folds must be these.
    final
        The model into whose space held-out embeddings are rotated; ``None``: into the
        space of fold 0.

    Raises
    ------
    TrainingError
        If these bags cannot be trained on, a patient is in two folds, or the folds are
        not those of ``start``.
    JobCancelled
        If the job was cancelled; nothing is kept.
    """
    data = FoldNetworks.of(bags, classes, config, folds, start)
    parts = (job.part(i, data.k, f"Fold {i + 1} of {data.k}: ") for i in range(data.k))
    watched = final is not None
    networks = (
        trained(data.network(i, weights_of_fold(i), part, show=watched))
        for i, part in enumerate(parts)
    )
    return data.judge(networks, job, final)
