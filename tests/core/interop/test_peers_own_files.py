"""Files that other programs wrote, from the shared data."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.interop.importing import import_source
from napari_lookalike.core.interop.maps import load_map
from napari_lookalike.core.interop.raw import ImportOptions
from napari_lookalike.core.project import Project

pytestmark = pytest.mark.shared


def project_of(tmp_path: Path, *names: str) -> Project:
    records = tuple(
        SlideRecord(f"S{i}", tmp_path / f"{name}.svs", mpp=0.25, mpp_source="user")
        for i, name in enumerate(names)
    )
    return Project.create(tmp_path / "project", Cohort(records))


def test_mopadi(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "mil" / "mopadi"
    project = project_of(tmp_path, "TCGA-AD-6964-01Z-00-DX1")
    report = import_source(project.root, source)
    assert (report.kind, report.problems) == ("mopadi", {})
    found = Project.open(project.root).load_features("S0")
    with h5py.File(next(source.rglob("features.h5"))) as file:
        assert np.array_equal(found.instances, file["feats"][()])
        assert np.array_equal(found.grid.corners_px0, file["coords"][()])
    assert found.grid.size_px0 == (512, 512)  # as large as its tiles' pictures
    edge = next(f for f in report.facts if f.field == "tile edge on the slide")
    assert edge.how == "guessed"


def test_a_slide_vector_of_gigapath(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "mil" / "prov-gigapath" / "prov_normal_000_1.pt"
    project = project_of(tmp_path, "prov_normal_000_1")
    report = import_source(project.root, source, ImportOptions(name="gigapath-slide"))
    assert (report.kind, report.problems) == ("arrays", {})
    found = Project.open(project.root).load_features("S0")
    assert np.array_equal(found.instances[0], torch.load(source, weights_only=True).numpy())


def test_wsinfer(shared: Path, tmp_path: Path) -> None:
    folders = sorted((shared / "data" / "peers" / "wsinfer" / "reference").iterdir())
    project = project_of(tmp_path, "purple")
    assert folders
    for folder in folders:
        name = folder.name[:40]
        report = import_source(project.root, folder, ImportOptions(name=name))
        assert (report.kind, report.problems) == ("wsinfer", {})
        found = load_map(project.root, report.name, "S0")
        table = pd.read_csv(folder / "purple.csv")
        assert found.columns == tuple(c[5:] for c in table if c.startswith("prob_"))
        assert np.array_equal(found.grid.corners_px0, table[["minx", "miny"]].to_numpy())
        wanted = table[[f"prob_{c}" for c in found.columns]].to_numpy(np.float32)
        assert np.array_equal(found.values, wanted)


def test_outlines_without_measurements_are_no_map(shared: Path, tmp_path: Path) -> None:
    from napari_lookalike.core.errors import FeatureError

    project = project_of(tmp_path, "polygon")
    with pytest.raises(FeatureError, match="nothing here"):
        import_source(project.root, shared / "data" / "peers" / "qupath")
