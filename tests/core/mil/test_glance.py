"""Watching a training: what is shown, and that it changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.core.mil_cohort import (
    CLASSES,
    CONFIG,
    SOURCE,
    folds_of,
    make_bags,
    marks,
    train_all,
)

from napari_lookalike.core.live_map import LiveFrame
from napari_lookalike.core.mil import glance
from napari_lookalike.core.predictor import Predictor
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.training import cross_validate, train

EXPERT = replace(CONFIG, loss="expert", threads=1)


@pytest.fixture(scope="module")
def start():
    return train_all(make_bags())[0]


def test_a_watched_training_shows_held_out_slides_and_learns_the_same(start, monkeypatch):
    monkeypatch.setattr(glance, "EVERY_S", 0.0)
    monkeypatch.setattr(glance, "SHARE", 1e9)
    bags = make_bags()
    frames: list[LiveFrame] = []
    seen, cv = train_all(bags, EXPERT, marks(), start, Job(on_value=frames.append))
    alone, _ = train_all(bags, EXPERT, marks(), start)
    for name, value in alone.final.state.items():
        np.testing.assert_array_equal(seen.final.state[name], value)
    for one, two in zip(alone.fold_networks, seen.fold_networks, strict=True):
        np.testing.assert_array_equal(one.train_embeddings, two.train_embeddings)

    assert all(f.held_out for f in frames)
    folds = dict(zip((b.slide_id for b in bags), folds_of(bags), strict=True))
    learning = [f for f in frames if f.start is not None]
    assert len(learning) == 3 * EXPERT.finetune_epochs
    for fold in range(3):
        mine = [f for f in learning if folds[f.slide_ids[0]] == fold]
        assert len(mine) == EXPERT.finetune_epochs
        assert {folds[s] for f in mine for s in f.slide_ids} == {fold}
        assert np.abs(mine[0].embeddings - mine[0].start).max() > 0
        # what the former model said of them is where they start
        rows = [start_rows(start, bags)[s] for s in mine[0].slide_ids]
        np.testing.assert_allclose(mine[0].start, np.stack(rows), rtol=1e-4, atol=1e-5)

    rows = {s: i for i, s in enumerate(cv.slide_ids)}
    ended = [f for f in frames if f.start is None]
    assert len(ended) == 3
    for frame in ended:
        expected = cv.aligned[[rows[s] for s in frame.slide_ids]]
        np.testing.assert_allclose(frame.embeddings, expected, rtol=1e-5, atol=1e-6)


def start_rows(start, bags):
    """slide_id -> held-out embedding by the former model, in its final space."""
    asked = Predictor(start)
    return {b.slide_id: asked.predict(b.instances, b.slide_id).embedding for b in bags}


def test_slides_in_no_fold_are_moved_by_the_final_network(start, monkeypatch):
    monkeypatch.setattr(glance, "EVERY_S", 0.0)
    new = replace(make_bags()[0], slide_id="new", group="p-new", label="")
    frames: list[LiveFrame] = []
    folds = np.append(folds_of(make_bags()), -1)
    bags = [*make_bags(), new]
    arguments = (EXPERT, marks(), lambda fold: marks(), folds)
    more = {"source": SOURCE, "job": Job(on_value=frames.append), "start": start}
    train(bags, CLASSES, *arguments, **more)
    assert [f.held_out for f in frames if f.slide_ids == ("new",)][:1] == [True]


def test_a_cross_validation_beside_a_training_moves_nothing(start):
    frames: list[object] = []
    bags = make_bags()
    job = Job(on_value=frames.append)
    cross_validate(bags, CLASSES, EXPERT, lambda fold: marks(), folds_of(bags), job, start)
    assert frames == []


def test_a_training_from_scratch_has_no_map_to_move():
    frames: list[object] = []
    train_all(make_bags(), job=Job(on_value=frames.append))
    assert frames == []


def test_looks_are_rare(start, monkeypatch):
    monkeypatch.setattr(glance, "EVERY_S", 3600.0)
    frames: list[LiveFrame] = []
    train_all(make_bags(), EXPERT, marks(), start, Job(on_value=frames.append))
    # the first pass of each network at once, then the end
    assert [f.start is None for f in frames] == [False] * 3 + [True] * 3


def test_a_cancel_ends_it(start):
    job = Job(on_value=lambda frame: job.cancel())
    with pytest.raises(JobCancelled):
        train_all(make_bags(), EXPERT, marks(), start, job)
