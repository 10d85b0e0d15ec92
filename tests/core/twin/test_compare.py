"""Two slides of a project beside each other."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
from tests.project_fixtures import tiny_features, tiny_project

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import save_features
from napari_lookalike.core.results import load_results
from napari_lookalike.core.twin import compare_slides
from napari_lookalike.core.twin.matching import candidates
from napari_lookalike.core.twin.reading import FeatureRows


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path, features=True)


@pytest.fixture
def results(project):
    return load_results(project.version_dir(project.current_version))


def plant(project, slide_id, tile, like, at):
    """Give a tile of a slide the features of a tile of another."""
    features = tiny_features(slide_id)
    instances = features.instances.copy()
    instances[tile] = tiny_features(like).instances[at]
    save_features(project.features_path(slide_id), replace(features, instances=instances))


def test_the_planted_twin_is_the_first_row(project, results):
    a = int(candidates(48, results.slides["S01"].attention_logits[0])[2])
    b = int(candidates(48, results.slides["S05"].attention_logits[0])[4])
    plant(project, "S05", b, "S01", a)
    found = compare_slides(project, results, "S01", "S05")
    assert found.by_attention
    assert (found.rows[0].a, found.rows[0].b) == (a, b)
    assert found.rows[0].similarity == pytest.approx(1.0, abs=1e-5)


def test_rows_are_of_highly_attended_tiles_only(project, results):
    found = compare_slides(project, results, "S01", "S05")
    assert found.rows
    allowed = set(candidates(48, results.slides["S01"].attention_logits[0]).tolist())
    assert {m.a for m in found.rows} <= allowed


def test_it_opens_at_the_most_attended_tile(project, results):
    found = compare_slides(project, results, "S01", "S05")
    for side, slide in ((found.a, "S01"), (found.b, "S05")):
        assert side.top[0] == int(results.slides[slide].attention_logits[0].argmax())
        assert side.missing == ""
    region = found.a.region(found.a.top[0])
    assert (region.width, region.height) == (32.0, 32.0)


def test_without_a_model_tiles_of_the_whole_slides_are_compared(project):
    found = compare_slides(project, None, "S01", "S05")
    assert found.rows
    assert not found.by_attention
    assert found.a.top == ()
    assert "No model has spoken" in found.a.missing


def test_a_slide_without_features_says_what_to_do(project, results):
    project.features_path("S05").unlink()
    found = compare_slides(project, results, "S01", "S05")
    assert found.rows == ()
    assert found.b.grid is None
    assert "Embed the slide first" in found.b.missing
    assert found.a.top  # the other has all that it had
    with pytest.raises(FeatureError, match="Embed"):
        found.b.region(0)


def test_a_slide_that_was_embedded_anew_has_no_top_tiles(project, results):
    result = results.slides["S05"]
    shorter = replace(result, attention_logits=result.attention_logits[:, :40])
    results = replace(results, slides={**results.slides, "S05": shorter})
    found = compare_slides(project, results, "S01", "S05")
    assert "embedded again" in found.b.missing
    assert not found.by_attention


def test_features_of_another_length_are_not_compared(project, results):
    features = tiny_features("S05")
    wider = np.concatenate([features.instances] * 2, axis=1)
    save_features(project.features_path("S05"), replace(features, instances=wider))
    found = compare_slides(project, results, "S01", "S05")
    assert found.rows == ()
    assert "another encoder" in found.b.missing


def test_rows_come_in_the_order_asked_for(project):
    path = project.features_path("S01")
    with FeatureRows(path, "S01") as file:
        found = file.rows(np.array([7, 2, 40]))
    assert np.array_equal(found, tiny_features("S01").instances[[7, 2, 40]])


def test_older_files_of_trident_hold_one_more_axis(project):
    path = project.features_path("S01")
    with h5py.File(path, "r+") as file:
        whole = file["features"][:]
        del file["features"]
        file["features"] = whole[None]
    with FeatureRows(path, "S01") as file:
        assert np.array_equal(file.rows(np.array([7, 2])), whole[[7, 2]])


def test_a_damaged_file_is_an_error_of_that_slide(project):
    project.features_path("S01").write_bytes(b"nothing")
    with pytest.raises(FeatureError, match=r"S01.*damaged"):
        FeatureRows(project.features_path("S01"), "S01")


def test_a_header_that_has_changed_is_told_as_that(project):
    path = project.features_path("S01")
    with h5py.File(path, "r+") as file:
        file["coords"][3] = file["coords"][3] + 1
    with pytest.raises(FeatureError, match=r"S01.*of its slide and tiles has changed"):
        FeatureRows(path, "S01")


def test_numbers_that_are_not_finite_are_an_error(project):
    path = project.features_path("S01")
    with h5py.File(path, "r+") as file:
        del file["features"]
        file["features"] = np.full((48, 8), np.nan, np.float32)
    with FeatureRows(path, "S01") as file, pytest.raises(FeatureError, match="not finite"):
        file.rows(np.array([0]))
