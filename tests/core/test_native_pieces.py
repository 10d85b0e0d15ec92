"""What is put together from native tiles is what a picture of all of them would show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.native_pieces import Natives, Target, paint
from napari_lookalike.core.slides.base import RGB, Level

WIDTH, HEIGHT, TILE_W, TILE_H = 70, 50, 16, 20
COLUMNS, ROWS = 5, 3
PICTURE = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
LEVEL = Level(WIDTH, HEIGHT, 1.0, 1.0, TILE_W, TILE_H)
AROUND = 60
PADDED = np.pad(PICTURE, ((AROUND, AROUND), (AROUND, AROUND), (0, 0)), constant_values=255)


class Reader:
    """Native tiles of the picture; what was read, and what was to be kept."""

    def __init__(self) -> None:
        self.read: list[tuple[int, int]] = []
        self.kept: set[tuple[int, int]] = set()

    def __call__(self, column: int, row: int, keep: bool) -> RGB:
        assert 0 <= column < COLUMNS and 0 <= row < ROWS
        self.read.append((column, row))
        if keep:
            self.kept.add((column, row))
        x, y = column * TILE_W, row * TILE_H
        tile = PICTURE[y : y + TILE_H, x : x + TILE_W].copy()
        tile.flags.writeable = False
        return tile


def everything(value: bool = True) -> np.ndarray:
    return np.full((ROWS, COLUMNS), value)


def target(x: int, y: int, width: int, height: int) -> Target:
    return Target(np.full((height, width, 3), 7, np.uint8), x, y)


places = st.tuples(
    st.integers(-AROUND, WIDTH + 20), st.integers(-AROUND, HEIGHT + 20),
    st.integers(1, 40), st.integers(1, 40),
)  # fmt: skip


@given(st.lists(places, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_every_target_shows_its_place_white_outside(places):
    reader, targets = Reader(), [target(*place) for place in places]
    paint(reader, LEVEL, Natives(0, 0, everything(), everything(False)), targets)
    for pixels, x, y in targets:
        there = PADDED[AROUND + y :, AROUND + x :][: pixels.shape[0], : pixels.shape[1]]
        whole = np.full_like(pixels, 255)
        whole[: there.shape[0], : there.shape[1]] = there
        np.testing.assert_array_equal(pixels, whole)
    assert len(reader.read) == len(set(reader.read)), "a tile is read once for all targets"
    assert not reader.kept


def test_what_is_not_needed_is_left_alone_and_what_is_needed_again_is_kept():
    needed, again = everything(), everything(False)
    needed[1, 2], again[0, 1] = False, True
    reader, canvas = Reader(), target(0, 0, WIDTH, HEIGHT)
    paint(reader, LEVEL, Natives(0, 0, needed, again), [canvas])
    assert (2, 1) not in reader.read and len(reader.read) == ROWS * COLUMNS - 1
    assert reader.kept == {(1, 0)}
    hole = np.s_[TILE_H : 2 * TILE_H, 2 * TILE_W : 3 * TILE_W]
    assert (canvas.pixels[hole] == 7).all()
    expected = PICTURE.copy()
    expected[hole] = 7
    np.testing.assert_array_equal(canvas.pixels, expected)


@pytest.mark.parametrize("corner", [(0, 0), (-2, -1), (1, 1)])
def test_the_rectangle_of_natives_may_begin_anywhere(corner):
    column, row = corner
    shape = (ROWS - row, COLUMNS - column)
    again = np.zeros(shape, bool)
    again[2 - row, 3 - column] = True
    reader, one = Reader(), target(50, 42, 12, 5)
    paint(reader, LEVEL, Natives(column, row, np.ones(shape, bool), again), [one])
    assert reader.kept == {(3, 2)} == set(reader.read)
    np.testing.assert_array_equal(one.pixels, PICTURE[42:47, 50:62])
