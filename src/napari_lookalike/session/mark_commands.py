"""Edits of the hard-negative table that can be undone.

Nothing is ever deleted from the table: undoing a new mark retires it, and every step is in
the table's log.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.hard_negatives.answers import Decision, Key, latest
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.csv_io import ImportReport, import_csv
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.evidence_store import FIXED as FIXED_OF_TILES
from napari_lookalike.core.hard_negatives.jsonl_io import import_jsonl
from napari_lookalike.core.hard_negatives.old_answers import with_old_file
from napari_lookalike.core.hard_negatives.outbox import Outbox, table_for
from napari_lookalike.core.hard_negatives.table import FIXED, HardNegativeTable
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session, Waiting


def table_of(session: Session) -> HardNegativeTable:
    """The open project's table, to be written; of a shared one what this computer has of it.

    Raises
    ------
    ProjectError
        If no project is open, or it is read-only.
    TableError
        If the server of a shared table never let this user write.
    """
    version = session.results.version if session.results is not None else ""
    table = table_for(writable_project_of(session), model_version=version)
    if isinstance(table, Outbox):
        table.check_writable()
    return table


def show(session: Session, table: HardNegativeTable) -> None:
    """Take over what the table holds now."""
    session.marks, session.evidence, _ = table.held()
    show_waiting(session, table)


def show_waiting(session: Session, table: HardNegativeTable) -> None:
    """Say how many changes a shared table's server has yet to get."""
    if isinstance(table, Outbox):
        n = table.waiting()
        session.waiting = Waiting(n, session.waiting.why if n else "")


class _TableEdit(ABC):
    """An edit that is undone by what it changed: rows, and tiles, before and after."""

    text: str

    def __init__(self) -> None:
        self._changed: list[tuple[PairMark | None, PairMark]] = []
        self._tiles: list[tuple[EvidenceTile | None, EvidenceTile]] = []
        self._answers: list[tuple[Decision, Decision]] = []

    @abstractmethod
    def act(self, table: HardNegativeTable, session: Session) -> None:
        """Do it for the first time."""

    def apply(self, session: Session) -> bool:
        """Do it, or do it again; whether anything changed."""
        table = table_of(session)
        try:
            if self._changed or self._tiles or self._answers:
                for before, after in self._changed:
                    _turn(table, before, after, session.expert)
                for tile_before, tile in self._tiles:
                    give_tile(table, tile_before, tile, session.expert)
                _say_again(table, (answer for _, answer in self._answers), session.expert)
                return True
            known = {row.id: row for row in table.rows()}
            self.act(table, session)
        finally:
            self._show(session, table)
        self._changed = [
            (known.get(row.id), row) for row in session.marks if known.get(row.id) != row
        ]
        return bool(self._changed or self._tiles or self._answers)

    def undo(self, session: Session) -> None:
        """Take it back: changed rows get their former columns, new ones are retired."""
        table = table_of(session)
        try:
            for tile_before, tile in self._tiles:
                if tile_before is None:
                    table.retire_evidence(tile.id, by=session.expert)
                else:
                    give_tile(table, tile, tile_before, session.expert)
            for before, after in self._changed:
                if before is None:
                    table.retire(after.id, by=session.expert)
                else:
                    _turn(table, after, before, session.expert)
            _say_again(table, (answer for answer, _ in self._answers), session.expert)
        finally:
            self._show(session, table)

    def _show(self, session: Session, table: HardNegativeTable) -> None:
        show(session, table)
        if self._answers and session.project is not None:
            answers = with_old_file(session.project.root, table.answers())
            session.suggestions = replace(session.suggestions, decisions=answers)


def _say_again(table: HardNegativeTable, answers: Iterable[Decision], by: str) -> None:
    for answer in answers:
        table.answer(replace(answer, time="", deed=""), by=by)


def _turn(table: HardNegativeTable, left: PairMark | None, wanted: PairMark, by: str) -> None:
    """Turn one state of a row into another, in the log as what a person would call it.

    Only columns in which the two differ are touched: what a colleague did to the others
    since stays. ``None`` = the row was new.
    """
    left = left or replace(wanted, status="retired")
    changes = {
        f.name: getattr(wanted, f.name)
        for f in fields(PairMark)
        if f.name not in FIXED and getattr(wanted, f.name) != getattr(left, f.name)
    }
    if changes == {"status": "retired"}:
        table.retire(wanted.id, by=by)
    elif set(changes) == {"status"} and left.status == "retired":
        table.restore(wanted.id, by=by)
    elif changes:
        # Since the row was in ``left`` its number of changes grew by what we did ourselves.
        now = next((row for row in table.rows() if row.id == wanted.id), None)
        ours = now is not None and now == left
        table.update(wanted.id, by=by, seen=None if ours else left, **changes)


def give_tile(
    table: HardNegativeTable, left: EvidenceTile | None, wanted: EvidenceTile, by: str
) -> None:
    """Turn one state of a tile into another, as `_turn` does with rows. ``None`` = it was new."""
    left = left or replace(wanted, status="retired")
    now = next((tile for tile in table.evidence() if tile.id == wanted.id), left)
    names = (f.name for f in fields(EvidenceTile) if f.name not in FIXED_OF_TILES)
    changes = {
        n: getattr(wanted, n)
        for n in names
        if getattr(wanted, n) not in (getattr(left, n), getattr(now, n))
    }
    if set(changes) == {"status"}:
        act = table.restore_evidence if wanted.status == "active" else table.retire_evidence
        act(wanted.id, by=by)
    elif changes:
        table.update_evidence(wanted.id, by=by, **changes)


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

    Where a colleague changed the same column since the session last read the table,
    neither edit is lost: the mark is disputed then (`HardNegativeTable.update`).

    Parameters
    ----------
    mark_id
        Row number.
    **changes
        Column -> new value.

    Attributes
    ----------
    disputed
        Whether that happened.
    """

    def __init__(self, mark_id: int, **changes: Any) -> None:
        super().__init__()
        self.mark_id, self._changes = mark_id, changes
        self.disputed = False
        self.text = f"Change mark {mark_id}"

    def act(self, table: HardNegativeTable, session: Session) -> None:
        """Change the row."""
        seen = next((mark for mark in session.marks if mark.id == self.mark_id), None)
        after = table.update(self.mark_id, by=session.expert, seen=seen, **self._changes)
        wanted = self._changes.get("status")
        self.disputed = after.status == "disputed" != wanted and (
            seen is None or seen.status != "disputed"
        )


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
    """Bring the marks of a CSV or JSON Lines file into the table.

    Undoing it takes back marks, evidence tiles and answers to suggestions; what they were
    before they are again.

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
        as_json = self._path.suffix.lower() in (".jsonl", ".ndjson")
        read = import_jsonl if as_json else import_csv
        known = {tile.id: tile for tile in table.evidence()}
        held = latest(table.answers())
        self.report = read(self._path, table, session.cohort, by=session.expert)
        self._answers = _changed_answers(held, latest(table.answers()))
        self._tiles = [
            (known.get(tile.id), tile) for tile in table.evidence() if known.get(tile.id) != tile
        ]


def _changed_answers(
    before: Mapping[tuple[str, Key], Decision], after: Mapping[tuple[str, Key], Decision]
) -> list[tuple[Decision, Decision]]:
    """(what held before, what holds now) of each expert and pair that an import changed."""
    found = []
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        old, new = old or _withdrawn(new), new or _withdrawn(old)
        if old is not None and new is not None:
            found.append((old, new))
    return found


def _withdrawn(answer: Decision | None) -> Decision | None:
    return replace(answer, what="withdraw", note="") if answer is not None else None
