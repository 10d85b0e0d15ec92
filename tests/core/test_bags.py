"""Bags are loaded in order, and a mixed cohort is refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_lookalike.core.bags import load_bags
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import Features
from napari_lookalike.core.tiles import TileGrid

GRID = TileGrid(
    np.zeros((2, 2), np.int32), (1, 1), (0.0, 0.0), (32.0, 32.0), (32.0, 32.0), 32, 0.5, (99, 99)
)


def features(slide_id: str) -> Features:
    return Features(slide_id, "f", np.full((2, 3), ord(slide_id[-1]), np.float32), GRID, "enc-1")


def project(**changes: Features) -> Any:
    names = [f"S{i}" for i in range(8)]
    records = tuple(
        SlideRecord(n, Path("x"), patient_id="P" if n == "S1" else "", label="A", site="here")
        for n in names
    )
    stored = {n: features(n) for n in names} | changes
    return SimpleNamespace(cohort=Cohort(records), load_features=stored.__getitem__)


def test_bags_come_in_the_order_asked_for() -> None:
    bags = load_bags(project(), ["S3", "S1"])
    assert [b.slide_id for b in bags] == ["S3", "S1"]
    assert [b.group for b in bags] == ["slide:S3", "P"]
    assert bags[0].instances[0, 0] == ord("3") and len(bags[0]) == 2
    assert (bags[0].label, bags[0].site) == ("A", "here")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"encoder": "enc-2"}, "encoder: most have enc-1, but not S2 .enc-2"),
        ({"grid": replace(GRID, mpp=None)}, "level-0 pixels"),
        ({"grid": replace(GRID, mpp=1.0)}, "at 1 µm"),
        ({"grid": replace(GRID, tile_px=64)}, "64 px tiles"),
        ({"instances": np.zeros((2, 4), np.float32)}, "4 numbers"),
    ],
)
def test_a_mixed_cohort_is_refused_by_name(change: dict[str, Any], word: str) -> None:
    odd = project(S2=replace(features("S2"), **change))
    with pytest.raises(FeatureError, match=word) as error:
        load_bags(odd, [f"S{i}" for i in range(8)])
    assert "S2" in str(error.value) and "S3" not in str(error.value)
    assert len(load_bags(odd, ["S0", "S1"])) == 2


def test_many_odd_slides_are_counted() -> None:
    odd = {f"S{i}": replace(features(f"S{i}"), encoder=f"enc-{i}") for i in range(1, 8)}
    with pytest.raises(FeatureError, match="and 1 more"):
        load_bags(project(**odd), [f"S{i}" for i in range(8)])
