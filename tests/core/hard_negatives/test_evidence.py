"""Evidence tiles on disk: who pointed where, second opinions, the log."""

from dataclasses import replace

import pytest

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable, PairMark

MARK = PairMark(slide_a="S1", slide_b="S2", subtype_a="A", subtype_b="B", expert="Dr A")
TILE = EvidenceTile(
    mark=1, slide_id="S1", x=1024, y=512, size=448, kind="diagnostic", expert="Dr A",
    fingerprint="aa",
)  # fmt: skip


@pytest.fixture
def table(tmp_path):
    table = HardNegativeTable(tmp_path / "marks.sqlite", model_version="v3")
    assert table.evidence() == ()
    table.add(MARK)
    return table


def test_a_tile_comes_back_as_it_was_pointed_at(table):
    stored = table.add_evidence(TILE)
    assert stored.id == 1
    assert stored.time.endswith("+00:00")
    assert replace(stored, id=0, time="") == TILE
    table.add(replace(MARK, slide_b="S3"))
    other = table.add_evidence(replace(TILE, mark=2))
    again = HardNegativeTable(table.path)
    assert again.evidence() == (stored, other)
    assert again.evidence(2) == (other,)


def test_the_same_place_is_not_stored_twice(table):
    first = table.add_evidence(TILE)
    table.second_opinion(1, "Dr B", "confirmed")
    assert table.add_evidence(TILE).second_says == "confirmed"
    changed = table.add_evidence(replace(TILE, kind="look-alike"))
    assert changed == replace(first, kind="look-alike")  # the opinion was on the old kind
    assert table.add_evidence(replace(TILE, x=0)).id == 2
    assert table.add_evidence(replace(TILE, expert="Dr C")).id == 3


def test_a_disputed_or_retired_tile_is_not_used(table):
    table.add_evidence(TILE)
    assert table.second_opinion(1, "Dr B", "confirmed").used
    assert not table.second_opinion(1, "Dr B", "disputed").used
    assert table.second_opinion(1, "Dr B", "") == table.evidence()[0]
    assert table.evidence()[0].second_expert == ""
    assert not table.retire_evidence(1, by="Dr A").used
    assert table.restore_evidence(1, by="Dr A").used
    assert table.update_evidence(1, by="Dr A", kind="look-alike").kind == "look-alike"
    assert [(e.subject, e.what, e.who) for e in table.log()] == [
        ("mark", "add", "Dr A"),
        ("evidence", "point", "Dr A"),
        ("evidence", "second opinion", "Dr B"),
        ("evidence", "second opinion", "Dr B"),
        ("evidence", "second opinion", "Dr B"),
        ("evidence", "retire", "Dr A"),
        ("evidence", "restore", "Dr A"),
        ("evidence", "edit", "Dr A"),
    ]
    last = table.log()[-1]
    assert (last.before["kind"], last.after["kind"]) == ("diagnostic", "look-alike")
    assert (last.after["fingerprint"], last.model_version) == ("aa", "v3")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mark": 7}, "no mark number 7"),
        ({"slide_id": "S9"}, "does not join"),
        ({"slide_id": " "}, "needs a slide"),
        ({"size": 0}, "a size"),
        ({"kind": "odd"}, "no kind"),
        ({"status": "gone"}, "no status"),
        ({"second_says": "confirmed"}, "needs a name"),
        ({"second_says": "confirmed", "second_expert": "Dr A"}, "somebody else"),
    ],
)
def test_a_wrong_tile_is_refused_with_a_sentence(table, change, words):
    with pytest.raises(TableError, match=words) as caught:
        table.add_evidence(replace(TILE, **change))
    assert caught.value.remedy
    assert table.evidence() == ()


def test_edits_that_cannot_be_are_refused(table):
    table.add_evidence(TILE)
    with pytest.raises(TableError, match="cannot be changed"):
        table.update_evidence(1, x=5)
    with pytest.raises(TableError, match="no evidence tile number 9"):
        table.retire_evidence(9)
    with pytest.raises(TableError, match="somebody else"):
        table.second_opinion(1, "Dr A", "confirmed")


def test_a_mark_of_two_subtypes_takes_tiles_of_any_slide(table):
    table.add(PairMark(level="subtype", subtype_a="A", subtype_b="B", expert="Dr A"))
    assert table.add_evidence(replace(TILE, mark=2, slide_id="S77")).mark == 2


def test_the_number_of_the_last_change_grows(table):
    before = table.last_change()
    table.add_evidence(TILE)
    assert table.last_change() == before + 1
    assert HardNegativeTable(table.path.with_name("none.sqlite")).last_change() == 0
