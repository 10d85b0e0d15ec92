"""The rows of the project's table: what each state says, and what typed text means."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ScaleError
from napari_lookalike.session.project_view import (
    ProjectRow,
    changed_fields,
    mpp_of,
    resolve_project_rows,
)

COHORT = Cohort(
    (
        SlideRecord("A", Path("a.svs"), patient_id="PAT-9", label="alpha", site="here", mpp=0.25),
        SlideRecord("B", Path("b.svs"), patient_id="PAT-9"),
        SlideRecord("C", Path("c.svs"), level0_tiles=True, stain="GFAP", label_source="IHC"),
    )
)


def rows(cohort=COHORT, embedded=(), failures=None, patients=False, missing=()):
    return resolve_project_rows(
        cohort, frozenset(embedded), failures or {}, patients, frozenset(missing)
    )


def test_every_cell_is_text_in_the_cohorts_order():
    found = rows()
    assert [r.slide_id for r in found] == ["A", "B", "C"]
    for row in found:
        assert all(isinstance(getattr(row, f.name), str) for f in fields(ProjectRow))
    assert (found[0].label, found[0].site, found[0].mpp) == ("alpha", "here", "0.25")
    assert (found[1].label, found[1].mpp) == ("", "")
    assert (found[2].mpp, found[2].stain, found[2].label_source) == (
        "level-0 pixels",
        "GFAP",
        "IHC",
    )


def test_patient_ids_show_only_when_asked_for():
    assert [r.patient for r in rows()] == ["Patient 1", "Patient 1", "Patient 2"]
    assert "PAT-9" not in str(rows())
    assert [r.patient for r in rows(patients=True)] == ["PAT-9", "PAT-9", ""]


def test_the_state_says_what_is_missing():
    why = "It has no mpp. Give its mpp, or choose tiles in level-0 pixels for it."
    assert [r.state for r in rows(embedded="A", failures={"B": why})] == [
        "embedded",
        why,
        "not embedded",
    ]
    assert rows(embedded="AB")[1].state == "embedded, no subtype"
    assert "Relink" in rows(missing="C")[2].state
    excluded = COHORT.with_record(replace(COHORT["C"], excluded=True))
    assert rows(excluded, missing="C")[2].state == "excluded"


@pytest.mark.parametrize(
    ("column", "text", "wanted"),
    [
        ("label", " beta ", {"label": "beta"}),
        ("patient", "P1", {"patient_id": "P1"}),
        ("site", "", {"site": ""}),
        ("mpp", "0,25", {"mpp": 0.25}),
        ("mpp", " ", {"mpp": None, "level0_tiles": False}),
    ],
)
def test_what_a_typed_text_means(column, text, wanted):
    assert changed_fields(column, text) == wanted


@pytest.mark.parametrize("text", ["a lot", "0.25 um", "1.2.3"])
def test_an_mpp_that_is_no_number_is_a_sentence(text):
    with pytest.raises(ScaleError, match="is not a number"):
        mpp_of(text)


def test_every_editable_column_is_a_field_of_the_record():
    names = {f.name for f in fields(SlideRecord)}
    editable = [f.name for f in fields(ProjectRow) if f.metadata["editable"]]
    assert "label" in editable
    for column in editable:
        assert set(changed_fields(column, "1")) <= names
