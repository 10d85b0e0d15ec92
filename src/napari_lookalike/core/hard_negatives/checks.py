"""What a row of the table must be; every refusal is a sentence for the expert."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.columns import (
    CONFIDENCE,
    STATES,
    PairMark,
    split_tags,
)
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile

LEVELS = ("slide", "subtype")
BEYOND_PX = 2**31
"""No slide is so large, and no larger number goes into a column of the database."""


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def checked(mark: PairMark) -> PairMark:
    """The mark with surrounding spaces removed, or a refusal.

    Parameters
    ----------
    mark
        A row, as typed or read.

    Raises
    ------
    TableError
        If it is not a pair of two different slides of different subtypes (or of two
        different subtypes), or its strength, status or time is not valid.
    """
    text: dict[str, Any] = {
        f.name: plain_text(getattr(mark, f.name))
        for f in fields(PairMark)
        if isinstance(getattr(mark, f.name), str)
    }
    if text["status"] == "active":  # as the first tables called it
        text["status"] = "proposed"
    mark = replace(mark, **{**text, "features": "; ".join(split_tags(text["features"]))})
    _check_values(mark)
    if mark.level == "slide":
        _check_slides(mark)
    else:
        _check_subtypes(mark)
    return replace(mark, strength=float(mark.strength), time=utc(mark.time))


def plain_text(typed: str) -> str:
    """A text without surrounding spaces, and without what a database cannot keep."""
    return typed.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()


def _check_values(mark: PairMark) -> None:
    if mark.level not in LEVELS:
        raise TableError(
            f"A mark joins two slides or two subtypes, not {mark.level!r}.",
            "Use the level 'slide' or 'subtype'.",
        )
    if mark.status not in STATES:
        raise TableError(
            f"A mark is proposed, agreed, disputed or retired, not {mark.status!r}.",
            "Use one of these four words.",
        )
    if mark.confidence not in CONFIDENCE:
        raise TableError(
            f"An expert is unsure, fairly sure or sure, not {mark.confidence!r}.",
            "Use one of these, or leave it empty.",
        )
    is_number = isinstance(mark.strength, int | float) and not isinstance(mark.strength, bool)
    if not is_number or not math.isfinite(mark.strength) or not 0 <= mark.strength <= 1:
        raise TableError(
            f"The strength {mark.strength!r} is not a number from 0 to 1.",
            "Give 1 for a pair that is confused most easily.",
        )


def _check_slides(mark: PairMark) -> None:
    if not mark.slide_a or not mark.slide_b:
        raise TableError("A pair of slides needs two slides.", "Select two slides and mark again.")
    same_content = mark.fingerprint_a and mark.fingerprint_a == mark.fingerprint_b
    if mark.slide_a == mark.slide_b or same_content:
        raise TableError(
            f"{mark.slide_a} and {mark.slide_b} are the same slide.", "Select two different slides."
        )
    if mark.subtype_a and mark.subtype_a == mark.subtype_b:
        raise TableError(
            f"{mark.slide_a} and {mark.slide_b} are both labelled {mark.subtype_a}: a hard "
            "negative is a pair of two different subtypes.",
            "Mark slides with different labels, or correct a label first.",
        )


def _check_subtypes(mark: PairMark) -> None:
    if not mark.subtype_a or not mark.subtype_b:
        raise TableError("A pair of subtypes needs two subtypes.", "Name both subtypes.")
    if mark.subtype_a == mark.subtype_b:
        raise TableError(
            f"A subtype cannot look like itself ({mark.subtype_a}).", "Name two different subtypes."
        )


def utc(time: str) -> str:
    """A time in UTC, to the second; the present if none is given."""
    if not time:
        return now()
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        raise TableError(
            f"{time!r} is not a time.", "Write it like 2026-05-31T14:00:00+00:00."
        ) from None
    parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return parsed.astimezone(UTC).isoformat(timespec="seconds")


def checked_tile(tile: EvidenceTile) -> EvidenceTile:
    """The evidence tile with surrounding spaces removed, or a refusal.

    Parameters
    ----------
    tile
        As pointed at, or read.

    Raises
    ------
    TableError
        If it names no slide, has no size, its kind, status or second opinion is not one
        of ours, or the second opinion is by nobody or by who pointed at it.
    """
    text: dict[str, Any] = {
        f.name: plain_text(getattr(tile, f.name))
        for f in fields(EvidenceTile)
        if isinstance(getattr(tile, f.name), str)
    }
    tile = replace(tile, **text)
    for value, known, what in (
        (tile.kind, ("diagnostic", "look-alike"), "kind"),
        (tile.status, ("active", "retired"), "status"),
        (tile.second_says, ("", "confirmed", "disputed"), "second opinion"),
    ):
        if value not in known:
            raise TableError(
                f"{value!r} is no {what} of an evidence tile.",
                f"Use {' or '.join(repr(k) for k in known)}.",
                tile.slide_id or None,
            )
    if not tile.slide_id or tile.size <= 0:
        raise TableError(
            "An evidence tile needs a slide and a size.", "Point at a tile of a slide."
        )
    if not all(abs(v) < BEYOND_PX for v in (tile.x, tile.y, tile.size)):
        raise TableError(
            "The evidence tile lies beyond any slide.", "Point at a tile of a slide.", tile.slide_id
        )
    if bool(tile.second_says) != bool(tile.second_expert):
        raise TableError("A second opinion needs a name.", "Type your name or initials.")
    if tile.second_says and tile.second_expert == tile.expert:
        raise TableError(
            "A second opinion has to come from somebody else than who pointed at the tile.",
            "Ask a colleague, or take your own tile back.",
            tile.slide_id,
        )
    return replace(tile, x=int(tile.x), y=int(tile.y), size=int(tile.size), time=utc(tile.time))
