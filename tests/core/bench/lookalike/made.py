"""Tiles whose features say what they are, for tests of composed slides."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.bench.lookalike.compose import CLASSES, Regime

REGIME = Regime(
    "small",
    tumour=(0.1, 0.25),
    slides=6,
    rare_slides=2,
    tiles=16,
    prototypes=(2, 4),
    validation_slides=4,
    test_slides=5,
)


def made_tiles(per_class: int = 40, dim: int = 9) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features float32 (n, dim), classes and prototypes; two tiles of each prototype.

    Feature 0 is the prototype, feature 1 the class, the others tell classes apart in noise.
    """
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(len(CLASSES)), per_class)
    groups = np.arange(len(kinds)) // 2
    features = rng.normal(size=(len(kinds), dim)).astype(np.float32)
    features[:, 0], features[:, 1] = groups, kinds
    features[np.arange(len(kinds)), 2 + kinds] += 4.0
    return features, np.array(CLASSES)[kinds], groups
