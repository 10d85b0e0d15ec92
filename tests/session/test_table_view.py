"""What the look-alikes panel shows: rows, filters, history, agreement, rules."""

from dataclasses import replace

import pytest

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable
from napari_lookalike.session import evidence, marks
from napari_lookalike.session.agreement_view import ALONE, MEANING, resolve_agreement
from napari_lookalike.session.table_rows import (
    STATUS_FILTERS,
    filtered,
    history_rows,
    mark_rows,
)
from napari_lookalike.session.table_view import resolve_table


@pytest.fixture
def session(opened):
    marks.mark_pair(opened, "S01", "S05", "both pale", 0.8)
    marks.mark_subtypes(opened, "alpha", "gamma", "", 0.4)
    evidence.point_at(opened, EvidenceTile(mark=1, slide_id="S01", size=32))
    evidence.point_at(opened, EvidenceTile(mark=1, slide_id="S05", size=32))
    return opened


def test_rows_count_the_tiles_in_use(session):
    assert [row.tiles for row in resolve_table(session).rows] == [2, 0]
    evidence.retire_tile(session, 1)
    assert [row.tiles for row in resolve_table(session).rows] == [1, 0]


@pytest.mark.parametrize(
    ("words", "status", "found"),
    [
        ("", "all", [1, 2, 3]),
        ("PALE", "all", [1]),
        ("pale s05", "all", [1]),
        ("pale gamma", "all", []),
        ("ini1", "all", [2]),
        ("dr zed", "all", [3]),
        ("", "used", [1, 2]),
        ("", "agreed", [2]),
        ("", "disputed", [3]),
        ("", "retired", []),
        ("alpha", "proposed", [1]),
    ],
)
def test_filters(session, words, status, found):
    marks.change(session, 2, test="INI1", status="agreed")
    table = HardNegativeTable(session.project.table_path)
    table.add(replace(session.marks[0], expert="Dr Zed", reason="", status="disputed"))
    rows = mark_rows(table.rows(), ())
    assert [row.id for row in filtered(rows, words, status)] == found
    assert status in STATUS_FILTERS


def test_history_is_told_the_last_first(session):
    marks.change(session, 1, strength=0.3)
    log = HardNegativeTable(session.project.table_path).log()
    rows = history_rows(log, 1)
    assert [row.what.split(":")[0] for row in rows] == [
        "Edit",
        "Point at a tile of S05 (diagnostic)",
        "Point at a tile of S01 (diagnostic)",
        "Add",
    ]
    assert "strength 0.80 → 0.30" in rows[0].what
    assert rows[0].model_version == session.results.version
    assert [row.what.split(":")[0] for row in history_rows(log, 2)] == ["Add"]


def shown_agreement(session):
    log = HardNegativeTable(session.project.table_path).log()
    labels = {s.slide_id: s.label for s in session.cohort}
    return resolve_agreement(session.marks, session.evidence, log, session.cohort.classes, labels)


def test_agreement_needs_two_experts(session):
    assert shown_agreement(session).sentence == ALONE
    session.expert = "Dr B"
    marks.mark_pair(session, "S01", "S05", "", 0.1)
    view = shown_agreement(session)
    assert view.sentence.startswith("2 experts on ")
    assert "Dr A and Dr B" in view.sentence
    assert view.meaning == MEANING
    assert [(p.marks, "0.80 by Dr A and 0.10 by Dr B" in p.what) for p in view.points] == [
        ("1, 3", True)
    ]


def test_agreement_comes_from_a_colleague(session):
    with pytest.raises(TableError, match="your own mark"):
        marks.agree(session, 1)
    session.expert = "Dr B"
    marks.agree(session, 1)
    assert session.marks[0].status == "agreed"
    marks.dispute(session, 1)
    assert not session.marks[0].active
    assert "1 disputed" in resolve_table(session).summary
    session.history.undo()
    session.history.undo()
    assert session.marks[0].status == "proposed"
    session.expert = ""
    for act in (marks.agree, marks.dispute):
        with pytest.raises(marks.NeedsExpertName):
            act(session, 1)


def test_the_rule_is_shown_kept_and_undone(session):
    session.expert = "Dr B"
    marks.mark_pair(session, "S01", "S06", "", 0.2)
    assert {d.pair: d.weight for d in resolve_table(session).demands}["alpha / beta"] == 0.8
    before = session.history_changed
    marks.choose_rule(session, "mean")
    assert session.history_changed > before
    view = resolve_table(session)
    assert {d.pair: (d.weight, d.marks) for d in view.demands}["alpha / beta"] == (0.5, 2)
    assert "the mean of the marks counts" in view.summary
    session.history.undo()
    assert session.project.settings.train.marks_rule == "max"


def test_a_colleague_who_was_faster_is_told(session):
    HardNegativeTable(session.project.table_path).update(1, by="Dr B", strength=0.1)
    marks.change(session, 1, strength=0.9)
    assert session.marks[0].status == "disputed"
    assert session.marks[0].strength == 0.1
    assert "Both versions are kept" in session.notice.text
    (point,) = shown_agreement(session).points
    assert "Dr A wanted strength 0.9 instead of 0.1" in point.what


def test_undo_leaves_alone_what_a_colleague_changed(session):
    marks.change(session, 1, strength=0.3)
    HardNegativeTable(session.project.table_path).update(1, by="Dr B", reason="theirs")
    session.history.undo()
    assert (session.marks[0].strength, session.marks[0].reason) == (0.8, "theirs")
    assert session.marks[0].status == "proposed"
