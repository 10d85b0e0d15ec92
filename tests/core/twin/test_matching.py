"""Which tiles of two slides look alike, against a slow plain version."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.twin.matching import (
    LEAST,
    NEAR,
    best_matches,
    candidates,
    moments,
)

FAR = 10.0


def far_apart(n: int) -> np.ndarray:
    """Places that are no neighbours of one another."""
    return np.stack([np.arange(n) * FAR, np.zeros(n)], axis=1)


def two_slides(n: int = 40, dim: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dim)), rng.normal(size=(n, dim))


def plainly(a, b, rows: int) -> list[tuple[int, int]]:
    """The same by loops, for places that are far apart."""
    both = np.concatenate([a, b])
    z = [(x - both.mean(axis=0)) / both.std(axis=0) for x in (a, b)]
    cosine = {
        (i, j): float(p @ q / np.linalg.norm(p) / np.linalg.norm(q))
        for i, p in enumerate(z[0])
        for j, q in enumerate(z[1])
    }

    def best(i: int, j: int) -> bool:
        row = max(range(len(b)), key=lambda k: cosine[i, k])
        column = max(range(len(a)), key=lambda k: cosine[k, j])
        return (row, column) == (j, i)

    order = sorted(cosine, key=lambda pair: (not best(*pair), -cosine[pair]))
    chosen: list[tuple[int, int]] = []
    for i, j in order:
        taken = any(i == p or j == q for p, q in chosen)
        if len(chosen) < rows and not taken and cosine[i, j] > 0:
            chosen.append((i, j))
    return chosen


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_those_of_the_plain_version(seed):
    a, b = two_slides(seed=seed)
    found = best_matches(a, b, far_apart(len(a)), far_apart(len(b)), rows=30)
    assert [(m.a, m.b) for m in found] == plainly(a, b, 30)


def test_planted_twins_come_first():
    a, b = two_slides(n=60)
    b[[7, 21]] = a[[3, 50]] + 0.05
    found = best_matches(a, b, far_apart(60), far_apart(60), rows=2)
    assert {(m.a, m.b) for m in found} == {(3, 7), (50, 21)}
    assert all(m.mutual and m.similarity > 0.95 for m in found)


def test_a_part_that_all_features_share_says_nothing():
    """Foundation models' features point one way: bare cosines would all be near 1."""
    a, b = two_slides(n=60)
    b[7] = a[3]
    found = best_matches(a + 100.0, b + 100.0, far_apart(60), far_apart(60), rows=1)
    assert (found[0].a, found[0].b) == (3, 7)
    bare = (a + 100) @ (b + 100).T
    bare = bare / np.linalg.norm(a + 100, axis=1)[:, None] / np.linalg.norm(b + 100, axis=1)
    assert bare.min() > 0.99


def test_mutual_best_ones_come_before_more_similar_others():
    found = best_matches(*two_slides(seed=3), far_apart(40), far_apart(40), rows=40)
    kinds = [m.mutual for m in found]
    assert kinds == sorted(kinds, reverse=True)
    for kind in (True, False):
        alike = [m.similarity for m in found if m.mutual is kind]
        assert alike == sorted(alike, reverse=True)


def test_no_two_rows_show_the_same_neighbourhood_of_either_slide():
    a, b = two_slides(n=100)
    side = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
    found = best_matches(a, b, side, side, rows=20)
    assert len(found) > 3
    for n, one in enumerate(found):
        for other in found[:n]:
            assert np.linalg.norm(side[one.a] - side[other.a]) >= NEAR - 1e-6
            assert np.linalg.norm(side[one.b] - side[other.b]) >= NEAR - 1e-6


def test_what_is_no_more_alike_than_any_two_tiles_is_no_row():
    x = np.eye(4)
    assert best_matches(x[:1], -x[:1], far_apart(1), far_apart(1), mean=0, scale=1) == ()


def test_slides_without_tiles_have_no_rows():
    empty = np.empty((0, 8))
    assert best_matches(empty, np.ones((3, 8)), np.empty((0, 2)), far_apart(3)) == ()


def test_features_of_two_encoders_are_not_compared():
    with pytest.raises(ValueError, match="8 and of 9"):
        best_matches(np.ones((3, 8)), np.ones((3, 9)), far_apart(3), far_apart(3))


def test_only_the_most_attended_tiles_are_candidates():
    weights = np.random.default_rng(0).permutation(10_000).astype(float)
    picked = candidates(len(weights), weights, limit=50)
    assert weights[picked].tolist() == sorted(weights, reverse=True)[:50]


@pytest.mark.parametrize(("n", "expected"), [(0, 0), (5, 5), (40, LEAST), (400, 100)])
def test_a_small_slide_has_its_most_attended_quarter(n, expected):
    assert len(candidates(n, np.arange(float(n)))) == expected


def test_without_attention_tiles_come_from_all_over():
    picked = candidates(1000, None, limit=11)
    assert picked.tolist() == [round(i * 99.9) for i in range(11)]
    assert candidates(3).tolist() == [0, 1, 2]


def test_weights_of_other_tiles_are_refused():
    with pytest.raises(ValueError, match="weights for 4 tiles"):
        candidates(4, np.ones(3))


def test_each_slide_counts_alike_for_mean_and_scale():
    few, many = np.zeros((2, 1), np.float32), np.full((200, 1), 4.0, np.float32)
    mean, scale = moments((few, many))
    assert mean.tolist() == [2.0]
    assert scale.tolist() == [2.0]


def test_a_feature_that_does_not_vary_is_left_as_it_is():
    _, scale = moments((np.full((5, 1), 3.0, np.float32),))
    assert scale.tolist() == [1.0]


def test_of_a_slide_with_100_000_tiles_no_more_than_the_limit_are_compared():
    weights = np.random.default_rng(0).normal(size=100_000)
    pick = candidates(len(weights), weights, limit=256, share=1.0)
    assert len(pick) == 256
    assert weights[pick].min() >= np.sort(weights)[-256]
