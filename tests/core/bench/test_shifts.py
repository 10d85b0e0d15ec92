"""Shifts do what they are called, and nothing else."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from napari_lookalike.core.bench.shifts import SHIFTS, hue_shift, shifted, stain_shift


def tile(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    colours = np.array([(225, 160, 200), (90, 60, 140), (240, 240, 242)])
    return colours[rng.integers(0, 3, (16, 16))].astype(np.uint8).repeat(4, 0).repeat(4, 1)


@pytest.mark.parametrize("name", SHIFTS)
def test_a_shift_changes_a_tile_and_keeps_its_form(name: str) -> None:
    for turn in (1, -1):
        changed = SHIFTS[name](tile(), turn)
        assert changed.shape == tile().shape and changed.dtype == np.uint8
        assert (changed != tile()).any()
        np.testing.assert_array_equal(changed, SHIFTS[name](tile(), turn))


def test_the_hue_turns_by_a_twentieth_and_value_stays() -> None:
    pink = np.full((8, 8, 3), (225, 160, 200), dtype=np.uint8)
    before, after = pink[0, 0] / 255.0, hue_shift(pink, 1)[0, 0] / 255.0
    h0, _, v0 = colorsys.rgb_to_hsv(*before)
    h1, _, v1 = colorsys.rgb_to_hsv(*after)
    assert (h1 - h0) % 1.0 == pytest.approx(0.05, abs=0.01)
    assert v1 == pytest.approx(v0, abs=0.01)


def test_the_stain_shift_goes_both_ways() -> None:
    blue = np.full((8, 8, 3), (90, 60, 140), dtype=np.uint8)
    more, less = (stain_shift(blue, turn).mean() for turn in (1, -1))
    assert more < blue.mean() < less


def test_tiles_of_a_group_go_the_same_way() -> None:
    tiles = np.stack([tile()] * 4)
    changed = shifted(tiles, np.array([0, 1, 2, 1]), "hue shift")
    np.testing.assert_array_equal(changed[0], changed[2])
    np.testing.assert_array_equal(changed[1], changed[3])
    assert (changed[0] != changed[1]).any()
