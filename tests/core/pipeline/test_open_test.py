"""Opening the locked test set: counted first, unseen by every network, figures as they are."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from tests.core.pipeline.small_project import CLASSES, features, small_project, store

from napari_lookalike.core.checkpoints import load_model
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import ModelError, ProjectError
from napari_lookalike.core.locked_test import lock_test_set, read_locked_test
from napari_lookalike.core.model_report import build_model_report, html_page
from napari_lookalike.core.pipeline.open_test import open_test_set
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.predictor import Predictor
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.project import Project

CONFIG = TrainConfig(epochs=4, folds=2, device="cpu", threads=1)


@pytest.fixture(scope="module")
def locked_project(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("locked") / "p", per_class=8)
    lock_test_set(project, 0.25)
    return project, train_project(project.root, CONFIG)


@pytest.fixture
def copied(locked_project, tmp_path):
    import shutil

    project, version = locked_project
    shutil.copytree(project.root, tmp_path / "copy")
    return Project.open(tmp_path / "copy"), version


def test_the_figures_are_those_of_the_final_network(copied):
    project, version = copied
    found = open_test_set(project.root, version)
    locked = read_locked_test(project.root)
    predictor = Predictor(load_model(project.version_dir(version)))
    y, said = [], []
    for slide_id in locked.slide_ids:
        p = predictor.predict(project.load_features(slide_id).instances).probabilities
        y.append(CLASSES.index(project.cohort[slide_id].label))
        said.append(int(p.argmax()))
    assert found["n_slides"] == len(locked.slide_ids) == 6
    assert found["n_patients"] == 3
    assert found["balanced_accuracy"]["value"] == pytest.approx(balanced_accuracy_score(y, said))
    assert np.sum(found["confusion_matrix"]) == 6
    assert found["notes"] == []


def test_every_opening_is_counted_and_shown(copied):
    project, version = copied
    open_test_set(project.root, version)
    figures = open_test_set(project.root, version)
    report = build_model_report(project, version, test_figures=figures)
    assert report["locked_test"]["opened"] == 2
    page = html_page(report)
    assert "opened 2 times" in page
    assert "The final network on 6 slides of 3 patients" in page
    closed = build_model_report(project, version)
    assert closed["locked_test"]["figures"] is None
    assert "The final network on" not in html_page(closed)


def test_an_opening_counts_even_if_it_is_cancelled(copied):
    project, version = copied
    job = Job(lambda *step: job.cancel())
    with pytest.raises(JobCancelled):
        open_test_set(project.root, version, job=job)
    assert len(read_locked_test(project.root).openings) == 1


def test_a_model_that_learnt_from_the_test_set_is_refused_and_nothing_is_counted(copied):
    project, version = copied
    trained = load_model(project.version_dir(version)).train_slide_ids[0]
    group = project.cohort[read_locked_test(project.root).slide_ids[0]].patient_id
    # Somebody finds out that the patient of a training slide is a test patient.
    project.save(
        cohort=project.cohort.with_record(replace(project.cohort[trained], patient_id=group))
    )
    with pytest.raises(ModelError, match="locked test set") as caught:
        open_test_set(project.root, version)
    assert caught.value.slide == trained
    assert read_locked_test(project.root).openings == ()


def test_slides_that_cannot_be_asked_about_are_named(copied):
    project, version = copied
    one, two, three = read_locked_test(project.root).slide_ids[:3]
    project.features_path(one).unlink()
    store(project, features(two, "A", 3, mpp=1.0))
    project.save(cohort=project.cohort.with_record(replace(project.cohort[three], label="other")))
    found = open_test_set(project.root, version)
    assert found["n_slides"] == 3
    assert all(any(s in note for note in found["notes"]) for s in (one, two, three))


def test_without_a_test_set_it_is_a_sentence(tmp_path):
    project = small_project(tmp_path / "p")
    version = train_project(project.root, replace(CONFIG, epochs=1))
    with pytest.raises(ProjectError, match="no locked test set"):
        open_test_set(project.root, version)
