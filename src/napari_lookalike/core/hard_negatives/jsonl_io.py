"""The table as JSON Lines: marks with their evidence tiles, and answers to suggestions.

The first line names the format; then come marks and tiles, a tile after its mark; then
answers. Older versions pass an answer's line over, and say so. The
schema is in ``docs/pairs.md``. Like a CSV file it holds slide_ids, labels, experts' names
and words, and content ids: no patient and no path.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.errors import LookalikeError, TableError
from napari_lookalike.core.hard_negatives.answer_store import put_missing
from napari_lookalike.core.hard_negatives.answers import (
    Decision,
    checked_answer,
    decision_from,
    named,
)
from napari_lookalike.core.hard_negatives.checks import checked_tile
from napari_lookalike.core.hard_negatives.columns import (
    INTERNAL,
    PairMark,
    column_types,
    types_of,
    version_of,
)
from napari_lookalike.core.hard_negatives.csv_io import ImportReport, pair_here, valid_here
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.evidence_store import put_evidence
from napari_lookalike.core.hard_negatives.log import Act
from napari_lookalike.core.hard_negatives.pair_store import put_pair, read_pairs
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.hard_negatives.words import cleaned, cleaner, write_whole

FORMAT = "napari-lookalike pairs"
NUMBER = 1
"""Of the format; it grows when a reader of the former one would go wrong."""

Bad = tuple[int, str]


def export_jsonl(
    rows: Iterable[PairMark],
    evidence: Iterable[EvidenceTile],
    path: Path,
    cohort: Cohort | None = None,
    answers: Iterable[Decision] = (),
) -> int:
    """Write marks, their evidence tiles and answers, complete or not at all.

    Parameters
    ----------
    rows, evidence
        Of the table.
    path
        The file to write (UTF-8).
    cohort
        If given, its patient ids are blotted out of the experts' free text.
    answers
        Answers to suggestions, oldest first.

    Returns
    -------
    int
        Number of marks written.

    Raises
    ------
    TableError
        If the file cannot be written.
    """
    rows, clean = tuple(rows), cleaner(cohort)
    tiles: dict[int, list[EvidenceTile]] = {}
    for tile in evidence:
        tiles.setdefault(tile.mark, []).append(tile)
    every = [tile for found in tiles.values() for tile in found]
    lines: list[dict[str, Any]] = [
        {"kind": "table", "format": FORMAT, "number": NUMBER, "version": version_of(rows, every)}
    ]
    for row in rows:
        said = {k: v for k, v in asdict(cleaned(row, clean)).items() if k != "revision"}
        lines.append({"kind": "mark", **said})
        lines += [{"kind": "evidence", "of": _plain(t)} for t in tiles.get(row.id, ())]
    lines += [{"kind": "answer", "of": _said(answer, clean)} for answer in answers]

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)

    write_whole(path, write, "The JSON Lines file")
    return len(rows)


def _plain(tile: EvidenceTile) -> dict[str, Any]:
    """A tile's columns; its place in the file would tell its mark, but is easily lost."""
    return asdict(tile)


def _said(answer: Decision, clean: Callable[[str], str]) -> dict[str, Any]:
    said = {k: v for k, v in asdict(answer).items() if k != "id"}
    return {**said, "note": clean(answer.note)}


def import_jsonl(
    path: Path, table: HardNegativeTable, cohort: Cohort | None = None, *, by: str = ""
) -> ImportReport:
    """Bring marks, evidence tiles and answers in; bad lines are named and the others go on.

    Parameters
    ----------
    path
        The file.
    table
        Where they go, in one transaction; see `HardNegativeTable.add` for pairs that the
        same expert had marked already.
    cohort
        If given, slides must be in it, as for a CSV file.
    by
        Who imports, for the log.

    Raises
    ------
    TableError
        If the file cannot be read as such a table, or the table cannot be written.
    """
    problems: list[Bad] = []
    marks: dict[int, tuple[int, PairMark]] = {}
    tiles: list[tuple[int, EvidenceTile]] = []
    answers: list[Decision] = []
    for line, values in _lines(path, problems):
        try:
            if values["kind"] == "mark":
                mark = valid_here(PairMark(**_typed(values, column_types(), INTERNAL)), cohort)
                marks[_number(values.get("id", line))] = line, mark
            elif values["kind"] == "evidence":
                of = values.get("of")
                given = _typed(of if isinstance(of, Mapping) else {}, types_of(EvidenceTile))
                tiles.append((line, checked_tile(replace(EvidenceTile(**given), id=0))))
            else:
                answers.append(_answer(values.get("of"), cohort))
        except LookalikeError as error:
            problems.append((line, str(error)))
    if not marks and not answers:
        return ImportReport(0, 0, tuple(problems))
    return _store(table, marks, tiles, answers, problems, by)


def _answer(of: Any, cohort: Cohort | None) -> Decision:
    """An answer of the file, in terms of this cohort; its name says whether it is here already."""
    found = decision_from(of) if isinstance(of, Mapping) else None
    if found is None:
        raise TableError(
            "This is no answer to a suggestion: it says not what, of which two.", "See the schema."
        )
    answer = checked_answer(named(found))
    if cohort is not None:
        sides = (answer.a, answer.b), (answer.fingerprint_a, answer.fingerprint_b)
        pair_here(answer.level, *sides, cohort)
    return answer


def _store(
    table: HardNegativeTable,
    marks: Mapping[int, tuple[int, PairMark]],
    tiles: Iterable[tuple[int, EvidenceTile]],
    answers: Iterable[Decision],
    problems: list[Bad],
    by: str,
) -> ImportReport:
    with table.database.writing() as connection:
        rows: dict[tuple[str, ...], PairMark] = {r.key: r for r in read_pairs(connection)}
        before = set(rows)
        act = Act(by, "import")
        stored = {of: put_pair(connection, rows, mark, act) for of, (_, mark) in marks.items()}
        for line, tile in tiles:
            try:
                if tile.mark not in stored:
                    raise TableError("The tile's mark is not in the file, or is wrong.")
                here = replace(tile, mark=stored[tile.mark].id)
                put_evidence(connection, here, act)
            except TableError as error:
                problems.append((line, str(error)))
        new = put_missing(connection, answers, act)
    keys = {row.key for row in stored.values()}
    problems.sort()
    return ImportReport(len(keys - before), len(keys & before), tuple(problems), len(new))


def _lines(path: Path, problems: list[Bad]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(line number, object) of each line after the first; lines that are none are problems."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TableError("The file is not UTF-8.", "Export it again.") from None
    except OSError as error:
        raise TableError(
            f"The file cannot be read ({error.strerror}).", "Choose another file."
        ) from error
    first = True
    # Not splitlines: a reason may hold line breaks of Unicode, which JSON leaves as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        values = _parsed(line)
        if first:
            _check_head(values)
            first = False
        elif values is None or values.get("kind") not in ("mark", "evidence", "answer"):
            problems.append(
                (number, "This line is neither a mark nor an evidence tile nor an answer.")
            )
        else:
            yield number, values
    if first:
        _check_head(None)


def _parsed(line: str) -> Mapping[str, Any] | None:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):  # no JSON, or brackets without end
        return None
    return values if isinstance(values, dict) else None


def _check_head(values: Mapping[str, Any] | None) -> None:
    if values is None or values.get("format") != FORMAT:
        raise TableError(
            "The file is no table of marked pairs: its first line does not say so.",
            "Export a table to see how one looks.",
        )
    if values.get("number") != NUMBER:
        raise TableError("A newer version of this program wrote the file.", "Update the program.")


def _typed(
    values: Mapping[str, Any], types: Mapping[str, type], leave: Iterable[str] = ()
) -> dict[str, Any]:
    """Known columns; a value of another type than the column's is refused."""
    left = set(leave)
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in types or name in left:
            continue
        kind = types[name]
        right = isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value, right = _as_float(value), True
        if not right:
            raise TableError(f"{name}: {value!r} is not of the right kind.", "See the schema.")
        found[name] = value
    return found


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise TableError(f"id: {value!r} is not a number.", "See the schema.")
    return value
