"""The commands of the command line; ``app`` is the way in.

What takes seconds to import (torch, SQLAlchemy, Qt) is imported by the command that needs it.

Exit codes: 0 done, 1 something in the data failed (it is named), 2 wrong usage.
"""

from __future__ import annotations

from typing import Annotated

import typer

from napari_lookalike import __version__
from napari_lookalike.cli import (
    bench,
    demo,
    doctor,
    embed,
    exporting,
    formats,
    importing,
    info,
    pairs,
    predict,
    pretrain_encoder,
    report,
    slide_vectors,
    suggest,
    train,
    tune_encoder,
    versions,
    view,
    weights,
)
from napari_lookalike.cli.console import RESEARCH, out

app = typer.Typer(
    name="napari-lookalike",
    help="Mark look-alike tumours on whole-slide images and teach a model from them.",
    epilog=RESEARCH,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"napari-lookalike {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    del version


app.command()(demo.demo)
app.command()(view.view)
app.command()(info.info)
app.command()(formats.formats)
app.command()(embed.embed)
app.command("import")(importing.import_)
app.command("export")(exporting.export_)
app.command()(train.train)
app.add_typer(versions.app, name="versions")
app.command()(report.report)
app.command("lock-test-set")(report.lock_test_set)
app.command()(predict.predict)
app.command("tune-encoder")(tune_encoder.tune_encoder)
app.command("slide-vectors")(slide_vectors.slide_vectors)
app.command()(suggest.suggest)
app.add_typer(pairs.app, name="pairs")
app.command()(doctor.doctor)
app.add_typer(weights.app, name="weights")
app.command()(bench.bench)
app.command("pretrain-encoder", hidden=True)(pretrain_encoder.pretrain_encoder)
