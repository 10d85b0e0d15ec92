"""A version's folder that was copied from another cohort with the same slide_ids."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from tests.core.pipeline.small_project import features, small_project, store

from napari_lookalike.core.checkpoints import load_model, save_model
from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.content import UNKNOWN, content_of, content_on_disk
from napari_lookalike.core.errors import ModelError, TrainingError
from napari_lookalike.core.model_report import build_model_report
from napari_lookalike.core.pipeline.train import predict_slides, train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results, save_results
from napari_lookalike.core.results_here import left_out_sentence, other_slides, results_here

CONFIG = TrainConfig(epochs=3, folds=3, device="cpu", threads=1, seed=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a version."""
    project = small_project(tmp_path_factory.mktemp("here") / "p")
    return project, train_project(project.root, CONFIG)


@pytest.fixture
def copied(trained, tmp_path):
    """Another cohort with the same names (and the same patients), and the models folder of the
    first; a slide of it is the very same."""
    project, version = trained
    other = small_project(tmp_path / "other")
    same, *rest = other.cohort
    store(other, *(features(r.slide_id, r.label, 100 + i) for i, r in enumerate(rest)))
    shutil.copytree(project.root / "models", other.root / "models")
    return other, version, same.slide_id


def held(metrics):
    return metrics["slides"]["slide_ids"]


def test_at_home_nothing_is_left_out(trained):
    project, version = trained
    here = results_here(project, version)
    assert here.left_out == ()
    assert list(here.slides) == [r.slide_id for r in project.cohort]
    assert held(here.metrics) == held(load_results(project.version_dir(version)).metrics)
    assert left_out_sentence(here) == ""


def test_what_was_said_of_other_slides_is_left_out(copied):
    project, version, same = copied
    here = results_here(project, version)
    assert set(here.slides) == {same}
    assert set(here.left_out) == {r.slide_id for r in project.cohort} - {same}
    assert held(here.metrics) == [same]
    assert here.metrics["slides"]["patient"] == [0]
    assert len(here.metrics["slides"]["similarity"]) == 1
    assert here.metrics["slides"]["classes"] == list(here.classes)
    said = left_out_sentence(here)
    assert version in said
    assert f"{len(here.left_out)} slides" in said


def test_the_record_decides_where_it_has_a_fingerprint(copied):
    """No feature file is needed: they were taken away."""
    project, version, same = copied
    cohort = [replace(r, fingerprint="f00000000") for r in project.cohort]  # that of the first
    project.save(cohort=Cohort(tuple(cohort)))
    shutil.rmtree(project.root / "features")
    assert set(results_here(project, version).slides) == {same}


def test_without_any_fingerprint_the_features_decide(trained, tmp_path):
    """As with features of other programs; a slide that was embedded anew is not told apart."""
    home, _ = trained
    project = Project.open(shutil.copytree(home.root, tmp_path / "p"))
    shutil.rmtree(project.root / "models")
    plain = [replace(project.load_features(r.slide_id), fingerprint="") for r in project.cohort]
    store(project, *plain)
    version = train_project(project.root, CONFIG)
    assert results_here(project, version).left_out == ()
    store(project, *(replace(f, instances=f.instances + 1.0) for f in plain[1:]))
    assert set(results_here(project, version).slides) == {plain[0].slide_id}


def test_results_of_before_are_taken_on_trust(copied):
    project, version, _ = copied
    folder = project.version_dir(version)
    old = load_results(folder)
    slides = {s: replace(r, content=UNKNOWN) for s, r in old.slides.items()}
    save_results(folder, replace(old, slides=slides))
    assert results_here(project, version).left_out == ()


def test_asked_again_they_are_new_slides(copied):
    project, version, same = copied
    everyone = [r.slide_id for r in project.cohort]
    assert not predict_slides(project.root, version, everyone).problems
    here = results_here(project, version)
    assert here.left_out == ()
    # The first slide's patient has another slide, which is new: the patient is known all the same.
    patient = {r.slide_id for r in project.cohort if r.group == project.cohort[same].group}
    assert {s for s, r in here.slides.items() if r.held_out} == patient
    assert set(held(here.metrics)) <= patient


def test_a_known_slide_that_is_embedded_anew_stays_held_out(trained, tmp_path):
    home, version = trained
    project = Project.open(shutil.copytree(home.root, tmp_path / "p"))
    name = next(iter(project.cohort)).slide_id
    anew = project.load_features(name)
    store(project, replace(anew, instances=anew.instances * 1.01))
    predict_slides(project.root, version, [name])
    before, after = (results_here(p, version).slides[name] for p in (home, project))
    assert after.held_out
    assert after.fold == before.fold


def test_no_report_of_other_slides(copied):
    project, version, _ = copied
    with pytest.raises(ModelError, match="judged on other slides"):
        build_model_report(project, version)
    predict_slides(project.root, version, [r.slide_id for r in project.cohort])
    with pytest.raises(ModelError, match="judged on other slides"):
        build_model_report(project, version)


def test_no_fine_tuning_from_a_model_of_other_slides(copied):
    project, version, _ = copied
    with pytest.raises(TrainingError, match="another slide that is called the same") as refused:
        train_project(project.root, replace(CONFIG, loss="supcon"), version)
    assert refused.value.slide
    assert "scratch" in refused.value.remedy


def test_what_slides_are_known_by_is_kept(trained, tmp_path):
    project, version = trained
    model = load_model(project.version_dir(version))
    first = next(iter(project.cohort)).slide_id
    known = content_on_disk("", project.features_path(first))
    assert model.contents[first] == load_results(project.version_dir(version)).slides[first].content
    assert model.contents[first] == known
    assert "f00000000" not in str(model.contents)  # a hash of the fingerprint, not itself
    save_model(tmp_path / "m", replace(model, contents={}))
    assert not load_model(tmp_path / "m").is_other(first, content_of("another"))


def test_two_precisions_of_the_same_features_are_the_same():
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float16)
    assert content_of("", x) == content_of("", x.astype(np.float32))
    assert content_of("", x) != content_of("", x[:-1])


def test_of_many_without_a_fingerprint_a_few_files_are_opened_first(trained, monkeypatch):
    project, version = trained
    results = load_results(project.version_dir(version))
    opened = []
    module = "napari_lookalike.core.results_here"
    monkeypatch.setattr(f"{module}._LOOK", 3)
    monkeypatch.setattr(
        f"{module}.content_here",
        lambda p, s: opened.append(s) or content_on_disk("", p.features_path(s)),
    )
    contents = {s: r.content for s, r in results.slides.items()}
    assert other_slides(project, contents) == ()
    assert len(opened) == 3
    last = list(contents)[-1]
    assert other_slides(project, {**contents, last: content_of("another")}) == (last,)
