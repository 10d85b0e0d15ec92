"""Retrieval and few shots: never within a photograph."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.bench.retrieval import few_shot, nearest_is_alike, standardise


def test_constants_are_nothing_and_the_rest_is_standardised() -> None:
    features = np.random.default_rng(0).normal(5, 3, (50, 4)).astype(np.float32)
    features[:, 2] = 7.0
    found = standardise(features)
    assert (found[:, 2] == 0).all()
    np.testing.assert_allclose(found[:, [0, 1, 3]].std(axis=0), 1, atol=1e-3)


def test_a_tile_of_the_same_photograph_is_never_the_answer() -> None:
    # Pairs that are alike only within their photograph, whose other members differ in class.
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 2)
    features = rng.normal(size=(40, 20))[groups] + rng.normal(0, 0.01, (80, 20))
    classes = np.array(["a", "b"])[np.arange(40) % 2][groups]
    score = nearest_is_alike(features.astype(np.float32), classes, groups).mean()
    assert score < 0.75
    informed = features + 30 * (classes == "b")[:, None]
    assert nearest_is_alike(informed.astype(np.float32), classes, groups).mean() == 1.0


def test_few_shots_are_tested_on_other_photographs() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 3)
    classes = np.array(["a", "b"])[rng.permutation(np.arange(40) % 2)][groups]
    apart = rng.normal(size=(40, 30))[groups] + rng.normal(0, 0.01, (120, 30))
    assert few_shot(apart.astype(np.float32), classes, groups, draws=5) < 0.7
    told = apart + 6 * (classes == "b")[:, None]
    score = few_shot(told.astype(np.float32), classes, groups, draws=5)
    assert score > 0.95
    assert score == few_shot(told.astype(np.float32), classes, groups, draws=5)
