"""``view``: the window, with a project or with slides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import RESEARCH, err, new_folder, present, progress
from napari_lookalike.cli.sources import is_project, open_or_make


def view(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            callback=present, help="A project, a manifest, a folder of slides, or slides."
        ),
    ] = None,
    project: Annotated[
        Path | None, typer.Option(callback=new_folder, help="Where a new project goes.")
    ] = None,
    mpp: Annotated[
        float | None, typer.Option(help="µm per pixel of single slides, if their files do not say.")
    ] = None,
) -> None:
    """Open the window with a project or with slides."""
    from napari_lookalike.ui.display import NoDisplay, has_display

    if not has_display():  # a virtual one would open a window that nobody sees, and never end
        raise NoDisplay(
            "This machine has no display to show a window on.",
            "Sit at it or use a remote desktop; all other commands work without one.",
        )
    from napari_lookalike.ui.start import open_window, run

    paths = paths or []
    root: Path | None = None
    slides = paths
    if len(paths) == 1 and (is_project(paths[0]) or paths[0].suffix == ".csv" or project):
        with progress("Reading the cohort") as job:
            opened, _ = open_or_make(paths[0], project, job)
        root, slides = opened.root, []
    err.print(RESEARCH, style="bold yellow")
    window = open_window(root, slides, mpp=mpp)
    run()
    window.workspace.close()
