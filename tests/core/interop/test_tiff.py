"""The attention image lies on the slide, in every reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openslide
import pytest
import tifffile
from numpy.typing import NDArray
from tests.core.interop import peer_files as peers
from tests.core.interop.peer_files import EDGE, MPP, SIZE, truth

from napari_lookalike.core.features import Features
from napari_lookalike.core.interop import tiff
from napari_lookalike.core.interop.exporting import export
from napari_lookalike.core.interop.importing import import_source
from napari_lookalike.core.interop.outgoing import ExportOptions
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, SlideResult, save_results
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.tiles import read_tiles


def with_attention(project: Project, slide_id: str, logits: NDArray[np.float32]) -> None:
    """A model version that says just this."""
    p = np.array([0.7, 0.3], np.float32)
    result = SlideResult(slide_id, p, np.ones(4, np.float32), logits[None], held_out=False)
    results = ModelResults("m001-ce", ("a", "b"), {slide_id: result})
    save_results(project.version_dir("m001-ce"), results)
    (project.version_dir("m001-ce") / "model.json").write_text("{}")
    project.set_current_version("m001-ce")


def test_dark_tissue_lies_under_high_values(project_on_tissue: Project, tmp_path: Path) -> None:
    project = project_on_tissue
    grid = project.load_features("T1").grid
    with project.open_slide("T1") as slide:
        tiles = read_tiles(slide, grid, range(len(grid)))
        small = slide.thumbnail(256).mean(axis=2)
    with_attention(project, "T1", -tiles.mean(axis=(1, 2, 3)).astype(np.float32))
    export(project.root, "tiff", tmp_path / "out", ExportOptions(values="logits"))
    values = tifffile.imread(tmp_path / "out" / "T1_attention.ome.tif")
    assert values.shape == small.shape  # 1024 x 768, four times smaller

    def agreement(dx: int, dy: int) -> float:
        moved = np.roll(small, (dy, dx), axis=(0, 1))
        there = np.isfinite(values)
        return float(np.corrcoef(-moved[there], values[there])[0, 1])

    best = max(
        ((dx, dy) for dx in range(-4, 5) for dy in range(-4, 5)), key=lambda s: agreement(*s)
    )
    assert max(abs(best[0]), abs(best[1])) <= 1
    assert agreement(0, 0) > 0.5


@pytest.fixture
def large(project: Project, tmp_path: Path) -> Features:
    """Features on a slide of 40,000 x 30,000 pixels."""
    source = peers.write_trident(tmp_path / "job", "S1", truth(1))
    import_source(project.root, source)
    return Project.open(project.root).load_features("S1")


def test_a_pyramid_in_openslide_and_here(large: Features, tmp_path: Path) -> None:
    values = np.arange(len(large), dtype=np.float32)
    levels, down = tiff.pyramid(large, values)
    assert down == 64
    assert levels[0].shape == (-(-SIZE[1] // 64), SIZE[0] // 64)
    colours = [tiff.coloured(level, (0.0, float(values[-1]))) for level in levels]
    path = tmp_path / "colours.tif"
    tiff._write_colours(colours, (MPP * 64, MPP * 64), path)
    with openslide.OpenSlide(path) as slide:
        assert slide.level_count == len(levels) > 1
        x, y = (large.grid.corners_px0[7] + EDGE / 2) / 64
        pixel = slide.read_region((int(x), int(y)), 0, (1, 1)).getpixel((0, 0))
        assert pixel[:3] == tuple(
            tiff.coloured(values[7:8, None], (0.0, float(values[-1])))[0, 0, :3]
        )
        assert slide.read_region((0, 0), 0, (1, 1)).getpixel((0, 0))[3] == 0
    with open_slide(path) as ours:
        assert ours.scale.mpp_x == pytest.approx(16.0, rel=1e-4)
        assert len(ours.levels) >= len(levels)


def test_a_pyramid_of_values(large: Features, tmp_path: Path) -> None:
    values = np.arange(len(large), dtype=np.float32)
    levels, _ = tiff.pyramid(large, values)
    path = tmp_path / "values.ome.tif"
    tiff._write_values(levels, (16.0, 16.0), "S1", "text", path)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        assert [tuple(level.shape) for level in series.levels] == [v.shape for v in levels]
        assert series.dtype == np.float32
        for level, wanted in zip(series.levels, levels, strict=True):
            assert np.array_equal(level.asarray(), wanted, equal_nan=True)


def test_halving_by_plain_counting() -> None:
    image = np.random.default_rng(0).random((7, 9)).astype(np.float32)
    image[image < 0.3] = np.nan
    half = tiff.halved(image)
    assert half.shape == (4, 5)
    for row in range(4):
        for column in range(5):
            quad = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            wanted = np.nan if np.isnan(quad).all() else np.nanmean(quad)
            assert half[row, column] == pytest.approx(wanted, nan_ok=True)
