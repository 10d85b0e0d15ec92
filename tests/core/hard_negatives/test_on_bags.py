"""Clicked tiles to instances: by overlap, without leaks, and every one accounted for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.hard_negatives import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.on_bags import (
    BagEvidence,
    EvidenceUse,
    evidence_for,
    instances_under,
)

SIZE = (447.3, 447.3)  # a grid's tiles need not be whole pixels
CORNERS = np.array([[c * 447.3, r * 447.3] for r in range(3) for c in range(4)])
TILE = EvidenceTile(id=1, mark=5, slide_id="a", x=0, y=0, size=447, kind="diagnostic")
COHORT = Cohort(
    tuple(
        SlideRecord(name, Path("gone.svs"), f"PAT-{name}", label, excluded=name == "out")
        for name, label in (("a", "A"), ("b", "B"), ("c", "A"), ("out", "A"), ("rare", "rare"))
    ),
    name="made up",
)
MARK = PairMark(id=5, level="slide", slide_a="a", slide_b="b")
PLACES = dict.fromkeys(("a", "b", "c", "rare"), (CORNERS, SIZE))


def used(*tiles: EvidenceTile, rows: tuple[PairMark, ...] = (MARK,), **more: object) -> EvidenceUse:
    return evidence_for(tiles, rows, COHORT, ("A", "B"), PLACES, **more)  # type: ignore[arg-type]


@given(st.integers(0, 11))
@settings(max_examples=12, deadline=None)
def test_a_tile_of_the_grid_is_that_instance(i: int) -> None:
    x, y = np.floor(CORNERS[i]).astype(int)
    assert instances_under(replace(TILE, x=int(x), y=int(y)), CORNERS, SIZE).tolist() == [i]


def test_other_sizes_and_shifted_grids() -> None:
    large = replace(TILE, size=900)  # over four tiles
    assert instances_under(large, CORNERS, SIZE).tolist() == [0, 1, 4, 5]
    small = replace(TILE, x=500, y=100, size=60)  # within one
    assert instances_under(small, CORNERS, SIZE).tolist() == [1]
    between = replace(TILE, x=200, y=200, size=447)  # nearest of four: the first
    assert instances_under(between, CORNERS, SIZE).tolist() == [0]
    assert not len(instances_under(replace(TILE, x=9000), CORNERS, SIZE))
    assert not len(instances_under(replace(TILE, size=0), CORNERS, SIZE))
    assert not len(instances_under(TILE, CORNERS[:0], SIZE))


def test_tiles_are_sorted_by_kind() -> None:
    found = used(TILE, replace(TILE, id=2, x=448, kind="look-alike"))
    assert found.bags["a"].diagnostic.tolist() == [0]
    assert found.bags["a"].lookalike.tolist() == [1]
    assert (found.n_tiles, found.left_out) == (2, {})


REASONS = {
    "lies on no tile": {"x": 90_000},
    "is disputed": {"second_expert": "B", "second_says": "disputed"},
    "no longer in the project": {"slide_id": "gone"},
    "that is excluded": {"slide_id": "out"},
    "without a subtype": {"slide_id": "rare"},
}


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_not_used_is_counted_with_its_reason(reason: str) -> None:
    found = used(replace(TILE, **REASONS[reason]))  # type: ignore[arg-type]
    assert not found.bags
    assert found.n_tiles == 0
    ((said, n),) = found.left_out.items()
    assert reason in said
    assert n == 1


def test_a_slide_that_was_not_embedded_has_no_tile() -> None:
    places = {name: place for name, place in PLACES.items() if name != "a"}
    found = evidence_for([TILE], [MARK], COHORT, ("A", "B"), places)
    assert "lies on no tile" in next(iter(found.left_out))


def test_retired_tiles_and_those_of_retired_marks_are_silent() -> None:
    silent = used(replace(TILE, status="retired"))
    assert (dict(silent.bags), dict(silent.left_out)) == ({}, {})
    assert not used(TILE, rows=(replace(MARK, status="retired"),)).bags


def test_one_tile_that_was_pointed_at_as_both_is_neither() -> None:
    found = used(TILE, replace(TILE, id=2, kind="look-alike"))
    assert not found.bags
    assert found.left_out == {"was pointed at as diagnostic and as look-alike": 2}


@pytest.mark.parametrize("patient", ["PAT-a", "PAT-b"])
def test_a_test_patient_of_the_tile_or_of_its_mark_hides_it(patient: str) -> None:
    found = used(TILE, without_patients={patient})
    assert not found.bags
    assert found.left_out == {"touches a test patient": 1}
    assert used(TILE, without_patients={"PAT-c"}).n_tiles == 1


def test_of_a_mark_of_subtypes_only_the_slide_itself_counts() -> None:
    mark = PairMark(id=5, level="subtype", subtype_a="A", subtype_b="B")
    assert used(TILE, rows=(mark,), without_patients={"PAT-b"}).n_tiles == 1
    assert not used(TILE, rows=(mark,), without_patients={"PAT-a"}).bags


def test_bag_evidence_counts_its_instances() -> None:
    assert len(BagEvidence.of([1, 2, 2], [2, 3])) == 2


def test_a_tile_that_nobody_looked_at_again_is_not_learnt_from() -> None:
    found = used(replace(TILE, unchecked=True))
    assert (found.bags, found.n_tiles) == ({}, 0)
    assert found.left_out == {"was not looked at again by who pointed at it": 1}
    agreed = replace(TILE, unchecked=True, second_expert="Dr B", second_says="confirmed")
    assert used(agreed).n_tiles == 1
