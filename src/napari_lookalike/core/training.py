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

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
from napari_lookalike.core.mil.networks import (
    NetworkInTraining,
    class_means,
    rotation_into,
    trained,
)
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
    """One stage for the final network and every fold's: what `fit` and `cross_validate` give.

    Parameters and errors are theirs. The model that comes back holds its fold networks. They
    take turns, an epoch each. Where the job is asked to finish (`Job.finish`), all end after
    the same epoch: the figures are then those of that many passes, which the model's
    configuration holds as ``stop_after``.
    """
    data = _Folds.of(bags, classes, config, folds, start)
    job_of = partial(_Share, job, parts=data.k + 1)
    # Others are looked at by their fold's network, which never sees their patients.
    new = [bag for bag in bags if bag.slide_id not in data.fold_of]
    learning = [
        _final(bags, classes, config, weights, job_of(0, "Final model: "), start, source, new),
        *(
            data.network(i, weights_of_fold(i), job_of(i + 1, f"Fold {i + 1} of {data.k}: "))
            for i in range(data.k)
        ),
    ]
    stopped_after = _in_rounds(learning, job)
    if stopped_after:
        config = replace(config, stop_after=stopped_after)
    final = _model(learning[0].finish(), classes, config, weights, start, source)
    # One after the other: a network's slides are asked as soon as it is done.
    cv = data.judge((network.finish() for network in learning[1:]), job, final)
    return final.with_folds(cv), cv


class _Share(Job):
    """A network's steps within those of all networks that take turns."""

    def __init__(self, whole: Job, index: int, prefix: str, *, parts: int) -> None:
        super().__init__()
        self._whole, self._index, self._prefix, self._parts = whole, index, prefix, parts
        self._cancelled, self._on_value = whole._cancelled, whole._on_value

    def step(self, done: int, total: int, what: str) -> None:
        """An epoch of this network, ``done`` of ``total``."""
        scale = 1000
        so_far = (done - 1 + (self._index + 1) / self._parts) / total
        self._whole.step(round(scale * so_far), scale, f"{self._prefix}{what}")


def _in_rounds(networks: Sequence[NetworkInTraining], job: Job) -> int:
    """Train all, an epoch each in turn, so that all are as far whenever somebody stops.

    Returns
    -------
    int
        After how many epochs the job was asked to finish; 0: all were trained to their end.
    """
    going, rounds = list(networks), 0
    while going:
        going = [network for network in going if network.advance()]
        rounds += 1
        if going and job.finishing:
            return rounds
    return 0


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
    arguments = _head_arguments(source.dim, classes, config, start)
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
        head_arguments=_head_arguments(source.dim, classes, config, start),
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
    data = _Folds.of(bags, classes, config, folds, start)
    parts = (job.part(i, data.k, f"Fold {i + 1} of {data.k}: ") for i in range(data.k))
    watched = final is not None
    networks = (
        trained(data.network(i, weights_of_fold(i), part, show=watched))
        for i, part in enumerate(parts)
    )
    return data.judge(networks, job, final)


@dataclass(frozen=True, eq=False)
class _Folds:
    """Folds of a cohort: what each network learns from, and what it is asked about."""

    labelled: list[Bag]
    classes: tuple[str, ...]
    config: TrainConfig
    fold_of: dict[str, int]
    k: int
    start: MilModel | None

    @classmethod
    def of(
        cls,
        bags: Sequence[Bag],
        classes: tuple[str, ...],
        config: TrainConfig,
        folds: NDArray[np.int64],
        start: MilModel | None,
    ) -> _Folds:
        """Checked; see `cross_validate`."""
        k = check_folds(bags, folds)
        check_start(classes, config, start)
        if start is not None:
            check_same_folds(bags, folds, k, start)
        labelled = labelled_bags(bags, classes, bags[0].instances.shape[1])
        fold_of = {b.slide_id: int(f) for b, f in zip(bags, folds, strict=True) if f >= 0}
        return cls(labelled, tuple(classes), config, fold_of, k, start)

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the head."""
        dim = self.labelled[0].instances.shape[1]
        return _head_arguments(dim, self.classes, self.config, self.start)

    def network(
        self, fold: int, weights: PairWeights, job: Job, *, show: bool = True
    ) -> NetworkInTraining:
        """The network that never sees a fold's patients; it shows where their slides move."""
        seen = [b for b in self.labelled if self.fold_of[b.slide_id] != fold]
        begin = self.start.fold_networks[fold] if self.start else None
        unseen = [b for b in self.labelled if show and self.fold_of[b.slide_id] == fold]
        return NetworkInTraining(
            seen, self.classes, self.config, self.arguments, weights, begin, job, unseen
        )

    def judge(
        self, trained: Iterable[Network], job: Job, final: MilModel | None
    ) -> CrossValidation:
        """Ask each fold's network, in order, about the fold's slides."""
        device = choose_device(self.config.device)
        said: dict[str, Applied] = {}
        networks: list[Network] = []
        for i, network in enumerate(trained):
            running = RunningNetwork(make_head(self.config.head, self.arguments), network, device)
            for bag in (b for b in self.labelled if self.fold_of[b.slide_id] == i):
                if job.cancelled:
                    raise JobCancelled("held-out slides")
                said[bag.slide_id] = running(bag.instances)
            networks.append(network)
            if self.start is not None and final is not None and job.watched:
                frame = _held_out_frame(network, final.final, self.labelled, self.fold_of, i, said)
                job.show(frame)
        target = final.final if final else networks[0]
        aligned = tuple(replace(n, rotation=rotation_into(n, target)) for n in networks)
        return _collect(self.labelled, self.classes, self.fold_of, said, aligned)


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
