"""The linear probe: honest about groups, and sure about differences only when it may be."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.bench.probe import (
    PLAIN,
    Probe,
    difference_interval,
    linear_probe,
    probe_under_shifts,
)


def _photographs(n: int, per: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    groups = np.repeat(np.arange(n), per)
    return groups, np.array(["a", "b"])[rng.permutation(np.arange(n) % 2)][groups]


def test_separable_classes_are_found() -> None:
    rng = np.random.default_rng(0)
    groups, classes = _photographs(40, 3, rng)
    features = rng.normal(size=(120, 5)) + 6 * (classes == "b")[:, None]
    assert linear_probe(features.astype(np.float32), classes, groups).accuracy > 0.97


def test_what_only_tells_photographs_apart_is_worth_nothing() -> None:
    # Each photograph has its own feature vector, unrelated to its class: a split that
    # leaked would score near 1.
    rng = np.random.default_rng(0)
    groups, classes = _photographs(60, 4, rng)
    features = rng.normal(size=(60, 30))[groups] + rng.normal(0, 0.01, (240, 30))
    assert linear_probe(features.astype(np.float32), classes, groups).accuracy < 0.7


def test_the_difference_is_resampled_by_photograph() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    ours = np.ones(300)
    # The peer errs on whole photographs, so there are 30 facts here and not 300.
    peer = (rng.random(30) < 0.8).astype(float)[groups]
    low, high = difference_interval(Probe(ours), Probe(peer), groups)
    tile_low, tile_high = difference_interval(Probe(ours), Probe(peer), np.arange(300))
    assert low <= (ours.mean() - peer.mean()) <= high
    assert high - low > 2 * (tile_high - tile_low)
    # A plain loop over bootstrap samples gives the same interval.
    loop = np.random.default_rng(1)
    means = []
    for _ in range(1500):
        drawn = np.concatenate([np.flatnonzero(groups == g) for g in loop.integers(30, size=30)])
        means.append(ours[drawn].mean() - peer[drawn].mean())
    assert (low, high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.04)


def test_equal_probes_do_not_differ() -> None:
    correct = np.array([1.0, 0.0] * 20)
    assert difference_interval(Probe(correct), Probe(correct), np.arange(40)) == (0.0, 0.0)


def test_a_shift_is_tested_on_and_never_trained_on() -> None:
    rng = np.random.default_rng(0)
    groups, classes = _photographs(40, 3, rng)
    found = rng.normal(size=(120, 5)) + 6 * (classes == "b")[:, None]
    features = {PLAIN: found.astype(np.float32), "turned": -found.astype(np.float32)}
    probes = probe_under_shifts(features, classes, groups)
    assert probes[PLAIN].accuracy > 0.97
    assert probes["turned"].accuracy < 0.6
    assert linear_probe(features[PLAIN], classes, groups).accuracy == probes[PLAIN].accuracy


def test_two_groups_are_enough() -> None:
    rng = np.random.default_rng(0)
    classes = np.array(["a", "b"] * 30)
    features = (rng.normal(size=(60, 4)) + 5 * (classes == "b")[:, None]).astype(np.float32)
    assert linear_probe(features, classes, np.repeat([0, 1], 30)).accuracy > 0.95


def test_a_shift_may_be_tested_on_some_of_the_tiles() -> None:
    rng = np.random.default_rng(0)
    groups, classes = _photographs(40, 3, rng)
    found = rng.normal(size=(120, 5)) + 6 * (classes == "b")[:, None]
    which = np.flatnonzero(np.arange(120) % 3 == 1)
    wrong = -found[which]
    features = {PLAIN: found, "same": found[which], "turned": wrong}
    probes = probe_under_shifts(features, classes, groups, which=which)
    assert probes["same"].correct.shape == (40,)
    np.testing.assert_array_equal(probes["same"].correct, probes[PLAIN].correct[which])
    assert probes["turned"].accuracy < 0.6
