"""Two tables into one: nothing is lost, and a second time nothing happens."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.hard_negatives import (
    EvidenceTile,
    HardNegativeTable,
    MergeReport,
    PairMark,
    differences,
    merge,
)
from napari_lookalike.core.hard_negatives.columns import flipped

MARK = PairMark(
    slide_a="S1", slide_b="S2", subtype_a="A", subtype_b="B", strength=0.8, expert="Dr A"
)
TILE = EvidenceTile(mark=1, slide_id="S1", x=64, size=32, expert="Dr A")


@pytest.fixture
def here(tmp_path):
    return HardNegativeTable(tmp_path / "here.sqlite")


@pytest.fixture
def there(tmp_path):
    return HardNegativeTable(tmp_path / "there.sqlite")


def copied(table, path):
    """A copy of the project: the same rows with the same history."""
    shutil.copy(table.path, path)
    return HardNegativeTable(path)


def test_rows_tiles_and_history_come_over(here, there):
    here.add(replace(MARK, expert="Dr B"))
    there.add(MARK)
    there.update(1, by="Dr A", reason="pale")
    there.retire(1, by="Dr A")
    there.add(replace(MARK, slide_b="S3"))
    there.add_evidence(replace(TILE, mark=2))
    assert merge(here, there, by="Dr B") == MergeReport(added=2, tiles=1, history=5)
    rows = here.rows()
    assert [(r.id, r.expert, r.status, r.reason) for r in rows] == [
        (1, "Dr B", "proposed", ""),
        (2, "Dr A", "retired", "pale"),
        (3, "Dr A", "proposed", ""),
    ]
    assert rows[1].time == there.rows()[0].time
    assert [t.mark for t in here.evidence()] == [3]
    kept = [e for e in here.log() if not e.applied]
    assert [(e.what, e.row, e.subject) for e in kept] == [
        ("add", 2, "mark"),
        ("edit", 2, "mark"),
        ("retire", 2, "mark"),
        ("add", 3, "mark"),
        ("point", 1, "evidence"),
    ]
    assert differences(here) == ()


def test_a_second_merge_changes_nothing(here, there):
    there.add(MARK)
    there.add_evidence(TILE)
    here.add(flipped(replace(MARK, strength=0.1)))
    merge(here, there)
    before = here.held(), here.log()
    assert merge(here, there) == MergeReport()
    assert (here.held(), here.log()) == before


def test_of_two_copies_both_sides_edits_hold(here, tmp_path):
    here.add(MARK)
    there = copied(here, tmp_path / "copy.sqlite")
    here.update(1, by="Dr A", strength=0.2)
    there.update(1, by="Dr B", reason="pale", status="agreed")
    assert merge(here, there) == MergeReport(updated=1, history=1)
    (row,) = here.rows()
    assert (row.strength, row.reason, row.status) == (0.2, "pale", "agreed")


def test_of_two_copies_a_quarrel_is_kept_and_shown(here, tmp_path):
    here.add(MARK)
    there = copied(here, tmp_path / "copy.sqlite")
    here.update(1, by="Dr A", strength=0.2)
    there.update(1, by="Dr B", strength=0.9, reason="pale")
    assert merge(here, there, by="Dr C") == MergeReport(disputed=1, history=1)
    (row,) = here.rows()
    assert (row.strength, row.reason, row.status) == (0.2, "pale", "disputed")
    conflict = next(e for e in here.log() if e.what == "conflict")
    assert (conflict.who, conflict.other["strength"]) == ("Dr C", 0.9)
    here.update(1, by="Dr C", status="agreed")  # settled: the same merge does not stir it up
    assert merge(here, there) == MergeReport()
    assert here.rows()[0].status == "agreed"


def test_tables_without_a_common_past_fill_gaps_and_dispute_the_rest(here, there):
    here.add(replace(MARK, reason="pale"))
    there.add(flipped(replace(MARK, test="INI1")))
    assert merge(here, there) == MergeReport(updated=1, history=1)
    assert (here.rows()[0].reason, here.rows()[0].test) == ("pale", "INI1")
    there.add(replace(MARK, slide_b="S3", strength=0.1))
    here.add(replace(MARK, slide_b="S3", strength=0.9))
    assert merge(here, there).disputed == 1


def test_a_tile_on_which_two_tables_differ_is_not_used(here, there):
    for table in (here, there):
        table.add(MARK)
        table.add_evidence(TILE)
        table.add_evidence(replace(TILE, x=0))
        table.add_evidence(replace(TILE, x=128))
    there.second_opinion(1, "Dr B", "confirmed")
    there.update_evidence(2, kind="look-alike")
    there.second_opinion(3, "Dr B", "disputed")
    here.second_opinion(3, "Dr C", "confirmed")
    merge(here, there)
    assert [t.used for t in here.evidence()] == [True, False, False]
    assert here.evidence()[0].second_expert == "Dr B"
    assert differences(here) == ()


versions = st.lists(
    st.tuples(
        st.sampled_from(["S2", "S3"]), st.sampled_from([0.1, 0.5]), st.sampled_from(["", "pale"])
    ),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(versions, versions, versions)
def test_no_version_of_any_row_is_lost(common, mine, theirs):
    with tempfile.TemporaryDirectory() as folder:
        here = HardNegativeTable(Path(folder) / "a.sqlite")
        here.add(MARK)
        _mark_all(here, common)
        there = copied(here, Path(folder) / "b.sqlite")
        _mark_all(here, mine)
        _mark_all(there, theirs)
        wanted = {_words(row) for table in (here, there) for row in table.rows()}
        merge(here, there)
        log = here.log()
        kept = {_words(PairMark(**s)) for e in log for s in (e.after, e.other) if s}
        assert wanted <= kept
        assert {row.key for row in there.rows()} <= {row.key for row in here.rows()}
        assert differences(here) == ()
        before = here.held()
        merge(here, there)
        assert here.held() == before


def _mark_all(table, steps):
    for slide, strength, reason in steps:
        table.add(replace(MARK, slide_b=slide, strength=strength, reason=reason))


def _words(row):
    return row.key, row.strength, row.reason
