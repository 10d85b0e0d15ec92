"""Answers are kept line by line, also through a crash, and nothing is rewritten."""

from __future__ import annotations

import os
import sys

import pytest

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.suggest import Decision, append_decision, latest, read_decisions
from napari_lookalike.core.suggest.decisions import FILE_NAME

NO = Decision("reject", "slide", "S1", "S2", "Dr Ä", "2026-01-01T00:00:00+00:00", "f1", "f2",
              "m001", ("confusion", "entropy"))  # fmt: skip


def test_none_yet(tmp_path):
    assert read_decisions(tmp_path) == ()


def test_what_was_kept_is_read_again(tmp_path):
    later = Decision("later", "subtype", "alpha", "beta", "Dr B")
    append_decision(tmp_path, NO)
    append_decision(tmp_path, later)
    assert read_decisions(tmp_path) == (NO, later)


def test_a_line_that_a_crash_cut_short_costs_itself_only(tmp_path):
    append_decision(tmp_path, NO)
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:-20])
    append_decision(tmp_path, NO)
    assert read_decisions(tmp_path) == (NO,)
    assert file.read_bytes().count(b"\n") == 2


def test_former_lines_are_never_touched(tmp_path):
    append_decision(tmp_path, NO)
    before = (tmp_path / FILE_NAME).read_bytes()
    append_decision(tmp_path, Decision("withdraw", "slide", "S1", "S2", "Dr Ä"))
    assert (tmp_path / FILE_NAME).read_bytes().startswith(before)


@pytest.mark.parametrize(
    "line",
    ["", "[]", "nonsense", '{"what": "burn", "level": "slide", "a": "1", "b": "2"}',
     '{"what": "reject", "level": "planet", "a": "1", "b": "2"}',
     '{"what": "reject", "level": "slide", "a": "", "b": "2"}', "\x00\xff"],
)  # fmt: skip
def test_strange_lines_are_passed_over(tmp_path, line):
    (tmp_path / FILE_NAME).write_bytes(line.encode("latin1") + b"\n")
    append_decision(tmp_path, NO)
    assert read_decisions(tmp_path) == (NO,)


def test_what_a_newer_version_wrote_beside_is_passed_over(tmp_path):
    (tmp_path / FILE_NAME).write_text(
        '{"what": "reject", "level": "slide", "a": "1", "b": "2", "mood": "good"}\n'
    )
    [d] = read_decisions(tmp_path)
    assert (d.what, d.who, d.reasons) == ("reject", "", ())


def test_the_last_answer_of_each_expert_holds():
    key = ("slide", "S1", "S2")
    yes = Decision("later", "slide", "S2", "S1", "Dr Ä")
    other = Decision("reject", "slide", "S1", "S2", "Dr B")
    assert latest([NO, other, yes]) == {("Dr B", key): other, ("Dr Ä", key): yes}
    gone = Decision("withdraw", "slide", "S1", "S2", "Dr B")
    assert latest([NO, other, gone]) == {("Dr Ä", key): NO}


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="needs permissions that bind"
)
def test_a_read_only_folder_is_said(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ProjectError, match="could not be kept"):
        append_decision(tmp_path, NO)


def test_a_folder_in_its_place_is_said(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ProjectError, match="could not be kept"):
        append_decision(tmp_path, NO)
    with pytest.raises(ProjectError, match="cannot be read"):
        read_decisions(tmp_path)
