"""Which rows of the cases panel are let through, besides the search. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.session.case_rows import CaseGroup, CaseRow, only
from napari_lookalike.session.column_colours import MOST, column_titles, column_values

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


def column_filters(cohort: Cohort) -> dict[str, CaseFilter]:
    """Filters by further columns of the manifest, of those that may be shown.

    Parameters
    ----------
    cohort
        The slides.

    Returns
    -------
    dict
        Key -> filter ("Age group: 4 to 10"). Values and steps are those of the map's legend;
        rarer values are found by the search.
    """
    found: dict[str, CaseFilter] = {}
    for by, title in column_titles(cohort).items():
        found |= _of_column(cohort, by, title)
    return found


def _of_column(cohort: Cohort, by: str, title: str) -> dict[str, CaseFilter]:
    values = column_values(by, [slide.slide_id for slide in cohort], cohort, [""] * MOST)
    slides: dict[str, set[str]] = {value: set() for value in values.colours}
    for slide_id, value in values.of.items():
        if value in slides:
            slides[value].add(slide_id)
    found = {}
    for value, those in slides.items():
        said = f"{title}: {value}"
        about = f"Slides whose manifest says “{said}”."
        found[f"{by}={value}"] = CaseFilter(said, about, partial(_one_of, frozenset(those)))
    return found


def filtered(
    groups: Iterable[CaseGroup], key: str, cohort: Cohort | None = None
) -> tuple[CaseGroup, ...]:
    """The groups with only those rows that a filter lets through.

    Parameters
    ----------
    groups
        The list.
    key
        Of `FILTERS`, or of `column_filters`. A value that no slide has any more hides nothing.
    cohort
        The slides, for the further columns.
    """
    if key == "all":
        return tuple(groups)
    chosen = FILTERS.get(key)
    if chosen is None and cohort is not None:
        for by, title in column_titles(cohort).items():
            if key.startswith(f"{by}="):
                chosen = _of_column(cohort, by, title).get(key) or chosen
    return tuple(groups) if chosen is None else only(groups, chosen.lets_through)


def _one_of(slide_ids: frozenset[str], row: CaseRow) -> bool:
    return row.slide_id in slide_ids
