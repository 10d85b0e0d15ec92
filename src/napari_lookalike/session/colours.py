"""Which colour and which shape a slide has, on the map and wherever slides are listed.

Pure: no Qt. Colours are safe for colour-blind readers: Okabe and Ito (2008) without black,
which a dark window swallows, then colours of Paul Tol's "light" and "muted" schemes for more
than seven categories. A class keeps its colour whatever the map is coloured by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.results import ModelResults

ColourBy = Literal["label", "prediction", "correct", "site", "fold"]

COLOUR_BY: dict[ColourBy, str] = {
    "label": "Subtype label",
    "prediction": "Prediction",
    "correct": "Correct?",
    "site": "Centre",
    "fold": "Fold",
}
"""What slides can be coloured by -> its title."""

PALETTE: tuple[str, ...] = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#2F7FC9", "#D55E00", "#CC79A7",
    "#BBCC33", "#99DDFF", "#EE8866", "#AA4499", "#44BB99", "#FFAABB", "#DDCC77",
)  # fmt: skip
"""Colours of categories, in order; the fifth is lightened so that it shows on dark grey."""

UNKNOWN = "#9A9A9A"
RIGHT, WRONG = "#56B4E9", "#D55E00"
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


@dataclass(frozen=True)
class Colouring:
    """The colour of each slide.

    Parameters
    ----------
    by
        What they are coloured by.
    categories
        The legend.
    of
        For each slide, the index of its category.
    """

    by: ColourBy
    categories: tuple[Category, ...]
    of: tuple[int, ...]

    @property
    def colours(self) -> tuple[str, ...]:
        """The colour of each slide."""
        return tuple(self.categories[i].colour for i in self.of)


@dataclass(frozen=True)
class Shapes:
    """The shape of each slide, by centre.

    Parameters
    ----------
    sites
        Centres in the order of the shapes; empty where fewer than two are known.
    of
        For each slide, the index of its shape, below `N_SHAPES`.
    """

    sites: tuple[str, ...]
    of: tuple[int, ...]


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
    by: ColourBy, slide_ids: Sequence[str], cohort: Cohort, results: ModelResults | None
) -> Colouring:
    """Colours of slides.

    Parameters
    ----------
    by
        What to colour by.
    slide_ids
        The slides, in the order of the answer. Those that the cohort no longer has are grey.
    cohort, results
        Where labels, centres, predictions and folds come from.
    """
    value_of: dict[ColourBy, Callable[[str], tuple[str, str]]] = {
        "label": lambda s: (_label(cohort, s), NOT_LABELLED),
        "prediction": lambda s: (predicted(results, s), NOT_PREDICTED),
        "correct": lambda s: (_verdict(cohort, results, s), NOT_JUDGED),
        "site": lambda s: (cohort[s].site if s in cohort else "", "centre not known"),
        "fold": lambda s: (_fold(results, s), NOT_TRAINED_ON),
    }
    values = [value_of[by](slide_id) for slide_id in slide_ids]
    colours = _colours_by(by, cohort, results, {value for value, _ in values if value})
    names = [value or fallback for value, fallback in values]
    present = [name for name in colours if name in names]
    present += sorted(set(names) - set(present))
    categories = tuple(Category(n, colours.get(n, UNKNOWN), names.count(n)) for n in present)
    index = {name: i for i, name in enumerate(present)}
    return Colouring(by, categories, tuple(index[name] for name in names))


def site_shapes(slide_ids: Sequence[str], cohort: Cohort) -> Shapes:
    """Shapes by centre; all circles where fewer than two centres are known."""
    sites = [cohort[s].site if s in cohort else "" for s in slide_ids]
    known = tuple(sorted({site for site in sites if site}))
    if len(known) < 2:
        return Shapes((), (0,) * len(sites))
    index = {site: i % N_SHAPES for i, site in enumerate(known)}
    return Shapes(known, tuple(index.get(site, 0) for site in sites))


def _colours_by(
    by: ColourBy, cohort: Cohort, results: ModelResults | None, values: set[str]
) -> dict[str, str]:
    if by in ("label", "prediction"):
        return class_colours(cohort, results)
    if by == "correct":
        return {"correct": RIGHT, "wrong": WRONG}
    return category_colours(sorted(values, key=lambda v: (len(v), v)))


def _label(cohort: Cohort, slide_id: str) -> str:
    return cohort[slide_id].label if slide_id in cohort else ""


def _verdict(cohort: Cohort, results: ModelResults | None, slide_id: str) -> str:
    label, prediction = _label(cohort, slide_id), predicted(results, slide_id)
    if not label or not prediction:
        return ""
    return "correct" if label == prediction else "wrong"


def _fold(results: ModelResults | None, slide_id: str) -> str:
    result = results.slides.get(slide_id) if results is not None else None
    return f"fold {result.fold + 1}" if result is not None and result.fold >= 0 else ""


def centre_text(site: str) -> str:
    """A site for a person: "centre A", and not "centre Centre A" if that is its name."""
    return site if site.lower().startswith(("centre", "center")) else f"centre {site}"
