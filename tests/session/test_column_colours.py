"""Colours by further columns of the manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.session.colours import PALETTE, UNKNOWN, Colouring, colouring
from napari_lookalike.session.column_colours import MOST, SCALE, column_titles


def cohort(name: str, cells: list[str]) -> Cohort:
    return Cohort(
        tuple(
            SlideRecord(f"S{i}", Path("x"), f"P-{i:04}", more=((name, cell),) if cell else ())
            for i, cell in enumerate(cells)
        )
    )


def shown(name: str, cells: list[str]) -> Colouring:
    of = cohort(name, cells)
    return colouring(f"column:{name}", [r.slide_id for r in of], of, None)


def legend(said: Colouring) -> dict[str, int]:
    return {c.name: c.count for c in said.categories}


def test_columns_have_keys_and_titles():
    assert column_titles(cohort("age_group", ["a", "a", "b", "b"])) == {
        "column:age_group": "Age group"
    }


def test_categories_and_empty_cells():
    said = shown("sex", ["m", "f", "m", "", "f"])
    assert legend(said) == {"f": 2, "m": 2, "not given": 1}
    assert [said.categories[i].name for i in said.of] == ["m", "f", "m", "not given", "f"]
    assert [c.colour for c in said.categories] == [*PALETTE[:2], UNKNOWN]


def test_the_most_frequent_have_colours_and_the_rest_is_others():
    cells = [f"kind {i}" for i in range(10) for _ in range(12 - i)]
    said = shown("sort", cells)
    assert list(legend(said)) == [*(f"kind {i}" for i in range(MOST)), "others"]
    assert legend(said)["others"] == 5 + 4 + 3
    assert said.categories[-1].colour == UNKNOWN
    assert len({c.colour for c in said.categories}) == MOST + 1


def test_few_numbers_are_categories_by_their_size():
    said = shown("grade", ["10", "2", "2", "10", "1"])
    assert list(legend(said)) == ["1", "2", "10"]


def test_texts_with_numbers_are_in_their_order():
    said = shown("age", ["11 to 17", "4 to 10", "0 to 3", "18 +"] * 2 + ["unknown"] * 2)
    assert list(legend(said)) == ["0 to 3", "4 to 10", "11 to 17", "18 +", "unknown"]


def test_many_numbers_are_a_scale_with_its_range():
    ages = [str(i) for i in range(100)]
    said = shown("age", [*ages, ""])
    names = list(legend(said))
    assert names == ["0 to 19", "20 to 39", "40 to 59", "60 to 79", "80 to 99", "not given"]
    assert [c.colour for c in said.categories] == [*SCALE, UNKNOWN]
    assert said.categories[said.of[41]].name == "40 to 59"


def test_an_outlier_does_not_take_the_scale():
    said = shown("count", [*(str(i) for i in range(50)), "9000"])
    assert min(legend(said).values()) >= 8
    assert list(legend(said))[-1].endswith(" to 9000")


def test_numbers_that_are_nearly_all_the_same_are_still_told_apart():
    cells = ["0"] * 90 + [str(i) for i in range(1, 9)]
    said = shown("count", cells)
    assert list(legend(said)) == ["0 to 1", "2 to 3", "4", "5 to 6", "7 to 8"]
    assert sum(legend(said).values()) == len(cells)


def test_a_column_that_may_not_be_shown_is_not_shown():
    of = cohort("surname", ["Muster", "Muster", "Probe", "Probe"])
    assert column_titles(of) == {}
    said = colouring("column:surname", [r.slide_id for r in of], of, None)
    assert legend(said) == {"not given": 4}


def lightness(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


def test_the_scale_grows_lighter_and_shows_on_a_dark_window():
    light = np.array([lightness(colour) for colour in SCALE])
    assert (np.diff(light) > 0.05).all()
    dark = lightness("#262930")  # napari's dark theme
    assert (light[0] + 0.05) / (dark + 0.05) > 2.5
