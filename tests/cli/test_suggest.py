"""``suggest``: pairs, coverage and slides to review, as text and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.project_fixtures import tiny_project

from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.project import Project
from napari_lookalike.core.suggest import Decision, append_decision
from napari_lookalike.core.suggest.textbook import FILE_NAME

BOOK = "subtype_a,subtype_b,why,test,strength,source,confirmed_by\nbeta,alpha,Blue,INI1,0.9,,\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = tiny_project(tmp_path)
    (made.root / FILE_NAME).write_text(BOOK)
    return made


def test_json_has_pairs_coverage_and_slides(cli: Cli, project: Project) -> None:
    ran = cli("suggest", project.root, "--json", "--review", "4")
    assert ran.code == 0
    first = ran.json["suggestions"][0]
    assert sorted(first["subtypes"]) == ["alpha", "beta"]
    assert first["test"] == "INI1"
    assert {r["source"] for r in first["reasons"]} >= {"confusion", "textbook"}
    assert ran.json["coverage"]["share"] == 0
    assert ran.json["coverage"]["pairs"][0]["standing"] == "open"
    assert len(ran.json["review"]["slides"]) == 4
    assert ran.json["review"]["set_apart"]
    assert "PAT-" not in ran.out


def test_text_for_a_person(cli: Cli, project: Project) -> None:
    ran = cli("suggest", project.root, "--most", "3")
    assert ran.code == 0
    for words in ("Pairs to look at next", "INI1", "Slides to review next", "Research use only"):
        assert words in ran.out
    assert "PAT-" not in ran.out


def test_what_an_expert_answered_is_left_out(cli: Cli, project: Project) -> None:
    def keys(*options: str) -> list[tuple[str, str]]:
        shown = cli("suggest", project.root, "--json", *options).json["suggestions"]
        return [(s["a"], s["b"]) for s in shown]

    first, second = keys()[:2]
    level = "subtype" if first == ("alpha", "beta") else "slide"
    table = HardNegativeTable(project.table_path)
    append_decision(table, Decision("reject", level, *first, "Dr A"))
    HardNegativeTable(project.table_path).add(
        PairMark(level="subtype", subtype_a="alpha", subtype_b="beta", expert="Dr A")
    )
    assert first not in keys("--expert", "Dr A")
    assert first in keys("--expert", "Dr B")
    assert second
    covered = cli("suggest", project.root, "--json").json["coverage"]
    assert covered["share"] == 1
    assert covered["pairs"][0]["by"] == "Dr A"


def test_without_a_model_and_a_known_pair_it_says_what_to_do(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path, results=False).root
    ran = cli("suggest", root)
    assert ran.code == 0
    assert "train a model first" in ran.out
    assert cli("suggest", root, "--json").json["coverage"]["share"] is None


def test_the_textbook_is_copied_once(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path, results=False).root
    assert cli("suggest", root, "--edit-textbook").code == 0
    (root / FILE_NAME).write_text(BOOK + "a,b,w,t,often,,\n")
    ran = cli("suggest", root, "--edit-textbook", "--json")
    assert ran.json["textbook_problems"] == [{"line": 3, "problem": "The strength is no number."}]


def test_an_unknown_method_is_wrong_usage(cli: Cli, project: Project) -> None:
    assert cli("suggest", project.root, "--method", "dice").code == 2
    ran = cli("suggest", project.root, "--method", "kmeans", "--json")
    assert ran.json["review"]["method"] == "kmeans"
