"""What was dropped: ours is known by its head, everything else is left to others."""

from __future__ import annotations

import codecs

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.slide_fixtures import texture, write_aperio, write_pyramid

from napari_lookalike.core import incoming
from napari_lookalike.core.incoming import kind_of

HEADER = "slide,slide_id,patient_id,label,site\n"


def test_a_project_is_known_by_its_file(tmp_path):
    (tmp_path / "project.json").write_text("{}")
    assert kind_of(tmp_path) == "project"
    assert kind_of(str(tmp_path / "project.json")) == "project"
    (tmp_path / "project.json").rename(tmp_path / "project.json.bak")
    assert kind_of(tmp_path) == "project"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (HEADER, "utf-8"),
        ("\ufeff" + HEADER, "utf-8"),
        (HEADER.replace(",", ";").upper() + "a.svs;1;;;\n", "utf-8"),
        (HEADER.replace(",", "\t"), "utf-8"),
        ('"slide", slide_id ,patient_id,label,site,mpp,notes\r\n', "utf-8"),
    ],
)
def test_a_cohort_is_known_by_its_columns(tmp_path, text, encoding):
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert kind_of(tmp_path / "a.csv") == "manifest"


def test_a_cohort_saved_by_excel_as_unicode_is_known_too(tmp_path):
    (tmp_path / "a.CSV").write_bytes(codecs.BOM_UTF16_LE + HEADER.encode("utf-16-le"))
    assert kind_of(tmp_path / "a.CSV") == "manifest"


@pytest.mark.parametrize(
    "text", ["", "index,axis-0,axis-1\n", "slide,slide_id,label\n", "\x00\xff", HEADER[:-6]]
)
def test_other_tables_are_left_to_other_plugins(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    assert kind_of(tmp_path / "a.csv") is None


def test_a_long_first_line_is_not_read_whole(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"x" * 50_000_000)
    assert kind_of(tmp_path / "a.csv") is None


def test_a_folder_with_slides_is_ours(tmp_path):
    write_pyramid(tmp_path / "b.tif", [texture(300, 300)])
    (tmp_path / "a.txt").touch()
    assert kind_of(tmp_path) == "slides"


def test_so_is_one_with_a_scanners_files(tmp_path):
    write_aperio(tmp_path / "a.svs", texture(300, 300))
    assert kind_of(tmp_path) == "slides"


def test_a_folder_of_pictures_is_not(tmp_path):
    for i in range(3):
        tifffile.imwrite(tmp_path / f"{i}.tif", np.zeros((64, 64), np.uint8))
        Image.fromarray(texture(40, 30)).save(tmp_path / f"{i}.png")
    (tmp_path / "false.svs").write_text("no slide")
    (tmp_path / "torn.tif").write_bytes(b"II*\0\xff\xff")
    assert kind_of(tmp_path) is None


def test_only_some_of_a_large_folder_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(incoming, "PROBES", 3)
    seen = []
    monkeypatch.setattr(incoming, "_is_slide", lambda p: seen.append(p))
    for i in range(9):
        (tmp_path / f"{i}.svs").touch()
    assert kind_of(tmp_path) is None
    assert len(seen) == 3


def test_nothing_is_raised_for_what_is_not_there(tmp_path):
    assert kind_of(tmp_path / "none") is None
    assert kind_of(tmp_path / "none.csv") is None
    (tmp_path / "a.svs").touch()
    assert kind_of(tmp_path / "a.svs") is None
