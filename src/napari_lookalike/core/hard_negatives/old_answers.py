"""Answers of older versions: lines of a file in the project, taken over into the table once.

`suggestions.jsonl` is read as long as it is there, and never written: an older version that
still opens the project goes on with it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.errors import ProjectError, TableError
from napari_lookalike.core.hard_negatives.answers import Decision, decision_from, named
from napari_lookalike.core.hard_negatives.checks import utc
from napari_lookalike.core.hard_negatives.outbox import Outbox, table_for
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.project import Project

FILE_NAME = "suggestions.jsonl"
TAKEN_OVER = "from the project's file"
"""What the log says of answers that were lines of the file."""
UNKNOWN_TIME = "1970-01-01T00:00:00+00:00"
"""When an answer was given whose line does not say: before all others."""


def with_old_file(root: Path, answers: Iterable[Decision]) -> tuple[Decision, ...]:
    """Answers of a table, with those of the file that it does not have; oldest first.

    Raises
    ------
    ProjectError
        If the file is there but cannot be read.
    """
    kept = tuple(answers)
    known = {answer.deed for answer in kept}
    old = tuple(answer for answer in read_old_file(root) if answer.deed not in known)
    return tuple(sorted((*old, *kept), key=lambda a: a.time)) if old else kept


def take_over_old_file(project: Project, table: HardNegativeTable | None = None) -> int:
    """Bring the answers of the file into the table; how many were new there.

    Each has a name that follows from what it says, so that it comes in once, however often
    this is done and from however many copies of the project. The file stays as it is.

    Parameters
    ----------
    project
        The project.
    table
        Where they go; what its window works on if ``None`` (`outbox.table_for`).

    Raises
    ------
    ProjectError
        If the file cannot be read.
    TableError
        If the table cannot be written; they stay in the file then.
    """
    old = read_old_file(project.root)
    if not old:
        return 0
    table = table or table_for(project)
    known = {answer.deed for answer in table.answers()}
    new = [answer for answer in old if answer.deed not in known]
    if new and isinstance(table, Outbox):
        table.check_writable()
    return table.add_answers(new, what=TAKEN_OVER)


def read_old_file(root: Path) -> tuple[Decision, ...]:
    """Answers of older versions, oldest first; lines that are no answers are passed over.

    Raises
    ------
    ProjectError
        If the file is there but cannot be read.
    """
    try:
        data = (root / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ProjectError(
            f"The answers to suggestions cannot be read ({error.strerror or 'no reason given'}).",
            "Check that you may read the project folder.",
        ) from None
    found = []
    times: Counter[Decision] = Counter()
    for line in data.split(b"\n"):
        decision = _decision(line)
        if decision is not None:
            found.append(named(decision, again=times[decision]))
            times[decision] += 1
    return tuple(found)


def _decision(line: bytes) -> Decision | None:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):  # empty, cut short by a crash, or not ours
        return None
    decision = decision_from(row) if isinstance(row, dict) else None
    if decision is None:
        return None
    try:
        time = utc(decision.time) if decision.time else UNKNOWN_TIME
    except TableError:
        time = UNKNOWN_TIME
    return replace(decision, time=time, deed="")
