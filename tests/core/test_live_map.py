"""The map that moves while a model learns."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.live_map import LiveFrame, LiveMap
from napari_lookalike.core.results import ModelResults, Projection, SlideResult

LINEAR = np.random.default_rng(3).normal(size=(6, 2))
IDS = tuple(f"s{i:02d}" for i in range(40))


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture
def vectors():
    return unit(np.random.default_rng(4).normal(size=(40, 6))).astype(np.float32)


@pytest.fixture
def live(vectors) -> LiveMap:
    """A map that is a linear function of the embeddings, so what must come out is known."""
    p, a = np.array([1.0], np.float32), np.zeros((1, 1), np.float32)
    slides = {s: SlideResult(s, p, v, a, True, 0) for s, v in zip(IDS, vectors, strict=True)}
    points = (vectors @ LINEAR).astype(np.float32)
    map_ = Projection("m001-ce", "umap", IDS, points, {"seed": 0})
    return LiveMap(ModelResults("m001-ce", ("x",), slides), map_)


def test_nothing_moves_before_anything_was_learnt(live, vectors):
    shown = live.move(LiveFrame(IDS, vectors, vectors, held_out=False))
    np.testing.assert_allclose(shown.points, live.base.points, atol=1e-6)
    assert shown.parameters == {"seed": 0, "live": True}
    assert (shown.version, shown.method) == ("m001-ce", "umap")


def test_slides_move_as_their_embeddings_do_and_come_back(live, vectors):
    other = unit(vectors + 0.3 * np.random.default_rng(5).normal(size=vectors.shape)).astype(
        np.float32
    )
    shown = live.move(LiveFrame(IDS, other, vectors, held_out=False))
    expected = live.base.points + (other - vectors) @ LINEAR
    # the ridge makes it a little shorter than the truth
    np.testing.assert_allclose(shown.points, expected, atol=0.15)
    moved = shown.points - live.base.points
    assert (moved * ((other - vectors) @ LINEAR)).sum() > 0.9 * (moved**2).sum()
    back = live.move(LiveFrame(IDS, 2 * vectors, vectors, held_out=False))
    np.testing.assert_allclose(back.points, live.base.points, atol=1e-6)


def test_held_out_answers_start_from_what_the_former_model_said(live, vectors):
    some = IDS[4:7]
    shown = live.move(LiveFrame(some, vectors[4:7], None, held_out=True))
    np.testing.assert_allclose(shown.points, live.base.points, atol=1e-6)
    other = unit(vectors[4:7] + 0.3).astype(np.float32)
    live.move(LiveFrame(IDS, vectors, unit(vectors + 0.2).astype(np.float32), held_out=False))
    before = live.move(LiveFrame((), vectors[:0], None, held_out=True)).points
    shown = live.move(LiveFrame(some, other, None, held_out=True))
    moved = np.any(shown.points != before, axis=1)
    assert set(np.array(IDS)[moved]) == set(some)


def test_unknown_slides_and_another_network_are_passed_over(live, vectors):
    base = live.base.points
    strange = LiveFrame(("new",), vectors[:1] + 1, vectors[:1], held_out=False)
    np.testing.assert_array_equal(live.move(strange).points, base)
    longer = np.ones((40, 9), np.float32)
    np.testing.assert_array_equal(live.move(LiveFrame(IDS, longer, longer, False)).points, base)


def test_embeddings_that_are_all_alike_move_nothing(vectors):
    p, a = np.array([1.0], np.float32), np.zeros((1, 1), np.float32)
    slides = {s: SlideResult(s, p, vectors[0], a, True, 0) for s in IDS[:3]}
    map_ = Projection("m", "pca", IDS[:3], np.zeros((3, 2), np.float32))
    flat = LiveMap(ModelResults("m", ("x",), slides), map_)
    shown = flat.move(LiveFrame(IDS[:3], vectors[:3], vectors[3:6], held_out=False))
    np.testing.assert_array_equal(shown.points, np.zeros((3, 2)))
