"""What the map must show, as one value: pure, compared before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.near import OtherClass
from napari_lookalike.core.results import ModelResults, Projection
from napari_lookalike.core.signed import decimals, probability
from napari_lookalike.session.colours import (
    ColourBy,
    Colouring,
    Shapes,
    centre_text,
    colouring,
    predicted,
)
from napari_lookalike.session.colours import site_shapes as shapes_by_site
from napari_lookalike.session.session import Session

Shown = Literal["before", "after", "both"]

CAPTION = (
    "Each slide is placed by a model that never saw its patient. Distances on a UMAP mislead:"
    " open Figures."
)
LIVE = "Learning: slides move as their embeddings do"
LIVE_CAPTION = (
    "A picture of the direction only. Each slide is moved by a model that never saw its patient,"
    " asked about some of its tiles; figures and the new map come at the end."
)
RESEARCH = "Research use only."
NO_MODEL = "No map yet. Embed the slides, then train a first model in Teach: the map follows."
NO_PROJECT = "No project is open. Open one, or make a new one, in Project."
NO_MAP = "The map is being computed…"


@dataclass(frozen=True)
class MapLine:
    """A line between two slides: a mark of the two, or of their subtypes.

    Parameters
    ----------
    a, b
        slide_ids; of a mark of subtypes, the most central slide of each.
    strength
        0 to 1.
    of_subtypes
        Whether the mark joins the subtypes.
    """

    a: str
    b: str
    strength: float
    of_subtypes: bool = False


@dataclass(frozen=True, eq=False)
class MapView:
    """What the map shows.

    Parameters
    ----------
    slide_ids
        In the order of ``points``.
    points
        float32 (n_slides, 2).
    before
        float32 (n_slides, 2) where they were, NaN if nowhere; ``None`` = not shown.
    colouring, shapes
        Of the slides.
    lines
        Marked pairs.
    method
        Which map it is, as a sentence.
    caption
        What to keep in mind, and whose data these are.
    empty
        Why there is nothing to see; empty if there is.
    can_compare
        Whether there is a map from before a fine-tuning.
    """

    slide_ids: tuple[str, ...]
    points: NDArray[np.float32]
    before: NDArray[np.float32] | None
    colouring: Colouring
    shapes: Shapes
    lines: tuple[MapLine, ...]
    method: str
    caption: str
    empty: str
    can_compare: bool


class Once:
    """The last answer of a function, kept while it is asked about the same values.

    Values are the same if they are the same object, or equal strings: comparing cohorts of
    100,000 slides would take as long as asking again.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._asked: tuple[object, ...] = (self,)
        self._answer: Any = None

    def __call__(self, *asked: object) -> Any:
        """The answer."""
        same = len(asked) == len(self._asked) and all(
            a is b or (isinstance(a, str | bool) and a == b)
            for a, b in zip(asked, self._asked, strict=True)
        )
        if not same:
            self._asked, self._answer = asked, self._function(*asked)
        return self._answer


@dataclass(frozen=True)
class MapMemory:
    """What a panel that resolves the map again and again keeps from one time to the next."""

    colouring: Once = field(default_factory=lambda: Once(_colouring))
    shapes: Once = field(default_factory=lambda: Once(shapes_by_site))
    lines: Once = field(default_factory=lambda: Once(mark_lines))
    before: Once = field(default_factory=lambda: Once(points_of))
    near: Once = field(default_factory=lambda: Once(_near))


def _colouring(
    by: ColourBy,
    ids: tuple[str, ...],
    cohort: Cohort,
    results: ModelResults | None,
    marks: tuple[PairMark, ...],
    show_patient_ids: bool,
) -> Colouring:
    return colouring(by, ids, cohort, results, marks, show_patient_ids=show_patient_ids)


def _near(results: ModelResults, cohort: Cohort) -> OtherClass:
    return OtherClass(results, {record.slide_id: record.label for record in cohort})


_NO_POINTS = np.empty((0, 2), np.float32)
_NO_MARKS: tuple[PairMark, ...] = ()


def resolve_map(
    session: Session,
    by: ColourBy,
    shown: Shown,
    computing: str = "",
    memory: MapMemory | None = None,
) -> MapView:
    """From the session and the panel's own choices to what the map shows.

    Parameters
    ----------
    session
        The state.
    by
        What the points are coloured by.
    shown
        The map before the fine-tuning, after it, or both; "after" where there is only one.
    computing
        The map that is being computed ("UMAP"), empty if none is.
    memory
        Of the panel, so that only what changed is worked out again.
    """
    memory = MapMemory() if memory is None else memory
    former, latest = session.projection_before, session.projection
    if session.live is not None:  # in the middle of a fine-tuning
        former, latest = session.projection, session.live
    can_compare = former is not None and latest is not None
    shown = shown if can_compare else "after"
    at_before = shown == "before"
    projection = former if at_before else latest
    results = session.results_before or session.results if at_before else session.results
    ids = projection.slide_ids if projection is not None else ()
    points = projection.points if projection is not None else _NO_POINTS
    before = None
    if shown == "both" and former is not None:
        before = memory.before(former, ids)
    return MapView(
        ids,
        points,
        before,
        memory.colouring(
            by,
            ids,
            session.cohort,
            results,
            session.marks if by == "state" else _NO_MARKS,
            session.show_patient_ids,
        ),
        memory.shapes(ids, session.cohort),
        memory.lines(session.marks, session.cohort, ids, points),
        method_text(projection, computing) if session.live is None else LIVE,
        caption_of(session.cohort, CAPTION if session.live is None else LIVE_CAPTION),
        _why_empty(session) if not len(ids) else "",
        can_compare,
    )


def points_of(projection: Projection, slide_ids: Iterable[str]) -> NDArray[np.float32]:
    """Points of these slides, float32 (n, 2); NaN for those that the map does not have."""
    row = {slide_id: i for i, slide_id in enumerate(projection.slide_ids)}
    nowhere = np.full(2, np.nan, np.float32)
    rows = [projection.points[row[s]] if s in row else nowhere for s in slide_ids]
    return np.array(rows, np.float32).reshape(-1, 2)


def method_text(projection: Projection | None, computing: str) -> str:
    """Which map is shown, and which is on its way."""
    name = {"pca": "PCA", "umap": "UMAP"}
    if projection is None:
        return f"{computing} is being computed…" if computing else ""
    shown = name.get(projection.method, projection.method)
    if computing and computing != shown:
        return f"{shown} shown; {computing} is being computed…"
    return f"{shown} is being computed again…" if computing else shown


def caption_of(cohort: Cohort, caption: str = CAPTION) -> str:
    """What to keep in mind when reading the map."""
    synthetic = "Synthetic slides. " if cohort.synthetic else ""
    return f"{synthetic}{caption} {RESEARCH}"


def mark_lines(
    marks: Iterable[PairMark],
    cohort: Cohort,
    slide_ids: tuple[str, ...],
    points: NDArray[np.float32],
) -> tuple[MapLine, ...]:
    """A line for each active mark; the stronger one where several join the same pair."""
    there = set(slide_ids)
    central: dict[str, str] = {}
    lines: dict[frozenset[str], MapLine] = {}
    for mark in marks:
        if not mark.active:
            continue
        line = MapLine(mark.slide_a, mark.slide_b, mark.strength)
        if mark.level == "subtype":
            for label in mark.sides:
                if label not in central:
                    central[label] = _most_central(label, cohort, slide_ids, points)
            a, b = (central[label] for label in mark.sides)
            line = replace(line, a=a, b=b, of_subtypes=True)
        key = frozenset((line.a, line.b))
        if {line.a, line.b} <= there and (key not in lines or lines[key].strength < line.strength):
            lines[key] = line
    return tuple(lines.values())


NEAR = 3
"""Slides of another subtype that the card beside the pointer names."""


def slide_facts(
    session: Session,
    slide_id: str,
    results: ModelResults | None,
    near: OtherClass | None = None,
) -> tuple[str, ...]:
    """What the card beside the pointer says of a slide; never the patient.

    Parameters
    ----------
    session
        The state.
    slide_id
        The slide.
    results
        What the model says, of which the map is.
    near
        Looks up its nearest slides of another subtype; ``None`` = they are not named.
    """
    facts = []
    in_cohort = slide_id in session.cohort
    label = session.cohort[slide_id].label if in_cohort else ""
    facts.append(label or "not labelled")
    result = results.slides.get(slide_id) if results is not None else None
    if results is not None and result is not None:
        sure = probability(float(result.probabilities.max()))
        facts.append(f"predicted {predicted(results, slide_id)} ({sure}), research use only")
        if result.is_unlike:
            facts.append("unlike anything in the training set")
        held_out = f"held out in fold {result.fold + 1}"
        facts.append(held_out if result.held_out else "new slide, not trained on")
        facts += _near_facts(near, slide_id, label or predicted(results, slide_id))
    if in_cohort and session.cohort[slide_id].site:
        facts.append(centre_text(session.cohort[slide_id].site))
    return tuple(facts)


def _near_facts(near: OtherClass | None, slide_id: str, label: str) -> list[str]:
    found = near.of(slide_id, NEAR, label) if near is not None else ()
    if not found:
        return []
    lines = [f"– {n.slide_id}, {n.label} (similarity {decimals(n.similarity)})" for n in found]
    return ["most alike among other subtypes:", *lines]


def _why_empty(session: Session) -> str:
    if session.project is None and not len(session.cohort):
        return NO_PROJECT
    return NO_MODEL if session.results is None else NO_MAP


def _most_central(
    label: str, cohort: Cohort, slide_ids: tuple[str, ...], points: NDArray[np.float32]
) -> str:
    """The slide of that label that lies nearest to the others' mean; empty if there is none."""
    rows = [i for i, s in enumerate(slide_ids) if s in cohort and cohort[s].label == label]
    if not rows:
        return ""
    own = points[rows]
    nearest = int(np.argmin(np.linalg.norm(own - own.mean(axis=0), axis=1)))
    return slide_ids[rows[nearest]]
