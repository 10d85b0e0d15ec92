"""``versions``: the models of a project, side by side, in use, and made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_lookalike.cli.console import (
    RESEARCH,
    Json,
    err,
    out,
    present_folder,
    print_json,
    progress,
    table,
)
from napari_lookalike.cli.sources import open_project

app = typer.Typer(
    help="List model versions, compare two, put one in use, train one again.",
    no_args_is_help=True,
)

ProjectArgument = Annotated[
    Path, typer.Argument(callback=present_folder, help="A project.", show_default=False)
]
VersionArgument = Annotated[str, typer.Argument(help="A version's name.", show_default=False)]


@app.command("list")
def list_(project: ProjectArgument, json: Json = False) -> None:
    """Show all versions: what each was made from, and how good it is."""
    from napari_lookalike.core.version_list import list_versions
    from napari_lookalike.session.versions_view import version_row

    found = list_versions(open_project(project))
    if json:
        print_json({"versions": [asdict(facts) for facts in found]})
        return
    if not found:
        out.print("No model was trained in this project.")
        return
    rows = [version_row(facts) for facts in found]
    # fmt: off
    table(
        f"Models. {RESEARCH}",
        [
            "version", "", "trained", "from", "head", "how", "encoder", "look-alikes",
            "balanced accuracy",
        ],
        [
            [
                r.version, r.state or r.problem, r.trained, r.parent, facts.head, r.how,
                facts.encoder, r.marks, r.figure,
            ]
            for r, facts in zip(rows, found, strict=True)
        ],
    )
    # fmt: on


@app.command()
def compare(
    project: ProjectArgument,
    before: Annotated[str, typer.Argument(help="A version.", show_default=False)],
    after: Annotated[str, typer.Argument(help="Another version.", show_default=False)],
    json: Json = False,
) -> None:
    """Compare two versions on the slides that both held out."""
    from napari_lookalike.core.hard_negatives.outbox import whole_table
    from napari_lookalike.core.pipeline.mark_weights import marked_pairs
    from napari_lookalike.core.results_here import results_here
    from napari_lookalike.core.version_compare import compare_versions
    from napari_lookalike.session.compare_view import resolve_compare

    opened = open_project(project)
    for version in (before, after):
        opened.check_version(version)
    old, new = (results_here(opened, v) for v in (before, after))
    rows = whole_table(opened).rows()
    classes = tuple(sorted({*old.classes, *new.classes}))
    rule = opened.settings.train.marks_rule
    found = compare_versions(old, new, marked_pairs(opened.cohort, rows, classes, rule))
    if json:
        print_json(asdict(found))
        return
    view = resolve_compare(found)
    for sentence in view.fell:
        out.print(sentence, style="bold red", highlight=False, markup=False)
    out.print(view.verdict, highlight=False, markup=False)
    if view.rows:
        shown = [[r.name, _with(r.before, r.before_ends), _with(r.after, r.after_ends), r.change]
                 for r in view.rows]  # fmt: skip
        table(f"Held-out patients. {RESEARCH}", ["", before, after, "change (95 %)"], shown)
    out.print(view.changed_title, highlight=False, markup=False)
    for row in view.changed:
        out.print(f"  {row.text}", highlight=False, markup=False)
    for note in view.notes:
        err.print(note, style="yellow", highlight=False, markup=False)


def _with(value: str, ends: str) -> str:
    return f"{value} ({ends})" if ends else value


@app.command()
def keep(project: ProjectArgument, version: VersionArgument, json: Json = False) -> None:
    """Put a version in use, an older one too."""
    opened = open_project(project)
    former = opened.current_version
    opened.set_current_version(version)
    if json:
        print_json({"in_use": version, "before": former})
    elif former == version:
        out.print(f"Model {version} is in use already.", highlight=False)
    else:
        was = f" (before: {former})" if former else ""
        out.print(f"Model {version} is in use now{was}.", highlight=False)


@app.command()
def reproduce(project: ProjectArgument, version: VersionArgument, json: Json = False) -> None:
    """Train a version again from what it noted, and say whether the same came out.

    Nothing is written. Its configuration, seeds, folds, labels and the table of look-alikes
    are those of then.
    """
    from napari_lookalike.core.pipeline.reproduce import reproduce_version

    with progress("Training again", quiet=json) as job:
        found = reproduce_version(project, version, job=job)
    if json:
        print_json({**asdict(found), "verdict": found.verdict})
    else:
        out.print(found.verdict, highlight=False, markup=False)
        out.print(f"The table of then: {found.table_version}.", highlight=False, markup=False)
        _warn(found.changed)
    if not found.same:
        raise typer.Exit(1)


def _warn(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        err.print(sentence, style="yellow", highlight=False, markup=False)
