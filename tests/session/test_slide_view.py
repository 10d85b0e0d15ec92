"""What the Slide panel says, and which slide is next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_lookalike.core.bookmarks import Bookmark
from napari_lookalike.session.cohort_commands import EditRecord
from napari_lookalike.session.power import NO_MPP
from napari_lookalike.session.resolve import neighbour_slides, resolve_slide
from napari_lookalike.session.session import Session
from napari_lookalike.session.slide_view import NO_ICC, NO_LABEL, NO_SLIDE, SlideFacts

HERE = SlideFacts("S02", "f2", True, (256, 192), 0.5)
ALONE = SlideFacts("abcd1234", "abcd1234ef", False, (256, 192), None)


def test_without_a_slide_it_says_what_to_do():
    view = resolve_slide(Session(), None)
    assert (view.title, view.there) == (NO_SLIDE, False)


def test_what_a_file_lacks_is_said(opened):
    view = resolve_slide(opened, ALONE)
    assert view.title == "abcd1234"
    assert view.powers_hint == NO_MPP
    assert (view.profile, view.profile_hint) == (False, NO_ICC)
    assert (view.label, view.label_hint) == (False, NO_LABEL)
    assert "until the window is closed" in view.bookmarks_hint


def test_what_it_has_is_offered(opened):
    view = resolve_slide(opened, replace(HERE, has_profile=True, pictures=("label",)))
    assert (view.powers_hint, view.profile, view.label) == ("", True, True)
    assert view.bookmarks_hint == ""


def test_a_read_only_project_says_that_nothing_is_kept(opened):
    opened.project.read_only = True
    assert "read-only" in resolve_slide(opened, HERE).bookmarks_hint


def test_bookmarks_of_this_slide_then_of_others_in_the_order_of_the_cohort(opened):
    def mark(slide_id, note):
        return Bookmark(slide_id, "f", 1, 1, 2.0, 0.25, note, "Dr A", "2026-01-02T03:04:05+00:00")

    alone = Bookmark("", ALONE.fingerprint, 1, 1, 1.0)
    opened.bookmarks = (mark("S09", "c"), mark("S02", "a"), mark("S05", "b"), alone)
    rows = resolve_slide(opened, HERE).bookmarks
    assert [(r.note, r.where) for r in rows] == [("a", "")]
    assert rows[0].power == "10x"  # by what is known of the slide now, not then
    assert rows[0].about == "Set by Dr A on 2026-01-02"
    rows = resolve_slide(opened, HERE, all_slides=True).bookmarks
    assert [(r.note, r.where) for r in rows] == [("a", ""), ("b", "S05"), ("c", "S09")]
    [own] = resolve_slide(opened, ALONE).bookmarks
    assert own.bookmark == alone
    assert own.power == ""


@pytest.mark.parametrize(
    ("slide_id", "expected"),
    [("S01", (None, "S02")), ("S02", ("S01", "S03")), ("S24", ("S23", None)), (None, (None, None))],
)
def test_neighbours_are_those_of_the_list(opened, slide_id, expected):
    opened.slide_id = slide_id
    assert neighbour_slides(opened) == expected


def test_neighbours_follow_the_groups_of_the_list(opened):
    opened.history.do(EditRecord("S24", patient_id="PAT-01"))  # listed after S01 and S02
    opened.slide_id = "S02"
    assert neighbour_slides(opened) == ("S01", "S24")


def test_what_search_and_filter_hide_is_passed_over(opened):
    opened.results = None
    opened.case_search, opened.slide_id = "beta", "S08"
    assert neighbour_slides(opened) == ("S07", None)
    opened.slide_id = "S06"
    opened.case_search, opened.case_filter = "", "not_reviewed"
    opened.history.do(EditRecord(("S05", "S07"), state="reviewed"))
    assert neighbour_slides(opened) == ("S04", "S08")


def test_the_open_slide_keeps_its_place_though_it_is_hidden(opened):
    opened.history.do(EditRecord("S06", state="reviewed"))
    opened.slide_id, opened.case_filter = "S06", "not_reviewed"
    assert neighbour_slides(opened) == ("S05", "S07")
