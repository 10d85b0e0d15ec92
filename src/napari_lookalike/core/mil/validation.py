"""Early stopping: patients of the training part that are looked at and not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.folds import draw_patients
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.mil.apply import standardise
from napari_lookalike.core.mil.base import Head
from napari_lookalike.core.mil.live import figures_text, marked_classes

_STREAM = 3  # random numbers of its own, so that batches are drawn as without it


def inner_split(bags: Sequence[Bag], config: TrainConfig) -> NDArray[np.bool_]:
    """(n,) which of the training bags are for validation: whole patients, stratified.

    Every subtype keeps a patient to learn from; one with a single patient has none here.
    All False without early stopping.
    """
    if config.patience <= 0:
        return np.zeros(len(bags), bool)
    labels, groups = [b.label for b in bags], [b.group for b in bags]
    rng = np.random.default_rng([config.seed, _STREAM])
    chosen = draw_patients(labels, groups, config.validation_share, 1, rng)
    away = np.array([g in chosen for g in groups], bool)
    left = {label for label, aside in zip(labels, away, strict=True) if not aside}
    # A patient with two subtypes may have been the last one of the other: keep such ones.
    lost = {g for label, g in zip(labels, groups, strict=True) if label not in left}
    kept: NDArray[np.bool_] = away & np.array([g not in lost for g in groups], bool)
    return kept


class Validation:
    """The validation slides of one stage, and the best epoch so far.

    Parameters
    ----------
    instances
        Of each slide (n_i, dim), on the CPU.
    y
        int64 (n,) their classes.
    moments
        Mean and standard deviation of the *training* instances, on the device.
    weights, classes
        For the margin that is told.
    patience
        Epochs without a better loss after which to stop.

    Attributes
    ----------
    text
        How the last epoch did, for the progress.
    best_epoch
        1 = the first; 0 before any.
    """

    def __init__(
        self,
        instances: Sequence[Tensor],
        y: NDArray[np.int64],
        moments: tuple[Tensor, Tensor],
        weights: PairWeights,
        classes: Sequence[str],
        patience: int,
    ) -> None:
        self._instances, self._moments, self._patience = instances, moments, patience
        self._y = torch.from_numpy(y)
        self._pairs = marked_classes(weights, classes)
        self._best: dict[str, Tensor] = {}
        self._least = float("inf")
        self._epoch = 0
        self.best_epoch = 0
        self.text = ""

    def look(self, head: Head) -> bool:
        """After an epoch: ask about all instances of all slides; whether to stop now."""
        self._epoch += 1
        logits, embedding = self._asked(head)
        losses = functional.cross_entropy(logits, self._y, reduction="none")
        # Each class counts the same, as in training and in balanced accuracy.
        each = [float(losses[self._y == c].mean()) for c in torch.unique(self._y)]
        loss = sum(each) / len(each)
        if loss < self._least:
            self._least, self.best_epoch = loss, self._epoch
            self._best = {k: v.detach().clone() for k, v in head.state_dict().items()}
        self.text = figures_text(self._y, logits, embedding, self._pairs, "validation slides")
        return self._epoch - self.best_epoch >= self._patience

    def restore(self, head: Head) -> None:
        """Put the best epoch's parameters back."""
        if self._best:
            head.load_state_dict(self._best)

    def _asked(self, head: Head) -> tuple[Tensor, Tensor]:
        mean, std = self._moments
        head.eval()
        said = []
        with torch.inference_mode():
            for x in self._instances:
                one = standardise(x.to(mean.device), mean, std)[None]
                out = head(one, torch.ones(1, one.shape[1], dtype=torch.bool, device=mean.device))
                said.append((out.logits[0].float().cpu(), out.embedding[0].float().cpu()))
        head.train()
        logits, embeddings = zip(*said, strict=True)
        return torch.stack(logits), torch.stack(embeddings)
