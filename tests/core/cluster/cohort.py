"""A small project with real files, for real worker processes."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tests.core.normalise.stained import BLUE, VIOLET, concentrations, develop

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.project import Project, ProjectSettings
from napari_lookalike.core.synth.tiff import write_pyramid
from napari_lookalike.core.tissue import TissueSettings

EDGE = 2016
TILES = 49
"""A slide has 7 x 7 tiles of tissue with a margin of glass."""

SETTINGS = ProjectSettings(tissue=TissueSettings(min_tissue=0.9), stain_normalisation="macenko")


def slide_file(folder: Path, slide_id: str, seed: int) -> Path:
    path = folder / f"file-of-{slide_id}.tif"
    pixels = np.full((EDGE, EDGE, 3), 243, np.uint8)
    pixels -= np.random.default_rng(seed).integers(0, 3, pixels.shape, np.uint8)
    stains = (BLUE, VIOLET)[seed % 2]
    tile = develop(concentrations(1, 140, seed=seed)[0], stains, seed=seed)
    pixels[224:-224, 224:-224] = np.tile(tile, (12, 12, 1))[:1568, :1568]
    write_pyramid(path, pixels, 0.5)
    return path


@cache
def _files() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lookalike-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for i, letter in enumerate("ABC"):
        slide_file(folder, f"S-{letter}", i)
    return folder


def project(folder: Path, slide_ids: str = "ABC", **settings: Any) -> Project:
    """A project in ``folder/project`` with slides S-A, S-B, S-C."""
    records = []
    for letter in slide_ids:
        path = folder / f"file-of-S-{letter}.tif"
        shutil.copy(_files() / path.name, path)
        records.append(SlideRecord(f"S-{letter}", path, mpp=0.5, mpp_source="manifest"))
    changed = ProjectSettings(**{**vars(SETTINGS), **settings})
    return Project.create(folder / "project", Cohort(tuple(records)), changed)
