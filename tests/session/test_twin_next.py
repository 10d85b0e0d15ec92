"""Which two slides come next: suggestions first, then marked pairs without evidence."""

from __future__ import annotations

import pytest
from tests.project_fixtures import tiny_project

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.suggest import look, read_decisions
from napari_lookalike.core.suggest.textbook import FILE_NAME
from napari_lookalike.session import suggestions, twin
from napari_lookalike.session.marks import mark_pair, retire, set_expert
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.session.twin_next import (
    compare_suggestion,
    next_pair,
    select_suggested,
)

TILE = Region(64.0, 32.0, 32.0, 32.0)
BOOK = "subtype_a,subtype_b,why,test,strength,source,confirmed_by\n"


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    session = Session()
    open_project(session, tiny_project(tmp_path, features=True).root)
    set_expert(session, "Dr A")
    return session


@pytest.fixture
def looked(session) -> Session:
    (session.project.root / FILE_NAME).write_text(BOOK + "beta,alpha,Both blue,INI1,0.9,,\n")
    suggestions.begin_looking(session)
    suggestions.take(session, look(session.project, session.cohort, session.results))
    return session


def test_without_suggestions_and_marks_there_is_no_next_pair(session):
    assert not next_pair(session)
    assert session.twin is None


def test_marked_pairs_without_evidence_come_in_their_order(session):
    for a, b in (("S01", "S05"), ("S02", "S06"), ("S03", "S07")):
        mark_pair(session, a, b)
    seen = []
    for _ in range(3):
        assert next_pair(session)
        seen.append(session.twin)
        tile = twin.say_of_tile(session, session.twin[0], TILE, "diagnostic")
        twin.check_tile(session, tile.id)
    assert seen == [("S01", "S05"), ("S02", "S06"), ("S03", "S07")]
    assert not next_pair(session)  # each has evidence now
    assert session.twin == ("S03", "S07")
    twin.say_of_tile(session, "S03", TILE, "look-alike")
    twin.close_twin(session)
    assert next_pair(session)  # its tile is to be looked at again
    assert session.twin == ("S03", "S07")


def test_a_pair_may_be_passed_over_and_comes_round(session):
    for a, b in (("S01", "S05"), ("S02", "S06"), ("S03", "S07")):
        mark_pair(session, a, b)
    seen = []
    for _ in range(4):
        assert next_pair(session)
        seen.append(session.twin[0])
    assert seen == ["S01", "S02", "S03", "S01"]


def test_retired_marks_are_no_next_pair(session):
    retire(session, mark_pair(session, "S01", "S05").id)
    assert not next_pair(session)


def test_the_best_suggestion_comes_first_and_then_the_others(looked):
    mark_pair(looked, "S01", "S05")
    suggestions.take(looked, look(looked.project, looked.cohort, looked.results))
    wanted = [set(s.slides) for s in suggestions.queue(looked) if all(s.slides)]
    assert len(wanted) > 2
    seen = []
    for _ in range(2):
        assert next_pair(looked)
        seen.append(set(looked.twin))
    assert seen[0] == wanted[0]
    assert seen[1] in wanted[1:]
    assert seen[0] != seen[1]


def test_a_suggestion_is_marked_with_what_is_known_of_it(looked):
    compare_suggestion(looked)
    proposal = twin.proposal_of_pair(looked)
    assert proposal is not None
    pair = looked.twin
    mark = twin.keep_mark(looked, strength=0.8, reason="blue", test="INI1", test_result="lost")
    assert set(mark.sides) == set(pair)
    assert (mark.level, mark.test, mark.test_result) == ("slide", "INI1", "lost")
    assert [d.what for d in read_decisions(looked.project.root)] == ["accept"]
    assert looked.proposal is None
    looked.history.undo()
    assert not any(m.active for m in HardNegativeTable(looked.project.table_path).rows())


def test_a_suggestion_that_its_first_tile_marked_is_changed(looked):
    compare_suggestion(looked)
    twin.say_of_tile(looked, looked.twin[0], TILE, "diagnostic", strength=0.2)
    mark = twin.keep_mark(looked, strength=1.0, features="rosettes; tubules", confidence="sure")
    assert (mark.strength, mark.tags, mark.confidence) == (1.0, ("rosettes", "tubules"), "sure")
    assert len([m for m in looked.marks if m.level == "slide"]) == 1
    assert looked.proposal is None


def test_what_is_filled_in_belongs_to_its_pair(looked):
    compare_suggestion(looked)
    other = next(s for s in ("S09", "S13", "S17") if s not in looked.twin)
    twin.open_twin(looked, looked.twin[0], other)
    assert twin.proposal_of_pair(looked) is None


# ---- a suggestion that is taken up by its first tile, and not by the form


def said(session):
    return [d.what for d in read_decisions(session.project.root)]


def test_the_first_tile_accepts_the_suggestion_in_the_same_step(looked):
    shown = suggestions.current(looked)
    compare_suggestion(looked)
    twin.say_of_tile(looked, looked.twin[0], TILE, "diagnostic")
    (kept,) = read_decisions(looked.project.root)
    assert (kept.what, kept.key, kept.who) == ("accept", shown.key, "Dr A")
    assert kept.reasons
    twin.say_of_tile(looked, looked.twin[1], TILE, "look-alike")
    twin.keep_mark(looked, strength=0.8)
    assert said(looked) == ["accept"]  # once, whatever follows
    for _ in range(3):
        looked.history.undo()
    assert said(looked) == ["accept", "withdraw"]
    assert not any(m.active for m in looked.marks)
    assert suggestions.current(looked).key == shown.key
    assert not looked.history.can_undo
    looked.history.redo()
    assert said(looked) == ["accept", "withdraw", "accept"]


def test_undone_the_pair_can_be_accepted_by_its_mark(looked):
    compare_suggestion(looked)
    twin.say_of_tile(looked, looked.twin[0], TILE, "diagnostic")
    looked.history.undo()
    mark = twin.keep_mark(looked, strength=0.8, reason="blue")
    assert mark.active
    assert said(looked) == ["accept", "withdraw", "accept"]


def test_after_the_first_tile_the_next_pair_is_the_one_that_follows(looked):
    first, following = [s for s in suggestions.queue(looked) if s.level == "slide"][1:3]
    suggestions.show(looked, first.key)
    compare_suggestion(looked)
    twin.say_of_tile(looked, looked.twin[0], TILE, "diagnostic")
    assert suggestions.current(looked).key == following.key


def test_a_pair_that_nobody_suggested_answers_nothing(looked):
    a, b = suggestions.current(looked).slides
    twin.open_twin(looked, a, b)  # from the map: there is no proposal
    twin.say_of_tile(looked, a, TILE, "diagnostic")
    assert said(looked) == []


def test_an_answer_that_cannot_be_kept_leaves_neither_mark_nor_tile(looked, monkeypatch):
    def fails(root, decision):
        raise ProjectError("The disk is full.", "Free some space.")

    compare_suggestion(looked)
    monkeypatch.setattr("napari_lookalike.session.suggestion_commands.append_decision", fails)
    with pytest.raises(ProjectError, match="full"):
        twin.say_of_tile(looked, looked.twin[0], TILE, "diagnostic")
    table = HardNegativeTable(looked.project.table_path)
    assert not any(m.active for m in table.rows())
    assert not any(t.status == "active" for t in table.evidence())
    assert not looked.history.can_undo
    assert twin.proposal_of_pair(looked) is not None


def test_the_map_goes_from_one_suggested_pair_to_the_next(looked):
    queue = suggestions.queue(looked)
    assert select_suggested(looked)
    assert set(looked.selection) == set(queue[0].slides)
    assert looked.proposal is None  # nothing is about to be marked
    assert select_suggested(looked)
    other = next(s for s in queue if set(s.slides) != set(queue[0].slides))
    assert set(looked.selection) == set(other.slides)
    assert looked.twin is None


def test_the_map_passes_over_slides_that_are_gone(looked):
    first = suggestions.queue(looked)[0]
    looked.cohort = looked.cohort.without(first.slides[0])
    assert select_suggested(looked)
    assert first.slides[0] not in looked.selection


def test_the_map_says_when_there_is_no_other_pair(session):
    assert not select_suggested(session)
    assert session.selection == ()
