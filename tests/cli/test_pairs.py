"""``pairs``: the table as JSON and as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.cli.conftest import SECRET, Cli
from tests.project_fixtures import tiny_project

from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
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
    assert ran.json == {"version": "empty", "rows": []}


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
