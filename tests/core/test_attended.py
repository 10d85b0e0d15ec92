"""Where the model looked, from the grid of the feature file alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.project_fixtures import FIRST, TILE_PX0, tiny_grid, tiny_project

from napari_lookalike.core import project as project_module
from napari_lookalike.core.attended import (
    EDGE,
    LINE,
    draw_outline,
    hot_mask,
    hot_tiles,
    hottest_place,
    outlined_thumbnail,
    weights_of,
)
from napari_lookalike.core.results import load_results


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path, features=True)


@pytest.fixture
def results(project):
    return load_results(project.version_dir(FIRST))


def test_the_hottest_place_is_the_centre_of_the_tile_with_the_most_attention(
    project, results, monkeypatch
):
    def refuse(*_):
        raise AssertionError("the features themselves were read")

    monkeypatch.setattr(project_module.Project, "load_features", refuse)
    grid = tiny_grid()
    best = int(np.argmax(results.slides["S03"].attention_logits[0]))
    place = hottest_place(project, results, "S03")
    assert (place.x_px0, place.y_px0) == tuple(grid.corners_px0[best] + TILE_PX0 / 2)
    assert place.width_px0 == TILE_PX0


def test_nowhere_without_features_results_or_with_other_tiles(project, results):
    assert hottest_place(project, results, "gone") is None
    project.features_path("S03").unlink()
    assert hottest_place(project, results, "S03") is None
    other = replace(results.slides["S04"], attention_logits=np.zeros((1, 7), np.float32))
    changed = replace(results, slides={**results.slides, "S04": other})
    assert hottest_place(project, changed, "S04") is None
    plain = outlined_thumbnail(project, changed, "S04", 100)
    assert not (plain == LINE).all(axis=-1).any()


def test_the_predicted_class_attends_where_there_is_a_branch_per_class(results):
    one = results.slides["S01"]
    logits = np.zeros((len(results.classes), 48), np.float32)
    logits[int(one.ranking[0]), 5] = 9.0
    assert int(np.argmax(weights_of(replace(one, attention_logits=logits)))) == 5


@pytest.mark.parametrize(
    ("weights", "share", "hot"),
    [
        ([0.1, 0.6, 0.3], 0.5, [1]),
        ([0.1, 0.6, 0.3], 0.6, [1]),
        ([0.1, 0.6, 0.3], 0.61, [1, 2]),
        ([0.25] * 4, 0.5, [0, 1]),
        ([], 0.5, []),
    ],
)
def test_the_fewest_tiles_that_hold_half_of_the_attention(weights, share, hot):
    assert np.flatnonzero(hot_tiles(np.array(weights), share)).tolist() == hot


def test_the_outline_lies_round_the_hot_tiles(project, results):
    grid = tiny_grid()
    weights = np.full(len(grid), 1e-6)
    weights[10] = 1.0
    mask = hot_mask(grid, weights, (96, 128))  # half of the slide's size
    x, y = (grid.corners_px0[10] / 2).astype(int)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max()) == (y, y + TILE_PX0 // 2 - 1)
    assert (columns.min(), columns.max()) == (x, x + TILE_PX0 // 2 - 1)
    drawn = draw_outline(np.full((96, 128, 3), 200, np.uint8), mask)
    assert drawn[y, x].tolist() == list(LINE)
    assert drawn[y - 1, x].tolist() == list(EDGE)
    assert drawn[y + 8, x + 8].tolist() == [200] * 3


def test_the_thumbnail_has_an_outline(project, results):
    picture = outlined_thumbnail(project, results, "S02", 120)
    assert max(picture.shape[:2]) == 120
    assert (picture == LINE).all(axis=-1).any()
    assert not (outlined_thumbnail(project, None, "S02", 120) == LINE).all(axis=-1).any()
