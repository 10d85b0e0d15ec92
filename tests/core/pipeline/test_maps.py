"""Maps of versions: kept on disk, computed again when something changed, laid over each other."""

from dataclasses import replace

import numpy as np
import pytest

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.pipeline import maps
from napari_lookalike.core.pipeline.maps import map_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.projection import project as compute
from napari_lookalike.core.results import (
    RESULTS_FILE,
    ModelResults,
    SlideResult,
    load_results,
    save_results,
)


def write_version(project, version, seed, start_from="", n=12):
    rng = np.random.default_rng(seed)
    slides = {
        f"S{i}": SlideResult(
            f"S{i}",
            np.ones(2, np.float32) / 2,
            rng.normal(size=6).astype(np.float32),
            np.zeros((1, 1), np.float32),
            True,
        )
        for i in range(n)
    }
    save_results(
        project.version_dir(version),
        ModelResults(version, ("A", "B"), slides, {}, {"start_from": start_from}),
    )


@pytest.fixture
def project(tmp_path):
    made = Project.create(tmp_path / "p", Cohort())
    write_version(made, "m001-ce", 0)
    write_version(made, "m002-expert", 1, "m001-ce")
    write_version(made, "m003-expert", 2, "m002-expert")
    return made


@pytest.fixture
def computed(monkeypatch):
    """Versions whose map was computed, in order."""
    calls = []

    def spy(results, *args, **kw):
        calls.append(results.version)
        return compute(results, *args, **kw)

    monkeypatch.setattr(maps, "project", spy)
    return calls


def test_a_map_is_computed_once(project, computed):
    first = map_project(project.root, "m001-ce", "pca")
    again = map_project(project.root, "m001-ce", "pca")
    assert computed == ["m001-ce"]
    np.testing.assert_array_equal(first.points, again.points)
    assert again.slide_ids == first.slide_ids
    assert again.parameters == first.parameters
    assert (again.version, again.method) == ("m001-ce", "pca")


def test_new_results_another_seed_or_a_damaged_file_compute_it_again(project, computed):
    map_project(project.root, "m001-ce", "pca")
    map_project(project.root, "m001-ce", "pca", seed=1)
    folder = project.version_dir("m001-ce")
    results = load_results(folder)
    changed = replace(results.slides["S0"], embedding=-results.slides["S0"].embedding)
    save_results(folder, replace(results, slides={**results.slides, "S0": changed}))
    found = map_project(project.root, "m001-ce", "pca", seed=1)
    assert len(computed) == 3
    for damage in (b"", b"no zip", (folder / "map_pca.npz").read_bytes()[:200]):
        (folder / "map_pca.npz").write_bytes(damage)
        np.testing.assert_array_equal(
            map_project(project.root, "m001-ce", "pca", seed=1).points, found.points
        )
    assert len(computed) == 6


def with_new(project, n):
    """The results of m001-ce with n more slides, which are twins of the first ones."""
    folder = project.version_dir("m001-ce")
    results = load_results(folder)
    twins = {f"N{i}": replace(results.slides[f"S{i}"], slide_id=f"N{i}") for i in range(n)}
    save_results(folder, replace(results, slides={**twins, **results.slides}))


@pytest.mark.parametrize("method", ["pca", pytest.param("umap", marks=pytest.mark.slow)])
def test_new_slides_are_placed_and_the_others_stay_where_they_are(project, computed, method):
    first = map_project(project.root, "m001-ce", method)
    with_new(project, 2)
    found = map_project(project.root, "m001-ce", method)
    assert computed == ["m001-ce"]
    assert found.slide_ids[:2] == ("N0", "N1")
    np.testing.assert_array_equal(found.points[2:], first.points)
    if method == "pca":  # where the twin of a slide lies is exact
        np.testing.assert_allclose(found.points[:2], first.points[:2], atol=1e-5)
    again = map_project(project.root, "m001-ce", method)
    np.testing.assert_array_equal(again.points, found.points)
    assert again.parameters["placed"] == ["N0", "N1"]


def test_many_new_slides_or_one_that_is_gone_make_a_new_map(project, computed):
    map_project(project.root, "m001-ce", "pca")
    with_new(project, 7)
    found = map_project(project.root, "m001-ce", "pca")
    assert computed == ["m001-ce"] * 2
    assert "placed" not in found.parameters
    write_version(project, "m001-ce", 0, n=11)
    map_project(project.root, "m001-ce", "pca")
    assert len(computed) == 3


def test_maps_lie_over_the_version_they_were_tuned_from_all_the_way_down(project):
    one, two, three = (map_project(project.root, v, "pca") for v in project.versions())
    assert "aligned_to" not in one.parameters
    assert two.parameters["aligned_to"] == "m001-ce"
    assert three.parameters["aligned_to"] == "m002-expert"
    # so what is asked for explicitly lies where it is shown
    explicit = map_project(project.root, "m002-expert", "pca", align_to_version="m001-ce")
    np.testing.assert_array_equal(explicit.points, two.points)
    other = map_project(project.root, "m003-expert", "pca", align_to_version="m001-ce")
    assert other.parameters["aligned_to"] == "m001-ce"
    assert not np.allclose(other.points, three.points)


def test_a_former_version_that_is_gone_or_damaged_or_itself_is_passed_over(project):
    (project.version_dir("m002-expert") / RESULTS_FILE).write_bytes(b"")
    assert "aligned_to" not in map_project(project.root, "m003-expert", "pca").parameters
    assert (
        "aligned_to"
        not in map_project(project.root, "m001-ce", "pca", align_to_version="m001-ce").parameters
    )
    write_version(project, "m004-ce", 3, start_from="m000-gone")
    assert "aligned_to" not in map_project(project.root, "m004-ce", "pca").parameters


def test_two_versions_that_lie_over_each_other_do_not_turn_in_a_circle(project):
    found = map_project(project.root, "m001-ce", "pca", align_to_version="m002-expert")
    assert found.parameters["aligned_to"] == "m002-expert"


def test_a_version_without_results_is_a_sentence(project):
    with pytest.raises(ModelError, match="no results"):
        map_project(project.root, "m009-ce", "pca")


def test_a_read_only_project_shows_its_map(project, monkeypatch):
    monkeypatch.setattr("napari_lookalike.core.project.can_write", lambda folder: False)
    assert len(map_project(project.root, "m001-ce", "pca").points) == 12
    assert not list(project.version_dir("m001-ce").glob("map_*"))
