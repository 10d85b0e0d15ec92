"""``tune-encoder``: an adapter (LoRA) for the project's encoder, on attended tiles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    RESEARCH,
    Json,
    known_device,
    new_file,
    out,
    present_folder,
    print_json,
    progress,
)


def tune_encoder(
    project: Annotated[Path, typer.Argument(callback=present_folder, help="A project.")],
    adapter: Annotated[
        Path, typer.Argument(callback=new_file, help="The adapter to write: NAME.safetensors.")
    ],
    tiles: Annotated[int | None, typer.Option(min=1, help="Attended tiles of each slide.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the tiles.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Tiles at once.")] = None,
    rank: Annotated[int | None, typer.Option(min=1, help="Rank of the change.")] = None,
    lr: Annotated[float | None, typer.Option(min=0, max=1, help="Learning rate.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Of everything random.")
    ] = None,
    device: Annotated[
        str, typer.Option(callback=known_device, help="auto, cuda, mps or cpu.")
    ] = "auto",
    json: Json = False,
) -> None:
    """Tune the attention of the project's encoder (a timm transformer) on attended tiles."""
    from napari_lookalike.core.lora import TunePlan
    from napari_lookalike.core.pipeline.tune_encoder import tune_encoder as tune

    wishes = {"tiles": tiles, "epochs": epochs, "batch": batch, "rank": rank, "seed": seed}
    given = {name: value for name, value in wishes.items() if value is not None}
    plan = replace(TunePlan(), **given)
    if lr is not None:
        plan = replace(plan, lr=lr)
    with progress("Tuning the encoder", quiet=json) as job:
        done = tune(project, adapter, plan, device=device, job=job)
    if json:
        print_json(done)
        return
    plain, tuned = done["balanced_accuracy_plain"], done["balanced_accuracy_tuned"]
    out.print(
        f"Validation patients, {done['validation_slides']} slides: balanced accuracy {plain:.2f} "
        f"with the plain encoder, {tuned:.2f} with the tuned one. {RESEARCH}",
        highlight=False,
    )
    if not done["best_pass"]:
        out.print("No pass was better than the plain encoder: the adapter changes nothing.")
    if done["before_use"]:
        out.print(f"Before you use it: {done['before_use']}", highlight=False)
    out.print("To use it: napari-lookalike embed PROJECT --weights ADAPTER")
