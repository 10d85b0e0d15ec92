"""``demo``: the whole loop on a synthetic cohort, in the window or without a display."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    RESEARCH,
    Json,
    err,
    new_folder,
    out,
    print_json,
    progress,
)
from napari_lookalike.core.pipeline.demo import prepare_demo, write_report
from napari_lookalike.core.synth.subtypes import LOOKALIKES

REASONS = {
    "medulloblastoma-like": "Small round blue cells on both sides; rhabdoid cells are few",
    "pilocytic astrocytoma-like": "Same fibrillary background; ganglion cells are few",
}


def demo(
    headless: Annotated[
        bool,
        typer.Option(help="Run a scripted visit on a virtual display and write pictures."),
    ] = False,
    folder: Annotated[
        Path,
        typer.Option(
            "--out", callback=new_folder, help="Where pictures, report and the project go."
        ),
    ] = Path("demo-out"),
    json: Json = False,
) -> None:
    """Make a synthetic cohort, train, and open the window (or visit it by script)."""
    from napari_lookalike.ui.display import has_display

    folder.mkdir(parents=True, exist_ok=True)
    err.print(f"The cohort is synthetic: made by a generator, no patients. {RESEARCH}")
    timings: dict[str, float] = {}
    # A script starts from nothing, or its figures would not be of this run; a person goes on.
    scripted = headless or not has_display()
    with progress("Demo", quiet=json) as job:
        project = prepare_demo(folder / "project", fresh=scripted, timings=timings, job=job)
    if scripted:
        _visit(project.root, folder, timings, json)
    else:
        _hand_over(project.root)


def _hand_over(root: Path) -> None:
    """Open the window for a person."""
    from napari_lookalike.ui.start import open_window, run

    window = open_window(root)
    run()
    window.workspace.close()


def _visit(root: Path, folder: Path, timings: dict[str, float], json: bool) -> None:
    """Let the script visit the window, then write the report."""
    from napari_lookalike.ui.display import display
    from napari_lookalike.ui.start import open_window
    from napari_lookalike.ui.visit import Visit, Wish, improved

    start = time.perf_counter()
    with display(headless=True):
        window = open_window(root)
        visit = Visit(window, folder)
        timings["window"] = time.perf_counter() - start
        visit.run([Wish(pair, "subtype", REASONS[pair[0]]) for pair in LOOKALIKES])
        timings.update(visit.seconds)
        visit.choose(keep=improved(window.workspace.session))
        window.close()
    report = write_report(root, folder, timings)
    if json:
        print_json(report)
        return
    out.print(f"{report['conclusion']}", highlight=False)
    out.print(f"Pictures, report.json and pairs.csv are in {folder}. {RESEARCH}", highlight=False)
