"""The benches' procedural slides and the project made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.bench.cohort import bench_project
from napari_lookalike.core.bench.slides import write_slide
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.core.slides import open_slide
from napari_lookalike.session.overlay import resolve_overlay
from napari_lookalike.session.session import OverlaySettings


def test_a_pyramid_of_tissue_on_glass(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "slide.tif", 3000, 2100)
    with open_slide(path) as slide:
        assert slide.size == (3000, 2100)
        assert [level.width for level in slide.levels[:3]] == [3000, 750, 187]
        assert slide.scale.mpp == pytest.approx(0.25)
        middle = slide.read_level(0, 1400, 1000, 200, 200)
        assert slide.read_level(0, 0, 0, 50, 50).mean() > 235
        assert middle.mean() < 225
        assert middle.std() > 20
        half = slide.read_level(1, 350, 250, 50, 50)
        blocks = middle.reshape(50, 4, 50, 4, 3).mean(axis=(1, 3))
        assert np.abs(half - blocks).mean() < 8


def test_another_seed_is_another_slide(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_slide(tmp_path / f"{seed}.tif", 1024, 1024, seed)
    with open_slide(tmp_path / "0.tif") as a, open_slide(tmp_path / "1.tif") as b:
        assert a.fingerprint != b.fingerprint


def test_every_slide_of_the_project_has_an_overlay(
    tmp_path: Path, no_mpp_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = lambda path, width, height, seed=0: write_slide(path, 1024, 768, seed)  # noqa: E731
    monkeypatch.setattr("napari_lookalike.core.bench.cohort.write_slide", small)
    project = Project.open(bench_project(tmp_path, (no_mpp_slide,), procedural=2))
    assert len(project.cohort) == 3
    assert project.current_version is not None
    results = load_results(project.version_dir(project.current_version))
    for record in project.cohort:
        view = resolve_overlay(project, results, record.slide_id, OverlaySettings())
        assert view is not None
        assert np.isfinite(view.overlay.image).any()
