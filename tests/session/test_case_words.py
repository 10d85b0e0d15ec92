"""The search in the list of cases: words anywhere, or in one column."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.session.case_filter import column_filters, filtered
from napari_lookalike.session.case_view import resolve_cases, visible_slides

CELLS = (
    ("S1", "Basel", "ependymoma, PFA", "child", "2"),
    ("S2", "Basel", "medulloblastoma", "adult", "20"),
    ("S3", "Bern", "medulloblastoma", "child", "2"),
    ("S4", "Bern", "Basel-like", "", "4"),
    ("S5", "Zug", "glioma", "adult", "20"),
)


@pytest.fixture
def cohort() -> Cohort:
    records = []
    for i, (name, site, label, age, grade) in enumerate(CELLS):
        more = [("age_group", age)] if age else []
        more += [("grade", grade), ("surname", "Muster")]
        records.append(
            SlideRecord(name, Path(f"{name}.svs"), f"P{i}", label, site, more=tuple(more))
        )
    return Cohort(tuple(records))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("basel", "S1 S2 S4"),
        ("centre:Basel", "S1 S2"),
        ("site:bas", "S1 S2"),
        ("subtype:basel", "S4"),
        ("subtype:PFA", "S1"),
        ("subtype:lastoma", ""),  # the beginning of a word
        ("age_group:child", "S1 S3"),
        ("agegroup:child", "S1 S3"),
        ("AGE_GROUP:child centre:bern", "S3"),
        ("age_group:", "S1 S2 S3 S5"),  # while it is typed: those that have one
        ("grade:2", "S1 S3"),
        ("grade:20", "S2 S5"),
        ("child", "S1 S3"),
        ("centre:basel child", "S1"),
        ("colour:basel", ""),  # no such column: a word like others
        ("surname:muster", ""),
        ("muster", ""),
        ("grade", ""),  # the name of a column is no word of a row
        ("centre", ""),
        ("tat", ""),
        (":", ""),
        ("centre:(", ""),
    ],
)
def test_words_and_columns(cohort, words, found):
    assert " ".join(visible_slides(resolve_cases(cohort, search=words))) == found


def test_a_column_that_is_hidden_later_is_no_longer_found(cohort):
    from napari_lookalike.session.case_rows import CaseMemory

    memory = CaseMemory()
    assert resolve_cases(cohort, search="grade:2", memory=memory)
    changed = cohort.with_records(
        SlideRecord(s.slide_id, s.path, s.patient_id, s.label, s.site, more=(("grade", "a@b"),))
        for s in cohort
    )
    assert resolve_cases(changed, search="grade:2", memory=memory) == ()


def test_every_value_that_the_map_has_a_colour_for_is_a_filter(cohort):
    filters = column_filters(cohort)
    assert [f.title for f in filters.values()] == [
        "Age group: adult", "Age group: child", "Grade: 2", "Grade: 4", "Grade: 20",
    ]  # fmt: skip
    groups = resolve_cases(cohort)
    by_title = {f.title: key for key, f in filters.items()}
    let_through = filtered(groups, by_title["Age group: child"], cohort)
    assert visible_slides(let_through) == ("S1", "S3")
    assert visible_slides(filtered(groups, by_title["Grade: 2"], cohort)) == ("S1", "S3")


def test_many_different_numbers_are_filtered_by_steps():
    cohort = Cohort(
        tuple(
            SlideRecord(f"S{i}", Path(f"{i}.svs"), f"P{i}", more=(("mutations", str(i * i)),))
            for i in range(20)
        )
    )
    filters = column_filters(cohort)
    assert len(filters) == 5
    assert next(iter(filters.values())).title == "Mutations: 0 to 9"
    groups = resolve_cases(cohort)
    shown = [visible_slides(filtered(groups, key, cohort)) for key in filters]
    assert shown[0] == ("S0", "S1", "S2", "S3")
    assert sorted(s for part in shown for s in part) == sorted(x.slide_id for x in cohort)


def test_a_filter_whose_column_has_gone_hides_nothing(cohort):
    key = next(iter(column_filters(cohort)))
    bare = Cohort(tuple(SlideRecord(s.slide_id, s.path) for s in cohort))
    groups = resolve_cases(bare)
    assert filtered(groups, key, bare) == groups
    assert column_filters(bare) == {}
