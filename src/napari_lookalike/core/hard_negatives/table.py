"""The hard-negative table on disk: SQLite, nothing ever deleted, every change logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import schema
from napari_lookalike.core.hard_negatives.checks import checked
from napari_lookalike.core.hard_negatives.columns import (
    PairMark,
    column_types,
    columns,
    flipped,
    version_of,
)
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.evidence_store import (
    change_evidence,
    put_evidence,
    read_evidence,
)
from napari_lookalike.core.hard_negatives.log import (
    Act,
    LogEntry,
    last_entry,
    read_log,
    write_log,
)
from napari_lookalike.core.hard_negatives.schema import PAIRS

T = TypeVar("T")
FIXED = ("id", "time")
"""Columns that no edit changes."""


class HardNegativeTable:
    """The expert's marks in one SQLite file.

    The file is made at the first mark. A mark is on the disk when `add` returns. Any
    thread may call any method: each opens a connection of its own for a moment.

    Parameters
    ----------
    path
        The database file (``Project.table_path``).
    timeout_s
        Seconds to wait while another program holds the file.
    model_version
        The model that is on the screen, for the log.
    """

    def __init__(self, path: Path, *, timeout_s: float = 5.0, model_version: str = "") -> None:
        self.path = Path(path)
        self._model_version = model_version
        self._timeout_s = timeout_s
        self._engine = schema.make_engine(self.path, timeout_s)
        self._prepared = False

    # ---- reading

    def rows(self) -> tuple[PairMark, ...]:
        """All rows, retired ones too, in the order of their id.

        Raises
        ------
        TableError
            If the file is locked or damaged.
        """
        return self._read(_read, ())

    @property
    def version(self) -> str:
        """Count and hash of the active rows (see `version_of`)."""
        return version_of(self.rows())

    def find(self, mark: PairMark) -> PairMark | None:
        """The row that `add` would update: the same pair, in any order, by the same expert."""
        key = checked(mark).key
        return next((row for row in self.rows() if row.key == key), None)

    def evidence(self, mark_id: int | None = None) -> tuple[EvidenceTile, ...]:
        """Evidence tiles, retired ones too, in the order of their id.

        Parameters
        ----------
        mark_id
            Those of one mark; all if ``None``.

        Raises
        ------
        TableError
            If the file is locked or damaged.
        """
        tiles: tuple[EvidenceTile, ...] = self._read(read_evidence, ())
        return tuple(t for t in tiles if mark_id is None or t.mark == mark_id)

    def log(self) -> tuple[LogEntry, ...]:
        """Every change, oldest first."""
        return self._read(read_log, ())

    def last_change(self) -> int:
        """A number that grows with every change by anybody: cheap to ask again and again."""
        return self._read(last_entry, 0)

    # ---- writing

    def add(self, mark: PairMark, *, by: str = "") -> PairMark:
        """Store a mark.

        The same pair (in either order) by the same expert is never stored twice: its row
        gets the new strength, reason (if there is one) and model, and is active again.

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
        with self._writing() as connection:
            act = Act(by, what, self._model_version)
            return tuple(_put(connection, mark, act) for mark in valid)

    def update(self, row_id: int, *, by: str = "", **changes: Any) -> PairMark:
        """Change columns of a row.

        Parameters
        ----------
        row_id
            Row number.
        by
            Who changes it, for the log.
        **changes
            Column name -> new value; not ``id`` or ``time``.

        Raises
        ------
        TableError
            If there is no such row or column, the new row is not valid, or another row
            of the same expert has the same pair.
        """
        return self._change(row_id, by, "edit", changes)

    def retire(self, row_id: int, *, by: str = "") -> PairMark:
        """Take a mark out of use. It stays in the table and can be restored."""
        return self._change(row_id, by, "retire", {"status": "retired"})

    def restore(self, row_id: int, *, by: str = "") -> PairMark:
        """Take a retired mark into use again."""
        return self._change(row_id, by, "restore", {"status": "active"})

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
        with self._writing() as connection:
            marks = {row.id: row for row in _read(connection)}
            return put_evidence(connection, tile, marks, Act(by, "", self._model_version))

    def second_opinion(self, tile_id: int, expert: str, says: str) -> EvidenceTile:
        """Say of somebody else's tile that it is "confirmed" or "disputed"; "" takes it back.

        Raises
        ------
        TableError
            If there is no such tile, or the expert is who pointed at it.
        """
        changes = {"second_expert": expert if says else "", "second_says": says}
        return self._change_evidence(tile_id, expert, "second opinion", changes)

    def retire_evidence(self, tile_id: int, *, by: str = "") -> EvidenceTile:
        """Take a tile out of use. It stays in the table and can be restored."""
        return self._change_evidence(tile_id, by, "retire", {"status": "retired"})

    def restore_evidence(self, tile_id: int, *, by: str = "") -> EvidenceTile:
        """Take a retired tile into use again."""
        return self._change_evidence(tile_id, by, "restore", {"status": "active"})

    def update_evidence(self, tile_id: int, *, by: str = "", **changes: Any) -> EvidenceTile:
        """Change the kind, the status or the second opinion of a tile."""
        return self._change_evidence(tile_id, by, "edit", changes)

    # ---- inside

    def _change_evidence(
        self, tile_id: int, by: str, what: str, changes: dict[str, Any]
    ) -> EvidenceTile:
        with self._writing() as connection:
            act = Act(by, what, self._model_version)
            return change_evidence(connection, tile_id, changes, act)

    def _change(self, row_id: int, by: str, what: str, changes: dict[str, Any]) -> PairMark:
        wrong = sorted(set(changes) - set(columns()) | set(changes) & set(FIXED))
        if wrong:
            raise TableError(
                f"The column {wrong[0]} cannot be changed.", "Retire the mark and make a new one."
            )
        with self._writing() as connection:
            rows = {row.id: row for row in _read(connection)}
            if row_id not in rows:
                raise TableError(f"There is no mark number {row_id}.", "Open the table again.")
            before = rows[row_id]
            after = checked(replace(before, **changes))
            if any(row.key == after.key and row.id != row_id for row in rows.values()):
                raise TableError(
                    "The same expert has already marked this pair.", "Change that mark instead."
                )
            if after != before:
                _write(connection, before, after, Act(by, what, self._model_version))
            return after

    def _read(self, read: Callable[[sa.Connection], T], nothing: T) -> T:
        if not self.path.exists():
            return nothing
        with schema.as_table_errors():
            schema.check_readable(self.path)
            return self._reading(read)

    def _reading(self, read: Callable[[sa.Connection], T]) -> T:
        def work() -> T:
            with self._engine.connect() as connection:
                return read(connection)

        return schema.patiently(work, self._timeout_s)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with schema.as_table_errors():
            if not self._prepared or not self.path.exists():
                schema.patiently(self._prepare, self._timeout_s)
            connection, transaction = schema.patiently(self._begin, self._timeout_s)
            with connection, transaction:
                yield connection

    def _prepare(self) -> None:
        schema.prepare(self.path, self._engine, self._timeout_s)
        self._prepared = True

    def _begin(self) -> tuple[sa.Connection, sa.RootTransaction]:
        connection = self._engine.connect().execution_options(writes=True)
        try:
            return connection, connection.begin()
        except BaseException:
            connection.close()
            raise


def _read(connection: sa.Connection) -> tuple[PairMark, ...]:
    # "*" and not our columns: an older read-only file may lack some, a newer have more.
    if not sa.inspect(connection).has_table(PAIRS.name):
        return ()
    found = connection.execute(sa.text("SELECT * FROM pairs ORDER BY id")).mappings()
    types = column_types()
    return tuple(
        PairMark(**{k: types[k](v) for k, v in row.items() if k in types}) for row in found
    )


def _put(connection: sa.Connection, mark: PairMark, act: Act) -> PairMark:
    """Insert the mark, or update the row of the same pair by the same expert."""
    before = next((row for row in _read(connection) if row.key == mark.key), None)
    act = replace(act, who=act.who or mark.expert)
    if before is not None:
        turned = mark if mark.sides == before.sides else flipped(mark)
        # An expert who marks a pair again without a word does not take the word back.
        reason = turned.reason or before.reason
        after = replace(turned, id=before.id, time=before.time, reason=reason)
        if after != before:
            _write(connection, before, after, replace(act, what=act.what or "mark again"))
        return after
    values = {k: v for k, v in asdict(mark).items() if k != "id"}
    key = connection.execute(PAIRS.insert().values(**values)).inserted_primary_key
    after = replace(mark, id=int(key[0]) if key else 0)
    write_log(connection, replace(act, what=act.what or "add"), None, after)
    return after


def _write(connection: sa.Connection, before: PairMark, after: PairMark, act: Act) -> None:
    values = {k: v for k, v in asdict(after).items() if k != "id"}
    connection.execute(PAIRS.update().where(PAIRS.c.id == before.id).values(**values))
    write_log(connection, act, before, after)
