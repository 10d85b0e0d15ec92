"""Colours by a further column of the manifest: categories, or steps of a scale. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.manifest_columns import number_of

COLUMN = "column:"
"""What the colours stand for is such a key: this, then the name of the column."""
NOT_GIVEN = "not given"
MOST = 7
"""So many texts, the most frequent ones, have a colour of their own; the rest is grey."""
SCALE = ("#5470B8", "#2F93A5", "#38B57E", "#97D148", "#FDE725")
"""From low to high, lighter at every step: viridis without its darkest part, which a dark window
swallows. Readers without red or green see the same order."""


@dataclass(frozen=True)
class ColumnValues:
    """What the map shows of a column.

    Parameters
    ----------
    of
        slide_id -> its category; slides without a value are not in it.
    colours
        Category -> "#RRGGBB" of those that have a colour of their own, in the order of the
        legend.
    """

    of: Mapping[str, str]
    colours: Mapping[str, str]


def column_titles(cohort: Cohort) -> dict[str, str]:
    """Key of `colouring` -> title, of the columns of this cohort that may be shown."""
    return {f"{COLUMN}{column.name}": column.title for column in cohort.columns}


def column_values(
    by: str, slide_ids: Sequence[str], cohort: Cohort, palette: Sequence[str]
) -> ColumnValues:
    """Categories of slides by a further column.

    Parameters
    ----------
    by
        `COLUMN` and the name of the column. Of one that may not be shown, nothing is.
    slide_ids
        The slides that are shown.
    cohort
        Where the cells are.
    palette
        Colours of categories.
    """
    name = by.removeprefix(COLUMN)
    kind = next((c.kind for c in cohort.columns if c.name == name), None)
    if kind is None:
        return ColumnValues({}, {})
    cells = ((s, dict(cohort[s].more).get(name)) for s in slide_ids if s in cohort)
    given = {s: cell for s, cell in cells if cell}
    if kind == "numbers":
        return _scale(given)
    most = [value for value, _ in Counter(sorted(given.values())).most_common(MOST)]
    return ColumnValues(given, dict(zip(sorted(most, key=_order), palette, strict=False)))


def _order(value: str) -> tuple[bool, float, list[tuple[float, str]]]:
    """Numbers by size; then texts by the alphabet, but "4 to 10" before "11 to 17"."""
    number = number_of(value)
    parts = re.findall(r"\d+|\D+", value.casefold())
    natural = [(float(part), "") if part.isdecimal() else (math.inf, part) for part in parts]
    return number is None, number or 0.0, natural


def _scale(given: Mapping[str, str]) -> ColumnValues:
    """Five steps with about as many different numbers each: an outlier does not take them all."""
    numbers = {s: number for s, cell in given.items() if (number := number_of(cell)) is not None}
    if not numbers:
        return ColumnValues({}, {})
    values = np.array(list(numbers.values()))
    parts = np.linspace(0, 1, len(SCALE) + 1)[1:-1]
    edges = np.quantile(np.unique(values), parts, method="higher")
    steps = np.searchsorted(edges, values, side="right")
    used = np.unique(steps).tolist()
    names = {step: _range(values[steps == step]) for step in used}
    shades = np.linspace(0, len(SCALE) - 1, len(used)).round().astype(int).tolist()
    colours = {names[step]: SCALE[i] for step, i in zip(used, shades, strict=True)}
    return ColumnValues(
        dict(zip(numbers, map(names.__getitem__, steps.tolist()), strict=True)), colours
    )


def _range(values: Iterable[float]) -> str:
    low, high = f"{min(values):.6g}", f"{max(values):.6g}"
    return low if low == high else f"{low} to {high}"
