"""Watching a training: what is shown, and that it changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from tests.core.mil_cohort import CONFIG, folds_of, make_bags, marks, train_all

from napari_lookalike.core.live_map import LiveFrame
from napari_lookalike.core.mil import glance
from napari_lookalike.core.progress import Job, JobCancelled

EXPERT = CONFIG.__class__(**{**CONFIG.__dict__, "loss": "expert", "threads": 1})


@pytest.fixture(scope="module")
def start():
    return train_all(make_bags())[0]


def test_a_watched_training_shows_all_slides_and_learns_the_same(start, monkeypatch):
    monkeypatch.setattr(glance, "EVERY_S", 0.0)
    monkeypatch.setattr(glance, "SHARE", 1e9)
    bags = make_bags()
    frames: list[LiveFrame] = []
    seen, cv = train_all(bags, EXPERT, marks(), start, Job(on_value=frames.append))
    alone, _ = train_all(bags, EXPERT, marks(), start)
    for name, value in alone.final.state.items():
        np.testing.assert_array_equal(seen.final.state[name], value)

    learning = [f for f in frames if not f.held_out]
    assert len(learning) == EXPERT.finetune_epochs
    assert all(f.slide_ids == tuple(b.slide_id for b in bags) for f in learning)
    first = learning[0].start
    assert first is not None
    moved = [np.abs(f.embeddings - first).max() for f in learning]
    assert moved[0] > 0
    # the last look is at the finished network
    np.testing.assert_allclose(
        _unit(learning[-1].embeddings), seen.train_embeddings, rtol=1e-4, atol=1e-5
    )

    held_out = [f for f in frames if f.held_out]
    assert len(held_out) == 3
    folds = dict(zip((b.slide_id for b in bags), folds_of(bags), strict=True))
    rows = {s: i for i, s in enumerate(cv.slide_ids)}
    for fold, frame in enumerate(held_out):
        assert {folds[s] for s in frame.slide_ids} == {fold}
        expected = cv.aligned[[rows[s] for s in frame.slide_ids]]
        np.testing.assert_allclose(frame.embeddings, expected, rtol=1e-5, atol=1e-6)


def test_a_training_from_scratch_has_no_map_to_move():
    frames: list[object] = []
    train_all(make_bags(), job=Job(on_value=frames.append))
    assert frames == []


def test_looks_are_rare(start, monkeypatch):
    monkeypatch.setattr(glance, "EVERY_S", 3600.0)
    frames: list[LiveFrame] = []
    train_all(make_bags(), EXPERT, marks(), start, Job(on_value=frames.append))
    assert len([f for f in frames if not f.held_out]) == 1  # the first pass, at once


def test_a_cancel_ends_it(start):
    job = Job(on_value=lambda frame: job.cancel())
    with pytest.raises(JobCancelled):
        train_all(make_bags(), EXPERT, marks(), start, job)


def _unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)
