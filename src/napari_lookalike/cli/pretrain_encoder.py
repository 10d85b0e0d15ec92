"""``pretrain-encoder``: how the network of the shipped encoder was made. For maintainers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import Json, out, print_json, progress


def pretrain_encoder(
    folder: Annotated[Path, typer.Argument(help="Folder for the weights and their provenance.")],
    work: Annotated[
        Path,
        typer.Option(help="Folder for drawn tissue (4 GB) and checkpoints; goes on from there."),
    ],
    steps: Annotated[int | None, typer.Option(min=1, help="Batches.")] = None,
    fields: Annotated[int | None, typer.Option(min=2, help="Fields that are drawn.")] = None,
    held_out: Annotated[int | None, typer.Option(min=2, help="Fields to measure on.")] = None,
    batch: Annotated[int | None, typer.Option(min=2, help="Fields in a batch.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw.")] = 1,
    json: Json = False,
) -> None:
    """Draw tissue, train the shipped encoder's network on it, write weights and provenance."""
    from dataclasses import replace

    from napari_lookalike.core.pretrain.run import pretrain
    from napari_lookalike.core.pretrain.train import Plan

    wished = {
        "steps": steps,
        "fields": fields,
        "held_out": held_out,
        "batch": batch,
        "seed": seed,
    }
    plan = replace(Plan(), **{name: value for name, value in wished.items() if value is not None})
    with progress("Training the encoder", quiet=json) as job:
        facts = pretrain(folder, work, plan, workers=workers, job=job)
    if json:
        print_json(facts)
        return
    for name, value in facts["held_out_drawn_fields"].items():
        out.print(f"{name}: {value}", highlight=False)
    out.print(f"Written to {folder}, SHA-256 {facts['sha256']}", highlight=False)
