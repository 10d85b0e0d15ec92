"""A project whose slides' files are not here, to import into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.core.interop.peer_files import MPP
from tests.slide_fixtures import halve, texture, write_pyramid

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.features import Features, save_features
from napari_lookalike.core.project import Project
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.tiles import make_grid
from napari_lookalike.core.tissue import find_tissue


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three slides with a scale: "S1" of the file SMITH-1.svs, and so on."""
    records = tuple(
        SlideRecord(
            f"S{i}",
            tmp_path / "gone" / f"SMITH-{i}.svs",
            patient_id=f"P{i}",
            label="ab"[i % 2],
            mpp=MPP,
            mpp_source="manifest",
        )
        for i in (1, 2, 3)
    )
    return Project.create(tmp_path / "project", Cohort(records))


@pytest.fixture
def project_on_tissue(tmp_path: Path) -> Project:
    """One slide "T1" with tissue in its middle, 1024 x 768 at 0.5 µm, and features of it."""
    pixels = texture(1024, 768)
    path = write_pyramid(tmp_path / "tissue.tif", [pixels, halve(pixels)])
    project = Project.create(tmp_path / "tissue", Cohort((SlideRecord("T1", path, stain="H&E"),)))
    with open_slide(path) as slide:
        grid = make_grid(slide, find_tissue(slide), tile_px=32, mpp=0.5)
    vectors = np.random.default_rng(0).normal(size=(len(grid), 4)).astype(np.float32)
    features = Features("T1", "", vectors, grid, "tiny-v1", slide_mpp=(0.5, 0.5))
    save_features(project.features_path("T1"), features)
    return project
