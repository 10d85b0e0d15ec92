"""What the strip below the map says of a pair that experts do not agree on."""

from dataclasses import replace
from pathlib import Path

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives import PairMark
from napari_lookalike.session.pair_view import find_mark, resolve_pair

COHORT = Cohort(tuple(SlideRecord(s, Path("x"), "", t) for s, t in (("s1", "A"), ("s2", "B"))))
MARK = PairMark(id=1, slide_a="s1", slide_b="s2", expert="Dr A", status="disputed")


def test_a_disputed_mark_is_told_and_can_be_changed_by_its_expert():
    own = resolve_pair(("s1", "s2"), COHORT, (MARK,), "Dr A")
    assert "Marked by Dr A and disputed" in own.sentence
    assert own.existing == MARK
    other = resolve_pair(("s2", "s1"), COHORT, (MARK,), "Dr B")
    assert other.can_mark
    assert other.existing is None


def test_marks_in_use_come_first_then_disputed_ones():
    retired = replace(MARK, id=2, expert="Dr B", status="retired")
    agreed = replace(MARK, id=3, expert="Dr C", status="agreed")
    assert find_mark((retired, MARK), "s2", "s1", "Dr B") == MARK
    assert find_mark((retired, MARK, agreed), "s1", "s2", "Dr A") == agreed
