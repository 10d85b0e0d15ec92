"""Softmax, exact alignment of the overlay, top tiles, and the real spots of a real section."""

import csv
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lookalike.core.attention import (
    attention_weights,
    display_range,
    overlay,
    top_tiles,
)
from napari_lookalike.core.tiles import TileGrid


def make_grid(cells, shape, origin=(0.0, 0.0), stride=(100.0, 100.0), size=None):
    return TileGrid(
        cells=np.asarray(cells, np.int32).reshape(-1, 2),
        shape=shape,
        origin_px0=origin,
        stride_px0=stride,
        size_px0=size or stride,
        tile_px=224,
        mpp=0.5,
        slide_size=(5000, 4000),
    )


finite = st.floats(-1e4, 1e4, width=32)


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 20)), elements=finite))
def test_weights_are_a_softmax_per_branch(logits):
    weights = attention_weights(logits)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-9)
    for row, found in zip(logits, weights, strict=True):
        exact = [math.exp(float(v) - float(max(row))) for v in row]
        np.testing.assert_allclose(found, np.array(exact) / math.fsum(exact), atol=1e-12)


@given(hnp.arrays(np.float64, 5, elements=st.floats(-50, 50)), st.floats(-1e3, 1e3))
def test_weights_do_not_change_with_a_constant(logits, shift):
    np.testing.assert_allclose(
        attention_weights(logits + shift), attention_weights(logits), atol=1e-9
    )


def test_padding_and_extremes():
    assert attention_weights([-np.inf, 0.0]).tolist() == [0.0, 1.0]
    assert attention_weights([-np.inf, -np.inf]).tolist() == [0.5, 0.5]
    assert attention_weights([1e30, -1e30]).tolist() == [1.0, 0.0]
    assert attention_weights(np.zeros((2, 0))).shape == (2, 0)


def drawn_interval(index, scale, translate):
    """Where napari draws a pixel: centred on its index, level 0 likewise, in level-0 pixels."""
    return (index - 0.5) * scale + translate + 0.5, (index + 0.5) * scale + translate + 0.5


strides = st.floats(20, 700)


@given(
    st.tuples(strides, strides),
    st.tuples(st.floats(0, 500), st.floats(0, 500)),
    st.floats(0.1, 4),
    st.floats(0.1, 4),
)
def test_every_pixel_covers_exactly_its_tile(stride, origin, mx, my):
    grid = make_grid([(0, 0), (3, 1), (2, 4)], (5, 4), origin, stride)
    made = overlay(grid, [1.0, 2.0, 3.0])
    scale_row, scale_column = made.napari_scale((mx, my))
    row0, column0 = made.napari_translate((mx, my))
    for (column, row), (x, y) in zip(grid.cells, grid.corners_px0, strict=True):
        # in µm; dividing by mpp gives level-0 pixels
        left, right = drawn_interval(column, scale_column / mx, column0 / mx)
        top, bottom = drawn_interval(row, scale_row / my, row0 / my)
        np.testing.assert_allclose([left, right], [x, x + stride[0]], atol=1e-6)
        np.testing.assert_allclose([top, bottom], [y, y + stride[1]], atol=1e-6)


def test_far_from_the_corner_a_fractional_stride_has_not_drifted():
    stride = 224 * 0.5 / 0.2527
    grid = make_grid([(300, 200)], (201, 301), (0.0, 0.0), (stride, stride))
    made = overlay(grid, [1.0])
    rounded = 300 * round(stride)  # what a whole-number stride would make of it
    assert abs(rounded - 300 * stride) > 60
    left, _ = drawn_interval(300, made.napari_scale()[1], made.napari_translate()[1])
    assert left == pytest.approx(300 * stride, abs=1e-6)


@pytest.mark.parametrize("size", [(150.0, 150.0), (60.0, 60.0)])
def test_overlapping_or_sparse_tiles_show_the_cell_around_their_centre(size):
    grid = make_grid([(0, 0), (1, 0), (1, 2)], (3, 2), (37.5, 12.25), (100.0, 90.0), size)
    made = overlay(grid, [0.1, 0.2, 0.3])
    for value, (x, y) in zip((0.1, 0.2, 0.3), grid.corners_px0, strict=True):
        cx, cy = x + size[0] / 2, y + size[1] / 2
        for dx in (-49.9, 0, 49.9):
            for dy in (-44.9, 0, 44.9):
                assert made.value_at(cx + dx, cy + dy) == pytest.approx(value)


def test_what_was_not_analysed_is_nan_and_none():
    made = overlay(make_grid([(1, 0)], (2, 2)), [0.0])
    assert np.isnan(made.image).sum() == 3
    assert made.image.dtype == np.float32
    assert made.value_at(150, 50) == 0.0  # low is not "not analysed"
    assert made.value_at(50, 50) is None
    for outside in ((-0.1, 50), (50, -0.1), (200, 50), (50, 200)):
        assert made.value_at(*outside) is None


def test_one_value_per_tile_is_needed():
    with pytest.raises(ValueError, match="for 1 tiles"):
        overlay(make_grid([(0, 0)], (1, 1)), [1.0, 2.0])


def test_colours_spread_between_percentiles_and_never_over_nothing():
    values = np.r_[np.linspace(0, 1, 1000), 1000.0, np.nan]
    low, high = display_range(values)
    assert 0 <= low < 0.02
    assert 0.98 < high < 1.01
    for flat in ([], [np.nan], [0.0], [5.0, 5.0], [-3.0]):
        low, high = display_range(flat)
        assert low < high
    mostly = np.r_[np.zeros(999), 1.0]
    assert display_range(mostly) == (0.0, 1.0)


def test_top_tiles_keep_their_distance_and_their_order():
    cells = [(c, r) for r in range(6) for c in range(6)]
    grid = make_grid(cells, (6, 6), stride=(90.5, 90.5))
    weights = np.random.default_rng(0).random(36)
    found = top_tiles(weights, 5, grid)
    assert found[0] == weights.argmax()
    assert (np.diff(weights[found]) <= 0).all()
    places = np.array(cells)[found]
    for i in range(len(found)):
        for j in range(i):
            assert np.hypot(*(places[i] - places[j])) >= 1.5
    # greedy by a plain loop
    expected = []
    for i in sorted(range(36), key=lambda i: -weights[i]):
        if all(np.hypot(*np.subtract(cells[i], cells[j])) >= 1.5 for j in expected):
            expected.append(i)
    assert found.tolist() == expected[:5]
    assert top_tiles(weights, 3).tolist() == np.argsort(-weights)[:3].tolist()
    assert len(top_tiles(weights, 100, grid)) < 36
    assert len(top_tiles([], 3)) == 0


@pytest.mark.shared
@pytest.mark.parametrize("name", ["C2", "C5"])
def test_spots_of_a_real_section_read_back_the_value_of_their_tile(shared, name):
    """Each spatial-transcriptomics spot lies in the tile that covers its full-resolution place."""
    file = shared / "data/wsi/her2st/spots" / f"{name}_selection.tsv"
    if not file.exists():
        pytest.skip("the her2st spots are not among the shared data")
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    spots = np.array([(float(r["pixel_x"]), float(r["pixel_y"])) for r in rows])
    column_row = np.array([(int(r["x"]), int(r["y"])) for r in rows])
    # Tiles of one spot pitch, at a scale at which strides are not whole: 224 px at 0.9 µm,
    # where the section has 0.685 µm per pixel.
    stride = 224 * 0.9 / 0.685
    cells = np.unique(np.floor(spots / stride).astype(int), axis=0)
    grid = make_grid(cells, tuple(cells.max(axis=0)[::-1] + 1), stride=(stride, stride))
    number = {tuple(c): i for i, c in enumerate(cells)}
    made = overlay(grid, np.arange(len(cells)))
    for x, y in spots:
        assert made.value_at(x, y) == number[int(x // stride), int(y // stride)]
    # The section's own array coordinates, carried by tiles, come back as a linear map of
    # the pixel coordinates: x and y are not exchanged, nothing is mirrored.
    for axis in (0, 1):
        sums, counts = np.zeros(len(cells)), np.zeros(len(cells))
        for (x, y), position in zip(spots, column_row, strict=True):
            i = number[int(x // stride), int(y // stride)]
            sums[i] += position[axis]
            counts[i] += 1
        image = overlay(grid, sums / counts).image
        r, c = np.nonzero(~np.isnan(image))
        slope = np.linalg.lstsq(np.c_[c, r, np.ones(len(r))], image[r, c], rcond=None)[0]
        other = slope[1 - axis]
        assert abs(slope[axis]) == pytest.approx(stride / 292, rel=0.05)  # 292 px spot pitch
        assert abs(other) < 0.1
