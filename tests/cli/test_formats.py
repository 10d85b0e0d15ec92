"""``formats``: tables for a person, Markdown, JSON, and a page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import SECRET, Cli

from napari_lookalike.core.slides.survey_table import BEGIN, END


@pytest.fixture
def folder(tmp_path: Path, aperio_slide: Path) -> Path:
    place = tmp_path / "slides"
    place.mkdir()
    shutil.copy(aperio_slide, place / f"{SECRET}.svs")
    (place / "broken.tif").write_text("none")
    return place


def test_as_json(cli: Cli, folder: Path) -> None:
    slides = cli("formats", folder, "--json").json["slides"]
    opened = [one for one in slides if one["opened"]]
    assert len(slides) == 2 and len(opened) == 1
    assert opened[0]["mpp"] == pytest.approx(0.5)
    assert opened[0]["name"] != "slide"
    (refused,) = (one for one in slides if not one["opened"])
    assert refused["reason"]


def test_for_a_person(cli: Cli, folder: Path) -> None:
    ran = cli("formats", folder)
    assert ran.code == 0
    assert "Aperio" in ran.out and "Refused" in ran.out and "not tried" in ran.out


def test_names_are_shown_if_asked_for(cli: Cli, folder: Path) -> None:
    assert "broken.tif" not in cli("formats", folder, "--markdown").out
    (folder / f"{SECRET}.svs").unlink()
    assert "| broken.tif |" in cli("formats", folder, "--markdown", "--names").out


def test_a_page_is_updated(cli: Cli, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}{END}")
    assert cli("formats", folder, "--update", page).code == 0
    assert "| Aperio" in page.read_text()
    page.write_text("no markers")
    ran = cli("formats", folder, "--update", page)
    assert ran.code == 1
    assert "no place" in ran.told


def test_two_ways_to_print_are_one_too_many(cli: Cli, folder: Path) -> None:
    assert cli("formats", folder, "--json", "--markdown").code == 2
