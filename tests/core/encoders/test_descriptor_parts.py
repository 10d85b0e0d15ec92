"""The parts of the descriptor against slow, plain computations."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from napari_lookalike.core.encoders.descriptor import colour, cooccurrence, gabor, lbp


def test_a_pixel_of_pure_stain_unmixes_to_that_stain() -> None:
    hematoxylin = np.array([0.65, 0.70, 0.29])
    eosin = np.array([0.07, 0.99, 0.11])
    for i, stain in enumerate((hematoxylin, eosin)):
        density = 0.5 * stain / np.linalg.norm(stain)
        pixel = np.round(256 * 10**-density - 1).astype(np.uint8)
        _, stains = colour.stain_channels(np.tile(pixel, (4, 4, 1)))
        expected = np.zeros(3)
        expected[i] = 0.5
        np.testing.assert_allclose(stains[:, 0, 0], expected, atol=0.01)


def test_white_glass_has_no_density() -> None:
    density, stains = colour.stain_channels(np.full((8, 8, 3), 255, dtype=np.uint8))
    assert not density.any() and not stains.any()


def test_halving_is_the_mean_of_four_pixels() -> None:
    image = np.random.default_rng(0).random((2, 6, 8)).astype(np.float32)
    half = colour.halve(image)
    for c, i, j in np.ndindex(half.shape):
        block = image[c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        assert half[c, i, j] == pytest.approx(block.mean(), rel=1e-5)


def test_colour_statistics_against_scipy() -> None:
    rng = np.random.default_rng(0)
    density, stains = rng.gamma(2.0, 0.1, (2, 3, 41, 41)).astype(np.float32)
    result = colour.colour_statistics(density, stains)
    assert result.shape == (60,)
    values = np.concatenate([density, stains]).reshape(6, -1).astype(np.float64)
    table = result[:54].reshape(6, 9)
    np.testing.assert_allclose(table[:, 0], values.mean(axis=1), rtol=1e-4)
    np.testing.assert_allclose(table[:, 1], values.std(axis=1), rtol=5e-3)
    np.testing.assert_allclose(table[:, 2] ** 3, scipy.stats.skew(values, axis=1), rtol=1e-2)
    np.testing.assert_allclose(table[:, 3] ** 3, scipy.stats.kurtosis(values, axis=1), rtol=5e-2)
    quantiles = np.quantile(values, colour.QUANTILES, axis=1).T
    np.testing.assert_allclose(table[:, 4:], quantiles, rtol=1e-2)
    correlation = np.corrcoef(values)
    pairs = [correlation[a, b] for a, b in ((0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5))]
    np.testing.assert_allclose(result[54:], pairs, atol=2e-3)


def _slow_lbp(image: np.ndarray) -> np.ndarray:
    circle = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    least = {}
    for p in range(256):
        bits = f"{p:08b}"
        both = (bits, bits[::-1])
        least[p] = min(int(b[k:] + b[:k], 2) for k in range(8) for b in both)
    names = sorted(set(least.values()))
    counts = np.zeros(len(names))
    for i in range(1, image.shape[0] - 1):
        for j in range(1, image.shape[1] - 1):
            bright = [image[i + dy, j + dx] > image[i, j] + np.float32(0.002) for dy, dx in circle]
            code = sum(int(b) << k for k, b in enumerate(bright))
            counts[names.index(least[code])] += 1
    return np.sqrt(counts / counts.sum())


def test_local_binary_patterns_against_a_plain_loop() -> None:
    image = np.random.default_rng(0).random((14, 11)).astype(np.float32)
    result = lbp.pattern_frequencies(image)
    assert result.shape == (lbp.N_CLASSES,) == (30,)
    np.testing.assert_allclose(result, _slow_lbp(image), atol=1e-6)


def test_local_binary_patterns_do_not_depend_on_rotation_or_reflection() -> None:
    image = np.random.default_rng(0).random((20, 20)).astype(np.float32)
    base = lbp.pattern_frequencies(image)
    for other in (np.rot90(image), image[::-1]):
        turned = np.ascontiguousarray(other)
        np.testing.assert_allclose(lbp.pattern_frequencies(turned), base, atol=1e-6)


@pytest.mark.parametrize("scale", range(len(gabor.FREQUENCIES)))
def test_a_grating_answers_loudest_in_its_own_band_and_direction(scale: int) -> None:
    pyramid = gabor.GaborPyramid(112)
    y, x = np.mgrid[:112, :112]
    for direction in range(gabor.ORIENTATIONS):
        angle = np.pi * direction / gabor.ORIENTATIONS
        phase = 2 * np.pi * gabor.FREQUENCIES[scale] * (np.cos(angle) * x + np.sin(angle) * y)
        moduli = pyramid.moduli(np.cos(phase)[None].astype(np.float32))
        middle = [m[0, :, m.shape[-1] // 4 : -m.shape[-1] // 4] for m in moduli]
        level = np.array([m.mean(axis=(1, 2)) for m in middle])
        assert np.unravel_index(level.argmax(), level.shape) == (scale, direction)
        # An analytic filter gives a grating of amplitude 1 a response of about 1 everywhere.
        assert level.max() == pytest.approx(1.0, abs=0.15)


def test_a_coarse_scale_equals_the_full_transform_sampled() -> None:
    pyramid = gabor.GaborPyramid(112)
    image = np.random.default_rng(0).random((1, 112, 112)).astype(np.float32)
    padded = np.pad(image[0].astype(np.float64), 8, mode="reflect")
    f = np.fft.fftfreq(128)
    middle = np.exp(2j * np.pi * (f[:, None] + f[None, :]) * 1.5)  # of a block of 4 x 4
    fy, fx = f[:, None], f[None, :]
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1
    frequency = gabor.FREQUENCIES[-1]
    radial = np.exp(-(np.log2(radius / frequency) ** 2) / (2 * 0.45**2))
    radial[0, 0] = 0
    turn = np.angle(np.exp(1j * np.arctan2(fy, fx)))
    angular = np.exp(-(turn**2) / (2 * (np.pi / 4 / 1.6) ** 2))
    full = np.abs(np.fft.ifft2(np.fft.fft2(padded) * radial * angular * 2 * middle))
    coarse = pyramid.moduli(image)[-1][0, 0]
    step = 112 // coarse.shape[-1]
    assert step == 4
    # What lies beyond the smaller grid's band is cut off: less than 1 % of the response.
    np.testing.assert_allclose(coarse, full[8:120:step, 8:120:step], atol=0.01 * full.max())


def test_log_covariance_is_the_matrix_logarithm() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 500)).astype(np.float32)
    rows[1] += rows[0]
    covariance = np.cov(rows.astype(np.float64), bias=True)
    ridge = 0.02 * np.trace(covariance) / 6 + 1e-6
    expected = scipy.linalg.logm(covariance + ridge * np.eye(6))
    np.testing.assert_allclose(cooccurrence._log_covariance(rows, 0.02), expected, atol=1e-4)


def test_cooccurrence_is_the_same_when_the_filter_bank_is_turned() -> None:
    maps = np.random.default_rng(0).gamma(2, 0.1, (2, 3, 4, 28, 28)).astype(np.float32)
    base = cooccurrence.directed_covariance(maps)
    assert base.shape == (6 * 7 // 2 * 3,)
    for shift in range(1, 4):
        turned = np.ascontiguousarray(np.roll(maps, shift, axis=2))
        np.testing.assert_allclose(cooccurrence.directed_covariance(turned), base, atol=1e-4)
    mirrored = np.ascontiguousarray(maps[:, :, [0, 3, 2, 1]])
    np.testing.assert_allclose(cooccurrence.directed_covariance(mirrored), base, atol=1e-4)


def test_second_order_energy_finds_how_coarse_a_pattern_is() -> None:
    x = np.arange(28)
    energies = []
    for cycles in (2, 4, 8):
        wave = 1 + 0.5 * np.cos(2 * np.pi * cycles * x / 28)
        maps = np.broadcast_to(wave, (1, 1, 4, 28, 28)).astype(np.float32)
        energies.append(cooccurrence.modulation_energies(maps).reshape(3))
        # By Parseval's theorem the ring holds the wave's variance: 0.125 of 1.125.
        assert np.exp(energies[-1].max()) == pytest.approx(0.125 / 1.125, rel=1e-2)
        turned = np.ascontiguousarray(np.swapaxes(maps, -1, -2))
        np.testing.assert_allclose(
            cooccurrence.modulation_energies(turned).reshape(3), energies[-1], atol=1e-3
        )
    assert [int(e.argmax()) for e in energies] == [0, 1, 2]
