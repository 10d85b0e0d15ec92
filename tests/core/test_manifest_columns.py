"""Which further columns of a manifest may be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.manifest_columns import Column, may_identify


def cohort(name: str, cells: list[str], *, patients: list[str] | None = None) -> Cohort:
    """A slide for each cell, each of a patient of its own unless said otherwise."""
    patients = patients or [f"P-{i:04}" for i in range(len(cells))]
    return Cohort(
        tuple(
            SlideRecord(f"S{i}", Path(f"/x/f{i}.svs"), p, more=((name, cell),) if cell else ())
            for i, (cell, p) in enumerate(zip(cells, patients, strict=True))
        )
    )


def kinds(name: str, cells: list[str], **more: list[str]) -> list[str]:
    return [column.kind for column in cohort(name, cells, **more).columns]


@pytest.mark.parametrize(
    "name",
    [
        "patient", "Patient name", "patientName", "PatientID", "patientid", "pat_nr", "MRN",
        "case no", "casenumber", "study code", "dob", "Date of birth", "Geburtsdatum",
        "birth_year", "Nachname", "initials", "file", "filename", "Scan date", "comments",
        "e-mail", "id", "pseudonym",
    ],
)  # fmt: skip
def test_names_of_columns_that_name_somebody(name):
    assert may_identify(name, ["a"])


@pytest.mark.parametrize(
    "name",
    [
        "age_group", "Sex", "patient sex", "scanner", "IDH1_status", "WHO grade", "hospital",
        "study", "block", "copy number", "Größe", "tumour location",
    ],
)  # fmt: skip
def test_names_of_columns_that_name_nobody(name):
    assert not may_identify(name, ["a"])


@pytest.mark.parametrize(
    "cell",
    [
        "scan.svs", "A.TIFF", "/archive/x", "C:\\x", "archive\\x", "12.03.2014", "2014-03-12",
        "3/2014", "12 Mar 2014", "12. März 2014", "March 12, 2014", "Mar 2014", "12-Mar-14",
        "Muster, Anna", "MUSTER^ANNA", "20140312", "12345", "38123,0", "B14-12345",
        "756.1234.5678.97", "a@b.org", "two\nlines", "one word after another until it is a note",
    ],
)  # fmt: skip
def test_cells_that_tell_who(cell):
    assert may_identify("grade", ["2", cell])


def test_cells_that_tell_nobody():
    cells = (
        "male", "4 to 10", "11-17", "0,5", "0.123456", "1234", "-3", "positive/negative",
        "9470/3", "St. Gallen", "Aperio GT 450", "NanoZoomer 2.0-HT", "n/a", "grade 3",
    )  # fmt: skip
    assert [c for c in cells if may_identify("grade", [c])] == []


def test_text_is_offered_when_patients_share_it():
    assert kinds("scanner", ["A", "B", "A", "B", ""]) == ["categories"]
    assert kinds("scanner", ["A", "B", "C", "D", "A", "B"]) == []  # more than half of the patients


def test_names_of_patients_with_several_slides_are_nearly_all_different():
    surnames = ["Muster", "Beispiel", "Probe", "Test"]
    cells = [s for s in surnames for _ in range(6)]
    assert kinds("called", cells, patients=[f"P-{s}-0" for s in cells]) == []


def test_very_many_texts_are_not_offered():
    cells = [f"kind {i}" for i in range(21)] * 4
    assert kinds("sort", cells) == []
    assert kinds("sort", [c for c in cells if c != "kind 20"]) == ["categories"]


def test_numbers_are_a_scale_when_there_are_many():
    assert kinds("WHO grade", ["1", "2", "3", "4"]) == ["categories"]
    assert kinds("age", [str(i / 2) for i in range(8)]) == ["numbers"]
    assert kinds("age", [f"{i},5" for i in range(8)]) == ["numbers"]
    assert kinds("age", ["1", "2", "3", "old"]) == []  # text, nearly all different


def test_what_repeats_the_patient_the_slide_or_the_file_is_not_offered():
    patients = ["1", "1", "2", "2"]
    assert kinds("twin", ["1", "1", "2", "1"], patients=patients) == []
    assert kinds("grade", ["1", "2", "1", "1"], patients=patients) == ["categories"]
    cells = ["x P-0001 y"] * 2
    assert kinds("said", cells, patients=["P-0001", "p-0001"]) == []
    assert kinds("image", ["f0", "f1"]) == []


def test_a_project_that_was_edited_by_hand_is_judged_too():
    assert kinds("surname", ["A", "A", "B", "B"]) == []


def test_columns_come_in_their_order_with_a_title():
    more = (("age_group", "young"), ("IDH1_status", "wild type"))
    slides = tuple(SlideRecord(f"S{i}", Path("x"), f"P{i}", more=more) for i in range(4))
    columns = Cohort(slides).columns
    assert columns == (Column("age_group", "categories"), Column("IDH1_status", "categories"))
    assert [c.title for c in columns] == ["Age group", "IDH1 status"]
    assert Cohort(tuple(SlideRecord(f"S{i}", Path("x")) for i in range(3))).columns == ()
