"""What a command may be given as a project: its folder, or something to make one from."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.cli.console import err, wrong_usage
from napari_lookalike.core.errors import ManifestError
from napari_lookalike.core.manifest import ManifestResult, Problem, read_manifest, scan_folder
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project


def is_project(path: Path) -> bool:
    """Whether the folder is a project."""
    return (path / "project.json").is_file()


def open_project(root: Path) -> Project:
    """Open a project, and say on standard error if its backup had to be used."""
    project = Project.open(root)
    if project.warning:
        err.print(project.warning, style="yellow", highlight=False)
    return project


def open_or_make(
    source: Path, target: Path | None, job: Job = SILENT
) -> tuple[Project, tuple[Problem, ...]]:
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
        The project, and the slides that could not be taken (each was told).
    """
    if is_project(source):
        return open_project(source), ()
    if target is None:
        wrong_usage("This is no project yet; say with --project where a new one may go.")
    if is_project(target):
        err.print("There is a project already: its own list of slides is used.", style="yellow")
        return open_project(target), ()
    found = scan_folder(source, job=job) if source.is_dir() else read_manifest(source, job=job)
    tell_problems(found)
    if not len(found.cohort):  # an empty project would stand in the way of a second try
        where = "folder" if source.is_dir() else "manifest"
        raise ManifestError(
            f"There is no slide in this {where} that can be used.",
            "Nothing was made. A folder's JPEG and PNG files are taken only from a manifest.",
        )
    return Project.create(target, found.cohort), found.problems


def tell_problems(found: ManifestResult) -> None:
    """Say on standard error what was left out, and why."""
    for problem in found.problems:
        err.print(f"Left out: {problem}", style="yellow", highlight=False, markup=False)
    if found.note:
        err.print(found.note, style="yellow", highlight=False, markup=False)


def problem_facts(problem: Problem) -> dict[str, object]:
    """A slide that was left out, ready for JSON; the file stays unnamed."""
    return {
        "line": problem.row,
        "slide_id": problem.slide_id or None,
        "what": problem.sentence,
        "remedy": problem.remedy,
    }
