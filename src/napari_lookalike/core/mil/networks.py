"""Training one network, and turning its space into another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.losses import soft_labels
from napari_lookalike.core.mil import make_head
from napari_lookalike.core.mil.apply import apply_head, as_tensor, choose_device, moments
from napari_lookalike.core.mil.base import Head
from napari_lookalike.core.mil.glance import Glances
from napari_lookalike.core.mil.stage import TrainingSet, torch_settings, train_stage
from napari_lookalike.core.mil.validation import Validation, inner_split
from napari_lookalike.core.model import Network
from napari_lookalike.core.predictor import RunningNetwork, unit
from napari_lookalike.core.progress import Job, JobCancelled

Floats = NDArray[np.float32]


def train_network(
    bags: Sequence[Bag],
    classes: Sequence[str],
    config: TrainConfig,
    arguments: Mapping[str, Any],
    weights: PairWeights,
    start: Network | None,
    job: Job,
    look_at: Sequence[Bag] = (),
) -> Network:
    """Train one network on labelled bags, from scratch or from ``start``.

    Every network of a cohort begins with the same random weights (they depend on the seed
    alone), so that their spaces stay comparable.

    Parameters
    ----------
    bags
        Labelled bags, all of them trained on (with early stopping: or used for validation).
    classes
        Class names.
    config
        How; `epochs` from scratch, `finetune_epochs` from ``start``.
    arguments
        Keyword arguments of the head.
    weights
        The marks this training may see.
    start
        Where to continue; its normalisation is kept.
    job
        Steps once per epoch.
    look_at
        Slides whose embeddings are shown meanwhile, where somebody watches the job and there
        is a map to move: that of ``start``.
    """
    device = choose_device(config.device)
    arrays = [np.ascontiguousarray(bag.instances) for bag in bags]  # a map of a file stays one
    y = np.array([list(classes).index(bag.label) for bag in bags], np.int64)
    away = inner_split(bags, config)
    with torch_settings(config, device):
        head = make_head(config.head, dict(arguments))
        if start is None:
            head.to(device)
            mean, std = moments([a for a, v in zip(arrays, away, strict=True) if not v])
            epochs = config.epochs
        else:
            RunningNetwork(head, start, device)
            mean, std = start.mean, start.std
            epochs = config.finetune_epochs
        at = torch.tensor(mean, device=device), torch.tensor(std, device=device)
        ids = tuple(bag.slide_id for bag in bags)
        mine = [int(i) for i in np.flatnonzero(~away)]
        data = TrainingSet(
            [as_tensor(arrays[i]) for i in mine],
            y[mine],
            tuple(ids[i] for i in mine),
            tuple(classes),
            weights,
            tuple(bags[i].site for i in mine),
            vote_shares([bags[i] for i in mine], classes) if config.votes else None,
        )
        validation = None
        if away.any():
            aside = [as_tensor(arrays[i]) for i in np.flatnonzero(away)]
            validation = Validation(aside, y[away], at, weights, classes, config.patience)
        if look_at and start is not None and job.watched:
            job = Glances(job, head, look_at, at)
        train_stage(head, data, at, config, epochs, job, validation)
        embeddings = np.stack([_embedding(head, a, at, job) for a in arrays])
    state = {name: p.detach().cpu().numpy().copy() for name, p in head.state_dict().items()}
    eye = np.eye(embeddings.shape[1], dtype=np.float32)
    return Network(state, mean, std, ids, unit(embeddings), eye)


def vote_shares(bags: Sequence[Bag], classes: Sequence[str]) -> torch.Tensor | None:
    """Soft labels (n, n_classes) from the experts' votes; ``None`` if no bag has any.

    A bag without votes has its label. Votes for what is no class are left out.
    """
    if not any(bag.votes for bag in bags):
        return None
    votes = [[(bag.votes or {bag.label: 1}).get(name, 0) for name in classes] for bag in bags]
    return torch.from_numpy(soft_labels(np.array(votes, np.float64)))


def _embedding(
    head: Head, instances: Floats, at: tuple[torch.Tensor, torch.Tensor], job: Job
) -> Floats:
    if job.cancelled:
        raise JobCancelled("slide embeddings")
    return apply_head(head, instances, *at).embedding


def rotation_into(network: Network, target: Network) -> Floats:
    """Rotation (E, E) that takes a network's slide embeddings into another network's space.

    Orthogonal Procrustes on the unit embeddings of their common training slides:
    ``min_R |A R - B|`` over orthogonal R, so cosines within a space do not change. With
    fewer slides than dimensions the solution is not unique; of the best ones that nearest
    to the identity is taken (all networks begin with the same weights).

    References
    ----------
    Schönemann, "A generalized solution of the orthogonal Procrustes problem",
    Psychometrika 31, 1966.
    """
    place = {name: i for i, name in enumerate(target.train_slide_ids)}
    common = [(i, place[s]) for i, s in enumerate(network.train_slide_ids) if s in place]
    eye = np.eye(network.train_embeddings.shape[1])
    if not common:
        return eye.astype(np.float32)
    mine, theirs = (np.array(side) for side in zip(*common, strict=True))
    a = network.train_embeddings[mine].astype(np.float64)
    b = target.train_embeddings[theirs].astype(np.float64)
    cross = a.T @ b
    u, _, vt = np.linalg.svd(cross + 1e-4 * np.linalg.norm(cross, 2) * eye)
    return np.asarray(u @ vt, np.float32)


def class_means(network: Network, y: NDArray[np.int64], n_classes: int) -> Floats:
    """(n_classes, E) unit mean of the training embeddings of each class; NaN if it has none."""
    means = np.full((n_classes, network.train_embeddings.shape[1]), np.nan, np.float32)
    for c in np.unique(y):
        means[c] = unit(network.train_embeddings[y == c].mean(0))
    return means
