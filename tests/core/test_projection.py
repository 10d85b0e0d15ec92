"""Maps: PCA exact, UMAP seeded, one laid over another so that movement means something."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.projection import components, neighbour_change, pca, procrustes, project
from napari_lookalike.core.results import ModelResults, Projection, SlideResult


def make_results(vectors, version="m001-ce", names=None):
    names = names or [f"S{i}" for i in range(len(vectors))]
    empty = np.zeros((1, 1), np.float32)
    slides = {
        n: SlideResult(n, np.ones(2) / 2, np.asarray(v, np.float32), empty, True)
        for n, v in zip(names, vectors, strict=True)
    }
    return ModelResults(version, ("A", "B"), slides)


def clusters(n_each=8, dim=64, seed=0, noise=0.05):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, dim))
    return np.concatenate([c + noise * rng.normal(size=(n_each, dim)) for c in centres])


def test_pca_is_the_best_plane():
    x = np.random.default_rng(0).normal(size=(20, 6)) * [5, 3, 1, 1, 1, 1]
    scores, explained = pca(x, 2)
    centred = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    reference = centred @ vectors[:, ::-1][:, :2]
    np.testing.assert_allclose(np.abs(scores), np.abs(reference), atol=1e-9)
    np.testing.assert_allclose(explained, values[::-1][:2] / values.sum())


@pytest.mark.parametrize("shape", [(90, 300), (300, 90), (70, 70)])
def test_a_few_components_of_many_equal_those_of_the_whole_decomposition(shape):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape) + 4 * rng.normal(size=(shape[0], 3)) @ rng.normal(size=(3, shape[1]))
    found, reference = components(x, 3), np.linalg.svd(x, full_matrices=False)[2][:3]
    np.testing.assert_allclose(np.abs((found * reference).sum(axis=1)), 1.0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-9)


@given(st.integers(0, 100))
@settings(deadline=None)
def test_pca_signs_do_not_depend_on_the_order_of_slides(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(12, 5))
    order = rng.permutation(12)
    np.testing.assert_allclose(pca(x[order], 2)[0], pca(x, 2)[0][order], atol=1e-9)


def test_length_does_not_matter_only_direction():
    x = clusters()
    scaled = x * np.random.default_rng(1).uniform(0.1, 10, (len(x), 1))
    a, b = project(make_results(x), "pca"), project(make_results(scaled), "pca")
    np.testing.assert_allclose(a.points, b.points, atol=1e-5)
    assert a.points.dtype == np.float32
    assert (a.version, a.method) == ("m001-ce", "pca")
    assert len(a.parameters["explained_variance"]) == 2


@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("method", ["pca", "umap"])
def test_tiny_cohorts_have_a_map(n, method):
    found = project(make_results(np.random.default_rng(0).normal(size=(n, 7))), method)
    assert found.points.shape == (n, 2)
    assert np.isfinite(found.points).all()
    assert ("too few" in found.parameters.get("note", "")) == (method == "umap")


def test_equal_and_zero_embeddings_have_a_map():
    found = project(make_results(np.zeros((6, 4))), "pca")
    assert np.isfinite(found.points).all()
    assert np.ptp(found.points) == 0


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="tsne"):
        project(make_results(clusters()), "tsne")


angles = st.floats(0, 6.28)


@given(angles, st.booleans(), st.floats(0.2, 5), st.floats(-50, 50))
def test_procrustes_undoes_turning_mirroring_scaling_and_shifting(angle, mirror, scale, shift):
    target = np.random.default_rng(0).normal(size=(9, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirror:
        turn = turn @ np.diag([1, -1])
    source = scale * target @ turn + shift
    np.testing.assert_allclose(procrustes(source, source, target), target, atol=1e-6)


def test_procrustes_turns_as_well_as_any_other_angle_does():
    rng = np.random.default_rng(1)
    source = rng.normal(size=(15, 2))
    target = source @ np.array([[0, 1], [-1, 0]]) + 0.2 * rng.normal(size=(15, 2))
    best = ((procrustes(source, source, target) - target) ** 2).sum()
    a, b = source - source.mean(0), target - target.mean(0)
    a = a * np.linalg.norm(b) / np.linalg.norm(a)
    for angle in np.linspace(0, 2 * np.pi, 720):
        for sign in (1, -1):
            c, s = np.cos(angle), np.sin(angle)
            turned = a @ np.array([[c, -s], [s, c]]) @ np.diag([1, sign])
            assert best <= ((turned - b) ** 2).sum() + 1e-9


def test_a_map_is_laid_over_the_former_by_the_slides_in_both():
    x = clusters()
    former = project(make_results(x), "pca")
    turned = Projection(
        "m000", "pca", former.slide_ids[::-1], (3 * former.points[::-1] @ [[0, 1], [-1, 0]] + 7)
    )
    found = project(make_results(x[2:]), "pca", align_to=turned)
    assert found.parameters["aligned_to"] == "m000"
    assert found.parameters["aligned_slides"] == 22
    again = project(make_results(x), "pca", align_to=turned)
    np.testing.assert_allclose(again.points, turned.points[::-1], atol=1e-4)
    assert again.parameters["rms_movement"] == pytest.approx(0, abs=1e-3)


def test_nothing_in_common_leaves_the_map_as_it_is():
    x = clusters()
    other = Projection("m000", "pca", ("elsewhere",), np.zeros((1, 2), np.float32))
    alone, beside = project(make_results(x), "pca"), project(make_results(x), "pca", align_to=other)
    np.testing.assert_array_equal(alone.points, beside.points)
    assert beside.parameters["aligned_to"] == ""


def test_a_former_map_of_equal_points_does_not_break_alignment():
    x = clusters()
    former = Projection(
        "m0", "pca", tuple(f"S{i}" for i in range(24)), np.ones((24, 2), np.float32)
    )
    assert np.isfinite(project(make_results(x), "pca", align_to=former).points).all()


def test_neighbour_change_equals_a_plain_loop():
    rng = np.random.default_rng(3)
    before, after = rng.normal(size=(9, 5)), rng.normal(size=(9, 5))
    order = rng.permutation(9)
    found = neighbour_change(
        make_results(before),
        make_results(after[order], names=[f"S{i}" for i in order]),
        k=3,
    )

    def nearest(x, i):
        cosine = [x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j]) for j in range(9)]
        return set(sorted((j for j in range(9) if j != i), key=lambda j: -cosine[j])[:3])

    for i in range(9):
        lost = nearest(before, i) - nearest(after, i)
        assert found[f"S{i}"] == pytest.approx(len(lost) / 3)


def test_neighbour_change_edges():
    x = clusters()
    assert set(neighbour_change(make_results(x), make_results(2 * x)).values()) == {0.0}
    assert neighbour_change(make_results(x[:2]), make_results(x[:2])) == {}
    assert len(neighbour_change(make_results(x[:3]), make_results(x[:3]), k=50)) == 3


def test_importing_the_module_imports_no_umap_and_no_torch():
    code = (
        "import sys, napari_lookalike.core.projection, napari_lookalike.core.evaluation,"
        "napari_lookalike.core.attention, napari_lookalike.core.prediction,"
        "napari_lookalike.core.hard_negatives, napari_lookalike.core.pipeline.train,"
        "napari_lookalike.core.pipeline.maps;"
        "print({'umap', 'numba', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
class TestUmap:
    def test_clusters_stay_together_and_the_seed_fixes_the_map(self):
        x = clusters()
        one, two = (project(make_results(x), "umap", 3) for _ in range(2))
        np.testing.assert_array_equal(one.points, two.points)
        assert one.parameters["neighbours"] == 15
        assert one.parameters["pca_first"] == 50
        groups = np.arange(24) // 8
        distance = np.linalg.norm(one.points[:, None] - one.points[None], axis=-1)
        np.fill_diagonal(distance, np.inf)
        assert (groups[distance.argmin(axis=1)] == groups).all()

    @pytest.mark.parametrize("n", [5, 6, 16, 17])
    def test_small_cohorts(self, n):
        rng = np.random.default_rng(0)
        found = project(make_results(rng.normal(size=(n, 30))), "umap")
        assert np.isfinite(found.points).all()
        assert found.parameters["neighbours"] == min(15, n - 1)

    def test_what_was_compiled_is_kept_for_the_next_process(self):
        from numba.core.caching import NullCache

        project(make_results(clusters()), "umap")
        import umap.layouts
        import umap.umap_

        for function in (
            umap.umap_.smooth_knn_dist,
            umap.umap_.compute_membership_strengths,
        ):
            assert not isinstance(function._cache, NullCache)

    def test_equal_embeddings(self):
        assert np.isfinite(project(make_results(np.ones((8, 4))), "umap").points).all()

    def test_slides_that_stayed_move_less_than_those_that_changed_their_neighbours(self):
        x = clusters(noise=0.6)
        rng = np.random.default_rng(9)
        after = x + 0.05 * rng.normal(size=x.shape)
        after[:3] = x[8:11] + 0.3 * rng.normal(size=(3, 64))  # three slides change cluster
        after = np.r_[after, x[16:17] + 0.1]  # and one is new
        former = project(make_results(x), "umap", 0)
        new = make_results(after, "m002", [f"S{i}" for i in range(25)])
        laid, free = project(new, "umap", 1, align_to=former), project(new, "umap", 1)
        assert laid.parameters["init"] == "former map"
        width = np.ptp(former.points, axis=0).max()
        moved = np.linalg.norm(laid.points[:24] - former.points, axis=1) / width
        assert moved[:3].min() > 2 * np.median(moved[3:])
        assert np.median(moved[3:]) < 0.25
        assert np.median(moved[3:]) < np.median(
            np.linalg.norm(free.points[3:24] - former.points[3:], axis=1) / width
        )
        # they arrived: their nearest slide on the map is of the new cluster
        distance = np.linalg.norm(laid.points[:, None] - laid.points[None], axis=-1)
        np.fill_diagonal(distance, np.inf)
        distance[:, :3] = np.inf
        assert set(distance[:3].argmin(axis=1) // 8) == {1}
        assert distance[24].argmin() // 8 == 2
