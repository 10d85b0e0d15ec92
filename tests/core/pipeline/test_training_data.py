"""What a training says of the features that it reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.core.pipeline.small_project import features, small_project, store

from napari_lookalike.core.pipeline import training_data
from napari_lookalike.core.pipeline.training_data import load_training_data


def test_a_slide_that_was_stopped_early_is_named_with_its_share(tmp_path):
    project = small_project(tmp_path / "project", per_class=2)
    assert not [n for n in load_training_data(project).notes if "of its tiles" in n]
    store(project, replace(features("A0", "A", 1), coverage=0.12))
    notes = load_training_data(project).notes
    assert "A0 counts with 12% of its tiles: its embedding was stopped there." in notes


def test_a_large_cohort_stays_on_the_disk(tmp_path, monkeypatch):
    project = small_project(tmp_path / "project", per_class=2)
    read = load_training_data(project)
    monkeypatch.setattr(training_data, "MAP_FROM", 100)
    mapped = load_training_data(project)
    for here, there in zip(read.bags, mapped.bags, strict=True):
        assert isinstance(there.instances, np.memmap)
        assert not isinstance(here.instances, np.memmap)
        np.testing.assert_array_equal(here.instances, there.instances)
