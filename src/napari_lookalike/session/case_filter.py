"""Which rows of the cases panel are let through, besides the search. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from napari_lookalike.session.case_rows import CaseGroup, CaseRow, only

REVIEWED = "reviewed"
"""`SlideRecord.state` of a slide that a person has looked at."""


@dataclass(frozen=True)
class CaseFilter:
    """One choice of the filter.

    Parameters
    ----------
    title, help
        For a person.
    lets_through
        Whether a row is shown.
    """

    title: str
    help: str
    lets_through: Callable[[CaseRow], bool]


FILTERS: dict[str, CaseFilter] = {
    "all": CaseFilter("All slides", "Every slide of the project.", lambda _row: True),
    "wrong": CaseFilter(
        "Wrong", "Slides whose prediction is not their label.", lambda row: row.verdict == "wrong"
    ),
    "not_reviewed": CaseFilter(
        "Not reviewed",
        "Slides that nobody marked as reviewed.",
        lambda row: row.review != REVIEWED and row.state != "excluded",
    ),
    "reviewed": CaseFilter(
        "Reviewed",
        "Slides that somebody looked at and marked as reviewed.",
        lambda row: row.review == REVIEWED,
    ),
    "unlike": CaseFilter(
        "Unlike training",
        "Slides unlike anything in the training set: predictions of them are guesses.",
        lambda row: row.unlike,
    ),
    "not_labelled": CaseFilter(
        "Not labelled", "Slides without a subtype label.", lambda row: not row.label
    ),
    "not_embedded": CaseFilter(
        "Not embedded",
        "Slides without features, failed ones and missing files among them.",
        lambda row: row.state not in ("embedded", "excluded"),
    ),
    "predicted": CaseFilter(
        "Predicted",
        "Slides that the model in use says something of.",
        lambda row: row.probability is not None,
    ),
    "not_predicted": CaseFilter(
        "Not predicted",
        "Slides that the model in use says nothing of yet.",
        lambda row: row.probability is None and row.state != "excluded",
    ),
    "missing": CaseFilter(
        "File missing",
        "Slides whose file is not where it was. Relink, in Project, finds them again.",
        lambda row: row.state == "file missing",
    ),
    "marked": CaseFilter(
        "In look-alike pairs",
        "Slides that an active mark names.",
        lambda row: row.marks > 0,
    ),
}
"""Key -> filter, in the order in which they are offered."""


def filtered(groups: Iterable[CaseGroup], key: str) -> tuple[CaseGroup, ...]:
    """The groups with only those rows that a filter of `FILTERS` lets through."""
    return tuple(groups) if key == "all" else only(groups, FILTERS[key].lets_through)
