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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.live_map import LiveFrame
from napari_lookalike.core.mil import default_arguments, make_head
from napari_lookalike.core.mil.apply import Applied, choose_device
from napari_lookalike.core.mil.checks import (
    check_folds,
    check_same_folds,
    check_start,
    labelled_bags,
)
from napari_lookalike.core.mil.networks import class_means, rotation_into, train_network
from napari_lookalike.core.model import (
    CrossValidation,
    FeatureSource,
    MilModel,
    Network,
    check_source,
)
from napari_lookalike.core.predictor import Predictor, RunningNetwork, nearest_distance, predict
from napari_lookalike.core.progress import SILENT, Job, JobCancelled

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
    """One stage for the final network and every fold's: `fit`, then `cross_validate`.

    Parameters and errors are theirs. The model that comes back holds its fold networks.
    """
    parts = int(folds.max(initial=0)) + 2
    final = fit(
        bags, classes, config, weights, job.part(0, parts, "Final model: "), start, source=source
    )
    cv = cross_validate(
        bags, classes, config, weights_of_fold, folds, _Rest(job, parts), start, final=final
    )
    return final.with_folds(cv), cv


class _Rest(Job):
    """The folds' share of a `train` job: parts 1 to n - 1 of n."""

    def __init__(self, whole: Job, parts: int) -> None:
        super().__init__()
        self._whole, self._parts = whole, parts

    def part(self, index: int, parts: int, prefix: str = "") -> Job:
        """Part ``index`` of the folds."""
        del parts
        return self._whole.part(index + 1, self._parts, prefix)


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
    labelled = labelled_bags(bags, classes, source.dim)
    check_start(classes, config, start)
    if start is not None:
        check_source(start, source)
    arguments = _head_arguments(source.dim, classes, config, start)
    begin = start.final if start else None
    network = train_network(labelled, classes, config, arguments, weights, begin, job, bags)
    return MilModel(
        head=config.head,
        head_arguments=arguments,
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
    k = check_folds(bags, folds)
    check_start(classes, config, start)
    if start is not None:
        check_same_folds(bags, folds, k, start)
    dim = bags[0].instances.shape[1]
    labelled = labelled_bags(bags, classes, dim)
    fold_of = {b.slide_id: int(f) for b, f in zip(bags, folds, strict=True) if f >= 0}
    arguments = _head_arguments(dim, classes, config, start)
    device = choose_device(config.device)
    said: dict[str, Applied] = {}
    networks: list[Network] = []
    for i in range(k):
        seen = [b for b in labelled if fold_of[b.slide_id] != i]
        part = job.part(i, k, f"Fold {i + 1} of {k}: ")
        begin = start.fold_networks[i] if start else None
        network = train_network(seen, classes, config, arguments, weights_of_fold(i), begin, part)
        running = RunningNetwork(make_head(config.head, arguments), network, device)
        held_out = (b for b in labelled if fold_of[b.slide_id] == i)
        for bag in held_out:
            if job.cancelled:
                raise JobCancelled("held-out slides")
            said[bag.slide_id] = running(bag.instances)
        networks.append(network)
        if start is not None and final is not None and part.watched:
            part.show(_held_out_frame(network, final.final, labelled, fold_of, i, said))
    target = final.final if final else networks[0]
    aligned = tuple(replace(n, rotation=rotation_into(n, target)) for n in networks)
    return _collect(labelled, tuple(classes), fold_of, said, aligned)


def _held_out_frame(
    network: Network,
    final: Network,
    labelled: Sequence[Bag],
    fold_of: dict[str, int],
    fold: int,
    said: dict[str, Applied],
) -> LiveFrame:
    """Where a fold's held-out slides have come to, in the final network's space."""
    ids = tuple(b.slide_id for b in labelled if fold_of[b.slide_id] == fold)
    rotation = rotation_into(network, final)
    found = np.array([said[s].embedding for s in ids], np.float32).reshape(-1, len(rotation))
    return LiveFrame(ids, np.asarray(found @ rotation, np.float32), None, held_out=True)


def _head_arguments(
    dim: int, classes: Sequence[str], config: TrainConfig, start: MilModel | None
) -> dict[str, Any]:
    if start is not None:
        return dict(start.head_arguments)
    return default_arguments(dim, len(classes), config.dropout)


def _collect(
    bags: Sequence[Bag],
    classes: tuple[str, ...],
    fold_of: dict[str, int],
    said: dict[str, Applied],
    networks: tuple[Network, ...],
) -> CrossValidation:
    """Held-out answers of all folds, in the order of the bags."""
    ids = tuple(bag.slide_id for bag in bags)
    label = {bag.slide_id: classes.index(bag.label) for bag in bags}
    embeddings = np.stack([said[s].embedding for s in ids])
    mine = [networks[fold_of[s]] for s in ids]
    aligned = [e @ network.rotation for e, network in zip(embeddings, mine, strict=True)]
    means = [
        class_means(n, np.array([label[s] for s in n.train_slide_ids], np.int64), len(classes))
        for n in networks
    ]
    distances = [
        nearest_distance(e, network.train_embeddings)
        for e, network in zip(embeddings, mine, strict=True)
    ]
    return CrossValidation(
        classes=classes,
        slide_ids=ids,
        groups=tuple(bag.group for bag in bags),
        y=np.array([label[s] for s in ids], np.int64),
        fold=np.array([fold_of[s] for s in ids], np.int64),
        probabilities=np.stack([said[s].probabilities for s in ids]),
        embeddings=embeddings,
        aligned=np.stack(aligned).astype(np.float32),
        class_means=np.stack(means),
        attention_logits=tuple(said[s].attention_logits for s in ids),
        distances=np.array(distances, np.float32),
        networks=networks,
        fold_of=fold_of,
    )
