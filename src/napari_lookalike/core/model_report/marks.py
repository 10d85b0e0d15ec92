"""What the marks knew: made before or after somebody could see how the models confuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from napari_lookalike.core.hard_negatives.columns import PairMark


def marks_in_time(
    rows: Iterable[PairMark], trained: Mapping[str, str], version: str
) -> list[dict[str, Any]]:
    """The active marks that were there when a version was trained, and what came before each.

    Parameters
    ----------
    rows
        Rows of the table as it is now.
    trained
        Model version -> when it was trained, ISO 8601 ("" where not known).
    version
        The version that is reported.

    Returns
    -------
    list of dict
        ``level``, ``sides``, ``time``, ``models_before`` (versions whose figures could be
        seen by whoever marked), ``sentence``. Marks made after the training are left out.
    """
    times = {name: _time(text) for name, text in trained.items()}
    until = times.get(version)
    found = []
    for row in rows:
        made = _time(row.time)
        if not row.active or (until is not None and made is not None and made > until):
            continue
        before = [
            name
            for name, at in sorted(times.items())
            if name != version and at is not None and made is not None and at <= made
        ]
        found.append(
            {
                "level": row.level,
                "sides": list(row.sides),
                "time": row.time,
                "models_before": before,
                "sentence": mark_sentence(row, before),
            }
        )
    return found


def mark_sentence(row: PairMark, models_before: list[str]) -> str:
    """What a mark is worth as knowledge from outside the data."""
    first, second = row.sides
    seen = ", ".join(models_before)
    if row.level == "slide":
        when = f"after {seen} could be looked at" if seen else "before any model was trained"
        return (
            f"The slides {first} and {second} were marked {when}; every fold that tests one of "
            "their patients was trained without this mark."
        )
    if not seen:
        return (
            f"{first} and {second} were marked as subtypes before any model of this project was "
            "trained: prior knowledge, used in every fold."
        )
    return (
        f"{first} and {second} were marked as subtypes after the confusion matrix of {seen} could "
        "be seen, which has the same patients in it. It is used in every fold, so figures of this "
        "pair may be too good."
    )


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
