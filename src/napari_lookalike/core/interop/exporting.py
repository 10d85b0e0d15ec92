"""Writes a project's features, predictions and maps in the formats that others read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from napari_lookalike import __version__
from napari_lookalike.core.errors import LookalikeError, ProjectError, system_reason
from napari_lookalike.core.interop.formats import EXPORTERS
from napari_lookalike.core.interop.outgoing import Exported, ExportOptions, ExportPlan
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.project_file import write_atomic
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.results_here import results_here

ABOUT = "about.json"
_HIDDEN = "patients are numbered"


def export(
    root: Path | str,
    kind: str,
    out: Path,
    options: ExportOptions | None = None,
    *,
    job: Job = SILENT,
) -> Exported:
    """Write one kind of file for a project's slides.

    Names in what is written are slide_ids. File names never go out; patient ids only if
    asked for.

    Parameters
    ----------
    root
        The project folder.
    kind
        Name in `EXPORTERS`.
    out
        Folder to write into: made, or empty unless ``replace``.
    options
        What it holds.
    job
        Progress and cancel; files that are written stay.

    Returns
    -------
    Exported
        With the slides that could not be exported, and why.

    Raises
    ------
    FeatureError
        If there is no such kind, or what it needs is not installed.
    ModelError
        If it needs a model and there is none, or no such version.
    ProjectError
        If the folder holds something already, or cannot be written.
    """
    options = options or ExportOptions()
    project = Project.open(root)
    exporter = EXPORTERS.get(kind)
    if (obstacle := EXPORTERS.why_not(kind)) is not None:
        raise LookalikeError(f"{exporter.title}: {obstacle}")
    slide_ids = _wanted(project, options)
    _prepare(out, project, options.replace)
    plan = ExportPlan(project, out, slide_ids, options, _results(project, options.version))
    try:
        done = exporter.write(plan, job)
    except OSError as error:
        raise ProjectError(
            f"The export cannot be written ({system_reason(error)}).",
            "Check the folder's free space and that you may write there.",
        ) from None
    identity = _identity(exporter.identity, options)
    _about(out, kind, plan, identity)
    return replace(done, kind=kind, identity=identity, problems={**done.problems, **plan.problems})


def _wanted(project: Project, options: ExportOptions) -> list[str]:
    if options.slide_ids is None:
        return [r.slide_id for r in project.cohort if not r.excluded]
    chosen = {project.cohort[s].slide_id for s in options.slide_ids}
    return [r.slide_id for r in project.cohort if r.slide_id in chosen]


def _results(project: Project, version: str | None) -> ModelResults | None:
    name = version or project.current_version
    if not name:
        return None
    project.check_version(name)
    return results_here(project, name)


def _prepare(out: Path, project: Project, over: bool) -> None:
    if (out / "project.json").exists() or out.absolute() == project.root:
        raise ProjectError("This folder holds a project.", "Choose another one for the export.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        there = any(out.iterdir())
    except OSError as error:
        raise ProjectError(
            f"The folder cannot be used ({error.strerror or type(error).__name__}).",
            "Choose a folder that you may write.",
        ) from None
    if there and not over:
        raise ProjectError(
            "The folder for the export is not empty.",
            "Choose an empty one, or allow files to be replaced (--replace).",
        )


def _identity(sentence: str, options: ExportOptions) -> str:
    if options.patient_ids:
        return sentence.replace(_HIDDEN, "PATIENT IDS IN CLEAR, as you asked")
    return sentence


def _about(out: Path, kind: str, plan: ExportPlan, identity: str) -> None:
    """A note beside the files: what they are and what made them."""
    results = plan.results
    about = {
        "kind": kind,
        "made_by": f"napari-lookalike {__version__}",
        "use": "Research use only: not for diagnosis.",
        "contains": identity,
        "slides": len(plan.slide_ids),
        "synthetic": plan.project.cohort.synthetic,
        "encoder": plan.project.settings.encoder,
        "model": results.version if results else None,
        "attention": plan.options.values,
        "partly_embedded": plan.partial,
    }
    text = json.dumps(about, indent=1)
    write_atomic(out / ABOUT, lambda p: _write_text(p, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
