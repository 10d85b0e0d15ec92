"""Answers are rows of the table; those that older versions kept in a file come over once."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from tests.project_fixtures import tiny_project

from napari_lookalike.core.errors import ProjectError, TableError
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark, differences
from napari_lookalike.core.hard_negatives.old_answers import (
    FILE_NAME,
    TAKEN_OVER,
    take_over_old_file,
)
from napari_lookalike.core.suggest import Decision, append_decision, latest, read_decisions

NO = Decision("reject", "slide", "S1", "S2", "Dr Ä", "2026-01-01T00:00:00+00:00", "f1", "f2",
              "m001", ("confusion", "entropy"))  # fmt: skip
LATER = Decision("later", "subtype", "alpha", "beta", "Dr B", "2026-01-02T00:00:00+00:00")
OLD = ("what", "level", "a", "b", "who", "time", "fingerprint_a", "fingerprint_b",
       "model_version", "reasons")  # fmt: skip


def line(decision: Decision) -> bytes:
    """As older versions wrote it."""
    row = {k: v for k, v in asdict(decision).items() if k in OLD}
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def write_old(root, *decisions) -> None:
    with (root / FILE_NAME).open("ab") as file:
        file.writelines(map(line, decisions))


@pytest.fixture
def table(tmp_path):
    return HardNegativeTable(tmp_path / "hard_negatives.sqlite", timeout_s=0.2)


def test_none_yet_and_looking_makes_no_file(tmp_path):
    assert read_decisions(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_is_read_again(tmp_path, table):
    said = replace(NO, note="no rosettes")
    stored = append_decision(table, said)
    assert stored == said
    append_decision(table, LATER)
    assert read_decisions(tmp_path) == (said, LATER)
    assert read_decisions(tmp_path)[0].deed == stored.deed != ""


def test_the_last_answer_of_each_expert_holds():
    key = ("slide", "S1", "S2")
    yes = Decision("later", "slide", "S2", "S1", "Dr Ä")
    other = Decision("reject", "slide", "S1", "S2", "Dr B")
    assert latest([NO, other, yes]) == {("Dr B", key): other, ("Dr Ä", key): yes}
    gone = Decision("withdraw", "slide", "S1", "S2", "Dr B")
    assert latest([NO, other, gone]) == {("Dr Ä", key): NO}


# ---- the file of older versions


def test_a_line_that_a_crash_cut_short_costs_itself_only(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(line(NO)[:-20] + b"\n" + line(NO))
    assert read_decisions(tmp_path) == (NO,)


@pytest.mark.parametrize(
    "strange",
    ["", "[]", "nonsense", '{"what": "burn", "level": "slide", "a": "1", "b": "2"}',
     '{"what": "reject", "level": "planet", "a": "1", "b": "2"}',
     '{"what": "reject", "level": "slide", "a": "", "b": "2"}', "\x00\xff", "[" * 100_000],
)  # fmt: skip
def test_strange_lines_are_passed_over(tmp_path, strange):
    (tmp_path / FILE_NAME).write_bytes(strange.encode("latin1") + b"\n" + line(NO))
    assert read_decisions(tmp_path) == (NO,)


def test_what_a_newer_version_wrote_beside_is_passed_over(tmp_path):
    (tmp_path / FILE_NAME).write_text(
        '{"what": "reject", "level": "slide", "a": "1", "b": "2", "mood": "good"}\n'
    )
    [d] = read_decisions(tmp_path)
    assert (d.what, d.who, d.reasons) == ("reject", "", ())


@pytest.mark.parametrize("time", ["", "yesterday", None, 7])
def test_an_answer_without_a_time_is_older_than_all_others(tmp_path, table, time):
    row = {"what": "later", "level": "slide", "a": "S1", "b": "S2", "who": "Dr Ä", "time": time}
    (tmp_path / FILE_NAME).write_text(f"{json.dumps(row)}\n")
    append_decision(table, NO)
    assert [d.what for d in read_decisions(tmp_path)] == ["later", "reject"]


def test_a_folder_in_its_place_is_said(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ProjectError, match="cannot be read"):
        read_decisions(tmp_path)


# ---- taken over


@pytest.fixture
def project(tmp_path):
    return tiny_project(tmp_path)


def test_the_files_answers_are_read_before_they_were_taken_over(project):
    write_old(project.root, NO, LATER)
    between = replace(LATER, what="reject", who="Dr C", time="2026-01-01T12:00:00+00:00")
    append_decision(HardNegativeTable(project.table_path), between)
    assert read_decisions(project.root) == (NO, between, LATER)


def test_they_come_over_once_with_who_when_and_what(project):
    write_old(project.root, NO, LATER)
    before = (project.root / FILE_NAME).read_bytes()
    assert take_over_old_file(project) == 2
    table = HardNegativeTable(project.table_path)
    assert table.answers() == (NO, LATER) == read_decisions(project.root)
    assert [(e.who, e.what, e.subject) for e in table.log()] == [
        ("Dr Ä", TAKEN_OVER, "answer"),
        ("Dr B", TAKEN_OVER, "answer"),
    ]
    assert take_over_old_file(project) == 0
    assert len(table.log()) == 2
    assert differences(table) == ()
    assert (project.root / FILE_NAME).read_bytes() == before


def test_what_an_older_version_adds_later_comes_too(project):
    write_old(project.root, NO)
    take_over_old_file(project)
    write_old(project.root, replace(NO, what="withdraw", time="2026-01-03T00:00:00+00:00"))
    assert take_over_old_file(project) == 1
    assert latest(read_decisions(project.root)) == {}


def test_the_same_line_twice_is_two_answers(project):
    # Rejected, taken back and rejected again, all within a second.
    write_old(project.root, NO, replace(NO, what="withdraw"), NO)
    assert take_over_old_file(project) == 3
    assert list(latest(read_decisions(project.root)).values()) == [NO]
    assert take_over_old_file(project) == 0


def test_a_project_without_the_file_gets_no_table(project):
    assert take_over_old_file(project) == 0
    assert not project.table_path.exists()


def test_where_the_table_cannot_be_written_they_stay_readable(project, monkeypatch):
    write_old(project.root, NO)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(TableError, match="cannot be written"):
        take_over_old_file(project)
    assert read_decisions(project.root) == (NO,)


def test_marks_that_were_there_stay_as_they_are(project):
    table = HardNegativeTable(project.table_path)
    table.add(PairMark(slide_a="S1", slide_b="S2", expert="Dr A"))
    before = table.rows(), table.version
    write_old(project.root, NO)
    take_over_old_file(project)
    assert (table.rows(), table.version) == before
