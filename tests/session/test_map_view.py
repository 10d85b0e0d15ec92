"""What the map and its strip show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.attended import Place
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.results import ModelResults, Projection, SlideResult
from napari_lookalike.session.map_view import (
    MapMemory,
    method_text,
    points_of,
    resolve_map,
    slide_facts,
)
from napari_lookalike.session.pair_view import find_mark, resolve_pair
from napari_lookalike.session.selection import look_at
from napari_lookalike.session.session import Session

LABELS = {"s1": "alpha", "s2": "beta", "s3": "alpha", "s4": ""}
IDS = tuple(LABELS)
POINTS = np.array([[0, 0], [1, 0], [4, 4], [9, 9]], np.float32)


def results(version="m001") -> ModelResults:
    p, z = np.array([0.3, 0.7], np.float32), np.zeros(3, np.float32)
    slides = {s: SlideResult(s, p, z, z[None], True, 2) for s in IDS}
    return ModelResults(version, ("alpha", "beta"), slides)


@pytest.fixture
def session() -> Session:
    records = [SlideRecord(s, Path("x"), "P1", label) for s, label in LABELS.items()]
    session = Session(cohort=Cohort(tuple(records), synthetic=True))
    session.results = results()
    session.projection = Projection("m001", "umap", IDS, POINTS)
    return session


def mark(a, b, strength=0.5, **more) -> PairMark:
    return PairMark(1, "slide", a, b, strength=strength, expert="Dr A", **more)


def test_an_empty_session_says_what_to_do():
    view = resolve_map(Session(), "label", "after")
    assert "project" in view.empty
    assert view.points.shape == (0, 2)


def test_a_cohort_without_a_model_says_what_to_do(session):
    session.results = session.projection = None
    assert "train a first model" in resolve_map(session, "label", "after").empty


def test_synthetic_slides_are_called_so(session):
    assert "Synthetic" in resolve_map(session, "label", "after").caption
    session.cohort = replace(session.cohort, synthetic=False)
    caption = resolve_map(session, "label", "after").caption
    assert "Synthetic" not in caption
    assert "never saw its patient" in caption
    assert "Research use only" in caption


def test_method_says_what_is_shown_and_what_is_coming(session):
    pca = replace(session.projection, method="pca")
    assert method_text(pca, "UMAP") == "PCA shown; UMAP is being computed…"
    assert method_text(pca, "") == "PCA"
    assert method_text(session.projection, "") == "UMAP"
    assert "computed" in method_text(None, "UMAP")
    assert method_text(None, "") == ""


def test_before_after_and_both(session):
    assert not resolve_map(session, "label", "both").can_compare
    session.projection_before = Projection("m000", "umap", IDS[:3], POINTS[:3] + 5)
    session.results_before = results("m000")
    both = resolve_map(session, "label", "both")
    assert both.can_compare
    assert np.array_equal(both.points, POINTS)
    assert np.array_equal(both.before[:3], POINTS[:3] + 5)
    assert np.isnan(both.before[3]).all()
    before = resolve_map(session, "label", "before")
    assert before.slide_ids == IDS[:3]
    assert before.before is None


def test_while_a_model_learns_its_slides_move_and_the_map_before_stays(session):
    session.live = Projection("m001", "umap", IDS, POINTS + 2, {"live": True})
    view = resolve_map(session, "label", "after")
    assert np.array_equal(view.points, POINTS + 2)
    assert "Learning" in view.method
    assert "picture of the direction only" in view.caption
    both = resolve_map(session, "label", "both")
    assert both.can_compare
    assert np.array_equal(both.before, POINTS)
    assert np.array_equal(resolve_map(session, "label", "before").points, POINTS)


def test_points_of_follow_the_asked_order():
    projection = Projection("m", "pca", IDS, POINTS)
    assert np.array_equal(points_of(projection, ("s3", "s1")), POINTS[[2, 0]])


def test_active_marks_are_lines_and_the_strongest_counts(session):
    session.marks = (
        mark("s1", "s2", 0.2),
        mark("s2", "s1", 0.9),
        mark("s2", "s3", status="retired"),
        mark("s1", "gone"),
    )
    (line,) = resolve_map(session, "label", "after").lines
    assert {line.a, line.b} == {"s1", "s2"}
    assert line.strength == 0.9


def test_a_mark_of_subtypes_joins_slides_of_them(session):
    subtype = PairMark(1, "subtype", subtype_a="alpha", subtype_b="beta")
    none = PairMark(2, "subtype", subtype_a="alpha", subtype_b="gone")
    session.marks = (subtype, none)
    (line,) = resolve_map(session, "label", "after").lines
    assert line.of_subtypes
    assert LABELS[line.a] == "alpha"
    assert line.b == "s2"


def test_the_card_never_names_the_patient(session):
    facts = slide_facts(session, "s1", session.results)
    assert any("predicted beta (70 %)" in f for f in facts)
    assert any("fold 3" in f for f in facts)
    assert not any("P1" in f for f in facts)
    assert slide_facts(session, "gone", None) == ("not labelled",)


@pytest.mark.parametrize(
    ("selection", "can", "says"),
    [
        ((), False, "two slides"),
        (("s1",), False, "second"),
        (("s1", "s2", "s3"), False, "3 slides"),
        (("s1", "s3"), False, "Both are alpha"),
        (("s1", "s4"), False, "s4 has no subtype"),
        (("s1", "s2"), True, ""),
        (("s1", "gone"), False, "second"),
    ],
)
def test_what_can_be_marked(session, selection, can, says):
    view = resolve_pair(selection, session.cohort, (), "Dr A")
    assert view.can_mark is can
    assert says in view.sentence


def test_a_marked_pair_shows_its_mark_in_either_order(session):
    mine = mark("s2", "s1", 0.5, reason="both blue")
    view = resolve_pair(("s1", "s2"), session.cohort, (mine,), "Dr A")
    assert view.existing == mine
    assert "both blue" in view.sentence
    other = resolve_pair(("s1", "s2"), session.cohort, (mine,), "Dr B")
    assert other.existing is None
    assert "Marked by Dr A" in other.sentence
    assert other.can_mark
    retired = replace(mine, status="retired")
    assert resolve_pair(("s1", "s2"), session.cohort, (retired,), "Dr A").existing is None


def test_ones_own_mark_comes_before_that_of_another():
    other = replace(mark("s1", "s2"), id=2, expert="Dr B")
    own = mark("s1", "s2")
    assert find_mark((other, own), "s1", "s2", "Dr A") == own
    assert find_mark((other, own), "s1", "s2", "Dr B") == other


def test_marked_subtypes_are_said(session):
    subtype = PairMark(1, "subtype", subtype_a="beta", subtype_b="alpha", strength=0.5)
    view = resolve_pair(("s1", "s2"), session.cohort, (subtype,), "Dr A")
    assert view.can_mark
    assert view.existing is None
    assert "marked already" in view.sentence


def test_the_card_names_the_look_alikes_of_other_subtypes(session):
    vectors = np.array([[1, 0, 0], [0.9, 0.1, 0], [1, 0.1, 0], [1, 0, 0]], np.float32)
    slides = {
        s: replace(r, embedding=z)
        for (s, r), z in zip(session.results.slides.items(), vectors, strict=True)
    }
    session.results = replace(session.results, slides=slides)
    near = MapMemory().near(session.results, session.cohort)
    facts = slide_facts(session, "s1", session.results, near)
    assert [f for f in facts if f.startswith("–")] == ["– s2, beta (similarity 0.99)"]
    assert any("research use only" in f for f in facts)


def test_what_did_not_change_is_not_worked_out_again(session):
    memory = MapMemory()
    one = resolve_map(session, "label", "after", memory=memory)
    session.selection = ("s1",)
    two = resolve_map(session, "label", "after", memory=memory)
    assert two.colouring is one.colouring
    assert two.shapes is one.shapes
    assert two.lines is one.lines
    session.marks = (mark("s1", "s2"),)
    three = resolve_map(session, "label", "after", memory=memory)
    assert three.colouring is one.colouring  # marks colour the review state only
    assert len(three.lines) == 1
    assert resolve_map(session, "state", "after", memory=memory).colouring is not one.colouring


def test_a_place_is_looked_at_only_if_its_slide_is_open(session):
    look_at(session, "s1", Place(10.0, 20.0, 5.0))
    assert session.focus is None
    session.slide_id = "s1"
    look_at(session, "s1", None)
    assert session.focus is None
    look_at(session, "s1", Place(10.0, 20.0, 5.0))
    assert (session.focus.x_px0, session.focus.y_px0, session.focus.width_px0) == (10, 20, 30)
