"""Composed slides: no photograph in two parts, tumour where it is said to be, seeds repeat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.core.bench.lookalike.made import REGIME, made_tiles

from napari_lookalike.core.bench.lookalike.compose import (
    BENIGN,
    CLASSES,
    FILLER,
    PAIR,
    PARTS,
    RARE,
    Composed,
    compose,
)
from napari_lookalike.core.bench.lookalike.regimes import EASIER, HARDER

FEATURES, NAMES, GROUPS = made_tiles()


@pytest.fixture(scope="module")
def cohort() -> Composed:
    return compose(FEATURES, NAMES, GROUPS, REGIME, 3)


def test_no_prototype_is_in_two_parts(cohort: Composed) -> None:
    """The first feature of a made tile is its prototype."""
    seen = {p: {int(g) for b in cohort.parts[p] for g in b.instances[:, 0]} for p in PARTS}
    for part in PARTS:
        assert seen[part] <= cohort.prototypes[part]
        for other in PARTS:
            assert part == other or not seen[part] & seen[other]


def test_counts_and_the_rare_class(cohort: Composed) -> None:
    for part, n, rare in (("train", 6, 2), ("validation", 4, 4), ("test", 5, 5)):
        labels = [b.label for b in cohort.parts[part]]
        assert {c: labels.count(c) for c in CLASSES} == {
            c: rare if c == RARE else n for c in CLASSES
        }
    assert len({b.slide_id for p in PARTS for b in cohort.parts[p]}) == 6 * 4 + 2 + 20 + 25


def test_tumour_tiles_are_of_the_class_and_the_rest_is_its_organs_benign_tissue(
    cohort: Composed,
) -> None:
    """The second feature of a made tile is its class."""
    for bag in (b for part in PARTS for b in cohort.parts[part]):
        kinds, tumour = bag.instances[:, 1].astype(int), cohort.tumour[bag.slide_id]
        assert len(bag) == REGIME.tiles
        if bag.label in BENIGN:
            assert not tumour.any()
            assert set(kinds) == {CLASSES.index(bag.label)}
        else:
            assert 2 <= tumour.sum() <= 4  # 10 to 25 % of 16
            assert set(kinds[tumour]) == {CLASSES.index(bag.label)}
            assert set(kinds[~tumour]) == {CLASSES.index(FILLER[bag.label])}


def test_the_same_seed_gives_the_same_slides_and_another_one_others(cohort: Composed) -> None:
    again, other = (compose(FEATURES, NAMES, GROUPS, REGIME, s) for s in (3, 4))
    for a, b in zip(cohort.parts["train"], again.parts["train"], strict=True):
        np.testing.assert_array_equal(a.instances, b.instances)
    assert cohort.prototypes != other.prototypes


def test_regimes_are_as_planned() -> None:
    assert (HARDER.tiles, HARDER.rare_slides) == (64, 4)
    assert (EASIER.tiles, EASIER.rare_slides) == (32, 5)
    one = replace(HARDER, validation_slides=1, test_slides=1)
    found = compose(FEATURES, NAMES, GROUPS, one, 0)
    assert {int(found.tumour[b.slide_id].sum()) for b in found.parts["train"]} == {0, 1}
    assert PAIR[1] == RARE
