"""Evidence tiles in the session: kept, shown, undone."""

from dataclasses import replace

import pytest

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable, differences
from napari_lookalike.core.hard_negatives.jsonl_io import export_jsonl
from napari_lookalike.session import evidence, marks
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session


@pytest.fixture
def tile(opened):
    mark = marks.mark_pair(opened, "S01", "S05")
    return evidence.point_at(opened, EvidenceTile(mark=mark.id, slide_id="S05", x=64, size=32))


def test_a_tile_is_kept_with_who_and_which_slide_and_comes_back(opened, tile):
    assert tile.expert == "Dr A"
    assert tile.fingerprint == opened.cohort["S05"].fingerprint
    assert opened.evidence == (tile,)
    again = Session()
    open_project(again, opened.project.root)
    assert again.evidence == (tile,)
    table = HardNegativeTable(opened.project.table_path)
    assert table.log()[-1].model_version == opened.results.version


def test_undo_retires_a_new_tile_and_redo_uses_it_again(opened, tile):
    opened.history.undo()
    assert not opened.evidence[0].used
    opened.history.redo()
    assert opened.evidence == (tile,)
    opened.history.undo()
    opened.history.undo()
    assert opened.marks[0].status == "retired"


def test_a_second_opinion_is_undone(opened, tile):
    with pytest.raises(TableError, match="somebody else"):
        evidence.confirm_tile(opened, tile.id)
    opened.expert = "Dr B"
    evidence.dispute_tile(opened, tile.id)
    assert not opened.evidence[0].used
    evidence.confirm_tile(opened, tile.id)
    assert opened.evidence[0].second_says == "confirmed"
    evidence.take_back_opinion(opened, tile.id)
    for expected in ("confirmed", "disputed", ""):
        opened.history.undo()
        assert opened.evidence[0].second_says == expected
    assert opened.evidence == (tile,)


def test_retire_and_restore_and_a_change_of_kind(opened, tile):
    evidence.retire_tile(opened, tile.id)
    evidence.restore_tile(opened, tile.id)
    assert opened.evidence == (tile,)
    evidence.point_at(opened, replace(tile, kind="look-alike"))
    assert [t.kind for t in opened.evidence] == ["look-alike"]
    opened.history.undo()
    assert opened.evidence == (tile,)


def test_pointing_needs_a_name(opened, tile):
    opened.expert = ""
    with pytest.raises(marks.NeedsExpertName):
        evidence.point_at(opened, replace(tile, x=0, expert=""))


def test_an_import_with_tiles_is_taken_back_whole(opened, tile, tmp_path):
    path = tmp_path / "marks.jsonl"
    mark = opened.marks[0]
    theirs = replace(mark, id=8, slide_a="S02", slide_b="S06", expert="Dr B")
    of_theirs = replace(tile, mark=8, slide_id="S06", expert="Dr B")
    tiles = [replace(tile, kind="look-alike"), replace(tile, x=128), of_theirs]
    export_jsonl([mark, theirs], tiles, path)
    before = opened.marks, opened.evidence
    marks.import_marks(opened, path)
    after = opened.marks, opened.evidence
    assert [t.used for t in after[1]] == [True, True, True]
    assert after[1][0].kind == "look-alike"
    opened.history.undo()
    assert opened.evidence[0] == tile
    assert opened.marks[0] == before[0][0]
    assert [t.status for t in opened.evidence[1:]] == ["retired", "retired"]
    assert opened.marks[1].status == "retired"
    opened.history.redo()
    assert (opened.marks, opened.evidence) == after
    # Nothing is deleted, and the log tells of both.
    table = HardNegativeTable(opened.project.table_path)
    of_tile = [e.what for e in table.log() if e.subject == "evidence" and e.row == 2]
    assert of_tile == ["import", "retire", "restore"]
    assert differences(table) == ()


def test_an_import_of_nothing_but_tiles_is_taken_back(opened, tile, tmp_path):
    path = tmp_path / "marks.jsonl"
    export_jsonl(opened.marks, [replace(tile, x=128)], path)
    marks.import_marks(opened, path)
    assert opened.evidence[1].used
    opened.history.undo()
    assert opened.evidence[1].status == "retired"
    assert opened.evidence[0] == tile
