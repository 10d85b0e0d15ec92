"""Where a command may write, and numbers out of range, are asked before the work begins."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import SECRET, Cli
from tests.project_fixtures import tiny_project

from napari_lookalike.core.project import Project

TO_A_FOLDER = {
    "demo": ["demo", "--headless", "--out", "{}"],
    "report": ["report", "{project}", "--out", "{}"],
    "train": ["train", "{project}", "--report", "{}"],
    "view": ["view", "{manifest}", "--project", "{}"],
}
TO_A_FILE = {
    "slide-vectors": ["slide-vectors", "{project}", "--out", "{}.csv"],
    "tune-encoder": ["tune-encoder", "{project}", "{}.safetensors"],
}


@pytest.fixture(params=[*TO_A_FOLDER, *TO_A_FILE])
def words(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    project = tiny_project(tmp_path, features=True)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("slide,slide_id,patient_id,label,site\n", encoding="utf-8")
    every = {**TO_A_FOLDER, **TO_A_FILE}
    known = {"{project}": str(project.root), "{manifest}": str(manifest)}
    return [known.get(word, word) for word in every[request.param]]


def placed(words: list[str], place: Path) -> list[str]:
    return [word.replace("{}", str(place)) for word in words]


def test_a_place_below_a_file(cli: Cli, words: list[str], tmp_path: Path) -> None:
    (tmp_path / SECRET).write_text("a file", encoding="utf-8")
    ran = cli(*placed(words, tmp_path / SECRET / "below"))
    assert ran.code == 2
    assert "Nothing can be written there." in ran.told


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_place_that_is_read_only(cli: Cli, words: list[str], tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    ran = cli(*placed(words, locked / "new"))
    assert ran.code == 2
    assert "Nothing can be written there." in ran.told


def test_a_file_where_a_folder_is_needed(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path).root
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    ran = cli("report", root, "--out", tmp_path / "taken")
    assert ran.code == 2
    assert "This is a file, not a folder." in ran.told


def test_a_folder_where_a_file_is_needed(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path, features=True).root
    (tmp_path / "taken.csv").mkdir()
    ran = cli("slide-vectors", root, "--out", tmp_path / "taken.csv")
    assert ran.code == 2
    assert "This is a folder, but a file is needed." in ran.told


def test_vectors_go_into_no_workbook(cli: Cli, tmp_path: Path) -> None:
    root = tiny_project(tmp_path, features=True).root
    ran = cli("slide-vectors", root, "--out", tmp_path / "vectors.xlsx")
    assert ran.code == 2
    assert "Name the file .csv or .npz." in ran.told
    assert not (tmp_path / "vectors.xlsx").exists()


def test_a_name_that_is_too_long_is_not_there(cli: Cli) -> None:
    ran = cli("info", "x" * 300)
    assert ran.code == 2
    assert "There is nothing at this path." in ran.told


@pytest.mark.parametrize(
    ("option", "value"),
    [("--seed", "-1"), ("--seed", str(2**40)), ("--gamma", "1e400"), ("--lam", "inf")],
)
def test_numbers_out_of_range(cli: Cli, tmp_path: Path, option: str, value: str) -> None:
    ran = cli("train", tiny_project(tmp_path).root, option, value)
    assert ran.code == 2
    assert option in ran.told


def test_votes_of_a_german_spreadsheet(cli: Cli, tmp_path: Path) -> None:
    project = tiny_project(tmp_path)
    file = tmp_path / "votes.csv"
    file.write_bytes("\ufeffslide_id;label\r\nS01;alpha\r\nS99;beta\r\n".encode())
    ran = cli("train", project.root, "--votes", file)  # there are no features to train on
    assert ran.code == 1
    assert "1 votes of slides that are not in the project were left out." in ran.told
    assert '"alpha": 1' in (project.root / "votes.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [["embed"], ["train"], ["tune-encoder", "a.safetensors"]])
def test_a_device_that_is_none(cli: Cli, tmp_path: Path, words: list[str]) -> None:
    root = tiny_project(tmp_path).root
    ran = cli(words[0], root, *[tmp_path / name for name in words[1:]], "--device", "gpu")
    assert ran.code == 2
    assert "A device is auto, cpu, mps, cuda" in ran.told


def test_the_encoder_that_ships_takes_no_weights(cli: Cli, tmp_path: Path) -> None:
    project = tiny_project(tmp_path)
    file = tmp_path / f"{SECRET}.safetensors"
    file.write_bytes(b"weights of another")
    ran = cli("embed", project.root, "--weights", file)
    assert ran.code == 1
    assert "ships with the program and takes no weight file." in ran.told
    assert Project.open(project.root).settings.weights is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is always a display here")
def test_a_window_without_a_display(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("slide,slide_id,patient_id,label,site\n", encoding="utf-8")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    ran = cli("view", manifest, "--project", tmp_path / "project")
    assert ran.code == 1
    assert "This machine has no display to show a window on." in ran.told
