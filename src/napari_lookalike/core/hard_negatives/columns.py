"""The hard-negative table's columns, each declared once.

The database, the CSV files and the table on the screen follow from `PairMark`'s fields:
a new column is one more field here, with a default so that older files still open.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal, get_type_hints

from napari_lookalike.core.hard_negatives.evidence import EvidenceTile

USED = ("proposed", "agreed")
"""States of a mark that training learns from; the first tables called the first "active"."""
STATES = (*USED, "disputed", "retired")
CONFIDENCE = ("", "unsure", "fairly sure", "sure")
INTERNAL = ("id", "revision")
"""Columns of the database's own, which say nothing about the pair."""


def _column(
    default: Any,
    title: str,
    help_: str,
    *,
    editable: bool = False,
    shown: bool = True,
    compare: bool = True,
) -> Any:
    return field(
        default=default,
        compare=compare,
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
    features: str = _column(
        "",
        "Tells them apart",
        "What tells the two apart under the microscope; several with ; between them.",
        editable=True,
    )
    test: str = _column("", "Test", "The discriminating test, such as INI1.", editable=True)
    test_result: str = _column("", "Result", "What the test showed, such as lost.", editable=True)
    confidence: Literal["", "unsure", "fairly sure", "sure"] = _column(
        "",
        "Confidence",
        "How sure the expert is: unsure, fairly sure or sure. It does not change the training.",
        editable=True,
    )
    expert: str = _column("", "Expert", "Who marked them.")
    time: str = _column("", "Marked", "When, ISO 8601 in UTC.")
    status: Literal["proposed", "agreed", "disputed", "retired"] = _column(
        "proposed",
        "Status",
        "proposed and agreed marks are used; disputed and retired ones are kept, not used.",
        editable=True,
    )
    fingerprint_a: str = _column("", "Fingerprint A", "Content id of slide A.", shown=False)
    fingerprint_b: str = _column("", "Fingerprint B", "Content id of slide B.", shown=False)
    model_version: str = _column(
        "", "Model", "Model version on the screen when it was marked.", shown=False
    )
    # Two equal rows say the same, however often each was changed.
    revision: int = _column(
        0, "Revision", "How often the row was changed.", shown=False, compare=False
    )

    @property
    def active(self) -> bool:
        """Whether the mark is used: proposed or agreed, not disputed or retired."""
        return self.status in (*USED, "active")

    @property
    def tags(self) -> tuple[str, ...]:
        """What tells the two apart, one feature each."""
        return split_tags(self.features)

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


@cache  # asked for every row that is read
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


def split_tags(text: str) -> tuple[str, ...]:
    """``"rosettes; pale"`` as ("rosettes", "pale"): without doubles, in their order."""
    return tuple(dict.fromkeys(tag.strip() for tag in text.split(";") if tag.strip()))


def mark_from(values: Mapping[str, Any]) -> PairMark:
    """A row from stored values: unknown columns are passed over, missing ones get defaults.

    The status "active" of the first tables is "proposed" now.
    """
    types = column_types()
    row: dict[str, Any] = {
        k: v if type(v) is types[k] else types[k](v)
        for k, v in values.items()
        if k in types and v is not None
    }
    if row.get("status") == "active":
        row["status"] = "proposed"
    return PairMark(**row)


def version_of(rows: Iterable[PairMark], evidence: Iterable[EvidenceTile] = ()) -> str:
    """Version of a table: how many marks are used, and a hash of what they say.

    It changes if and only if the used rows and tiles do: retiring and restoring a mark
    gives the former version back. Row numbers do not count, so a table that went through
    a CSV file keeps its version; nor do columns that are empty and that the first tables
    did not have, so that a model names its table as before.

    Parameters
    ----------
    rows
        Marks; those that are not used are passed over.
    evidence
        Evidence tiles; those that are not used, or whose mark is not, are passed over.

    Returns
    -------
    str
        Such as ``"3-9f86d081"``; ``"empty"`` without a used row.
    """
    active = [row for row in rows if row.active]
    if not active:
        return "empty"
    key_of = {row.id: row.key for row in active}
    lines = sorted(json.dumps(_said(row), sort_keys=True) for row in active)
    lines += sorted(
        json.dumps({**_pointed(tile), "of": key_of[tile.mark]}, sort_keys=True)
        for tile in evidence
        if tile.used and tile.mark in key_of
    )
    return f"{len(active)}-{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:8]}"


_LATER = ("features", "test", "test_result", "confidence")


def _said(mark: PairMark) -> dict[str, Any]:
    row = {k: v for k, v in asdict(mark).items() if k not in INTERNAL}
    if row["status"] == "proposed":
        row["status"] = "active"
    return {k: v for k, v in row.items() if v or k not in _LATER}


def _pointed(tile: EvidenceTile) -> dict[str, Any]:
    # A tile that counts here was looked at, whenever that was noted.
    return {k: v for k, v in asdict(tile).items() if k not in ("id", "mark", "unchecked")}
