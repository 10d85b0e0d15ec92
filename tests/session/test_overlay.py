"""What the attention layer shows: values, limits, legend; and when there is nothing to show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.project_fixtures import CLASSES, HEIGHT, TILE_PX0, WIDTH, tiny_project

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.overlay import branch_index, resolve_legend, resolve_overlay
from napari_lookalike.session.session import OverlaySettings, Session


@pytest.fixture
def session(tmp_path) -> Session:
    tiny_project(tmp_path, features=True)
    session = Session()
    open_project(session, tmp_path / "project")
    return session


def several(session, seed=3):
    """Results of a head that attends for each class by itself."""
    rng = np.random.default_rng(seed)
    slides = {
        s: replace(r, attention_logits=rng.normal(size=(len(CLASSES), 48)).astype(np.float32))
        for s, r in session.results.slides.items()
    }
    return replace(session.results, slides=slides)


def view(session, results=None, slide_id="S05", **settings):
    return resolve_overlay(
        session.project, results or session.results, slide_id, OverlaySettings(**settings)
    )


def test_weights_share_one_among_the_tiles(session):
    shown = view(session)
    logits = session.results.slides["S05"].attention_logits[0].astype(float)
    by_hand = [np.exp(x) / sum(np.exp(y) for y in logits) for x in logits]
    assert shown.values == pytest.approx(by_hand, rel=1e-4)
    assert shown.values.sum() == pytest.approx(1.0, rel=1e-5)
    assert "sum 1" in shown.legend
    assert shown.title == "Attention weights · S05"


def test_logits_are_what_the_head_said(session):
    shown = view(session, values="logits")
    assert np.array_equal(shown.values, session.results.slides["S05"].attention_logits[0])
    assert "before softmax" in shown.legend
    assert shown.limits[0] < shown.limits[1]


def test_each_tile_has_one_pixel_at_its_place(session):
    shown = view(session)
    image = shown.overlay.image
    assert image.shape == (HEIGHT // TILE_PX0, WIDTH // TILE_PX0)
    for (column, row), value in zip(shown.grid.cells, shown.values, strict=True):
        assert image[row, column] == pytest.approx(value)
    assert shown.overlay.napari_scale((0.5, 0.5)) == (TILE_PX0 / 2, TILE_PX0 / 2)


def test_a_head_with_branches_draws_the_predicted_class_unless_told(session):
    results = several(session)
    predicted = int(results.slides["S05"].ranking[0])
    shown = view(session, results, values="logits")
    assert np.array_equal(shown.values, results.slides["S05"].attention_logits[predicted])
    assert f"Attention for {CLASSES[predicted]}" in shown.legend
    for name in CLASSES:
        branch = CLASSES.index(name)
        assert branch_index(results, "S05", name) == branch
        shown = view(session, results, values="logits", branch=name)
        assert np.array_equal(shown.values, results.slides["S05"].attention_logits[branch])
        assert f"Attention for {name}" in shown.legend
    assert branch_index(results, "S05", "not a class") == predicted
    assert branch_index(session.results, "S05", "gamma") == 0


def test_the_legend_says_who_spoke(session):
    assert "model m001-supcon, which never saw this patient" in view(session).legend
    new = replace(session.results.slides["S05"], held_out=False, fold=-1)
    results = replace(session.results, slides={"S05": new})
    assert view(session, results).legend.endswith("new slide")


def test_the_legend_needs_no_features(session):
    session.project.features_path("S05").unlink()
    legend = resolve_legend(session.results, "S05", OverlaySettings())
    assert "softmax" in legend.text
    assert legend.branches == ()
    assert resolve_legend(several(session), "S05", OverlaySettings()).branches == CLASSES


def test_a_slide_that_the_model_does_not_know_has_no_overlay(session):
    results = replace(session.results, slides={})
    assert view(session, results) is None
    assert resolve_legend(results, "S05", OverlaySettings()) is None


def test_other_tiles_than_the_models_are_refused(session):
    result = session.results.slides["S05"]
    fewer = replace(result, attention_logits=result.attention_logits[:, :-1])
    results = replace(session.results, slides={"S05": fewer})
    with pytest.raises(FeatureError, match=r"S05.*embedded again.*Train or fine-tune"):
        view(session, results)
