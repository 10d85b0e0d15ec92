"""The hard-negative table as a CSV file, for a spreadsheet or another project.

A file holds slide_ids, labels, the expert's name and words, and content ids: no patient
and no path. Its header has the columns' names; their titles are understood as well.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import LookalikeError, TableError
from napari_lookalike.core.hard_negatives.checks import checked
from napari_lookalike.core.hard_negatives.columns import (
    INTERNAL,
    PairMark,
    column_types,
    columns,
)
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.hard_negatives.words import cleaned, cleaner, write_whole

# A spreadsheet takes a cell that begins so for a formula, and would run it.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class ImportReport:
    """What came of a CSV file.

    Parameters
    ----------
    added, updated
        Rows that were new, and rows of pairs that the same expert had already marked.
    problems
        (line of the file, sentence) of each row that was left out.
    answers
        Answers to suggestions that were new; a CSV file holds none.
    """

    added: int
    updated: int
    problems: tuple[tuple[int, str], ...] = ()
    answers: int = 0


def export_csv(rows: Iterable[PairMark], path: Path, cohort: Cohort | None = None) -> int:
    """Write rows to a CSV file (UTF-8), complete or not at all.

    Parameters
    ----------
    rows
        The rows, usually ``table.rows()``.
    path
        The file to write.
    cohort
        If given, its patient ids are blotted out of the experts' free text.

    Returns
    -------
    int
        Number of rows written.

    Raises
    ------
    TableError
        If the file cannot be written.
    """
    names = [name for name in columns() if name != "revision"]
    clean = cleaner(cohort)
    shown = [cleaned(row, clean) for row in rows]

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([_neutral(getattr(row, name)) for name in names] for row in shown)

    write_whole(path, write, "The CSV file")
    return len(shown)


def _neutral(value: Any) -> str:
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _as_typed(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def import_csv(
    path: Path, table: HardNegativeTable, cohort: Cohort | None = None, *, by: str = ""
) -> ImportReport:
    """Bring the rows of a CSV file into a table; bad rows are named and the others go on.

    Columns that the file lacks get their defaults; columns that we do not know are
    passed over. Commas, semicolons and tabs are understood as separators.

    Parameters
    ----------
    path
        The file, UTF-8.
    table
        Where the rows go, in one transaction. A pair that the same expert had marked is
        updated.
    cohort
        If given, slides must be in it, and their labels and content ids are filled in
        where the file has none.
    by
        Who imports, for the log.

    Raises
    ------
    TableError
        If the file cannot be read as such a table, or the table cannot be written.
    """
    good: list[PairMark] = []
    problems: list[tuple[int, str]] = []
    for line, cells in _records(path):
        try:
            good.append(_mark(cells, cohort))
        except LookalikeError as error:
            problems.append((line, str(error)))
    before = {row.key for row in table.rows()}
    stored = table.add_all(good, by=by, what="import") if good else ()
    keys = {row.key for row in stored}
    return ImportReport(len(keys - before), len(keys & before), tuple(problems))


def _records(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line number, column name -> cell) of each row that is not blank."""
    try:
        # utf-8-sig: a spreadsheet puts a byte order mark in front.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TableError("The CSV file is not UTF-8.", "Save it as 'CSV UTF-8'.") from None
    except OSError as error:
        raise TableError(
            f"The CSV file cannot be read ({error.strerror}).", "Choose another file."
        ) from error
    first = text.splitlines()[0] if text.strip() else ""
    separator = max(",;\t", key=first.count)
    try:
        return _parse(text, separator)
    except csv.Error as error:
        raise TableError(f"The file is not a CSV table ({error}).", "Export it again.") from error


def _parse(text: str, separator: str) -> list[tuple[int, dict[str, str]]]:
    # newline handling is the reader's: a reason may hold line breaks, also those of Unicode,
    # which part no rows. Strict: an open quote would swallow the rows below it.
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    named = {_plain(f.name): f.name for f in fields(PairMark)}
    named |= {_plain(f.metadata["title"]): f.name for f in fields(PairMark)}
    header = [named.get(_plain(cell)) for cell in next(reader, [])]
    if not {"slide_a", "slide_b"} <= set(header) and not {"subtype_a", "subtype_b"} <= set(header):
        raise TableError(
            "The file has no pairs: it needs the columns slide_a and slide_b, or subtype_a "
            "and subtype_b.",
            "Export a table to see how one looks.",
        )
    records = []
    start = reader.line_num + 1
    for row in reader:
        if any(cell.strip() for cell in row):
            pairs = zip(header, row, strict=False)
            records.append((start, {name: _as_typed(cell) for name, cell in pairs if name}))
        start = reader.line_num + 1
    return records


def _plain(title: str) -> str:
    return title.strip().lower().replace(" ", "_")


def _mark(cells: Mapping[str, str], cohort: Cohort | None) -> PairMark:
    """A row of text as a mark, in terms of this cohort."""
    values: dict[str, Any] = {}
    types = column_types()
    for f in fields(PairMark):
        cell = cells.get(f.name, "").strip()
        if cell and f.name not in INTERNAL:
            values[f.name] = _value(cell, types[f.name], f.metadata["title"])
    if "level" not in values and not values.get("slide_a") and not values.get("slide_b"):
        values["level"] = "subtype"
    mark = PairMark(**values)
    return valid_here(mark, cohort)


def valid_here(mark: PairMark, cohort: Cohort | None) -> PairMark:
    """A mark that was read from a file, in terms of this cohort.

    Raises
    ------
    LookalikeError
        If it is not valid, or joins a slide that the cohort lacks or has otherwise, or a
        subtype that no slide has.
    """
    if cohort is not None and mark.level == "slide":
        mark = _in_cohort(mark, cohort)
    mark = checked(mark)
    if cohort is not None and mark.level == "subtype":
        pair_here("subtype", (mark.subtype_a, mark.subtype_b), ("", ""), cohort)
    return mark


def pair_here(
    level: str, sides: tuple[str, str], fingerprints: tuple[str, str], cohort: Cohort
) -> None:
    """Refuse two slides, or two subtypes, that this cohort lacks or has otherwise.

    Raises
    ------
    LookalikeError
        If it does.
    """
    for side, fingerprint in zip(sides, fingerprints, strict=True):
        if level == "slide":
            _same_slide(cohort, side, fingerprint)
        elif side not in cohort.classes:
            raise TableError(
                f"No slide of this project has the subtype {side}.",
                "Correct its name, or give it to a slide first.",
            )


def _same_slide(cohort: Cohort, slide_id: str, fingerprint: str) -> SlideRecord:
    record = cohort[slide_id]
    if fingerprint and record.fingerprint and fingerprint != record.fingerprint:
        raise TableError(
            "Here this slide_id names another slide than the one that was marked.",
            "Give the slide the slide_id that it had there.",
            slide_id,
        )
    return record


def _value(cell: str, kind: type, title: str) -> Any:
    """A cell as a value of its column's type."""
    if kind is str:
        return cell
    if kind is bool:
        if cell.lower() not in _BOOLEANS:
            raise TableError(f"{title}: {cell!r} is not true or false.", "Write true or false.")
        return _BOOLEANS[cell.lower()]
    try:
        return kind(cell.replace(",", "."))
    except ValueError:
        raise TableError(f"{title}: {cell!r} is not a number.", "Give a number.") from None


def _in_cohort(mark: PairMark, cohort: Cohort) -> PairMark:
    filled: dict[str, str] = {}
    for side in ("a", "b"):
        slide_id = getattr(mark, f"slide_{side}")
        if not slide_id:
            continue
        stated = getattr(mark, f"fingerprint_{side}")
        record = _same_slide(cohort, slide_id, stated)
        filled[f"fingerprint_{side}"] = stated or record.fingerprint
        filled[f"subtype_{side}"] = getattr(mark, f"subtype_{side}") or record.label
    return replace(mark, **filled)  # type: ignore[arg-type]
