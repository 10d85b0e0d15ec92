"""Which two slides come next: suggestions first, then marked pairs without evidence."""

from __future__ import annotations

import pytest
from tests.project_fixtures import tiny_project

from napari_lookalike.core.geometry import Region
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.suggest import look, read_decisions
from napari_lookalike.core.suggest.textbook import FILE_NAME
from napari_lookalike.session import suggestions, twin
from napari_lookalike.session.marks import mark_pair, retire, set_expert
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.session.twin_next import compare_suggestion, next_pair

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
        twin.say_of_tile(session, session.twin[0], TILE, "diagnostic")
    assert seen == [("S01", "S05"), ("S02", "S06"), ("S03", "S07")]
    assert not next_pair(session)  # each has evidence now
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
