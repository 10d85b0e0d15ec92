"""From strengths to a matrix of weights."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.losses import negative_weights


def table() -> PairWeights:
    strength = np.zeros((3, 3), np.float32)
    strength[0, 1] = strength[1, 0] = 0.5
    return PairWeights(("a", "b", "c"), strength, {("s0", "s3"): 1.0, ("s0", "s1"): 1.0})


def test_negative_weights_follow_classes_and_slide_pairs() -> None:
    # The model counts its classes in another order, and knows one that the table does not.
    classes = ("c", "b", "a", "new")
    y = np.array([2, 2, 1, 1, 0, 3])
    w = negative_weights(table(), 8.0, y, classes, [f"s{i}" for i in range(6)])
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w, w.T)
    assert w[0, 2] == 1 + 7 * 0.5  # class pair a, b
    assert w[0, 3] == 8.0  # the slide pair overrides it
    assert w[0, 1] == 1.0  # one class: never negatives
    assert w[0, 4] == w[0, 5] == w[4, 5] == 1.0  # not marked


def test_a_slide_pair_can_take_a_class_pair_back() -> None:
    weights = PairWeights(table().classes, table().class_strength, {("s0", "s1"): 0.0})
    w = negative_weights(weights, 8.0, np.array([0, 1, 1]), ("a", "b", "c"), ["s0", "s1", "s2"])
    assert w[0, 1] == 1.0
    assert w[0, 2] == 4.5
