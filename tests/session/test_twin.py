"""Two slides side by side: opening them, and what an expert says of their tiles."""

from __future__ import annotations

import json

import pytest
from tests.project_fixtures import tiny_project

from napari_lookalike.core.errors import ProjectError, TableError
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.hard_negatives import differences
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.twin import compare_slides
from napari_lookalike.session import twin
from napari_lookalike.session.marks import NeedsExpertName, mark_pair, retire, set_expert
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.selection import select
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_view import resolve_table
from napari_lookalike.session.twin_view import ENOUGH, PLENTY, resolve_twin

TILE = Region(64.0, 32.0, 32.0, 32.0)
OTHER = Region(96.0, 32.0, 32.0, 32.0)


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    project = tiny_project(tmp_path, features=True)
    session = Session()
    open_project(session, project.root)
    set_expert(session, "Dr A")
    twin.open_twin(session, "S01", "S05")
    return session


def stored(session):
    return HardNegativeTable(session.project.table_path)


def used(session):
    return [t for t in stored(session).evidence() if t.status == "active"]


def test_a_slide_of_the_locked_test_set_is_not_shown(session):
    data = {
        "slide_ids": ["S09"],
        "fingerprints": [],
        "seed": 0,
        "share": 0.1,
        "locked_at": "2026-01-01T00:00:00+00:00",
        "openings": [],
    }
    (session.project.root / "locked_test.json").write_text(json.dumps(data))
    for pair in (("S01", "S09"), ("S09", "S01"), ("S01", "S10")):  # S10: the same patient
        with pytest.raises(ProjectError, match="locked test set"):
            twin.open_twin(session, *pair)
    assert session.twin == ("S01", "S05")


def test_a_slide_is_not_compared_with_itself(session):
    with pytest.raises(ProjectError, match="itself"):
        twin.open_twin(session, "S01", "S01")


def test_a_slide_that_is_not_there_is_an_error(session):
    with pytest.raises(ProjectError):
        twin.open_twin(session, "S01", "nobody")


def test_exactly_two_selected_slides_are_compared(session):
    twin.close_twin(session)
    select(session, ("S02",))
    with pytest.raises(ProjectError, match="Two slides"):
        twin.compare_selected(session)
    select(session, ("S02", "S06"))
    twin.compare_selected(session)
    assert session.twin == ("S02", "S06")


def test_closing_the_project_ends_it(session):
    close_project(session)
    assert session.twin is None


def test_the_first_tile_makes_the_mark_in_one_step(session):
    tile = twin.say_of_tile(session, "S01", TILE, "diagnostic", strength=0.6, reason="rosettes")
    (mark,) = stored(session).rows()
    assert (mark.slide_a, mark.slide_b, mark.expert) == ("S01", "S05", "Dr A")
    assert (mark.strength, mark.reason) == (0.6, "rosettes")
    assert used(session) == [tile]
    assert (tile.mark, tile.x, tile.y, tile.size) == (mark.id, 64, 32, 32)
    assert (tile.kind, tile.expert) == ("diagnostic", "Dr A")
    assert tile.time
    session.history.undo()
    assert used(session) == []
    assert not any(m.active for m in session.marks)
    assert not session.history.can_undo
    session.history.redo()
    assert [t.id for t in used(session)] == [tile.id]
    assert [m.active for m in session.marks] == [True]
    assert session.evidence == stored(session).evidence()


def test_a_mark_that_is_there_is_kept(session):
    mark = mark_pair(session, "S05", "S01", "both blue", 0.9)
    tile = twin.say_of_tile(session, "S05", TILE, "look-alike", strength=0.2)
    assert tile.mark == mark.id
    assert stored(session).rows() == (mark,)
    session.history.undo()
    assert stored(session).rows() == (mark,)
    assert used(session) == []


def test_a_retired_mark_is_taken_up_again_and_undone(session):
    mark = mark_pair(session, "S01", "S05", "both blue", 0.9)
    retire(session, mark.id)
    twin.say_of_tile(session, "S01", TILE, "diagnostic")
    assert twin.own_mark(session).active
    session.history.undo()
    assert not twin.own_mark(session).active


def test_the_same_word_twice_takes_it_back_and_the_other_replaces_it(session):
    twin.say_of_tile(session, "S01", TILE, "diagnostic")
    changed = twin.say_of_tile(session, "S01", TILE, "look-alike")
    assert [t.kind for t in used(session)] == ["look-alike"]
    assert changed.id == used(session)[0].id
    assert twin.say_of_tile(session, "S01", TILE, "look-alike") is None
    assert used(session) == []
    session.history.undo()
    assert [t.kind for t in used(session)] == ["look-alike"]
    session.history.undo()
    assert [t.kind for t in used(session)] == ["diagnostic"]


def test_nothing_is_marked_without_a_name(session):
    session.expert = ""
    with pytest.raises(NeedsExpertName):
        twin.say_of_tile(session, "S01", TILE, "diagnostic")


def test_slides_of_one_subtype_are_no_pair_and_nothing_is_stored(session):
    twin.open_twin(session, "S01", "S02")
    with pytest.raises(TableError):
        twin.say_of_tile(session, "S01", TILE, "diagnostic")
    assert stored(session).rows() == ()
    assert stored(session).evidence() == ()
    assert not session.history.can_undo


def test_a_tile_of_a_third_slide_is_refused(session):
    with pytest.raises(ProjectError):
        twin.say_of_tile(session, "S09", TILE, "diagnostic")


def test_a_tile_that_cannot_be_kept_leaves_no_mark(session, monkeypatch):
    def fails(self, tile, *, by=""):
        raise TableError("The disk is full.", "Free some space.")

    monkeypatch.setattr(HardNegativeTable, "add_evidence", fails)
    with pytest.raises(TableError):
        twin.say_of_tile(session, "S01", TILE, "diagnostic")
    assert not any(m.active for m in stored(session).rows())
    assert not session.history.can_undo


def test_what_was_said_beside_a_third_slide_is_no_evidence_here(session):
    twin.say_of_tile(session, "S01", TILE, "diagnostic")
    twin.open_twin(session, "S01", "S06")
    assert twin.tiles_of_pair(session) == ()
    twin.open_twin(session, "S05", "S01")
    assert len(twin.tiles_of_pair(session)) == 1


def test_a_second_expert_confirms_or_disputes(session):
    first = twin.say_of_tile(session, "S01", TILE, "diagnostic")
    second = twin.say_of_tile(session, "S05", OTHER, "look-alike")
    for tile in (first, second):
        twin.check_tile(session, tile.id)
    set_expert(session, "Dr B")
    assert twin.own_tiles(session) == ()
    assert [t.id for t in twin.others_tiles(session)] == [first.id, second.id]
    assert "2 tiles of Dr A" in resolve_twin(session, None).check
    twin.confirm_tile(session, first.id)
    twin.dispute_tile(session, second.id)
    view = resolve_twin(session, None)
    assert view.check == ""
    assert [t.who.split("; ")[1] for t in view.tiles] == ["confirmed by Dr B", "disputed by Dr B"]
    assert [t.used for t in twin.others_tiles(session)] == [True, False]
    session.history.undo()
    assert [t.used for t in twin.others_tiles(session)] == [True, True]


def test_the_view_says_what_is_known_and_what_is_missing(session):
    session.project.features_path("S05").unlink()
    compared = compare_slides(session.project, session.results, "S01", "S05")
    view = resolve_twin(session, compared)
    assert view.sides[0].title == "A: S01, alpha"
    assert "The model says" in view.sides[0].prediction
    assert view.sides[0].missing == ""
    assert "Embed the slide first" in view.sides[1].missing
    assert "once both slides are embedded" in view.rows
    assert view.can_mark
    assert view.own is None


def test_the_view_says_when_tiles_are_plenty(session):
    for i in range(ENOUGH):
        assert PLENTY not in resolve_twin(session, None).advice
        twin.say_of_tile(session, "S01", Region(32.0 * i, 0.0, 32.0, 32.0), "diagnostic")
    view = resolve_twin(session, None)
    assert PLENTY in view.advice
    assert len(view.tiles) == ENOUGH
    assert view.own is not None
    assert all(t.own and t.letter == "A" for t in view.tiles)


def test_slides_of_one_subtype_can_be_looked_at(session):
    twin.open_twin(session, "S01", "S02")
    view = resolve_twin(session, None)
    assert not view.can_mark
    assert "two different subtypes" in view.mark


def test_a_slide_that_left_the_cohort_leaves_nothing_to_show(session):
    session.twin = ("S01", "gone")
    assert resolve_twin(session, None) is None


def test_a_tile_is_not_used_before_its_expert_looked_again_whatever_happens(session):
    twin.say_of_tile(session, "S01", TILE, "diagnostic")
    assert not session.evidence[0].used
    version = stored(session).version
    again = Session()  # the program was killed before the check
    again.expert = "Dr A"
    open_project(again, session.project.root)
    assert not again.evidence[0].used
    assert "1 tile of yours (mark 1) was not looked at again" in again.notice.text
    assert again.notice.text.split(": ")[0] in resolve_table(again).summary
    twin.open_twin(again, "S01", "S05")
    assert "not looked at again yet" in resolve_twin(again, None).tiles[0].who
    twin.check_tile(again, 1)
    assert again.evidence[0].used
    assert stored(again).version != version
    assert stored(again).log()[-1].what == "look again"
    assert "looked at" not in resolve_table(again).summary
    assert differences(stored(again)) == ()


def test_another_word_on_a_tile_is_to_be_looked_at_again(session):
    twin.say_of_tile(session, "S01", TILE, "diagnostic")
    twin.check_tile(session, 1)
    twin.say_of_tile(session, "S01", TILE, "look-alike")
    assert session.evidence[0].waits
    session.history.undo()
    assert session.evidence[0].used
    session.history.redo()
    assert session.evidence[0].waits


def test_what_was_looked_at_stays_so_when_its_mark_is_undone_and_made_again(session):
    twin.say_of_tile(session, "S01", TILE, "diagnostic")
    twin.check_tile(session, 1)
    session.history.undo()
    assert session.evidence[0].status == "retired"
    session.history.redo()
    assert session.evidence[0].used


def test_others_are_told_whose_tiles_wait_and_may_agree(session):
    twin.say_of_tile(session, "S01", TILE, "diagnostic")
    set_expert(session, "Dr B")
    assert "1 tile of Dr A (mark 1) is not used before Dr A" in resolve_table(session).summary
    twin.confirm_tile(session, 1)
    assert session.evidence[0].used
