"""``doctor``: what is here, what is missing, and how to mend it."""

from __future__ import annotations

import typer

from napari_lookalike.cli.console import Json, out, print_json, table
from napari_lookalike.core.doctor import doctor_report


def doctor(json: Json = False) -> None:
    """Check this installation: libraries, devices, folders, encoders and their weights."""
    report = doctor_report()
    if json:
        print_json(report.to_json())
    else:
        table(
            "Installation",
            ["", "found", "ok", "what to do"],
            [[c.name, c.found, "yes" if c.ok else "NO", c.remedy] for c in report.checks],
        )
        table(
            "Encoders",
            ["name", "usable", "licence", "gated", "what to do"],
            [
                [
                    e.name,
                    "yes" if e.usable else "no",
                    e.licence,
                    "yes" if e.gated else "no",
                    e.remedy,
                ]
                for e in report.encoders
            ],
        )
        out.print(
            "Everything that is needed is here." if report.ok else "Something is missing: see NO."
        )
    if not report.ok:
        raise typer.Exit(1)
