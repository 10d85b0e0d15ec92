"""``bench NAME``: measurements, each beside a peer or a ceiling, in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    Json,
    out,
    present_folder,
    print_json,
    progress,
    table,
    wrong_usage,
)


def bench(
    name: Annotated[str, typer.Argument(help="What to measure: encoder, …")],
    data: Annotated[
        Path | None,
        typer.Option(callback=present_folder, help="Folder of the real test data."),
    ] = None,
    quick: Annotated[bool, typer.Option(help="Fewer samples: a look, not a figure.")] = False,
    json: Json = False,
) -> None:
    """Measure, and show each figure beside its target."""
    from napari_lookalike.core.bench import BENCHES

    if name not in BENCHES:
        wrong_usage(f"there is no bench {name!r}; known: {', '.join(BENCHES.names())}.")
    with progress(f"Measuring {name}", quiet=json) as job:
        report = BENCHES.get(name)(data=data, quick=quick, job=job)
    if json:
        print_json(report.to_json())
        return
    table(
        f"bench {name}",
        ["figure", "value", "target", "unit", "met"],
        [
            [
                row.name,
                f"{row.value:.4g}",
                "" if row.target is None else f"{row.target:.4g}",
                row.unit,
                "yes" if row.met else "NO",
            ]
            for row in report.rows
        ],
    )
    for missing in report.not_measured:
        out.print(f"Not measured: {missing.name}: {missing.reason}", style="yellow")
