"""A tiny cohort of random bags, and a model trained on it, for tests."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.folds import make_folds
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.model import CrossValidation, FeatureSource, MilModel
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.training import train

CLASSES = ("a", "b", "c")
DIM = 8
SOURCE = FeatureSource("tiny-1", DIM, 224, 0.5)
CONFIG = TrainConfig(epochs=4, finetune_epochs=3, folds=3, seed=1, device="cpu")
NONE = PairWeights.none(CLASSES)


def marks() -> PairWeights:
    """Classes a and b are look-alikes."""
    strength = np.zeros((3, 3), np.float32)
    strength[0, 1] = strength[1, 0] = 1.0
    return PairWeights(CLASSES, strength, {}, "table-7")


def make_bags(sizes: tuple[int, ...] = (6, 4, 5), signal: float = 1.5, seed: int = 0) -> list[Bag]:
    """Bags of 3 to 12 instances; class c shifts feature c; two slides per patient."""
    rng = np.random.default_rng(seed)
    bags: list[Bag] = []
    for c, size in enumerate(sizes):
        for i in range(size):
            x = rng.normal(size=(int(rng.integers(3, 13)), DIM)).astype(np.float32)
            x[:, c] += signal
            bags.append(Bag(f"s{len(bags):02d}", f"p{c}-{i // 2}", x, CLASSES[c]))
    return bags


def folds_of(bags: list[Bag], k: int = 3) -> np.ndarray:
    """Folds of these bags."""
    return make_folds([b.label for b in bags], [b.group for b in bags], k, 0)


def train_all(
    bags: list[Bag],
    config: TrainConfig = CONFIG,
    weights: PairWeights = NONE,
    start: MilModel | None = None,
    job: Job = SILENT,
) -> tuple[MilModel, CrossValidation]:
    """One stage with the same marks in every fold."""
    return train(
        bags,
        CLASSES,
        config,
        weights,
        lambda fold: weights,
        folds_of(bags),
        source=SOURCE,
        job=job,
        start=start,
    )
