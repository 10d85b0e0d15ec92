"""``slide-vectors``: one vector for each embedded slide, by a slide encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    Json,
    err,
    new_file,
    out,
    present,
    present_folder,
    print_json,
    progress,
    wrong_usage,
)
from napari_lookalike.session.needs import count


def slide_vectors(
    project: Annotated[Path, typer.Argument(callback=present_folder, help="A project.")],
    target: Annotated[
        Path, typer.Option("--out", callback=new_file, help="File to write: .csv or .npz.")
    ],
    encoder: Annotated[str, typer.Option(help="Slide encoder; see `doctor`.")] = "mean",
    weights: Annotated[
        Path | None, typer.Option(callback=present, help="Weight file of that encoder.")
    ] = None,
    json: Json = False,
) -> None:
    """Pool each slide's tiles into one vector, and write them to a file."""
    from napari_lookalike.core.pipeline import slide_vectors as pooling

    if target.suffix.lower() not in (".csv", ".npz"):
        wrong_usage("Name the file .csv or .npz.")
    with progress("Pooling", quiet=json) as job:
        found = pooling.slide_vectors(project, encoder, weights=weights, job=job)
    pooling.save_slide_vectors(target, found)
    for slide_id, sentence in found.left_out.items():
        err.print(f"{slide_id}: {sentence}", style="yellow", highlight=False, markup=False)
    if json:
        print_json(
            {
                "encoder": found.encoder,
                "slides": found.slide_ids,
                "dim": found.vectors.shape[1],
                "left_out": found.left_out,
            }
        )
    else:
        slides = count(len(found.slide_ids), "slide")
        out.print(f"{slides}: a vector of {found.vectors.shape[1]} numbers each.", highlight=False)
