"""The demo as two jobs: everything up to the first map, and the report at the end.

Between them an expert (or a script in the real window) marks look-alike pairs and
fine-tunes. All three models that the report compares have had the same training: a
first stage with cross-entropy, then the same number of passes with cross-entropy
again ("ce"), with SupCon ("supcon"), or with the expert-guided loss ("expert").

Importing this module does not import torch.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.config import LossName, TrainConfig
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.core.settings import ProjectSettings

DEMO_ENCODER = "histology-descriptor"
"""The demo's cohort was tuned on it, before its figures were frozen."""

PARTS = 6
"""Equal shares of the progress bar: cohort, features, three trainings, map."""


def prepare_demo(
    root: Path | str,
    *,
    cohort_folder: Path | None = None,
    fresh: bool = False,
    settings: ProjectSettings | None = None,
    timings: MutableMapping[str, float] | None = None,
    job: Job = SILENT,
) -> Project:
    """Make the demo project: synthetic cohort, features, models and the first map.

    The project's model in use is the one after the first stage: what a person fine-tunes
    in the window starts there, as the models that it is compared with did.

    A demo project that is there is gone on with, with its marks and models; what it
    lacks is made.

    Parameters
    ----------
    root
        The project's folder.
    cohort_folder
        Where the slides are cached; ``None`` for the user's cache folder.
    fresh
        Start anew: a demo project in ``root`` is removed, with its marks and models.
        Slides are still taken from the cache.
    settings
        Of a project that is made; if ``None`` the defaults, with `DEMO_ENCODER`.
    timings
        Receives the seconds that each part took in this run.
    job
        Progress and cancel.

    Returns
    -------
    Project
        Opened anew, with everything in it.

    Raises
    ------
    ProjectError
        If ``root`` holds a project that is not a demo's, or cannot be written.
    LookalikeError
        If a slide could not be embedded, or the cohort not be trained.
    JobCancelled
        If the job was cancelled; the next call goes on from there.
    """
    from napari_lookalike.core.synth.cohort import default_folder, make_cohort

    root = Path(root)
    times: MutableMapping[str, float] = {} if timings is None else timings
    with _timed(times, "cohort"):
        cohort = make_cohort(cohort_folder or default_folder(), job=job.part(0, PARTS))
    project = _project(root, fresh)
    if project is None:
        project = Project.create(root, cohort, settings or ProjectSettings(encoder=DEMO_ENCODER))
    elif {s.slide_id: s.path for s in project.cohort} != {s.slide_id: s.path for s in cohort}:
        raise ProjectError(
            "The demo project in this folder was made from other slides.",
            "Choose another folder for the demo.",
        )
    with _timed(times, "features"):
        _embed(project, job.part(1, PARTS))
    _train(project, times, job)
    version = project.current_version
    with _timed(times, "map"):
        _map(root, version, job.part(5, PARTS))
    job.step(PARTS, PARTS, "The demo is ready")
    return Project.open(root)


@contextlib.contextmanager
def _timed(times: MutableMapping[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times[name] = round(time.perf_counter() - start, 2)


def _project(root: Path, fresh: bool) -> Project | None:
    """The demo project that is there, or ``None``; never touches another's."""
    if not (root / "project.json").exists():
        return None
    project = Project.open(root)
    if not project.cohort.synthetic:
        raise ProjectError(
            "There is a project in this folder that is not the demo's.",
            "Choose another folder for the demo.",
        )
    if not fresh:
        return project
    try:
        shutil.rmtree(root)
    except OSError as error:
        raise ProjectError(
            f"The former demo project cannot be removed ({error.strerror}).",
            "Close it if it is open, or choose another folder for the demo.",
        ) from None
    return None


def _embed(project: Project, job: Job) -> None:
    from napari_lookalike.core.pipeline.embed import embed_project

    report = embed_project(project.root, job=job)
    if report.failed:
        raise ProjectError(
            f"{len(report.failed)} synthetic slides cannot be embedded: "
            f"{next(iter(report.failed.values()))}",
            "Remove the demo's cache folder and start the demo again.",
        )
    project.reload()


def _train(project: Project, times: MutableMapping[str, float], job: Job) -> None:
    """The first stage, and its two continuations that need no marks."""
    from napari_lookalike.core.pipeline.train import train_project

    config = project.settings.train
    found = demo_versions(project)
    base = found.get("base")
    if base is None:
        with _timed(times, "training: first stage"):
            first = replace(config, loss="ce")
            base = train_project(project.root, first, table_rows=(), job=job.part(2, PARTS))
    if project.current_version is None:
        project.set_current_version(base)
    stages: tuple[tuple[LossName, int], ...] = (("ce", 3), ("supcon", 4))
    for loss, part in stages:
        if loss not in found:
            with _timed(times, f"training: {loss}"):
                tuned: TrainConfig = replace(config, loss=loss)
                train_project(project.root, tuned, base, (), job=job.part(part, PARTS))


def _map(root: Path, version: str | None, job: Job) -> None:
    from napari_lookalike.core.pipeline.maps import map_project

    if version is not None:
        map_project(root, version, "umap", job=job)


def demo_versions(project: Project) -> dict[str, str]:
    """Which model version plays which part in the demo.

    Returns
    -------
    dict
        "base" (first stage), "ce", "supcon", "expert" (the newest) -> version, as far as
        they are there. Only continuations of the first stage count.
    """
    found: dict[str, str] = {}
    for version in project.versions():
        card = load_results(project.version_dir(version)).card
        loss, start = str(card.get("loss", "")), str(card.get("start_from", ""))
        if loss == "ce" and not start:
            found.setdefault("base", version)
        elif start and start == found.get("base"):
            if loss == "expert":
                found["expert"] = version
            else:
                found.setdefault(loss, version)
    return found


def write_report(
    root: Path | str, out: Path | str, timings: MutableMapping[str, float] | None = None
) -> dict[str, Any]:
    """Write ``report.json`` and ``pairs.csv`` of a demo project into a folder.

    Parameters
    ----------
    root
        The project's folder.
    out
        Folder to write to; made if it is not there.
    timings
        Seconds by part, measured in this run.

    Returns
    -------
    dict
        What ``report.json`` holds; see `report.build_report`.

    Raises
    ------
    ProjectError
        If the folder cannot be written.
    ModelError
        If there is no trained model.
    """
    from napari_lookalike.core.hard_negatives import HardNegativeTable, export_csv
    from napari_lookalike.core.report import build_report, save_report

    project, out = Project.open(root), Path(out)
    report = build_report(project, demo_versions(project), dict(timings or {}))
    save_report(out / "report.json", report)
    export_csv(HardNegativeTable(project.table_place).rows(), out / "pairs.csv", project.cohort)
    return report
