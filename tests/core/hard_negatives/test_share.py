"""A project's marks on a real server, and back."""

from dataclasses import replace

import pytest
from tests.postgres_fixture import PASSWORD
from tests.project_fixtures import tiny_project

from napari_lookalike.core.errors import ProjectError, TableError
from napari_lookalike.core.hard_negatives import (
    EvidenceTile,
    HardNegativeTable,
    PairMark,
    differences,
)
from napari_lookalike.core.hard_negatives.outbox import Outbox
from napari_lookalike.core.hard_negatives.share import share, stop_sharing
from napari_lookalike.core.locked_test import lock_test_set
from napari_lookalike.core.project import Project

pytestmark = pytest.mark.processes

MARK = PairMark(slide_a="S01", slide_b="S05", subtype_a="alpha", subtype_b="beta", expert="Dr A")


def test_two_projects_share_a_table_and_part_again(shared_place, tmp_path):
    first = tiny_project(tmp_path / "a", results=False)
    second = tiny_project(tmp_path / "b", results=False)
    own = HardNegativeTable(first.table_path)
    own.add(MARK)
    own.update(1, by="Dr A", reason="pale")
    own.add_evidence(EvidenceTile(mark=1, slide_id="S01", size=32, expert="Dr A"))
    HardNegativeTable(second.table_path).add(replace(MARK, expert="Dr B"))
    version = own.version

    assert share(first, shared_place, by="Dr A").added == 1
    assert HardNegativeTable(Project.open(first.root).table_place).version == version
    assert share(second, shared_place, by="Dr B").added == 1
    here, there = (HardNegativeTable(p.table_place) for p in (first, second))
    there.update(1, by="Dr B", status="agreed")
    assert here.held() == there.held()
    assert here.rows()[0].status == "agreed"
    assert len(own.rows()) == 1  # the file stays as it was

    report = stop_sharing(first, by="Dr A")
    assert (report.added, report.updated, report.disputed) == (1, 1, 0)
    assert Project.open(first.root).table_place == first.table_path
    back = HardNegativeTable(first.table_path)
    assert [(r.expert, r.reason, r.status) for r in back.rows()] == [
        ("Dr A", "pale", "agreed"),
        ("Dr B", "", "proposed"),
    ]
    assert differences(back) == ()
    assert stop_sharing(first).added == 0


def test_no_password_gets_into_the_project(server, shared_place, tmp_path):
    project = tiny_project(tmp_path, results=False)
    with pytest.raises(TableError, match="holds a password"):
        share(project, shared_place.replace("keeper@", f"keeper:{PASSWORD}@"))
    share(project, f"{shared_place}?connect_timeout=3")
    for file in project.root.glob("project.json*"):
        assert PASSWORD not in file.read_text(encoding="utf-8")
    assert Project.open(project.root).settings.shared_table.startswith("postgresql://keeper@")


def test_a_server_out_of_reach_changes_nothing(shared_place, tmp_path):
    project = tiny_project(tmp_path, results=False)
    with pytest.raises(TableError, match="cannot be reached"):
        share(project, "postgresql://keeper@127.0.0.1:1/marks")
    assert project.settings.shared_table == ""


def test_a_mark_that_waits_here_spoils_a_test_set(shared_place, tmp_path):
    project = tiny_project(tmp_path, results=False)
    share(project, shared_place)
    waiting = Outbox(shared_place)
    waiting.sync()
    row = waiting.add(PairMark(level="subtype", subtype_a="A", subtype_b="B", expert="Dr A"))
    waiting.retire(row.id, by="Dr A")
    with pytest.raises(ProjectError, match="marked already"):
        lock_test_set(Project.open(project.root), 0.2)
    assert waiting.waiting() == 0
