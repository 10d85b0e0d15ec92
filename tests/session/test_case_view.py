"""The list of cases: by patient, searchable, without patient ids unless asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.project_fixtures import tiny_cohort, tiny_results

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.session.case_rows import CaseMemory
from napari_lookalike.session.case_view import (
    cases_of,
    patient_titles,
    resolve_cases,
    visible_slides,
)


@pytest.fixture
def cohort(tmp_path) -> Cohort:
    return tiny_cohort(tmp_path / "slides")


def rows(groups):
    return {row.slide_id: row for group in groups for row in group.rows}


def test_patients_are_numbered_in_the_order_of_the_cohort(cohort) -> None:
    groups = resolve_cases(cohort)
    assert [g.title for g in groups] == [f"Patient {i}" for i in range(1, 13)]
    assert visible_slides(groups) == tuple(r.slide_id for r in cohort)
    assert [[r.slide_id for r in g.rows] for g in groups][:2] == [["S01", "S02"], ["S03", "S04"]]


def test_patient_ids_are_nowhere_unless_asked(cohort) -> None:
    results = tiny_results(cohort)
    assert "PAT-" not in repr(resolve_cases(cohort, results))
    shown = resolve_cases(cohort, results, show_patient_ids=True)
    assert shown[0].title == "Patient PAT-01"
    assert resolve_cases(cohort, search="PAT-01") == ()
    assert len(resolve_cases(cohort, search="PAT-01", show_patient_ids=True)) == 1


def test_slides_without_a_patient_are_not_put_together(cohort) -> None:
    cohort = cohort.with_records(replace(cohort[s], patient_id="") for s in ("S01", "S04"))
    groups = resolve_cases(cohort)
    assert [g.title for g in groups if "S01" in visible_slides([g])] == ["Patient not given"]
    assert len(groups) == 14
    assert patient_titles(cohort)["S02"] == "Patient 1"


def test_slides_of_a_patient_stand_together_wherever_they_are(cohort) -> None:
    moved = Cohort((*cohort.slides[1:], cohort.slides[0]))
    assert visible_slides(resolve_cases(moved))[:2] == ("S02", "S01")


def test_what_a_row_says(cohort) -> None:
    results = tiny_results(cohort)
    marks = [
        PairMark(1, "slide", "S01", "S05", "alpha", "beta"),
        PairMark(2, "slide", "S01", "S06", "alpha", "beta"),
        PairMark(3, "slide", "S01", "S07", "alpha", "beta", status="retired"),
        PairMark(4, "subtype", subtype_a="alpha", subtype_b="beta"),
    ]
    row = rows(resolve_cases(cohort, results, marks))["S01"]
    assert (row.label, row.prediction, row.verdict) == ("alpha", "beta", "wrong")
    assert row.probability == pytest.approx(float(results.slides["S01"].probabilities.max()))
    assert (row.seen, row.unlike, row.marks, row.site) == ("held out", False, 2, "centre 1")
    assert rows(resolve_cases(cohort, results))["S24"].unlike
    assert rows(resolve_cases(cohort, results))["S02"].verdict == "correct"


def test_without_a_model_or_a_label(cohort) -> None:
    row = rows(resolve_cases(cohort))["S01"]
    assert (row.prediction, row.probability, row.verdict, row.seen) == ("", None, "", "")
    results = tiny_results(cohort)
    unlabelled = cohort.with_record(replace(cohort["S01"], label=""))
    assert rows(resolve_cases(unlabelled, results))["S01"].verdict == ""


def test_a_slide_new_to_the_model(cohort) -> None:
    results = tiny_results(cohort)
    slides = {**results.slides, "S01": replace(results.slides["S01"], held_out=False, fold=-1)}
    del slides["S02"]
    found = rows(resolve_cases(cohort, replace(results, slides=slides)))
    assert found["S01"].seen == "new slide"
    assert found["S02"].prediction == ""


def test_states(cohort) -> None:
    cohort = cohort.with_record(replace(cohort["S05"], excluded=True))
    groups = resolve_cases(
        cohort,
        embedded={"S01", "S05"},
        failures={"S02": "No tissue was found.", "S01": "old"},
        missing={"S03", "S01"},
    )
    found = {slide_id: row.state for slide_id, row in rows(groups).items()}
    assert found["S01"] == "embedded"
    assert found["S02"] == "failed: No tissue was found."
    assert found["S03"] == "file missing"
    assert found["S04"] == "not embedded"
    assert found["S05"] == "excluded"


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("", 24),
        ("s01", 1),
        ("ALPHA", 5),  # four are labelled so, and one of beta is predicted so
        ("alpha beta", 3),
        ("wrong", 3),
        ("centre 2 zeta", 2),
        ("patient 12", 2),
        ("lph", 5),
        ("2", 12),  # of centre 2, and of patient 2
        ("S21 zeta", 1),
        ("excluded", 0),
        ("nothing like it", 0),
    ],
)
def test_search(cohort, search, ids) -> None:
    groups = resolve_cases(cohort, tiny_results(cohort), search=search)
    assert len(visible_slides(groups)) == ids
    assert all(group.rows for group in groups)


def test_a_search_renumbers_nobody(cohort) -> None:
    (group,) = resolve_cases(cohort, search="s24")
    assert group.title == "Patient 12"


def test_the_case_counts_all_its_slides_even_those_hidden(cohort) -> None:
    results = tiny_results(cohort)
    whole = resolve_cases(cohort, results)[0]
    p = np.stack([results.slides[s].probabilities for s in ("S01", "S02")]).astype(float)
    case = np.exp(np.log(p).mean(axis=0))
    case /= case.sum()
    assert whole.prediction == results.classes[int(case.argmax())]
    assert whole.probability == pytest.approx(case.max(), abs=1e-6)
    (found,) = resolve_cases(cohort, results, search="s01")
    assert (found.prediction, found.probability) == (whole.prediction, whole.probability)


def test_an_excluded_slide_does_not_count_for_the_case(cohort) -> None:
    results = tiny_results(cohort)
    excluded = cohort.with_record(replace(cohort["S02"], excluded=True))
    group = resolve_cases(excluded, results)[0]
    assert group.probability == pytest.approx(float(results.slides["S01"].probabilities.max()))


def test_of_a_session(opened) -> None:
    groups = cases_of(opened, "s01")
    assert rows(groups)["S01"].prediction == "beta"
    assert groups == cases_of(opened, "s01")  # equal values: nothing is drawn again


def test_nothing_is_resolved_again_while_nothing_changed(opened) -> None:
    first = cases_of(opened)
    assert cases_of(opened) is first
    opened.embedded = opened.embedded | {"S03"}
    again = cases_of(opened)
    before, after = rows(first), rows(again)
    changed = [s for s in before if before[s] is not after[s]]
    assert changed == ["S03"]  # the other rows are the same objects
    assert after["S03"].state == "embedded"


def test_another_project_is_not_mixed_with_the_last(opened, tmp_path) -> None:
    cases_of(opened, "alpha")
    other = tiny_cohort(tmp_path / "others")
    opened.cohort = Cohort(tuple(replace(r, label="omega") for r in other.slides[:3]))
    assert {r.label for r in rows(cases_of(opened)).values()} == {"omega"}
    assert len(rows(cases_of(opened, "omega"))) == 3
    assert cases_of(opened, "alpha beta zeta") == ()


def test_a_memory_changes_nothing_but_the_time(cohort) -> None:
    results, memory = tiny_results(cohort), CaseMemory()
    for search in ("", "alpha", "patient 1", "wrong"):
        for marks in ((), (PairMark(1, "slide", "S01", "S05", "alpha", "beta"),)):
            kept = resolve_cases(cohort, results, marks, search, memory=memory)
            assert kept == resolve_cases(cohort, results, marks, search)
