"""Changes made elsewhere come into the shared table once, whatever others did meanwhile.

Nothing here needs a server: what is done in a transaction is the same in SQLite.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.hard_negatives import (
    EvidenceTile,
    HardNegativeTable,
    PairMark,
    differences,
)
from napari_lookalike.core.hard_negatives.columns import flipped
from napari_lookalike.core.hard_negatives.sending import send

MARK = PairMark(
    slide_a="S1", slide_b="S2", subtype_a="medulloblastoma", subtype_b="ATRT", expert="Dr A"
)
TILE = EvidenceTile(mark=1, slide_id="S1", x=64, size=32, expert="Dr A")


@pytest.fixture
def here(tmp_path):
    return HardNegativeTable(tmp_path / "here.sqlite")


@pytest.fixture
def there(tmp_path):
    return HardNegativeTable(tmp_path / "there.sqlite")


def sent(here, there, start=0, known=()):
    with there.database.writing() as connection:
        return send(connection, here.log()[start:], dict(known))


def plain(table):
    return table.rows(), table.evidence()


def test_everything_comes_over_with_who_what_and_when_and_only_once(here, there):
    here.add(MARK)
    here.update(1, by="Dr A", test="INI1")
    here.add_evidence(TILE)
    here.second_opinion(1, "Dr B", "confirmed")
    here.retire(1, by="Dr A")
    here.restore(1, by="Dr A")
    assert sent(here, there).changes == 6
    assert plain(there) == plain(here)
    told = [[(e.time, e.who, e.what, e.deed) for e in t.log()] for t in (here, there)]
    assert told[0] == told[1]
    assert differences(there) == ()
    # The answer was lost on the way: it is sent again.
    assert sent(here, there).changes == 0
    assert len(there.log()) == 6


def test_what_was_sent_before_is_no_edit_even_where_a_colleague_went_on(here, there):
    here.add(MARK)
    here.update(1, by="Dr A", strength=0.5)
    sent(here, there)
    there.update(1, by="Dr B", strength=0.2)
    assert sent(here, there).changes == 0
    assert there.rows()[0].strength == 0.2


def test_two_edits_of_one_column_are_both_kept(here, there):
    here.add(MARK)
    sent(here, there)
    there.update(1, by="Dr B", reason="theirs")
    here.update(1, by="Dr A", reason="mine")
    assert sent(here, there, 1).disputed == {1}
    (row,) = there.rows()
    assert (row.reason, row.status) == ("theirs", "disputed")
    assert there.log()[-1].other["reason"] == "mine"
    assert differences(there) == ()


def test_edits_of_other_columns_hold_both_also_where_the_sides_are_exchanged(here, there):
    here.add(MARK)
    there.add(replace(flipped(MARK), test="INI1"))  # the same expert, elsewhere
    sent(here, there)
    there.update(1, by="Dr B", reason="theirs")
    here.update(1, by="Dr A", strength=0.25, subtype_a="WNT")
    sent(here, there, 1)
    (row,) = there.rows()
    assert (row.strength, row.reason, row.test, row.subtype_b) == (0.25, "theirs", "INI1", "WNT")


def test_a_number_that_is_taken_changes_and_tiles_follow_their_mark(here, there):
    there.add(replace(MARK, slide_b="S9", expert="Dr B"))
    there.add_evidence(replace(TILE, expert="Dr B"))
    here.add(MARK)
    done = sent(here, there)
    assert done.numbers == {1: 2}
    here.add_evidence(TILE)
    sent(here, there, 1, known=done.numbers)
    assert [(t.id, t.mark, t.expert) for t in there.evidence()] == [(1, 1, "Dr B"), (2, 2, "Dr A")]


def test_a_restored_mark_is_again_what_its_colleagues_said(here, there):
    there.add(MARK)
    there.update(1, by="Dr B", status="agreed")
    there.retire(1, by="Dr B")
    here.add(MARK)
    here.retire(1, by="Dr A")  # as it was taken over: here nobody knows of "agreed"
    n = len(here.log())
    here.restore(1, by="Dr A")
    sent(here, there, n)
    assert there.rows()[0].status == "agreed"


def test_of_two_words_on_a_tile_the_more_careful_one_holds(here, there):
    for each in (here, there):
        each.add(MARK)
        each.add_evidence(TILE)
    n = len(here.log())
    there.second_opinion(1, "Dr B", "disputed")
    here.second_opinion(1, "Dr C", "confirmed")
    sent(here, there, n)
    (tile,) = there.evidence()
    assert (tile.second_says, tile.second_expert) == ("disputed", "Dr B")


deeds = st.lists(
    st.tuples(
        st.sampled_from(["add", "edit", "retire", "restore", "point", "unpoint"]),
        st.integers(1, 3),
        st.integers(0, 4),
    ),
    max_size=12,
)


def done(table, deeds):
    for what, row, value in deeds:
        known = {r.id: r for r in table.rows()}
        if what == "add":
            table.add(replace(MARK, slide_b=f"S{row + 1}", strength=value / 4))
        elif row in known and what == "edit":
            table.update(row, by="Dr A", strength=value / 4, reason=f"r{value}")
        elif row in known and what == "retire":
            table.retire(row, by="Dr A")
        elif row in known and what == "restore" and not known[row].active:
            table.restore(row, by="Dr A")
        elif row in known and what == "point":
            table.add_evidence(replace(TILE, mark=row, slide_id="S1", x=value))
        elif what == "unpoint" and row <= len(table.evidence()):
            table.retire_evidence(row, by="Dr A")


@settings(max_examples=25, deadline=None)
@given(deeds, st.lists(st.integers(0, 12), max_size=3))
def test_in_whatever_pieces_and_however_often_it_is_sent_the_tables_are_the_same(
    tmp_path_factory, deeds, again
):
    folder = tmp_path_factory.mktemp("sending")
    here, there = (HardNegativeTable(folder / name) for name in ("here.sqlite", "there.sqlite"))
    done(here, deeds)
    known = {}
    for upto in (*again, len(here.log())):  # from the beginning: the answer was lost each time
        with there.database.writing() as connection:
            known = send(connection, here.log()[:upto], known).numbers
    assert plain(there) == plain(here)
    assert [e.deed for e in there.log()] == [e.deed for e in here.log()]
