"""``pairs`` with what people type and with files that went wrong: sentences, and nothing lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.project_fixtures import tiny_project

from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable, PairMark
from napari_lookalike.core.project import Project

MARK = PairMark(
    slide_a="S01", slide_b="S05", subtype_a="alpha", subtype_b="beta", reason="pale", expert="Dr A"
)
HEAD = {"kind": "table", "format": "napari-lookalike pairs", "number": 1}
LINE = {"kind": "mark", "id": 1, "slide_a": "S01", "slide_b": "S05", "expert": "Dr A"}
TILE = {"mark": 1, "slide_id": "S01", "x": 1, "y": 2, "size": 32, "expert": "Dr A"}
EVIDENCE = {"kind": "evidence", "of": TILE}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return tiny_project(tmp_path, results=False)


def rows(project: Project) -> tuple[PairMark, ...]:
    return HardNegativeTable(project.table_path).rows()


def test_words_in_brackets_are_no_style(cli: Cli, project: Project) -> None:
    said = "see [/b], [red]pale[/red] [note 3] :x:"
    HardNegativeTable(project.table_path).add(replace(MARK, reason=said, expert="[Dr A]"))
    for command in ("list", "log", "agreement"):
        ran = cli("pairs", command, project.root)
        assert ran.code == 0, ran.err
    shown = "".join(cli("pairs", "list", project.root).out.replace("│", "").split())
    assert "[DrA]" in shown
    assert "[/b]" in shown
    assert ":x:" in shown
    ran = cli("train", project.root, "--benign", "[/none]")
    assert ran.code == 2
    assert "no slide has the subtype [/none]" in ran.told


@pytest.mark.parametrize("name", ["file/pairs.csv", f"{'x' * 300}.jsonl", "none/pairs.csv"])
def test_a_place_that_cannot_be_written(
    cli: Cli, project: Project, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("a file", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    ran = cli("pairs", "export", project.root, tmp_path / name)
    assert ran.code == 1
    assert "cannot be written" in ran.told
    assert "Choose another folder." in ran.told
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_line_breaks_of_unicode_come_back(
    cli: Cli, project: Project, tmp_path: Path, suffix: str
) -> None:
    said = "from a web page\u2028second line\u0085third\x0bfourth\x0cfifth"
    HardNegativeTable(project.table_path).add(replace(MARK, reason=said))
    file = tmp_path / f"pairs{suffix}"
    assert cli("pairs", "export", project.root, file).code == 0
    other = tiny_project(tmp_path / "other", results=False)
    ran = cli("pairs", "import", other.root, file, "--json")
    assert (ran.code, ran.json["added"], ran.json["problems"]) == (0, 1, [])
    assert rows(other)[0].reason == said


@pytest.mark.parametrize(
    ("lines", "added", "line", "what"),
    [
        ([{**LINE, "strength": 10**400}], 0, 2, "not a number from 0 to 1"),
        ([LINE, {**EVIDENCE, "of": {**TILE, "x": 2**70}}], 1, 3, "beyond any slide"),
        ([LINE, "[" * 100_000], 1, 3, "neither a mark nor an evidence tile"),
        ([LINE, '{"kind": "mark", "id'], 1, 3, "neither a mark nor an evidence tile"),
    ],
)
def test_a_bad_line_of_json(
    cli: Cli,
    project: Project,
    tmp_path: Path,
    lines: list[object],
    added: int,
    line: int,
    what: str,
) -> None:
    text = [each if isinstance(each, str) else json.dumps(each) for each in [HEAD, *lines]]
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(text), encoding="utf-8")
    ran = cli("pairs", "import", project.root, file, "--json")
    assert (ran.code, ran.json["added"]) == (1, added)
    (problem,) = ran.json["problems"]
    assert problem["line"] == line
    assert what in problem["problem"]
    assert len(rows(project)) == added


def test_what_a_database_cannot_keep_is_left_out_of_words(
    cli: Cli, project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "pairs.jsonl"
    line = json.dumps({**LINE, "reason": "pale\0 \ud800 round"})
    file.write_text(f"{json.dumps(HEAD)}\n{line}\n", encoding="utf-8")
    ran = cli("pairs", "import", project.root, file)
    assert ran.code == 0, ran.err
    assert rows(project)[0].reason == "pale ? round"
    tile = HardNegativeTable(project.table_path).add_evidence(
        EvidenceTile(mark=1, slide_id="S01", x=1, y=2, size=32, expert="Dr\0 A")
    )
    assert tile.expert == "Dr A"


def test_a_quote_that_is_never_closed_does_not_swallow_rows(
    cli: Cli, project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(
        'slide_a,slide_b,reason,expert\nS01,S05,"open,Dr A\nS02,S06,pale,Dr A\n', encoding="utf-8"
    )
    ran = cli("pairs", "import", project.root, file)
    assert ran.code == 1
    assert "not a CSV table" in ran.told
    assert rows(project) == ()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_subtype_that_no_slide_has_is_named(
    cli: Cli, project: Project, tmp_path: Path, suffix: str
) -> None:
    table = HardNegativeTable(tmp_path / "theirs.sqlite")
    good = PairMark(level="subtype", subtype_a="alpha", subtype_b="beta", expert="Dr A")
    table.add(replace(good, subtype_b="bata"))
    table.add(good)
    theirs = tiny_project(tmp_path / "other", results=False)
    table.path.rename(theirs.table_path)
    file = tmp_path / f"pairs{suffix}"
    assert cli("pairs", "export", theirs.root, file).code == 0
    ran = cli("pairs", "import", project.root, file)
    assert ran.code == 1
    assert "Line 2: No slide of this project has the subtype bata." in ran.told
    assert [row.subtype_b for row in rows(project)] == ["beta"]


def test_the_log_of_a_mark_that_is_not_there(cli: Cli, project: Project) -> None:
    HardNegativeTable(project.table_path).add(MARK)
    assert cli("pairs", "log", project.root, "--mark", "1").code == 0
    ran = cli("pairs", "log", project.root, "--mark", "3", "--json")
    assert ran.code == 1
    assert ran.json["error"]["what"] == "There is no mark 3 in this table."
