"""Whether training on sampled instances costs accuracy, where whole bags are judged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.bench.report import Row
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.model import FeatureSource
from napari_lookalike.core.progress import Job

NAME = "balanced accuracy on whole bags: 512 sampled instances a step minus all of them"
SEEDS, _QUICK_SEEDS = 5, 1
TOLERANCE = -0.005
"""No slide of the 120 that are judged more, on average over the seeds."""
_CLASSES = ("A", "B", "C", "D")
_SLIDES, _TILES, _QUICK_TILES, _DIM = 120, 4_000, 600, 64
_DIAGNOSTIC = 0.02
_SHIFT = 2.0
_PASSES = TrainConfig().epochs


def accuracy(quick: bool, device: str, job: Job) -> Row:
    """Train both ways on made bags in which one tile of fifty tells the subtype.

    Bags are as long as those whose speed is measured, with 64 numbers a tile, so that five
    seeds of both ways take a minute and not an hour.

    Parameters
    ----------
    quick
        Shorter bags, one seed: no figure.
    device
        "cpu" or "cuda".
    job
        Progress and cancel.
    """
    seeds = _QUICK_SEEDS if quick else SEEDS
    found = []
    for seed in range(seeds):
        bags = made_bags(_SLIDES, _QUICK_TILES if quick else _TILES, seed)
        test = made_bags(_SLIDES, _QUICK_TILES if quick else _TILES, seed + 1_000)
        pair = []
        for i, instances in enumerate((0, 512 if not quick else 75)):
            job.step(2 * seed + i, 2 * seeds, f"accuracy, seed {seed + 1} of {seeds}")
            config = TrainConfig(
                head="clam_sb",
                epochs=_PASSES,
                seed=seed,
                device=device,
                precision="half",
                max_instances=instances,
            )
            pair.append(_judged(bags, test, config))
        found.append(pair)
    each = [sampled - every for every, sampled in found]
    every, sampled = np.mean(found, axis=0)
    beside = f"all instances {every:.3f}, sampled {sampled:.3f}; {_SLIDES} slides, {seeds} seeds"
    row = Row.of(NAME, float(np.mean(each)), target=TOLERANCE)
    return row.among(min(each), max(each), beside)


def made_bags(slides: int, tiles: int, seed: int) -> list[Bag]:
    """Bags of noise in which a small share of tiles is shifted along the subtype's direction."""
    rng = np.random.default_rng(seed)
    bags = []
    for i in range(slides):
        c = i % len(_CLASSES)
        x = rng.standard_normal((tiles, _DIM), np.float32)
        x[: max(1, int(tiles * _DIAGNOSTIC)), c] += _SHIFT
        bags.append(Bag(f"S{seed}-{i}", f"P{seed}-{i}", x, _CLASSES[c]))
    return bags


def _judged(bags: list[Bag], test: list[Bag], config: TrainConfig) -> float:
    from napari_lookalike.core.predictor import Predictor
    from napari_lookalike.core.training import fit

    source = FeatureSource("made", _DIM, 224, 0.5)
    model = fit(bags, _CLASSES, config, PairWeights.none(_CLASSES), source=source)
    predictor = Predictor(model, config.device)
    said = [int(predictor.predict(bag.instances).probabilities.argmax()) for bag in test]
    return _balanced(np.array([_CLASSES.index(bag.label) for bag in test]), np.array(said))


def _balanced(y: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    return float(np.mean([(said[y == c] == c).mean() for c in np.unique(y)]))
