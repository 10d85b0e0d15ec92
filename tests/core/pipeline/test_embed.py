"""A cohort to feature files: one bad slide stops nobody, finished work is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from tests.core.mean_colour import MeanColour

from napari_lookalike.core import encoders
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import EncoderError, ProjectError
from napari_lookalike.core.features import load_features, read_header, save_features
from napari_lookalike.core.pipeline import embed_pool
from napari_lookalike.core.pipeline.embed import EmbedReport, embed_project
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.project import Project, ProjectSettings
from napari_lookalike.core.tissue import TissueSettings

TISSUE = TissueSettings(pixel_um=4.0, min_area_um2=100.0)
SETTINGS = ProjectSettings(encoder="mean-colour", tissue=TISSUE)


def picture(path: Path, kind: str = "H&E", seed: int = 0, size: int = 500) -> Path:
    rng = np.random.default_rng(seed)
    pixels = rng.normal(243, 1, (size, size, 3))
    if kind != "blank":
        colour = {"H&E": (205, 120, 175), "DAB": (150, 100, 60)}[kind]
        nuclei = {"H&E": (105, 75, 150), "DAB": (110, 90, 160)}[kind]
        inside = np.s_[80:-80, 80:-80]
        spots = rng.random(pixels[inside].shape[:2]) > 0.8
        tissue = np.where(spots[..., None], nuclei, colour)
        pixels[inside] = tissue + rng.normal(0, 10, tissue.shape)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, compress_level=1)
    return path


def record(folder: Path, slide_id: str, kind: str = "H&E", **changes: Any) -> SlideRecord:
    path = picture(folder / f"file-of-{slide_id}.png", kind, seed=ord(slide_id[-1]))
    base = SlideRecord(slide_id, path, mpp=0.5, mpp_source="manifest")
    return replace(base, **changes)


@pytest.fixture
def tiny_encoder(monkeypatch: pytest.MonkeyPatch) -> MeanColour:
    """The project's encoder is the mean colour, and everything runs in this process."""
    encoder = MeanColour()
    registry = type(encoders.ENCODERS)("encoder", EncoderError)
    registry.register("mean-colour", encoder.spec)
    monkeypatch.setattr(encoders, "ENCODERS", registry)
    monkeypatch.setattr(encoders, "load_encoder", lambda *_, **__: encoder)
    monkeypatch.setattr(encoders, "encoder_identity", lambda *_: encoder.identity, raising=False)
    monkeypatch.setattr(embed_pool, "cores", lambda: 1)
    return encoder


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Project]:
    def project(*records: SlideRecord, settings: ProjectSettings = SETTINGS) -> Project:
        return Project.create(tmp_path / "project", Cohort(records), settings)

    return project


@pytest.mark.usefixtures("tiny_encoder")
def test_one_bad_slide_does_not_stop_the_others(
    tmp_path: Path, make: Callable[..., Project]
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    project = make(
        record(tmp_path, "S1"),
        SlideRecord("S2", tmp_path / "moved.png", mpp=0.5),
        SlideRecord("S3", damaged, mpp=0.5),
        record(tmp_path, "S4", "blank"),
        record(tmp_path, "S5", mpp=None, mpp_source=""),
        record(tmp_path, "S6", "DAB"),
        record(tmp_path, "S7", excluded=True),
        record(tmp_path, "S8", mpp=None, mpp_source="", level0_tiles=True),
    )
    report = embed_project(project.root)
    assert report.done == ("S1", "S8")
    assert list(report.failed) == ["S2", "S3", "S4", "S5"]
    for slide_id, words in {"S2": "Relink", "S4": "No tissue", "S5": "mpp"}.items():
        assert words in report.failed[slide_id]
        assert slide_id not in report.failed[slide_id]  # whoever shows it, names the slide
    assert report.skipped == ("S6",) and "brown" in report.reasons["S6"]
    assert str(tmp_path) not in str(report) and "file-of" not in str(report)
    assert report.tiles > 100 and report.tiles_per_second > 0 < report.seconds
    assert load_features(project.features_path("S1"), "S1").grid.mpp == 0.5
    assert load_features(project.features_path("S8"), "S8").grid.tile_mode == "level0"
    assert not project.features_path("S4").exists()


@pytest.mark.usefixtures("tiny_encoder")
def test_what_was_learnt_of_the_slides_is_kept(
    tmp_path: Path, make: Callable[..., Project]
) -> None:
    project = make(record(tmp_path, "S1"), record(tmp_path, "S2", "DAB"))
    embed_project(project.root)
    project.reload()
    first, second = project.cohort
    assert first.stain == "H&E" and second.stain == "other"
    assert first.fingerprint == load_features(project.features_path("S1")).fingerprint != ""
    assert (project.root / "thumbnails" / "S1.png").exists()


def test_a_second_run_does_only_what_is_missing(
    tmp_path: Path, make: Callable[..., Project], tiny_encoder: MeanColour
) -> None:
    project = make(record(tmp_path, "S1"), record(tmp_path, "S2"))
    embed_project(project.root, ["S1"])
    tiny_encoder.batches.clear()
    report = embed_project(project.root)
    assert (report.done, report.skipped) == (("S2",), ("S1",)) and not report.reasons
    nothing = embed_project(project.root)
    assert replace(nothing, seconds=0.0) == EmbedReport(skipped=("S1", "S2"))
    assert embed_project(project.root, only_missing=False).done == ("S1", "S2")
    # a corrected scale makes the old features false
    project.reload()
    corrected = replace(project.cohort["S1"], mpp=0.4)
    project.save(cohort=project.cohort.with_record(corrected))
    assert embed_project(project.root).done == ("S1",)
    assert load_features(project.features_path("S1")).slide_mpp == (0.4, 0.4)
    # and so does another threshold
    project.reload()
    project.save(settings=replace(project.settings, tissue=replace(TISSUE, min_tissue=0.9)))
    again = embed_project(project.root)
    assert again.done == ("S1", "S2") and again.tiles < report.tiles * 2


@pytest.mark.usefixtures("tiny_encoder")
def test_other_stains_if_the_user_says_so(tmp_path: Path, make: Callable[..., Project]) -> None:
    project = make(record(tmp_path, "S1", "DAB", stain="H&E"), record(tmp_path, "S2", stain="PAS"))
    report = embed_project(project.root)
    assert report.done == ("S1",) and "PAS" in report.reasons["S2"]
    project.reload()
    project.save(settings=replace(project.settings, other_stains=True))
    assert embed_project(project.root).done == ("S2",)


@pytest.mark.usefixtures("tiny_encoder")
def test_cancelling_keeps_what_is_finished(tmp_path: Path, make: Callable[..., Project]) -> None:
    project = make(*(record(tmp_path, f"S{i}") for i in range(1, 4)))

    def on_step(done: int, total: int, what: str) -> None:
        if "S2" in what:
            job.cancel()

    job = Job(on_step)
    with pytest.raises(JobCancelled):
        embed_project(project.root, job=job)
    done = [project.features_path(f"S{i}").exists() for i in range(1, 4)]
    assert done == [True, False, False]
    project.reload()
    assert project.cohort["S1"].fingerprint
    assert embed_project(project.root).done == ("S2", "S3")


def test_faults_of_the_system_become_sentences(
    tmp_path: Path, make: Callable[..., Project], tiny_encoder: MeanColour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    project = make(*(record(tmp_path, f"S{i}") for i in range(1, 5)))
    faults = iter([MemoryError(), OSError(5, "Input/output error", "secret.svs"), ValueError("x")])
    encode = tiny_encoder.encode

    def failing(tiles: np.ndarray) -> np.ndarray:
        fault = next(faults, None)
        if fault is not None:
            raise fault
        return encode(tiles)

    monkeypatch.setattr(tiny_encoder, "encode", failing)
    report = embed_project(project.root)
    assert report.done == ("S4",)
    assert "memory" in report.failed["S1"] and "Input/output error" in report.failed["S2"]
    assert "ValueError" in report.failed["S3"] and "secret" not in str(report)


@pytest.mark.usefixtures("tiny_encoder")
def test_wrong_requests_are_refused_at_once(tmp_path: Path, make: Callable[..., Project]) -> None:
    project = make(record(tmp_path, "S1"))
    with pytest.raises(ProjectError, match="no slide S9"):
        embed_project(project.root, ["S9"])
    with pytest.raises(EncoderError, match="no encoder"):
        embed_project(project.root, encoder="nobody")
    with pytest.raises(ProjectError):
        embed_project(tmp_path / "elsewhere")
    project.reload()
    assert project.settings.encoder == "mean-colour"


@pytest.mark.slow
@pytest.mark.processes
def test_processes_give_what_one_process_gives(
    tmp_path: Path, make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped encoder, two processes; a slide that fails is reported from there."""
    records = [record(tmp_path, f"S{i}") for i in range(1, 4)]
    project = make(
        *records, record(tmp_path, "S4", "blank"), settings=ProjectSettings(tissue=TISSUE)
    )
    monkeypatch.setattr(embed_pool, "cores", lambda: 2)
    steps: list[tuple[int, int]] = []
    report = embed_project(
        project.root, job=Job(lambda done, total, _: steps.append((done, total)))
    )
    assert report.done == ("S1", "S2", "S3") and "No tissue" in report.failed["S4"]
    assert steps == sorted(steps) and steps[-1] == (4000, 4000)
    theirs = [load_features(project.features_path(f"S{i}")) for i in range(1, 4)]
    monkeypatch.setattr(embed_pool, "cores", lambda: 1)
    assert embed_project(project.root, ["S1", "S2", "S3"], only_missing=False).done == report.done
    for i, there in enumerate(theirs, start=1):
        here = load_features(project.features_path(f"S{i}"))
        np.testing.assert_allclose(here.instances, there.instances, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(here.grid.cells, there.grid.cells)


@pytest.mark.slow
@pytest.mark.processes
def test_processes_stop_soon_when_cancelled(
    tmp_path: Path, make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    big = [
        replace(record(tmp_path, f"S{i}"), path=picture(tmp_path / f"{i}.png", size=2600))
        for i in (1, 2)
    ]
    project = make(*big, settings=ProjectSettings(tissue=TissueSettings()))
    monkeypatch.setattr(embed_pool, "cores", lambda: 2)

    def on_step(done: int, total: int, what: str) -> None:
        if total and done > 10:
            job.cancel()

    job = Job(on_step)
    with pytest.raises(JobCancelled):
        embed_project(project.root, job=job)
    left = {path.suffix for path in project.root.rglob("features/**/*") if path.is_file()}
    assert left <= {".hdf5", ".npz"}  # tiles that are done, no whole slide, and no claim


@pytest.mark.slow
@pytest.mark.processes
def test_a_slide_that_kills_its_process_is_reported_and_the_rest_goes_on(
    tmp_path: Path, make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(
        *(record(tmp_path, f"S{i}") for i in range(1, 4)), settings=ProjectSettings(tissue=TISSUE)
    )
    monkeypatch.setattr(embed_pool, "cores", lambda: 2)
    monkeypatch.setattr(embed_pool, "work", work_that_dies)
    monkeypatch.syspath_prepend(Path(__file__).parents[3])  # so that a new process finds it
    report = embed_project(project.root)
    assert report.done == ("S1", "S3"), report
    assert "ended unexpectedly" in report.failed["S2"]


_work = embed_pool.work


def work_that_dies(index: int, slide_id: str) -> Any:
    if slide_id == "S2":
        os._exit(1)
    return _work(index, slide_id)


def test_a_damaged_feature_file_is_named_and_made_again(
    tmp_path: Path, make: Callable[..., Project], tiny_encoder: MeanColour
) -> None:
    project = make(record(tmp_path, "S1"), record(tmp_path, "S2"), record(tmp_path, "S3"))
    embed_project(project.root)
    before = load_features(project.features_path("S1")).instances
    first = project.features_path("S1")
    data = bytearray(first.read_bytes())
    place = data.find(before.tobytes())
    assert place > 0
    data[place + 2] ^= 1  # one bit of one number: only the checksum tells
    first.write_bytes(data)
    project.features_path("S2").write_bytes(b"half")
    tiny_encoder.batches.clear()
    report = embed_project(project.root)
    assert report.done == ("S1", "S2") and report.skipped == ("S3",)
    assert "numbers" in report.damaged["S1"] and "whole" in report.damaged["S2"]
    np.testing.assert_array_equal(load_features(first).instances, before)
    assert not embed_project(project.root).damaged


def test_what_is_wrong_with_a_feature_file_is_told_as_what_it_is(
    tmp_path: Path, make: Callable[..., Project], tiny_encoder: MeanColour
) -> None:
    names = ("S1", "S2", "S3", "S4")
    project = make(*(record(tmp_path, name) for name in names))
    embed_project(project.root)
    paths = {name: project.features_path(name) for name in names}
    with h5py.File(paths["S1"]) as file:
        place = file["coords"].id.get_offset()
    data = bytearray(paths["S1"].read_bytes())
    data[place] ^= 1  # where a tile lies: its vectors are as they were
    paths["S1"].write_bytes(data)
    paths["S2"].write_bytes(paths["S3"].read_bytes())
    made = load_features(paths["S3"])
    save_features(paths["S3"], replace(made, encoder="another-v1"))
    paths["S4"].write_bytes(paths["S4"].read_bytes()[:-7])
    report = embed_project(project.root)
    assert report.done == names
    assert "slide and tiles has changed" in report.damaged["S1"]
    assert report.damaged["S2"] == "it was made for a slide called S3"
    assert report.damaged["S3"] == "it is of another encoder (another-v1)"
    assert "its end is missing" in report.damaged["S4"]
    assert not embed_project(project.root).damaged


@pytest.mark.parametrize("text", ['{"auto"', "[]"])
def test_a_file_of_before_with_settings_that_nobody_can_read_is_made_again(
    text: str, tmp_path: Path, make: Callable[..., Project], tiny_encoder: MeanColour
) -> None:
    project = make(record(tmp_path, "S1"))
    embed_project(project.root)
    path = project.features_path("S1")
    with h5py.File(path, "r+") as file:
        del file.attrs["seal"]
        file.attrs["tissue_settings"] = text
    assert embed_project(project.root).done == ("S1",)


@pytest.mark.usefixtures("tiny_encoder")
def test_stopped_early_is_told_and_completed_later(
    tmp_path: Path, make: Callable[..., Project], tiny_encoder: MeanColour
) -> None:
    project = make(record(tmp_path, "S1"))
    early = embed_project(project.root, stop_at=0.2, batch=4)
    assert early.done == ("S1",) and 0.2 <= early.partial["S1"] < 0.4
    features = load_features(project.features_path("S1"))
    assert features.coverage == pytest.approx(early.partial["S1"])
    assert embed_project(project.root, stop_at=0.2).skipped == ("S1",)  # that is enough
    tiny_encoder.batches.clear()
    whole = embed_project(project.root)
    assert whole.done == ("S1",) and not whole.partial
    assert sum(tiny_encoder.batches) == whole.tiles - len(features)  # none was done twice
    assert load_features(project.features_path("S1")).coverage == 1
    tiny_encoder.batches.clear()
    again = embed_project(project.root, only_missing=False)
    assert sum(tiny_encoder.batches) == again.tiles == whole.tiles


@pytest.mark.usefixtures("tiny_encoder")
def test_normalised_features_have_a_folder_of_their_own(
    tmp_path: Path, make: Callable[..., Project]
) -> None:
    project = make(record(tmp_path, "S1"))
    embed_project(project.root)
    plain = project.features_path("S1")
    assert embed_project(project.root, stain="macenko").done == ("S1",)
    project.reload()
    stained = project.features_path("S1")
    assert project.settings.stain_normalisation == "macenko"
    assert plain.exists() and stained.exists() and plain != stained
    assert load_features(stained).encoder.endswith("-stain-macenko2")
    assert embed_project(project.root).skipped == ("S1",)
    assert embed_project(project.root, stain="none").skipped == ("S1",)
    with pytest.raises(EncoderError, match="no stain normalisation"):
        embed_project(project.root, stain="blue")


@pytest.mark.usefixtures("tiny_encoder")
@pytest.mark.parametrize(("stain", "method"), [("H&E", "reinhard"), ("other", "none")])
def test_a_slide_that_is_known_as_h_and_e_is_not_judged_again(
    tmp_path: Path,
    make: Callable[..., Project],
    monkeypatch: pytest.MonkeyPatch,
    stain: str,
    method: str,
) -> None:
    from napari_lookalike.core.normalise import fit, stain_from_json

    def refuse(_tiles: object) -> None:
        raise fit.NotFitted("it does not look like H&E")

    monkeypatch.setattr(fit, "check_stain", refuse)
    project = make(record(tmp_path, "S1", stain=stain))
    project.save(project.cohort, replace(project.settings, other_stains=True))
    assert embed_project(project.root, stain="reinhard").done == ("S1",)
    project.reload()
    found = read_header(project.features_path("S1"))
    assert stain_from_json(found.stain).method == method


@pytest.mark.usefixtures("tiny_encoder")
def test_progress_tells_slide_tiles_and_rate(tmp_path: Path, make: Callable[..., Project]) -> None:
    project = make(record(tmp_path, "S1"), record(tmp_path, "S2"))
    told: list[str] = []
    embed_project(project.root, job=Job(lambda _done, _total, what: told.append(what)))
    assert any(re.match(r"Slide 2 of 2, S2: \d+ of \d+ tiles", what) for what in told)
    assert any("finding its tissue" in what for what in told)


@pytest.mark.usefixtures("tiny_encoder")
def test_a_scale_for_the_slides_that_have_none(
    tmp_path: Path, make: Callable[..., Project]
) -> None:
    from napari_lookalike.core.errors import ScaleError
    from napari_lookalike.core.pipeline.missing_scale import give_scale

    project = make(
        record(tmp_path, "S1"),
        record(tmp_path, "S2", mpp=None, mpp_source=""),
        record(tmp_path, "S3", mpp=None, mpp_source="", excluded=True),
        record(tmp_path, "S4", mpp=None, mpp_source="", level0_tiles=True),
    )
    with pytest.raises(ScaleError, match="500"):
        give_scale(project, 500.0)
    assert give_scale(project, 0.4) == ("S2",)
    assert (project.cohort["S2"].mpp, project.cohort["S2"].mpp_source) == (0.4, "user")
    assert project.cohort["S1"].mpp == 0.5
    assert embed_project(project.root, ["S2"]).done == ("S2",)


@pytest.mark.slow
@pytest.mark.processes
def test_several_processes_share_one_slide(
    tmp_path: Path, make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a slide of 120 tiles a small one: who is done helps, and the sum is right."""
    large = replace(record(tmp_path, "S1"), path=picture(tmp_path / "big.png", size=2600))
    project = make(large, record(tmp_path, "S2"), settings=ProjectSettings(tissue=TissueSettings()))
    monkeypatch.setattr(embed_pool, "cores", lambda: 2)
    told: list[str] = []
    report = embed_project(project.root, job=Job(lambda _done, _total, what: told.append(what)))
    assert not report.failed and set(report.done) == {"S1", "S2"}
    there = load_features(project.features_path("S1"))
    assert len(there) > 64 and there.coverage == 1
    monkeypatch.setattr(embed_pool, "cores", lambda: 1)
    embed_project(project.root, ["S1"], only_missing=False)
    here = load_features(project.features_path("S1"))
    np.testing.assert_allclose(here.instances, there.instances, rtol=1e-4, atol=1e-4)
    assert any("slides done" in what and "tiles" in what for what in told)
