"""``import`` and ``export``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import SECRET, Cli
from tests.core.interop import peer_files as peers
from tests.core.interop.peer_files import truth
from tests.project_fixtures import tiny_project

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    record = SlideRecord("S1", tmp_path / f"{SECRET}.svs", mpp=0.25, mpp_source="user")
    return Project.create(tmp_path / "project", Cohort((record,)))


def test_check_reports_and_writes_nothing(cli: Cli, project: Project, tmp_path: Path) -> None:
    peers.write_trident(tmp_path / "job", SECRET, truth(0, 1536))
    peers.write_trident(tmp_path / "job", f"{SECRET}-b", truth(1, 1536))
    ran = cli("import", tmp_path / "job", "--project", project.root, "--check")
    assert ran.code == 0
    assert "UNI2-h" in ran.out
    assert "the file says so" in ran.out
    assert "Nothing was written" in ran.out
    assert SECRET not in ran.out + ran.err
    assert "1 file matches no slide" in ran.out
    assert not (project.root / "features").exists()


def test_import_then_json_says_what_is_there(cli: Cli, project: Project, tmp_path: Path) -> None:
    peers.write_stamp(tmp_path / "stamp", SECRET, truth(0, 1536))
    ran = cli("import", tmp_path / "stamp", "--project", project.root, "--json")
    assert ran.code == 0
    assert ran.json["name"] == "imported:uni2-h"
    assert ran.json["slides"][0]["written"]
    assert SECRET not in json.dumps(ran.json)
    again = cli("import", tmp_path / "stamp", "--project", project.root)
    assert again.code == 1
    assert "already" in again.told


def test_export_says_what_points_to_patients(cli: Cli, tmp_path: Path) -> None:
    tiny = tiny_project(tmp_path, features=True)
    ran = cli("export", "csv", "--project", tiny.root, "--out", tmp_path / "out")
    assert ran.code == 0
    assert "patients are numbered" in " ".join(ran.out.split())
    assert "Research use only" in ran.out
    clear = ("--patient-ids", "--replace", "--json")
    ran = cli("export", "csv", "--project", tiny.root, "--out", tmp_path / "out", *clear)
    assert "IN CLEAR" in ran.json["identity"]


def test_export_of_an_unknown_kind(cli: Cli, tmp_path: Path) -> None:
    tiny = tiny_project(tmp_path)
    ran = cli("export", "pdf", "--project", tiny.root, "--out", tmp_path / "out")
    assert ran.code == 1
    assert "geojson" in ran.told
    assert not (tmp_path / "out").exists()
