"""``pairs``: the table as JSON and as CSV."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import SECRET, Cli
from tests.postgres_fixture import server, shared_place  # noqa: F401 - fixtures
from tests.project_fixtures import tiny_project

from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable, PairMark
from napari_lookalike.core.hard_negatives.outbox import Outbox
from napari_lookalike.core.project import Project

MARK = PairMark(
    slide_a="S01",
    slide_b="S05",
    subtype_a="alpha",
    subtype_b="beta",
    strength=0.75,
    reason="Both pale, with few nuclei",
    expert="Dr Example",
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = tiny_project(tmp_path, results=False)
    HardNegativeTable(made.table_path).add(MARK)
    return made


def test_list(cli: Cli, project: Project) -> None:
    ran = cli("pairs", "list", project.root, "--json")
    assert ran.code == 0
    (row,) = ran.json["rows"]
    assert (row["slide_a"], row["slide_b"], row["strength"]) == ("S01", "S05", 0.75)
    assert ran.json["version"] == HardNegativeTable(project.table_path).version
    shown = cli("pairs", "list", project.root)
    assert "S01 | S05" in shown.out
    assert "0.75" in shown.out


def test_an_empty_table_is_an_answer(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path, results=False).root
    ran = cli("pairs", "list", root, "--json")
    assert ran.code == 0
    assert ran.json == {"version": "empty", "rows": [], "evidence": []}


def test_there_and_back(cli: Cli, project: Project, tmp_path: Path) -> None:
    file = tmp_path / f"{SECRET}.csv"
    ran = cli("pairs", "export", project.root, file, "--json")
    assert (ran.code, ran.json) == (0, {"rows": 1})
    text = file.read_text(encoding="utf-8")
    assert "PAT-" not in text
    assert str(tmp_path) not in text
    other = tiny_project(tmp_path / "other", results=False)
    ran = cli("pairs", "import", other.root, file, "--json")
    assert (ran.code, ran.json["added"], ran.json["problems"]) == (0, 1, [])
    again = cli("pairs", "import", other.root, file)
    assert again.code == 0
    assert "0 marks added" in again.out
    tables = [HardNegativeTable(p.table_path) for p in (project, other)]
    assert tables[0].version == tables[1].version


def test_a_bad_row_is_named_and_the_others_go_on(
    cli: Cli, project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "pairs.csv"
    cli("pairs", "export", project.root, file)
    rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    good = {**rows[0], "slide_b": "S06", "fingerprint_b": ""}
    bad = {**rows[0], "slide_b": "S99", "fingerprint_b": ""}
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows([bad, good])
    ran = cli("pairs", "import", project.root, file, "--json")
    assert ran.code == 1
    assert ran.json["added"] == 1
    ((line, said),) = [(p["line"], p["problem"]) for p in ran.json["problems"]]
    assert line == 2
    assert "S99" in said
    assert "Line 2: " in ran.told


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"colour,size\nred,4\n"])
def test_a_file_that_is_no_table(
    cli: Cli, project: Project, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / f"{SECRET}.csv"
    file.write_bytes(content)
    ran = cli("pairs", "import", project.root, file, "--json")
    assert ran.code == 1
    assert "error" in ran.json or ran.json["problems"]


def test_where_no_file_can_be_written(cli: Cli, project: Project, tmp_path: Path) -> None:
    ran = cli("pairs", "export", project.root, tmp_path / SECRET / "no" / "pairs.csv", "--json")
    assert ran.code == 1
    assert ran.json["error"]["remedy"]


def test_a_damaged_table_is_told(cli: Cli, project: Project) -> None:
    project.table_path.write_bytes(b"this is no database" * 100)
    ran = cli("pairs", "list", project.root, "--json")
    assert ran.code == 1
    assert "fault" not in ran.json["error"]["what"]


TILE = EvidenceTile(mark=1, slide_id="S01", x=64, size=32, expert="Dr Example")


def test_json_lines_there_and_back(cli: Cli, project: Project, tmp_path: Path) -> None:
    HardNegativeTable(project.table_path).add_evidence(TILE)
    file = tmp_path / "pairs.jsonl"
    assert cli("pairs", "export", project.root, file, "--json").json == {"rows": 1}
    other = tiny_project(tmp_path / "other", results=False)
    ran = cli("pairs", "import", other.root, file, "--by", "Dr B", "--json")
    assert (ran.code, ran.json["added"], ran.json["problems"]) == (0, 1, [])
    tables = [HardNegativeTable(p.table_path) for p in (project, other)]
    assert tables[0].version == tables[1].version
    assert tables[1].log()[0].who == "Dr B"
    assert len(cli("pairs", "list", other.root, "--json").json["evidence"]) == 1


def test_pair_indices(cli: Cli, project: Project, tmp_path: Path) -> None:
    file = tmp_path / "pairs.npz"
    ran = cli("pairs", "export", project.root, file, "--format", "pml", "--json")
    assert ran.code == 0
    assert ran.json["negative_pairs"] > 0
    with np.load(file) as pairs:
        joined = {pairs["slide_ids"][i] for i in pairs["a2"]}
    assert {"S01", "S05"} <= joined
    assert cli("pairs", "import", project.root, file).code == 2
    assert cli("pairs", "export", project.root, tmp_path / "pairs.xls").code == 2


def test_merge_of_two_projects(cli: Cli, project: Project, tmp_path: Path) -> None:
    other = tiny_project(tmp_path / SECRET, results=False)
    theirs = HardNegativeTable(other.table_path)
    theirs.add(replace(MARK, strength=0.1))
    theirs.add(replace(MARK, expert="Dr B"))
    ran = cli("pairs", "merge", project.root, other.root, "--by", "Dr C", "--json")
    assert ran.code == 0
    assert (ran.json["added"], ran.json["disputed"], ran.json["history"]) == (1, 1, 2)
    again = cli("pairs", "merge", project.root, other.table_path)
    assert again.out.startswith("0 marks added, 0 updated")
    assert cli("pairs", "merge", project.root, tmp_path / "nowhere").code == 2
    told = cli("pairs", "agreement", project.root)
    assert "wanted strength 0.1 instead of 0.75" in " ".join(told.out.split())


def test_log_tells_who_changed_what(cli: Cli, project: Project) -> None:
    marks = HardNegativeTable(project.table_path)
    marks.update(1, by="Dr B", strength=0.5, reason="like PAT-01")
    marks.add(replace(MARK, expert="Dr C"))
    marks.add_evidence(TILE)
    steps = cli("pairs", "log", project.root, "--mark", "1", "--json").json["changes"]
    assert [(s["who"], s["mark"]) for s in steps] == [
        ("Dr Example", 1),
        ("Dr B", 1),
        ("Dr Example", 1),
    ]
    assert "strength 0.75 → 0.50" in steps[1]["what"]
    assert "a tile of S01 (diagnostic)" in steps[2]["what"]
    assert len(cli("pairs", "log", project.root, "--json").json["changes"]) == 4
    assert "Dr B" in cli("pairs", "log", project.root).out


def test_log_is_checked_against_the_table(cli: Cli, project: Project) -> None:
    assert cli("pairs", "log", project.root, "--check", "--json").json["same"] is True
    with closing(sqlite3.connect(project.table_path)) as raw:
        raw.execute("UPDATE pairs SET strength = 0.1")
        raw.commit()
    ran = cli("pairs", "log", project.root, "--check")
    assert ran.code == 1
    assert "Mark 1 is not what its log says." in ran.out


def test_agreement_of_two_experts_and_the_rule(cli: Cli, project: Project) -> None:
    alone = cli("pairs", "agreement", project.root)
    assert "Fewer than two experts" in alone.out
    HardNegativeTable(project.table_path).add(replace(MARK, expert="Dr B", strength=0.0))
    found = cli("pairs", "agreement", project.root, "--json").json
    assert found["experts"] == ["Dr B", "Dr Example"]
    assert found["rule"] == "max"
    assert "look alike to Dr Example and not to Dr B" in found["disagreements"][0]["what"]
    assert cli("pairs", "rule", project.root, "share").code == 0
    assert cli("pairs", "agreement", project.root, "--json").json["rule"] == "share"
    assert Project.open(project.root).settings.train.marks_rule == "share"
    assert cli("pairs", "rule", project.root, "loudest").code == 2


def test_sharing_refuses_passwords_and_other_servers(cli: Cli, project: Project) -> None:
    pytest.importorskip("psycopg")
    for address in ("postgresql://a:hush@server/marks", "mysql://a:hush@server/marks"):
        ran = cli("pairs", "share", project.root, address)
        assert ran.code == 1
        assert "hush" not in ran.out + ran.told
    assert cli("pairs", "share", project.root).code == 2
    assert Project.open(project.root).settings.shared_table == ""


def test_what_waits_on_this_computer_is_sent_before_the_table_is_shown(
    cli: Cli,
    project: Project,
    shared_place: str,  # noqa: F811
) -> None:
    assert cli("pairs", "share", project.root, shared_place).code == 0
    table = Outbox(Project.open(project.root).settings.shared_table)
    table.sync()
    table.add(replace(MARK, slide_a="S02", slide_b="S06"))  # by a window that was killed
    rows = cli("pairs", "list", project.root, "--json").json["rows"]
    assert [row["slide_a"] for row in rows] == ["S01", "S02"]
    assert table.waiting() == 0
    table.add(replace(MARK, slide_a="S03", slide_b="S07"))
    assert cli("pairs", "share", project.root, "--stop").code == 0
    assert len(HardNegativeTable(project.table_path).rows()) == 3
