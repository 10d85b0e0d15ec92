"""The hard-negative table's columns, each declared once.

The database, the CSV files and the table on the screen follow from `PairMark`'s fields:
a new column is one more field here, with a default so that older files still open.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

Level = Literal["slide", "subtype"]


def _column(default: Any, title: str, help_: str, *, editable: bool = False, shown: bool = True) -> Any:
    return field(
        default=default,
        metadata={"title": title, "help": help_, "editable": editable, "shown": shown},
    )


@dataclass(frozen=True)
class PairMark:
    """One row: two slides, or two subtypes, that an expert calls look-alikes."""

    id: int = _column(0, "#", "Row number; 0 until it is stored.")
    level: Level = _column("slide", "Level", "Two slides, or two subtypes.")
    slide_a: str = _column("", "Slide A", "slide_id of the first slide; empty for a subtype pair.")
    slide_b: str = _column("", "Slide B", "slide_id of the second slide; empty for a subtype pair.")
    subtype_a: str = _column("", "Subtype A", "Label of the first side when it was marked.")
    subtype_b: str = _column("", "Subtype B", "Label of the second side when it was marked.")
    strength: float = _column(1.0, "Strength", "How easily they are confused, 0 to 1.", editable=True)
    reason: str = _column("", "Reason", "Why they look alike, in the expert's words.", editable=True)
    expert: str = _column("", "Expert", "Who marked them.")
    time: str = _column("", "Marked", "When, ISO 8601 in UTC.")
    status: str = _column("active", "Status", "active, or retired (kept, not used).")
    fingerprint_a: str = _column("", "Fingerprint A", "Content id of slide A.", shown=False)
    fingerprint_b: str = _column("", "Fingerprint B", "Content id of slide B.", shown=False)
    model_version: str = _column("", "Model", "Model version on the screen when it was marked.", shown=False)


def columns() -> tuple[str, ...]:
    """Column names, in order."""
    return tuple(f.name for f in fields(PairMark))
