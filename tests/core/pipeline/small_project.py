"""A small project on disk whose features are made up: no slide is needed to train."""

from pathlib import Path

import numpy as np

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.features import Features, save_features
from napari_lookalike.core.project import Project
from napari_lookalike.core.tiles import TileGrid

CLASSES = ("A", "B", "C")
DIM = 12


def grid(n, mpp=0.5):
    cells = np.stack([np.arange(n) % 4, np.arange(n) // 4], axis=1).astype(np.int32)
    return TileGrid(
        cells, (-(-n // 4), 4), (0.0, 0.0), (448.0, 448.0), (448.0, 448.0), 224, mpp, (5000, 5000)
    )


def features(slide_id, label, seed, *, n=10, dim=DIM, mpp=0.5):
    """Tiles around their class's own direction, in noise."""
    rng = np.random.default_rng(seed)
    instances = rng.normal(size=(n, dim)).astype(np.float32)
    if label in CLASSES:
        instances[: n // 2, CLASSES.index(label)] += 3.0
    return Features(slide_id, f"f{seed:08d}", instances, grid(n, mpp), "made-up-1")


def records(per_class=6):
    """Patients P0, P1, ... with two slides each; the classes one after another."""
    made = []
    for c, label in enumerate(CLASSES):
        for i in range(per_class):
            made.append(
                SlideRecord(
                    f"{label}{i}", Path("gone.svs"), f"PAT-{c}-{i // 2}", label, f"site{i % 2}"
                )
            )
    return tuple(made)


def store(project, *made):
    for f in made:
        path = project.features_path(f.slide_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_features(path, f)


def small_project(root, extra=(), per_class=6):
    cohort = Cohort((*records(per_class), *extra), name="made up")
    project = Project.create(root, cohort)
    store(project, *(features(r.slide_id, r.label, i) for i, r in enumerate(cohort)))
    return project
