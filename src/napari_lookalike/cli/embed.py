"""``embed``: tissue, tiles and features for a cohort."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    Json,
    err,
    known_device,
    out,
    present,
    print_json,
    progress,
)
from napari_lookalike.cli.sources import open_or_make, problem_facts
from napari_lookalike.core.devices import check_device
from napari_lookalike.core.pipeline.embed import EmbedReport
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
    device: Annotated[
        str,
        typer.Option(
            callback=known_device, help="auto, cpu, mps, cuda, or cuda:1 for the second card."
        ),
    ] = "auto",
    batch: Annotated[
        int, typer.Option(min=0, help="Tiles that the encoder gets at once; 0: what suits it.")
    ] = 0,
    mpp: Annotated[
        float | None, typer.Option(help="µm per pixel of the slides that do not say it.")
    ] = None,
    stain: Annotated[
        str | None, typer.Option(help="Stain normalisation: none, macenko or reinhard.")
    ] = None,
    stop_at: Annotated[
        float,
        typer.Option(min=0.001, max=1.0, help="Leave slides at this share of their tiles."),
    ] = 1.0,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Have torch compile the network (a GPU; slow to start)."),
    ] = False,
    dask: Annotated[
        str,
        typer.Option(help="Address of a Dask scheduler that does the work, or local:N."),
    ] = "",
    features_url: Annotated[
        str,
        typer.Option(help="With --dask: where workers leave features (any URL of fsspec)."),
    ] = "",
    json: Json = False,
) -> None:
    """Find tissue, cut tiles and embed them; finished slides are skipped."""
    from napari_lookalike.core.pipeline.embed import embed_project
    from napari_lookalike.core.pipeline.missing_scale import give_scale

    with progress("Embedding", quiet=json) as job:
        if not dask:  # each worker says for itself whether it has the device
            check_device(device)
        opened, left_out = open_or_make(source, project, job)
        if mpp is not None:
            given = give_scale(opened, mpp, slide, job)
            err.print(f"{count(len(given), 'slide')} got the scale of {mpp:g} µm per pixel.")
        report = embed_project(
            opened.root,
            slide,
            encoder=encoder,
            weights=weights,
            only_missing=not again,
            job=job,
            stain=stain,
            device=device,
            batch=batch,
            stop_at=stop_at,
            compiled=compiled,
            dask=dask,
            features_url=features_url,
        )
    _tell(report)
    if json:
        print_json({**asdict(report), "left_out": [problem_facts(p) for p in left_out]})
    else:
        out.print(_summary(report))
    if report.failed or left_out:
        raise typer.Exit(1)


def _tell(report: EmbedReport) -> None:
    """What needs a look, on standard error."""
    if report.note:
        err.print(report.note, style="yellow", highlight=False, markup=False)
    for slide_id, what in report.damaged.items():
        sentence = f"{slide_id}: its former features were made again, since {what}."
        err.print(sentence, style="yellow", highlight=False, markup=False)
    for slide_id, share in report.partial.items():
        sentence = f"{slide_id}: left at {share:.0%} of its tiles; embed it again to complete it."
        err.print(sentence, style="yellow", highlight=False, markup=False)
    for slide_id, sentence in {**report.reasons, **report.failed}.items():
        style = "red" if slide_id in report.failed else "yellow"
        err.print(f"{slide_id}: {sentence}", style=style, highlight=False, markup=False)


def _summary(report: EmbedReport) -> str:
    return (
        f"{count(len(report.done), 'slide')} embedded ({report.tiles} tiles, "
        f"{report.tiles_per_second:.0f} per second), "
        f"{len(report.skipped) - len(report.reasons)} had been embedded before, "
        f"{len(report.reasons)} passed over, {len(report.failed)} failed."
    )
