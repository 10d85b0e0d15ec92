"""The eight orientations are a group, and words for them are right."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from napari_lookalike.session.orientation import UPRIGHT, Orientation

EVERY = [Orientation(*flags) for flags in product((False, True), repeat=3)]


def picture(orientation):
    """What a 2 x 3 picture looks like, laid pixel by pixel."""
    pixels = np.arange(6).reshape(2, 3)
    height, width = (3, 2) if orientation.transposed else (2, 3)
    out = np.full((height, width), -1)
    for y, x in product(range(2), range(3)):
        u, v = orientation.to_screen(x - 1, y - 0.5)
        out[round(v + (height - 1) / 2), round(u + (width - 1) / 2)] = pixels[y, x]
    return out


@pytest.mark.parametrize("start", EVERY)
def test_turning_and_mirroring_are_what_numpy_says(start):
    assert np.array_equal(picture(start.turned(1)), np.rot90(picture(start), -1))
    assert np.array_equal(picture(start.turned(-1)), np.rot90(picture(start)))
    assert np.array_equal(picture(start.mirrored("left-right")), np.fliplr(picture(start)))
    assert np.array_equal(picture(start.mirrored("top-bottom")), np.flipud(picture(start)))


@pytest.mark.parametrize("start", EVERY)
def test_there_and_back(start):
    assert start.turned(4) == start.turned(1).turned(-1) == start
    assert start.mirrored("left-right").mirrored("left-right") == start
    assert start.to_slide(*start.to_screen(0.3, -2.0)) == (0.3, -2.0)
    again = UPRIGHT.mirrored("left-right") if start.is_mirrored else UPRIGHT
    assert again.turned(start.quarters) == start


def test_all_eight_are_reached_and_have_words_of_their_own():
    reached = {UPRIGHT.turned(n) for n in range(4)}
    reached |= {UPRIGHT.mirrored("left-right").turned(n) for n in range(4)}
    assert reached == set(EVERY)
    assert len({o.words for o in EVERY}) == 8
    assert UPRIGHT.words == ""
    assert UPRIGHT.turned(1).words == "Turned 90° right"
    assert UPRIGHT.turned(2).words == "Turned upside down"
    assert UPRIGHT.mirrored("left-right").words == "Mirrored left to right"
    assert UPRIGHT.mirrored("top-bottom").words == "Mirrored top to bottom"
    both = UPRIGHT.mirrored("left-right").turned(-1)
    assert both.words == "Mirrored left to right, turned 90° left"
