"""Pure functions from session values to what each panel must show: the door to all of them.

A panel calls one of these, compares the frozen value with the last one, and only then
touches its widgets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from napari_lookalike.core.evaluation import compare
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.results import ModelResults
from napari_lookalike.session.case_view import (
    CaseGroup,
    CaseRow,
    cases_of,
    patient_titles,
    resolve_cases,
    visible_slides,
)
from napari_lookalike.session.map_view import MapView, resolve_map
from napari_lookalike.session.overlay import OverlayView, resolve_overlay
from napari_lookalike.session.pair_view import PairView, resolve_pair
from napari_lookalike.session.prediction_view import (
    CaseView,
    PredictionView,
    resolve_prediction,
)
from napari_lookalike.session.slide_view import (
    SlideFacts,
    SlideView,
    neighbour_slides,
    resolve_slide,
)
from napari_lookalike.session.table_view import TableView, resolve_table
from napari_lookalike.session.teach_view import (
    ComparedRow,
    TeachView,
    compared_rows,
    comparison_of,
    resolve_teach,
)

__all__ = [
    "CaseGroup",
    "CaseRow",
    "CaseView",
    "ComparedRow",
    "Comparison",
    "MapView",
    "OverlayView",
    "PairView",
    "PredictionView",
    "SlideFacts",
    "SlideView",
    "TableView",
    "TeachView",
    "cases_of",
    "neighbour_slides",
    "patient_titles",
    "resolve_cases",
    "resolve_comparison",
    "resolve_map",
    "resolve_marks_table",
    "resolve_overlay",
    "resolve_pair",
    "resolve_prediction",
    "resolve_slide",
    "resolve_table",
    "resolve_teach",
    "visible_slides",
]

resolve_marks_table = resolve_table

Word = Literal["better", "worse", "unclear"]
_WORDS: dict[str, Word] = {"good": "better", "bad": "worse", "": "unclear"}


@dataclass(frozen=True)
class Comparison:
    """One figure before and after a fine-tuning, with a word on it.

    Parameters
    ----------
    row
        The figure as text.
    word
        "better" or "worse" where the 95 % interval of the difference leaves 0 out, else
        "unclear".
    """

    row: ComparedRow
    word: Word


def resolve_comparison(
    before: ModelResults | None, after: ModelResults | None, marks: Iterable[PairMark] = ()
) -> tuple[Comparison, ...]:
    """Two models side by side on the slides that both held out.

    Parameters
    ----------
    before, after
        What the two say, with their metrics.
    marks
        The pairs of subtypes of active marks are compared one by one.

    Returns
    -------
    tuple of Comparison
        Marked pairs first, then balanced accuracy and the recall of each class. Empty
        where a model has no held-out figures.
    """
    found = comparison_of(after, before)
    if found is None and before is not None and after is not None:
        both = "slides" in before.metrics and "slides" in after.metrics
        pairs = sorted({_subtypes(m) for m in marks if m.active and m.subtype_a})
        found = compare(before.metrics, after.metrics, pairs) if both else None
    return tuple(Comparison(row, _WORDS[row.tone]) for row in compared_rows(found))


def _subtypes(mark: PairMark) -> tuple[str, str]:
    first, second = sorted((mark.subtype_a, mark.subtype_b))
    return first, second
