"""The log in sentences: who changed what of which mark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from napari_lookalike.core.hard_negatives.log import LogEntry

_TITLES = {"test_result": "result", "slide_id": "slide"}
_SILENT = ("id", "revision", "time", "mark", "model_version")


@dataclass(frozen=True)
class Step:
    """One change, for a person.

    Parameters
    ----------
    time
        ISO 8601 in UTC.
    who
        Who did it; empty if not stated.
    mark
        Number of the mark; 0 for an answer to a suggestion, which is of no mark.
    what
        What changed, from what to what.
    model_version
        The model on the screen; empty if none.
    """

    time: str
    who: str
    mark: int
    what: str
    model_version: str = ""


def history_of(log: Iterable[LogEntry], mark: int | None = None) -> tuple[Step, ...]:
    """Changes of a mark and of its evidence tiles, oldest first.

    Parameters
    ----------
    log
        From `HardNegativeTable.log`.
    mark
        Number of the mark; ``None`` = all.
    """
    steps = (_step(entry) for entry in log)
    # History that came with another table is older than the line before it.
    return tuple(sorted((s for s in steps if mark is None or s.mark == mark), key=lambda s: s.time))


def _step(entry: LogEntry) -> Step:
    after = entry.after or {}
    of = entry.row if entry.subject == "mark" else int(after.get("mark", 0))
    told = _told(entry, after)
    if not entry.applied:
        told += " (in the other table)"
    return Step(entry.time, entry.who, of, told, entry.model_version)


def _told(entry: LogEntry, after: dict[str, Any]) -> str:
    if entry.subject == "answer":
        return _answered(entry, after)
    what = entry.what.capitalize()
    thing = ""
    if entry.subject == "evidence":
        thing = f" at a tile of {after.get('slide_id', '')} ({after.get('kind', '')})"
    if entry.before is None:
        return f"{what}{thing}: {_first(entry, after)}".removesuffix(": ")
    changes = [
        f"{_TITLES.get(k, k.replace('_', ' '))} {_value(entry.before.get(k))} → {_value(v)}"
        for k, v in after.items()
        if k not in _SILENT and v != entry.before.get(k)
    ]
    if entry.other:
        changes += [
            f"kept beside it: {_TITLES.get(k, k.replace('_', ' '))} {_value(v)}"
            for k, v in entry.other.items()
            if k not in (*_SILENT, "status") and v != entry.before.get(k)
        ]
    return f"{what}{thing}: {', '.join(changes)}".removesuffix(": ")


_ANSWERS = {
    "accept": "Accept",
    "reject": "Reject",
    "later": "Put off",
    "withdraw": "Take back the answer to",
}


def _answered(entry: LogEntry, after: dict[str, Any]) -> str:
    what = str(after.get("what", ""))
    came = "" if entry.what == what else f" ({entry.what})"
    by = after.get("who") or "somebody"
    who = "" if by == entry.who else f", by {by}"
    note = f", {after['note']}" if after.get("note") else ""
    pair = f"{after.get('a', '')} and {after.get('b', '')}"
    return f"{_ANSWERS.get(what, what)} the suggestion {pair}{who}{note}{came}"


def _first(entry: LogEntry, after: dict[str, Any]) -> str:
    if entry.subject == "evidence":
        return ""
    slides = [after.get("slide_a"), after.get("slide_b")]
    subtypes = [after.get("subtype_a"), after.get("subtype_b")]
    sides = slides if after.get("level") == "slide" else subtypes
    said = f"{' and '.join(str(s) for s in sides)}, strength {_value(after.get('strength'))}"
    return f"{said}, {after['reason']}" if after.get("reason") else said


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"'{value}'" if isinstance(value, str) else str(value)
