"""The scripted visit: real clicks in the real window mark two pairs and fine-tune."""

from __future__ import annotations

import sys
from dataclasses import replace

import napari
import numpy as np
import pytest
from PIL import Image
from tests.project_fixtures import PER_CLASS, tiny_grid, tiny_project

from napari_lookalike.core.features import Features, save_features
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.session.session import Session
from napari_lookalike.ui.start import open_window
from napari_lookalike.ui.visit import EXPERT, Visit, VisitFailed, Wish, improved

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
DIM = 12


def separable(slide_id: str, y: int, seed: int) -> Features:
    """Instances that tell the classes apart; the first two overlap."""
    rng = np.random.default_rng(seed)
    centre = np.zeros(DIM)
    centre[max(y, 1) if y < 2 else y] = 2.0
    centre[0] = 0.5 * (y == 0)
    instances = centre + rng.normal(size=(len(tiny_grid()), DIM))
    return Features(
        slide_id, "", instances.astype(np.float32), tiny_grid(), "tiny-v1", slide_mpp=(0.5, 0.5)
    )


@pytest.fixture
def trained(tmp_path):
    """24 slides with invented features and a model trained on them."""
    project = tiny_project(tmp_path, results=False)
    for i, record in enumerate(project.cohort):
        features = separable(record.slide_id, i // PER_CLASS, i)
        save_features(project.features_path(record.slide_id), features)
    short = replace(project.settings.train, epochs=3, finetune_epochs=2, folds=2)
    project.save(settings=replace(project.settings, train=short))
    version = train_project(project.root, short)
    project.set_current_version(version)
    return project


@pytest.fixture
def window(make_napari_viewer, monkeypatch, trained):
    monkeypatch.setattr(napari, "Viewer", lambda title: make_napari_viewer(title=title, show=True))
    window = open_window(trained.root)
    yield window
    window.workspace.close()


@pytest.fixture
def patience(monkeypatch):
    """The visitor waits ten times as long for each step."""
    wait = Visit._wait

    def longer(self, ready, seconds, what):
        wait(self, ready, 10 * seconds, what)

    monkeypatch.setattr(Visit, "_wait", longer)


@pytest.mark.slow
def test_it_marks_two_pairs_and_fine_tunes_by_real_clicks(window, trained, tmp_path, patience):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(VisitFailed, match="panel Map"):
        Visit(replace(window, docks={**window.docks, "Map": window.docks["Cases"]}), out)
    visit = Visit(window, out)
    first = trained.current_version
    visit.run(
        [
            Wish(("alpha", "beta"), "subtype", "Same small round cells"),
            Wish(("gamma", "zeta"), "slide", "Same fibrillary background"),
        ]
    )
    pictures = ["window_before", "umap_before", "attention", "window_marking"]
    pictures += ["window_after", "umap_after"]
    for name in pictures:
        picture = np.asarray(Image.open(out / f"{name}.png").convert("RGB"))
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50, name
    subtype, slide = HardNegativeTable(trained.table_path).rows()
    assert (subtype.level, slide.level) == ("subtype", "slide")
    assert {subtype.subtype_a, subtype.subtype_b} == {"alpha", "beta"}
    labels = {trained.cohort[s].label for s in (slide.slide_a, slide.slide_b)}
    assert labels == {"gamma", "zeta"}
    assert [m.reason for m in (subtype, slide)] == [
        "Same small round cells",
        "Same fibrillary background",
    ]
    assert {m.expert for m in (subtype, slide)} == {EXPERT}
    session = window.workspace.session
    assert session.results_before.version == first
    assert session.results.version != first
    assert set(visit.seconds) == {"first look", "marking", "fine-tuning"}
    visit.choose(keep=False)
    assert session.results.version == first
    assert Project.open(trained.root).current_version == first


# ---- whether a new model is worth keeping


def metrics(accuracy, confusion):
    pairs = {pair: {"confusion": {"value": c}} for pair, c in confusion.items()}
    return {"balanced_accuracy": {"value": accuracy}, "pairs": pairs}


def on_trial(before, after):
    results = [ModelResults(f"m{i}", ("a", "b"), {}, m, {}) for i, m in enumerate((before, after))]
    return Session(results_before=results[0], results=results[1])


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ((0.7, {"a|b": 0.4}), (0.7, {"a|b": 0.3}), True),
        ((0.7, {"a|b": 0.4}), (0.69, {"a|b": 0.3}), False),
        ((0.7, {"a|b": 0.4}), (0.8, {"a|b": 0.4}), False),
        ((0.7, {"a|b": 0.4, "c|d": 0.1}), (0.7, {"a|b": 0.2, "c|d": 0.2}), True),
        ((0.7, {}), (0.8, {"a|b": 0.0}), False),
    ],
)
def test_a_model_is_kept_if_the_pairs_are_confused_less_and_nothing_is_lost(before, after, wanted):
    assert improved(on_trial(metrics(*before), metrics(*after))) is wanted


def test_without_a_trial_there_is_nothing_to_keep():
    assert not improved(Session())
