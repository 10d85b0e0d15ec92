"""A tiny project with invented results, for tests: nothing in it was computed by a model.

``from tests.project_fixtures import tiny_project``. 24 slides of 6 subtypes; two slides a
patient, two centres; "alpha" and "beta" lie near each other and are confused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.features import Features, save_features
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, Projection, SlideResult, save_results
from napari_lookalike.core.settings import ProjectSettings
from napari_lookalike.core.tiles import TileGrid

CLASSES = ("alpha", "beta", "delta", "epsilon", "gamma", "zeta")
PER_CLASS = 4
TILE_PX0 = 32
WIDTH, HEIGHT = 256, 192
DIM, EMBED_DIM = 8, 6
FIRST, SECOND = "m001-supcon", "m002-expert"


def tiny_cohort(folder: Path) -> Cohort:
    """24 small PNG slides (256 x 192, mpp 0.5) in ``folder``, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for i in range(len(CLASSES) * PER_CLASS):
        path = folder / f"file{i:02d}.png"
        Image.fromarray(_pixels(i)).save(path)
        records.append(
            SlideRecord(
                f"S{i + 1:02d}",
                path,
                patient_id=f"PAT-{i // 2 + 1:02d}",
                label=CLASSES[i // PER_CLASS],
                site=f"centre {i % 4 // 2 + 1}",
                mpp=0.5,
                mpp_source="manifest",
                stain="H&E",
            )
        )
    return Cohort(tuple(records), name="tiny", synthetic=True)


def tiny_project(tmp_path: Path, *, results: bool = True, features: bool = False) -> Project:
    """A project in ``tmp_path / "project"``.

    Parameters
    ----------
    tmp_path
        An empty folder.
    results
        Whether it has the versions "m001-supcon" (in use) and "m002-expert".
    features
        Whether every slide has features (48 tiles of 32 level-0 pixels).
    """
    cohort = tiny_cohort(tmp_path / "slides")
    project = Project.create(tmp_path / "project", cohort, ProjectSettings())
    if results:
        for version, confused in ((FIRST, True), (SECOND, False)):
            save_results(project.version_dir(version), tiny_results(cohort, version, confused))
        project.set_current_version(FIRST)
    if features:
        for record in cohort:
            save_features(project.features_path(record.slide_id), tiny_features(record.slide_id))
    return project


def tiny_results(cohort: Cohort, version: str = FIRST, confused: bool = True) -> ModelResults:
    """Invented results; every third slide of "alpha" and "beta" is confused if asked."""
    rng = np.random.default_rng(0 if confused else 1)
    slides: dict[str, SlideResult] = {}
    for i, record in enumerate(cohort):
        y = CLASSES.index(record.label)
        said = 1 - y if confused and y < 2 and i % 3 == 0 else y
        p = rng.uniform(0.0, 0.1, len(CLASSES))
        p[said] += 1.0
        embedding = np.zeros(EMBED_DIM)
        embedding[y] = 1.0
        if y < 2:
            embedding[:2] += 0.7
        embedding += rng.normal(0.0, 0.15, EMBED_DIM)
        slides[record.slide_id] = SlideResult(
            record.slide_id,
            (p / p.sum()).astype(np.float32),
            (embedding / np.linalg.norm(embedding)).astype(np.float32),
            rng.normal(size=(1, len(tiny_grid()))).astype(np.float32),
            held_out=True,
            fold=i // 2 % 3,
            unlike=0.995 if i == 23 else float(rng.uniform(0.0, 0.9)),
        )
    card = {
        "head": "abmil",
        "encoder": "tiny-v1",
        "classes": list(CLASSES),
        "start_from": "" if version == FIRST else FIRST,
    }
    return ModelResults(version, CLASSES, slides, _metrics(cohort, slides), card)


def _metrics(cohort: Cohort, slides: dict[str, SlideResult]) -> dict[str, object]:
    """Figures over the invented predictions, by the same functions as the real ones."""
    from types import SimpleNamespace

    from napari_lookalike.core.evaluation import evaluate

    ids = tuple(slides)
    y = np.array([CLASSES.index(cohort[s].label) for s in ids])
    z = np.stack([slides[s].embedding for s in ids])
    means = np.stack([z[y == c].mean(axis=0) for c in range(len(CLASSES))])
    cv = SimpleNamespace(
        classes=CLASSES,
        slide_ids=ids,
        groups=tuple(cohort[s].group for s in ids),
        y=y,
        fold=np.array([slides[s].fold for s in ids]),
        probabilities=np.stack([slides[s].probabilities for s in ids]),
        embeddings=z,
        class_means=np.stack([means / np.linalg.norm(means, axis=1, keepdims=True)] * 3),
    )
    return evaluate(cv, [("alpha", "beta")])


def tiny_projection(results: ModelResults, method: str = "umap") -> Projection:
    """Two coordinates of the embeddings, as they are."""
    points = np.stack([r.embedding[:2] for r in results.slides.values()]).astype(np.float32)
    return Projection(results.version, method, tuple(results.slides), points)


def tiny_grid() -> TileGrid:
    """All 48 cells of 32 level-0 pixels."""
    rows, columns = HEIGHT // TILE_PX0, WIDTH // TILE_PX0
    cells = np.array([(c, r) for r in range(rows) for c in range(columns)], np.int32)
    size = (float(TILE_PX0), float(TILE_PX0))
    return TileGrid(cells, (rows, columns), (0.0, 0.0), size, size, TILE_PX0, 0.5, (WIDTH, HEIGHT))


def tiny_features(slide_id: str) -> Features:
    """Random instances."""
    seed = sum(slide_id.encode())
    instances = np.random.default_rng(seed).normal(size=(len(tiny_grid()), DIM))
    return Features(
        slide_id, "", instances.astype(np.float32), tiny_grid(), "tiny-v1", slide_mpp=(0.5, 0.5)
    )


def _pixels(seed: int) -> NDArray[np.uint8]:
    """Purple nuclei on pink tissue with white glass around; every slide another."""
    rng = np.random.default_rng(seed)
    pixels = np.full((HEIGHT, WIDTH, 3), 245, np.uint8)
    pixels[16:-16, 16:-16] = (225, 165, 195)
    for x, y in rng.integers(20, (WIDTH - 24, HEIGHT - 24), (60 + 4 * seed, 2)):
        pixels[y : y + 4, x : x + 4] = (95, 60, 140)
    return pixels


__all__ = [
    "CLASSES",
    "FIRST",
    "SECOND",
    "tiny_cohort",
    "tiny_features",
    "tiny_grid",
    "tiny_project",
    "tiny_projection",
    "tiny_results",
]
