"""What opens and what does not: found, named without names, and put into a page."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.core.slides.zarr_fixtures import write_ome_zarr
from tests.slide_fixtures import texture

from napari_lookalike.core.slides.survey import OPENSLIDE, Tried, candidates, survey
from napari_lookalike.core.slides.survey_table import (
    BEGIN,
    END,
    NoMarkers,
    family_rows,
    markdown,
    opened_rows,
    refused_rows,
    update_page,
)

SECRET = "SMITH_Anna"
PAGE = Path(__file__).parents[3] / "docs" / "formats.md"


@pytest.fixture
def folder(tmp_path: Path, aperio_slide: Path) -> Path:
    """A slide, one that is none, a photograph, an OME-Zarr, a MIRAX without its index, text."""
    (tmp_path / "below").mkdir()
    shutil.copy(aperio_slide, tmp_path / "below" / f"{SECRET}.svs")
    (tmp_path / f"{SECRET}.ndpi").write_text("none")
    Image.fromarray(texture(64, 48)).save(tmp_path / "photo.png")
    write_ome_zarr(tmp_path / "a.ome.zarr", [np.moveaxis(texture(80, 60), -1, 0)])
    (tmp_path / "m.mrxs").touch()
    (tmp_path / "m").mkdir()
    Image.fromarray(texture(20, 20)).save(tmp_path / "m" / "Data0000.png")
    (tmp_path / "notes.txt").write_text("nothing")
    tifffile.imwrite(tmp_path / "without-suffix", texture(40, 30), photometric="rgb")
    return tmp_path


def by_name(folder: Path) -> dict[str, Tried]:
    return {one.name: one for one in survey([folder], names=True)}


def test_everything_that_looks_like_a_slide_or_is_named_so_is_tried(folder: Path) -> None:
    expected = [f"below/{SECRET}.svs", f"{SECRET}.ndpi", "a.ome.zarr", "m.mrxs", "photo.png"]
    assert sorted(by_name(folder)) == sorted([*expected, "without-suffix"])
    assert list(candidates(folder / "photo.png")) == [folder / "photo.png"]


def test_how_they_opened(folder: Path) -> None:
    tried = by_name(folder)
    slide = tried[f"below/{SECRET}.svs"]
    assert (slide.format, slide.compression) == ("Aperio (SVS, TIFF)", "JPEG")
    assert (slide.backend, slide.vendor, slide.mpp_source) == ("openslide", "aperio", "property")
    assert slide.levels == 1
    assert slide.decoder != ""
    assert tried["a.ome.zarr"].format == "OME-Zarr 0.5"
    assert (tried["photo.png"].format, tried["photo.png"].mpp) == ("PNG", None)
    assert tried["without-suffix"].compression == "none"
    assert not tried["m.mrxs"].opened and tried["m.mrxs"].reason


def test_without_being_asked_no_name_is_told(folder: Path) -> None:
    text = markdown(survey([folder]))
    assert SECRET not in text
    assert "photo" not in text
    assert SECRET in markdown(survey([folder], names=True))


def test_slides_of_a_kind_share_a_row(tmp_path: Path) -> None:
    for name, width in (("a", 64), ("b", 80)):
        Image.fromarray(texture(width, 48)).save(tmp_path / f"{name}.png")
    (row,) = opened_rows(survey([tmp_path], names=True))
    assert row[-1] == "a.png, b.png"


def test_reasons_that_say_nothing_are_left_out(folder: Path) -> None:
    rows = dict(refused_rows(survey([folder], names=True)))
    assert "OME-Zarr" not in rows[f"{SECRET}.ndpi"]
    assert "OpenSlide" in rows[f"{SECRET}.ndpi"]


def test_every_family_of_openslide_is_tried_or_said_not_to_be(folder: Path) -> None:
    rows = dict(family_rows(survey([folder])))
    assert set(rows) == set(OPENSLIDE.values())
    assert rows["Aperio (SVS, TIFF)"] == "1 opened"
    assert "not tried" in rows["MIRAX (MRXS)"]  # there was one, but it did not open


def test_a_page_is_updated_between_its_markers(tmp_path: Path, folder: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n")
    tried = survey([folder])
    update_page(page, tried)
    once = page.read_text()
    update_page(page, tried)
    assert page.read_text() == once
    assert once.startswith("Before.\n") and once.endswith("\nAfter.\n")
    assert "old" not in once and "| Aperio" in once
    page.write_text("Nothing.")
    with pytest.raises(NoMarkers):
        update_page(page, tried)


@pytest.mark.shared
def test_the_page_says_what_opens_here(shared: Path, tmp_path: Path) -> None:
    """If this fails: ``napari-lookalike formats FOLDER... --names --update docs/formats.md``."""
    data = shared / "data"
    copy = Path(shutil.copy(PAGE, tmp_path))
    update_page(copy, survey([data / "wsi", data / "malformed"], names=True))
    assert copy.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
