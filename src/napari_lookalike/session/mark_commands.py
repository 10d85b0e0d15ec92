"""Edits of the hard-negative table that can be undone.

Nothing is ever deleted from the table: undoing a new mark retires it, and every step is in
the table's log.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from pathlib import Path
from typing import Any

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.csv_io import ImportReport, import_csv
from napari_lookalike.core.hard_negatives.table import FIXED, HardNegativeTable
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session


def table_of(session: Session) -> HardNegativeTable:
    """The open project's table, to be written.

    Raises
    ------
    ProjectError
        If no project is open, or it is read-only.
    """
    version = session.results.version if session.results is not None else ""
    return HardNegativeTable(writable_project_of(session).table_path, model_version=version)


def show(session: Session, table: HardNegativeTable) -> None:
    """Take over what the table holds now."""
    session.marks, session.evidence = table.rows(), table.evidence()


class _TableEdit(ABC):
    """An edit that is undone by what it changed: rows before and after."""

    text: str

    def __init__(self) -> None:
        self._changed: list[tuple[PairMark | None, PairMark]] = []

    @abstractmethod
    def act(self, table: HardNegativeTable, session: Session) -> None:
        """Do it for the first time."""

    def apply(self, session: Session) -> bool:
        """Do it, or do it again; whether anything changed."""
        table = table_of(session)
        try:
            if self._changed:
                for _, after in self._changed:
                    _put(table, after, session.expert)
                return True
            before = {row.id: row for row in table.rows()}
            self.act(table, session)
            rows = table.rows()
            self._changed = [(before.get(r.id), r) for r in rows if before.get(r.id) != r]
            return bool(self._changed)
        finally:
            show(session, table)

    def undo(self, session: Session) -> None:
        """Take it back: changed rows get their former columns, new ones are retired."""
        table = table_of(session)
        try:
            for before, after in self._changed:
                if before is None:
                    table.retire(after.id, by=session.expert)
                else:
                    _put(table, before, session.expert)
        finally:
            show(session, table)


def _put(table: HardNegativeTable, wanted: PairMark, by: str) -> None:
    """Give a row these columns, in the log as what a person would call it."""
    now = next((row for row in table.rows() if row.id == wanted.id), wanted)
    changes = {
        f.name: getattr(wanted, f.name)
        for f in fields(PairMark)
        if f.name not in FIXED and getattr(wanted, f.name) != getattr(now, f.name)
    }
    if set(changes) == {"status"}:
        (table.restore if wanted.active else table.retire)(wanted.id, by=by)
    elif changes:
        table.update(wanted.id, by=by, **changes)


class MarkPair(_TableEdit):
    """Mark two slides, or two subtypes, as look-alikes.

    Parameters
    ----------
    mark
        The mark; its id and time are given by the table.
    """

    def __init__(self, mark: PairMark) -> None:
        super().__init__()
        self.mark = mark
        self.text = f"Mark {mark.sides[0]} and {mark.sides[1]}"

    def act(self, table: HardNegativeTable, session: Session) -> None:
        """Store the mark."""
        self.mark = table.add(self.mark, by=session.expert)


class EditMark(_TableEdit):
    """Change columns of a mark.

    Parameters
    ----------
    mark_id
        Row number.
    **changes
        Column -> new value.
    """

    def __init__(self, mark_id: int, **changes: Any) -> None:
        super().__init__()
        self.mark_id, self._changes = mark_id, changes
        self.text = f"Change mark {mark_id}"

    def act(self, table: HardNegativeTable, session: Session) -> None:
        """Change the row."""
        table.update(self.mark_id, by=session.expert, **self._changes)


class RetireMark(_TableEdit):
    """Take a mark out of use; it stays in the table.

    Parameters
    ----------
    mark_id
        Row number.
    """

    def __init__(self, mark_id: int) -> None:
        super().__init__()
        self.mark_id = mark_id
        self.text = f"Retire mark {mark_id}"

    def act(self, table: HardNegativeTable, session: Session) -> None:
        """Retire the row."""
        table.retire(self.mark_id, by=session.expert)


class RestoreMark(_TableEdit):
    """Take a retired mark into use again.

    Parameters
    ----------
    mark_id
        Row number.
    """

    def __init__(self, mark_id: int) -> None:
        super().__init__()
        self.mark_id = mark_id
        self.text = f"Restore mark {mark_id}"

    def act(self, table: HardNegativeTable, session: Session) -> None:
        """Restore the row."""
        table.restore(self.mark_id, by=session.expert)


class ImportMarks(_TableEdit):
    """Bring the marks of a CSV file into the table.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    report
        What came of it, after it was done.
    """

    text = "Import marks"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self.report = ImportReport(0, 0)

    def act(self, table: HardNegativeTable, session: Session) -> None:
        """Import the rows that are sound."""
        self.report = import_csv(self._path, table, session.cohort, by=session.expert)
