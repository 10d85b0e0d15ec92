"""Two Dask workers on two cores beside one worker on one."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from napari_lookalike.core.bench.embed.affinity import cores_here, on_cores
from napari_lookalike.core.bench.embed.shipped import bench_cohort
from napari_lookalike.core.bench.report import NotMeasured, Row
from napari_lookalike.core.errors import ClusterError
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project

NAME = "two Dask workers on two cores, times one on one"
TARGET = 1.8
_TILES, _QUICK_TILES, _SLIDES = 4_000, 600, 2
_ROUNDS, _QUICK_ROUNDS = 3, 1


def cluster(folder: Path, quick: bool, job: Job) -> Row | NotMeasured:
    """Embed a cohort with the shipped encoder; the start of the workers is not counted.

    Parameters
    ----------
    folder
        For the slides and the project.
    quick
        Fewer tiles, one round.
    job
        Progress and cancel.
    """
    if cores_here() < 2 or sys.platform != "linux":
        return NotMeasured(NAME, "it needs two cores, and a system that holds processes on them")
    root = bench_cohort(folder, (_QUICK_TILES if quick else _TILES) // _SLIDES, _SLIDES)
    rates: dict[int, list[float]] = {1: [], 2: []}
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    try:
        for i in range(rounds):
            for workers in rates:
                job.step(2 * i + workers - 1, 2 * rounds, f"embedding with {workers} workers")
                rates[workers].append(_rate(root, workers))
    except ClusterError as error:
        return NotMeasured(NAME, f"{error.what} {error.remedy}")
    each = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    middle = sorted(each)[len(each) // 2]
    beside = f"one {_range(rates[1])}, two {_range(rates[2])} tiles/s"
    return Row.of(NAME, middle, "", TARGET).among(min(each), max(each), beside)


class _Clock(Job):
    """Notes when the workers were ready, and the first of them could begin."""

    def __init__(self) -> None:
        super().__init__()
        self.began = 0.0

    def step(self, done: int, total: int, what: str) -> None:
        """Progress of the run: a total is known once the work is given out."""
        if total and not self.began:
            self.began = time.perf_counter()


def _rate(root: Path, workers: int) -> float:
    """Tiles per second, from when work is given out until the last file is written."""
    from napari_lookalike.core.cluster.run import embed_on_cluster
    from napari_lookalike.core.pipeline.embed_one import EmbedOptions

    project = Project.open(root)
    shutil.rmtree(project.root / "features", ignore_errors=True)
    clock = _Clock()
    slide_ids = [record.slide_id for record in project.cohort]
    with on_cores(workers):
        outcomes = list(
            embed_on_cluster(project, slide_ids, f"local:{workers}", "", EmbedOptions(), clock)
        )
        ended = time.perf_counter()
    failed = [outcome.error for outcome in outcomes if outcome.error]
    if failed:
        raise ClusterError(failed[0], "")
    return sum(outcome.tiles for outcome in outcomes) / (ended - clock.began)


def _range(values: list[float]) -> str:
    return f"{min(values):.0f} to {max(values):.0f}" if len(values) > 1 else f"{values[0]:.0f}"
