from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from tests.core.interop import peer_files as peers
from tests.core.interop.peer_files import EDGE, Truth, truth

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import Features
from napari_lookalike.core.interop.importing import import_source
from napari_lookalike.core.interop.raw import ImportOptions
from napari_lookalike.core.interop.report import ImportReport
from napari_lookalike.core.project import Project


def bring(project: Project, source: Path, **options: object) -> ImportReport:
    return import_source(project.root, source, ImportOptions(**options))


def features(project: Project, slide_id: str = "S1") -> Features:
    return Project.open(project.root).load_features(slide_id)


def how(report: ImportReport, field: str) -> str:
    return next(f.how for f in report.facts if f.field == field)


def value(report: ImportReport, field: str) -> str:
    return next(f.value for f in report.facts if f.field == field)


def same(found: Features, what: Truth, off: float = 0.51, edge: float = EDGE) -> None:
    """Every tile lies where it lay and has the vector that it had."""
    assert np.array_equal(found.instances, what.vectors)
    assert np.abs(found.grid.corners_px0 - what.corners).max() <= off
    assert found.grid.size_px0 == pytest.approx((edge, edge))


# -- TRIDENT ----------------------------------------------------------------------


def test_a_trident_job_folder(project: Project, tmp_path: Path) -> None:
    for i in (1, 2):
        peers.write_trident(tmp_path / "job", f"SMITH-{i}", truth(i, 1536), batch=i == 2)
    report = bring(project, tmp_path / "job")
    assert report.kind == "trident"
    assert report.name == "imported:uni2-h"
    assert not report.problems
    assert report.absent == ("S3",)
    assert (how(report, "encoder"), how(report, "tile edge on the slide")) == ("stated", "stated")
    assert how(report, "tile scale") == "worked out"
    for i in (1, 2):
        found = features(project, f"S{i}")
        same(found, truth(i, 1536))
        assert (found.grid.tile_px, found.grid.mpp, found.slide_mpp) == (256, 0.5, (0.25, 0.25))
        assert found.encoder == "imported-uni2-h"


def test_a_check_writes_nothing(project: Project, tmp_path: Path) -> None:
    source = peers.write_trident(tmp_path / "job", "S1", truth())
    before = sorted(project.root.rglob("*"))
    report = bring(project, source, check=True)
    assert [s.slide_id for s in report.good] == ["S1"]
    assert not any(s.written for s in report.slides)
    assert sorted(project.root.rglob("*")) == before


def test_nothing_is_replaced_unasked(project: Project, tmp_path: Path) -> None:
    source = peers.write_trident(tmp_path / "job", "S1", truth(1))
    bring(project, source)
    other = peers.write_trident(tmp_path / "job", "S1", truth(2))
    assert "already" in bring(project, other).problems["S1"]
    same(features(project), truth(1))
    assert not bring(project, other, replace=True).problems
    same(features(project), truth(2))


def test_an_encoder_of_another_length_is_not_taken_for_it(project: Project, tmp_path: Path) -> None:
    source = peers.write_trident(tmp_path / "job", "S1", truth(1, 16), encoder="uni_v2")
    report = bring(project, source)
    assert report.name == "imported:uni_v2"
    fact = next(f for f in report.facts if f.field == "encoder")
    assert "1,536" in fact.why


def test_the_folder_names_the_encoder_where_the_file_does_not(
    project: Project, tmp_path: Path
) -> None:
    source = peers.write_trident(tmp_path / "job", "S1", truth(1, 1536), attributes=False)
    report = bring(project, source)
    assert report.name == "imported:uni2-h"
    assert how(report, "encoder") == "worked out"
    assert how(report, "tile edge on the slide") == "worked out"
    same(features(project), truth(1, 1536))


def test_folders_speak_for_files_that_state_nothing(project: Project, tmp_path: Path) -> None:
    source = peers.write_trident(tmp_path / "job", "S1", truth(1, 1536))
    with h5py.File(source, "a") as file:
        for name in list(file["coords"].attrs):
            del file["coords"].attrs[name]
        for name in list(file["features"].attrs):
            del file["features"].attrs[name]
    report = bring(project, tmp_path / "job")
    assert (report.kind, report.name) == ("trident", "imported:uni2-h")
    assert how(report, "tile as the encoder saw it") == "worked out"
    assert how(report, "tile edge on the slide") == "guessed"
    same(features(project), truth(1, 1536))
    assert features(project).grid.mpp == 0.5


def test_files_of_other_slides_only(project: Project, tmp_path: Path) -> None:
    peers.write_trident(tmp_path / "job", "JONES", truth(1))
    report = bring(project, tmp_path / "job")
    assert (report.good, report.unmatched) == ((), ("JONES",))
    assert report.absent == ("S1", "S2", "S3")
    assert Project.open(project.root).settings == project.settings


def test_several_sets_are_not_mixed(project: Project, tmp_path: Path) -> None:
    peers.write_trident(tmp_path / "job", "S1", truth(1))
    peers.write_trident(tmp_path / "job", "S1", truth(1), encoder="conch_v15")
    with pytest.raises(FeatureError, match="features_conch_v15"):
        bring(project, tmp_path / "job")


def test_one_vector_a_slide(project: Project, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 768)).astype(np.float32)
    for i in (1, 2, 3):
        peers.write_trident_slide(tmp_path / "job", f"S{i}", vectors[i - 1])
    report = bring(project, tmp_path / "job")
    assert not report.problems
    found = features(project, "S2")
    assert np.array_equal(found.instances[0], vectors[1])
    assert len(found.grid) == 1


# -- CLAM -------------------------------------------------------------------------


@pytest.mark.parametrize("pt", [False, True])
def test_clam_with_its_patches(project: Project, tmp_path: Path, pt: bool) -> None:
    peers.write_clam(tmp_path / "clam", "SMITH-1", truth(1), pt=pt)
    report = bring(project, tmp_path / "clam", name="uni")
    assert report.kind == "clam"
    assert how(report, "tile edge on the slide") == "worked out"
    found = features(project)
    same(found, truth(1))
    assert found.grid.mpp == 0.25
    assert report.name == "imported:uni"


def test_clam_without_patches_is_guessed_and_says_so(project: Project, tmp_path: Path) -> None:
    peers.write_clam(tmp_path / "clam", "S1", truth(1), patches=False)
    report = bring(project, tmp_path / "clam" / "h5_files")
    assert how(report, "tile edge on the slide") == "guessed"
    assert how(report, "encoder") == "guessed"
    same(features(project), truth(1))


def test_clam_patches_may_lie_elsewhere(project: Project, tmp_path: Path) -> None:
    peers.write_clam(tmp_path / "clam", "S1", truth(1), pt=True)
    (tmp_path / "clam" / "patches").rename(tmp_path / "patches_there")
    source = tmp_path / "clam" / "pt_files"
    assert "coordinates" in bring(project, source).problems["S1"]
    bring(project, source, patches=tmp_path / "patches_there")
    same(features(project), truth(1))


def test_clam_vectors_must_be_as_many_as_patches(project: Project, tmp_path: Path) -> None:
    what = truth(1)
    peers.write_clam(tmp_path / "clam", "S1", what, pt=True)
    short = torch.from_numpy(what.vectors[:-1])
    torch.save(short, tmp_path / "clam" / "pt_files" / "S1.pt")
    assert "patches" in bring(project, tmp_path / "clam").problems["S1"]


def test_a_grid_for_each_contour_keeps_tiles_in_place(project: Project, tmp_path: Path) -> None:
    """CLAM begins each contour's grid at the contour: no common grid fits."""
    one, two = truth(1), truth(2)
    moved = two.corners + np.array([20 * EDGE + 173, 9 * EDGE + 391])
    what = Truth(np.vstack([one.corners, moved]), np.vstack([one.vectors, two.vectors]))
    peers.write_clam(tmp_path / "clam", "S1", what)
    report = bring(project, tmp_path / "clam")
    found = features(project)
    assert np.array_equal(found.instances, what.vectors)
    assert np.abs(found.grid.corners_px0 - what.corners).max() <= EDGE / 18 + 1
    assert "9 times finer" in value(report, "grid")


# -- STAMP ------------------------------------------------------------------------


@pytest.mark.parametrize(("generation", "sure"), [("new", "stated"), ("older", "stated")])
def test_stamp_counts_in_micrometres(
    project: Project, tmp_path: Path, generation: str, sure: str
) -> None:
    peers.write_stamp(tmp_path / "stamp", "S1", truth(1, 1536), generation)
    report = bring(project, tmp_path / "stamp")
    assert (report.kind, report.name) == ("stamp", "imported:uni2-h")
    assert how(report, "coordinates") == sure
    same(features(project), truth(1, 1536))
    if generation == "new":
        assert features(project).grid.mpp == pytest.approx(128 / 224, abs=1e-6)


def test_the_oldest_stamp_files_are_guessed(project: Project, tmp_path: Path) -> None:
    peers.write_stamp(tmp_path / "stamp", "S1", truth(1), "oldest")
    report = bring(project, tmp_path / "stamp")
    assert how(report, "coordinates") == "guessed"
    what = truth(1)  # 256 µm at 0.25 µm are 1,024 pixels
    same(features(project), Truth(what.corners * 2, what.vectors), edge=2 * EDGE)


def test_stamp_needs_the_slides_scale(project: Project, tmp_path: Path) -> None:
    from dataclasses import replace

    project.save(cohort=project.cohort.with_record(replace(project.cohort["S1"], mpp=None)))
    peers.write_stamp(tmp_path / "stamp", "S1", truth(1))
    assert "mpp" in bring(project, tmp_path / "stamp").problems["S1"]


def test_a_patients_vector_goes_to_each_of_the_patients_slides(
    project: Project, tmp_path: Path
) -> None:
    from dataclasses import replace

    project.save(cohort=project.cohort.with_record(replace(project.cohort["S2"], patient_id="P1")))
    vector = np.arange(8, dtype=np.float32)
    with h5py.File(tmp_path / "P1.h5", "w") as file:
        file["feats"] = vector
        file.attrs.update(version="2.4", encoder="titan", precision="float32", feat_type="patient")
    report = bring(project, tmp_path / "P1.h5")
    assert sorted(s.slide_id for s in report.good) == ["S1", "S2"]
    assert np.array_equal(features(project, "S2").instances[0], vector)


# -- others -----------------------------------------------------------------------


def test_slideflow_bags_hold_centres(project: Project, tmp_path: Path) -> None:
    peers.write_slideflow(tmp_path / "bags", "SMITH-1", truth(1, 1024))
    report = bring(project, tmp_path / "bags")
    assert (report.kind, report.name) == ("slideflow", "imported:uni")
    assert "centres" in value(report, "coordinates")
    same(features(project), truth(1, 1024))
    assert features(project).grid.mpp == 0.5


def test_slideflow_with_a_magnification_is_guessed(project: Project, tmp_path: Path) -> None:
    peers.write_slideflow(tmp_path / "bags", "S1", truth(1, 1024), tile_um="20x")
    report = bring(project, tmp_path / "bags")
    assert how(report, "tile edge on the slide") == "guessed"
    same(features(project), truth(1, 1024))


@pytest.mark.parametrize("form", ["npz", "npy+npy", "npy+csv", "pt"])
def test_plain_arrays(project: Project, tmp_path: Path, form: str) -> None:
    what, folder = truth(1), tmp_path / "plain"
    folder.mkdir()
    if form == "npz":
        np.savez(folder / "S1.npz", features=what.vectors, coords=what.corners)
    elif form == "pt":
        content = {"features": torch.from_numpy(what.vectors), "coords": what.corners.tolist()}
        content["coords"] = torch.tensor(content["coords"])
        torch.save(content, folder / "S1.pt")
    else:
        np.save(folder / "S1.npy", what.vectors)
        if form == "npy+npy":
            np.save(folder / "S1_coords.npy", what.corners)
        else:
            lines = ["x,y", *(f"{x},{y}" for x, y in what.corners)]
            (folder / "S1.csv").write_text("\n".join(lines))
    report = bring(project, folder)
    assert report.kind == "arrays"
    assert how(report, "coordinates") == "guessed"
    same(features(project), what)


def test_the_user_goes_before_the_guess(project: Project, tmp_path: Path) -> None:
    what = truth(1)
    np.savez(tmp_path / "any.npz", features=what.vectors, coords=what.corners * 0.25)
    report = bring(project, tmp_path / "any.npz", unit="um", tile_um=128.0, tile_px=224, slide="S3")
    assert {how(report, f) for f in ("coordinates", "tile edge on the slide")} == {"given"}
    same(features(project, "S3"), what)


def test_a_torch_file_with_code_is_not_opened(project: Project, tmp_path: Path) -> None:
    torch.save({"features": torch.zeros(3, 4), "run": Path("/tmp")}, tmp_path / "S1.pt")
    problem = bring(project, tmp_path / "S1.pt").problems["S1"]
    assert "could run code" in problem


def test_damaged_files_are_told_and_the_rest_comes_in(project: Project, tmp_path: Path) -> None:
    peers.write_trident(tmp_path / "job", "S1", truth(1))
    bad = peers.write_trident(tmp_path / "job", "S2", truth(2))
    with h5py.File(bad, "a") as file:
        file["features"][3, 2] = np.nan
    report = bring(project, tmp_path / "job")
    assert set(report.problems) == {"S2"}
    same(features(project), truth(1))


def test_slides_of_another_scale_stay_out(project: Project, tmp_path: Path) -> None:
    """CLAM cuts by level-0 pixels: a 20x slide among 40x ones has other tiles."""
    from dataclasses import replace

    project.save(cohort=project.cohort.with_record(replace(project.cohort["S3"], mpp=0.5)))
    for i in (1, 2, 3):
        peers.write_clam(tmp_path / "clam", f"S{i}", truth(i))
    report = bring(project, tmp_path / "clam")
    assert set(report.problems) == {"S3"}
    assert "0.5" in report.problems["S3"]


def test_scales_of_one_scanner_go_together(project: Project, tmp_path: Path) -> None:
    from dataclasses import replace

    project.save(cohort=project.cohort.with_record(replace(project.cohort["S3"], mpp=0.2527)))
    for i in (1, 2, 3):
        peers.write_clam(tmp_path / "clam", f"S{i}", truth(i))
    assert not bring(project, tmp_path / "clam").problems
    assert {features(project, f"S{i}").grid.mpp for i in (1, 2, 3)} == {0.25}


def test_one_name_stands_for_one_kind_of_tiles(project: Project, tmp_path: Path) -> None:
    peers.write_clam(tmp_path / "a", "S1", truth(1))
    bring(project, tmp_path / "a", name="mine")
    with pytest.raises(FeatureError, match="another name"):
        bring(project, tmp_path / "a", name="mine", tile_px=224)
    bring(project, tmp_path / "a", name="other", tile_px=224)
    assert features(project).encoder == "imported-other"


def test_two_encoders_that_nobody_named_are_not_mixed(project: Project, tmp_path: Path) -> None:
    peers.write_clam(tmp_path / "resnet", "S1", truth(1))
    peers.write_clam(tmp_path / "uni", "S2", truth(2))
    bring(project, tmp_path / "resnet")
    with pytest.raises(FeatureError, match="which encoder"):
        bring(project, tmp_path / "uni")
    assert not bring(project, tmp_path / "uni", name="uni").problems


def test_nothing_there(project: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FeatureError, match="nothing here"):
        bring(project, tmp_path / "empty")


def test_no_file_name_is_kept(project: Project, tmp_path: Path) -> None:
    peers.write_trident(tmp_path / "job", "SMITH-1", truth(1))
    peers.write_trident(tmp_path / "job", "JONES-7", truth(1))
    report = bring(project, tmp_path / "job")
    assert report.unmatched == ("JONES-7",)
    for file in (project.root / "features").rglob("*"):
        assert "SMITH" not in file.name
        if file.is_file():
            assert b"SMITH" not in file.read_bytes()
    note = next((project.root / "features").rglob("import.json"))
    assert json.loads(note.read_text())["slides"]["S1"]["kind"] == "trident"
