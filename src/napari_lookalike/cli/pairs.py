"""``pairs``: the hard-negative table outside the window."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    Json,
    err,
    out,
    present_file,
    present_folder,
    print_json,
    table,
)
from napari_lookalike.core.project import Project
from napari_lookalike.session.needs import count

app = typer.Typer(help="List, export and import the marked look-alikes.", no_args_is_help=True)

ProjectArgument = Annotated[
    Path, typer.Argument(callback=present_folder, help="A project.", show_default=False)
]


@app.command("list")
def list_(project: ProjectArgument, json: Json = False) -> None:
    """Show all marks, retired ones too."""
    from napari_lookalike.core.hard_negatives.table import HardNegativeTable

    marks = HardNegativeTable(Project.open(project).table_place)
    rows = marks.rows()
    if json:
        print_json({"version": marks.version, "rows": [asdict(row) for row in rows]})
        return
    if not rows:
        out.print("No look-alikes are marked in this project.")
        return
    table(
        f"Look-alikes (table {marks.version})",
        ["#", "pair", "subtypes", "strength", "reason", "expert", "status"],
        [
            [
                str(row.id),
                f"{row.slide_a} | {row.slide_b}" if row.level == "slide" else "subtypes",
                f"{row.subtype_a} | {row.subtype_b}",
                f"{row.strength:.2f}",
                row.reason,
                row.expert,
                row.status,
            ]
            for row in rows
        ],
    )


@app.command()
def export(
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(help="CSV file to write.")],
    json: Json = False,
) -> None:
    """Write the table as CSV: slide_ids, no file names, no patients."""
    from napari_lookalike.core.hard_negatives.csv_io import export_csv
    from napari_lookalike.core.hard_negatives.table import HardNegativeTable

    opened = Project.open(project)
    written = export_csv(HardNegativeTable(opened.table_place).rows(), file, opened.cohort)
    if json:
        print_json({"rows": written})
    else:
        out.print(f"{count(written, 'mark')} written.")


@app.command("import")
def import_(
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(callback=present_file, help="CSV file to read.")],
    json: Json = False,
) -> None:
    """Add the marks of a CSV file; a bad row is named and the others go on."""
    from napari_lookalike.core.hard_negatives.csv_io import import_csv
    from napari_lookalike.core.hard_negatives.table import HardNegativeTable

    opened = Project.open(project)
    report = import_csv(file, HardNegativeTable(opened.table_place), opened.cohort)
    for line, sentence in report.problems:
        err.print(f"Line {line}: {sentence}", style="red", highlight=False, markup=False)
    if json:
        print_json(
            {
                "added": report.added,
                "updated": report.updated,
                "problems": [{"line": n, "problem": sentence} for n, sentence in report.problems],
            }
        )
    else:
        out.print(f"{count(report.added, 'mark')} added, {report.updated} updated.")
    if report.problems:
        raise typer.Exit(1)
