"""A cohort with the shipped encoder, as somebody without a GPU runs it."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.bench.embed.affinity import cores_here, on_cores
from napari_lookalike.core.bench.embed.material import slide_with_tiles
from napari_lookalike.core.bench.report import NotMeasured, Row
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.pipeline.embed import embed_project
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.settings import ProjectSettings

NAME = "15,000 tiles with the shipped encoder, two cores"
TARGET_S = 75.0
_TILES, _SLIDES, _QUICK_SHARE = 15_000, 4, 10
_CORES = 2


def shipped(folder: Path, quick: bool, job: Job) -> Row | NotMeasured:
    """Embed a cohort of four slides: processes start, tissue is found, files are written.

    Parameters
    ----------
    folder
        For the slides and the project.
    quick
        A tenth of the tiles; the seconds are those of 15,000 at this rate.
    job
        Progress and cancel.
    """
    if cores_here() < _CORES:
        return NotMeasured(NAME, "this machine has one core")
    each = _TILES // _SLIDES // (_QUICK_SHARE if quick else 1)
    root = bench_cohort(folder, each, _SLIDES)
    with on_cores(_CORES):
        report = embed_project(root, job=job)
    if report.failed:
        return NotMeasured(NAME, next(iter(report.failed.values())))
    seconds = report.seconds * _TILES / report.tiles
    beside = f"{report.tiles} tiles in {report.seconds:.1f} s, {report.tiles_per_second:.0f}/s"
    return Row.of(NAME, seconds, "s", TARGET_S, "at most").among(seconds, seconds, beside)


def bench_cohort(folder: Path, tiles: int, slides: int) -> Path:
    """A project of procedural slides with about so many tiles each; returns its folder."""
    records = []
    for i in range(slides):
        path = slide_with_tiles(folder / f"cohort{i}.tif", tiles)
        records.append(SlideRecord(f"S{i + 1}", path, patient_id=f"P{i + 1}", stain="H&E"))
    cohort = Cohort(tuple(records), name="bench", synthetic=True)
    return Project.create(folder / "project", cohort, ProjectSettings()).root
