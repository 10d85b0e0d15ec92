"""Rows of the look-alikes panel: marks with their evidence, found and filtered: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.history import history_of
from napari_lookalike.core.hard_negatives.log import LogEntry


def column(default: Any, title: str, help_: str) -> Any:
    """A field that a table shows."""
    return field(default=default, metadata={"title": title, "help": help_})


@dataclass(frozen=True)
class MarkRow(PairMark):
    """A mark, and how many evidence tiles speak for it."""

    tiles: int = column(
        0, "Tiles", "Evidence tiles in use: where an expert pointed, and nobody disputes it."
    )


@dataclass(frozen=True)
class HistoryRow:
    """One change of a mark, as the panel shows it."""

    time: str = column("", "When", "In your time zone.")
    who: str = column("", "Who", "Who changed it.")
    what: str = column("", "What", "What it was before, and after.")
    model_version: str = column("", "Model", "The model that was on the screen.")


Wanted = Callable[[PairMark], bool]
STATUS_FILTERS: dict[str, tuple[str, Wanted]] = {
    "all": ("All marks", lambda mark: True),
    "used": ("In use", lambda mark: mark.active),
    "proposed": ("Proposed", lambda mark: mark.status in ("proposed", "active")),
    "agreed": ("Agreed", lambda mark: mark.status == "agreed"),
    "disputed": ("Disputed", lambda mark: mark.status == "disputed"),
    "retired": ("Retired", lambda mark: mark.status == "retired"),
}
"""Key -> (what a list of filters says, which marks it lets through)."""


def mark_rows(marks: Iterable[PairMark], evidence: Iterable[EvidenceTile]) -> tuple[MarkRow, ...]:
    """Marks with the number of their evidence tiles in use."""
    tiles = Counter(tile.mark for tile in evidence if tile.used)
    return tuple(MarkRow(**asdict(mark), tiles=tiles[mark.id]) for mark in marks)


def filtered(rows: Iterable[MarkRow], words: str, status: str) -> tuple[MarkRow, ...]:
    """Rows in which every word occurs, whatever its case, and whose status is wanted.

    Parameters
    ----------
    rows
        All rows.
    words
        What the user looks for, in any column.
    status
        A key of `STATUS_FILTERS`.
    """
    _, wanted = STATUS_FILTERS[status]
    looked_for = words.casefold().split()
    return tuple(
        row for row in rows if wanted(row) and all(word in _text(row) for word in looked_for)
    )


_SEARCHED = tuple(f.name for f in fields(PairMark) if f.metadata.get("shown", True))


def _text(row: PairMark) -> str:
    return " ".join(str(getattr(row, name)) for name in _SEARCHED).casefold()


def history_rows(log: Iterable[LogEntry], mark: int) -> tuple[HistoryRow, ...]:
    """Changes of a mark and its tiles, the last first."""
    steps = history_of(log, mark)
    return tuple(
        HistoryRow(step.time, step.who, step.what, step.model_version) for step in steps[::-1]
    )
