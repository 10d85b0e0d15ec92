"""Votes of several experts: counted, kept without names, learnt as shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.pipeline.small_project import small_project

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.pipeline.training_data import load_training_data
from napari_lookalike.core.votes import FILE, load_votes, read_votes_csv, save_votes


def table(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(("slide_id,label,expert", *rows)), encoding="utf-8")
    return path


def test_votes_are_counted_and_what_does_not_fit_is_told(tmp_path: Path) -> None:
    cohort = small_project(tmp_path / "p", per_class=2).cohort
    file = table(tmp_path / "v.csv", "A0,A,x", "A0,B,y", "A0,A,z", "gone,A,x", "B0,grade 3,x")
    votes, notes = read_votes_csv(file, cohort)
    assert votes == {"A0": {"A": 2, "B": 1}}
    assert notes == (
        "1 votes of slides that are not in the project were left out.",
        "1 votes for no subtype of it were left out.",
    )


@pytest.mark.parametrize("text", ["", "slide,label\nA0,A", "slide_id,label\ngone,A", "\xff\x00"])
def test_a_table_that_is_none_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    cohort = small_project(tmp_path / "p", per_class=2).cohort
    (tmp_path / "v.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ProjectError) as caught:
        read_votes_csv(tmp_path / "v.csv", cohort)
    assert caught.value.remedy


def test_they_are_kept_without_experts_and_reach_the_bags(tmp_path: Path) -> None:
    project = small_project(tmp_path / "p", per_class=2)
    assert load_votes(project.root) == {}
    votes, _ = read_votes_csv(table(tmp_path / "v.csv", "A0,A,Dr X", "A0,B,Dr Y"), project.cohort)
    save_votes(project.root, votes)
    assert "Dr" not in (project.root / FILE).read_text(encoding="utf-8")
    bags = {bag.slide_id: bag.votes for bag in load_training_data(project).bags}
    assert bags["A0"] == {"A": 1, "B": 1}
    assert not bags["A1"]


@pytest.mark.parametrize("text", ["[]", "{", '{"A0": 3}'])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match="votes"):
        load_votes(tmp_path)
