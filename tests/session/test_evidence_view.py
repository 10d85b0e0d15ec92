"""Which evidence tiles are drawn over the open slide, and what they say."""

from __future__ import annotations

import pytest

from napari_lookalike.core.hard_negatives import EvidenceTile
from napari_lookalike.session import evidence, marks
from napari_lookalike.session.evidence_view import resolve_evidence, said_at


@pytest.fixture
def mark(opened):
    opened.slide_id = "S05"
    return marks.mark_pair(opened, "S01", "S05")


@pytest.fixture
def tile(opened, mark):
    return evidence.point_at(
        opened, EvidenceTile(mark=mark.id, slide_id="S05", x=64, y=96, size=32)
    )


def test_a_tile_says_what_of_which_pair_by_whom_and_that_nobody_checked_it(opened, tile):
    [frame] = resolve_evidence(opened)
    assert (frame.tile, frame.look, frame.letter) == (tile, "diagnostic", "D")
    assert frame.said.splitlines() == [
        "Diagnostic here (D)",
        "Pair: S01 (alpha) and S05 (beta)",
        f"By you, {tile.time[:10]}",
        "No second expert has checked it yet.",
    ]
    opened.expert = "Dr B"
    [frame] = resolve_evidence(opened)
    assert f"By Dr A, {tile.time[:10]}" in frame.said
    assert "PAT-" not in frame.said


def test_the_other_word_has_another_letter(opened, mark):
    evidence.point_at(
        opened, EvidenceTile(mark=mark.id, slide_id="S05", size=32, kind="look-alike")
    )
    [frame] = resolve_evidence(opened)
    assert (frame.look, frame.letter) == ("look-alike", "S")
    assert frame.said.startswith("Looks alike, not diagnostic (S)")


def test_a_second_opinion_is_told_and_a_disputed_tile_looks_so(opened, tile):
    opened.expert = "Dr B"
    evidence.confirm_tile(opened, tile.id)
    [frame] = resolve_evidence(opened)
    assert frame.look == "diagnostic"
    assert frame.said.endswith("Confirmed by you.")
    evidence.dispute_tile(opened, tile.id)
    opened.expert = "Dr A"
    [frame] = resolve_evidence(opened)
    assert (frame.look, frame.letter) == ("disputed", "D")
    assert frame.said.endswith("Disputed by Dr B.\nTraining does not learn from it.")


def test_a_tile_that_waits_to_be_looked_at_again_says_so(opened, mark):
    evidence.point_at(opened, EvidenceTile(mark=mark.id, slide_id="S05", size=32, unchecked=True))
    [frame] = resolve_evidence(opened)
    assert frame.look == "diagnostic"
    assert "Not checked yet" in frame.said
    assert frame.said.endswith("Training does not learn from it.")


def test_a_disputed_pair_is_told(opened, tile, mark):
    marks.dispute(opened, mark.id)
    [frame] = resolve_evidence(opened)
    assert frame.look == "disputed"
    assert "The pair is disputed." in frame.said


def test_only_the_open_slide_has_them(opened, tile):
    opened.slide_id = "S01"
    assert resolve_evidence(opened) == ()
    opened.slide_id = None
    assert resolve_evidence(opened) == ()


def test_what_was_taken_back_is_not_drawn(opened, tile):
    evidence.retire_tile(opened, tile.id)
    assert resolve_evidence(opened) == ()
    opened.history.undo()
    assert len(resolve_evidence(opened)) == 1
    marks.retire(opened, tile.mark)
    assert resolve_evidence(opened) == ()
    opened.history.undo()
    assert len(resolve_evidence(opened)) == 1


def test_every_pair_of_the_slide_counts(opened, tile):
    other = marks.mark_pair(opened, "S05", "S09")
    evidence.point_at(opened, EvidenceTile(mark=other.id, slide_id="S05", x=64, y=96, size=32))
    frames = resolve_evidence(opened)
    assert len(frames) == 2
    assert "S01 (alpha)" in said_at(frames, 80, 112)
    assert "S09 (delta)" in said_at(frames, 80, 112)


def test_a_place_is_on_a_tile_or_near_its_middle(opened, tile):
    frames = resolve_evidence(opened)
    assert said_at(frames, 64, 96)
    assert said_at(frames, 96, 128)
    assert not said_at(frames, 63, 96)
    assert not said_at(frames, 80, 130)
    assert said_at(frames, 30, 112, (60, 10))
    assert not said_at(frames, 80, 130, (60, 10))
