"""``train`` and ``predict`` on a small project of made-up features."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.core.pipeline.small_project import small_project
from tests.project_fixtures import FIRST, tiny_project

from napari_lookalike.core import project as project_module
from napari_lookalike.core.project import Project


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_project(tmp_path_factory.mktemp("made-up") / "project").root


def test_training_reports_held_out_figures(cli: Cli, root: Path) -> None:
    ran = cli("train", root, "--folds", "2", "--epochs", "2", "--seed", "3", "--json")
    assert ran.code == 0, ran.err
    report = ran.json
    accuracy = report["metrics"]["balanced_accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert report["card"]["classes"] == ["A", "B", "C"]
    assert Project.open(root).current_version == report["version"]

    said = cli("predict", root, "--slide", "A0", "--json")
    assert said.code == 0, said.err
    (slide,) = said.json["slides"]
    assert sum(slide["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert slide["held_out"] is True
    assert said.json["research_use_only"] is True


def test_predictions_for_a_person(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path).root
    ran = cli("predict", root)
    assert ran.code == 0
    assert f"Model {FIRST}" in ran.out
    assert "never saw this patient" in ran.out
    assert "not for diagnosis" in ran.out
    assert "PAT-" not in ran.out + ran.err


def test_cases_are_numbered_not_named(cli: Cli, tmp_path: Path) -> None:
    ran = cli("predict", tiny_project(tmp_path).root, "--json")
    cases = ran.json["cases"]
    assert [case["case"] for case in cases] == list(range(1, 13))
    assert all(len(case["slides"]) == 2 and case["rule"] for case in cases)
    assert "PAT-" not in ran.out


def test_a_project_without_a_model(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path, results=False).root
    ran = cli("predict", root, "--json")
    assert ran.code == 1
    assert "no model yet" in ran.json["error"]["what"]


@pytest.mark.parametrize(
    "words", [("--slide", "S99"), ("--version", "m099-nope"), ("--version", "../..")]
)
def test_an_unknown_slide_or_version(cli: Cli, tmp_path: Path, words: tuple[str, str]) -> None:
    ran = cli("predict", tiny_project(tmp_path).root, "--json", *words)
    assert ran.code == 1
    assert ran.json["error"]["remedy"]


def test_training_without_features(cli: Cli, tmp_path: Path) -> None:
    ran = cli("train", tiny_project(tmp_path, results=False).root, "--json")
    assert ran.code == 1
    assert ran.json["error"]["remedy"]


def test_a_folder_that_is_no_project(cli: Cli, tmp_path: Path) -> None:
    for command in ("train", "predict"):
        ran = cli(command, tmp_path, "--json")
        assert ran.code == 1
        assert "not a napari-lookalike project" in ran.json["error"]["what"]


def test_a_damaged_project(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "project.json").write_text("{")
    ran = cli("predict", tmp_path, "--json")
    assert ran.code == 1
    assert "damaged" in ran.json["error"]["what"]


def test_a_read_only_project(cli: Cli, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_module, "can_write", lambda folder: False)
    before = Project.open(root).versions()
    ran = cli("train", root, "--folds", "2", "--epochs", "1", "--json")
    assert ran.code == 1
    assert "read-only" in ran.json["error"]["what"]
    assert Project.open(root).versions() == before


def test_switches_and_votes_reach_the_training(cli: Cli, tmp_path: Path) -> None:
    root = small_project(tmp_path / "project").root
    table = tmp_path / "votes.csv"
    table.write_text("slide_id,label,expert\nA0,A,x\nA0,B,y\ngone,A,x\n", encoding="utf-8")
    words = [
        "--loss",
        "ce",
        "--folds",
        "2",
        "--epochs",
        "1",
        "--instances",
        "0",
        "--precision",
        "half",
        "--memory",
        "8",
    ]
    words += [
        "--by-centre",
        "--by-hardness",
        "--replay",
        "2",
        "--mixup",
        "0.4",
        "--device",
        "cpu",
        "--json",
    ]
    ran = cli("train", root, *words, "--votes", table)
    assert ran.code == 0, ran.err
    assert "1 votes of slides that are not in the project were left out." in ran.err
    used = ran.json["card"]["config"]
    assert (used["max_instances"], used["precision"], used["memory"]) == (0, "half", 8)
    assert (used["by_centre"], used["by_hardness"], used["replay"]) == (True, True, 2)
    assert (used["mixup"], used["votes"], used["device"]) == (0.4, True, "cpu")
    assert (root / "votes.json").is_file()
