"""Replay: only slides of large classes that are still wrong, each once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.sampling import Replay

Y = np.array([0] * 6 + [1] * 2 + [2], np.int64)  # 0 is large: more than 3 slides


def replay(per_batch: int = 2, seed: int = 0) -> Replay:
    return Replay(Y, per_batch, np.random.default_rng(seed))


def test_wrong_slides_of_large_classes_come_again_once() -> None:
    again = replay()
    again.learn(np.array([0, 1, 2, 6, 8]), np.array([1, 1, 0, 0, 0]))
    batches = [np.array([1, 6]), np.array([2, 7])]
    first, second = again.add_to(batches)
    assert first.tolist()[:2] == [1, 6]
    assert sorted([*first[2:], *second[2:]]) == [0, 1]  # 6 and 8 are of small classes
    assert 1 not in first[2:]  # it is in that batch already
    assert [b.tolist() for b in again.add_to(batches)] == [[1, 6], [2, 7]]


def test_what_was_got_right_since_does_not_come_again() -> None:
    again = replay()
    again.learn(np.array([0, 1]), np.array([1, 1]))
    again.learn(np.array([0]), np.array([0]))
    (batch,) = again.add_to([np.array([6])])
    assert batch.tolist() == [6, 1]


def test_equal_classes_have_no_large_one() -> None:
    again = Replay(np.array([0, 0, 1, 1]), 2, np.random.default_rng(0))
    again.learn(np.array([0, 2]), np.array([1, 0]))
    (batch,) = again.add_to([np.array([3])])
    assert batch.tolist() == [3]


@given(
    st.lists(st.integers(0, 5), max_size=12),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(0, 9),
)
@settings(deadline=None)
def test_batches_grow_by_at_most_so_many_and_hold_nothing_twice(
    wrong: list[int], per_batch: int, n_batches: int, seed: int
) -> None:
    again = replay(per_batch, seed)
    again.learn(np.array(wrong, np.int64), np.ones(len(wrong), np.int64))
    batches = [np.array([i % 6, 6 + i % 2]) for i in range(n_batches)]
    longer = again.add_to(batches)
    added = []
    for before, after in zip(batches, longer, strict=True):
        assert after[:2].tolist() == before.tolist()
        assert len(set(after.tolist())) == len(after) <= 2 + per_batch
        added += after[2:].tolist()
    assert len(set(added)) == len(added)
    assert set(added) <= set(wrong)
