from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.core.interop import peer_files as peers
from tests.core.interop.peer_files import truth

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.interop.importing import import_source
from napari_lookalike.core.interop.maps import load_map, map_names, map_path
from napari_lookalike.core.interop.raw import ImportOptions
from napari_lookalike.core.project import Project


def test_wsinfer_becomes_a_map_and_no_features(project: Project, tmp_path: Path) -> None:
    what = truth(1)
    peers.write_wsinfer(tmp_path / "run", "SMITH-1", what)
    report = import_source(project.root, tmp_path / "run", ImportOptions(name="lymphocytes"))
    assert (report.kind, report.content, report.name) == ("wsinfer", "maps", "lymphocytes")
    assert map_names(project.root, "S1") == ("lymphocytes",)
    assert map_names(project.root, "S2") == ()
    found = load_map(project.root, "lymphocytes", "S1")
    assert found.columns == ("Tumor", "Other")
    assert np.array_equal(np.floor(found.grid.corners_px0 + 0.5), what.corners)
    p = 1 / (1 + np.exp(-what.vectors[:, 0].astype(np.float64)))
    assert np.allclose(found.values[:, 0], p, atol=1e-7)
    again = Project.open(project.root)
    assert again.settings == project.settings
    assert not again.features_path("S1").exists()


def test_a_map_is_not_replaced_unasked(project: Project, tmp_path: Path) -> None:
    peers.write_wsinfer(tmp_path / "run", "S1", truth(1))
    import_source(project.root, tmp_path / "run")
    assert "S1" in import_source(project.root, tmp_path / "run").problems
    options = ImportOptions(replace=True)
    assert not import_source(project.root, tmp_path / "run", options).problems


def test_a_damaged_map_is_told(project: Project, tmp_path: Path) -> None:
    peers.write_wsinfer(tmp_path / "run", "S1", truth(1))
    import_source(project.root, tmp_path / "run")
    path = map_path(project.root, "wsinfer", "S1")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(FeatureError, match="damaged"):
        load_map(project.root, "wsinfer", "S1")


def test_rows_without_numbers_are_told(project: Project, tmp_path: Path) -> None:
    file = peers.write_wsinfer(tmp_path / "run", "S1", truth(1))
    file.write_text(file.read_text() + "1,2,512,512,oops,0.1\n")
    assert "numbers" in import_source(project.root, tmp_path / "run").problems["S1"]
