from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import openslide
import pandas as pd
import pytest
import tifffile
import torch
from tests.project_fixtures import tiny_project

from napari_lookalike.core.attention import attention_weights, overlay
from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import LookalikeError, ModelError, ProjectError
from napari_lookalike.core.interop.exporting import export
from napari_lookalike.core.interop.formats import EXPORTERS
from napari_lookalike.core.interop.importing import import_source
from napari_lookalike.core.interop.maps import load_map
from napari_lookalike.core.interop.outgoing import ExportOptions
from napari_lookalike.core.interop.raw import ImportOptions
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.core.slides import open_slide


@pytest.fixture
def tiny(tmp_path: Path) -> Project:
    return tiny_project(tmp_path, features=True)


@pytest.fixture
def empty(tmp_path: Path, tiny: Project) -> Project:
    """Another project of the same slides, without features."""
    return Project.create(tmp_path / "other", Cohort(tiny.cohort.slides))


def some(*slide_ids: str, **rest: object) -> ExportOptions:
    return ExportOptions(slide_ids=slide_ids, **rest)


@pytest.mark.parametrize("kind", ["trident", "clam"])
def test_features_go_round(tiny: Project, empty: Project, tmp_path: Path, kind: str) -> None:
    done = export(tiny.root, kind, tmp_path / "out", some("S01", "S02"))
    assert (done.done, done.problems) == (("S01", "S02"), {})
    report = import_source(empty.root, tmp_path / "out")
    assert not report.problems
    assert sorted(s.slide_id for s in report.good) == ["S01", "S02"]
    for slide_id in ("S01", "S02"):
        had, has = tiny.load_features(slide_id), Project.open(empty.root).load_features(slide_id)
        assert np.array_equal(had.instances, has.instances)
        assert np.abs(had.grid.corners_px0 - has.grid.corners_px0).max() < 1
        assert has.grid.size_px0 == had.grid.size_px0
        if kind == "trident":  # its files are ours too: everything is exact
            assert np.array_equal(had.grid.cells, has.grid.cells)
            assert (had.grid.mpp, had.grid.tile_px) == (has.grid.mpp, has.grid.tile_px)
            assert report.name == "imported:tiny-v1"


def test_trident_layout_is_exact(tiny: Project, tmp_path: Path) -> None:
    export(tiny.root, "trident", tmp_path / "out", some("S01"))
    folder = tmp_path / "out" / "20x_32px_0px_overlap"
    with h5py.File(folder / "features_tiny-v1" / "S01.h5") as file:
        assert file["features"].shape == (48, 8)
        wanted = {
            "patch_size",
            "patch_size_level0",
            "level0_magnification",
            "target_magnification",
            "overlap",
            "name",
            "savetodir",
            "level0_width",
            "level0_height",
        }
        assert set(file["coords"].attrs) == wanted
        assert set(file["features"].attrs) == {"name", "savetodir", "encoder"}
    with h5py.File(folder / "patches" / "S01_patches.h5") as file:
        assert list(file) == ["coords"]
        assert set(file["coords"].attrs) == wanted


def test_a_reader_of_trident_files_takes_it_without_our_part(
    tiny: Project, empty: Project, tmp_path: Path
) -> None:
    export(tiny.root, "trident", tmp_path / "out", some("S01"))
    file = next((tmp_path / "out").rglob("features_*/S01.h5"))
    with h5py.File(file, "a") as opened:
        del opened["cells"]
        for name in list(opened.attrs):
            del opened.attrs[name]
    report = import_source(empty.root, tmp_path / "out")
    assert report.kind == "trident"
    had, has = tiny.load_features("S01"), Project.open(empty.root).load_features("S01")
    assert np.array_equal(had.instances, has.instances)
    assert np.array_equal(had.grid.corners_px0, has.grid.corners_px0)


def test_clam_files_are_plain(tiny: Project, tmp_path: Path) -> None:
    export(tiny.root, "clam", tmp_path / "out", some("S01"))
    tensor = torch.load(tmp_path / "out" / "pt_files" / "S01.pt", weights_only=True)
    assert np.array_equal(tensor.numpy(), tiny.load_features("S01").instances)
    with h5py.File(tmp_path / "out" / "h5_files" / "S01.h5") as file:
        assert sorted(file) == ["coords", "features"]
        assert not len(file["coords"].attrs)


def test_geojson_goes_round_as_a_map(tiny: Project, empty: Project, tmp_path: Path) -> None:
    export(tiny.root, "geojson", tmp_path / "out", some("S01"))
    data = json.loads((tmp_path / "out" / "S01.geojson").read_text())
    tiles = [f for f in data["features"] if f["properties"]["objectType"] == "tile"]
    assert len(tiles) == 48
    for item in data["features"]:
        for ring in item["geometry"]["coordinates"]:
            assert ring[0] == ring[-1]
        assert isinstance(item["properties"]["measurements"], dict)
    report = import_source(empty.root, tmp_path / "out", ImportOptions(name="attention"))
    assert (report.kind, report.content) == ("geojson", "maps")
    found = load_map(empty.root, "attention", "S01")
    result = load_results(tiny.version_dir("m001-supcon")).slides["S01"]
    wanted = attention_weights(result.attention_logits)[0].astype(np.float32)
    column = found.columns.index("attention weight")
    assert np.array_equal(found.values[:, column], wanted)
    had = overlay(tiny.load_features("S01").grid, wanted)
    has = overlay(found.grid, found.values[:, column])
    assert np.array_equal(had.image, has.image, equal_nan=True)
    assert had.corner_px0 == pytest.approx(has.corner_px0)
    ranks = found.values[:, found.columns.index("attention percentile")]
    assert (ranks.min(), ranks.max()) == (0, 100)


def test_tissue_outlines_lie_on_the_tissue(project_on_tissue: Project, tmp_path: Path) -> None:
    export(project_on_tissue.root, "geojson", tmp_path / "out")
    data = json.loads((tmp_path / "out" / "T1.geojson").read_text())
    outlines = [f for f in data["features"] if f["properties"]["objectType"] == "annotation"]
    rings = [np.asarray(f["geometry"]["coordinates"][0]) for f in outlines]
    largest = max(rings, key=lambda ring: np.ptp(ring))
    # The texture's tissue is an ellipse of 0.42 of the slide around its middle.
    off = ((largest / (1024, 768) - 0.5) / 0.42) ** 2
    assert np.abs(np.sqrt(off.sum(axis=1)) - 1).max() < 0.1


def test_the_image_holds_every_tiles_value_in_its_place(tiny: Project, tmp_path: Path) -> None:
    export(tiny.root, "tiff", tmp_path / "out", some("S01"))
    result = load_results(tiny.version_dir("m001-supcon")).slides["S01"]
    wanted = attention_weights(result.attention_logits)[0].astype(np.float32)
    grid = tiny.load_features("S01").grid
    with tifffile.TiffFile(tmp_path / "out" / "S01_attention.ome.tif") as file:
        assert file.is_ome
        values = file.series[0].levels[0].asarray()
        assert file.pages[0].is_tiled
        assert 'PhysicalSizeX="2.0"' in file.ome_metadata  # 4 level-0 pixels of 0.5 µm
    down = 256 / values.shape[1]
    centres = grid.corners_px0 + np.asarray(grid.size_px0) / 2
    x, y = (centres / down).astype(int).T
    assert np.array_equal(values[y, x], wanted)


def test_colours_open_in_openslide_and_here(tiny: Project, tmp_path: Path) -> None:
    export(tiny.root, "tiff", tmp_path / "out", some("S01"))
    path = tmp_path / "out" / "S01_attention_colours.tif"
    with openslide.OpenSlide(path) as slide:
        assert slide.dimensions == (64, 48)
        assert slide.read_region((0, 0), 0, (1, 1)).getpixel((0, 0))[3] == 255
    with open_slide(path) as ours:
        assert ours.size == (64, 48)
        assert ours.scale.mpp_x == pytest.approx(2.0, rel=1e-4)


def test_predictions_as_a_table(tiny: Project, tmp_path: Path) -> None:
    export(tiny.root, "csv", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert len(table) == 24
    columns = [c for c in table if c.startswith("probability ")]
    assert np.allclose(table[columns].sum(axis=1), 1, atol=1e-5)
    assert table["patient"][0] == "patient 1"
    assert set(table["use"]) == {"research use only"}


def test_embeddings_as_anndata(tiny: Project, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata", reason="the extra interop is not installed")
    export(tiny.root, "h5ad", tmp_path / "out")
    table = anndata.read_h5ad(tmp_path / "out" / "slides.h5ad")
    results = load_results(tiny.version_dir("m001-supcon"))
    assert list(table.obs_names) == list(results.slides)
    wanted = np.stack([r.embedding for r in results.slides.values()])
    assert np.array_equal(table.X, wanted)
    assert set(table.obsm) == {"X_pca", "X_umap", "probabilities"}
    assert table.uns["napari_lookalike"]["model"] == "m001-supcon"
    assert set(table.obs["split"]) == {"held out"}
    assert "PAT" not in str(table.obs.to_dict())


@pytest.mark.parametrize("kind", EXPORTERS.names())
def test_no_export_names_a_patient_or_a_file(tiny: Project, tmp_path: Path, kind: str) -> None:
    if EXPORTERS.why_not(kind):
        pytest.skip(str(EXPORTERS.why_not(kind)))
    export(tiny.root, kind, tmp_path / "out")
    for file in (tmp_path / "out").rglob("*"):
        assert not file.name.startswith("file")
        if file.is_file():
            content = file.read_bytes()
            assert b"PAT-" not in content
            assert b"file0" not in content
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert "Research use only" in about["use"]


@pytest.mark.parametrize("kind", ["csv", "h5ad"])
def test_patient_ids_only_if_asked(tiny: Project, tmp_path: Path, kind: str) -> None:
    if EXPORTERS.why_not(kind):
        pytest.skip(str(EXPORTERS.why_not(kind)))
    done = export(tiny.root, kind, tmp_path / "out", ExportOptions(patient_ids=True))
    assert "PATIENT IDS IN CLEAR" in done.identity
    assert any(b"PAT-01" in f.read_bytes() for f in (tmp_path / "out").iterdir())


def test_a_slide_that_was_embedded_again_is_told(tiny: Project, tmp_path: Path) -> None:
    from napari_lookalike.core.features import save_features

    had = tiny.load_features("S01")
    grid = replace(had.grid, cells=had.grid.cells[:40])
    again = replace(had, grid=grid, instances=had.instances[:40])
    save_features(tiny.features_path("S01"), again)
    done = export(tiny.root, "tiff", tmp_path / "out", some("S01", "S02"))
    assert done.done == ("S02",)
    assert "again" in done.problems["S01"]


def test_partly_embedded_slides_are_named(tiny: Project, tmp_path: Path) -> None:
    from napari_lookalike.core.features import save_features

    save_features(tiny.features_path("S01"), replace(tiny.load_features("S01"), coverage=0.25))
    done = export(tiny.root, "trident", tmp_path / "out", some("S01", "S02"))
    assert done.partial == {"S01": 0.25}
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert about["partly_embedded"] == {"S01": 0.25}


def test_folders_that_hold_something_are_left_alone(tiny: Project, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(ProjectError, match="not empty"):
        export(tiny.root, "csv", tmp_path / "out")
    export(tiny.root, "csv", tmp_path / "out", ExportOptions(replace=True))
    with pytest.raises(ProjectError, match="holds a project"):
        export(tiny.root, "csv", tiny.root, ExportOptions(replace=True))


def test_without_a_model(tmp_path: Path) -> None:
    project = tiny_project(tmp_path, results=False, features=True)
    with pytest.raises(ModelError):
        export(project.root, "csv", tmp_path / "out")
    done = export(project.root, "geojson", tmp_path / "tiles", some("S01"))
    assert done.done == ("S01",)


def test_an_unknown_kind_names_those_that_are_near(tiny: Project, tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match="geojson"):
        export(tiny.root, "geojsn", tmp_path / "out")
    with pytest.raises(LookalikeError, match="S99"):
        export(tiny.root, "csv", tmp_path / "out", some("S99"))
