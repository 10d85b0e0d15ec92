"""Early answers: from the parts on the disk, by the network that may be asked, never a crash."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from tests.core.pipeline.small_project import features, grid, small_project, store

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.embed.parts import PartStore, parts_folder
from napari_lookalike.core.embed.plan import Plan
from napari_lookalike.core.locked_test import FILE, LockedTest
from napari_lookalike.core.pipeline.early import Glance, early_prediction, glance
from napari_lookalike.core.pipeline.predict import predict_slides
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.results import load_results

pytestmark = pytest.mark.processes

CONFIG = TrainConfig(epochs=2, finetune_epochs=2, folds=3, loss="ce")
NEW = SlideRecord("NEW", Path("gone.svs"), "PAT-new")
TILES = 64


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a model, and a slide that came after it."""
    root = tmp_path_factory.mktemp("early") / "project"
    project = small_project(root, per_class=4)
    version = train_project(root, CONFIG)
    project.reload()
    project.save(cohort=Cohort((*project.cohort, NEW)))
    return project, version


def whole(slide_id, label="A", encoder="made-up-1"):
    made = features(slide_id, label, 77, n=TILES)
    return replace(made, encoder=encoder)


def begin(project, made):
    """The store of a slide that is being embedded, with nothing in it yet."""
    plan = Plan(
        made.slide_id, made.fingerprint, made.encoder, made.instances.shape[1], made.grid, None, ""
    )
    return PartStore(parts_folder(project.features_path(made.slide_id)), plan)


def add(store_, made, share):
    """As many tiles as that share of the slide, coarse to fine."""
    order = coarse_to_fine(made.grid)[: round(share * len(made))]
    new = np.setdiff1d(order, np.setdiff1d(np.arange(len(made)), store_.missing()))
    store_.add(new, made.instances[new])


@pytest.fixture
def project(trained):
    found, _ = trained
    yield found
    path = found.features_path("NEW")
    shutil.rmtree(parts_folder(path), ignore_errors=True)
    path.unlink(missing_ok=True)


@pytest.fixture
def version(trained):
    return trained[1]


def test_answers_refine_until_the_slide_is_finished(project, version):
    made = whole("NEW", "B")
    assert early_prediction(project.root, version, "NEW") is None  # not begun
    parts = begin(project, made)
    assert early_prediction(project.root, version, "NEW") is None  # no tile yet
    add(parts, made, 0.125)
    first = early_prediction(project.root, version, "NEW")
    assert first.coverage == pytest.approx(0.125)
    assert len(first.grid) == 8 == first.result.attention_logits.shape[1]
    assert first.grid.shape == made.grid.shape
    assert first.said.moved is None
    assert first.result.fold == -1 and not first.result.held_out
    add(parts, made, 0.5)
    second = early_prediction(project.root, version, "NEW", first.said)
    assert second.coverage == pytest.approx(0.5)
    assert second.said.moved is not None
    assert second.said.tiles == 32
    add(parts, made, 1.0)
    parts.finish(project.features_path("NEW"))
    assert early_prediction(project.root, version, "NEW", second.said) is None


def test_it_says_of_some_tiles_what_the_model_says_of_features_with_these_tiles(project, version):
    made = whole("NEW", "C")
    parts = begin(project, made)
    add(parts, made, 0.25)
    early = early_prediction(project.root, version, "NEW").result
    parts.finish(project.features_path("NEW"), partial=True)
    assert predict_slides(project.root, version, ["NEW"]).predicted == ("NEW",)
    later = load_results(project.version_dir(version)).slides["NEW"]
    assert np.allclose(early.probabilities, later.probabilities, atol=1e-6)
    assert np.allclose(early.attention_logits, later.attention_logits, atol=1e-5)


def test_a_slide_of_the_training_cohort_is_asked_of_the_network_that_never_saw_it(project, version):
    slide_id = "A0"
    path = project.features_path(slide_id)
    kept = path.read_bytes()
    path.unlink()
    try:
        made = whole(slide_id)
        add(begin(project, made), made, 0.25)
        found = early_prediction(project.root, version, slide_id).result
        assert found.held_out
        assert found.fold == load_results(project.version_dir(version)).slides[slide_id].fold
    finally:
        path.write_bytes(kept)
        shutil.rmtree(parts_folder(path))


def test_without_a_model_there_is_the_coverage(project):
    made = whole("NEW")
    add(begin(project, made), made, 0.25)
    found = early_prediction(project.root, "", "NEW")
    assert (found.coverage, found.result, found.obstacle) == (0.25, None, "")
    assert len(found.grid) == 16


@pytest.mark.parametrize(
    ("version_", "encoder", "words"),
    [("m001-ce", "another-1", "do not fit the model: encoder"), ("m099-gone", "made-up-1", "m099")],
)
def test_a_model_that_cannot_be_asked_is_a_sentence(project, version_, encoder, words):
    made = whole("NEW", encoder=encoder)
    add(begin(project, made), made, 0.25)
    found = early_prediction(project.root, version_, "NEW")
    assert found.result is None
    assert found.coverage == 0.25
    assert words in found.obstacle


def test_damaged_parts_are_passed_over(project, version):
    made = whole("NEW")
    add(begin(project, made), made, 0.25)
    folder = parts_folder(project.features_path("NEW"))
    for part in folder.glob("*.npz"):
        part.write_bytes(part.read_bytes()[:-20])
    assert early_prediction(project.root, version, "NEW") is None


def test_a_slide_that_is_gone_and_a_cancelled_job(project, version):
    assert early_prediction(project.root, version, "NOBODY") is None
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        early_prediction(project.root, version, "NEW", job=job)


# -- what the window looks at ------------------------------------------------------


def test_a_glance_tells_of_parts_and_of_the_file(project):
    nothing = glance(project, "NEW", Glance())
    assert nothing == Glance() and not nothing.finished
    made = whole("NEW")
    parts = begin(project, made)
    add(parts, made, 0.25)
    some = glance(project, "NEW", nothing)
    assert some.stamp and not some.finished
    assert glance(project, "NEW", some) == some
    add(parts, made, 0.5)
    more = glance(project, "NEW", some)
    assert more.stamp != some.stamp
    path = project.features_path("NEW")
    parts.finish(path, partial=True)
    os.utime(path, (1e9, 1e9))  # file systems tell times in steps of some milliseconds
    stopped = glance(project, "NEW", more)
    assert stopped.finished and stopped.stamp == ()
    assert stopped.coverage == pytest.approx(0.5)
    store(project, made)
    done = glance(project, "NEW", stopped)
    assert done.coverage == 1.0 and done.written != stopped.written
    assert glance(project, "NOBODY", Glance()) == Glance()


def test_a_file_that_has_not_changed_is_not_read_again(project, monkeypatch):
    store(project, whole("NEW"))
    once = glance(project, "NEW", Glance())
    monkeypatch.setattr(
        "napari_lookalike.core.pipeline.early.read_header", lambda _p: pytest.fail("read again")
    )
    assert glance(project, "NEW", once) == once


def test_a_file_that_cannot_be_read_is_not_finished(project):
    path = project.features_path("NEW")
    path.write_bytes(b"no feature file")
    assert not glance(project, "NEW", Glance()).finished


def test_looking_needs_no_torch():
    code = "import sys, napari_lookalike.core.pipeline.early; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_grid_of_the_tests_is_wide_enough():
    assert len(grid(TILES)) == TILES


def test_a_slide_of_the_locked_test_set_is_not_asked_about(project, version):
    """Also one that is a copy under another name, whose content is known from its parts only."""
    made = whole("NEW")
    add(begin(project, made), made, 0.25)
    lock = project.root / FILE
    for names, contents in ((("NEW",), ()), ((), (made.fingerprint,))):
        lock.write_text(json.dumps(asdict(LockedTest(names, contents, 0, 0.2, "now"))))
        try:
            found = early_prediction(project.root, version, "NEW")
        finally:
            lock.unlink()
        assert found.result is None
        assert found.coverage == 0.25
        assert "locked test set" in found.obstacle
