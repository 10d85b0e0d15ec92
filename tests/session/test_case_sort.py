"""The orders of the list of cases."""

from __future__ import annotations

import pytest

from napari_lookalike.session.case_rows import CaseGroup, CaseRow
from napari_lookalike.session.case_sort import SORTS, in_order, natural
from napari_lookalike.session.selection import open_slide
from napari_lookalike.session.slide_view import listed_slides, neighbour_slides

GROUPS = (
    CaseGroup(
        "Patient 1",
        (
            CaseRow("S10", "b", "x", "a", 0.9, "wrong", "embedded", marks=1, margin=0.8),
            CaseRow("S9", "a", "y", "a", 0.5, "correct", "embedded", margin=0.1),
        ),
    ),
    CaseGroup("Patient 2", (CaseRow("S1", state="not embedded"),)),
    CaseGroup("Patient 3", (CaseRow("T2", "a", "x", "b", 0.6, "wrong", "excluded", margin=0.3),)),
)
WANTED = {
    "patient": ("S10", "S9", "S1", "T2"),
    "name": ("S1", "S9", "S10", "T2"),
    "label": ("S9", "T2", "S10", "S1"),
    "prediction": ("S10", "S9", "T2", "S1"),
    "unsure": ("S9", "T2", "S10", "S1"),
    "wrong": ("S10", "T2", "S9", "S1"),
    "marks": ("S10", "S9", "S1", "T2"),
    "site": ("S10", "T2", "S9", "S1"),
    "state": ("S1", "S10", "S9", "T2"),
}


@pytest.mark.parametrize("key", SORTS)
def test_each_order(key) -> None:
    groups = in_order(GROUPS, key)
    assert tuple(row.slide_id for group in groups for row in group.rows) == WANTED[key]
    assert SORTS[key].title and SORTS[key].help


def test_only_by_patient_there_are_headings() -> None:
    assert [g.title for g in in_order(GROUPS, "patient")] == ["Patient 1", "Patient 2", "Patient 3"]
    assert [g.title for g in in_order(GROUPS, "name")] == [""]
    assert in_order((), "name") == ()


def test_numbers_in_names_count() -> None:
    assert sorted(["S10", "S9", "s2b", "S"], key=natural) == ["S", "s2b", "S9", "S10"]


def test_next_and_previous_follow_the_order(opened) -> None:
    opened.case_sort = "unsure"
    listed = listed_slides(opened)
    assert sorted(listed) == sorted(r.slide_id for r in opened.cohort)
    assert listed != tuple(r.slide_id for r in opened.cohort)
    open_slide(opened, listed[4])
    assert neighbour_slides(opened) == (listed[3], listed[5])
    opened.case_filter = "wrong"
    wrong = listed_slides(opened)
    assert listed[4] in wrong  # the open one stays in its place
    assert [s for s in listed if s in wrong] == list(wrong)
