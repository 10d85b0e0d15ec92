"""Suggestions: accept, reject, later, next, undo; and what the panel shows of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.suggest import look, read_decisions
from napari_lookalike.core.suggest.textbook import FILE_NAME
from napari_lookalike.session import suggestions
from napari_lookalike.session.marks import NeedsExpertName, mark_pair, mark_subtypes
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.session.suggestions_view import (
    CONFIRM,
    DONE,
    LOOKING,
    NO_MODEL,
    NO_PROJECT,
    resolve_suggestions,
)

BOOK = "subtype_a,subtype_b,why,test,strength,source,confirmed_by\n"


def look_now(session: Session, **options) -> None:
    suggestions.begin_looking(session)
    found = look(session.project, session.cohort, session.results, **options)
    suggestions.take(session, found)


@pytest.fixture
def looked(opened: Session) -> Session:
    (opened.project.root / FILE_NAME).write_text(BOOK + "beta,alpha,Both blue,INI1,0.9,,\n")
    look_now(opened)
    return opened


def shown(session: Session):
    return resolve_suggestions(session).card


def test_before_anything_was_found():
    session = Session()
    assert resolve_suggestions(session).empty == NO_PROJECT
    assert suggestions.queue(session) == ()
    assert suggestions.current(session) is None
    assert suggestions.next_suggestion(session) is None
    with pytest.raises(ProjectError, match="no suggestion"):
        suggestions.reject(session)


def test_while_somebody_looks(opened):
    suggestions.begin_looking(opened)
    assert resolve_suggestions(opened).empty == LOOKING


def test_without_a_model_the_textbook_is_left(opened):
    opened.results = None
    look_now(opened)
    assert resolve_suggestions(opened).empty == NO_MODEL
    assert "Train a model" in resolve_suggestions(opened).review_note
    (opened.project.root / FILE_NAME).write_text(BOOK + "beta,alpha,Both blue,INI1,0.9,,\n")
    look_now(opened)
    card = shown(opened)
    assert card.test == f"INI1. {CONFIRM}"
    assert [s.label for s in card.sides] == ["alpha", "beta"]
    assert all(s.slide_id for s in card.sides)


def test_the_confused_pair_comes_first(looked):
    view = resolve_suggestions(looked)
    assert {s.label for s in view.card.sides} == {"alpha", "beta"}
    assert view.position.startswith("1 of ")
    assert view.card.reasons[0][0]
    assert view.can_answer


def test_what_a_neuropathologist_confirmed_no_longer_asks_for_it(opened):
    (opened.project.root / FILE_NAME).write_text(BOOK + "beta,alpha,Both blue,INI1,0.9,,Dr N\n")
    look_now(opened)
    assert shown(opened).test == "INI1."


def test_next_goes_round_without_an_answer(looked):
    n = len(suggestions.queue(looked))
    first = suggestions.current(looked).key
    seen = {suggestions.next_suggestion(looked).key for _ in range(n)}
    assert len(seen) == n
    assert suggestions.current(looked).key == first
    assert suggestions.next_suggestion(looked, -1).key == suggestions.queue(looked)[-1].key
    assert looked.suggestions.decisions == ()


def test_accept_fills_everything_in_and_stores_nothing(looked):
    s = suggestions.current(looked)
    proposal = suggestions.accept(looked)
    assert looked.proposal == proposal
    assert looked.selection == proposal.slides == s.slides
    assert set(proposal.subtypes) == {"alpha", "beta"}
    assert (proposal.strength, proposal.reason, proposal.test) == (0.9, "Both blue", "INI1")
    assert looked.marks == ()
    assert read_decisions(looked.project.root) == ()


@pytest.mark.parametrize("level", ["slide", "subtype"])
def test_marking_keeps_mark_and_answer_and_goes_on(looked, level):
    before = suggestions.current(looked)
    proposal = suggestions.accept(looked)
    mark = suggestions.mark_proposal(
        looked, level, 0.6, "my words", test="INI1", features="rosettes"
    )
    assert looked.marks == (mark,)
    assert (mark.level, mark.strength, mark.reason) == (level, 0.6, "my words")
    assert mark.sides == (proposal.slides if level == "slide" else proposal.subtypes)
    assert mark.model_version == looked.results.version
    assert (mark.test, mark.features) == ("INI1", "rosettes")
    [kept] = read_decisions(looked.project.root)
    assert (kept.what, kept.who, kept.key) == ("accept", "Dr A", before.key)
    assert kept.reasons
    assert kept.time
    assert looked.proposal is None
    after = suggestions.current(looked)
    assert after.key != before.key


def test_undo_takes_mark_and_answer_back_and_shows_the_pair_again(looked):
    key = suggestions.current(looked).key
    suggestions.accept(looked)
    suggestions.mark_proposal(looked, key[0], 0.6, "")
    looked.history.undo()
    assert not any(m.active for m in looked.marks)
    assert suggestions.current(looked).key == key
    assert [d.what for d in read_decisions(looked.project.root)] == ["accept", "withdraw"]
    looked.history.redo()
    assert [m.active for m in looked.marks] == [True]
    assert key not in [s.key for s in suggestions.queue(looked)]


def test_a_mark_whose_answer_cannot_be_kept_is_not_made(looked, monkeypatch):
    suggestions.accept(looked)

    def full(*_):
        raise ProjectError("The disk is full.")

    monkeypatch.setattr("napari_lookalike.session.suggestion_commands.append_decision", full)
    with pytest.raises(ProjectError, match="full"):
        suggestions.mark_proposal(looked, "slide", 0.6, "")
    assert not any(m.active for m in HardNegativeTable(looked.project.table_path).rows())
    assert not looked.history.can_undo
    assert looked.proposal is not None


def test_reject_is_remembered_by_whom_and_after_a_restart(looked):
    first, second = suggestions.queue(looked)[:2]
    suggestions.reject(looked)
    assert suggestions.current(looked).key == second.key
    [kept] = read_decisions(looked.project.root)
    assert (kept.what, kept.who, kept.key) == ("reject", "Dr A", first.key)
    again = Session()
    open_project(again, looked.project.root)
    again.expert = "Dr A"
    look_now(again)
    assert first.key not in [s.key for s in suggestions.queue(again)]
    again.expert = "Dr B"
    told = next(s for s in suggestions.queue(again) if s.key == first.key)
    assert told.said_no == ("Dr A",)


def test_reject_is_undone(looked):
    key = suggestions.current(looked).key
    suggestions.reject(looked)
    assert looked.history.undo_text.startswith("Reject ")
    looked.history.undo()
    assert suggestions.current(looked).key == key
    looked.history.redo()
    assert key not in [s.key for s in suggestions.queue(looked)]


def test_later_puts_it_last(looked):
    key = suggestions.current(looked).key
    suggestions.later(looked)
    assert suggestions.current(looked).key != key
    assert suggestions.queue(looked)[-1].key == key
    suggestions.show(looked, key)
    assert "put it off" in shown(looked).notes


def test_all_rejected_says_so(looked):
    while suggestions.current(looked) is not None:
        suggestions.reject(looked)
    view = resolve_suggestions(looked)
    assert (view.card, view.empty, view.can_answer) == (None, DONE, False)


def test_an_answer_needs_a_name(looked):
    looked.expert = ""
    with pytest.raises(NeedsExpertName):
        suggestions.reject(looked)
    suggestions.accept(looked)
    with pytest.raises(NeedsExpertName):
        suggestions.mark_proposal(looked, "slide", 0.5, "")
    assert read_decisions(looked.project.root) == ()


def test_a_read_only_project_keeps_nothing(looked):
    looked.project.read_only = True
    assert not resolve_suggestions(looked).can_answer
    with pytest.raises(ProjectError, match="read-only"):
        suggestions.reject(looked)


def test_the_pair_that_is_shown_stays_when_others_go(looked):
    third = suggestions.queue(looked)[2]
    suggestions.show(looked, third.key)
    mark_pair(looked, *suggestions.queue(looked)[0].slides)
    assert suggestions.current(looked).key == third.key


def test_coverage_follows_marks_and_rejections(looked):
    view = resolve_suggestions(looked)
    assert view.covered == 0.0
    assert {(p.a, p.b) for p in view.pairs} == {("alpha", "beta")}
    assert view.pairs[0].standing == "nobody looked"
    mark_subtypes(looked, "alpha", "beta")
    view = resolve_suggestions(looked)
    assert view.covered == 1.0
    assert view.pairs[0].standing == "marked by Dr A"
    assert "no pair is open" in view.meter
    looked.history.undo()
    assert "1 pair open" in resolve_suggestions(looked).meter


def test_a_click_on_a_confused_pair_brings_its_suggestion(looked):
    suggestions.show(looked, suggestions.queue(looked)[-1].key)
    found = suggestions.show_subtypes(looked, "beta", "alpha")
    assert suggestions.current(looked) == found
    assert set(found.subtypes) == {"alpha", "beta"}
    assert suggestions.show_subtypes(looked, "alpha", "nobody knows it") is None


def test_review_list_shrinks_as_slides_are_reviewed(looked):
    rows = resolve_suggestions(looked).review
    assert "S24" in [r.slide_id for r in rows if r.apart]
    first = rows[0]
    assert first.why
    record = replace(looked.cohort[first.slide_id], state="reviewed")
    looked.cohort = looked.cohort.with_record(record)
    assert first.slide_id not in [r.slide_id for r in resolve_suggestions(looked).review]
    assert "set apart" in resolve_suggestions(looked).review_note


def test_the_queue_is_made_once_for_the_same_values(looked, monkeypatch):
    assert suggestions.queue(looked) is suggestions.queue(looked)
    before = suggestions.queue(looked)
    looked.expert = "Dr B"
    assert suggestions.queue(looked) is not before


def test_the_reason_of_a_colleague_is_filled_in(looked):
    a, b = suggestions.queue(looked)[0].slides
    looked.expert = "Dr B"
    mark_pair(looked, a, b, "rosettes in both (see S2)", 0.5)
    looked.expert = "Dr A"
    key = ("slide", *sorted((a, b)))
    suggestions.show(looked, key)
    assert suggestions.accept(looked).reason == "rosettes in both (see S2)"


def test_another_project_begins_anew(looked):
    suggestions.accept(looked)
    suggestions.begin_looking(looked, anew=True)
    assert looked.proposal is None
    assert looked.suggestions.found is None
    suggestions.stop_looking(looked)
    assert resolve_suggestions(looked).card is None


def test_damaged_answers_are_said(opened):
    (opened.project.root / "suggestions.jsonl").mkdir()
    suggestions.begin_looking(opened)
    assert "cannot be read" in opened.notice.text


def test_wrong_rows_of_the_table_are_said(opened):
    (opened.project.root / FILE_NAME).write_text(BOOK + "a,b,w,t,often,,\nbeta,alpha,w,t,0.5,,\n")
    look_now(opened)
    said = resolve_suggestions(opened).textbook
    assert "own table has 1 textbook pair" in said
    assert "line 2: The strength is no number" in said


def test_no_slide_of_the_locked_test_set_is_suggested(opened, monkeypatch):
    monkeypatch.setattr(
        "napari_lookalike.core.suggest.everything.locked_slide_ids",
        lambda _p: frozenset({"S01", "S05"}),
    )
    look_now(opened)
    for s in suggestions.queue(opened):
        assert not {"S01", "S05"} & set(s.slides)
    assert not {"S01", "S05"} & {r.slide_id for r in resolve_suggestions(opened).review}
    assert not {"S01", "S05"} & set(opened.suggestions.found.labels)


def test_a_mark_made_elsewhere_leaves_the_queue(looked):
    s = next(s for s in suggestions.queue(looked) if s.level == "slide")
    mark_pair(looked, *s.slides)
    assert isinstance(looked.marks[0], PairMark)
    assert s.key not in [x.key for x in suggestions.queue(looked)]
