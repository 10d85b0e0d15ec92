"""Slides whose layers were chosen, and files that were opened by themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.session.selection import select, select_pointed_at, slide_in_cohort

COHORT = Cohort(
    (
        SlideRecord("A", Path("/one/a.svs"), fingerprint="f1"),
        SlideRecord("B", Path("/two/b.svs"), fingerprint="f2"),
        SlideRecord("C", Path("/one/c.svs"), fingerprint="f2"),
        SlideRecord("D", Path("/one/d.svs")),
    )
)


def test_a_file_is_the_slide_with_its_path_else_the_one_with_its_content():
    assert slide_in_cohort(COHORT, Path("/one/a.svs"), "f1") == "A"
    assert slide_in_cohort(COHORT, Path("/one/c.svs"), "f2") == "C"
    assert slide_in_cohort(COHORT, Path("/else/copy.svs"), "f2") == "B"
    assert slide_in_cohort(COHORT, Path("/one/d.svs"), "f9") == "D"


def test_a_file_that_the_cohort_lacks_is_none_of_its_slides():
    assert slide_in_cohort(COHORT, Path("/else/a.svs"), "f9") is None
    assert slide_in_cohort(COHORT, Path("/else/a.svs"), "") is None


def test_a_chosen_slide_is_selected_and_no_other_stays(opened):
    select(opened, ["S02", "S05"])
    select_pointed_at(opened, ["S01"])
    assert opened.selection == ("S01",)
    select_pointed_at(opened, ["S03", "S04", "S03"])
    assert opened.selection == ("S03", "S04")


def test_one_of_the_selected_slides_leaves_the_others(opened):
    select(opened, ["S02", "S05"])
    select_pointed_at(opened, ["S05"])
    assert opened.selection == ("S02", "S05")


def test_what_is_no_slide_of_the_cohort_says_nothing(opened):
    select(opened, ["S02", "S05"])
    heard = []
    opened.events.selection.connect(heard.append)
    select_pointed_at(opened, [])
    select_pointed_at(opened, ["S99"])
    opened.cohort = replace(opened.cohort, slides=())
    select_pointed_at(opened, ["S01"])
    assert heard == []
