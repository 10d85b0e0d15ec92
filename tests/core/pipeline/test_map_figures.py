"""Figures beside the map: measured on held-out slides, few or many."""

from __future__ import annotations

import numpy as np
import pytest
from tests.core.measures.answers import make_answers
from tests.project_fixtures import FIRST, SECOND, tiny_project

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.pipeline import map_figures as module
from napari_lookalike.core.pipeline.map_figures import at_most, map_figures, nearest_pairs


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path)


def test_figures_of_a_version(project):
    found = map_figures(project.root, FIRST, pairs=[("beta", "alpha")])
    assert (found.version, found.slides, found.of) == (FIRST, 24, 24)
    assert found.movement is None
    assert found.geometry["compactness"]["value"] > 0
    assert found.geometry["pairs"]["alpha | beta"]["knn_confusion"]["value"] > 0
    assert nearest_pairs(found.geometry)[0] == ("alpha", "beta")


def test_what_moved_between_two_versions(project):
    moved = map_figures(project.root, SECOND, FIRST, [("alpha", "beta")]).movement
    assert 0 <= moved.changed <= 1
    assert set(moved.margins) == {"alpha | beta"}
    assert all(share > 0 for _, share in moved.most)
    same = map_figures(project.root, FIRST, FIRST, [("alpha", "beta")]).movement
    assert (same.changed, same.most) == (0.0, ())
    was, now = same.margins["alpha | beta"]
    assert was == now


def test_a_version_that_is_not_there_is_a_sentence(project):
    with pytest.raises(ModelError, match="no results"):
        map_figures(project.root, "m009")


def test_too_many_slides_are_drawn_by_whole_patients(monkeypatch):
    answers = make_answers(n=60, per_patient=3)
    assert at_most(answers, 0) is answers
    monkeypatch.setattr(module, "LEAST_SLIDES", 10)
    monkeypatch.setattr(module, "MOST_SLIDES", 20)
    part = at_most(answers, 0)
    held = part.held
    assert len(held.y) == 20
    assert sorted(np.bincount(held.patient))[1:] == [3] * 6  # the last one is cut
    rows = [answers.held.slide_ids.index(s) for s in held.slide_ids]
    np.testing.assert_array_equal(part.embeddings, answers.embeddings[rows])
    np.testing.assert_array_equal(held.y, answers.held.y[rows])
    assert part.centre == tuple(answers.centre[i] for i in rows)
