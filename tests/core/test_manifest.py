"""Manifests and folders: what is wrong is listed, the rest goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ManifestError
from napari_lookalike.core.manifest import read_manifest, scan_folder, write_manifest
from napari_lookalike.core.progress import Job, JobCancelled

HEADER = "slide,slide_id,patient_id,label,site"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files that exist; nothing opens them where ``check_slides`` is off."""
    (tmp_path / "slides").mkdir()
    for name in ("a.svs", "b.svs", "c.svs"):
        (tmp_path / "slides" / name).write_bytes(b"x")
    return tmp_path


def manifest(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "manifest.csv"
    path.write_bytes(text.encode(encoding))
    return path


def read(folder: Path, text: str, encoding: str = "utf-8"):
    return read_manifest(manifest(folder, text, encoding), check_slides=False)


ROW = "slides/a.svs,S1,P1,ependymoma,Basel"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_way_in_which_tables_are_saved(folder, encoding, delimiter, newline) -> None:
    text = f"{HEADER},mpp\n{ROW},0.25\n".replace(",", delimiter).replace("\n", newline)
    found = read(folder, text, encoding)
    assert found.problems == ()
    (record,) = found.cohort
    assert record == SlideRecord(
        "S1", folder / "slides" / "a.svs", "P1", "ependymoma", "Basel", 0.25, "manifest"
    )


def test_the_optional_columns(folder) -> None:
    text = f"{HEADER},mpp,stain,label_source\n{ROW},,H&E,molecular"
    (record,) = read(folder, text).cohort
    assert (record.mpp, record.mpp_source) == (None, "")
    assert (record.stain, record.label_source) == ("H&E", "molecular")


def test_a_decimal_comma_between_semicolons(folder) -> None:
    text = f"{HEADER},mpp\n{ROW},".replace(",", ";") + "0,5"
    (record,) = read(folder, text).cohort
    assert record.mpp == 0.5


def test_columns_in_any_order_and_case(folder) -> None:
    found = read(folder, "Label,SITE, slide_id ,patient_id,Slide\nx,y,S1,P1,slides/a.svs")
    (record,) = found.cohort
    assert (record.label, record.site) == ("x", "y")


def test_a_wrong_column_is_named_with_what_was_meant(folder) -> None:
    with pytest.raises(ManifestError) as caught:
        read(folder, "slide,slide_id,patient_id,lable,site\n")
    assert "'lable'" in caught.value.what
    assert "Did you mean label?" in caught.value.remedy
    assert "label_source" in caught.value.remedy  # the known ones


def test_a_missing_column_is_named(folder) -> None:
    with pytest.raises(ManifestError, match="no column 'patient_id'"):
        read(folder, "slide,slide_id,label,site\n")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "empty"),
        (f"{HEADER},label\n", "twice"),
        (f"{HEADER},Age,age\n", "twice"),
        (f"{HEADER},stian\n", "'stian'"),
        (f"{HEADER},Label source_\n", "'Label source_'"),
        (f'{HEADER}\n{ROW}\nslides/b.svs,S2,P,"x,y\nslides/c.svs,S3,P,x,y\n', "not a table"),
    ],
)
def test_headers_that_are_refused(folder, text, match) -> None:
    with pytest.raises(ManifestError, match=match):
        read(folder, text)


def test_files_that_are_no_text(folder) -> None:
    path = folder / "manifest.csv"
    path.write_bytes(HEADER.encode() + b"\n\xff\xfe\xfa")
    with pytest.raises(ManifestError, match="not UTF-8"):
        read_manifest(path)
    with pytest.raises(ManifestError, match="cannot be read") as caught:
        read_manifest(folder / "secret-name.csv")
    assert "secret-name" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("slides/none.svs,S2,P,x,y,", "not where the manifest says"),
        (",S2,P,x,y,", "names no slide"),
        ("slides/b.svs,,P,x,y,", "slide_id is empty"),
        ("slides/b.svs,a/b,P,x,y,", "one of /"),
        ("slides/b.svs,S1,P,x,y,", "already used in line 2"),
        ("slides/b.svs,s1,P,x,y,", "already used in line 2"),
        ("slides/b.svs,S2,P,x,y,fine", "not a number"),
        ("slides/b.svs,S2,P,x,y,352.78", "not between 0.05 and 20"),
        ("slides/b.svs,S2,P,x,y,nan", "not between"),
        ("~nobody-of-this-name/b.svs,S2,P,x,y,", "not where the manifest says"),
        ("slides/b.svs", "slide_id is empty"),
    ],
)
def test_a_bad_row_is_left_out_and_the_rest_goes_on(folder, row, sentence) -> None:
    found = read(folder, f"{HEADER},mpp\n{ROW},\n{row}\n\nslides/c.svs,S3,,,,\n")
    assert [r.slide_id for r in found.cohort] == ["S1", "S3"]
    (problem,) = found.problems
    assert problem.row == 3
    assert sentence in problem.sentence
    assert problem.remedy
    assert ".svs" not in str(problem)  # a file name can name a patient


def test_quoted_cells_with_line_breaks_keep_the_line_numbers(folder) -> None:
    text = f'{HEADER}\nslides/a.svs,S1,P,"two\nlines",y\nslides/none.svs,S2,P,x,y\n'
    found = read(folder, text)
    assert found.cohort["S1"].label == "two\nlines"
    assert found.problems[0].row == 4


@pytest.mark.skipif(Path("a\\b").parts != ("a\\b",), reason="backslashes part folders here")
def test_a_manifest_from_windows(folder) -> None:
    assert len(read(folder, f"{HEADER}\nslides\\a.svs,S1,P,x,y").cohort) == 1


def test_further_columns_are_kept(folder) -> None:
    text = f"{HEADER},Age group,sex\n{ROW},4 to 10,\nslides/b.svs,S2,P2,x,y,,f\n"
    found = read(folder, text)
    assert [r.more for r in found.cohort] == [(("Age group", "4 to 10"),), (("sex", "f"),)]
    assert (found.columns_left_out, found.note) == ((), "")


def test_further_columns_that_may_name_a_patient_are_not_kept(folder) -> None:
    text = f"{HEADER},surname,seen,grade\n{ROW},Muster,12.03.2014,2\n"
    found = read(folder, text)
    (record,) = found.cohort
    assert record.more == (("grade", "2"),)
    assert found.columns_left_out == ("surname", "seen")
    assert "surname, seen" in found.note
    assert "Muster" not in found.note
    assert "grade" not in repr(record)  # what a log may hold


cells = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=20)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=40,
)
@given(
    label=cells,
    site=cells,
    patient=cells,
    mpp=st.none() | st.floats(0.05, 20),
    grade=st.sampled_from(["", "2", "low; high", 'so-called "3"']),
)
def test_what_is_written_is_read_back(folder, label, site, patient, mpp, grade) -> None:
    record = SlideRecord(
        "S1",
        folder / "slides" / "a.svs",
        patient,
        label,
        site,
        mpp,
        "" if mpp is None else "manifest",
        stain="H&E",
        label_source="IHC",
        more=(("WHO grade", grade),) if grade else (),
    )
    path = folder / "written" / "manifest.csv"
    write_manifest(path, Cohort((record,)))
    found = read_manifest(path, check_slides=False)
    assert found.problems == ()
    assert tuple(found.cohort) == (record,)


def test_a_written_manifest_moves_with_its_slides(folder, tmp_path) -> None:
    write_manifest(folder / "m.csv", [SlideRecord("S1", folder / "slides" / "a.svs")])
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.move(folder / "slides", moved / "slides")
    shutil.move(folder / "m.csv", moved / "m.csv")
    (record,) = read_manifest(moved / "m.csv", check_slides=False).cohort
    assert record.path == moved / "slides" / "a.svs"


# -- slides that are opened -----------------------------------------------------------


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two slides, a copy of one, what is no slide, and hidden things."""
    root = tmp_path / "scans"
    (root / "sub" / ".hidden").mkdir(parents=True)
    write_pyramid(root / "SMITH John 1.tif", [texture(300, 260, 1)])
    write_pyramid(root / "sub" / "two.tif", [texture(300, 260, 2)])
    shutil.copy(root / "SMITH John 1.tif", root / "sub" / "a copy.tif")
    shutil.copy(root / "SMITH John 1.tif", root / ".hidden.tif")
    shutil.copy(root / "SMITH John 1.tif", root / "sub" / ".hidden" / "x.tif")
    (root / "notes.txt").write_text("not a slide")
    from PIL import Image

    Image.fromarray(texture(64, 64, 3)).save(root / "photo.png")
    return root


def test_a_manifest_opens_its_slides_once(scans) -> None:
    rows = "SMITH John 1.tif,S1,P,x,y\nnotes.txt,S2,P,x,y\nphoto.png,S3,P,x,y"
    found = read_manifest(manifest(scans, f"{HEADER}\n{rows}"))
    assert [r.slide_id for r in found.cohort] == ["S1", "S3"]
    assert all(len(r.fingerprint) >= 8 for r in found.cohort)
    (problem,) = found.problems
    assert (problem.slide_id, problem.row) == ("S2", 3)
    assert "notes" not in str(problem)


def test_a_folder_is_scanned_without_file_names(scans) -> None:
    found = scan_folder(scans)
    assert [r.slide_id for r in found.cohort] == [r.fingerprint[:8] for r in found.cohort]
    assert {r.path.name for r in found.cohort} == {"SMITH John 1.tif", "two.tif"}
    (problem,) = found.problems
    assert problem.sentence == "It holds the same slide as file 1."
    assert str(problem).startswith("File 2:")


def test_pictures_are_taken_only_when_asked(scans) -> None:
    assert not any(r.path.suffix == ".png" for r in scan_folder(scans).cohort)
    with_pictures = scan_folder(scans, include_raster=True).cohort
    assert sum(r.path.suffix == ".png" for r in with_pictures) == 1


def test_a_damaged_slide_does_not_stop_the_scan(scans) -> None:
    data = (scans / "sub" / "two.tif").read_bytes()
    (scans / "sub" / "two.tif").write_bytes(data[: len(data) // 8])
    found = scan_folder(scans)
    assert len(found.cohort) == 1
    assert len(found.problems) == 2
    for problem in found.problems:
        assert problem.sentence
        assert "two" not in str(problem)
        assert "SMITH" not in str(problem)


def test_a_scan_can_be_cancelled(scans) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        scan_folder(scans, job)


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(ManifestError, match="not there"):
        scan_folder(Path("/no/such/folder"))


@pytest.mark.shared
def test_real_slides_are_found(shared: Path) -> None:
    found = scan_folder(shared / "data" / "wsi" / "napari-wsi")
    assert len(found.cohort) == 1  # a folder of DICOM files is one slide
    assert found.problems == ()
    assert found.cohort.slides[0].path.is_dir()
