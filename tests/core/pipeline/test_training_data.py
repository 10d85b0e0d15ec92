"""What a training says of the features that it reads."""

from __future__ import annotations

from dataclasses import replace

from tests.core.pipeline.small_project import features, small_project, store

from napari_lookalike.core.pipeline.training_data import load_training_data


def test_a_slide_that_was_stopped_early_is_named_with_its_share(tmp_path):
    project = small_project(tmp_path / "project", per_class=2)
    assert not [n for n in load_training_data(project).notes if "of its tiles" in n]
    store(project, replace(features("A0", "A", 1), coverage=0.12))
    notes = load_training_data(project).notes
    assert "A0 counts with 12% of its tiles: its embedding was stopped there." in notes
