"""Chances: centres alike, hard slides more often, and the sampler that goes by them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.sampling import Chances, Sampler
from napari_lookalike.core.sampling.chances import DECAY, LEAST

Y = np.array([0, 0, 0, 0, 1, 1], np.int64)
SITES = ("north", "north", "north", "south", "south", "")
CLASSES = ("a", "b")


def test_weights_are_one_over_the_cell_of_centre_and_class() -> None:
    chances = Chances(Y, SITES, by_centre=True, by_hardness=False)
    np.testing.assert_allclose(chances.weights, [1 / 3, 1 / 3, 1 / 3, 1, 1, 1])
    assert Chances(Y, SITES, by_centre=False, by_hardness=True).weights.tolist() == [1.0] * 6


def test_hardness_is_a_running_mean_that_never_rules_a_slide_out() -> None:
    chances = Chances(Y, SITES, by_centre=False, by_hardness=True)
    slides = np.array([1, 4])
    chances.learn(slides, np.array([3.0, 0.0], np.float32))
    assert chances.weights[1] == pytest.approx(DECAY + (1 - DECAY) * 3)
    for _ in range(50):
        chances.learn(slides, np.array([3.0, 0.0], np.float32))
    assert chances.weights[1] == pytest.approx(3, abs=1e-3)
    assert chances.weights[4] == LEAST
    assert chances.weights[0] == 1
    off = Chances(Y, SITES, by_centre=True, by_hardness=False)
    before = off.weights
    off.learn(slides, np.array([3.0, 0.0], np.float32))
    assert off.weights.tolist() == before.tolist()


@given(st.integers(0, 5), st.sets(st.integers(0, 5)), st.integers(0, 99))
@settings(deadline=None)
def test_what_is_drawn_is_free_and_different(n: int, taken: set[int], seed: int) -> None:
    chances = Chances(Y, SITES, by_centre=True, by_hardness=True)
    drawn = chances.draw([0, 1, 2, 3], n, taken, np.random.default_rng(seed))
    free = {0, 1, 2, 3} - taken
    assert len(drawn) == len(set(drawn)) == min(n, len(free))
    assert set(drawn) <= free


def test_centres_come_as_often_as_each_other() -> None:
    y = np.zeros(20, np.int64)
    sites = ("large",) * 18 + ("small",) * 2
    counts: dict[bool, Counter[str]] = {}
    for by_centre in (True, False):
        chances = Chances(y, sites, by_centre, by_hardness=False)
        rng = np.random.default_rng(0)
        drawn = [sites[chances.draw(range(20), 1, (), rng)[0]] for _ in range(2000)]
        counts[by_centre] = Counter(drawn)
    assert 0.46 < counts[True]["small"] / 2000 < 0.54
    assert counts[False]["small"] / 2000 < 0.15


def test_the_sampler_goes_by_chances_and_keeps_classes_balanced() -> None:
    y = np.array([0] * 8 + [1] * 2, np.int64)
    chances = Chances(y, ("",) * 10, by_centre=False, by_hardness=True)
    chances.learn(np.arange(8), np.array([500.0] + [0.0] * 7, np.float32))
    sampler = Sampler(
        y,
        [f"s{i}" for i in range(10)],
        CLASSES,
        PairWeights.none(CLASSES),
        2,
        2,
        np.random.default_rng(0),
        chances,
    )
    batches = [b for _ in range(10) for b in sampler.epoch()]
    assert all(Counter(y[b].tolist()) == {0: 2, 1: 2} for b in batches)
    assert sum(0 in b for b in batches) / len(batches) > 0.9
