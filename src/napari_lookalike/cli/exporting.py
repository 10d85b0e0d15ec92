"""``export KIND``: features, attention, embeddings and predictions for other programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_lookalike.cli.console import (
    RESEARCH,
    Json,
    err,
    out,
    present_folder,
    print_json,
    progress,
)
from napari_lookalike.session.needs import count


def export_(
    kind: Annotated[
        str, typer.Argument(help="trident, clam, geojson, tiff, h5ad or csv.", metavar="KIND")
    ],
    project: Annotated[Path, typer.Option(callback=present_folder, help="The project.")],
    to: Annotated[Path, typer.Option("--out", help="Folder to write into: a new or empty one.")],
    slide: Annotated[list[str] | None, typer.Option(help="Only these slide_ids.")] = None,
    version: Annotated[str | None, typer.Option(help="Model version; else the one in use.")] = None,
    values: Annotated[
        Literal["weights", "logits"],
        typer.Option(help="Attention after softmax (weights) or before (logits)."),
    ] = "weights",
    patient_ids: Annotated[
        bool,
        typer.Option("--patient-ids", help="Write patient ids in clear; else they are numbered."),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Write over what is there.")] = False,
    json: Json = False,
) -> None:
    """Write what other programs read. Names are slide_ids, never file names."""
    from napari_lookalike.core.interop.exporting import export
    from napari_lookalike.core.interop.outgoing import ExportOptions

    slides = tuple(slide) if slide else None
    options = ExportOptions(slides, version, patient_ids, values, replace)
    with progress("Exporting", quiet=json) as job:
        done = export(project, kind, to, options, job=job)
    for slide_id, sentence in done.problems.items():
        err.print(f"{slide_id}: {sentence}", style="yellow", highlight=False, markup=False)
    for slide_id, share in done.partial.items():
        sentence = f"{slide_id}: only {100 * share:.0f} % of its tiles are embedded."
        err.print(sentence, style="yellow", highlight=False, markup=False)
    if json:
        print_json({**asdict(done), "research_use_only": True})
    else:
        n, files = count(len(done.done), "slide"), count(done.files, "file")
        out.print(f"{n} exported to {files}. Contains {done.identity}.", highlight=False)
        out.print(RESEARCH, style="bold yellow")
    if done.problems or not done.done:
        raise typer.Exit(1)
