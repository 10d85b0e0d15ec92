"""The hard-negative table: nothing is ever deleted, and every change is logged."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from napari_lookalike.core.hard_negatives.answer_store import (
    put_answer,
    put_missing,
    read_answers,
)
from napari_lookalike.core.hard_negatives.answers import Decision, checked_answer, named
from napari_lookalike.core.hard_negatives.checks import checked
from napari_lookalike.core.hard_negatives.columns import PairMark, version_of
from napari_lookalike.core.hard_negatives.database import open_database
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.evidence_store import (
    change_evidence,
    put_evidence,
    read_evidence,
)
from napari_lookalike.core.hard_negatives.log import Act, LogEntry, last_entry, read_log
from napari_lookalike.core.hard_negatives.pair_store import (
    FIXED,
    change_pair,
    put_pair,
    read_pairs,
    status_before_retiring,
)

__all__ = ["FIXED", "HardNegativeTable"]

Held = tuple[tuple[PairMark, ...], tuple[EvidenceTile, ...], int]
"""Marks, evidence tiles, and the number of the last change."""


class HardNegativeTable:
    """The experts' marks, in a SQLite file or on a PostgreSQL server.

    The file is made at the first mark. A mark is on the disk when `add` returns. Any
    thread may call any method: each uses a connection of its own for a moment.

    Parameters
    ----------
    place
        ``Project.table_place``: the database file, or the server's URL
        (``postgresql://user@server/database``, the password elsewhere).
    timeout_s
        Seconds to wait while somebody else writes.
    model_version
        The model that is on the screen, for the log.

    Attributes
    ----------
    path
        The file; of a table on a server, a name that is not there.
    shared
        Whether it lies on a server.
    """

    def __init__(
        self, place: Path | str, *, timeout_s: float = 5.0, model_version: str = ""
    ) -> None:
        self.database = open_database(place, timeout_s)
        self.shared = self.database.path is None
        self.path = self.database.path or Path("shared-table")
        self._model_version = model_version

    # ---- reading

    def rows(self) -> tuple[PairMark, ...]:
        """All rows, retired ones too, in the order of their id.

        Raises
        ------
        TableError
            If the table is locked, damaged or out of reach; so do all methods.
        """
        return self.database.read(read_pairs, ())

    def evidence(self, mark_id: int | None = None) -> tuple[EvidenceTile, ...]:
        """Evidence tiles, retired ones too, in the order of their id.

        Parameters
        ----------
        mark_id
            Those of one mark; all if ``None``.
        """
        tiles: tuple[EvidenceTile, ...] = self.database.read(read_evidence, ())
        return tuple(t for t in tiles if mark_id is None or t.mark == mark_id)

    def held(self) -> Held:
        """Marks, evidence tiles and `last_change`, of one moment."""
        nothing: Held = (), (), 0
        return self.database.read(_held, nothing)

    def answers(self) -> tuple[Decision, ...]:
        """Answers to suggestions, withdrawn ones too, oldest first (see `answers.latest`)."""
        return self.database.read(read_answers, ())

    @property
    def version(self) -> str:
        """Number and hash of the rows and tiles in use (see `version_of`)."""
        rows, tiles, _ = self.held()
        return version_of(rows, tiles)

    def find(self, mark: PairMark) -> PairMark | None:
        """The row that `add` would update: the same pair, in any order, by the same expert."""
        key = checked(mark).key
        return next((row for row in self.rows() if row.key == key), None)

    def log(self) -> tuple[LogEntry, ...]:
        """Every change, oldest first."""
        return self.database.read(read_log, ())

    def last_change(self) -> int:
        """A number that grows with every change by anybody: cheap to ask again and again."""
        return self.database.read(last_entry, 0)

    # ---- marks

    def add(self, mark: PairMark, *, by: str = "") -> PairMark:
        """Store a mark.

        The same pair (in either order) by the same expert is never stored twice: its row
        gets the new strength, and what else the new mark says; a retired one is in use again.

        Parameters
        ----------
        mark
            The mark; its id is ignored, an empty time becomes the present.
        by
            Who adds it, for the log; the mark's expert if empty.

        Returns
        -------
        PairMark
            As stored, with its id and time.

        Raises
        ------
        TableError
            If the mark is not valid (see `checks.checked`) or cannot be written.
        """
        return self.add_all([mark], by=by)[0]

    def add_all(
        self, marks: Iterable[PairMark], *, by: str = "", what: str = ""
    ) -> tuple[PairMark, ...]:
        """Store several marks, all or none. See `add`; ``what`` names it in the log."""
        valid = [checked(mark) for mark in marks]
        with self.database.writing() as connection:
            theirs = read_pairs(connection, experts={mark.expert for mark in valid})
            rows: dict[tuple[str, ...], PairMark] = {row.key: row for row in theirs}
            act = self._act(by, what)
            return tuple(put_pair(connection, rows, mark, act) for mark in valid)

    def update(
        self, row_id: int, *, by: str = "", seen: PairMark | None = None, **changes: Any
    ) -> PairMark:
        """Change columns of a row.

        Parameters
        ----------
        row_id
            Row number.
        by
            Who changes it, for the log.
        seen
            The row as whoever changes it saw it. Where somebody else gave the same column
            another value since, neither is lost: the row stays and is "disputed", and the
            log has the other one. Without it the last edit wins.
        **changes
            Column name -> new value; not ``id``, ``time`` or ``revision``.

        Raises
        ------
        TableError
            If there is no such row or column, the new row is not valid, or another row
            of the same expert has the same pair.
        """
        with self.database.writing() as connection:
            return change_pair(connection, row_id, changes, self._act(by, "edit"), seen)

    def retire(self, row_id: int, *, by: str = "") -> PairMark:
        """Take a mark out of use. It stays in the table and can be restored."""
        with self.database.writing() as connection:
            act = self._act(by, "retire")
            return change_pair(connection, row_id, {"status": "retired"}, act)

    def restore(self, row_id: int, *, by: str = "") -> PairMark:
        """Give a retired mark the status again that it had."""
        with self.database.writing() as connection:
            status = status_before_retiring(connection, row_id)
            return change_pair(connection, row_id, {"status": status}, self._act(by, "restore"))

    # ---- answers to suggestions

    def answer(self, decision: Decision, *, by: str = "") -> Decision:
        """Store an answer to a suggestion; those before it stay.

        Parameters
        ----------
        decision
            The answer; an empty time becomes the present. It is never earlier than what the
            same expert said of the same pair before.
        by
            Who gives it, for the log; the answer's expert if empty.

        Returns
        -------
        Decision
            As stored.

        Raises
        ------
        TableError
            If it is not valid (see `answers.checked_answer`) or cannot be written.
        """
        with self.database.writing() as connection:
            return put_answer(connection, decision, self._act(by, ""))

    def add_answers(self, decisions: Iterable[Decision], *, by: str = "", what: str = "") -> int:
        """Store answers that were given elsewhere, all or none; those that are here are not.

        Parameters
        ----------
        decisions
            Answers; one without a name gets it from what it says (`answers.named`).
        by, what
            For the log; the answer's expert and the answer if empty.

        Returns
        -------
        int
            How many were new.
        """
        valid = [checked_answer(named(decision)) for decision in decisions]
        if not valid:
            return 0
        with self.database.writing() as connection:
            return len(put_missing(connection, valid, self._act(by, what)))

    # ---- evidence tiles

    def add_evidence(self, tile: EvidenceTile, *, by: str = "") -> EvidenceTile:
        """Store a tile that an expert pointed at.

        The same place of the same mark by the same expert is never stored twice: its row
        gets the new kind, and is active again. Where the kind changes, a second opinion on
        the old one is taken off.

        Parameters
        ----------
        tile
            The tile; its id is ignored, an empty time becomes the present.
        by
            Who adds it, for the log; the tile's expert if empty.

        Returns
        -------
        EvidenceTile
            As stored, with its id and time.

        Raises
        ------
        TableError
            If there is no such mark, the mark joins other slides, or the tile is not valid
            (see `checks.checked_tile`) or cannot be written.
        """
        with self.database.writing() as connection:
            return put_evidence(connection, tile, self._act(by, ""))

    def second_opinion(self, tile_id: int, expert: str, says: str) -> EvidenceTile:
        """Say of somebody else's tile that it is "confirmed" or "disputed"; "" takes it back.

        Raises
        ------
        TableError
            If there is no such tile, or the expert is who pointed at it.
        """
        changes = {"second_expert": expert if says else "", "second_says": says}
        return self._change_evidence(tile_id, expert, "second opinion", changes)

    def look_again(self, tile_id: int, *, by: str = "") -> EvidenceTile:
        """Note that who pointed at a tile looked at it again and found it right."""
        return self._change_evidence(tile_id, by, "look again", {"unchecked": False})

    def retire_evidence(self, tile_id: int, *, by: str = "") -> EvidenceTile:
        """Take a tile out of use. It stays in the table and can be restored."""
        return self._change_evidence(tile_id, by, "retire", {"status": "retired"})

    def restore_evidence(self, tile_id: int, *, by: str = "") -> EvidenceTile:
        """Take a retired tile into use again."""
        return self._change_evidence(tile_id, by, "restore", {"status": "active"})

    def update_evidence(self, tile_id: int, *, by: str = "", **changes: Any) -> EvidenceTile:
        """Change the kind, the status or the second opinion of a tile."""
        return self._change_evidence(tile_id, by, "edit", changes)

    def _change_evidence(
        self, tile_id: int, by: str, what: str, changes: dict[str, Any]
    ) -> EvidenceTile:
        with self.database.writing() as connection:
            return change_evidence(connection, tile_id, changes, self._act(by, what))

    def _act(self, by: str, what: str) -> Act:
        return Act(by, what, self._model_version)


def _held(connection: sa.Connection) -> Held:
    return read_pairs(connection), read_evidence(connection), last_entry(connection)
