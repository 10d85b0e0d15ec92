"""Noise, textures and point processes have the statistics that they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from napari_lookalike.core.synth.fields import (
    fibres,
    mosaic,
    scatter,
    smooth_noise,
    smoothstep,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_smoothstep_is_flat_outside_and_half_in_the_middle():
    x = np.array([-5.0, 1.0, 2.0, 3.0, 9.0], np.float32)
    assert smoothstep(x, 1.0, 3.0).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_noise_is_standardised_and_smooth_over_its_scale():
    fine, coarse = (smooth_noise(rng(), (256, 256), s) for s in (6.0, 60.0))
    assert fine.std() == pytest.approx(1.0, abs=0.01)

    def next_to(field):
        return np.corrcoef(field[:, :-4].ravel(), field[:, 4:].ravel())[0, 1]

    assert next_to(coarse) > 0.98 > 0.6 > next_to(fine)


@pytest.mark.parametrize("angle", [0.0, np.pi / 2])
def test_fibres_vary_across_and_not_along(angle):
    sheet = fibres(rng(), 128, angle, spread=0.05, length=12, sparse=0.05)
    along_x, along_y = np.abs(np.diff(sheet, axis=1)).mean(), np.abs(np.diff(sheet, axis=0)).mean()
    assert (along_x < 0.5 * along_y) if angle == 0.0 else (along_y < 0.5 * along_x)


def test_a_mosaic_keeps_the_variance_everywhere():
    sheets = [rng(1).standard_normal((128, 128)).astype(np.float32)]
    area = mosaic(rng(), sheets, (300, 420), np.zeros((4, 4), np.intp), 64)
    assert area.shape == (300, 420)
    parts = [area[y : y + 60, x : x + 60].std() for y in (0, 200) for x in (0, 300)]
    assert np.allclose(parts, 1.0, atol=0.12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(4.0, 20.0))
def test_points_keep_their_distance(seed, gap):
    density = np.full((20, 30), 0.004, np.float32)
    points = scatter(rng(seed), density, 8, gap)
    assert len(points) > 5
    assert pdist(points.astype(np.float64)).min() >= gap * (1 - 1e-5)
    assert points.min() >= 0 and points[:, 0].max() <= 240 and points[:, 1].max() <= 160


def test_points_lie_only_where_there_is_density():
    density = np.zeros((10, 10), np.float32)
    density[2, 7] = 0.5
    points = scatter(rng(), density, 8, 0.5)
    assert len(points) > 10
    assert (np.floor(points / 8) == (7, 2)).all()
