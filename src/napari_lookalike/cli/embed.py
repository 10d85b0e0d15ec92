"""``embed``: tissue, tiles and features for a cohort."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import Json, err, out, present, print_json, progress
from napari_lookalike.cli.sources import open_or_make, problem_facts
from napari_lookalike.session.needs import count


def embed(
    source: Annotated[
        Path,
        typer.Argument(callback=present, help="A project, a manifest (CSV) or a slide folder."),
    ],
    project: Annotated[Path | None, typer.Option(help="Where a new project goes.")] = None,
    encoder: Annotated[str | None, typer.Option(help="Name from `doctor`'s list.")] = None,
    weights: Annotated[
        Path | None, typer.Option(callback=present, help="Weight file of that encoder.")
    ] = None,
    slide: Annotated[list[str] | None, typer.Option(help="Only these slide_ids.")] = None,
    again: Annotated[bool, typer.Option(help="Also slides that have features already.")] = False,
    json: Json = False,
) -> None:
    """Find tissue, cut tiles and embed them; finished slides are skipped."""
    from napari_lookalike.core.pipeline.embed import embed_project

    with progress("Embedding", quiet=json) as job:
        opened, left_out = open_or_make(source, project, job)
        report = embed_project(
            opened.root,
            slide,
            encoder=encoder,
            weights=weights,
            only_missing=not again,
            job=job,
        )
    for slide_id, sentence in {**report.reasons, **report.failed}.items():
        style = "red" if slide_id in report.failed else "yellow"
        err.print(f"{slide_id}: {sentence}", style=style, highlight=False, markup=False)
    if json:
        print_json({**asdict(report), "left_out": [problem_facts(p) for p in left_out]})
    else:
        out.print(
            f"{count(len(report.done), 'slide')} embedded ({report.tiles} tiles, "
            f"{report.tiles_per_second:.0f} per second), "
            f"{len(report.skipped) - len(report.reasons)} had been embedded before, "
            f"{len(report.reasons)} passed over, {len(report.failed)} failed."
        )
    if report.failed or left_out:
        raise typer.Exit(1)
