"""``weights``: bring weight files in, list and check them. Nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    Json,
    err,
    out,
    present,
    present_file,
    print_json,
    progress,
    table,
    wrong_usage,
)
from napari_lookalike.core.encoders import ENCODERS, SLIDE_ENCODERS, encoder_spec
from napari_lookalike.core.encoders.availability import EncoderState, encoder_state, human_size
from napari_lookalike.core.encoders.slide_encoders import SLIDE
from napari_lookalike.core.errors import LookalikeError

app = typer.Typer(
    help="Bring weights of encoders in from files; list and check them.", no_args_is_help=True
)

Encoder = Annotated[str, typer.Option("--encoder", help="Name from `doctor`'s list.")]


@app.command("import")
def import_(
    source: Annotated[
        Path, typer.Argument(callback=present, help="Weight file, or a folder that holds it.")
    ],
    encoder: Encoder,
    link: Annotated[
        bool, typer.Option("--link", help="Link to the file where it is, instead of copying.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in place of one brought in before.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare a file with an encoder, and put it where it is found."""
    from napari_lookalike.core.encoders.bring import import_weights

    with progress("Bringing weights in", quiet=json) as job:
        report = import_weights(encoder, source, link=link, overwrite=replace, job=job)
    if json:
        print_json(report.to_json())
        return
    for sentence in report.sentences():
        out.print(sentence, highlight=False, soft_wrap=True)
    out.print(f"{report.title} is ready ({human_size(report.size)}).", highlight=False)


@app.command("list")
def list_(json: Json = False) -> None:
    """Show the encoders whose weights are on this machine, and where they lie."""
    here = [state for state in _states() if state.found]
    if json:
        print_json({"weights": [state.to_json() for state in here]})
        return
    if not here:
        out.print("No weights are here. napari-lookalike doctor tells of the encoders.")
        return
    table(
        "Weights",
        ["encoder", "where", "size", "licence"],
        [[s.name, s.found, human_size(s.found_bytes), s.licence] for s in here],
    )


@app.command()
def check(
    file: Annotated[
        Path | None,
        typer.Argument(callback=present, help="A file or folder; else what is on this machine."),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Name from `doctor`'s list; else all that are here.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare weights with their encoder, key by key, and with the noted checksum."""
    from napari_lookalike.core.encoders.bring import check_weights

    if file is not None and encoder is None:
        wrong_usage("say whose file it should be: --encoder NAME.")
    names = [encoder_spec(encoder).name] if encoder else [s.name for s in _states() if s.found]
    reports, failed = [], {}
    with progress("Checking weights", quiet=json) as job:
        for name in names:
            try:
                reports.append(check_weights(name, file, job=job))
            except LookalikeError as error:
                failed[name] = str(error)
    if json:
        print_json({"weights": [report.to_json() for report in reports], "failed": failed})
    else:
        for report in reports:
            said = " ".join(report.sentences())
            out.print(f"{report.name}: {said}", highlight=False, markup=False, soft_wrap=True)
        for name, sentence in failed.items():
            err.print(f"{name}: {sentence}", style="red", highlight=False, markup=False)
        if not names:
            out.print("No weights are here.")
    if failed or not all(report.ok for report in reports):
        raise typer.Exit(1)


@app.command("table")
def table_(
    update: Annotated[
        Path | None,
        typer.Option(callback=present_file, help="Write them between the markers of this page."),
    ] = None,
) -> None:
    """Print the encoders as Markdown tables, for the page of the documentation."""
    from napari_lookalike.core.encoders.table import tables, update_page

    if update is not None:
        update_page(update)
        out.print("The page is up to date.")
        return
    for markdown in tables().values():
        typer.echo(markdown)


def _states() -> list[EncoderState]:
    rows = [entry.item for entry in ENCODERS]
    rows += [encoder_spec(f"{SLIDE}{entry.name}") for entry in SLIDE_ENCODERS]
    return [encoder_state(row) for row in rows]
