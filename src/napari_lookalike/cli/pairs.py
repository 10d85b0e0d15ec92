"""``pairs``: the hard-negative table outside the window."""

from __future__ import annotations

from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_lookalike.cli.console import (
    Json,
    err,
    out,
    present_file,
    present_folder,
    print_json,
    table,
    wrong_usage,
)
from napari_lookalike.cli.sources import open_project
from napari_lookalike.core.errors import TableError
from napari_lookalike.core.project import Project
from napari_lookalike.session.needs import count

app = typer.Typer(
    help="List, exchange, merge and share the marked look-alikes.", no_args_is_help=True
)

ProjectArgument = Annotated[
    Path, typer.Argument(callback=present_folder, help="A project.", show_default=False)
]
By = Annotated[str, typer.Option(help="Who does it, for the log.")]


class Format(StrEnum):
    """What a file of pairs may be."""

    CSV = "csv"
    JSONL = "jsonl"
    PML = "pml"


SUFFIXES = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".npz": Format.PML,
}


def _format(file: Path, given: Format | None) -> Format:
    if given is not None:
        return given
    found = SUFFIXES.get(file.suffix.lower())
    if found is None:
        wrong_usage("Name the file .csv, .jsonl or .npz, or give --format.")
    return found


@app.command("list")
def list_(project: ProjectArgument, json: Json = False) -> None:
    """Show all marks, retired ones too."""
    from napari_lookalike.core.hard_negatives import version_of
    from napari_lookalike.core.hard_negatives.outbox import whole_table

    rows, tiles, _ = whole_table(open_project(project)).held()
    version = version_of(rows, tiles)
    if json:
        print_json(
            {
                "version": version,
                "rows": [asdict(row) for row in rows],
                "evidence": [asdict(tile) for tile in tiles],
            }
        )
        return
    if not rows:
        out.print("No look-alikes are marked in this project.")
        return
    table(
        f"Look-alikes (table {version})",
        ["#", "pair", "subtypes", "strength", "reason", "test", "tiles", "expert", "status"],
        [
            [
                str(row.id),
                f"{row.slide_a} | {row.slide_b}" if row.level == "slide" else "subtypes",
                f"{row.subtype_a} | {row.subtype_b}",
                f"{row.strength:.2f}",
                row.reason,
                f"{row.test} {row.test_result}".strip(),
                str(sum(tile.mark == row.id and tile.used for tile in tiles)),
                row.expert,
                row.status,
            ]
            for row in rows
        ],
    )


@app.command()
def export(
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(help="File to write: .csv, .jsonl or .npz.")],
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format", help="pml: pair indices for pytorch-metric-learning (.npz).",
            show_default="by the file's name",
        ),
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Write the table: slide_ids, no file names, no patients."""
    from napari_lookalike.core.hard_negatives.csv_io import export_csv
    from napari_lookalike.core.hard_negatives.jsonl_io import export_jsonl
    from napari_lookalike.core.hard_negatives.old_answers import with_old_file
    from napari_lookalike.core.hard_negatives.outbox import whole_table

    opened, wanted = open_project(project), _format(file, format_)
    there = whole_table(opened)
    rows, tiles, _ = there.held()
    if wanted is Format.PML:
        _export_pml(opened, rows, file, json=json)
        return
    if wanted is Format.CSV:
        written = export_csv(rows, file, opened.cohort)
    else:
        answers = with_old_file(opened.root, there.answers())
        written = export_jsonl(rows, tiles, file, opened.cohort, answers)
    if json:
        print_json({"rows": written})
    else:
        out.print(f"{count(written, 'mark')} written.")


def _export_pml(project: Project, rows: tuple[Any, ...], file: Path, *, json: bool) -> None:
    from napari_lookalike.core.hard_negatives.pml import export_pml, pml_pairs
    from napari_lookalike.core.locked_test import locked_slide_ids

    pairs = pml_pairs(
        rows,
        project.cohort,
        without_slides=locked_slide_ids(project),
        rule=project.settings.train.marks_rule,
    )
    written = export_pml(pairs, file)
    if json:
        print_json({"slides": len(pairs.slide_ids), "negative_pairs": written})
    else:
        slides = count(len(pairs.slide_ids), "slide")
        out.print(f"{count(written, 'negative pair')} of {slides} written.")


@app.command("import")
def import_(
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(callback=present_file, help="A .csv or .jsonl file.")],
    format_: Annotated[
        Format | None, typer.Option("--format", show_default="by the file's name")
    ] = None,
    by: By = "",
    json: Json = False,
) -> None:
    """Add the marks of a file; a bad row is named and the others go on."""
    from napari_lookalike.core.hard_negatives.csv_io import import_csv
    from napari_lookalike.core.hard_negatives.jsonl_io import import_jsonl
    from napari_lookalike.core.hard_negatives.outbox import whole_table

    wanted = _format(file, format_)
    if wanted is Format.PML:
        wrong_usage("Pair indices cannot be imported: they do not say who marked what.")
    opened = open_project(project)
    read = import_csv if wanted is Format.CSV else import_jsonl
    report = read(file, whole_table(opened), opened.cohort, by=by)
    for line, sentence in report.problems:
        err.print(f"Line {line}: {sentence}", style="red", highlight=False, markup=False)
    if json:
        print_json(
            {
                "added": report.added,
                "updated": report.updated,
                "answers": report.answers,
                "problems": [{"line": n, "problem": sentence} for n, sentence in report.problems],
            }
        )
    else:
        said = f"{count(report.added, 'mark')} added, {report.updated} updated."
        if report.answers:
            said += f" {count(report.answers, 'answer')} to suggestions added."
        out.print(said)
    if report.problems:
        raise typer.Exit(1)


@app.command()
def merge(
    project: ProjectArgument,
    other: Annotated[
        str,
        typer.Argument(help="Another project, its hard_negatives.sqlite, or a server's address."),
    ],
    by: By = "",
    json: Json = False,
) -> None:
    """Bring another table's marks, evidence and history in; nothing is lost."""
    from napari_lookalike.core.hard_negatives import HardNegativeTable
    from napari_lookalike.core.hard_negatives import merge as merge_tables
    from napari_lookalike.core.hard_negatives.old_answers import read_old_file
    from napari_lookalike.core.hard_negatives.outbox import whole_table

    opened = open_project(project)
    theirs = HardNegativeTable(_place(other))
    ours = whole_table(opened)
    report = merge_tables(ours, theirs, by=by)
    if "://" not in other and Path(other).is_dir():  # what an older version kept beside it
        more = ours.add_answers(read_old_file(Path(other)), by=by, what="merge")
        report = replace(report, answers=report.answers + more)
    if json:
        print_json(asdict(report))
    else:
        out.print(_merged(report))


def _place(other: str) -> Path | str:
    if "://" in other:
        return other
    path: Path = present_file_or_folder(Path(other))
    return open_project(path).table_place if path.is_dir() else path


def present_file_or_folder(path: Path) -> Path:
    """The path, if there is something; its name is not repeated."""
    if not path.exists():
        wrong_usage("There is no project and no table at that path.")
    return path


def _merged(report: Any) -> str:
    said = (
        f"{count(report.added, 'mark')} added, {report.updated} updated, "
        f"{count(report.tiles, 'evidence tile')} and {report.history} lines of history."
    )
    if report.answers:
        said += f" {count(report.answers, 'answer')} to suggestions."
    if report.disputed:
        said += (
            f" {count(report.disputed, 'mark')} differ in both tables: both versions are kept, "
            "and the marks are disputed until somebody settles them."
        )
    return said


@app.command()
def log(
    project: ProjectArgument,
    mark: Annotated[int | None, typer.Option(help="Only of this mark.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Whether the log, replayed, is the table.")
    ] = False,
    json: Json = False,
) -> None:
    """Show who changed what and when, oldest first."""
    from napari_lookalike.core.hard_negatives import differences
    from napari_lookalike.core.hard_negatives.history import history_of
    from napari_lookalike.core.hard_negatives.outbox import whole_table
    from napari_lookalike.core.hard_negatives.words import cleaner

    opened = open_project(project)
    marks = whole_table(opened)
    if check:
        wrong = differences(marks)
        if json:
            print_json({"same": not wrong, "differences": list(wrong)})
        else:
            for sentence in wrong or ("The table is what its log says.",):
                out.print(sentence, markup=False)
        if wrong:
            raise typer.Exit(1)
        return
    steps = history_of(marks.log(), mark)
    if mark is not None and not steps:
        raise TableError(f"There is no mark {mark} in this table.", "See pairs list.")
    clean = cleaner(opened.cohort)
    if json:
        print_json({"changes": [{**asdict(step), "what": clean(step.what)} for step in steps]})
        return
    table(
        "Changes, oldest first",
        ["when", "who", "mark", "what"],
        [[step.time, step.who, str(step.mark or ""), clean(step.what)] for step in steps],
    )


@app.command()
def agreement(project: ProjectArgument, json: Json = False) -> None:
    """Show how far the experts agree, and what they have yet to settle."""
    from napari_lookalike.core.hard_negatives import (
        RULES,
        disagreements,
    )
    from napari_lookalike.core.hard_negatives import agreement as of_experts
    from napari_lookalike.core.hard_negatives.outbox import whole_table

    opened = open_project(project)
    marks, cohort = whole_table(opened), opened.cohort
    rows, tiles, _ = marks.held()
    found = of_experts(rows, cohort.classes, {s.slide_id: s.label for s in cohort})
    open_points = disagreements(rows, tiles, marks.log())
    rule = opened.settings.train.marks_rule
    if json:
        print_json(
            {
                "experts": found.experts,
                "subtype_pairs": found.n_pairs,
                "fleiss_kappa": found.fleiss,
                "cohen_kappa": [
                    {"experts": pair, "kappa": kappa} for pair, kappa in found.cohen.items()
                ],
                "rule": rule,
                "disagreements": [asdict(each) for each in open_points],
            }
        )
        return
    out.print(f"Several marks of one pair: {RULES[rule]}.")
    if len(found.experts) < 2:
        out.print("Fewer than two experts have marked anything: there is no agreement to show.")
    else:
        table(
            f"Agreement on {count(found.n_pairs, 'subtype pair')}",
            ["experts", "kappa"],
            [
                ["all (Fleiss)", _kappa(found.fleiss)],
                *([" and ".join(pair), _kappa(k)] for pair, k in found.cohen.items()),
            ],
        )
    for each in open_points:
        out.print(f"To settle: {each.what}", markup=False)


def _kappa(value: float) -> str:
    return f"{value:.2f}" if value == value else "not defined"


@app.command()
def share(
    project: ProjectArgument,
    address: Annotated[
        str, typer.Argument(help="Such as postgresql://anna@server/marks; no password.")
    ] = "",
    stop: Annotated[
        bool, typer.Option("--stop", help="Keep the marks in the project's folder again.")
    ] = False,
    by: By = "",
    json: Json = False,
) -> None:
    """Keep the marks on a PostgreSQL server, with other people's."""
    from napari_lookalike.core.hard_negatives.share import share as share_table
    from napari_lookalike.core.hard_negatives.share import stop_sharing

    if bool(address) == stop:
        wrong_usage("Give the address of a server, or --stop.")
    opened = open_project(project)
    report = stop_sharing(opened, by=by) if stop else share_table(opened, address, by=by)
    if json:
        print_json({"shared_table": opened.settings.shared_table, **asdict(report)})
        return
    where = "in the project's folder" if stop else "on the server"
    out.print(f"The marks are kept {where} now. {_merged(report)}")


@app.command()
def rule(
    project: ProjectArgument,
    name: Annotated[str, typer.Argument(help="max, mean, agreed or share.")] = "",
) -> None:
    """Show, or choose, how several experts' marks of one pair become one weight."""
    from napari_lookalike.core.hard_negatives import RULES

    opened = open_project(project)
    settings = opened.settings
    if name:
        found = next((rule for rule in RULES if rule == name), None)
        if found is None:
            wrong_usage(f"The rules are {', '.join(RULES)}.")
        opened.save(settings=replace(settings, train=replace(settings.train, marks_rule=found)))
    chosen = opened.settings.train.marks_rule
    for each, words in RULES.items():
        out.print(f"{'*' if each == chosen else ' '} {each}: {words}", markup=False)
