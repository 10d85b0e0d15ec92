"""Commands on projects and models whose files went wrong, and Ctrl-C: a sentence each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.project_fixtures import FIRST, tiny_project

import napari_lookalike.cli.info as info_module
from napari_lookalike.core.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return tiny_project(tmp_path)


def test_a_damaged_project_file_is_told_where_its_backup_serves(cli: Cli, project: Project) -> None:
    project.save(settings=project.settings)  # which makes the backup
    (project.root / "project.json").write_text("{", encoding="utf-8")
    for words in (["pairs", "list"], ["versions", "list"], ["predict"], ["suggest"]):
        ran = cli(*words, project.root)
        assert ran.code == 0, ran.err
        assert "The project file was damaged: its backup was opened." in ran.told


@pytest.mark.parametrize("schema", ['"x"', "null", "[]"])
def test_a_project_file_that_is_none(cli: Cli, project: Project, schema: str) -> None:
    text = f'{{"format": "napari-lookalike project", "schema": {schema}}}'
    for name in ("project.json", "project.json.bak"):
        (project.root / name).write_text(text, encoding="utf-8")
    ran = cli("pairs", "list", project.root)
    assert ran.code == 1
    assert "The project file is damaged, and so is its backup" in ran.told


def test_models_of_which_none_is_in_use(cli: Cli, project: Project) -> None:
    (project.root / "models" / "current.json").write_text("{", encoding="utf-8")
    ran = cli("predict", project.root)
    assert ran.code == 1
    assert f"No model of this project is in use (there are {FIRST}, m002-expert)." in ran.told
    assert "versions keep" in ran.told


def test_ctrl_c_is_said(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "file").touch()
    monkeypatch.setattr(info_module, "open_slide", interrupted)
    ran = cli("info", tmp_path / "file")
    assert ran.code == 130
    assert ran.told == "Stopped. What was finished is kept."
