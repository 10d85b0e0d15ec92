"""In which order the cases panel lists slides. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from napari_lookalike.session.case_rows import CaseGroup, CaseRow

BY_PATIENT = "patient"
_NUMBERS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class CaseSort:
    """One choice of the order.

    Parameters
    ----------
    title, help
        For a person.
    key
        Row -> what it is sorted by; slides that have the same stay in the cohort's order.
    """

    title: str
    help: str
    key: Callable[[CaseRow], Any]


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """What to sort a name by so that S9 comes before S10."""
    parts = _NUMBERS.split(text.casefold())
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p)


def _state(row: CaseRow) -> tuple[bool, bool, str]:
    return row.state == "excluded", row.state == "embedded", row.state


SORTS: dict[str, CaseSort] = {
    BY_PATIENT: CaseSort(
        "By patient", "Slides of one patient together, in the project's order.", lambda _row: 0
    ),
    "name": CaseSort("By name", "By the slide's name.", lambda row: natural(row.slide_id)),
    "label": CaseSort(
        "By subtype",
        "By the subtype label; slides without one come last.",
        lambda row: (not row.label, row.label.casefold()),
    ),
    "prediction": CaseSort(
        "By prediction",
        "By the predicted subtype, the surest first; slides without a prediction come last.",
        lambda row: (row.probability is None, row.prediction.casefold(), -(row.probability or 0)),
    ),
    "unsure": CaseSort(
        "Least sure first",
        "Slides of which the model can hardly tell its first from its second subtype come first.",
        lambda row: (row.margin is None, row.margin or 0.0),
    ),
    "wrong": CaseSort(
        "Wrong first",
        "Slides whose prediction is not their label come first, the surest errors at the top.",
        lambda row: (row.verdict != "wrong", -(row.probability or 0.0)),
    ),
    "marks": CaseSort(
        "Most look-alikes first",
        "Slides that most marks name come first.",
        lambda row: -row.marks,
    ),
    "site": CaseSort(
        "By centre",
        "By centre or scanner; slides without one come last.",
        lambda row: (not row.site, row.site.casefold()),
    ),
    "state": CaseSort(
        "By state",
        "Slides that miss something (file, features) come first.",
        _state,
    ),
}
"""Key -> order, as they are offered."""


def in_order(groups: Iterable[CaseGroup], key: str) -> tuple[CaseGroup, ...]:
    """The groups in an order of `SORTS`.

    Returns
    -------
    tuple of CaseGroup
        By patient: the groups as they are. Else one group without a title, since slides of
        a patient no longer stand together; each row says its patient (`CaseRow.patient`).
    """
    if key == BY_PATIENT:
        return tuple(groups)
    rows = sorted((row for group in groups for row in group.rows), key=SORTS[key].key)
    return (CaseGroup("", tuple(rows)),) if rows else ()
