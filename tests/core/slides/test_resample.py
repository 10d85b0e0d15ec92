from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.slides.resample import area_resample

ROUNDING = 0.6  # Pillow's reduce, used for whole factors, rounds a little too far


def slow_area(image, box, size):
    """Mean of each output pixel's footprint, one pixel at a time; clamped at the edges."""
    left, top, right, bottom = box
    height, width = image.shape[:2]
    step_x, step_y = (right - left) / size[0], (bottom - top) / size[1]
    out = np.zeros((size[1], size[0], 3))
    for j in range(size[1]):
        for i in range(size[0]):
            x0, x1 = left + i * step_x, left + (i + 1) * step_x
            y0, y1 = top + j * step_y, top + (j + 1) * step_y
            total, weight = np.zeros(3), 0.0
            for y in range(int(np.floor(y0)), int(np.ceil(y1))):
                for x in range(int(np.floor(x0)), int(np.ceil(x1))):
                    w = (min(x1, x + 1) - max(x0, x)) * (min(y1, y + 1) - max(y0, y))
                    pixel = image[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]
                    total, weight = total + w * pixel, weight + w
            out[j, i] = total / weight
    return out


@given(
    st.integers(0, 999),
    st.floats(0, 3),
    st.floats(0, 3),
    st.floats(6, 17),
    st.floats(6, 15),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
@settings(max_examples=60, deadline=None)
def test_shrinking_equals_the_plain_mean(seed, left, top, width, height, size):
    image = np.random.default_rng(seed).integers(0, 256, (18, 20, 3), np.uint8)
    box = (left, top, left + width, top + height)
    assert np.abs(area_resample(image, box, size) - slow_area(image, box, size)).max() <= ROUNDING


def test_whole_factors_take_the_fast_way_to_the_same_result():
    image = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    box = (2, 2, 14, 10)
    assert (
        np.abs(area_resample(image, box, (6, 4)) - slow_area(image, box, (6, 4))).max() <= ROUNDING
    )


def test_one_to_one_is_a_copy():
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    out = area_resample(image, (1, 2, 8, 9), (7, 7))
    assert np.array_equal(out, image[2:9, 1:8])
    out[:] = 0
    assert image.any()


def test_enlarging_interpolates_linearly_between_centres():
    ramp = np.repeat(np.arange(0, 200, 20, dtype=np.uint8)[None, :, None], 3, axis=2)
    out = area_resample(np.repeat(ramp, 3, axis=0), (0, 0, 10, 3), (40, 3))
    centres = (np.arange(40) + 0.5) / 4 - 0.5
    expected = np.interp(centres, np.arange(10), np.arange(0, 200, 20))
    assert np.abs(out[1, :, 0] - expected).max() <= 0.51


@pytest.mark.parametrize("value", [0, 137, 255])
def test_a_flat_image_stays_flat(value):
    image = np.full((33, 47, 3), value, np.uint8)
    assert (area_resample(image, (0.3, 0.7, 46.1, 32.2), (13, 9)) == value).all()
