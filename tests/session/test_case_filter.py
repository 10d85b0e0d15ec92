"""The filter of the cases panel: which rows it lets through."""

from __future__ import annotations

import pytest

from napari_lookalike.session.case_filter import FILTERS, filtered
from napari_lookalike.session.case_view import CaseGroup, CaseRow

GROUPS = (
    CaseGroup(
        "Patient 1",
        (
            CaseRow("right", "a", "", "a", 0.9, "correct", "embedded", review="reviewed"),
            CaseRow("wrong", "a", "", "b", 0.6, "wrong", "embedded", unlike=True, marks=2),
        ),
        "a",
        0.7,
    ),
    CaseGroup("Patient 2", (CaseRow("bare", state="not embedded"),)),
    CaseGroup(
        "Patient 3",
        (CaseRow("out", "a", state="excluded"), CaseRow("bad", "a", state="failed: no tissue")),
    ),
)
WANTED = {
    "all": ("right", "wrong", "bare", "out", "bad"),
    "wrong": ("wrong",),
    "not_reviewed": ("wrong", "bare", "bad"),
    "reviewed": ("right",),
    "unlike": ("wrong",),
    "not_labelled": ("bare",),
    "not_embedded": ("bare", "bad"),
    "predicted": ("right", "wrong"),
    "not_predicted": ("bare", "bad"),
    "missing": (),
    "marked": ("wrong",),
}


@pytest.mark.parametrize("key", FILTERS)
def test_each_filter(key):
    groups = filtered(GROUPS, key)
    assert tuple(row.slide_id for group in groups for row in group.rows) == WANTED[key]
    assert all(group.rows for group in groups)
    assert FILTERS[key].title and FILTERS[key].help


def test_a_group_keeps_what_the_whole_case_says():
    (group,) = filtered(GROUPS, "wrong")
    assert (group.title, group.prediction, group.probability) == ("Patient 1", "a", 0.7)
