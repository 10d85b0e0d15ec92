"""The table as its log tells it: what the log says must be what the table holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from napari_lookalike.core.hard_negatives.answers import Decision, decision_from
from napari_lookalike.core.hard_negatives.columns import PairMark, mark_from
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.evidence_store import tile_from
from napari_lookalike.core.hard_negatives.log import LogEntry

if TYPE_CHECKING:
    from napari_lookalike.core.hard_negatives.table import HardNegativeTable


def replay(
    entries: Iterable[LogEntry],
) -> tuple[tuple[PairMark, ...], tuple[EvidenceTile, ...]]:
    """What the entries make of an empty table.

    Parameters
    ----------
    entries
        From `HardNegativeTable.log`, oldest first; the first n of them give the table as
        it was then.

    Returns
    -------
    tuple
        Marks and evidence tiles, in the order of their id; for answers see `replay_answers`.
    """
    marks: dict[int, PairMark] = {}
    tiles: dict[int, EvidenceTile] = {}
    for entry in entries:
        if not entry.applied or entry.after is None:
            continue
        if entry.subject == "evidence":
            tiles[entry.row] = tile_from(entry.after)
        elif entry.subject == "mark":
            marks[entry.row] = mark_from(entry.after)
    return tuple(marks[i] for i in sorted(marks)), tuple(tiles[i] for i in sorted(tiles))


def replay_answers(entries: Iterable[LogEntry]) -> tuple[Decision, ...]:
    """The answers to suggestions that the entries make, in the order of their id.

    Parameters
    ----------
    entries
        As for `replay`.
    """
    found: dict[int, Decision] = {}
    for entry in entries:
        if entry.applied and entry.subject == "answer" and entry.after is not None:
            decision = decision_from(entry.after)
            if decision is not None:
                found[entry.row] = decision
    return tuple(found[i] for i in sorted(found))


def differences(table: HardNegativeTable) -> tuple[str, ...]:
    """Where the table is not what its log says, as sentences; empty where it is.

    A row that another program wrote without the log is found so.

    Parameters
    ----------
    table
        The table.
    """
    log = table.log()
    marks, tiles = replay(log)
    rows, there, _ = table.held()
    said = [f"Mark {i} is not what its log says." for i in _unlike(rows, marks)]
    said += [f"Evidence tile {i} is not what its log says." for i in _unlike(there, tiles)]
    unlike = _unlike(table.answers(), replay_answers(log))
    said += [f"Answer {i} is not what its log says." for i in unlike]
    return tuple(said)


def _unlike(a: Iterable[Any], b: Iterable[Any]) -> list[int]:
    first, second = {row.id: row for row in a}, {row.id: row for row in b}
    return sorted(i for i in first.keys() | second.keys() if first.get(i) != second.get(i))
