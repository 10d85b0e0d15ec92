"""One vector a slide, of those that are embedded."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tests.project_fixtures import tiny_project

from napari_lookalike.core.errors import EncoderError, FeatureError
from napari_lookalike.core.pipeline.slide_vectors import save_slide_vectors, slide_vectors
from napari_lookalike.core.progress import Job, JobCancelled


def test_the_mean_of_every_embedded_slide(tmp_path: Path) -> None:
    project = tiny_project(tmp_path, results=False, features=True)
    ids = [record.slide_id for record in project.cohort]
    project.features_path(ids[3]).unlink()
    found = slide_vectors(project.root)
    assert found.slide_ids == tuple(s for s in ids if s != ids[3])
    assert list(found.left_out) == [ids[3]]
    wanted = project.load_features(ids[0]).instances.mean(axis=0)
    np.testing.assert_allclose(found.vectors[0], wanted, atol=1e-6)
    save_slide_vectors(tmp_path / "out.npz", found)
    with np.load(tmp_path / "out.npz") as loaded:
        assert tuple(loaded["slide_ids"]) == found.slide_ids
        np.testing.assert_array_equal(loaded["vectors"], found.vectors)
        assert str(loaded["encoder"]) == "mean-v1"
    save_slide_vectors(tmp_path / "out.csv", found)
    with (tmp_path / "out.csv").open(newline="") as file:
        header, first, *rest = csv.reader(file)
    assert header[:3] == ["slide_id", "encoder", "f0"] and len(rest) == len(ids) - 2
    np.testing.assert_array_equal(np.array(first[2:], np.float32), found.vectors[0])


def test_tiles_of_another_encoder_are_refused(tmp_path: Path) -> None:
    project = tiny_project(tmp_path, results=False, features=True)
    with pytest.raises(EncoderError, match="import"):
        slide_vectors(project.root, "titan")
    with pytest.raises(EncoderError, match="no slide encoder"):
        slide_vectors(project.root, "nonsense")


def test_without_features_or_with_a_cancelled_job(tmp_path: Path) -> None:
    project = tiny_project(tmp_path, results=False)
    with pytest.raises(FeatureError, match="Embed the slides"):
        slide_vectors(project.root)
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        slide_vectors(project.root, job=job)
