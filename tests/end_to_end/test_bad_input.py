"""Bad input ends in a clear sentence; the rest of the cohort goes on, nothing is lost."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.end_to_end import small_slides as make
from tests.end_to_end.small_models import QUICK

from napari_lookalike.core.errors import ManifestError, ScaleError, TrainingError
from napari_lookalike.core.manifest import ManifestResult, read_manifest
from napari_lookalike.core.pipeline import embed_pool
from napari_lookalike.core.pipeline.embed import embed_project
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.session.cohort_commands import EditRecord, ExcludeSlide
from napari_lookalike.session.opening import new_project, open_project, refresh_project, say_missing
from napari_lookalike.session.session import Session


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed_pool, "cores", lambda: 1)


def check_sentence(text: str, *paths: Path) -> None:
    """A sentence for a person: complete, with no path, no file name, no Python in it."""
    assert not text[0].islower() or text.startswith("rare "), text  # the label's own spelling
    assert text.endswith("."), text
    assert not re.search(r"Traceback|0x[0-9a-f]{4}|<class|Error\(|\bNone\b|\bnan\b", text), text
    for path in paths:
        assert path.name not in text and str(path.parent) not in text, text


@pytest.fixture
def cohort(tmp_path: Path) -> tuple[ManifestResult, dict[str, Path]]:
    """Six sound slides among ten unsound ones."""
    paths = {f"ok{i}": make.tissue(tmp_path / f"name{i}.tif", i) for i in range(1, 7)}
    paths |= {
        "gone": tmp_path / "never_written.svs",
        "text": make.text_as_slide(tmp_path / "letter.svs"),
        "cut": make.cut_short(tmp_path / "copy_broke_off.tif", 20),
        "blank": make.glass(tmp_path / "just_glass.tif"),
        "noscale": make.tissue(tmp_path / "unscaled.tif", 21),
        "level0": make.tissue(tmp_path / "unscaled_too.tif", 22),
        "dpi72": make.screen_resolution(tmp_path / "from_a_screen.tif", 23),
        "holes": make.holes(tmp_path / "with_holes.tif", 24),
        "lonely": make.tissue(tmp_path / "only_one.tif", 25),
    }
    labels = {"ok1": "A", "ok2": "B", "ok3": "A", "ok4": "B", "ok5": "A", "ok6": "B"}
    no_mpp = {"noscale", "level0", "dpi72"}
    rows = [
        (path, slide_id, f"P-{slide_id}", labels.get(slide_id, "A"), "x", make.MPP)
        if slide_id not in no_mpp
        else (path, slide_id, f"P-{slide_id}", "B", "x")
        for slide_id, path in paths.items()
    ]
    rows = [row if row[1] != "lonely" else (*row[:3], "rare", *row[4:]) for row in rows]
    rows += [
        (paths["ok1"], "OK1", "", "A", "", make.MPP),
        (paths["ok1"], "badmpp", "", "A", "", "half"),
        (paths["ok1"], "hugempp", "", "A", "", 352.78),
        (paths["ok1"], "a/b", "", "A", "", make.MPP),
        ("", "nofile", "", "A", "", make.MPP),
    ]
    return read_manifest(make.write_manifest(tmp_path / "manifest.csv", rows)), paths


def test_every_bad_slide_is_named_and_the_rest_goes_on(
    cohort: tuple[ManifestResult, dict[str, Path]], tmp_path: Path
) -> None:
    found, paths = cohort
    left_out = {p.slide_id: p for p in found.problems}
    assert sorted(left_out) == sorted(["gone", "text", "OK1", "badmpp", "hugempp", "a/b", "nofile"])
    for problem in found.problems:
        check_sentence(problem.sentence, *paths.values())
        check_sentence(problem.remedy, *paths.values())
        assert str(problem).startswith(f"Line {problem.row} ({problem.slide_id}): ")
    assert "not where" in left_out["gone"].sentence
    assert "OpenSlide" in left_out["text"].sentence and "tifffile" in left_out["text"].sentence

    session = Session()
    project = new_project(session, tmp_path / "project", found.cohort)
    report = embed_project(project.root)
    sound = ("ok1", "ok2", "ok3", "ok4", "ok5", "ok6", "lonely")
    assert report.done == sound
    assert sorted(report.failed) == ["blank", "cut", "dpi72", "holes", "level0", "noscale"]
    for sentence in report.failed.values():
        check_sentence(sentence, *paths.values())
    assert "No tissue" in report.failed["blank"]
    assert "cut off" in report.failed["cut"] and "decoded" in report.failed["holes"]
    assert all("mpp" in report.failed[s] for s in ("noscale", "level0", "dpi72"))
    assert "72 dpi" in report.failed["dpi72"]

    # the sound ones are there, and a second run does not try them again
    again = embed_project(project.root)
    assert again.skipped == sound and not again.done and again.failed == report.failed


def test_the_user_mends_what_is_wrong(
    cohort: tuple[ManifestResult, dict[str, Path]], tmp_path: Path
) -> None:
    found, _ = cohort
    session = Session()
    project = new_project(session, tmp_path / "project", found.cohort)
    embed_project(project.root)
    refresh_project(session)

    with pytest.raises(ScaleError, match="plausible"):
        session.history.do(EditRecord("noscale", mpp=352.78))
    session.history.do(EditRecord(["noscale", "dpi72"], mpp=0.5))
    session.history.do(EditRecord("level0", level0_tiles=True))
    session.history.do(ExcludeSlide(["blank", "holes", "cut"]))
    report = embed_project(project.root)
    assert report.done == ("noscale", "level0", "dpi72") and not report.failed
    refresh_project(session)
    assert session.cohort["dpi72"].mpp_source == "user"
    scaled, level0 = project.load_features("noscale"), project.load_features("level0")
    assert scaled.grid.tile_mode == "mpp" and scaled.slide_mpp == (0.5, 0.5)
    assert level0.grid.tile_mode == "level0" and level0.slide_mpp is None
    assert level0.grid.size_px0 == (224.0, 224.0)

    # tiles in level-0 pixels are never mixed with the others; the label with one slide waits
    version = train_project(project.root, replace(project.settings.train, **QUICK))
    results = load_results(project.version_dir(version))
    notes = " ".join(results.card["notes"])
    for sentence in results.card["notes"]:
        check_sentence(sentence)
    assert "level0" in notes and "cut" in notes and "rare has one slide" in notes
    assert "level0" not in results.slides
    assert results.classes == ("A", "B")
    assert not results.slides["lonely"].held_out  # predicted by the final model

    # once it has a scale, it takes part
    session.history.do(EditRecord("level0", mpp=0.5))
    assert embed_project(project.root).done == ("level0",)
    version = train_project(project.root, replace(project.settings.train, **QUICK))
    assert "level0" in load_results(project.version_dir(version)).slides


def test_a_cohort_that_cannot_be_trained_says_what_it_lacks(tmp_path: Path) -> None:
    project = make.sound_project(tmp_path, n=3)
    with pytest.raises(TrainingError, match="Embed the slides first"):
        train_project(project.root, project.settings.train)
    embed_project(project.root)
    with pytest.raises(TrainingError, match="Only one subtype has two") as caught:
        train_project(project.root, project.settings.train)
    check_sentence(str(caught.value))
    assert project.versions() == ()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("slide,slide_id,patient_id,lable,site", "lable.*Did you mean label"),
        ("slide,slide_id,patient_id,site", "no column 'label'"),
        ("slide,slide_id,patient_id,label,site,label", "label is there twice"),
        ("slide,slide_id,patient_id,label,site,stian", "unknown column 'stian'.*mean stain"),
        ("", "empty"),
    ],
)
def test_a_wrong_column_is_named_and_nothing_is_made(
    tmp_path: Path, header: str, words: str
) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(f"{header}\nx.svs,S1,P1,A,B,C\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=words) as caught:
        read_manifest(path)
    check_sentence(str(caught.value), path)
    assert [p.name for p in tmp_path.iterdir()] == ["manifest.csv"]


def look_for_files(session: Session, project: Project) -> None:
    """What the window does in a thread once the panels show the project."""
    session.missing = frozenset(project.missing())
    say_missing(session)


def test_moved_slides_are_found_again_by_their_content(tmp_path: Path) -> None:
    project = make.sound_project(tmp_path)
    embed_project(project.root)
    archive = tmp_path / "archive" / "2024"
    archive.mkdir(parents=True)
    for i, record in enumerate(project.cohort):
        record.path.rename(archive / f"renamed_{9 - i}.tif")
    make.text_as_slide(archive / "letter.svs")

    session = Session()
    opened = open_project(session, project.root)
    look_for_files(session, opened)
    assert session.notice is not None and session.notice.kind == "warning"
    assert "4 slides are not where they were" in session.notice.text
    check_sentence(session.notice.text)
    report = embed_project(project.root, only_missing=False)
    assert len(report.failed) == 4 and "Relink" in report.failed["S1"]
    assert len(project.load_features("S1"))  # the features that were there still are

    assert sorted(opened.relink(tmp_path / "archive")) == ["S1", "S2", "S3", "S4"]
    again = embed_project(project.root)
    assert len(again.skipped) == 4 and not again.failed
    with opened.open_slide("S1") as slide:
        assert slide.fingerprint == project.cohort["S1"].fingerprint


def test_one_moved_slide_is_said_in_the_singular(tmp_path: Path) -> None:
    project = make.sound_project(tmp_path)
    project.cohort["S2"].path.unlink()
    session = Session()
    look_for_files(session, open_project(session, project.root))
    assert session.notice is not None
    assert "1 slide is not where it was" in session.notice.text


def test_another_slide_under_the_old_name_is_noticed(tmp_path: Path) -> None:
    project = make.sound_project(tmp_path)
    make.tissue(project.cohort["S1"].path, seed=77)
    report = embed_project(project.root)
    assert report.done == ("S2", "S3", "S4")
    assert "another slide" in report.failed["S1"]
    check_sentence(report.failed["S1"])


def test_pictures_are_taken_from_a_manifest_and_only_with_a_scale(tmp_path: Path) -> None:
    with_mpp, without = (make.picture(tmp_path / f"{n}.png", n) for n in (1, 2))
    rows = [(with_mpp, "S1", "", "A", "", 0.5), (without, "S2", "", "A", "")]
    found = read_manifest(make.write_manifest(tmp_path / "m.csv", rows))
    project = Project.create(tmp_path / "project", found.cohort)
    report = embed_project(project.root)
    assert report.done == ("S1",) and "mpp" in report.failed["S2"]
