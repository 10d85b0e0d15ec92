"""Answers of several experts: each decides for oneself, sees the others', and can undo."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from napari_lookalike.core.hard_negatives import Decision, HardNegativeTable
from napari_lookalike.core.hard_negatives.answers import latest
from napari_lookalike.core.hard_negatives.old_answers import FILE_NAME as OLD_FILE
from napari_lookalike.core.suggest import look as look_for_pairs
from napari_lookalike.core.suggest import read_decisions
from napari_lookalike.core.suggest.textbook import FILE_NAME
from napari_lookalike.session import marks, suggestions
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.session.suggestions_view import resolve_suggestions
from napari_lookalike.session.table_watch import look, take_over

BOOK = "subtype_a,subtype_b,why,test,strength,source,confirmed_by\nbeta,alpha,Blue,INI1,0.9,,\n"


@pytest.fixture
def looked(opened: Session) -> Session:
    (opened.project.root / FILE_NAME).write_text(BOOK)
    suggestions.begin_looking(opened)
    suggestions.take(opened, look_for_pairs(opened.project, opened.cohort, opened.results))
    return opened


def news_of(session, seen=-1):
    return look(session.project.table_place, seen)


def of_colleague(session, suggestion, **more) -> Decision:
    table = HardNegativeTable(session.project.table_path)
    said = Decision("reject", suggestion.level, suggestion.a, suggestion.b, "Dr B", **more)
    return table.answer(said)


def test_a_colleagues_no_comes_in_and_is_shown_with_when_and_why(looked):
    first = suggestions.current(looked)
    of_colleague(looked, first, time="2026-05-31T14:00:00+00:00", note="No rosettes.")
    assert take_over(looked, news_of(looked))
    assert looked.notice.text == f"Dr B rejected {first.a} and {first.b}."
    told = next(s for s in suggestions.queue(looked) if s.key == first.key)
    assert told.score == pytest.approx(first.score / 2)
    suggestions.show(looked, first.key)
    notes = resolve_suggestions(looked).card.notes
    assert "Rejected by Dr B on 2026-05-31: No rosettes." in notes
    assert not take_over(looked, news_of(looked))  # it is no news any more


def test_two_windows_see_each_others_answers(looked):
    other = Session()
    open_project(other, looked.project.root)
    other.expert = "Dr B"
    suggestions.begin_looking(other)
    suggestions.take(other, looked.suggestions.found)
    key = suggestions.current(looked).key
    suggestions.reject(looked, "pale")
    take_over(other, news_of(other))
    assert next(s for s in suggestions.queue(other) if s.key == key).rejections[0].note == "pale"
    looked.history.undo()
    take_over(other, news_of(other))
    assert next(s for s in suggestions.queue(other) if s.key == key).rejections == ()


def test_one_expert_decides_for_oneself_alone(looked):
    first = suggestions.current(looked)
    of_colleague(looked, first)
    take_over(looked, news_of(looked))
    suggestions.show(looked, first.key)
    suggestions.reject(looked, " no rosettes ")
    assert first.key not in [s.key for s in suggestions.queue(looked)]
    held = latest(read_decisions(looked.project.root))
    assert held["Dr A", first.key].note == "no rosettes"
    looked.history.undo()  # one's own word is taken back, the colleague's stands
    held = latest(read_decisions(looked.project.root))
    assert [who for who, _ in held] == ["Dr B"]
    looked.history.redo()
    assert latest(read_decisions(looked.project.root))["Dr A", first.key].note == "no rosettes"


def test_undo_gives_back_what_was_said_before(looked):
    first = suggestions.current(looked)
    suggestions.later(looked)
    suggestions.show(looked, first.key)
    suggestions.reject(looked)
    looked.history.undo()
    assert suggestions.current(looked).key == first.key
    assert suggestions.current(looked).later
    looked.history.undo()
    assert not suggestions.current(looked).later
    assert [d.what for d in read_decisions(looked.project.root)] == [
        "later", "reject", "later", "withdraw",
    ]  # fmt: skip


def test_what_was_answered_before_the_window_opened_is_no_news(opened):
    of_colleague(opened, Decision("reject", "slide", "S01", "S05"))
    assert take_over(opened, news_of(opened))
    assert opened.notice is None


def test_answers_of_the_old_file_hold_beside_those_of_the_table(looked):
    first = suggestions.current(looked)
    line = (
        f'{{"what": "reject", "level": "{first.level}", "a": "{first.a}", "b": "{first.b}", '
        '"who": "Dr A", "time": "2026-01-01T00:00:00+00:00"}\n'
    )
    (looked.project.root / OLD_FILE).write_text(line)
    suggestions.begin_looking(looked)
    assert first.key not in [s.key for s in suggestions.queue(looked)]
    of_colleague(looked, suggestions.current(looked))
    take_over(looked, news_of(looked))
    assert first.key not in [s.key for s in suggestions.queue(looked)]


def test_an_import_of_answers_is_undone_and_done_again(looked, tmp_path):
    first = suggestions.current(looked)
    suggestions.reject(looked, "pale")
    file = tmp_path / "pairs.jsonl"
    marks.export_marks(looked, file)
    looked.history.undo()
    text = file.read_text().replace("Dr A", "Dr B")
    file.write_text("\n".join(_unnamed(line) for line in text.splitlines()))
    marks.import_marks(looked, file)
    assert "1 answer to suggestions added." in looked.notice.text
    assert ("Dr B", first.key) in latest(looked.suggestions.decisions)
    looked.history.undo()
    assert ("Dr B", first.key) not in latest(looked.suggestions.decisions)
    looked.history.redo()
    assert latest(looked.suggestions.decisions)["Dr B", first.key].note == "pale"


def _unnamed(line: str) -> str:
    """An answer without its name: it is another one then."""
    row = json.loads(line)
    if row["kind"] == "answer":
        row["of"].pop("deed")
    return json.dumps(row)


def test_an_answer_is_not_repeated_by_its_own_window(looked):
    suggestions.reject(looked)
    assert not take_over(looked, news_of(looked))


def test_a_read_only_project_shows_answers_and_takes_none(looked, monkeypatch):
    first = suggestions.current(looked)
    of_colleague(looked, first)
    monkeypatch.setattr(looked.project, "read_only", True)
    suggestions.begin_looking(looked)
    assert looked.suggestions.decisions[0].who == "Dr B"
    assert not resolve_suggestions(looked).can_answer


def test_where_nobody_signed_or_dated_the_note_says_what_is_known(looked):
    first = suggestions.current(looked)
    said = Decision("reject", first.level, first.a, first.b, "", "1970-01-01T00:00:00+00:00")
    known = replace(looked.suggestions, decisions=(said,))
    looked.suggestions = replace(known, at=first.key)
    assert "Rejected by somebody." in resolve_suggestions(looked).card.notes
