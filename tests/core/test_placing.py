"""New slides come to where their own kind is, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
from tests.core.test_projection import clusters, make_results

from napari_lookalike.core.placing import PLACED, can_place, fitted_ids, place
from napari_lookalike.core.projection import project


def new_ones(seed=5):
    """One more slide of each of the three clusters, and its results with the 24 others."""
    x = clusters(noise=0.3)
    rng = np.random.default_rng(seed)
    extra = np.stack([x[8 * c : 8 * c + 8].mean(axis=0) for c in range(3)])
    extra += 0.1 * rng.normal(size=extra.shape)
    names = [*(f"S{i}" for i in range(24)), "A", "B", "C"]
    return make_results(x), make_results(np.r_[x, extra], names=names)


@pytest.mark.parametrize("method", ["pca", pytest.param("umap", marks=pytest.mark.slow)])
def test_new_slides_come_to_their_own_kind_and_nothing_else_moves(method):
    before, after = new_ones()
    shown = project(before, method)
    found = place(after, shown)
    np.testing.assert_array_equal(found.points[:24], shown.points)
    assert found.parameters[PLACED] == ["A", "B", "C"]
    assert fitted_ids(found) == shown.slide_ids
    for cluster, at in enumerate(found.points[24:]):
        nearest = np.linalg.norm(found.points[:24] - at, axis=1).argsort()[:3]
        assert set(nearest // 8) == {cluster}
    again = place(after, shown)
    np.testing.assert_array_equal(again.points, found.points)


def test_slides_placed_before_have_no_part_in_placing_others():
    before, after = new_ones()
    shown = project(before, "pca")
    one = make_results(
        [after.slides[s].embedding for s in (*before.slides, "B")], names=[*before.slides, "B"]
    )
    first = place(one, shown)
    at_once, in_turn = place(after, shown), place(after, first)
    np.testing.assert_allclose(in_turn.points, at_once.points, atol=1e-5)


def test_when_slides_can_be_placed():
    before, after = new_ones()
    shown = project(before, "pca")
    assert can_place(after, shown)
    assert can_place(before, place(after, shown))  # those placed may go again
    few = make_results(clusters()[:23], names=[f"S{i}" for i in range(23)])
    assert not can_place(few, shown)
    many = make_results(clusters(n_each=13), names=[f"S{i}" for i in range(39)])
    assert not can_place(many, shown)
    assert not can_place(before, project(make_results(clusters()[:4]), "pca"))
