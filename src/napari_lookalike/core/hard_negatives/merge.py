"""Two tables into one, without loss: of rows, of versions, of history."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import sqlalchemy as sa

from napari_lookalike.core.hard_negatives.answer_store import numbers_of, put_missing
from napari_lookalike.core.hard_negatives.answers import Decision
from napari_lookalike.core.hard_negatives.columns import (
    INTERNAL,
    PairMark,
    columns,
    flipped,
    mark_from,
)
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.evidence_store import (
    insert_evidence,
    place_of,
    read_evidence,
    write_evidence,
)
from napari_lookalike.core.hard_negatives.log import Act, LogEntry, read_log
from napari_lookalike.core.hard_negatives.pair_store import (
    insert_pair,
    read_pairs,
    write_pair,
)
from napari_lookalike.core.hard_negatives.schema import LOG
from napari_lookalike.core.hard_negatives.table import HardNegativeTable

Key = tuple[str, ...]
_PLAIN = tuple(name for name in columns() if name not in (*INTERNAL, "time"))


@dataclass(frozen=True)
class MergeReport:
    """What came of a merge.

    Parameters
    ----------
    added, updated, disputed
        Marks that were new, that the other table had changed, and of which both tables had
        changed the same column: these stay as they were, disputed, and the log has the
        other version.
    tiles
        Evidence tiles that were new or changed.
    history
        Entries of the other table's log that were kept for the record.
    answers
        Answers to suggestions that were new.
    """

    added: int = 0
    updated: int = 0
    disputed: int = 0
    tiles: int = 0
    history: int = 0
    answers: int = 0


def merge(into: HardNegativeTable, other: HardNegativeTable, *, by: str = "") -> MergeReport:
    """Bring all that another table holds into one, in one transaction.

    Rows are the same where the same expert marked the same pair. Where the two tables come
    from one (a copied project), the last version that both had tells which side changed a
    column; where they do not, a column that is empty on one side takes the other's words.
    Merging the same table again changes nothing. Answers to suggestions are told apart by
    their names, and by nothing else.

    Parameters
    ----------
    into
        The table that gets the rows.
    other
        The table that they come from; it stays as it is.
    by
        Who merges, for the log.

    Raises
    ------
    TableError
        If one cannot be read or the other cannot be written.
    """
    theirs, tiles, _ = other.held()
    answers, history = other.answers(), other.log()
    with into.database.writing() as connection:
        return _Merge(connection, history, Act(by, "merge")).run(theirs, tiles, answers)


class _Merge:
    """One merge, in one transaction."""

    def __init__(self, connection: sa.Connection, history: Iterable[LogEntry], act: Act) -> None:
        self.connection, self.act = connection, act
        self.history = tuple(history)
        self.ours = read_log(connection)
        counted = ("added", "updated", "disputed", "tiles", "history", "answers")
        self.count = dict.fromkeys(counted, 0)

    def run(
        self,
        marks: Iterable[PairMark],
        tiles: Iterable[EvidenceTile],
        answers: Iterable[Decision] = (),
    ) -> MergeReport:
        """All rows, then all tiles, then all answers, then the history."""
        rows = {row.key: row for row in read_pairs(self.connection)}
        common = _common(self.ours, self.history)
        number: dict[int, int] = {}
        for mark in marks:
            stored = self._mark(mark, rows.get(mark.key), common.get(mark.key))
            rows[mark.key] = stored
            number[mark.id] = stored.id
        tile_number = self._tiles(tiles, number)
        self._history({"mark": number, "evidence": tile_number, "answer": self._answers(answers)})
        return MergeReport(**self.count)

    def _mark(self, theirs: PairMark, ours: PairMark | None, base: PairMark | None) -> PairMark:
        if ours is None:
            self.count["added"] += 1
            return insert_pair(self.connection, theirs, self.act)
        if theirs.sides != ours.sides:
            theirs = flipped(theirs)
        if base is not None and base.sides != ours.sides:
            base = flipped(base)
        wanted, quarrel = _three_way(ours, theirs, base)
        if quarrel and not self._told_before(ours.id, theirs):
            self.count["disputed"] += 1
            both = replace(wanted, status="disputed")
            other = replace(theirs, id=ours.id)
            act = replace(self.act, what="conflict")
            return write_pair(self.connection, ours, both, act, other)
        if not quarrel and wanted != ours:
            self.count["updated"] += 1
            return write_pair(self.connection, ours, wanted, self.act)
        return ours

    def _told_before(self, row: int, theirs: PairMark) -> bool:
        """Whether this version lost a conflict already, in an earlier merge."""
        lost = (
            mark_from(e.other)
            for e in self.ours
            if e.other and e.subject == "mark" and e.row == row and e.what == "conflict"
        )
        return any(_said(mark) == _said(theirs) for mark in lost)

    def _tiles(self, tiles: Iterable[EvidenceTile], number: Mapping[int, int]) -> dict[int, int]:
        there = {place_of(tile): tile for tile in read_evidence(self.connection)}
        found: dict[int, int] = {}
        for tile in tiles:
            if tile.mark not in number:
                continue
            theirs = replace(tile, mark=number[tile.mark])
            ours = there.get(place_of(theirs))
            if ours is None:
                stored = insert_evidence(self.connection, theirs, self.act)
                self.count["tiles"] += 1
            else:
                stored = either(ours, theirs)
                if stored != ours:
                    write_evidence(self.connection, ours, stored, self.act, theirs)
                    self.count["tiles"] += 1
            there[place_of(stored)] = stored
            found[tile.id] = stored.id
        return found

    def _answers(self, answers: Iterable[Decision]) -> dict[int, int]:
        theirs = tuple(answers)
        self.count["answers"] += len(put_missing(self.connection, theirs, self.act))
        here = numbers_of(self.connection)
        return {answer.id: here[answer.deed] for answer in theirs}

    def _history(self, number: Mapping[str, Mapping[int, int]]) -> None:
        """Keep the other log's entries, which changed nothing here."""
        known = {_fingerprint(entry) for entry in self.ours}
        for entry in self.history:
            row = number[entry.subject].get(entry.row)
            if row is None or _fingerprint(entry) in known:
                continue
            values = {f.name: getattr(entry, f.name) for f in fields(LogEntry)}
            values |= {"row": row, "applied": False}
            self.connection.execute(LOG.insert().values(**values))
            self.count["history"] += 1


def _three_way(ours: PairMark, theirs: PairMark, base: PairMark | None) -> tuple[PairMark, bool]:
    """The row that has both sides' changes, and whether they quarrel over a column."""
    changes: dict[str, Any] = {}
    quarrel = False
    for name in _PLAIN:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine == other:
            continue
        before = getattr(base, name) if base is not None else None
        if base is not None and before == other:
            continue  # only we changed it
        if (base is not None and before == mine) or (base is None and mine == ""):
            changes[name] = other
        elif base is None and other == "":
            continue
        elif name != "model_version":  # which model was on the screen is nothing to quarrel over
            quarrel = True
    return replace(ours, **changes), quarrel


def _common(ours: Iterable[LogEntry], theirs: Iterable[LogEntry]) -> dict[Key, PairMark]:
    """``PairMark.key`` -> the last version that both logs have."""
    here = {_fingerprint(entry) for entry in ours if entry.subject == "mark"}
    last: dict[Key, PairMark] = {}
    for entry in theirs:
        if entry.subject == "mark" and entry.after and _fingerprint(entry) in here:
            mark = mark_from(entry.after)
            last[mark.key] = mark
    return last


def _fingerprint(entry: LogEntry) -> str:
    """The same for an entry in whatever table it stands: row numbers do not count."""
    said = [
        {k: v for k, v in state.items() if k not in ("id", "mark", "revision")} if state else None
        for state in (entry.before, entry.after, entry.other)
    ]
    return json.dumps([entry.time, entry.who, entry.what, entry.subject, said], sort_keys=True)


def _said(mark: PairMark) -> dict[str, Any]:
    return {k: v for k, v in asdict(mark).items() if k in _PLAIN and k != "model_version"}


def either(ours: EvidenceTile, theirs: EvidenceTile) -> EvidenceTile:
    """One tile of two versions; where they disagree, it is not used."""
    # Who looked at it again did so, whichever table knows.
    changes: dict[str, Any] = {"unchecked": ours.unchecked and theirs.unchecked}
    if "retired" in (ours.status, theirs.status):
        changes["status"] = "retired"
    if "disputed" in (theirs.second_says, ours.second_says):
        doubt = theirs if theirs.second_says == "disputed" else ours
        changes |= {"second_says": "disputed", "second_expert": doubt.second_expert}
    elif not ours.second_says:
        changes |= {"second_says": theirs.second_says, "second_expert": theirs.second_expert}
    if ours.kind != theirs.kind:
        changes["status"] = "retired"
    return replace(ours, **changes)
