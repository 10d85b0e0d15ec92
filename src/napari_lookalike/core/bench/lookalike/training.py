"""Training one arm and asking it about validation and test slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.bench.lookalike.arms import Arm
from napari_lookalike.core.bench.lookalike.compose import CLASSES, PAIR, Composed
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.mil import make_head
from napari_lookalike.core.mil.networks import train_network
from napari_lookalike.core.model import Network
from napari_lookalike.core.predictor import RunningNetwork
from napari_lookalike.core.progress import Job

HIDDEN, GATES = 128, 64
BASE = TrainConfig(device="cpu", threads=1, classes_per_batch=5)
_A, _B = (CLASSES.index(name) for name in PAIR)


@dataclass(frozen=True, eq=False)
class Said:
    """What a network says of some slides.

    Parameters
    ----------
    y
        int64 (n,) their classes.
    probabilities
        float32 (n, n_classes).
    attention
        float64 (n,) share of the attention on tumour; NaN in benign slides.
    """

    y: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    attention: NDArray[np.float64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,) the likeliest class."""
        return np.asarray(self.probabilities.argmax(1), np.int64)

    def figures(self, predicted: NDArray[np.int64] | None = None) -> dict[str, float]:
        """Confusion of the pair (mean over its two classes), balanced accuracy, attention."""
        said = self.predicted if predicted is None else predicted
        swapped = [float((said[self.y == i] == j).mean()) for i, j in ((_A, _B), (_B, _A))]
        recall = [float((said[self.y == c] == c).mean()) for c in range(len(CLASSES))]
        pair = np.isin(self.y, (_A, _B))
        return {
            "confusion": float(np.mean(swapped)),
            "balanced_accuracy": float(np.mean(recall)),
            "attention_on_tumour": float(np.nanmean(self.attention[pair])),
        }


def start_network(cohort: Composed, config: TrainConfig, job: Job) -> Network:
    """The model of a seed from which all arms start: cross-entropy from scratch."""
    return _trained(cohort, replace(config, loss="ce"), PairWeights.none(CLASSES), None, job)


def fine_tuned(
    arm: Arm, cohort: Composed, config: TrainConfig, start: Network, seed: int, job: Job
) -> Network:
    """An arm's network."""
    return _trained(cohort, arm.config(config), arm.weights(cohort, seed), start, job)


def _trained(
    cohort: Composed, config: TrainConfig, weights: PairWeights, start: Network | None, job: Job
) -> Network:
    bags = cohort.parts["train"]
    return train_network(bags, CLASSES, config, _arguments(bags), weights, start, job)


def ask(network: Network, bags: Sequence[Bag], cohort: Composed) -> Said:
    """What a network says of slides."""
    device = torch.device("cpu")
    running = RunningNetwork(make_head("abmil", _arguments(bags)), network, device)
    probabilities, attention = [], []
    for bag in bags:
        said = running(bag.instances)
        weight = np.exp(said.attention_logits[0] - said.attention_logits[0].max())
        tumour = cohort.tumour[bag.slide_id]
        share = float(weight[tumour].sum() / weight.sum()) if tumour.any() else np.nan
        probabilities.append(said.probabilities)
        attention.append(share)
    y = np.array([CLASSES.index(bag.label) for bag in bags], np.int64)
    return Said(y, np.stack(probabilities), np.array(attention))


def _arguments(bags: Sequence[Bag]) -> dict[str, object]:
    return {
        "in_dim": bags[0].instances.shape[1],
        "n_classes": len(CLASSES),
        "hidden_dim": HIDDEN,
        "attention_dim": GATES,
        "dropout": BASE.dropout,
    }
