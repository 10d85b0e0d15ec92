"""``report`` and ``lock-test-set``: what a model version is worth, on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_lookalike.cli.console import (
    RESEARCH,
    Json,
    new_folder,
    out,
    present_folder,
    print_json,
    progress,
    wrong_usage,
)
from napari_lookalike.cli.sources import open_project
from napari_lookalike.core.project import Project


def report(
    project: Annotated[Path, typer.Argument(callback=present_folder, help="A project.")],
    output: Annotated[
        Path,
        typer.Option("--out", callback=new_folder, help="Folder for report.html and report.json."),
    ],
    version: Annotated[
        str | None, typer.Option(help="Model version; without it, the one in use.")
    ] = None,
    open_test_set: Annotated[
        bool, typer.Option("--open-test-set", help="Look at the locked test set: it is counted.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a model version's report: one page that opens without a network, and JSON."""
    opened = open_project(project)
    chosen = version or opened.current_version
    if chosen is None:
        wrong_usage("No model is in use: say which with --version, or train one first.")
    figures: dict[str, Any] | None = None
    if open_test_set:
        from napari_lookalike.core.pipeline.open_test import open_test_set as look

        with progress("Opening the test set", quiet=json) as job:
            figures = look(opened.root, chosen, job=job)
    write_report(opened, chosen, output, json=json, test_figures=figures)


def write_report(
    project: Project,
    version: str,
    folder: Path,
    *,
    json: bool,
    test_figures: dict[str, Any] | None = None,
) -> None:
    """Write a report and say what is in it."""
    from napari_lookalike.core.model_report import build_model_report, save_model_report

    content = build_model_report(project, version, test_figures=test_figures)
    page = save_model_report(folder, content)
    if json:
        print_json(content)
        return
    for sentence in content["summary"]:
        out.print(sentence, highlight=False, markup=False)
    out.print(f"Report of {version}: {page.name} and report.json in the folder you named.")
    out.print(RESEARCH)


def lock_test_set(
    project: Annotated[Path, typer.Argument(callback=present_folder, help="A project.")],
    share: Annotated[float, typer.Option(help="Share of each subtype's patients.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the draw.")] = 0,
    json: Json = False,
) -> None:
    """Lock test patients away, once, before the first mark and the first model."""
    from napari_lookalike.core.locked_test import lock_test_set as lock

    opened = open_project(project)
    locked = lock(opened, share, seed)
    slides = locked.slides(opened.cohort)
    patients = len({s.group for s in slides})
    if json:
        print_json({"slides": sorted(s.slide_id for s in slides), "patients": patients})
        return
    out.print(
        f"{len(slides)} slides of {patients} patients are locked away. They are not trained on, "
        "predicted or shown in figures until you ask for it: report --open-test-set."
    )
