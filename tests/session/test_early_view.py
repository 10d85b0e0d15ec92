"""What is said and drawn of a slide that is not embedded in full."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.project_fixtures import CLASSES, tiny_grid

from napari_lookalike.core.early import EarlyAnswer, Said
from napari_lookalike.core.results import SlideResult
from napari_lookalike.session.early_view import (
    CoverageView,
    agreement_text,
    early_of,
    early_text,
    resolve_early_overlay,
    results_with,
    share_text,
    stopped_text,
    why_no_answer,
)
from napari_lookalike.session.overlay import OverlayView, resolve_legend
from napari_lookalike.session.prediction_view import resolve_prediction
from napari_lookalike.session.session import OverlaySettings

SOME = np.arange(0, 48, 4)
"""Twelve of the 48 tiles."""


def early(session, slide_id="S01", with_result=True, **changes):
    p = np.full(len(CLASSES), 0.1, np.float32)
    p[2] = 0.5
    logits = np.linspace(-1, 1, len(SOME), dtype=np.float32)[None]
    result = SlideResult(slide_id, p, np.zeros(6, np.float32), logits, False)
    found = EarlyAnswer(
        slide_id,
        0.25,
        replace(tiny_grid(), cells=tiny_grid().cells[SOME]),
        session.results.version if session.results else "",
        result if with_result else None,
        Said(12, tuple(float(x) for x in p)) if with_result else None,
    )
    return replace(found, **changes)


# ---- words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0003, "under 1 %"),
        (0.0149, "1 %"),
        (0.12, "12 %"),
        (0.9999, "99 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_is_neither_nothing_nor_all_by_rounding(share, words):
    assert share_text(share) == words


def test_agreement_in_words():
    p = (0.2, 0.8)
    assert agreement_text(Said(9, p)) == ""
    assert "named another subtype first (30 points" in agreement_text(Said(9, p, 1, 0.3))
    same = agreement_text(Said(9, p, 4, 0.021))
    assert same == "Same first subtype 4 times in a row, 2 points moved since the last."
    assert "under a point" in agreement_text(Said(9, p, 2, 0.001))


def test_an_early_answer_says_that_it_is_early(opened):
    text = early_text(early(opened))
    assert text.startswith("Early answer from 25 % of the tiles; it may change.")


def test_why_there_is_none(opened):
    nothing = early(opened, with_result=False)
    assert "25 % of its tiles are embedded so far. There is no model yet" in why_no_answer(nothing)
    refused = replace(nothing, obstacle="Slide S01: another encoder.")
    assert why_no_answer(refused).endswith("Slide S01: another encoder.")


# ---- when it counts


def test_it_is_of_the_open_slide_and_of_the_model_that_is_shown(opened):
    assert early_of(opened) is None
    opened.early = early(opened)
    assert early_of(opened) is opened.early
    opened.slide_id = "S02"
    assert early_of(opened) is None
    opened.slide_id = "S01"
    opened.results = replace(opened.results, version="m009-other")
    assert early_of(opened) is None
    opened.early, opened.results = early(opened, version="", with_result=False), None
    assert early_of(opened) is opened.early


def test_it_stands_among_the_results_without_changing_them(opened):
    found = early(opened)
    shown = results_with(opened.results, found)
    assert shown.slides["S01"] is found.result
    assert opened.results.slides["S01"] is not found.result
    assert shown.slides["S02"] is opened.results.slides["S02"]
    assert results_with(None, found) is None
    assert results_with(opened.results, None) is opened.results
    assert results_with(opened.results, early(opened, with_result=False)) is opened.results


# ---- the prediction


def test_the_prediction_is_the_early_one_and_says_so(opened):
    view = resolve_prediction(opened.cohort, opened.results, "S01", early=early(opened))
    assert view.first == CLASSES[2]
    assert "Early answer from 25 %" in view.early
    assert view.case is None  # what may change in a second does not speak for a patient
    assert "Research use only. Not for diagnosis." in view.notes
    whole = resolve_prediction(opened.cohort, opened.results, "S01")
    assert whole.early == ""
    assert whole.case is not None


def test_a_slide_that_was_stopped_says_what_it_comes_from(opened):
    view = resolve_prediction(opened.cohort, opened.results, "S01", coverage=0.12)
    assert view.early == stopped_text(0.12)
    assert "12 %" in view.early


def test_without_a_model_it_says_how_far_the_slide_is(opened):
    found = early(opened, version="", with_result=False)
    view = resolve_prediction(opened.cohort, None, "S01", early=found)
    assert "25 % of its tiles" in view.empty


# ---- what is drawn


def test_early_attention_lies_on_its_own_tiles(opened):
    found = early(opened)
    view = resolve_early_overlay(found, opened.results, OverlaySettings(values="logits"))
    assert isinstance(view, OverlayView)
    drawn = view.overlay.image[found.grid.cells[:, 1], found.grid.cells[:, 0]]
    assert np.array_equal(drawn, found.result.attention_logits[0])
    assert np.isnan(view.overlay.image).sum() == 48 - 12
    assert view.overlay.image.shape == tiny_grid().shape
    assert "25 %" in view.title
    assert view.legend.startswith("Early, from 25 % of the tiles")
    legend = resolve_legend(
        results_with(opened.results, found), "S01", OverlaySettings(values="logits")
    )
    assert legend.limits == view.limits


def test_without_an_answer_the_tiles_that_are_done_are_drawn(opened):
    found = early(opened, version="", with_result=False)
    for results in (None, opened.results):
        view = resolve_early_overlay(found, results, OverlaySettings())
        assert isinstance(view, CoverageView)
        assert np.nansum(view.overlay.image) == 12
        assert "25 %" in view.title
