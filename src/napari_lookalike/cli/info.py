"""``info FILE``: what a slide says of itself, with one tile of each level decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_lookalike.cli.console import Json, out, present, print_json, table
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.info import slide_info


def info(
    file: Annotated[
        Path, typer.Argument(callback=present, help="A slide, or a folder of DICOM files.")
    ],
    mpp: Annotated[
        float | None, typer.Option(help="µm per pixel, if the file does not say (or lies).")
    ] = None,
    json: Json = False,
) -> None:
    """Show size, levels, scale and fingerprint of a slide; decode one tile of each level."""
    with open_slide(file, mpp=mpp, raster=True) as slide:
        facts = slide_info(slide)
    if json:
        print_json(facts)
        return
    rows = [[key, _text(value)] for key, value in facts.items() if key != "levels"]
    table(f"Slide {facts['fingerprint'][:8]}", ["", "value"], rows)
    levels: list[dict[str, Any]] = facts["levels"]
    names = list(levels[0])
    table("Levels", names, [[_text(level[name]) for name in names] for level in levels])
    if facts["mpp"] is None:
        out.print(
            "No trustworthy scale: give one with --mpp before the slide is embedded.",
            style="yellow",
        )


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return " × ".join(_text(v) for v in value)
    return "" if value is None else str(value)
