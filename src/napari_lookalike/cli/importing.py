"""``import SOURCE``: features and maps of other programs, with a report of what was inferred."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from napari_lookalike.cli.console import (
    Json,
    err,
    out,
    present,
    present_folder,
    print_json,
    progress,
    table,
)
from napari_lookalike.core.interop.report import HOW, ImportReport
from napari_lookalike.session.needs import count

SHOWN = 12
"""Problems and names that are written out."""


def import_(
    source: Annotated[
        Path, typer.Argument(callback=present, help="A file, or a folder of another program.")
    ],
    project: Annotated[
        Path, typer.Option(callback=present_folder, help="The project to import into.")
    ],
    kind: Annotated[str | None, typer.Option(help="What the files are; else found out.")] = None,
    name: Annotated[
        str | None, typer.Option(help="What the encoder (or the map) is called.")
    ] = None,
    slide: Annotated[str | None, typer.Option(help="slide_id that a single file is of.")] = None,
    unit: Annotated[
        Literal["px0", "um"] | None,
        typer.Option(help="Unit of the coordinates: level-0 pixels or micrometres."),
    ] = None,
    tile_px0: Annotated[
        float | None, typer.Option("--tile-px0", help="Edge of a tile, level-0 pixels.")
    ] = None,
    tile_um: Annotated[float | None, typer.Option(help="Edge of a tile, micrometres.")] = None,
    tile_px: Annotated[
        int | None, typer.Option(help="Edge of a tile as the encoder saw it, pixels.")
    ] = None,
    patches: Annotated[
        Path | None, typer.Option(callback=present_folder, help="CLAM's folder of patches.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Report only; write nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Write over what is there.")] = False,
    use: Annotated[
        bool, typer.Option(help="Make the imported encoder the project's (else kept aside).")
    ] = True,
    names: Annotated[
        bool,
        typer.Option("--names", help="Name files that match no slide (they can name a patient)."),
    ] = False,
    json: Json = False,
) -> None:
    """Bring in features that another program computed, or its maps of slides."""
    from napari_lookalike.core.interop.importing import import_source
    from napari_lookalike.core.interop.raw import ImportOptions

    options = ImportOptions(
        kind, name, unit, tile_px0, tile_um, tile_px, patches, slide, replace, check, use
    )
    with progress("Importing", quiet=json) as job:
        report = import_source(project, source, options, job=job)
    if json:
        print_json(facts_of(report, names))
    else:
        show(report, names)
    if report.problems or not report.good:
        raise typer.Exit(1)


def facts_of(report: ImportReport, names: bool) -> dict[str, Any]:
    """The report as JSON; files that match no slide are counted, and named if asked for."""
    said = asdict(report)
    said["unmatched"] = list(report.unmatched) if names else len(report.unmatched)
    return said


def show(report: ImportReport, names: bool) -> None:
    """The report for a person."""
    rows = [[f.field, f.value, HOW[f.how], f.why] for f in report.facts]
    table(f"{report.title}: what was inferred", ["what", "value", "how sure", "why"], rows)
    for slide_id, sentence in list(report.problems.items())[:SHOWN]:
        err.print(f"{slide_id}: {sentence}", style="red", highlight=False, markup=False)
    for sentence in report.warnings[:SHOWN]:
        err.print(sentence, style="yellow", highlight=False, markup=False)
    more = max(len(report.problems), len(report.warnings)) - SHOWN
    if more > 0:
        err.print(f"… and {more} more (all of them with --json).")
    if report.absent:
        out.print(f"Nothing was found for {count(len(report.absent), 'slide')}.", highlight=False)
    if report.unmatched:
        verb = "match" if len(report.unmatched) > 1 else "matches"
        told = f"{count(len(report.unmatched), 'file')} {verb} no slide of the project"
        listed = ": " + ", ".join(report.unmatched[:SHOWN]) if names else " (--names lists them)"
        out.print(f"{told}{listed}.", highlight=False, markup=False)
    n = count(len(report.good), "slide")
    if report.written and not report.good:
        out.print("Nothing was imported.")
    elif report.written:
        what = "map" if report.content == "maps" else "encoder"
        out.print(f"{n} imported; the {what} is {report.name}.", highlight=False)
    else:
        out.print(f"{n} can be imported. Nothing was written.", highlight=False)
