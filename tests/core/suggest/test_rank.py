"""One queue by the written rule: score, what leaves it, what goes to its end."""

from __future__ import annotations

import pytest

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.suggest import SOURCE_WEIGHTS, Decision, Hint, Hints, coverage, rank
from napari_lookalike.core.suggest.rank import (
    LOOKED_AT,
    PER_SLIDE,
    REJECTED,
    REPEATED,
    SLIDE_PAIRS,
    TEXTBOOK_FOR_SLIDES,
    looked_at,
)

AB = ("alpha", "beta")
LABELS = {"a1": "alpha", "a2": "alpha", "b1": "beta", "b2": "beta", "c1": "gamma"}


def slides(a, b, value=0.5, source="confusion", subtypes=AB):
    return Hint("slide", a, b, subtypes, source, value, f"{a} and {b}")


def subtypes(value=0.5, source="textbook", names=AB, test="INI1"):
    return Hint("subtype", *names, names, source, value, "as books say", test=test, strength=value)


def queue(*hints, marks=(), decisions=(), expert="Dr A", examples=()):
    return rank(Hints(hints, examples), marks, decisions, expert, LABELS)


def test_sources_add_up_by_the_written_rule():
    [s] = queue(slides("a1", "b1", 0.8), slides("b1", "a1", 0.6, "entropy", AB[::-1]))
    w = SOURCE_WEIGHTS
    assert s.score == pytest.approx(1 - (1 - w["confusion"] * 0.8) * (1 - w["entropy"] * 0.6))
    assert [h.source for h in s.reasons] == ["confusion", "entropy"]
    assert all((h.a, h.b, h.subtypes) == ("a1", "b1", AB) for h in s.reasons)


def test_of_one_source_the_strongest_counts_once():
    [s] = queue(slides("a1", "b1", 0.8), slides("b1", "a1", 0.6, subtypes=AB[::-1]))
    assert s.score == pytest.approx(SOURCE_WEIGHTS["confusion"] * 0.8)
    assert len(s.reasons) == 2


def test_the_textbook_counts_half_for_slides_and_gives_them_its_test():
    found = queue(slides("a1", "b1", 0.5), subtypes(0.9))
    pair = next(s for s in found if s.level == "slide")
    w = SOURCE_WEIGHTS
    book = w["textbook"] * TEXTBOOK_FOR_SLIDES * 0.9
    assert pair.score == pytest.approx(1 - (1 - w["confusion"] * 0.5) * (1 - book))
    assert (pair.test, pair.strength) == ("INI1", 0.9)


def test_best_first_and_of_equals_the_slides():
    found = queue(subtypes(0.5, "confusion"), slides("a1", "b1", 0.5), slides("a2", "b2", 0.9))
    assert [s.a for s in found] == ["a2", "alpha", "a1"]
    assert found[2].score == pytest.approx(REPEATED * SOURCE_WEIGHTS["confusion"] * 0.5)
    tied = queue(subtypes(0.5, "confusion"), slides("a1", "b1", 0.5))
    assert [s.level for s in tied] == ["slide", "subtype"]


def test_one_slide_and_one_pair_of_subtypes_do_not_fill_the_queue():
    hub = [slides("a1", f"b{i}", 0.9) for i in range(9)]
    assert len(queue(*hub)) == PER_SLIDE
    many = [slides(f"a{i}", f"b{i}", 0.9) for i in range(20)]
    assert len(queue(*many)) == SLIDE_PAIRS


def test_what_this_expert_marked_is_not_suggested_but_another_ones_is():
    mark = PairMark(slide_a="b1", slide_b="a1", subtype_a="beta", subtype_b="alpha", expert="Dr A",
                    reason="both blue", strength=0.7)  # fmt: skip
    assert queue(slides("a1", "b1"), marks=[mark]) == ()
    [s] = queue(slides("a1", "b1"), marks=[mark], expert="Dr B")
    assert s.source == "expert"
    assert s.reasons[0].text == "Dr A marked them (strength 0.70): both blue."
    assert s.looked_at
    disputed = PairMark(**{**vars(mark), "status": "disputed"})
    assert queue(slides("a1", "b1"), marks=[disputed]) == ()
    [s] = queue(slides("a1", "b1"), marks=[disputed], expert="Dr B")
    assert (s.source, s.looked_at) == ("confusion", True)
    retired = PairMark(**{**vars(mark), "status": "retired"})
    [s] = queue(slides("a1", "b1"), marks=[retired], expert="Dr B")
    assert s.source == "confusion"


def test_another_ones_mark_of_slides_that_are_gone_is_passed_over():
    mark = PairMark(slide_a="gone", slide_b="a1", subtype_a="beta", subtype_b="alpha", expert="X")
    assert queue(marks=[mark]) == ()
    same = PairMark(slide_a="a1", slide_b="a2", subtype_a="beta", subtype_b="alpha", expert="X")
    assert queue(marks=[same]) == ()


def test_another_ones_mark_of_two_subtypes_is_shown_by_a_slide_of_each():
    mark = PairMark(level="subtype", subtype_a="beta", subtype_b="alpha", expert="Dr B")
    [s] = queue(marks=[mark])
    assert (s.subtypes, s.slides) == (AB, ("a1", "b1"))
    gone = PairMark(level="subtype", subtype_a="beta", subtype_b="no slide has it", expert="Dr B")
    assert queue(marks=[gone]) == ()


def test_rejected_is_gone_for_who_rejected_and_told_to_others():
    no = Decision("reject", "slide", "b1", "a1", "Dr A")
    assert queue(slides("a1", "b1"), decisions=[no]) == ()
    [s] = queue(slides("a1", "b1"), decisions=[no], expert="Dr B")
    assert s.said_no == ("Dr A",)
    back = Decision("withdraw", "slide", "a1", "b1", "Dr A")
    [s] = queue(slides("a1", "b1"), decisions=[no, back])
    assert s.said_no == ()


def test_each_colleague_who_said_no_lowers_the_place_and_hides_nothing():
    [before] = queue(slides("a1", "b1"))
    no = [Decision("reject", "slide", "b1", "a1", who, note=who) for who in ("Dr B", "Dr C")]
    [once] = queue(slides("a1", "b1"), decisions=no[:1])
    [twice] = queue(slides("a1", "b1"), decisions=no)
    assert once.score == pytest.approx(before.score * REJECTED)
    assert twice.score == pytest.approx(before.score * REJECTED**2)
    assert [r.note for r in twice.rejections] == ["Dr B", "Dr C"]


def test_that_the_subtypes_were_rejected_counts_once_for_them_and_for_their_slides():
    hints = slides("a1", "b1", 0.9), subtypes(0.9)
    no = [Decision("reject", "subtype", *AB, "Dr B")]
    before = {s.level: s.score for s in queue(*hints)}
    after = {s.level: s.score for s in queue(*hints, decisions=no)}
    assert after["subtype"] == pytest.approx(before["subtype"] * REJECTED)
    assert after["slide"] == pytest.approx(before["slide"] * LOOKED_AT)


def test_later_goes_to_the_end_in_the_order_it_was_put_off():
    hints = [slides("a1", "b1", 0.9), slides("a2", "b2", 0.8, subtypes=("alpha", "gamma"))]
    first, second = ((h.a, h.b) for h in hints)
    put_off = [Decision("later", "slide", *pair, "Dr A") for pair in (second, first)]
    hints.append(slides("a1", "c1", 0.1, subtypes=("alpha", "gamma")))
    found = queue(*hints, decisions=put_off)
    assert [s.key[1:] for s in found] == [("a1", "c1"), ("a2", "b2"), ("a1", "b1")]
    assert [s.later for s in found] == [False, True, True]


def test_a_pair_of_subtypes_that_was_looked_at_counts_half():
    [before] = queue(slides("a1", "b1", 0.5))
    mark = PairMark(slide_a="a2", slide_b="b2", subtype_a="alpha", subtype_b="beta", expert="Dr A")
    [after] = queue(slides("a1", "b1", 0.5), marks=[mark])
    assert after.score == pytest.approx(LOOKED_AT * before.score)


def test_subtypes_are_shown_by_their_example_slides():
    examples = ((AB, ("a2", "b1")),)
    [s] = queue(subtypes(), examples=examples)
    assert s.slides == ("a2", "b1")
    assert s.subtypes == AB


def test_looked_at_follows_labels_as_they_are_now():
    mark = PairMark(slide_a="a1", slide_b="c1", subtype_a="alpha", subtype_b="beta", expert="X")
    assert looked_at([mark], [], LABELS) == {("alpha", "gamma"): ("marked", "X")}
    assert looked_at([mark], [], {}) == {AB: ("marked", "X")}
    no = [
        Decision("reject", "subtype", "beta", "alpha", "Y"),
        Decision("reject", "slide", "a1", "c1"),
    ]
    assert looked_at([], no, LABELS) == {AB: ("rejected", "Y")}


def test_coverage_counts_confused_slides_of_pairs_that_were_looked_at():
    matrix = [[5, 2, 1], [1, 4, 0], [0, 0, 6]]
    c = coverage(("alpha", "beta", "gamma"), matrix, {AB: ("marked", "Dr A")})
    assert (c.covered, c.confusions, c.open_pairs) == (3, 4, 1)
    assert c.share == pytest.approx(0.75)
    first, second = c.pairs
    assert (first.subtypes, first.standing, first.confused) == (("alpha", "gamma"), "open", 1)
    assert (second.a_as_b, second.b_as_a, second.of, second.who) == (2, 1, 13, "Dr A")


def test_coverage_names_pairs_in_alphabetical_order_whatever_the_classes_order():
    [p] = coverage(("beta", "alpha"), [[3, 2], [0, 3]], {AB: ("rejected", "X")}).pairs
    assert (p.subtypes, p.a_as_b, p.b_as_a, p.standing) == (AB, 0, 2, "rejected")


def test_nothing_confused_is_all_covered():
    assert coverage(AB, [[3, 0], [0, 3]], {}).share == 1.0
    assert coverage((), [], {}).pairs == ()
