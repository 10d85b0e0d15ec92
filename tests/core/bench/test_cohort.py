"""The large project of the benches: what is in it, and that it is read."""

from __future__ import annotations

from napari_lookalike.core.bench.cohort import large_project, open_ten_thousand
from napari_lookalike.core.project import Project


def test_the_large_project_has_what_it_says(tmp_path) -> None:
    project = Project.open(large_project(tmp_path, 42))
    assert len(project.cohort) == 42
    assert len(project.cohort.by_group) == 14
    assert len(project.cohort.classes) == 12
    assert project.missing() == ("S000000", "S000020", "S000040")
    assert len(project.embedded()) == 21
    assert project.current_version == "m001-bench"


def test_reading_it_takes_time() -> None:
    assert 0 < open_ten_thousand(30) < 30
