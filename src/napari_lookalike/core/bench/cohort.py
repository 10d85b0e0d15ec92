"""A project to leaf through: procedural slides, with features and results that are made up."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from napari_lookalike.core.bench.slides import write_slide
from napari_lookalike.core.bookmarks import read_bookmarks
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.features import Features, save_features
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.project import Project
from napari_lookalike.core.projection import project as project_map
from napari_lookalike.core.results import ModelResults, SlideResult, load_results, save_results
from napari_lookalike.core.settings import ProjectSettings
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.tiles import TileGrid

_CLASSES = ("one", "another")
_VERSION = "m001-bench"
_ENCODER = "bench-v1"
_TILE_PX0 = 448
_DIM = 8
_SUBTYPES = tuple(f"subtype {i + 1}" for i in range(12))
_EMBED_DIM, _TILES = 128, 50
REPEATS = 3


def bench_project(folder: Path, slides: tuple[Path, ...], procedural: int = 6) -> Path:
    """Make the project; returns its folder.

    Parameters
    ----------
    folder
        An empty folder.
    slides
        Slides of the caller's, which come last.
    procedural
        How many slides are made for it.
    """
    made = [
        write_slide(folder / f"slide{i}.tif", 12288 + 512 * i, 9216, seed=i)
        for i in range(procedural)
    ]
    paths = [*made, *slides]
    records = [
        SlideRecord(f"S{i + 1}", path, patient_id=f"P{i + 1}", label=_CLASSES[i % 2], stain="H&E")
        for i, path in enumerate(paths)
    ]
    cohort = Cohort(tuple(records), name="bench", synthetic=True)
    project = Project.create(folder / "project", cohort, ProjectSettings())
    results = {}
    for i, record in enumerate(records):
        features = _features(record, seed=i)
        save_features(project.features_path(record.slide_id), features)
        results[record.slide_id] = _result(record.slide_id, len(features), seed=i)
    card = {"head": "abmil", "encoder": _ENCODER, "classes": list(_CLASSES), "start_from": ""}
    said = ModelResults(_VERSION, _CLASSES, results, {}, card)
    save_results(project.version_dir(_VERSION), said)
    project.set_current_version(_VERSION)
    return project.root


def large_project(folder: Path, slides: int = 10_000) -> Path:
    """Make a project of many slides whose files are empty; returns its folder.

    Three slides a patient, twelve subtypes, five centres; one slide in seven has no label,
    one in twenty no file, every second one features (an empty file), and all have results
    (embeddings of 128 numbers, attention over 50 tiles).

    Parameters
    ----------
    folder
        An empty folder.
    slides
        How many.
    """
    rng = np.random.default_rng(0)
    scans = folder / "slides"
    scans.mkdir()
    records = []
    for i in range(slides):
        path = scans / f"slide{i:06d}.svs"
        if i % 20:
            path.touch()
        label = _SUBTYPES[i % len(_SUBTYPES)] if i % 7 else ""
        records.append(
            SlideRecord(
                f"S{i:06d}", path, f"P{i // 3:06d}", label, f"centre {i % 5}", stain="H&E",
                fingerprint=f"{i:032x}",
            )
        )  # fmt: skip
    cohort = Cohort(tuple(records), name="bench", synthetic=True)
    project = Project.create(folder / "project", cohort, ProjectSettings())
    features = project.features_path(records[0].slide_id).parent
    features.mkdir(parents=True)
    for record in records[::2]:
        (features / f"{record.slide_id}.h5").touch()
    p = rng.dirichlet(np.ones(len(_SUBTYPES)), slides).astype(np.float32)
    z = rng.normal(size=(slides, _EMBED_DIM)).astype(np.float32)
    attention = rng.normal(size=(slides, 1, _TILES)).astype(np.float32)
    said = {
        r.slide_id: SlideResult(r.slide_id, p[i], z[i], attention[i], held_out=True, fold=i % 5)
        for i, r in enumerate(records)
    }
    card = {"head": "abmil", "encoder": _ENCODER, "classes": list(_SUBTYPES)}
    save_results(project.version_dir(_VERSION), ModelResults(_VERSION, _SUBTYPES, said, {}, card))
    project.set_current_version(_VERSION)
    return project.root


def open_ten_thousand(slides: int = 10_000) -> float:
    """Seconds until everything of a project of 10,000 slides is read: best of three.

    The cohort and settings, what the model says of every slide, the marks with their
    evidence, bookmarks, which slides have features, and the first map. What the panels then
    draw is measured in the window (`ui.bench.opening`).

    Parameters
    ----------
    slides
        How many, for a quick test.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = large_project(Path(folder), slides)
        return min(_seconds_to_read(root) for _ in range(REPEATS))


def _seconds_to_read(root: Path) -> float:
    start = time.perf_counter()
    project = Project.open(root)
    version = project.current_version
    results = load_results(project.version_dir(version or ""))
    table = HardNegativeTable(project.table_path)
    table.rows()
    table.evidence()
    read_bookmarks(root)
    project.embedded()
    project_map(results, "pca")
    return time.perf_counter() - start


def _features(record: SlideRecord, seed: int) -> Features:
    with open_slide(record.path) as slide:
        grid = _grid(*slide.size, slide.scale.mpp)
        fingerprint = slide.fingerprint
        mpp = (slide.scale.mpp_x, slide.scale.mpp_y)
    instances = np.random.default_rng(seed).normal(size=(len(grid), _DIM)).astype(np.float32)
    known = (mpp[0], mpp[1]) if mpp[0] is not None and mpp[1] is not None else None
    return Features(record.slide_id, fingerprint, instances, grid, _ENCODER, slide_mpp=known)


def _grid(width: int, height: int, mpp: float | None) -> TileGrid:
    """Every cell of the slide."""
    columns, rows = max(1, width // _TILE_PX0), max(1, height // _TILE_PX0)
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    size = (float(_TILE_PX0), float(_TILE_PX0))
    tile_mpp = None if mpp is None else mpp * _TILE_PX0 / 224
    return TileGrid(
        cells.astype(np.int32),
        (rows, columns),
        (0.0, 0.0),
        size,
        size,
        224 if mpp is not None else _TILE_PX0,
        tile_mpp,
        (width, height),
    )


def _result(slide_id: str, tiles: int, seed: int) -> SlideResult:
    rng = np.random.default_rng(100 + seed)
    p = rng.dirichlet((2.0, 2.0)).astype(np.float32)
    embedding = rng.normal(size=4).astype(np.float32)
    logits = rng.normal(size=(1, tiles)).astype(np.float32)
    unit = embedding / np.linalg.norm(embedding)
    return SlideResult(slide_id, p, unit, logits, held_out=True, fold=seed % 2)
