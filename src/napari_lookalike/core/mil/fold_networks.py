"""The networks of a cross-validation: what each learns from, and what it says of its fold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
from napari_lookalike.core.mil.networks import NetworkInTraining, class_means, rotation_into
from napari_lookalike.core.model import CrossValidation, MilModel, Network
from napari_lookalike.core.predictor import RunningNetwork, nearest_distance
from napari_lookalike.core.progress import Job, JobCancelled


@dataclass(frozen=True, eq=False)
class FoldNetworks:
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
    ) -> FoldNetworks:
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
        return head_arguments(dim, self.classes, self.config, self.start)

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


def head_arguments(
    dim: int, classes: Sequence[str], config: TrainConfig, start: MilModel | None
) -> dict[str, Any]:
    """Of the head: those of ``start``, else what the configuration and ``dim`` ask for."""
    if start is not None:
        return dict(start.head_arguments)
    return default_arguments(dim, len(classes), config.dropout)
