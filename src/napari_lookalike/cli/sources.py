"""What a command may be given as a project: its folder, or something to make one from."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.cli.console import err, wrong_usage
from napari_lookalike.core.manifest import ManifestResult, read_manifest, scan_folder
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project


def is_project(path: Path) -> bool:
    """Whether the folder is a project."""
    return (path / "project.json").is_file()


def open_or_make(source: Path, target: Path | None, job: Job = SILENT) -> tuple[Project, int]:
    """Open a project, or make one from a manifest or a folder of slides.

    Parameters
    ----------
    source
        A project folder, a manifest (CSV) or a folder of slides.
    target
        Where a new project goes; needed unless ``source`` is a project.

    Returns
    -------
    tuple
        The project, and how many slides could not be taken (each was told).
    """
    if is_project(source):
        return Project.open(source), 0
    if target is None:
        wrong_usage(f"{source} is no project; say with --project where a new one may go.")
    if is_project(target):
        return Project.open(target), 0
    found = scan_folder(source, job=job) if source.is_dir() else read_manifest(source)
    tell_problems(found)
    return Project.create(target, found.cohort), len(found.problems)


def tell_problems(found: ManifestResult) -> None:
    """Say on standard error what was left out, and why."""
    for problem in found.problems:
        err.print(f"Left out: {problem}", style="yellow", highlight=False, markup=False)
