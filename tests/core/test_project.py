"""The project folder: kept whole, opened even when parts are broken."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.project_fixtures import FIRST, SECOND, tiny_cohort, tiny_features, tiny_project

from napari_lookalike.core import encoders, project_file
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import (
    EncoderError,
    FeatureError,
    ModelError,
    ProjectError,
    SlideError,
)
from napari_lookalike.core.features import save_features
from napari_lookalike.core.project import Project
from napari_lookalike.core.settings import ProjectSettings
from napari_lookalike.core.tissue import TissueSettings


@pytest.fixture
def project(tmp_path: Path) -> Project:
    records = tuple(SlideRecord(s, tmp_path / "slides" / f"{s}.svs") for s in ("S1", "S2"))
    return Project.create(tmp_path / "project", Cohort(records, "mine", synthetic=True))


def relabel(project: Project, slide_id: str, label: str) -> Cohort:
    return project.cohort.with_record(replace(project.cohort[slide_id], label=label))


def test_everything_is_read_back(tmp_path: Path) -> None:
    record = SlideRecord(
        "S1",
        tmp_path / "a b" / "ü.svs",
        "P1",
        "ependymoma",
        "Basel",
        0.25,
        "user",
        level0_tiles=True,
        stain="H&E",
        label_source="molecular",
        fingerprint="abc",
        excluded=True,
        state="reviewed",
        more=(("Age group", "4 to 10"), ("sex", "f")),
    )
    settings = ProjectSettings(
        "uni2-h",
        "/weights/uni.safetensors",
        TissueSettings(min_density=0.05, exclude_pen=False),
        TrainConfig(head="clam_mb", gamma=4.0, folds=3),
        other_stains=True,
        expert="Dr A",
    )
    made = Project.create(tmp_path / "p", Cohort((record,), "mine", synthetic=True), settings)
    opened = Project.open(tmp_path / "p")
    assert opened.cohort == made.cohort == Cohort((record,), "mine", synthetic=True)
    assert opened.settings == settings
    assert (opened.warning, opened.read_only) == ("", False)
    assert opened.settings.weights_path == Path("/weights/uni.safetensors")


def test_defaults() -> None:
    assert ProjectSettings().encoder == encoders.DEFAULT_ENCODER
    assert ProjectSettings().weights_path is None


def test_saving_replaces_and_keeps_the_former(project: Project) -> None:
    project.save(cohort=relabel(project, "S1", "a"))
    project.save(cohort=relabel(project, "S1", "b"))
    project.save(settings=replace(project.settings, other_stains=True))
    opened = Project.open(project.root)
    assert opened.cohort["S1"].label == "b"
    assert opened.settings.other_stains
    former = json.loads((project.root / "project.json.bak").read_text())
    assert former["cohort"]["slides"][0]["label"] == "b"
    assert former["settings"]["other_stains"] is False
    assert not list(project.root.glob(".tmp-*"))


def test_a_project_moves_with_its_slides(project: Project, tmp_path: Path) -> None:
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "S1.svs").write_bytes(b"x")
    moved = tmp_path / "elsewhere" / "deep"
    moved.mkdir(parents=True)
    for name in ("slides", "project"):
        shutil.move(tmp_path / name, moved / name)
    opened = Project.open(moved / "project")
    assert opened.cohort["S1"].path == moved / "slides" / "S1.svs"
    assert opened.missing() == ("S2",)


def test_slides_far_away_keep_their_path(tmp_path: Path) -> None:
    far = Path(tmp_path.anchor) / "archive" / "x.svs"
    root = tmp_path / "a" / "b" / "c" / "d"
    Project.create(root, Cohort((SlideRecord("S1", far),)))
    shutil.move(root, tmp_path / "moved")
    assert Project.open(tmp_path / "moved").cohort["S1"].path == far


def test_opening_by_its_file(project: Project) -> None:
    assert Project.open(project.root / "project.json").root == project.root


def test_a_project_is_not_made_over_another(project: Project) -> None:
    with pytest.raises(ProjectError, match="already"):
        Project.create(project.root, Cohort())
    assert len(Project.open(project.root).cohort) == 2


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="not a napari-lookalike project") as caught:
        Project.open(tmp_path)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b"\xff\xfe", None])
def test_a_damaged_file_is_replaced_by_its_backup(project: Project, damage: bytes | None) -> None:
    project.save(cohort=relabel(project, "S1", "a"))
    project.save(cohort=relabel(project, "S2", "b"))
    path = project.root / "project.json"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    opened = Project.open(project.root)
    assert "backup" in opened.warning
    assert opened.cohort["S1"].label == "a"
    opened.save(cohort=relabel(opened, "S2", "c"))
    again = Project.open(project.root)
    assert (again.warning, again.cohort["S2"].label) == ("", "c")


def test_a_damaged_file_does_not_replace_a_good_backup(project: Project) -> None:
    project.save(cohort=relabel(project, "S1", "a"))
    (project.root / "project.json").write_bytes(b"{")
    opened = Project.open(project.root)
    before = (project.root / "project.json.bak").read_bytes()
    opened.save(cohort=relabel(opened, "S1", "z"))
    assert (project.root / "project.json.bak").read_bytes() == before


def test_two_damaged_files_are_said(project: Project) -> None:
    for name in ("project.json", "project.json.bak"):
        (project.root / name).write_text("{")
    with pytest.raises(ProjectError, match="damaged, and so is its backup"):
        Project.open(project.root)


def test_a_project_of_a_newer_version_is_refused(project: Project) -> None:
    path = project.root / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    with pytest.raises(ProjectError, match="newer version"):
        Project.open(project.root)


def test_a_project_without_further_columns_opens_and_one_with_them_names_them(
    project: Project,
) -> None:
    path = project.root / "project.json"
    data = json.loads(path.read_text())
    slides = data["cohort"]["slides"]
    assert not any("more" in slide for slide in slides)  # as older versions wrote it
    slides[0]["more"] = {"scanner": "A"}
    path.write_text(json.dumps(data))
    first, second = Project.open(project.root).cohort
    assert (first.more, second.more) == ((("scanner", "A"),), ())


def test_unknown_fields_of_a_file_are_passed_over(project: Project) -> None:
    path = project.root / "project.json"
    data = json.loads(path.read_text())
    data["cohort"]["slides"][0]["colour"] = "red"
    data["settings"]["colour"] = data["settings"]["train"]["colour"] = "red"
    path.write_text(json.dumps(data))
    assert Project.open(project.root).cohort == project.cohort


@pytest.mark.parametrize("bad", ["a/b", "..", "s1"])
def test_bad_slide_ids_are_refused_and_nothing_changes(project: Project, bad: str) -> None:
    with pytest.raises(ProjectError):
        project.save(cohort=project.cohort.with_added((SlideRecord(bad, Path("x")),)))
    assert len(project.cohort) == len(Project.open(project.root).cohort) == 2


def test_a_failed_write_leaves_all_as_it_was(project: Project, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = (project.root / "project.json").read_bytes()
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ProjectError, match="No space left") as caught:
        project.save(cohort=relabel(project, "S1", "a"))
    assert str(project.root) not in str(caught.value)
    assert project.cohort["S1"].label == ""
    assert (project.root / "project.json").read_bytes() == before
    assert not list(project.root.glob(".tmp-*"))


def test_what_somebody_else_wrote_in_between_is_read_though_nothing_tells(project: Project) -> None:
    other = Project.open(project.root)
    project.save(cohort=relabel(project, "S1", "a"))
    other.save(cohort=relabel(other, "S2", "b"))
    assert other.cohort["S1"].label == "a"
    assert project.reload()
    assert project.cohort["S2"].label == "b"
    assert not project.reload()


def test_the_file_is_read_again_only_if_it_is_another_one(project: Project, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("read in vain")

    monkeypatch.setattr("napari_lookalike.core.project.read_project_file", fail)
    project.save(cohort=relabel(project, "S1", "a"))
    assert not project.reload()
    monkeypatch.undo()
    assert Project.open(project.root).cohort["S1"].label == "a"
    backup = json.loads((project.root / "project.json.bak").read_text())
    assert "label" not in backup["cohort"]["slides"][0]


def test_a_disk_without_second_names_keeps_a_copy(project: Project, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    former = (project.root / "project.json").read_bytes()
    project.save(cohort=relabel(project, "S1", "a"))
    assert (project.root / "project.json.bak").read_bytes() == former
    assert not list(project.root.glob(".tmp-*"))


def test_a_read_only_project_opens_and_refuses_changes(project: Project, monkeypatch) -> None:
    monkeypatch.setattr("napari_lookalike.core.project.can_write", lambda _: False)
    opened = Project.open(project.root)
    assert opened.read_only
    for change in (
        lambda: opened.save(cohort=relabel(opened, "S1", "a")),
        lambda: opened.set_current_version(None),
    ):
        with pytest.raises(ProjectError, match="read-only: nothing was changed"):
            change()
    assert Project.open(project.root).cohort["S1"].label == ""


def test_whether_a_folder_can_be_written(tmp_path: Path) -> None:
    assert project_file.can_write(tmp_path)
    assert not project_file.can_write(tmp_path / "not there")


def test_two_windows_do_not_overwrite_each_other(project: Project) -> None:
    other = Project.open(project.root)
    other.save(cohort=other.cohort.with_record(replace(other.cohort["S1"], fingerprint="f")))
    project.save(cohort=relabel(project, "S1", "a"))
    assert project.cohort["S1"] == replace(project.cohort["S1"], label="a", fingerprint="f")
    assert other.reload()
    assert other.cohort == project.cohort == Project.open(project.root).cohort
    assert not other.reload()


def test_settings_of_another_window_survive(project: Project) -> None:
    other = Project.open(project.root)
    other.save(settings=replace(other.settings, other_stains=True))
    project.save(cohort=relabel(project, "S1", "a"))
    assert project.settings.other_stains


def test_a_project_travels_to_another_process(project: Project) -> None:
    copy = pickle.loads(pickle.dumps(project))
    assert (copy.root, copy.cohort) == (project.root, project.cohort)


# -- models ---------------------------------------------------------------------------


def version(project: Project, name: str) -> None:
    project.version_dir(name).mkdir(parents=True)
    (project.version_dir(name) / "model.json").write_text("{}")


def test_versions_and_their_history(project: Project) -> None:
    assert project.versions() == ()
    assert project.current_version is None
    assert project.next_version("ce") == "m001-ce"
    for name in ("m001-ce", "m002-expert"):
        version(project, name)
    (project.root / "models" / ".tmp-1").mkdir()
    (project.root / "models" / "m009-half").mkdir()
    assert project.versions() == ("m001-ce", "m002-expert")
    assert project.next_version("expert") == "m010-expert"
    project.set_current_version("m001-ce")
    project.set_current_version("m002-expert")
    project.set_current_version("m002-expert")
    opened = Project.open(project.root)
    assert (opened.current_version, opened.previous_version) == ("m002-expert", "m001-ce")
    assert opened.version_history == ("m001-ce", "m002-expert")
    project.set_current_version("m001-ce")
    assert opened.current_version == "m001-ce"  # read from the disk each time


def test_a_deleted_version_falls_back_to_the_one_before(project: Project) -> None:
    for name in ("m001-ce", "m002-expert"):
        version(project, name)
        project.set_current_version(name)
    shutil.rmtree(project.version_dir("m002-expert"))
    assert project.current_version == "m001-ce"
    assert project.next_version("x") == "m003-x"  # a number is used once
    (project.root / "models" / "current.json").write_text("{")
    assert project.current_version is None


def test_no_version_in_use(project: Project) -> None:
    version(project, "m001-ce")
    project.set_current_version("m001-ce")
    project.set_current_version(None)
    assert project.current_version is None


@pytest.mark.parametrize("name", ["m009-none", "../../etc", ""])
def test_versions_that_are_not_there(project: Project, name: str) -> None:
    with pytest.raises((ModelError, ProjectError)):
        project.set_current_version(name)


# -- slides, thumbnails, features -----------------------------------------------------


@pytest.fixture
def tiny(tmp_path: Path) -> Project:
    return tiny_project(tmp_path)


def test_the_fixture_has_two_versions(tiny: Project) -> None:
    assert tiny.versions() == (FIRST, SECOND)
    assert tiny.current_version == FIRST


def test_slides_open_with_the_records_scale(tiny: Project) -> None:
    with tiny.open_slide("S01") as slide:
        assert (slide.scale.mpp, slide.scale.source) == (0.5, "manifest")
        assert slide.size == (256, 192)


def test_a_missing_slide_is_named_without_its_path(tiny: Project) -> None:
    tiny.cohort["S03"].path.unlink()
    with pytest.raises(SlideError, match="Slide S03") as caught:
        tiny.open_slide("S03")
    assert "Relink" in caught.value.remedy
    assert "file02" not in str(caught.value)
    assert tiny.missing() == ("S03",)


def test_a_slide_that_nobody_may_look_for_is_missing(tiny: Project, tmp_path: Path) -> None:
    # As in a folder that lets nobody in, which a test as root cannot make: pathlib raises.
    lost = replace(tiny.cohort["S03"], path=tmp_path / ("x" * 300))
    tiny.save(cohort=tiny.cohort.with_record(lost))
    with pytest.raises(SlideError, match="Slide S03"):
        tiny.open_slide("S03")
    assert tiny.missing() == ("S03",)
    (tmp_path / "empty").mkdir()
    assert tiny.relink(tmp_path / "empty") == ()


def test_an_unreadable_slide_is_named(tiny: Project) -> None:
    tiny.cohort["S03"].path.write_bytes(b"not a picture")
    with pytest.raises(SlideError, match="Slide S03") as caught:
        tiny.open_slide("S03")
    assert "file02" not in str(caught.value)


def test_another_slide_in_the_same_place_is_refused(tiny: Project) -> None:
    remember_content(tiny, "S01")
    shutil.copy(tiny.cohort["S02"].path, tiny.cohort["S01"].path)
    with pytest.raises(SlideError, match="now holds another slide"):
        tiny.open_slide("S01")


def remember_content(project: Project, *slide_ids: str) -> None:
    records = []
    for slide_id in slide_ids:
        with project.open_slide(slide_id) as slide:
            records.append(replace(project.cohort[slide_id], fingerprint=slide.fingerprint))
    project.save(cohort=project.cohort.with_records(records))


def test_thumbnails_are_kept_and_follow_the_content(tiny: Project) -> None:
    pixels = tiny.thumbnail("S01")
    assert (pixels.shape, pixels.dtype) == ((192, 256, 3), np.uint8)
    path = tiny.root / "thumbnails" / "S01.png"
    assert path.exists()
    tiny.cohort["S01"].path.rename(tiny.cohort["S01"].path.with_suffix(".gone"))
    assert np.array_equal(tiny.thumbnail("S01"), pixels)  # from the project, not the slide
    shutil.copy(tiny.cohort["S02"].path, tiny.cohort["S01"].path)
    remember_content(tiny, "S01")
    assert not np.array_equal(tiny.thumbnail("S01"), pixels)


def test_a_damaged_thumbnail_is_made_again(tiny: Project) -> None:
    pixels = tiny.thumbnail("S01")
    (tiny.root / "thumbnails" / "S01.png").write_bytes(b"\x89PNG\r\n\x1a\n rubbish")
    assert np.array_equal(tiny.thumbnail("S01"), pixels)


def test_a_read_only_project_shows_thumbnails(tiny: Project) -> None:
    tiny.read_only = True
    assert tiny.thumbnail("S01").shape == (192, 256, 3)
    assert not (tiny.root / "thumbnails").exists()


def test_features_lie_as_trident_lays_them(project: Project) -> None:
    path = project.features_path("S1").relative_to(project.root)
    identity = encoders.encoder_identity(encoders.DEFAULT_ENCODER)
    assert path.as_posix() == f"features/20x_224px_0px_overlap/features_{identity}/S1.h5"
    level0 = replace(project.cohort["S1"], level0_tiles=True)
    project.save(cohort=project.cohort.with_record(level0))
    assert "level0_224px_0px_overlap" in project.features_path("S1").as_posix()
    assert project.features_dir("x", 256, 0.25).parent.name == "40x_256px_0px_overlap"


def test_the_identity_is_that_of_the_loaded_encoder() -> None:
    name = encoders.DEFAULT_ENCODER
    assert encoders.encoder_identity(name) == encoders.load_encoder(name).identity


def test_features_of_an_encoder_whose_weights_are_elsewhere(tiny: Project, monkeypatch) -> None:
    def no_weights(*_: object) -> str:
        raise EncoderError("The weights are not on this machine.")

    tiny.save(settings=replace(tiny.settings, encoder="uni2-h"))
    monkeypatch.setattr(encoders, "encoder_identity", no_weights)
    with pytest.raises(FeatureError, match="no features yet"):
        tiny.load_features("S01")
    folder = tiny.features_dir("uni2-h-w0123-r45", 224, 0.5)
    save_features(folder / "S01.h5", tiny_features("S01"))
    (tiny.features_dir("other-w9", 224, 0.5)).mkdir()
    assert len(tiny.load_features("S01")) == 48


# -- relinking ------------------------------------------------------------------------


def test_moved_and_renamed_slides_are_found_by_content(tiny: Project, tmp_path: Path) -> None:
    remember_content(tiny, "S01", "S02")
    moved = tmp_path / "archive" / "2024"
    moved.mkdir(parents=True)
    for slide_id, name in (("S01", "x.png"), ("S02", "file00.png")):  # S01's former name
        shutil.move(tiny.cohort[slide_id].path, moved / name)
    assert set(tiny.relink(tmp_path / "archive")) == {"S01", "S02"}
    opened = Project.open(tiny.root)
    assert opened.cohort["S01"].path == moved / "x.png"
    assert opened.cohort["S02"].path == moved / "file00.png"
    assert opened.missing() == ()


def test_a_slide_never_opened_is_found_by_its_name_if_there_is_one(tmp_path: Path) -> None:
    cohort = tiny_cohort(tmp_path / "slides")
    project = Project.create(tmp_path / "project", cohort)
    shutil.move(tmp_path / "slides", tmp_path / "moved")
    (tmp_path / "moved" / "copy").mkdir()
    shutil.copy(tmp_path / "moved" / "file01.png", tmp_path / "moved" / "copy" / "file01.png")
    found = project.relink(tmp_path / "moved")
    assert len(found) == 23
    assert project.missing() == ("S02",)  # two files have its name, and nothing tells them apart


def test_nothing_to_relink_reads_nothing(tiny: Project, tmp_path: Path) -> None:
    assert tiny.relink(tmp_path / "not there") == ()
