"""Which colour and which shape a slide has, on the map and wherever slides are listed.

Pure: no Qt. Colours are safe for colour-blind readers: Okabe and Ito (2008) without black,
which a dark window swallows, then colours of Paul Tol's "light" and "muted" schemes for more
than seven categories. A class keeps its colour whatever the map is coloured by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.results import ModelResults
from napari_lookalike.session.case_view import NO_PATIENT, patient_titles
from napari_lookalike.session.column_colours import COLUMN, NOT_GIVEN, column_values

ColourBy = str
"""A key of `COLOUR_BY`, or `COLUMN` and the name of a further column of the manifest."""

COLOUR_BY: dict[ColourBy, str] = {
    "label": "Subtype label",
    "prediction": "Prediction",
    "correct": "Correct?",
    "uncertainty": "How sure the model is",
    "state": "Review state",
    "site": "Centre",
    "patient": "Patient",
    "fold": "Fold",
    "label_source": "How the label was made",
    "stain": "Stain",
    "scale": "Where the scale is from",
}
"""What slides can be coloured by -> its title. The last ones are columns of every manifest."""

PALETTE: tuple[str, ...] = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#2F7FC9", "#D55E00", "#CC79A7",
    "#BBCC33", "#99DDFF", "#EE8866", "#AA4499", "#44BB99", "#FFAABB", "#DDCC77",
)  # fmt: skip
"""Colours of categories, in order; the fifth is lightened so that it shows on dark grey."""

UNKNOWN = "#9A9A9A"
RIGHT, WRONG = "#56B4E9", "#D55E00"
SURENESS: tuple[tuple[float, str, str], ...] = (
    (0.95, "95 % or more", "#2F7FC9"),
    (0.8, "80 to 95 %", "#7FB9E6"),
    (0.65, "65 to 80 %", "#D8C58A"),
    (0.5, "50 to 65 %", "#E69F00"),
    (0.0, "below 50 %", "#D55E00"),
)
"""Least probability of the predicted subtype, its name and its colour."""
MARKED, REVIEWED, TO_REVIEW, NOT_LOOKED_AT = "marked", "reviewed", "to review", "not looked at"
STATES = {MARKED: "#D55E00", REVIEWED: "#56B4E9", TO_REVIEW: "#F0E442"}
OTHERS = "others"
N_SHAPES = 6
"""Circle, square, triangle, diamond, inverted triangle, pentagon; then they repeat."""

NOT_LABELLED, NOT_PREDICTED, NOT_TRAINED_ON = "not labelled", "no prediction", "new slide"
NOT_JUDGED = "no label or no prediction"


@dataclass(frozen=True)
class Category:
    """One row of a legend.

    Parameters
    ----------
    name
        For a person.
    colour
        "#RRGGBB".
    count
        How many of the slides belong to it.
    """

    name: str
    colour: str
    count: int


@dataclass(frozen=True, eq=False)
class Colouring:
    """The colour of each slide.

    Parameters
    ----------
    by
        What they are coloured by.
    categories
        The legend.
    of
        int (n_slides,), for each slide the index of its category.
    """

    by: ColourBy
    categories: tuple[Category, ...]
    of: NDArray[np.int64]

    @property
    def colours(self) -> tuple[str, ...]:
        """The colour of each slide."""
        return tuple(self.categories[i].colour for i in self.of.tolist())


@dataclass(frozen=True, eq=False)
class Shapes:
    """The shape of each slide, by centre.

    Parameters
    ----------
    sites
        Centres in the order of the shapes; empty where fewer than two are known.
    of
        int (n_slides,), for each slide the index of its shape, below `N_SHAPES`.
    """

    sites: tuple[str, ...]
    of: NDArray[np.int64]


def category_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, in the order given; after the last colour they repeat."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(names))}


def class_colours(cohort: Cohort, results: ModelResults | None) -> dict[str, str]:
    """The colour of each subtype, the same for labels and predictions."""
    known = results.classes if results is not None else ()
    return category_colours(sorted({*known, *cohort.classes}))


def predicted(results: ModelResults | None, slide_id: str) -> str:
    """The most probable class of a slide; empty where nothing is predicted."""
    result = results.slides.get(slide_id) if results is not None else None
    if results is None or result is None:
        return ""
    return results.classes[int(result.ranking[0])]


def colouring(
    by: ColourBy,
    slide_ids: Sequence[str],
    cohort: Cohort,
    results: ModelResults | None,
    marks: Iterable[PairMark] = (),
    *,
    show_patient_ids: bool = False,
) -> Colouring:
    """Colours of slides.

    Of centres, patients and the like only as many as there are colours have one of their
    own, the most frequent first; the others are grey.

    Parameters
    ----------
    by
        What to colour by; of a further column that may not be shown (`Cohort.columns`), every
        slide is without a value.
    slide_ids
        The slides, in the order of the answer. Those that the cohort no longer has are grey.
    cohort, results, marks
        Where labels, centres, predictions, folds and review states come from.
    show_patient_ids
        Whether patients are named in clear; else they are numbered.
    """
    column = column_values(by, slide_ids, cohort, PALETTE) if by.startswith(COLUMN) else None
    value_of, fallback = (
        _values(by, cohort, results, marks, show_patient_ids)
        if column is None
        else (lambda s: column.of.get(s, ""), NOT_GIVEN)
    )
    values = [value_of(slide_id) for slide_id in slide_ids]
    counts = Counter(values)
    colours = _colours_by(by, cohort, results, counts) if column is None else column.colours
    grey = OTHERS if len(colours) < len(set(counts) - {""}) else ""
    name_of = {v: (v if v in colours else grey) if v else fallback for v in counts}
    found: Counter[str] = Counter()
    for value, n in counts.items():
        found[name_of[value]] += n
    names = [*(n for n in colours if n in found), *sorted(set(found) - set(colours))]
    index = {name: i for i, name in enumerate(names)}
    return Colouring(
        by,
        tuple(Category(n, colours.get(n, UNKNOWN), found[n]) for n in names),
        np.array([index[name_of[v]] for v in values], np.int64),
    )


def site_shapes(slide_ids: Sequence[str], cohort: Cohort) -> Shapes:
    """Shapes by centre; all circles where fewer than two centres are known."""
    sites = [cohort[s].site if s in cohort else "" for s in slide_ids]
    known = tuple(sorted({site for site in sites if site}))
    if len(known) < 2:
        return Shapes((), np.zeros(len(sites), np.int64))
    index = {site: i % N_SHAPES for i, site in enumerate(known)}
    return Shapes(known, np.array([index.get(site, 0) for site in sites], np.int64))


ValueOf = Callable[[str], str]


def _values(
    by: ColourBy,
    cohort: Cohort,
    results: ModelResults | None,
    marks: Iterable[PairMark],
    show_patient_ids: bool,
) -> tuple[ValueOf, str]:
    """slide_id -> its value (empty = not known), and what those without one are called."""

    def column(read: Callable[[SlideRecord], str]) -> ValueOf:
        return lambda s: read(cohort[s]) if s in cohort else ""

    if by == "patient":
        titles = patient_titles(cohort, show_patient_ids)
        return (lambda s: "" if titles.get(s) == NO_PATIENT else titles.get(s, "")), NO_PATIENT
    if by == "state":
        active = {s for m in marks if m.active and m.level == "slide" for s in m.sides}
        state = column(lambda r: r.state)
        return (lambda s: MARKED if s in active else state(s)), NOT_LOOKED_AT
    plain: dict[str, tuple[ValueOf, str]] = {
        "label": (column(lambda r: r.label), NOT_LABELLED),
        "prediction": (lambda s: predicted(results, s), NOT_PREDICTED),
        "correct": (lambda s: _verdict(cohort, results, s), NOT_JUDGED),
        "uncertainty": (lambda s: _sureness(results, s), NOT_PREDICTED),
        "site": (column(lambda r: r.site), "centre not known"),
        "fold": (lambda s: _fold(results, s), NOT_TRAINED_ON),
        "label_source": (column(lambda r: r.label_source), "not said"),
        "stain": (column(lambda r: r.stain), "not said"),
        "scale": (column(lambda r: r.mpp_source), "the slide's own file"),
    }
    return plain[by]


def _colours_by(
    by: ColourBy, cohort: Cohort, results: ModelResults | None, counts: Counter[str]
) -> dict[str, str]:
    """Colour of each value that has one of its own, in the order of the legend."""
    if by in ("label", "prediction"):
        return class_colours(cohort, results)
    if by == "correct":
        return {"correct": RIGHT, "wrong": WRONG}
    if by == "uncertainty":
        return {name: colour for _, name, colour in SURENESS}
    if by == "state":
        return dict(STATES)
    known = sorted((v for v in counts if v), key=lambda v: (-counts[v], len(v), v))
    own = known if len(known) <= len(PALETTE) else known[: len(PALETTE) - 1]
    return category_colours(sorted(own, key=lambda v: (len(v), v)))


def _label(cohort: Cohort, slide_id: str) -> str:
    return cohort[slide_id].label if slide_id in cohort else ""


def _verdict(cohort: Cohort, results: ModelResults | None, slide_id: str) -> str:
    label, prediction = _label(cohort, slide_id), predicted(results, slide_id)
    if not label or not prediction:
        return ""
    return "correct" if label == prediction else "wrong"


def _sureness(results: ModelResults | None, slide_id: str) -> str:
    result = results.slides.get(slide_id) if results is not None else None
    if result is None:
        return ""
    share = float(result.probabilities.max())
    return next(name for least, name, _ in SURENESS if share >= least)


def _fold(results: ModelResults | None, slide_id: str) -> str:
    result = results.slides.get(slide_id) if results is not None else None
    return f"fold {result.fold + 1}" if result is not None and result.fold >= 0 else ""


def centre_text(site: str) -> str:
    """A site for a person: "centre A", and not "centre Centre A" if that is its name."""
    return site if site.lower().startswith(("centre", "center")) else f"centre {site}"
