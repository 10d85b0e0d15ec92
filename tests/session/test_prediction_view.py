"""What is said of a slide: all subtypes, the differential, the case, and who says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.project_fixtures import CLASSES, tiny_cohort, tiny_results

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.session import prediction_view as view
from napari_lookalike.session.prediction_view import resolve_prediction


@pytest.fixture
def cohort(tmp_path) -> Cohort:
    return tiny_cohort(tmp_path / "slides")


def with_probabilities(results, slide_id, p, **fields):
    slide = replace(results.slides[slide_id], probabilities=np.float32(p), **fields)
    return replace(results, slides={**results.slides, slide_id: slide})


def test_all_subtypes_are_ranked(cohort) -> None:
    results = tiny_results(cohort)
    shown = resolve_prediction(cohort, results, "S01")
    names, values = zip(*shown.probabilities, strict=True)
    assert sorted(names) == sorted(CLASSES)
    assert list(values) == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1, abs=1e-5)
    assert (shown.first, shown.second) == names[:2]
    assert shown.margin == pytest.approx(values[0] - values[1])
    assert (shown.label, shown.verdict, shown.empty) == ("alpha", "wrong", "")


@pytest.mark.parametrize(
    ("p", "sentence"),
    [
        ([0.5, 0.1, 0.1, 0.1, 0.1, 0.1], "alpha 50 %, then beta 10 % (margin 40 points)."),
        ([0.4, 0.35, 0.1, 0.05, 0.05, 0.05], "alpha 40 %, close to beta 35 % (margin 5 points)."),
        ([1, 0, 0, 0, 0, 0], "alpha over 99 %, then beta under 1 % (margin 100 points)."),
    ],
)
def test_the_differential_in_words(cohort, p, sentence) -> None:
    results = with_probabilities(tiny_results(cohort), "S01", p)
    assert resolve_prediction(cohort, results, "S01").differential == sentence


def test_the_case_of_a_patient_with_two_slides(cohort) -> None:
    results = with_probabilities(tiny_results(cohort), "S01", [0.3, 0.7, 0, 0, 0, 0])
    results = with_probabilities(results, "S02", [0.9, 0.1, 0, 0, 0, 0])
    case = resolve_prediction(cohort, results, "S01").case
    assert case.title == "Patient 1"
    assert case.slides == (("S01", "beta"), ("S02", "alpha"))
    a, b = np.sqrt(0.3 * 0.9), np.sqrt(0.7 * 0.1)
    assert dict(case.probabilities)["alpha"] == pytest.approx(a / (a + b), abs=1e-4)
    assert case.agreement == "1 of 2 slides says so on their own"
    assert "log-probabilities" in case.rule
    assert case == resolve_prediction(cohort, results, "S02").case


def test_a_patient_with_one_slide_has_no_case(cohort) -> None:
    alone = cohort.with_record(replace(cohort["S02"], patient_id="other"))
    assert resolve_prediction(alone, tiny_results(alone), "S01").case is None


def test_patient_ids_only_when_asked(cohort) -> None:
    results = tiny_results(cohort)
    assert "PAT-" not in repr(resolve_prediction(cohort, results, "S01"))
    shown = resolve_prediction(cohort, results, "S01", show_patient_ids=True)
    assert shown.case.title == "Patient PAT-01"


def test_who_says_so(cohort) -> None:
    results = tiny_results(cohort)
    text = resolve_prediction(cohort, results, "S01").provenance
    assert text == (
        "Model m001-supcon, head Gated attention (ABMIL), encoder tiny-v1. "
        "Said by the model of fold 1, which never saw this patient."
    )
    new = replace(results.slides["S01"], held_out=False, fold=-1)
    results = replace(results, slides={"S01": new}, card={})
    text = resolve_prediction(cohort, results, "S01").provenance
    assert text.startswith("Model m001-supcon. New slide: said by the final model")


def test_unlike_anything_is_said(cohort) -> None:
    results = tiny_results(cohort)
    assert (
        "unlike anything in the training set" in resolve_prediction(cohort, results, "S24").unlike
    )
    assert resolve_prediction(cohort, results, "S01").unlike == ""


@pytest.mark.parametrize(
    ("slide_id", "model", "sentence"),
    [
        (None, True, view.NO_SLIDE),
        ("S99", True, view.NO_SLIDE),
        ("S01", False, view.NO_MODEL),
        ("S02", True, view.NOT_PREDICTED),
    ],
)
def test_why_there_is_nothing(cohort, slide_id, model, sentence) -> None:
    results = tiny_results(cohort)
    results = replace(results, slides={"S01": results.slides["S01"]}) if model else None
    shown = resolve_prediction(cohort, results, slide_id)
    assert shown.empty == sentence
    assert shown.probabilities == ()


@pytest.mark.parametrize("slide_id", [None, "S01"])
@pytest.mark.parametrize("synthetic", [True, False])
def test_research_use_and_synthetic_are_always_said(cohort, slide_id, synthetic) -> None:
    cohort = replace(cohort, synthetic=synthetic)
    notes = resolve_prediction(cohort, tiny_results(cohort), slide_id).notes
    assert view.RESEARCH in notes
    assert (view.SYNTHETIC in notes) == synthetic


def test_equal_values_are_equal(cohort) -> None:
    results = tiny_results(cohort)
    assert resolve_prediction(cohort, results, "S01") == resolve_prediction(cohort, results, "S01")
