"""``report``, ``lock-test-set`` and the options of ``train`` that belong to them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli
from tests.core.pipeline.small_project import small_project
from tests.project_fixtures import FIRST, SECOND, tiny_project


def test_a_report_of_the_model_in_use_and_of_a_named_one(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path).root
    ran = cli("report", root, "--out", tmp_path / "r")
    assert ran.code == 0, ran.err
    assert "balanced accuracy" in ran.out
    assert "PAT-" not in ran.out
    assert json.loads((tmp_path / "r/report.json").read_text())["version"] == FIRST
    ran = cli("report", root, "--version", SECOND, "--out", tmp_path / "r", "--json")
    assert ran.json["version"] == SECOND
    assert ran.json == json.loads((tmp_path / "r/report.json").read_text())
    assert f"Model {SECOND}" in (tmp_path / "r/report.html").read_text()


def test_a_version_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path).root
    ran = cli("report", root, "--version", "m050-ce", "--out", tmp_path / "r", "--json")
    assert ran.code == 1
    assert "no model version" in ran.json["error"]["what"]


def test_no_model_in_use_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path, results=False).root
    assert cli("report", root, "--out", tmp_path / "r").code == 2


def test_training_locks_reports_and_opens(cli: Cli, tmp_path: Path) -> None:
    root = small_project(tmp_path / "p", per_class=8).root
    locked = cli("lock-test-set", root, "--share", "0.25", "--json").json
    assert locked["patients"] == 3
    again = cli("lock-test-set", root)
    assert again.code == 1
    assert "already" in again.err
    out = tmp_path / "report"
    words = ("--loss", "ce", "--cv", "2", "--epochs", "2", "--report", out, "--json")
    ran = cli("train", root, *words)
    assert ran.code == 0, ran.err
    assert ran.json["card"]["folds"] == 2
    made = json.loads((out / "report.json").read_text())
    assert made["version"] == ran.json["version"]
    assert made["locked_test"]["opened"] == 0
    said = cli("predict", root, "--json")
    assert said.code == 0, said.err
    assert len(said.json["slides"]) == 18  # the six of the test set are not asked about
    opened = cli("report", root, "--out", out, "--open-test-set", "--json").json
    assert opened["locked_test"]["opened"] == 1
    assert opened["locked_test"]["figures"]["n_slides"] == 6


def test_a_test_set_is_locked_for_a_person(cli: Cli, tmp_path: Path) -> None:
    ran = cli("lock-test-set", small_project(tmp_path / "p", per_class=8).root)
    assert ran.code == 0
    assert "slides of 3 patients are locked away" in ran.out
    assert "PAT" not in ran.out


def test_an_ablation_in_one_command(cli: Cli, tmp_path: Path) -> None:
    root = small_project(tmp_path / "p", per_class=4).root
    out = tmp_path / "out"
    words = ("--cv", "2", "--epochs", "1", "--ablate", "--lambdas", "1", "--taus", "0.1")
    ran = cli("train", root, *words, "--report", out)
    assert ran.code == 0, ran.err
    assert "Nothing is marked" in ran.out
    assert {p.name for p in out.iterdir()} == {"ablation.html", "ablation.json", "ablation.csv"}


def test_a_grid_that_is_none_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    root = small_project(tmp_path / "p", per_class=4).root
    for option, value in (
        ("--lambdas", "much"),
        ("--lambdas", "-1"),
        ("--taus", "0"),
        ("--taus", "nan"),
    ):
        ran = cli("train", root, "--ablate", option, value)
        assert ran.code == 2
        assert option in ran.err
