"""Slide records, cohorts, and which slide_ids are safe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lookalike.core.cohort import (
    Cohort,
    SlideRecord,
    check_slide_ids,
    slide_id_problem,
)
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.merge import merge_cohorts


def cohort(*ids: str, **fields: object) -> Cohort:
    return Cohort(tuple(SlideRecord(s, Path(s), **fields) for s in ids))


def test_two_slides_of_one_name_are_refused() -> None:
    with pytest.raises(ProjectError, match="Two slides are called S1"):
        cohort("S1", "S1")


def test_a_slide_that_is_not_there_is_named() -> None:
    with pytest.raises(ProjectError, match="no slide S9"):
        cohort("S1")["S9"]


def test_slides_without_a_patient_are_groups_of_their_own() -> None:
    assert len({r.group for r in cohort("S1", "S2")}) == 2
    assert len({r.group for r in cohort("S1", "S2", patient_id="P")}) == 1


def test_classes_are_those_of_slides_in_use() -> None:
    slides = cohort("S1", "S2", "S3")
    slides = slides.with_record(replace(slides["S1"], label="b"))
    slides = slides.with_record(replace(slides["S2"], label="a"))
    slides = slides.with_record(replace(slides["S3"], label="c", excluded=True))
    assert slides.classes == ("a", "b")


def test_replacing_keeps_the_order() -> None:
    slides = cohort("S1", "S2", "S3")
    new = slides.with_records([replace(slides["S3"], label="x"), replace(slides["S1"], label="y")])
    assert [(r.slide_id, r.label) for r in new] == [("S1", "y"), ("S2", ""), ("S3", "x")]
    with pytest.raises(ProjectError):
        slides.with_records([SlideRecord("S9", Path())])
    assert [r.slide_id for r in slides.without("S1", "S3")] == ["S2"]


@pytest.mark.parametrize("good", ["S1", "a.b-c_d 2", "Größe", "COM10", "console", "x" * 100])
def test_safe_slide_ids(good: str) -> None:
    assert slide_id_problem(good) == ""


@pytest.mark.parametrize(
    "bad",
    ["", ".", "..", "a/b", "a\\b", "c:", "a\nb", "a\0", " a", "a ", "a.", ".a", "NUL", "con.svs",
     "Lpt1", "AUX .tif", "x" * 101, "漢" * 90, "a*", 'a"', "\ud800"],
)  # fmt: skip
def test_unsafe_slide_ids(bad: str) -> None:
    assert slide_id_problem(bad)
    with pytest.raises(ProjectError):
        check_slide_ids(["S1", bad])


def test_slide_ids_that_are_one_file_on_some_disks() -> None:
    with pytest.raises(ProjectError, match="upper and lower case"):
        check_slide_ids(["Slide", "slide"])


@given(st.text(max_size=12))
def test_a_safe_slide_id_names_a_file_in_its_folder(text: str) -> None:
    if not slide_id_problem(text):
        path = Path("folder") / f"{text}.h5"
        assert path.parent == Path("folder")
        assert path.name == f"{text}.h5"


def test_merging_keeps_both_edits() -> None:
    base = cohort("S1", "S2")
    ours = base.with_record(replace(base["S1"], label="a"))
    theirs = base.with_record(replace(base["S1"], fingerprint="f", stain="H&E"))
    merged = merge_cohorts(base, ours, theirs)
    assert merged["S1"] == replace(base["S1"], label="a", fingerprint="f", stain="H&E")


def test_merging_the_same_field_prefers_ours() -> None:
    base = cohort("S1")
    ours = base.with_record(replace(base["S1"], label="a"))
    theirs = base.with_record(replace(base["S1"], label="b"))
    assert merge_cohorts(base, ours, theirs)["S1"].label == "a"


def test_merging_added_and_removed_slides() -> None:
    base = cohort("S1", "S2", "S3", "S4")
    ours = base.without("S1").with_added(tuple(cohort("S5")))
    theirs = base.without("S2").with_added(tuple(cohort("S6")))
    theirs = theirs.with_record(replace(theirs["S3"], label="x"))
    ours = ours.without("S3")  # they changed it meanwhile: it stays
    ids = [r.slide_id for r in merge_cohorts(base, ours, theirs)]
    assert ids == ["S4", "S5", "S3", "S6"]
