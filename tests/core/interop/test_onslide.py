from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.interop.importing import import_source
from napari_lookalike.core.interop.raw import ImportOptions
from napari_lookalike.core.interop.report import ImportReport
from napari_lookalike.core.project import Project


def brought(project: Project, tmp_path: Path, factor: float, **options: object) -> ImportReport:
    """The report on the slide's own tiles, with coordinates wrong by a factor."""
    had = project.load_features("T1")
    corners = had.grid.corners_px0 * factor
    np.savez(tmp_path / "T1.npz", features=had.instances, coords=corners)
    return import_source(
        project.root, tmp_path / "T1.npz", ImportOptions(check=True, name="x", **options)
    )


def share(report: ImportReport, field: str) -> float:
    return float(next(f.value for f in report.facts if f.field == field).removesuffix(" %"))


def test_the_right_scale_lies_on_tissue(project_on_tissue: Project, tmp_path: Path) -> None:
    report = brought(project_on_tissue, tmp_path, 1.0)
    assert share(report, "tiles on the slide") == 100
    assert share(report, "tiles on tissue") > 97
    assert share(report, "tissue under tiles") > 90
    assert not report.warnings


def test_half_the_scale_is_noticed(project_on_tissue: Project, tmp_path: Path) -> None:
    report = brought(project_on_tissue, tmp_path, 0.5)
    assert not report.problems
    assert share(report, "tissue under tiles") < 30
    assert report.warnings


def test_twice_the_scale_is_refused(project_on_tissue: Project, tmp_path: Path) -> None:
    report = brought(project_on_tissue, tmp_path, 2.0)
    assert "beyond the slide's edge" in report.problems["T1"]


def test_micrometres_taken_for_pixels_are_noticed(
    project_on_tissue: Project, tmp_path: Path
) -> None:
    wrong = brought(project_on_tissue, tmp_path, 0.5)
    right = brought(project_on_tissue, tmp_path, 0.5, unit="um", tile_um=16.0)
    assert share(right, "tiles on tissue") > 97
    assert share(right, "tissue under tiles") > 3 * share(wrong, "tissue under tiles")


def test_a_file_of_another_slide_is_refused(project_on_tissue: Project, tmp_path: Path) -> None:
    from tests.core.interop.peer_files import truth, write_trident

    source = write_trident(tmp_path / "job", "T1", truth())
    report = import_source(project_on_tissue.root, source, ImportOptions(check=True))
    assert "40000 x 30000" in report.problems["T1"]


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_shares_by_plain_counting(project_on_tissue: Project, factor: float) -> None:
    from dataclasses import replace

    from napari_lookalike.core.interop.onslide import tissue_shares
    from napari_lookalike.core.tissue import TissueMask

    grid = project_on_tissue.load_features("T1").grid
    grid = replace(grid, size_px0=(32.0 * factor, 32.0 * factor))
    mask = np.random.default_rng(0).random((96, 128)) < 0.3
    tissue = TissueMask(mask, np.zeros_like(mask), (8.0, 8.0))
    on, covered = 0, np.zeros_like(mask)
    for x, y in grid.corners_px0:
        rows = slice(round(y / 8), min(round((y + 32 * factor) / 8), 96))
        columns = slice(round(x / 8), min(round((x + 32 * factor) / 8), 128))
        on += mask[rows, columns].mean() >= 0.25
        covered[rows, columns] = True
    under = (mask & covered).sum() / mask.sum()
    assert tissue_shares(tissue, grid) == pytest.approx((on / len(grid), under))
