"""``predict``: what the project's model says of slides and patients."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_lookalike.cli.console import (
    RESEARCH,
    Json,
    err,
    out,
    present_folder,
    print_json,
    progress,
    table,
)
from napari_lookalike.cli.sources import open_project
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.locked_test import locked_slide_ids
from napari_lookalike.core.prediction import case_prediction, differential
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.results_here import results_here


def predict(
    project: Annotated[Path, typer.Argument(callback=present_folder, help="A project.")],
    slide: Annotated[list[str] | None, typer.Option(help="Only these slide_ids.")] = None,
    version: Annotated[str | None, typer.Option(help="Model version; else the one in use.")] = None,
    json: Json = False,
) -> None:
    """Show predictions; slides that the model has not seen yet are predicted first."""
    from napari_lookalike.core.pipeline.train import predict_slides

    opened = open_project(project)
    model = version or opened.current_version
    if not model:
        if there := opened.versions():
            raise ModelError(
                f"No model of this project is in use (there are {', '.join(there)}).",
                "Put one in use with `napari-lookalike versions keep`, or name it with --version.",
            )
        raise ModelError(
            "This project has no model yet.", "Train one with `napari-lookalike train`."
        )
    locked = locked_slide_ids(opened)  # asked for by name only, and then refused in words
    usual = [r.slide_id for r in opened.cohort if not r.excluded and r.slide_id not in locked]
    wanted = slide or usual
    for slide_id in wanted:
        opened.cohort[slide_id]  # an unknown slide is an error, not an empty answer
    opened.check_version(model)
    known = results_here(opened, model).slides
    new = [slide_id for slide_id in wanted if slide_id not in known]
    ready = [slide_id for slide_id in new if opened.features_path(slide_id).exists()]
    problems: tuple[str, ...] = ()
    if ready:
        with progress("Predicting", quiet=json) as job:
            problems = predict_slides(opened.root, model, ready, job=job).problems
    results = results_here(opened, model)
    missing = [slide_id for slide_id in new if slide_id not in ready]
    rows = [_row(results, slide_id) for slide_id in wanted if slide_id in results.slides]
    cases = _cases(opened, results, wanted)
    if json:
        print_json(
            {
                "version": model,
                "research_use_only": True,
                "slides": rows,
                "cases": cases,
                "not_embedded": missing,
                "problems": problems,
            }
        )
    else:
        _show(model, rows)
    for slide_id in missing:
        err.print(f"{slide_id}: not embedded yet; run `napari-lookalike embed`.", style="yellow")
    for sentence in problems:
        err.print(sentence, style="red", highlight=False, markup=False)
    if missing or problems:
        raise typer.Exit(1)


def _row(results: ModelResults, slide_id: str) -> dict[str, Any]:
    result = results.slides[slide_id]
    first = differential(result, results.classes)
    return {
        "slide_id": slide_id,
        "prediction": first.first,
        "second": first.second,
        "margin": first.margin,
        "probabilities": dict(zip(results.classes, result.probabilities.tolist(), strict=True)),
        "held_out": result.held_out,
        "unlike_training": result.is_unlike,
    }


def _cases(project: Project, results: ModelResults, wanted: list[str]) -> list[dict[str, Any]]:
    """Per patient; numbered, since a patient id may identify a child."""
    groups: dict[str, list[str]] = defaultdict(list)
    for slide_id in wanted:
        if slide_id in results.slides:
            groups[project.cohort[slide_id].group].append(slide_id)
    cases = []
    for number, slide_ids in enumerate(groups.values(), start=1):
        said = case_prediction([results.slides[s] for s in slide_ids], results.classes)
        cases.append(
            {
                "case": number,
                "slides": slide_ids,
                "prediction": said.differential.first,
                "rule": said.rule,
            }
        )
    return cases


def _show(version: str, rows: list[dict[str, Any]]) -> None:
    table(
        f"Model {version}",
        ["slide", "prediction", "probability", "second", "margin", "said by"],
        [
            [
                row["slide_id"],
                row["prediction"],
                f"{row['probabilities'][row['prediction']]:.2f}",
                row["second"],
                f"{row['margin']:.2f}",
                "a model that never saw this patient" if row["held_out"] else "the final model",
            ]
            for row in rows
        ],
    )
    unlike = [row["slide_id"] for row in rows if row["unlike_training"]]
    if unlike:
        out.print(f"Unlike anything in the training set: {', '.join(unlike)}.", style="yellow")
    out.print(RESEARCH, style="bold yellow")
