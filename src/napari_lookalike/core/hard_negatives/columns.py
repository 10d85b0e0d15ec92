"""The hard-negative table's columns, each declared once.

The database, the CSV files and the table on the screen follow from `PairMark`'s fields:
a new column is one more field here, with a default so that older files still open.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_type_hints


def _column(
    default: Any, title: str, help_: str, *, editable: bool = False, shown: bool = True
) -> Any:
    return field(
        default=default,
        metadata={"title": title, "help": help_, "editable": editable, "shown": shown},
    )


@dataclass(frozen=True)
class PairMark:
    """One row: two slides, or two subtypes, that an expert calls look-alikes."""

    id: int = _column(0, "#", "Row number; 0 until it is stored.")
    level: Literal["slide", "subtype"] = _column("slide", "Level", "Two slides, or two subtypes.")
    slide_a: str = _column("", "Slide A", "slide_id of the first slide; empty for a subtype pair.")
    slide_b: str = _column("", "Slide B", "slide_id of the second slide; empty for a subtype pair.")
    subtype_a: str = _column("", "Subtype A", "Label of the first side when it was marked.")
    subtype_b: str = _column("", "Subtype B", "Label of the second side when it was marked.")
    strength: float = _column(
        1.0, "Strength", "How easily they are confused, 0 to 1.", editable=True
    )
    reason: str = _column(
        "", "Reason", "Why they look alike, in the expert's words.", editable=True
    )
    expert: str = _column("", "Expert", "Who marked them.")
    time: str = _column("", "Marked", "When, ISO 8601 in UTC.")
    status: str = _column("active", "Status", "active, or retired (kept, not used).")
    fingerprint_a: str = _column("", "Fingerprint A", "Content id of slide A.", shown=False)
    fingerprint_b: str = _column("", "Fingerprint B", "Content id of slide B.", shown=False)
    model_version: str = _column(
        "", "Model", "Model version on the screen when it was marked.", shown=False
    )

    @property
    def active(self) -> bool:
        """Whether the mark is used."""
        return self.status == "active"

    @property
    def sides(self) -> tuple[str, str]:
        """What the mark joins: two slide_ids, or two subtypes."""
        if self.level == "slide":
            return self.slide_a, self.slide_b
        return self.subtype_a, self.subtype_b

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The same for the same pair in either order by the same expert."""
        first, second = sorted(self.sides)
        return self.level, first, second, self.expert


def columns() -> tuple[str, ...]:
    """Column names, in order."""
    return tuple(f.name for f in fields(PairMark))


def types_of(row: type[Any]) -> dict[str, type]:
    """Field of a dataclass -> the type of its values: int, float, bool or str."""
    hints = get_type_hints(row)
    plain = (int, float, bool)
    return {f.name: hints[f.name] if hints[f.name] in plain else str for f in fields(row)}


def column_types() -> dict[str, type]:
    """Column name -> the type of its values: int, float, bool or str."""
    return types_of(PairMark)


def flipped(mark: PairMark) -> PairMark:
    """The same mark with its sides exchanged (every column that ends in _a and _b)."""
    swap: dict[str, Any] = {}
    for name in columns():
        stem, side = name[:-2], name[-2:]
        if side == "_a":
            swap[f"{stem}_b"] = getattr(mark, name)
        elif side == "_b":
            swap[f"{stem}_a"] = getattr(mark, name)
    return replace(mark, **swap)


def version_of(rows: Iterable[PairMark]) -> str:
    """Version of a table: how many marks are active, and a hash of what they say.

    It changes if and only if the active rows do: retiring and restoring a mark gives
    the former version back. Row numbers do not count, so a table that went through a
    CSV file keeps its version.

    Returns
    -------
    str
        Such as ``"3-9f86d081"``; ``"empty"`` without an active row.
    """
    active = [{k: v for k, v in asdict(r).items() if k != "id"} for r in rows if r.active]
    if not active:
        return "empty"
    lines = sorted(json.dumps(row, sort_keys=True) for row in active)
    return f"{len(lines)}-{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:8]}"
