"""From "Fine-tune" to a map that moved, on a cohort of the demo's shape."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_lookalike.core.bench.report import Row
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.features import Features, save_features
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.tiles import TileGrid

WHOLE = "fine-tuning from the table, demo cohort: until the new map is there"
FIRST = "fine-tuning from the table, demo cohort: first visible change"
TARGET_S, FIRST_TARGET_S = 10.0, 2.0
SIZES = (13, 12, 8, 8, 7, 6)
"""Slides of each subtype of the demo's cohort; two slides of some patients."""
TILES, DIM = (33, 86), 586
_RUNS, _QUICK_RUNS = 3, 1


def finetune(folder: Path, quick: bool, job: Job) -> list[Row]:
    """Fine-tune as the window does: in a process that is warm, all folds, before and after.

    Parameters
    ----------
    folder
        For the project.
    quick
        One run.
    job
        Progress and cancel.
    """
    from napari_lookalike.core.pipeline.maps import map_project
    from napari_lookalike.core.pipeline.train import train_project

    job.step(0, 0, "making a cohort of the demo's shape and its first model")
    project = demo_like(folder / "project")
    config = TrainConfig(device="cpu")
    first = train_project(project.root, replace(config, loss="ce"), job=SILENT)
    project.set_current_version(first)
    map_project(project.root, first, "pca")
    HardNegativeTable(project.table_place).add(
        PairMark(level="subtype", subtype_a="type 0", subtype_b="type 1", expert="bench")
    )
    runs = _QUICK_RUNS if quick else _RUNS
    whole, seen = [], []
    for i in range(runs):
        job.step(i, runs, "fine-tuning")
        watch = _Watch()
        version = train_project(
            project.root, replace(config, loss="expert"), start_from=first, job=watch
        )
        map_project(project.root, version, "pca", align_to_version=first)
        whole.append(watch.seconds())
        seen.append(watch.first or whole[-1])
    beside = f"{sum(SIZES)} slides, {config.finetune_epochs} passes, {config.folds} folds, PCA"
    return [
        Row.of(WHOLE, min(whole), "s", TARGET_S, "at most").among(min(whole), max(whole), beside),
        Row.of(FIRST, min(seen), "s", FIRST_TARGET_S, "at most").among(
            min(seen), max(seen), "slides move on the former map"
        ),
    ]


class _Watch(Job):
    """Somebody who looks: notes when the work first showed where slides are now."""

    def __init__(self) -> None:
        super().__init__(on_value=self._saw)
        self._started = time.perf_counter()
        self.first = 0.0

    def seconds(self) -> float:
        return time.perf_counter() - self._started

    def _saw(self, value: object) -> None:
        del value
        if not self.first:
            self.first = self.seconds()


def demo_like(root: Path) -> Project:
    """A project with made features: tiles of a subtype lie around a direction of its own."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((len(SIZES), DIM), np.float32)
    records: list[SlideRecord] = []
    bags = []
    for c, size in enumerate(SIZES):
        for i in range(size):
            label = f"type {c}"
            name = f"S{len(records):03d}"
            # Every sixth slide is a patient's second one, as in the demo.
            patient = f"P{c}-{i - 1 if i % 6 == 5 else i}"
            records.append(SlideRecord(name, Path("none.svs"), patient, label, f"centre {i % 2}"))
            tiles = rng.standard_normal((int(rng.integers(*TILES)), DIM), np.float32)
            tiles[: len(tiles) // 4] += 0.5 * directions[c]
            bags.append(tiles)
    project = Project.create(root, Cohort(tuple(records), name="made", synthetic=True))
    for record, instances in zip(records, bags, strict=True):
        path = project.features_path(record.slide_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Features(record.slide_id, record.slide_id, instances, _grid(len(instances)), "made")
        save_features(path, made)
    return project


def _grid(n: int) -> TileGrid:
    cells = np.stack([np.arange(n) % 10, np.arange(n) // 10], axis=1).astype(np.int32)
    size = (448.0, 448.0)
    return TileGrid(cells, (-(-n // 10), 10), (0.0, 0.0), size, size, 224, 0.5, (5_000, 5_000))
