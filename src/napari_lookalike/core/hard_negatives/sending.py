"""Changes that were made elsewhere, made in the shared table: each once, and without loss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import sqlalchemy as sa

from napari_lookalike.core.hard_negatives.answer_store import insert_answer, numbers_of
from napari_lookalike.core.hard_negatives.answers import decision_from, named
from napari_lookalike.core.hard_negatives.columns import PairMark, columns, flipped, mark_from
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.evidence_store import FIXED as FIXED_OF_TILES
from napari_lookalike.core.hard_negatives.evidence_store import (
    insert_evidence,
    place_of,
    read_evidence,
    tile_from,
    write_evidence,
)
from napari_lookalike.core.hard_negatives.log import Act, LogEntry
from napari_lookalike.core.hard_negatives.merge import either
from napari_lookalike.core.hard_negatives.pair_store import (
    FIXED,
    dispute,
    insert_pair,
    lost,
    marked_again,
    read_pairs,
    status_before_retiring,
    write_pair,
)
from napari_lookalike.core.hard_negatives.schema import EVIDENCE, LOG, PAIRS


@dataclass
class Sent:
    """What came of it.

    Parameters
    ----------
    changes
        How many changes the shared table has now that it did not have.
    disputed
        Numbers of marks that somebody else had changed meanwhile: both versions are kept.
    numbers
        Number of a mark where the change was made -> in the shared table, where they differ.
    """

    changes: int = 0
    disputed: set[int] = field(default_factory=set)
    numbers: dict[int, int] = field(default_factory=dict)


def send(connection: sa.Connection, entries: Iterable[LogEntry], known: dict[int, int]) -> Sent:
    """Make changes in the shared table, oldest first.

    A change that the table has already is passed over: its log says so, whatever became of
    the answer. Rows are found by what they join and by whom, not by number. Where somebody
    else gave the same column another value meanwhile, neither is lost: the mark is disputed,
    as `HardNegativeTable.update` does it; of two words on a tile the more careful one holds.

    Parameters
    ----------
    connection
        To the shared table, in a transaction that writes.
    entries
        From the log of the table where they were made.
    known
        As `Sent.numbers`, of what was sent before.
    """
    return _Sender(connection, known).run(tuple(entries))


class _Sender:
    """One go, in one transaction."""

    def __init__(self, connection: sa.Connection, known: dict[int, int]) -> None:
        self.connection, self.sent = connection, Sent(numbers=dict(known))
        marks, tiles = read_pairs(connection), read_evidence(connection)
        self.marks = {mark.key: mark for mark in marks}
        self.tiles = {place_of(tile): tile for tile in tiles}
        self.answers = numbers_of(connection)
        self.taken = {"mark": {m.id for m in marks}, "evidence": {t.id for t in tiles}}

    def run(self, entries: tuple[LogEntry, ...]) -> Sent:
        """All of them."""
        done = self._done(entries)
        for entry in entries:
            if entry.after is None or not entry.applied:
                continue
            row = done.get(entry.deed)
            if row is None:
                row = self._made(entry)
                self.sent.changes += 1
            if entry.subject == "mark" and row != entry.row:
                self.sent.numbers[entry.row] = row
        return self.sent

    def _made(self, entry: LogEntry) -> int:
        """Make a change; the row here."""
        if entry.subject == "answer":
            return self._answer(entry)
        return self._evidence(entry) if entry.subject == "evidence" else self._mark(entry)

    def _done(self, entries: tuple[LogEntry, ...]) -> dict[str, int]:
        """Deed -> the row here, of those that the table has."""
        deeds = [entry.deed for entry in entries if entry.deed]
        same = LOG.c.deed.in_(deeds) & LOG.c.applied
        found = self.connection.execute(sa.select(LOG.c.deed, LOG.c.row).where(same))
        return {deed: int(row) for deed, row in found}

    def _number(self, subject: str, wanted: int) -> int:
        """The number that the row had where it was made, if it is free here; else another."""
        taken = self.taken[subject]
        table = PAIRS if subject == "mark" else EVIDENCE
        while wanted in taken:
            wanted = _next_number(self.connection, table, taken)
        taken.add(wanted)
        return wanted

    # ---- marks

    def _mark(self, entry: LogEntry) -> int:
        wanted = mark_from(entry.after or {})
        seen = mark_from(entry.before) if entry.before else None
        there = self.marks.get((seen or wanted).key) or self.marks.get(wanted.key)
        if there is None:
            number = self._number("mark", wanted.id)
            stored = insert_pair(self.connection, wanted, _act(entry), number=number)
        elif seen is None:
            stored = self._again(there, wanted, entry)
        else:
            stored = self._changed(there, seen, wanted, entry)
        if there is not None and stored.key != there.key:
            del self.marks[there.key]
        self.marks[stored.key] = stored
        return stored.id

    def _again(self, there: PairMark, wanted: PairMark, entry: LogEntry) -> PairMark:
        """The same expert had marked the pair, on another computer say."""
        after = marked_again(there, wanted)
        if after == there:
            return there
        return write_pair(self.connection, there, after, _act(entry))

    def _changed(
        self, there: PairMark, seen: PairMark, wanted: PairMark, entry: LogEntry
    ) -> PairMark:
        if seen.sides != there.sides:
            seen, wanted = flipped(seen), flipped(wanted)
        changes = {
            name: getattr(wanted, name)
            for name in columns()
            if name not in FIXED and getattr(wanted, name) != getattr(seen, name)
        }
        if entry.what == "restore" and set(changes) == {"status"}:
            if there.status != "retired":
                return there
            changes["status"] = status_before_retiring(self.connection, there.id)
        after = replace(there, **changes)
        if after == there:
            return there
        other = mark_from(entry.other) if entry.other else None
        taken = self.marks.get(after.key)
        # The numbers of changes were counted elsewhere, so that only the columns can tell.
        quarrel = lost(replace(seen, revision=-1), there, after)
        if quarrel or (taken is not None and taken.id != there.id):
            self.sent.disputed.add(there.id)
            return dispute(self.connection, there, other or after, _act(entry))
        return write_pair(self.connection, there, after, _act(entry), other)

    # ---- answers to suggestions

    def _answer(self, entry: LogEntry) -> int:
        """An answer stands beside all others: there is nothing to quarrel over."""
        decision = decision_from(entry.after or {})
        if decision is None:
            return 0
        decision = named(decision)
        if decision.deed not in self.answers:
            stored = insert_answer(self.connection, decision, _act(entry))
            self.answers[stored.deed] = stored.id
        return self.answers[decision.deed]

    # ---- evidence tiles

    def _evidence(self, entry: LogEntry) -> int:
        wanted = self._here(tile_from(entry.after or {}))
        there = self.tiles.get(place_of(wanted))
        if there is None:
            number = self._number("evidence", wanted.id)
            stored = insert_evidence(self.connection, wanted, _act(entry), number=number)
        else:
            seen = self._here(tile_from(entry.before)) if entry.before else None
            stored = _tile_after(there, seen, wanted)
            if stored != there:
                write_evidence(self.connection, there, stored, _act(entry))
        self.tiles[place_of(stored)] = stored
        return stored.id

    def _here(self, tile: EvidenceTile) -> EvidenceTile:
        return replace(tile, mark=self.sent.numbers.get(tile.mark, tile.mark))


def _tile_after(
    there: EvidenceTile, seen: EvidenceTile | None, wanted: EvidenceTile
) -> EvidenceTile:
    """What becomes of a tile: the columns that were changed, if nobody else changed them."""
    names = [f.name for f in fields(EvidenceTile) if f.name not in FIXED_OF_TILES]
    if seen is None:  # the same expert had pointed at it, on another computer say
        changes: dict[str, Any] = {name: getattr(wanted, name) for name in names}
        if wanted.kind == there.kind:
            changes |= {"second_expert": there.second_expert, "second_says": there.second_says}
        return replace(there, **changes)
    changes = {n: getattr(wanted, n) for n in names if getattr(wanted, n) != getattr(seen, n)}
    if any(getattr(there, n) not in (getattr(seen, n), changes[n]) for n in changes):
        return either(there, replace(there, **changes))
    return replace(there, **changes)


def _next_number(connection: sa.Connection, table: sa.Table, taken: set[int]) -> int:
    """What the database would give a new row; a table restored from a backup gives taken ones."""
    if connection.dialect.name != "postgresql":
        return max(taken) + 1
    of_table = sa.select(sa.func.nextval(sa.func.pg_get_serial_sequence(table.name, "id")))
    return int(connection.execute(of_table).scalar_one())


def _act(entry: LogEntry) -> Act:
    return Act(entry.who, entry.what, entry.model_version, entry.time, entry.deed)
