"""Batches: balanced, complete, seeded, and with marked pairs side by side."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.sampling import Sampler, marked_pairs

CLASSES = tuple("abcdefgh")


def weights(
    *pairs: tuple[int, int], slides: dict[tuple[str, str], float] | None = None
) -> PairWeights:
    strength = np.zeros((len(CLASSES), len(CLASSES)), np.float32)
    for a, b in pairs:
        strength[a, b] = strength[b, a] = 1.0
    return PairWeights(CLASSES, strength, slides or {})


def sampler(
    y: list[int], marks: PairWeights, p: int = 3, k: int = 2, seed: int = 0
) -> tuple[Sampler, NDArray[np.int64]]:
    labels = np.array(y, np.int64)
    ids = [f"s{i}" for i in range(len(y))]
    return Sampler(labels, ids, CLASSES, marks, p, k, np.random.default_rng(seed)), labels


@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=30),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(0, 50),
)
@settings(max_examples=60, deadline=None)
def test_batches_hold_p_classes_and_at_most_k_slides(
    y: list[int], p: int, k: int, seed: int
) -> None:
    batches, labels = sampler(y, weights((0, 1), (2, 3)), p, k, seed)
    for batch in batches.epoch():
        assert len(set(batch.tolist())) == len(batch)
        drawn = Counter(labels[batch].tolist())
        assert len(drawn) == min(max(p, 2), len(set(y)))
        assert all(n == min(k, y.count(c)) for c, n in drawn.items())


def test_every_slide_has_its_turn_and_classes_are_balanced() -> None:
    y = [0] * 12 + [1] * 3 + [2]
    batches, labels = sampler(y, PairWeights.none(CLASSES), p=3, k=2)
    drawn = np.concatenate([b for _ in range(12) for b in batches.epoch()])
    per_slide = Counter(drawn.tolist())
    for c in range(3):
        turns = [per_slide[i] for i in np.flatnonzero(labels == c)]
        assert max(turns) - min(turns) <= 1
    per_class = Counter(labels[drawn].tolist())
    assert per_class[0] == per_class[1] == 2 * per_class[2]  # the third has one slide only


def test_a_marked_class_pair_sits_in_every_batch() -> None:
    y = list(range(8)) * 4
    batches, labels = sampler(y, weights((2, 5)), p=3)
    assert all({2, 5} <= set(labels[b].tolist()) for b in batches.epoch())
    without, _ = sampler(y, PairWeights.none(CLASSES), p=3)
    assert not all({2, 5} <= set(labels[b].tolist()) for b in without.epoch())


def test_marked_slides_meet_and_several_marks_take_turns() -> None:
    y = list(range(8)) * 4
    pairs = {("s0", "s1"): 1.0, ("s10", "s11"): 0.5, ("s20", "s30"): 0.1}
    batches, _ = sampler(y, weights(slides=pairs), p=2, k=2)
    met: Counter[tuple[str, str]] = Counter()
    for batch in batches.epoch():
        names = {f"s{i}" for i in batch}
        met.update(pair for pair in pairs if set(pair) <= names)
    assert set(met) == set(pairs)
    assert max(met.values()) - min(met.values()) <= 2


def test_many_marks_on_few_seats_all_get_their_turn() -> None:
    y = list(range(8)) * 2
    marks = weights((0, 1), (1, 2), (3, 4), (5, 6), (6, 7), (0, 7))
    batches, labels = sampler(y, marks, p=2, k=1)
    met = {tuple(sorted(set(labels[b].tolist()))) for b in batches.epoch()}
    assert {(0, 1), (1, 2), (3, 4), (5, 6), (6, 7), (0, 7)} <= met


def test_marks_that_cannot_be_negatives_seat_nobody() -> None:
    y = np.array([0, 0, 1])
    marks = weights((1, 7), slides={("s0", "s1"): 1.0, ("s0", "gone"): 1.0, ("s0", "s2"): 0.0})
    assert marked_pairs(y, ["s0", "s1", "s2"], CLASSES, marks) == []


@pytest.mark.parametrize("marks", [PairWeights.none(CLASSES), weights((0, 1))])
def test_the_same_seed_gives_the_same_batches(marks: PairWeights) -> None:
    y = list(range(8)) * 4
    one, two, other = (
        [b.tolist() for b in sampler(y, marks, seed=s)[0].epoch()] for s in (4, 4, 5)
    )
    assert one == two
    assert one != other
