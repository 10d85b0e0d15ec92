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
from napari_lookalike.core.mil.stage import TrainingSet, Turns, stage_epochs
from napari_lookalike.core.mil.validation import Validation, inner_split
from napari_lookalike.core.model import Network
from napari_lookalike.core.predictor import RunningNetwork, unit
from napari_lookalike.core.progress import Job, JobCancelled

Floats = NDArray[np.float32]
_OVER = object()


class NetworkInTraining:
    """One network that learns from labelled bags, from scratch or from ``start``.

    Several can take turns, an epoch each: the result is as if each had trained alone. Every
    network of a cohort begins with the same random weights (they depend on the seed alone),
    so that their spaces stay comparable.

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

    def __init__(
        self,
        bags: Sequence[Bag],
        classes: Sequence[str],
        config: TrainConfig,
        arguments: Mapping[str, Any],
        weights: PairWeights,
        start: Network | None,
        job: Job,
        look_at: Sequence[Bag] = (),
    ) -> None:
        device = choose_device(config.device)
        self._turns = Turns(config, device)
        # A map of a file stays one.
        self._arrays = [np.ascontiguousarray(bag.instances) for bag in bags]
        self._ids = tuple(bag.slide_id for bag in bags)
        self._job = job
        away = inner_split(bags, config)
        with self._turns.turn():
            self._head = make_head(config.head, dict(arguments))
            if start is None:
                self._head.to(device)
                kept = [a for a, v in zip(self._arrays, away, strict=True) if not v]
                self._mean, self._std = moments(kept)
                epochs = config.epochs
            else:
                RunningNetwork(self._head, start, device)
                self._mean, self._std = start.mean, start.std
                epochs = config.finetune_epochs
            self._at = (
                torch.tensor(self._mean, device=device),
                torch.tensor(self._std, device=device),
            )
            data, validation = self._data(bags, classes, config, weights, away)
            if look_at and start is not None and job.watched:
                apart = {bag.slide_id for bag in look_at}.isdisjoint(self._ids)
                self._job = Glances(
                    job, self._head, look_at, self._at, start.rotation, held_out=apart
                )
            self._epochs = stage_epochs(
                self._head, data, self._at, config, epochs, self._job, validation
            )

    def _data(
        self,
        bags: Sequence[Bag],
        classes: Sequence[str],
        config: TrainConfig,
        weights: PairWeights,
        away: NDArray[np.bool_],
    ) -> tuple[TrainingSet, Validation | None]:
        """What to train on, and what to stop early by."""
        y = np.array([list(classes).index(bag.label) for bag in bags], np.int64)
        mine = [int(i) for i in np.flatnonzero(~away)]
        data = TrainingSet(
            [as_tensor(self._arrays[i]) for i in mine],
            y[mine],
            tuple(self._ids[i] for i in mine),
            tuple(classes),
            weights,
            tuple(bags[i].site for i in mine),
            vote_shares([bags[i] for i in mine], classes) if config.votes else None,
        )
        if not away.any():
            return data, None
        aside = [as_tensor(self._arrays[i]) for i in np.flatnonzero(away)]
        return data, Validation(aside, y[away], self._at, weights, classes, config.patience)

    def advance(self) -> bool:
        """Train for an epoch; whether there is another."""
        with self._turns.turn():
            return next(self._epochs, _OVER) is not _OVER

    def finish(self) -> Network:
        """The network as it is now (with early stopping: at its best epoch)."""
        with self._turns.turn():
            self._epochs.close()
            head, at = self._head, self._at
            embeddings = _embeddings(head, self._arrays, at, self._job)
        state = {name: p.detach().cpu().numpy().copy() for name, p in head.state_dict().items()}
        eye = np.eye(embeddings.shape[1], dtype=np.float32)
        return Network(state, self._mean, self._std, self._ids, unit(embeddings), eye)


def train_network(
    bags: Sequence[Bag],
    classes: Sequence[str],
    config: TrainConfig,
    arguments: Mapping[str, Any],
    weights: PairWeights,
    start: Network | None,
    job: Job,
) -> Network:
    """Train one network to its end; see `NetworkInTraining`."""
    return trained(NetworkInTraining(bags, classes, config, arguments, weights, start, job))


def trained(network: NetworkInTraining) -> Network:
    """A network, trained to its end alone."""
    while network.advance():
        pass
    return network.finish()


def vote_shares(bags: Sequence[Bag], classes: Sequence[str]) -> torch.Tensor | None:
    """Soft labels (n, n_classes) from the experts' votes; ``None`` if no bag has any.

    A bag without votes has its label. Votes for what is no class are left out.
    """
    if not any(bag.votes for bag in bags):
        return None
    votes = [[(bag.votes or {bag.label: 1}).get(name, 0) for name in classes] for bag in bags]
    return torch.from_numpy(soft_labels(np.array(votes, np.float64)))


def _embeddings(
    head: Head, bags: Sequence[Floats], at: tuple[torch.Tensor, torch.Tensor], job: Job
) -> Floats:
    """Slide embeddings (n, E) of bags.

    Rows go into one array. A list of small arrays, each kept behind the large ones of its
    bag, would keep the system from getting the memory of any of them back.
    """
    found: Floats | None = None
    for i, instances in enumerate(bags):
        if job.cancelled:
            raise JobCancelled("slide embeddings")
        row = apply_head(head, instances, *at).embedding
        if found is None:
            found = np.empty((len(bags), len(row)), row.dtype)
        found[i] = row
    return np.zeros((0, 0), np.float32) if found is None else found


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
