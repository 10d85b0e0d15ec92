"""``formats FOLDER...``: what opens here and how, and what does not and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    Json,
    out,
    present,
    present_file,
    print_json,
    progress,
    table,
    wrong_usage,
)


def formats(
    folders: Annotated[
        list[Path], typer.Argument(callback=present, help="Folders with slides, or slides.")
    ],
    names: Annotated[
        bool,
        typer.Option(
            "--names", help="Show file names (they can name a patient); else fingerprints."
        ),
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
    update: Annotated[
        Path | None,
        typer.Option(callback=present_file, help="Write them between the markers of this page."),
    ] = None,
    json: Json = False,
) -> None:
    """Try every slide below some folders: format, back end, scale, levels, or why not."""
    from napari_lookalike.core.slides import survey, survey_table

    if sum((json, markdown, update is not None)) > 1:
        wrong_usage("--json, --markdown and --update exclude each other.")
    with progress("Trying slides", quiet=json or markdown) as job:
        tried = survey.survey(folders, names=names, job=job)
    if json:
        print_json({"slides": [one.to_json() for one in tried]})
    elif markdown:
        typer.echo(survey_table.markdown(tried))
    elif update is not None:
        survey_table.update_page(update, tried)
        out.print(f"{len(tried)} slides were tried; the page is up to date.")
    else:
        table("Opened", list(survey_table.OPENED), survey_table.opened_rows(tried))
        table("Refused", list(survey_table.REFUSED), survey_table.refused_rows(tried))
        table("OpenSlide's formats", list(survey_table.FAMILIES), survey_table.family_rows(tried))
